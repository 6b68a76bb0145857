/* Tests of learn*.c: which profile a log makes. */

#include "config.h"

#include "learnunit.h"

#include "learnvalue.h"

/* An id of 64 digits, and of Swarm. */
#define FULL "4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66"
#define SWARM "0kzzo1i0y4jz6027t0k7aezc7"

#define CLASSES "include classes\n\n"

static const struct {
	const char *requests;
	const char *text;	/* printed below the head */
} rows[] = {
	/* versions */
	{ "GET /info\nGET /v1.51/info\nGET /v1.24/info\n",
	    CLASSES "# 3 x, as GET /info\nGET          /{V}info\n" },
	{ "GET /v5.0.0/libpod/info\n",
	    "\n# 1 x, as GET /v5.0.0/libpod/info\n"
	    "GET          /(v\\d+\\.\\d+\\.\\d+/)?libpod/info\n" },
	{ "GET /v5.0.0/libpod/info\nGET /v1.40/libpod/info\n",
	    CLASSES "# 2 x, as GET /v5.0.0/libpod/info\n"
	    "GET          /({V}|v\\d+\\.\\d+\\.\\d+/)libpod/info\n" },
	/* ping and version */
	{ "HEAD /_ping\nGET /v1.51/version\nGET /v1.51/version\n",
	    "# 3 x _ping and version\ninclude ping\n\n" },
	{ "HEAD /_ping\n",
	    CLASSES "# 1 x, as HEAD /_ping\nHEAD         /{V}_ping\n" },
	{ "GET /_ping\nGET /version?a=b\n",
	    CLASSES "# 1 x, as GET /_ping\nGET          /{V}_ping\n"
	    "# 1 x, as GET /version?a=b\n"
	    "GET          /{V}version\\?a=b\n" },
	/* names */
	{ "GET /containers/web/json\nGET /v1.51/containers/" FULL "/json\n",
	    CLASSES "# READS-SECRETS: 2 x, as GET /containers/web/json\n"
	    "GET          /{V}containers/{ID}/json\n" },
	{ "GET /containers/web/json\nGET /containers/-a/json\n",
	    CLASSES "# READS-SECRETS: 1 x, as GET /containers/web/json\n"
	    "GET          /{V}containers/{ID}/json\n"
	    "# READS-SECRETS: 1 x, as GET /containers/-a/json\n"
	    "GET          /{V}containers/-a/json\n" },
	{ "GET /exec/0a1b/json\nGET /exec/ABC/json\n",
	    CLASSES "# READS-SECRETS: 1 x, as GET /exec/0a1b/json\n"
	    "GET          /{V}exec/{HEX}/json\n"
	    "# READS-SECRETS: 1 x, as GET /exec/ABC/json\n"
	    "GET          /{V}exec/ABC/json\n" },
	{ "GET /tasks/" SWARM "\n",
	    CLASSES "# READS-SECRETS: 1 x, as GET /tasks/" SWARM "\n"
	    "GET          /{V}tasks/{ID}\n" },
	{ "GET /images/a:5/b/c@sha256:" FULL "/json\n"
	    "GET /images/b%40sha256:" FULL "/json\n",
	    CLASSES "# 2 x, as GET /images/a:5/b/c@sha256:" FULL "/json\n"
	    "GET          /{V}images/{IMAGE}/json\n" },
	{ "GET /images/b%40x/json\nGET /images/b%41:x/json\n",
	    CLASSES "# 1 x, as GET /images/b%40x/json\n"
	    "GET          /{V}images/b%40x/json\n" },
	{ "DELETE /containers/a/checkpoints/b\n",
	    CLASSES "# DISRUPTS: 1 x, as DELETE /containers/a/checkpoints/b\n"
	    "DELETE       /{V}containers/{ID}/checkpoints/{ID}\n" },
	{ "GET /debug/vars\n",
	    CLASSES "# READS-SECRETS: 1 x, as GET /debug/vars\n"
	    "GET          /{V}debug/vars\n" },
	/* Podman's names may be actions. */
	{ "GET /libpod/containers/json\nGET /libpod/containers/a/json\n",
	    CLASSES "# READS-SECRETS: 1 x, as GET /libpod/containers/json\n"
	    "GET          /{V}libpod/containers/json\n"
	    "# READS-SECRETS: 1 x, as GET /libpod/containers/a/json\n"
	    "GET          /{V}libpod/containers/{ID}/json\n" },
	{ "GET /libpod/images/q.io/a/b/exists\nGET /libpod/images/scp/a\n",
	    CLASSES "# 1 x, as GET /libpod/images/q.io/a/b/exists\n"
	    "GET          /{V}libpod/images/{IMAGE}/exists\n"
	    "# 1 x, as GET /libpod/images/scp/a\n"
	    "GET          /{V}libpod/images/scp/a\n" },
	{ "DELETE /libpod/containers/a\n",
	    CLASSES "# DISRUPTS: 1 x, as DELETE /libpod/containers/a\n"
	    "DELETE       /{V}libpod/containers/{ID}\n" },
	/* what a rule must name */
	{ "GET /containers/a/attach/ws\n",
	    CLASSES "# WRITES-HOST: 1 x, as GET /containers/a/attach/ws\n"
	    "GET          /{V}containers/{ID}/attach/ws\n" },
	{ "GET /v1.50/containers/a/attach%2fws\n",
	    CLASSES "# WRITES-HOST: 1 x, as GET "
	    "/v1.50/containers/a/attach%2fws\nGET          "
	    "/{V}containers/a/(attach/ws|attach%2fws)\n" },
	{ "GET /images/a%2Fb/json\nGET /v1.51%2Finfo\n",
	    CLASSES "# 1 x, as GET /images/a%2Fb/json\n"
	    "GET          /{V}images/a%2Fb/json\n"
	    "# ENDPOINT-NOT-KNOWN: 1 x, as GET /v1.51%2Finfo\n"
	    "GET          /{V}v1\\.51%2Finfo\n" },
	/* unknown endpoints */
	{ "GET /v1.51/x/y\nHEAD /info?a=1\n#A /a\n",
	    CLASSES "# ENDPOINT-NOT-KNOWN: 1 x, as GET /v1.51/x/y\n"
	    "GET          /{V}x/y\n"
	    "# ENDPOINT-NOT-KNOWN: 1 x, as HEAD /info?a=1\n"
	    "HEAD         /{V}info\\?a=1\n"
	    "# ENDPOINT-NOT-KNOWN: 1 x, as #A /a\n\\#A          /{V}a\n" },
	/* risks */
	{ "POST /images/create?fromImage=a\nPOST /auth\n",
	    CLASSES "# CALLS-OUT: 1 x, as POST /auth\n"
	    "POST         /{V}auth\n"
	    "# DISRUPTS, CALLS-OUT: 1 x, as POST /images/create?fromImage=a\n"
	    "POST         /{V}images/create\\?fromImage=a\n" },
};

