/* Tests of advice.c, and of expr.c and trial.c below it: which rules are
 * warned of, which are not, and what is said. */

#include "config.h"

#include "unit.h"

#include <dirent.h>

#include "advice.h"
#include "conf.h"
#include "confprint.h"
#include "expr.h"
#include "trial.h"

#define RULES_CAP 128
#define MIN_API 24

static const char *const names[] = {
	[ADVICE_DOT] = "dot", [ADVICE_WIDE] = "wide", [ADVICE_BAR] = "bar",
	[ADVICE_TERMINAL] = "terminal", [ADVICE_FILES] = "files",
	[ADVICE_START] = "start", [ADVICE_OLD] = "old",
	[ADVICE_SHADOWED] = "shadowed"
};

/* What was reported: "LINE KIND; ..." and the texts, a line each. */
static char kinds[4096], texts[65536];

static void
add(char *buf, size_t cap, size_t n, const char *s, const char *end)
{
	size_t used = strlen(buf);
	int len;

	len = snprintf(buf + used, cap - used, "%zu %s%s", n, s, end);
	ck_assert(len > 0 && (size_t)len < cap - used);
}

static void
report(void *arg, enum advice_kind kind, size_t line_no, const char *text)
{
	size_t i;

	ck_assert_ptr_eq(arg, kinds);
	ck_assert_uint_lt((size_t)kind, sizeof(names) / sizeof(names[0]));
	add(kinds, sizeof(kinds), line_no, names[kind], "; ");
	add(texts, sizeof(texts), line_no, text, "\n");
	/* What is wrong, and the better form. */
	ck_assert_msg(strstr(text, ": ") != NULL, "%s", text);
	ck_assert_uint_lt(strlen(text), ADVICE_TEXT_CAP - 1);
	for (i = 0; text[i] != '\0'; i++)
		ck_assert_msg(text[i] >= ' ' && text[i] <= '~', "%s",
		    unit_show(text, strlen(text)));
}

static void
wrong_line(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	(void)file, (void)line_no;
	ck_abort_msg("%s: %s: %s", (const char *)arg, what,
	    unit_show(line.p, line.len));
}

static const char *
profile_path(const char *name)
{
	static char path[1024];
	const char *top = getenv("srcdir");

	(void)snprintf(path, sizeof(path), "%s/profiles/%s",
	    top == NULL || top[0] == '\0' ? "." : top, name);
	return path;
}

/* What lives as long as a profile. */
static char kept[1 << 18];
static size_t kept_len;

static const char *
keep(void *arg, struct span s)
{
	char *p;

	(void)arg;
	ck_assert(s.len <= sizeof(kept) - kept_len);
	p = memcpy(kept + kept_len, s.p, s.len);
	kept_len += s.len;
	return p;
}

/* The whole file of a shipped profile. */
static struct span
read_shipped(const char *name)
{
	char text[65536];
	size_t len;
	FILE *f;

	f = fopen(profile_path(name), "r");
	ck_assert_msg(f != NULL, "%s", name);
	len = fread(text, 1, sizeof(text), f);
	ck_assert(len > 0 && len < sizeof(text));
	(void)fclose(f);
	return (struct span){ keep(NULL, (struct span){ text, len }), len };
}

static bool
fetch(void *arg, struct span name, const char **file, struct span *its)
{
	char buf[64] = "";

	(void)arg;
	(void)snprintf(buf, sizeof(buf), "%.*s", (int)name.len, name.p);
	*its = read_shipped(buf);
	*file = keep(NULL, (struct span){ buf, strlen(buf) + 1 });
	return true;
}

/* Fill kinds and texts for the profile in text. */
static void
advise(struct span text, unsigned min_api)
{
	static struct rule rules[RULES_CAP];
	static char where[] = "a row";
	struct profile p = { .rules = rules, .rules_cap = RULES_CAP };
	const struct profile_reader reader = { where, wrong_line, fetch,
	    keep };

	kinds[0] = texts[0] = '\0';
	ck_assert(profile_parse(&p, text, &reader));
	advice_give(&p, min_api, report, kinds);
	profile_free(&p);
}

/* -- single rules and small profiles -- */

