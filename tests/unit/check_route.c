/* Tests of route.c and survey.c: endpoints of requests, and what profiles
 * open. */

#include "config.h"

#include "unit.h"

#include "route.h"
#include "survey.h"

/* -- endpoints -- */

static const struct {
	const char *method, *target;
	const char *path;		/* NULL: no endpoint */
	enum route_risk risk;
} rows[] = {
	{ "GET", "/_ping", "/_ping", ROUTE_HARMLESS },
	{ "HEAD", "/v1.51/_ping", "/_ping", ROUTE_HARMLESS },
	{ "POST", "/_ping", NULL, ROUTE_HARMLESS },
	{ "get", "/_ping", NULL, ROUTE_HARMLESS },
	{ "GET", "/v1.24/version", "/version", ROUTE_HARMLESS },
	{ "GET", "/containers/json?all=1", "/containers/json",
	    ROUTE_HARMLESS },
	{ "GET", "/v1.51/containers/web/json", "/containers/{id}/json",
	    ROUTE_READS },
	{ "GET", "/containers/json/json", "/containers/{id}/json",
	    ROUTE_READS },
	{ "GET", "/containers/a/b/json", "/containers/{id}/json",
	    ROUTE_READS },
	{ "GET", "/containers/web%2fexport", "/containers/{id}/export",
	    ROUTE_READS },
	{ "GET", "/containers/web%2Fattach%2Fws", "/containers/{id}/attach/ws",
	    ROUTE_WRITES },
	{ "POST", "/containers/web/attach?stream=1", "/containers/{id}/attach",
	    ROUTE_WRITES },
	{ "GET", "/containers/web", NULL, ROUTE_HARMLESS },
	{ "GET", "/containers", NULL, ROUTE_HARMLESS },
	{ "GET", "/containersjson", NULL, ROUTE_HARMLESS },
	{ "POST", "/containers/create", "/containers/create", ROUTE_ROOT },
	{ "POST", "/containers/prune", "/containers/prune", ROUTE_DISRUPTS },
	{ "DELETE", "/containers/create", "/containers/{id}",
	    ROUTE_DISRUPTS },
	{ "DELETE", "/containers/web/checkpoints/one",
	    "/containers/{id}/checkpoints/{checkpoint}", ROUTE_DISRUPTS },
	{ "GET", "/images/get?names=a", "/images/get", ROUTE_READS },
	{ "GET", "/images/registry:5000/a/b:1/get", "/images/{name}/get",
	    ROUTE_READS },
	{ "GET", "/images/search?term=x", "/images/search", ROUTE_HARMLESS },
	{ "GET", "/tasks/abc/logs", "/tasks/{id}/logs", ROUTE_STREAMS },
	{ "GET", "/tasks/abc", "/tasks/{id}", ROUTE_READS },
	{ "GET", "/services/web/logs", "/services/{id}/logs",
	    ROUTE_STREAMS },
	{ "POST", "/session", "/session", ROUTE_ROOT },
	{ "POST", "/v1.51/volumes/create", "/volumes/create", ROUTE_ROOT },
	{ "PUT", "/volumes/data?version=1", "/volumes/{name}",
	    ROUTE_DISRUPTS },
	{ "GET", "/v1.51/debug/pprof/heap", "/debug/{name}", ROUTE_READS },
	{ "POST", "/v5.0.0/libpod/containers/create",
	    "/libpod/containers/create", ROUTE_ROOT },
	{ "POST", "/libpod/containers/web/start", "/libpod/containers/{name}",
	    ROUTE_DISRUPTS },
	{ "GET", "/v", NULL, ROUTE_HARMLESS },
	{ "GET", "/v1.51", NULL, ROUTE_HARMLESS },
	{ "GET", "/", NULL, ROUTE_HARMLESS },
};