/* Queries of containers/json: what the rule ends with. */
static const struct {
	const char *queries;	/* blanks between them, "-": none */
	const char *end;
} queries[] = {
	{ "-", "" },
	{ "a=b", "\\?a=b" },
	{ "- a=b", "(\\?a=b)?" },
	{ "a=b&a=c", "\\?a=(b|c)(&a=(b|c))*" },
	{ "a=b c=d", "\\?(a=b|c=d)(&(a=b|c=d))*" },
	{ "a a=", "\\?(a|a=)(&(a|a=))*" },
	{ "a= a=b", "\\?a=(|b)" },
	/* booleans and numbers */
	{ "all=1", "\\?all=1" },
	{ "all=1 all=true all=True all=0", "\\?all=(1|true|True|0)" },
	{ "x=5", "\\?x=5" },
	{ "x=5 x=6", "\\?x=\\d+" },
	{ "x=0 x=1 x=2", "\\?x=\\d+" },
	{ "x=5 x=6 x=a", "\\?x=(5|6|a)" },
	{ "tag=5 tag=6", "\\?tag=(5|6)" },
	{ "x=1.5 x=2", "\\?x=[\\d.]+" },
	{ "x=-1 x=2", "\\?x=-?\\d+" },
	{ "x=1. x=2", "\\?x=(1\\.|2)" },
	{ "limit=5", "\\?limit=\\d+" },
	{ "limit=-1", "\\?limit=-?\\d+" },
	{ "tail=10 tail=all", "\\?tail=(\\d+|all)" },
	{ "since=10", "\\?since=[\\d.]+" },
	{ "since=10.000000005", "\\?since=[\\d.]+" },
	{ "until=2026-11-22T10%3A00%3A00Z", "\\?until=[\\w.:%+-]+" },
	{ "until=1h", "\\?until=1h" },
	{ "since=2026-$", "\\?since=2026-\\$" },
	/* ids */
	{ "since=" FULL, "\\?since=[0-9a-f]+" },
	{ "a=0123456789ab", "\\?a=[0-9a-f]+" },
	{ "a=0123456789a", "\\?a=0123456789a" },
	{ "a=0123456789abc", "\\?a=0123456789abc" },
	{ "a=0123456789aB", "\\?a=0123456789aB" },
	{ "a=sha256:" FULL, "\\?a=sha256:[0-9a-f]+" },
	{ "a=sha256%3A" FULL, "\\?a=sha256%3A[0-9a-f]+" },
	{ "a=x%22" FULL "%22y", "\\?a=x%22[0-9a-f]+%22y" },
	{ "filters=%7B%22id%22%3A%7B%22" FULL "%22%3Atrue%7D%7D",
	    "\\?filters=%7B%22id%22%3A%7B%22[0-9a-f]+%22%3Atrue%7D%7D" },
	{ "filters={\"s\":[\"" SWARM "\"]}",
	    "\\?filters=\\{\"s\":\\[\"[0-9a-z]+\"\\]\\}" },
	/* many values: eight, nine */
	{ "a=q a=r a=s a=t a=u a=v a=w a=x", "\\?a=(q|r|s|t|u|v|w|x)" },
	{ "a=q a=r a=s a=t a=u a=v a=w a=x a=y", "\\?a=\\w+" },
	{ "a=a a=b a=c a=d a=e a=f a=1 a=2 a=3", "\\?a=[0-9a-f]+" },
	{ "a=q- a=r a=s a=t a=u a=v a=w. a=x a=y]", "\\?a=[\\w.\\]-]+" },
	{ "a=q a=r a=s a=t a=u a=v a=w a=x a=", "\\?a=\\w*" },
	{ "filters=q filters=r filters=s filters=t filters=u filters=v "
	    "filters=w filters=x filters=y",
	    "\\?filters=(q|r|s|t|u|v|w|x|y)" },
	{ "name=q name=r name=s name=t name=u name=v name=w name=x name=y",
	    "\\?name={ID}" },
	{ "tag=q tag=r tag=s tag=t tag=u tag=v tag=w tag=x tag=a:b",
	    "\\?tag={IMAGE}" },
	{ "tag=q tag=r tag=s tag=t tag=u tag=v tag=w tag=x tag=$",
	    "\\?tag=[\\w$]+" },
};

