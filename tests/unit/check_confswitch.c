/* Tests of confswitch.c: switches of docker-socket-proxy become a profile that
 * lets through what they say, and no more. */

#include "config.h"

#include "confunit.h"

#include "confprint.h"

/* Requests under switches.  The verdicts that begin with "-" differ from
 * those of the originals: they are stricter. */
static const struct {
	const char *variables;
	const char *request;
	const char *verdict;
} rows[] = {
	/* defaults of Tecnativa's */
	{ "INFO=0", "GET /_ping", "allow" },
	{ "INFO=0", "HEAD /v1.51/_ping", "allow" },
	{ "INFO=0", "GET /version", "allow" },
	{ "INFO=0", "GET /v1.41/events?since=1", "allow" },
	{ "INFO=0", "GET /info", "deny" },
	{ "INFO=0", "POST /_ping", "deny" },
	{ "INFO=0", "GET /containers/json", "deny" },
	{ "PING=0 VERSION=1", "GET /_ping", "deny" },
	{ "PING=0 VERSION=1", "GET /version", "allow" },
	{ "EVENTS=0", "GET /events", "deny" },
	{ "EVENTS=00", "GET /events", "deny" },
	{ "EVENTS=-1", "GET /events", "allow" },
	{ "EVENTS=01", "GET /events", "allow" },
	/* Whole targets: theirs are prefixes, in any case of letters. */
	{ "INFO=1", "GET /info", "allow" },
	{ "INFO=1", "GET /infoX", "-deny" },
	{ "INFO=1", "GET /INFO", "-deny" },
	{ "INFO=1", "GET /v1.51/info/x", "-deny" },
	/* reading containers */
	{ "CONTAINERS=1", "GET /containers/json?all=1", "allow" },
	{ "CONTAINERS=1", "GET /v1.51/containers/web/json", "allow" },
	{ "CONTAINERS=1", "GET /v1.51/containers/web/logs?follow=1", "allow" },
	{ "CONTAINERS=1", "GET /v1.51/containers/web/top", "allow" },
	{ "CONTAINERS=1", "GET /v1.51/containers/web/changes", "allow" },
	{ "CONTAINERS=1", "GET /v1.51/containers/web/stats", "allow" },
	{ "CONTAINERS=1", "GET /v1.51/containers/web/export", "-deny" },
	{ "CONTAINERS=1", "GET /containers/web/archive?path=/", "-deny" },
	{ "CONTAINERS=1", "GET /containers/web/attach/ws", "-deny" },
	{ "CONTAINERS=1", "POST /containers/create", "deny" },
	{ "CONTAINERS=1", "POST /containers/web/start", "deny" },
	{ "CONTAINERS=1", "DELETE /containers/web", "deny" },
	{ "CONTAINERS=1", "GET /images/json", "deny" },
	/* linuxserver's parts: closed unless named */
	{ "CONTAINERS=1 ALLOW_LOGS=1", "GET /containers/web/logs", "allow" },
	{ "CONTAINERS=1 ALLOW_LOGS=1", "GET /containers/web/top", "deny" },
	{ "CONTAINERS=1 ALLOW_LOGS=0", "GET /containers/web/logs", "deny" },
	{ "CONTAINERS=1 ALLOW_EXPORT=1", "GET /containers/web/export",
	    "allow" },
	{ "CONTAINERS=1 ALLOW_ARCHIVE=1", "GET /containers/web/archive?path=/",
	    "allow" },
	{ "ALLOW_LOGS=1", "GET /containers/web/logs", "deny" },
	/* writing */
	{ "CONTAINERS=1 POST=1", "POST /containers/create?name=x", "allow" },
	{ "CONTAINERS=1 POST=1", "POST /v1.51/containers/web/exec", "allow" },
	{ "CONTAINERS=1 POST=1", "POST /v1.51/containers/web/start", "allow" },
	{ "CONTAINERS=1 POST=1", "POST /v1.23/containers/web/start", "-deny" },
	{ "CONTAINERS=1 POST=1", "DELETE /containers/web", "-deny" },
	{ "CONTAINERS=1 POST=1", "PUT /containers/web/archive?path=/",
	    "-deny" },
	{ "CONTAINERS=1 POST=1", "POST /exec/abc/start", "deny" },
	{ "EXEC=1 POST=1", "POST /exec/abc/start", "allow" },
	{ "EXEC=1", "POST /exec/abc/start", "deny" },
	{ "IMAGES=1 POST=1", "POST /images/create?fromImage=x", "allow" },
	{ "IMAGES=1 POST=1", "DELETE /images/x", "-deny" },
	{ "IMAGES=1", "GET /images/a/b:1/json", "allow" },
	{ "IMAGES=1", "GET /images/a%40sha256:0/json", "allow" },
	{ "IMAGES=1", "GET /imagesx", "-deny" },
	{ "BUILD=1 POST=1", "POST /build/prune", "allow" },
	{ "POST=1", "POST /containers/create", "deny" },
	{ "VOLUMES=1 POST=1", "POST /volumes/create", "allow" },
	/* single actions */
	{ "ALLOW_START=1", "POST /v1.51/containers/web/start", "allow" },
	{ "ALLOW_START=1", "POST /containers/web/start", "allow" },
	{ "ALLOW_START=1", "POST /containers/web/startx", "-deny" },
	{ "ALLOW_START=1", "GET /containers/web/start", "-deny" },
	{ "ALLOW_START=1", "POST /containers/web/stop", "deny" },
	{ "ALLOW_START=1", "POST /v1.23/containers/web/start", "-deny" },
	{ "ALLOW_STOP=1", "POST /containers/web/stop?t=3", "allow" },
	{ "ALLOW_STOP=1", "POST /containers/web/kill", "deny" },
	{ "ALLOW_RESTARTS=1", "POST /containers/web/kill?signal=HUP",
	    "allow" },
	{ "ALLOW_RESTARTS=1", "POST /containers/web/restart", "allow" },
	{ "ALLOW_RESTARTS=1", "POST /containers/web/start", "deny" },
	{ "ALLOW_PAUSE=1", "POST /containers/web/pause", "allow" },
	{ "ALLOW_PAUSE=1", "POST /containers/web/unpause", "deny" },
	/* Podman */
	{ "LIBPOD_CONTAINERS=1", "GET /v5.0.0/libpod/containers/json",
	    "allow" },
	{ "LIBPOD_CONTAINERS=1", "GET /libpod/containers/web/exists",
	    "allow" },
	{ "LIBPOD_CONTAINERS=1", "GET /containers/json", "deny" },
	{ "LIBPOD_CONTAINERS=1", "GET /libpod/_ping", "allow" },
	{ "LIBPOD_CONTAINERS=1", "POST /libpod/containers/create", "deny" },
	{ "CONTAINERS=1", "GET /libpod/_ping", "deny" },
	{ "LIBPOD_ALLOW_POD_STOP=1", "POST /libpod/pods/x/stop", "allow" },
	/* A profile wins; then they are other programs' variables. */
	{ "CONTAINERS=true PROFILE=two DSP_PROFILE_DIR=@/first",
	    "GET /two", "allow" },
	{ "CONTAINERS=1 PROFILE=two DSP_PROFILE_DIR=@/first",
	    "GET /containers/json", "deny" },
};