static const struct {
	const char *profile;
	const char *kinds;	/* expected, all of them */
	const char *says;	/* a piece of the text, or NULL */
} rows[] = {
	/* a dot that was meant as a dot */
	{ "GET /v1.41/version", "1 dot; ", "\"/v1.41/\"" },
	{ "GET /v\\d+.\\d+/version", "1 dot; ", "write \\. for a dot" },
	{ "GET /v[0-9].[0-9]+/info", "1 dot; ", NULL },
	{ "GET /(v1.\\d+/)?info", "1 dot; ", NULL },
	{ "GET /containers.json", "1 dot; ", "\"ners.jso\"" },
	{ "GET /containers/web.1/json", "1 dot; ", NULL },
	{ "GET /containers/.../json", "1 dot; ", NULL },
	{ "GET /a.", "1 dot; ", "\"/a.\"" },
	{ "GET /images/json\\?all=1.5", "1 dot; ", NULL },
	{ "POST /images/create\\?fromImage=docker.io", "1 dot; ", NULL },
	{ "GET /v1\\.41/version", "", NULL },
	{ "GET /v1[.]41/version", "", NULL },
	{ "GET /v1\\x2e41/version", "", NULL },
	{ "GET /v\\d+\\.\\d+/version", "", NULL },
	{ "GET /containers/[\\w.-]+/json", "", NULL },
	{ "GET /containers/[].x]+/json", "", NULL },
	{ "GET /containers/[[:alpha:].]+/json", "", NULL },
	{ "GET /containers/[\\].]+/json", "", NULL },
	{ "GET /containers/json\\?all=.", "", NULL },
	{ "GET /containers/json\\?filters=.*web.*", "", NULL },
	/* repeats that cross the parts of a target */
	{ "GET /networks/.*", "1 wide; ", "\".*\"" },
	{ "GET /networks/.+", "1 wide; ", "\"/\" and \"?\"" },
	{ "GET /networks/.*?", "1 wide; ", "\".*?\"" },
	{ "GET /networks/.+?/x", "1 wide; ", NULL },
	{ "GET /networks/.*+", "1 wide; ", "\".*+\"" },
	{ "GET /networks/.++", "1 wide; ", NULL },
	{ "GET /networks/.{1,}", "1 wide; ", "\".{1,}\"" },
	{ "GET /networks/.{12}", "1 wide; ", NULL },
	{ "GET /networks/.{1,9}?/x", "1 wide; ", "\".{1,9}?\"" },
	{ "GET /networks/(.*)", "1 wide; ", NULL },
	{ "GET /networks/.?", "1 wide; ", NULL },
	{ "GET /networks/[^/]+/x", "1 wide; ",
	    "\"[^/]+\" in the path also matches \"?\"" },
	{ "GET /networks/[^x]*", "1 wide; ", "\"/\" and \"?\"" },
	{ "GET /networks/\\S+", "1 wide; ", "\"/\" and \"?\"" },
	{ "GET /networks/[!-~]+", "1 wide; ", NULL },
	{ "GET /networks(\\?.*)?/.*", "1 wide; ", NULL },
	{ "GET /networks(\\?|/).*", "1 wide; ", NULL },
	{ "GET /networks(/|\\?).*", "1 wide; ", NULL },
	{ "GET /networks(a|(\\?))?x.*", "1 wide; ", NULL },
	{ "GET /networks\\??.*", "1 wide; ", NULL },
	{ "GET /networks(\\?.*)?", "", NULL },
	{ "GET /networks\\?.+", "", NULL },
	{ "GET /networks\\?.*?x=.{3}", "", NULL },
	{ "GET /networks[?].*", "", NULL },
	{ "GET /networks(\\?a=|\\?b=).*", "", NULL },
	{ "GET /networks\\?(a|b).*", "", NULL },
	{ "GET /networks(?:\\?.*)?", "", NULL },
	{ "GET /networks\\x3f.*", "", NULL },
	{ "GET /networks/[^/?]+/x", "", NULL },
	{ "GET /images/[^?]+/json", "", NULL },
	{ "GET /networks/[\\w.:/-]+", "", NULL },
	{ "GET /networks/\\.*", "", NULL },
	{ "GET /networks/\\w+", "", NULL },
	/* alternation */
	{ "GET /_ping|/version", "1 bar; ", "write /(a|b)" },
	{ "GET /(a|b)|/c", "1 bar; ", NULL },
	{ "GET|HEAD /_ping", "", NULL },
	{ "GET /(_ping|version)", "", NULL },
	{ "GET /[|]", "", NULL },
	{ "GET /networks\\?a\\|b", "", NULL },
	/* a terminal */
	{ "GET /containers/web/attach/ws", "1 terminal; ", "terminal" },
	{ "GET /v1\\.41/containers/web/attach/ws\\?stream=1",
	    "1 terminal; ", NULL },
	{ "[A-Z]+ /containers/\\w+/attach/ws(\\?.*)?", "1 terminal; ", NULL },
	{ "GET /(v1\\.\\d+/)?containers/[0-9a-f]{64}/attach/ws",
	    "1 terminal; ", NULL },
	{ "POST /containers/web/attach/ws", "", NULL },
	{ "GET /containers/web/attach/wsx", "", NULL },
	{ "GET /containers/web/(attach|top)/w", "", NULL },
	/* files */
	{ "GET /containers/\\w+/archive(\\?.*)?", "1 files; ",
	    "a GET of archive pass" },
	{ "GET /(v1\\.\\d+/)?containers/[0-9a-f]+/archive\\?path=.*",
	    "1 files; ", NULL },
	{ "GET /v1\\.30/containers/(db|www)/archive\\?path=/etc", "1 files; ",
	    NULL },
	{ "GET /containers/\\w+/export", "1 files; ", "a GET of export pass" },
	{ "GET /containers/\\w+/\\w+", "1 files; ", "of archive, export" },
	{ "GET /images/get", "1 files; ", "of images/get" },
	{ "GET /images/(get|json)\\?names=.*", "1 files; ", NULL },
	{ "GET /images/[\\w.:/-]+/get", "1 files; ", NULL },
	{ "GET /images/[\\w.:-]+/\\w+", "1 files; ", NULL },
	{ "(GET|HEAD) /\\w+(/\\w+)*", "1 files; ",
	    "archive, export, images/get" },
	{ "GET /(?i)CONTAINERS/WEB/EXPORT", "1 files; ", NULL },
	{ "PUT /containers/\\w+/archive(\\?.*)?", "", NULL },
	{ "HEAD /containers/\\w+/archive(\\?.*)?", "", NULL },
	{ "GET /containers/\\w+/(json|logs)(\\?.*)?", "", NULL },
	{ "GET /containers/\\w+/archives", "", NULL },
	{ "GET /images/[\\w.:/-]+/json", "", NULL },
	{ "GET /networks/get", "", NULL },
	{ "GET /images/%2Fget/x", "", NULL },
	/* start */
	{ "POST /v1\\.\\d+/containers/\\w+/start", "1 start; ",
	    "only --min-api stands in between" },
	{ "POST /(v1\\.\\d+/)?containers/\\w+/(start|stop)(\\?.*)?",
	    "1 start; ", NULL },
	{ "POST /v1\\.[12]\\d/containers/(db|www)/start", "1 start; ", NULL },
	{ "POST /(v1\\.(2[4-9]|[3-9]\\d)/)?containers/\\w+/start", "", NULL },
	{ "POST /containers/\\w+/start", "", NULL },
	{ "POST /v1\\.41/containers/\\w+/start", "", NULL },
	{ "GET /v1\\.\\d+/containers/\\w+/start", "", NULL },
	{ "POST /v1\\.\\d+/exec/\\w+/start", "", NULL },
	{ "POST /v1\\.\\d+/containers/\\w+/restart", "", NULL },
	/* versions that are refused */
	{ "GET /v1\\.23/info", "1 old; ", "never lets anything pass" },
	{ "GET /v1\\.1\\d/containers/\\w+/json", "1 old; ", "seems never" },
	{ "POST /v1\\.20/containers/web/start", "1 start; 1 old; ", NULL },
	{ "GET /v1\\.24/info", "", NULL },
	{ "GET /v1\\.2[34]/info", "", NULL },
	{ "GET /(v1\\.23/)?info", "", NULL },
	/* rules that are never reached, certainly */
	{ "GET /a\nGET /b\nGET /a", "3 shadowed; ",
	    "never reached, since line 1 lets all of it pass: remove" },
	{ "GET /a\n\n# x\nGET ^/a$", "4 shadowed; ", "4 never reached" },
	{ "(GET|HEAD) /a\nHEAD /a", "2 shadowed; ", "2 never reached" },
	{ "[A-Z]+ /a\n(GET|HEAD) /a", "2 shadowed; ", "2 never reached" },
	{ "DELETE /.*\nDELETE /networks/\\w+", "1 wide; 2 shadowed; ",
	    "2 never reached" },
	{ "PUT /x/.*\nPUT /x/(a|b)+", "1 wide; 2 shadowed; ",
	    "2 never reached" },
	{ "[A-Z]+ /x\\?.*\nGET /x\\?a=[^&]+", "2 shadowed; ",
	    "2 never reached" },
	{ "GET /a\\w+$\nGET ^/a\\w+", "2 shadowed; ", "2 never reached" },
	{ "GET /a\\w+[$]\nGET ^/a\\w+", "", NULL },
	{ "GET /a/[bc]\nGET /a/b", "2 shadowed; ", "2 never reached" },
	{ "GET /[a-c]x?\nGET /a|/bx|/c", "2 bar; 2 shadowed; ",
	    "2 never reached" },
	{ "GET /(?i)x\nGET /(?i)x", "2 shadowed; ", "2 never reached" },
	{ "[A-Z]+ /(?=a).*\n[A-Z]+ /(?=a).*", "1 wide; 2 wide; 2 shadowed; ",
	    "2 never reached" },
	{ "GET /a\nGET /a/?", "2 shadowed; ", "2 never reached" },
	/* as far as can be seen; a slash at the end is not canonical */
	{ "GET /networks/\\w+\nGET /networks/\\w*", "2 shadowed; ",
	    "2 seems never" },
	{ "GET /networks/[^/?]+\nGET /networks/\\w+", "2 shadowed; ",
	    "2 seems never reached, since line 1" },
	{ "[A-Z]+ /networks/\\w+\nGET|HEAD /networks/[a-z]{1,8}",
	    "2 shadowed; ", "2 seems never" },
	/* reached */
	{ "GET /a\nHEAD /a", "", NULL },
	{ "GET /a\nGET /b", "", NULL },
	{ "GET /a\n(GET|HEAD) /a", "", NULL },
	{ "GET /a/b\nGET /a/[bc]", "", NULL },
	{ "GET /networks/[a-z]+\nGET /networks/[a-z.-]+", "", NULL },
	{ "GET /networks\\w+\nGET /networks\\w*", "", NULL },
	{ "GET /networks/\\w+\nGET /networks(/\\w+)?", "", NULL },
	{ "GET /ab.*\nGET /ab?", "1 wide; ", NULL },
	{ "GET /ab.*\nGET /ab{1,3}", "1 wide; 2 shadowed; ",
	    "2 never reached" },
	{ "GET /ab.*\nGET /ab|/c", "1 wide; 2 bar; ", NULL },
	{ "GET /a\\x4.*\nGET /a\\x41", "1 wide; ", NULL },
	{ "GET /x/.*\nGET /x/(?=a)|/y", "1 wide; 2 bar; ", NULL },
	{ "GET /networks/(?i)a\nGET /networks/a", "2 shadowed; ", NULL },
	{ "GET /networks/a\nGET /networks/(?i)a", "", NULL },
	/* what a rule must name, an earlier one without it does not take */
	{ "POST /.*\nPOST /containers/web/attach/ws",
	    "1 wide; 1 start; ", NULL },
	{ "PUT /.*\nPUT /images/a%2Fb", "1 wide; ", NULL },
	{ "PUT /.*%2F.*\nPUT /images/a%2Fb", "1 wide; 2 shadowed; ", NULL },
	/* absurd, but bounded */
	{ "PUT /((((((((((((((((((a))))))))))))))))))", "", NULL },
	{ "PUT /(?:(?:(?:(?:){9}){9}){9}){9}a", "", NULL },
	{ "PUT /(a{999}){9}", "", NULL },
	{ "PUT /\\d\\D\\w\\W\\s\\S\\h\\H\\v\\V\\N[a][b][c][d][e][f][g][h]",
	    "", NULL },
	{ "PUT /a{,3}x{y}z{3,q}\\t\\/\\Aa\\b", "", NULL },
	{ "PUT /[a][b][c][d][e][f][g][h][i][j][k][l][m][n][o][p][q][r]",
	    "", NULL },
	{ "(?i)put /[a-z]+\n(?i)put /[a-z]", "", NULL },
	{ "PUT /[\\x01]", "", NULL },
	{ "PUT /[[:x]+", "", NULL }
};