START_TEST(test_rows)
{
	const char *below;

	write_log(rows[_i].requests);
	learn(join("--learn ", path("log"), "", ""));
	ck_assert_int_eq(learn_code, 0);
	ck_assert_int_eq(strncmp(output, "# Made by ", 10), 0);
	below = strstr(output, "\n\n");
	ck_assert_ptr_nonnull(below);
	ck_assert_str_eq(below + 2, rows[_i].text);
	conf_free(learned());
}
END_TEST

START_TEST(test_queries)
{
	struct span rest = span_of(queries[_i].queries), query;
	char requests[4096], *at = requests;
	const char *line;
	struct conf *c;

	*at = '\0';
	while (span_next(&rest, ' ', &query))
		at += sprintf(at, "GET /containers/json%s%.*s\n",
		    query.p[0] == '-' ? "" : "?", query.p[0] == '-' ? 0 :
		    (int)query.len, query.p);
	write_log(requests);
	learn(join("--learn ", path("log"), "", ""));
	line = strstr(output, "\nGET          /{V}containers/json");
	ck_assert_ptr_nonnull(line);
	line += strlen("\nGET          /{V}containers/json");
	ck_assert_msg(strlen(line) == strlen(queries[_i].end) + 1 &&
	    strncmp(line, queries[_i].end, strlen(queries[_i].end)) == 0,
	    "%s: %s", queries[_i].queries, line);
	c = learned();
	rest = span_of(requests);
	while (span_next(&rest, '\n', &query) && query.len > 0)
		ck_assert_int_eq((int)verdict_on(c, SPAN("GET"),
		    (struct span){ query.p + 4, query.len - 4 }),
		    (int)REASON_NONE);
	conf_free(c);
}
END_TEST