static int code;

static void
explain(const struct conf *c)
{
	code = confprint_explain(c);
}

START_TEST(test_rows)
{
	const char *verdict = rows[_i].verdict;
	struct conf *c;

	c = load_good(join("-e ", rows[_i].request, "", ""),
	    rows[_i].variables, "");
	(void)printed(explain, c);
	if (verdict[0] == '-')
		verdict++;
	ck_assert_msg((code == 0) == (strcmp(verdict, "allow") == 0),
	    "%s: %s", rows[_i].variables, rows[_i].request);
	conf_free(c);
}
END_TEST

/* What --test prints can be kept as a profile, and says the same; a head warns
 * of root; what is closed is said. */
START_TEST(test_keep)
{
	static const char variables[] = "CONTAINERS=1 POST=1 IMAGES=1 "
	    "ALLOW_START=1 LIBPOD_INFO=1 VOLUMES=1";
	struct conf *c, *again;
	const char *text;

	c = load_good("-t", variables, "");
	text = printed(confprint_summary, c);
	ck_assert_ptr_nonnull(strstr(text, "profile to keep:\n"));
	ck_assert_ptr_nonnull(strstr(text, c->switches));
	ck_assert_ptr_eq(strstr(c->switches, "# HOST ROOT: POST with "
	    "CONTAINERS, VOLUMES.\n"), c->switches);
	ck_assert_ptr_nonnull(strstr(c->switches, "\n#! DELETE "
	    "/{V}containers/{ID}{QUERY}\n"));
	write_file("first/kept", c->switches);
	again = load_good("-p kept", "", "profile-dir @/first\n");
	ck_assert_uint_eq(again->profile->nrules, c->profile->nrules);
	ck_assert_str_eq(c->profile->name, "environment");
	ck_assert_uint_gt(c->profile->danger.len, 0);
	conf_free(again);
	conf_free(c);
}
END_TEST