START_TEST(test_rows)
{
	struct span text;

	text = unit_span(rows[_i].profile, strlen(rows[_i].profile),
	    UNIT_END);
	advise(text, MIN_API);
	ck_assert_msg(strcmp(kinds, rows[_i].kinds) == 0,
	    "%s: expected [%s], got [%s]\n%s", rows[_i].profile,
	    rows[_i].kinds, kinds, texts);
	ck_assert_msg(rows[_i].says == NULL ||
	    strstr(texts, rows[_i].says) != NULL, "%s: %s does not say %s",
	    rows[_i].profile, texts, rows[_i].says);
}
END_TEST

/* --min-api makes the difference between two warnings, or none. */
START_TEST(test_min_api)
{
	static const char start[] = "POST /v1\\.\\d+/containers/\\w+/start";

	advise(span_of(start), 23);
	ck_assert_str_eq(kinds, "1 start; ");
	ck_assert_ptr_nonnull(strstr(texts, "--min-api is lowered"));
	advise(span_of("POST /v1\\.22/containers/\\w+/start"), 23);
	ck_assert_str_eq(kinds, "1 start; 1 old; ");
	ck_assert_ptr_nonnull(strstr(texts, "stands in between"));
	advise(span_of("GET /v1\\.40/info"), 41);
	ck_assert_str_eq(kinds, "1 old; ");
	advise(span_of("GET /v1\\.41/info"), 41);
	ck_assert_str_eq(kinds, "");
}
END_TEST