/* The whole text: head, what has no rule, what is wide. */
START_TEST(test_whole)
{
	write_file("log", "request rule:  GET /v1\\.23/info\n"
	    "web | request rule:  POST /containers/create\\?name=web\n"
	    "request rule:  POST /containers/create\\?name=web\n"
	    "request rule:  POST /exec/ab/start\n"
	    "request rule:  GET //x\n"
	    "request rule:  G@ET /info\n"
	    "request rule:  GET /containe...\n"
	    "request rule:  GET /images/json\\?x=a$b\n");
	learn(join("--learn=", path("log"), "", ""));
	ck_assert_int_eq(learn_code, 0);
	ck_assert_str_eq(output,
	    "# HOST ROOT: POST /containers/create, POST /exec/{id}/start.\n"
	    "#\n"
	    "# Made by docker-socket-protector --learn from 6 requests.\n"
	    "# Say here what it is for, and what a malicious client could do "
	    "with it.\n"
	    "# Delete rules that are not needed, and narrow those that are "
	    "too wide.\n"
	    "#\n"
	    "# Refused whatever a profile says, so there is no rule:\n"
	    "#   1 x GET /v1.23/info (min-api)\n"
	    "#   1 x GET //x (target-segment)\n"
	    "#   1 x G@ET /info (method)\n"
	    "#\n"
	    "# 1 line of the log is cut short, so there is no rule.\n"
	    "\n"
	    "include classes\n"
	    "\n"
	    "# HOST-ROOT: 2 x, as POST /containers/create?name=web\n"
	    "POST         /{V}containers/create\\?name=web\n"
	    "# HOST-ROOT: 1 x, as POST /exec/ab/start\n"
	    "POST         /{V}exec/{HEX}/start\n");
	conf_free(learned());
}
END_TEST

START_TEST(test_wide)
{
	write_log("GET /images/json?a=q\nGET /images/json?a=r\n"
	    "GET /images/json?a=s\nGET /images/json?a=t\n"
	    "GET /images/json?a=u\nGET /images/json?a=v\n"
	    "GET /images/json?a=w\nGET /images/json?a=x\n"
	    "GET /images/json?a=y&b=1&b=2\n");
	learn(join("--learn ", path("log"), "", ""));
	ck_assert_ptr_nonnull(strstr(output, "\n# WIDE, any value of its "
	    "kind: a\nGET          /{V}images/json\\?"));
}
END_TEST

START_TEST(test_nothing)
{
	write_file("log", _i == 0 ? "" : "request rule:  GET //\n");
	learn(join("--learn ", path("log"), "", ""));
	ck_assert_int_eq(learn_code, 1);
	ck_assert_uint_eq(output_len, 0);
	learn(join("--learn ", path("nowhere"), "", ""));
	ck_assert_int_eq(learn_code, 2);
	ck_assert_uint_eq(output_len, 0);
}
END_TEST

/* -- a kept profile -- */

static const struct {
	const char *kept, *requests, *added;
} keeps[] = {
	{ "GET /_ping\n", "GET /_ping\n", "" },
	{ "GET /_ping", "GET /_ping\nGET /v1.23/info\n", "" },
	{ "# mine\nGET /_ping\n", "GET /_ping\nGET /info\n",
	    "\n# Added by docker-socket-protector --learn, for what is not "
	    "allowed above.\n\n# 1 x, as GET /info\n"
	    "GET          /(v1\\.\\d+/)?info\n" },
	/* ping and version are not included, nor classes. */
	{ "define V x\nGET /{V}", "GET /version\nGET /_ping\n",
	    "\n\n# Added by docker-socket-protector --learn, for what is not "
	    "allowed above.\n\n# 1 x, as GET /_ping\n"
	    "GET          /(v1\\.\\d+/)?_ping\n# 1 x, as GET /version\n"
	    "GET          /(v1\\.\\d+/)?version\n" },
	{ "include ping\r\n", "POST /build\nGET //a\nGET /_ping\n",
	    "\n# Added by docker-socket-protector --learn, for what is not "
	    "allowed above.\n# HOST ROOT: POST /build.\n#\n"
	    "# Refused whatever a profile says, so there is no rule:\n"
	    "#   1 x GET //a (target-segment)\n\n"
	    "# HOST-ROOT, CALLS-OUT: 1 x, as POST /build\n"
	    "POST         /{V}build\n" },
};