START_TEST(test_find)
{
	const struct route *route;
	struct target t;
	struct span target;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		target = unit_span(rows[_i].target, strlen(rows[_i].target),
		    (enum unit_side)side);
		if (target_parse(target, &t) != REASON_NONE) {
			ck_assert_ptr_null(rows[_i].path);
			continue;
		}
		route = route_find(span_of(rows[_i].method), &t);
		ck_assert_msg((route == NULL) == (rows[_i].path == NULL),
		    "%s", rows[_i].target);
		if (route == NULL)
			continue;
		ck_assert_str_eq(route->path, rows[_i].path);
		ck_assert_int_eq((int)route->risk, (int)rows[_i].risk);
	}
}
END_TEST

/* Each row of the table is found by a request for it: none is hidden by one
 * before it. */
START_TEST(test_table)
{
	const struct route *route = &route_table[_i];
	char buf[256];
	struct target t;
	const char *p;
	size_t n;

	ck_assert_uint_lt(route_count, ROUTE_CAP);
	n = 0;
	for (p = route->path; *p != '\0'; p++) {
		if (*p == '{') {
			p = strchr(p, '}');
			buf[n++] = 'x';
		} else {
			buf[n++] = *p;
		}
	}
	ck_assert_int_eq(target_parse((struct span){ buf, n }, &t),
	    REASON_NONE);
	ck_assert_msg(route_find(span_of(route->method), &t) == route,
	    "%s %s", route->method, route->path);
}
END_TEST

/* -- surveys -- */

static const struct {
	const char *profile;
	const char *opens;	/* "METHOD PATH LINE;" in the table's order */
	const char *unknown;	/* lines that open nothing known */
} surveys[] = {
	{ "GET /version\n", "GET /version 1;", "" },
	{ "GET /(v1\\.\\d+/)?(info|version)\nGET /info\n",
	    "GET /version 1;GET /info 1;", "" },
	/* Names and queries that are nothing but themselves. */
	{ "POST /v1\\.4[1-3]/containers/proxy/kill\\?signal=HUP\n",
	    "POST /containers/{id}/kill 1;", "" },
	{ "GET /images/x:1/json\nGET /image/json\n",
	    "GET /images/{name}/json 1;", "2 " },
	/* Wide ones are found by asking. */
	{ "# all\nDELETE /[cn].*\n", "DELETE /containers/{id}/checkpoints/"
	    "{checkpoint} 2;DELETE /containers/{id} 2;"
	    "DELETE /networks/{id} 2;DELETE /nodes/{id} 2;"
	    "DELETE /configs/{id} 2;", "" },
	/* What is refused anyway is not open. */
	{ "GET /containers/.*/attach/.*\n", "", "1 " },
	{ "GET /containers/[a-z]+/attach/ws\n",
	    "GET /containers/{id}/attach/ws 1;", "" },
	{ "GET /v1\\.1\\d/info\n", "", "1 " },
};

START_TEST(test_survey)
{
	static struct rule rules[8];
	static struct survey s;
	struct profile p = { .rules = rules, .rules_cap = 8 };
	const struct profile_reader reader = { NULL, NULL, NULL, NULL };
	char opens[1024] = "", unknown[64] = "";
	size_t i, n;

	ck_assert(profile_parse(&p, span_of(surveys[_i].profile), &reader));
	survey_make(&s, &p, 24);
	for (i = n = 0; i < route_count; i++)
		if (s.by[i] != NULL)
			n += (size_t)snprintf(opens + n, sizeof(opens) - n,
			    "%s %s %zu;", route_table[i].method,
			    route_table[i].path, s.by[i]->line_no);
	ck_assert_str_eq(opens, surveys[_i].opens);
	for (i = n = 0; i < p.nrules; i++)
		if (!s.is_known[i])
			n += (size_t)snprintf(unknown + n, sizeof(unknown) - n,
			    "%zu ", p.rules[i].line_no);
	ck_assert_str_eq(unknown, surveys[_i].unknown);
	profile_free(&p);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("route");
	tc = unit_case(s, "route");
	tcase_add_loop_test(tc, test_find, 0, ROWS(rows));
	tcase_add_loop_test(tc, test_table, 0, (int)route_count);
	tcase_add_loop_test(tc, test_survey, 0, ROWS(surveys));
	return s;
}