/* A rule as long as can be: what is quoted is cut, not the better form. */
START_TEST(test_long)
{
	char line[BOUNDS_RULE_LINE_CAP + 1] = "GET /[^";
	size_t len = strlen(line);

	memset(line + len, '\xe9', 3000);
	strcpy(line + len + 3000, "]+/");
	len = strlen(line);
	memset(line + len, 'a', sizeof(line) - 1 - len);
	advise((struct span){ line, sizeof(line) - 1 }, MIN_API);
	ck_assert_str_eq(kinds, "1 wide; ");
	ck_assert_ptr_nonnull(strstr(texts, "write [^/?]+"));
}
END_TEST

/* -- the shipped profiles -- */

/* What is said of shipped profiles; each has a comment that answers.  Of all
 * others nothing is said. */
static const struct {
	const char *name;
	const char *kinds;
} shipped[] = {
	{ "act-runner", "files; " },
	{ "arcane", "files; files; " },
	{ "compose", "files; " },
	{ "devcontainers", "files; " },
	{ "dive", "files; " },
	{ "imagebuilder", "files; " },
	{ "portainer-rw", "start; files; files; " },
	{ "portainer-rw-whitelist", "start; files; files; " },
	{ "portainer-swarm-rw", "start; files; files; " },
	{ "skopeo", "files; " },
	{ "testcontainers", "start; files; " },
	{ "trivy", "files; " },
	{ "tugtainer", "start; " },
	{ "unprotected", "wide; files; start; wide; terminal; " },
	{ "watchtower", "start; " },
	{ "watchtower-nf", "start; " },
	{ "wud-update", "start; " },
	{ "yacht", "start; " },
};