START_TEST(test_keep)
{
	size_t len = strlen(keeps[_i].kept);

	write_file("first/mine", keeps[_i].kept);
	write_log(keeps[_i].requests);
	learn(join("--keep mine --learn ", path("log"), "", ""));
	ck_assert_int_eq(learn_code, 0);
	ck_assert_int_eq(strncmp(output, keeps[_i].kept, len), 0);
	ck_assert_str_eq(output + len, keeps[_i].added);
	conf_free(learned());
}
END_TEST

/* -- options -- */

static const struct {
	const char *flags;	/* NULL in log: wrong */
	const char *log, *keep;
} options[] = {
	{ "--learn", "-", NULL },
	{ "--learn -", "-", NULL },
	{ "--learn a", "a", NULL },
	{ "--learn=a", "a", NULL },
	{ "--learn --keep one", "-", "one" },
	{ "--learn a --keep one", "a", "one" },
	{ "--keep=one --learn", "-", "one" },
	{ "--learn -r", "-", NULL },
	{ "--learn -p nobodys", "-", NULL },	/* is not read */
	{ "--learn -t", "-", NULL },
	{ "--learn=", NULL, NULL },
	{ "--learn a b", NULL, NULL },
	{ "--learn --keep", NULL, NULL },
	{ "--learn --keep nobodys", NULL, NULL },
	{ "--learn --keep wrong", NULL, NULL },
	{ "--keep one -p one", NULL, NULL },
	{ "--keep one -p one -t", NULL, NULL },
};

START_TEST(test_options)
{
	struct conf *c;

	c = load(options[_i].flags, "", with_profiles());
	ck_assert_msg((c != NULL) == (options[_i].log != NULL), "%s: %s",
	    options[_i].flags, messages);
	if (c == NULL)
		return;
	ck_assert_int_eq((int)c->mode, (int)CONF_LEARN);
	ck_assert_str_eq(c->learn_log, options[_i].log);
	ck_assert_int_eq(c->profile != NULL, options[_i].keep != NULL);
	conf_free(c);
}
END_TEST

/* What is written instead of a variable is what it stands for. */
START_TEST(test_classes)
{
	static const char *const names[] = { "V", "ID", "HEX", "IMAGE" };
	struct learnvalue_out out = { .is_inline = true };
	char buf[256], want[256];
	const char *top = getenv("srcdir");
	FILE *f = fopen(join(top == NULL || top[0] == '\0' ? "." : top,
	    "/profiles/classes", "", ""), "r");

	ck_assert_ptr_nonnull(f);
	output[fread(output, 1, sizeof(output) - 1, f)] = '\0';
	(void)fclose(f);
	text_init(&out.text, buf, sizeof(buf));
	learnvalue_class(&out, (enum learnvalue_class)_i);
	(void)snprintf(want, sizeof(want), "\ndefine %-6s %s\n", names[_i],
	    text_string(&out.text));
	ck_assert_msg(strstr(output, want) != NULL, "%s", want);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("learn");
	TCase *tc;

	tc = with_folder(s, "learn");
	tcase_add_loop_test(tc, test_rows, 0, ROWS(rows));
	tcase_add_loop_test(tc, test_queries, 0, ROWS(queries));
	tcase_add_test(tc, test_whole);
	tcase_add_test(tc, test_wide);
	tcase_add_loop_test(tc, test_nothing, 0, 2);
	tcase_add_loop_test(tc, test_keep, 0, ROWS(keeps));
	tcase_add_loop_test(tc, test_options, 0, ROWS(options));
	tcase_add_loop_test(tc, test_classes, 0, 4);
	return s;
}