/* Every switch by itself, and all at once: a profile that loads. */
START_TEST(test_all)
{
	static const char *const names[] = { "AUTH", "BUILD", "COMMIT",
		"CONFIGS", "CONTAINERS", "DISTRIBUTION", "EVENTS", "EXEC",
		"GRPC", "IMAGES", "INFO", "NETWORKS", "NODES", "PING",
		"PLUGINS", "POST", "SECRETS", "SERVICES", "SESSION", "SWARM",
		"SYSTEM", "TASKS", "VERSION", "VOLUMES", "ALLOW_START",
		"ALLOW_STOP", "ALLOW_RESTARTS", "ALLOW_PAUSE", "ALLOW_UNPAUSE",
		"ALLOW_ARCHIVE", "ALLOW_CHANGES", "ALLOW_EXPORT", "ALLOW_LOGS",
		"ALLOW_TOP", "LIBPOD_CONTAINERS", "LIBPOD_EVENTS",
		"LIBPOD_EXEC", "LIBPOD_GENERATE", "LIBPOD_IMAGES",
		"LIBPOD_INFO", "LIBPOD_MANIFESTS", "LIBPOD_NETWORKS",
		"LIBPOD_PING", "LIBPOD_PLAY", "LIBPOD_PODS", "LIBPOD_SECRETS",
		"LIBPOD_SYSTEM", "LIBPOD_VERSION", "LIBPOD_VOLUMES",
		"LIBPOD_ALLOW_START", "LIBPOD_ALLOW_STOP",
		"LIBPOD_ALLOW_RESTARTS", "LIBPOD_ALLOW_PAUSE",
		"LIBPOD_ALLOW_UNPAUSE", "LIBPOD_ALLOW_POD_START",
		"LIBPOD_ALLOW_POD_STOP", "LIBPOD_ALLOW_POD_RESTARTS",
		"LIBPOD_ALLOW_POD_PAUSE", "LIBPOD_ALLOW_POD_UNPAUSE" };
	char all[2048] = "";
	struct conf *c;
	size_t i, n;

	for (i = n = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		c = load_good("", join(names[i], "=1", "", ""), "");
		ck_assert_ptr_nonnull(c->switches);
		conf_free(c);
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s=1 ",
		    names[i]);
	}
	c = load_good("", all, "");
	ck_assert_uint_gt(c->profile->nrules, 50);
	conf_free(c);
}
END_TEST

START_TEST(test_wrong)
{
	static const char *const wrong[] = { "CONTAINERS=true", "POST=yes",
		"INFO=\t1", "VERSION=1.2.3", "PING=-", "EXEC=1x" };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_ptr_null(load("", wrong[i], ""));
		ck_assert_int_eq(nmessages, 1);
		ck_assert_ptr_nonnull(strstr(messages, "a switch of "
		    "docker-socket-proxy: 1 allows, 0 does not"));
	}
	/* Empty is not set, and nothing set is no profile. */
	ck_assert_ptr_null(load("", "CONTAINERS=", ""));
	ck_assert_ptr_nonnull(strstr(messages, "no profile"));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("confswitch");
	tc = with_folder(s, "confswitch");
	tcase_add_loop_test(tc, test_rows, 0, ROWS(rows));
	tcase_add_test(tc, test_keep);
	tcase_add_test(tc, test_all);
	tcase_add_test(tc, test_wrong);
	return s;
}