/* What was reported, without the numbers of lines. */
static const char *
without_numbers(void)
{
	static char out[sizeof(kinds)];
	size_t i, n = 0;

	for (i = 0; kinds[i] != '\0'; i++)
		if (span_is_digit(kinds[i]))
			i += strspn(kinds + i, "0123456789");
		else
			out[n++] = kinds[i];
	out[n] = '\0';
	return out;
}

/* The name of the number-th file in profiles, in no order. */
static const char *
profile_name(int number)
{
	static char name[256];
	struct dirent *entry;
	DIR *d;

	name[0] = '\0';
	d = opendir(profile_path("."));
	if (d == NULL)
		return name;
	while (number >= 0 && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' && number-- == 0)
			(void)snprintf(name, sizeof(name), "%s",
			    entry->d_name);
	(void)closedir(d);
	return name;
}

static int
count_profiles(void)
{
	int n;

	for (n = 0; profile_name(n)[0] != '\0'; n++)
		continue;
	return n;
}

START_TEST(test_shipped)
{
	const char *name = profile_name(_i), *want = "";
	size_t i;

	/* It has no rules. */
	if (strcmp(name, "classes") == 0)
		return;
	for (i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++)
		if (strcmp(shipped[i].name, name) == 0)
			want = shipped[i].kinds;
	kept_len = 0;
	advise(read_shipped(name), MIN_API);
	ck_assert_msg(strcmp(without_numbers(), want) == 0, "{ \"%s\", "
	    "\"%s\" }, %s", name, without_numbers(), texts);
}
END_TEST

/* -- what --test prints -- */

static void
no_mistake(const char *message)
{
	ck_abort_msg("%s", message);
}

/* The profile is that of three listeners: each warning comes once. */
START_TEST(test_summary)
{
	char flag[1100], dirs[1100], text[8192];
	const char *want = "warning: lets a GET of images/get pass";
	char config[] = "--config=/dev/null", listen[] = "-ltcp://a:1";
	char other[] = "-ltcp://b:1", test[] = "-t", name[] = "x";
	char *argv[] = { name, config, test, flag, listen, other, dirs, NULL };
	char *envp[] = { NULL };
	struct conf *c;
	size_t len;
	int saved;
	FILE *f;

	(void)snprintf(flag, sizeof(flag), "-p%s", profile_path("trivy"));
	(void)snprintf(dirs, sizeof(dirs), "-P%s", profile_path("."));
	c = conf_load(7, argv, envp, no_mistake);
	ck_assert_ptr_nonnull(c);
	f = tmpfile();
	saved = dup(STDOUT_FILENO);
	ck_assert(f != NULL && saved >= 0 && fflush(stdout) == 0);
	ck_assert_int_ge(dup2(fileno(f), STDOUT_FILENO), 0);
	confprint_summary(c);
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	conf_free(c);
	rewind(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	ck_assert_ptr_nonnull(strstr(text, profile_path("trivy")));
	ck_assert_msg(strstr(text, want) != NULL, "%s", text);
	ck_assert_ptr_null(strstr(strstr(text, want) + strlen(want),
	    "warning"));
	ck_assert_ptr_nonnull(strstr(text, "\nconfiguration is good\n"));
}
END_TEST

/* -- pieces, and strings made of them -- */

static const struct {
	const char *expr;
	const char *kinds;	/* B . C ( ) | R E O for each piece */
} pieces[] = {
	{ "", "" },
	{ "/a.b", "BB.B" },
	{ "\\.\\/\\x41\\t", "BBBB" },
	{ "[a]]", "CB" }, { "[]a]", "C" }, { "[^]a]", "C" }, { "[^a]", "C" },
	{ "[[:alpha:]]x", "CB" }, { "[[:^a:]]x", "CB" }, { "[[:]x", "CB" },
	{ "[[a]x", "CB" },
	{ "[\\]]x", "CB" }, { "[a-\\]", "C" },
	{ "\\d\\W\\N", "CCC" },
	{ "a*b+?c?+", "BRBRBR" },
	{ "a{2}b{2,}?c{2,3}+", "BRBRBR" },
	{ "a{b{2c{2,d{,2}", "BBBBBBBBBBBBBB" },
	{ "(a|(?:b))", "(B|(B))" },
	{ "(?i)a(?=b)(*F)", "O)BO)O)" },
	{ "(?i:a)", "OBB)" },
	{ "^a$\\b\\z", "EBEEE" },
	{ "\\1\\K\\Q\\R\\x{41}", "OOOOOR" },
	{ "\\", "B" }, { "[", "C" }, { "(", "(" }
};

START_TEST(test_pieces)
{
	static const char letters[] = "B.C()|REO";
	struct expr_piece piece;
	struct span rest;
	char got[64] = "";
	size_t n = 0, used = 0, len = strlen(pieces[_i].expr);

	rest = unit_span(pieces[_i].expr, len, UNIT_END);
	while (expr_next(&rest, &piece)) {
		got[n++] = letters[piece.kind];
		ck_assert_uint_gt(piece.text.len, 0);
		used += piece.text.len;
	}
	ck_assert_msg(strcmp(got, pieces[_i].kinds) == 0, "%s: %s",
	    pieces[_i].expr, got);
	ck_assert_uint_eq(used, len);
}
END_TEST

static const struct {
	const char *expr;
	const char *all;	/* strings in the order of seeds, or NULL */
} made[] = {
	{ "", ";" },
	{ "ab", "ab;" },
	{ "a|bc|", "a;bc;;" },
	{ "[ab]c?", "a;b;ac;bc;" },
	{ "(a|b[xy])", "a;bx;a;by;" },
	{ "a{2}(b|c)", "aab;aac;" },
	{ "a{1,3}", "a;aa;aaa;" },
	{ "(?:x|y){2}", "xx;yx;xy;yy;" },
	{ "^a$", "a;" },
	{ "(|a)\\.", ".;a.;" },
	{ "(?=a)", NULL }, { "a\\Kb", NULL }, { "(?i)a", NULL },
	{ "[\\x01]", NULL }, { "a|(?<x>b)", NULL }
};

START_TEST(test_made)
{
	static struct expr_maker m;
	char buf[64], got[256] = "";
	uint64_t seed, most = 1;
	bool is_made = true;
	struct text t;

	memset(&m, 0, sizeof(m));
	for (seed = 0; seed < most && seed < 32 && is_made; seed++) {
		m.seed = seed;
		m.count = 1;
		text_init(&t, buf, sizeof(buf));
		is_made = expr_make(&m, span_of(made[_i].expr), &t);
		most = m.count > most ? m.count : most;
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "%.*s;", (int)t.len, buf);
	}
	if (made[_i].all == NULL) {
		ck_assert_msg(!is_made, "%s: %s", made[_i].expr, got);
		return;
	}
	ck_assert_msg(is_made && seed == most, "%s", made[_i].expr);
	ck_assert_msg(strcmp(got, made[_i].all) == 0, "%s: %s",
	    made[_i].expr, got);
}
END_TEST

/* Strings without end cannot all be tried, and must not be said to be. */
START_TEST(test_endless)
{
	static const char *const exprs[] = { "a*", "a+", ".", "a{2,}",
		"a{2,6}", "(a|b*)", "([^/]{9}){9}" };
	static struct expr_maker m;
	struct text t;
	char buf[512];
	size_t i;

	for (i = 0; i < (size_t)ROWS(exprs); i++) {
		memset(&m, 0, sizeof(m));
		m.seed = 1;
		m.count = 1;
		text_init(&t, buf, sizeof(buf));
		ck_assert(expr_make(&m, span_of(exprs[i]), &t) ||
		    t.is_full);
		ck_assert_msg(m.count == UINT64_MAX, "%s", exprs[i]);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("advice");
	TCase *tc;

	tc = unit_case(s, "rules");
	tcase_add_loop_test(tc, test_rows, 0, ROWS(rows));
	tcase_add_test(tc, test_min_api);
	tcase_add_test(tc, test_long);
	tc = unit_case(s, "profiles");
	tcase_add_loop_test(tc, test_shipped, 0, count_profiles());
	tcase_add_test(tc, test_summary);
	tc = unit_case(s, "expr");
	tcase_add_loop_test(tc, test_pieces, 0, ROWS(pieces));
	tcase_add_loop_test(tc, test_made, 0, ROWS(made));
	tcase_add_test(tc, test_endless);
	return s;
}
