/*
 * Runs the tables of tests/corpus/rules: what each shipped profile must
 * allow and deny.  A row is ALLOW or DENY, the method, the target, and
 * "# why", with a tab between them; other lines that are not empty begin
 * with "#".  The table NAME.tab is for NAME.profile beside it, or else for
 * the shipped profile NAME.
 *
 * And runs the requests of DANGERS: what passes a profile is what its head
 * admits.
 */

#include "config.h"

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <sys/prctl.h>

#include "policy.h"

/* Linux 6.3; Debian 12's headers are older. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define TABLES_CAP 512
#define PATH_CAP 1024
#define TEXT_CAP (1 << 20)
#define KEPT_CAP (1 << 20)
#define WORDS_CAP 4096
#define MIN_API 24

static char names[TABLES_CAP][256];
static int nnames;

static struct rule rules[BOUNDS_RULE_CAP];
static bool is_used[BOUNDS_RULE_CAP];	/* the rule allowed an ALLOW row */
static char text[TEXT_CAP], table[TEXT_CAP], fragment[TEXT_CAP];
static char kept[KEPT_CAP];
static size_t kept_len;

static const char *
top(void)
{
	const char *dir;

	dir = getenv("srcdir");
	return dir == NULL || dir[0] == '\0' ? "." : dir;
}

static void
path_of(char path[PATH_CAP], const char *dir, const char *name,
    const char *suffix)
{
	int n;

	n = snprintf(path, PATH_CAP, "%s/%s/%s%s", top(), dir, name, suffix);
	ck_assert(n > 0 && n < PATH_CAP);
}

/* The whole file in buf, or false when there is none. */
static bool
read_file(const char *path, char buf[TEXT_CAP], size_t *len)
{
	FILE *f;

	f = fopen(path, "r");
	if (f == NULL)
		return false;
	*len = fread(buf, 1, TEXT_CAP, f);
	ck_assert_msg(ferror(f) == 0 && *len < TEXT_CAP, "%s: cannot read",
	    path);
	buf[*len] = '\0';
	(void)fclose(f);
	return true;
}

/* Collect the names in dir that end in suffix, without it; sorted by the
 * file system's whim, which no test depends on. */
static int
list(const char *dir, const char *suffix)
{
	char path[PATH_CAP];
	struct dirent *entry;
	DIR *d;
	size_t len, cut;
	int found;

	found = 0;
	(void)snprintf(path, sizeof(path), "%s/%s", top(), dir);
	d = opendir(path);
	if (d == NULL)
		return 0;
	cut = strlen(suffix);
	while ((entry = readdir(d)) != NULL) {
		len = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || len <= cut ||
		    strcmp(entry->d_name + len - cut, suffix) != 0)
			continue;
		if (nnames == TABLES_CAP)
			break;
		(void)snprintf(names[nnames], sizeof(names[0]), "%.*s",
		    (int)(len - cut), entry->d_name);
		nnames++;
		found++;
	}
	(void)closedir(d);
	return found;
}

static void
report(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	(void)line;
	ck_abort_msg("%s: line %zu: %s", file != NULL ? file :
	    (const char *)arg, line_no, what);
}

/* What is kept while a profile is tested. */
static const char *
keep(void *arg, struct span s)
{
	char *p;

	(void)arg;
	ck_assert(s.len <= KEPT_CAP - kept_len);
	p = memcpy(kept + kept_len, s.p, s.len);
	kept_len += s.len;
	return p;
}

/* A fragment, from profiles. */
static bool
fetch(void *arg, struct span name, const char **file, struct span *its)
{
	char path[PATH_CAP], buf[256];

	(void)arg;
	(void)snprintf(buf, sizeof(buf), "%.*s", (int)name.len, name.p);
	path_of(path, "profiles", buf, "");
	if (!read_file(path, fragment, &its->len))
		return false;
	its->p = keep(arg, (struct span){ fragment, its->len });
	*file = keep(arg, (struct span){ buf, strlen(buf) + 1 });
	return true;
}

static void
read_profile(struct profile *p, char *name)
{
	const struct profile_reader reader = { name, report, fetch, keep };
	char path[PATH_CAP];
	size_t len;

	kept_len = 0;
	path_of(path, "tests/corpus/rules", name, ".profile");
	if (!read_file(path, text, &len)) {
		path_of(path, "profiles", name, "");
		ck_assert_msg(read_file(path, text, &len), "%s: no profile",
		    name);
	}
	memset(p, 0, sizeof(*p));
	p->rules = rules;
	p->rules_cap = BOUNDS_RULE_CAP;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	ck_assert_msg(profile_parse(p, (struct span){ text, len }, &reader),
	    "%s: not a profile", name);
}

/* The verdict on a request without a body and without fields. */
static bool
is_allowed(const struct profile *p, struct span method, struct span target,
    struct policy_verdict *v)
{
	struct policy_request request;

	memset(&request, 0, sizeof(request));
	memset(v, 0, sizeof(*v));
	request.method = method;
	request.body.kind = BODY_NONE;
	v->reason = target_parse(target, &request.target);
	if (!http_is_token(method) || v->reason != REASON_NONE)
		return false;
	return policy_decide(&request, p, MIN_API, v) == POLICY_ALLOW;
}

/* One line of a table: 1 when it was a row, 0 when it was not. */
static int
run_line(const struct profile *p, struct span line, size_t line_no)
{
	struct policy_verdict v;
	struct span cell[4], rest;
	bool wants_allow, got;
	int n;

	if (line.len == 0 || line.p[0] == '#')
		return 0;
	rest = line;
	for (n = 0; n < 4 && span_next(&rest, '\t', &cell[n]); n++)
		continue;
	wants_allow = n == 4 && span_eq(cell[0], SPAN("ALLOW"));
	ck_assert_msg(n == 4 && rest.p == NULL && cell[3].len > 2 &&
	    cell[3].p[0] == '#' &&
	    (wants_allow || span_eq(cell[0], SPAN("DENY"))),
	    "%s.tab:%zu: not a row: %s", p->name, line_no,
	    unit_show(line.p, line.len));
	got = is_allowed(p, cell[1], cell[2], &v);
	ck_assert_msg(got == wants_allow, "%s.tab:%zu: %s (%s, rule %zu): %s",
	    p->name, line_no, got ? "allowed" : "denied",
	    reason_info(v.reason)->word,
	    v.rule == NULL ? 0 : v.rule->line_no,
	    unit_show(line.p, line.len));
	if (wants_allow)
		is_used[v.rule - p->rules] = true;
	return 1;
}

/* Whether a file only defines and includes. */
static bool
has_no_rule(const char *name)
{
	char path[PATH_CAP];
	struct span rest, line;
	size_t len;

	path_of(path, "profiles", name, "");
	ck_assert(read_file(path, text, &len));
	rest = (struct span){ text, len };
	while (span_next(&rest, '\n', &line))
		if (line.len > 0 && line.p[0] != '#' &&
		    !span_starts_nocase(line, SPAN("define ")) &&
		    !span_starts_nocase(line, SPAN("include ")))
			return false;
	return true;
}

/* -- dangers -- */

/* The words behind "# Admits:" and in the lines that go on, which begin with
 * "#  ", as " word word ", sorted by whoever wrote them. */
static void
read_admitted(char out[WORDS_CAP])
{
	struct span rest = { text, strlen(text) }, line;
	bool is_inside = false;
	size_t i, n;

	n = 0;
	out[n++] = ' ';
	while (span_next(&rest, '\n', &line)) {
		if (span_starts_nocase(line, SPAN("# Admits:"))) {
			is_inside = true;
			line.p += 9;
			line.len -= 9;
		} else if (!is_inside ||
		    !span_starts_nocase(line, SPAN("#  "))) {
			is_inside = false;
			continue;
		} else {
			line.p++;
			line.len--;
		}
		for (i = 0; i < line.len; i++) {
			ck_assert_uint_lt(n + 2, WORDS_CAP);
			if (span_is_alnum(line.p[i]) || line.p[i] == '-')
				out[n++] = line.p[i];
			else if (out[n - 1] != ' ')
				out[n++] = ' ';
		}
		if (out[n - 1] != ' ')
			out[n++] = ' ';
	}
	out[n] = '\0';
}

/* Whether " word " stands in words, and take it out. */
static bool
take_word(char *words, struct span word)
{
	char needle[64];
	char *at;

	(void)snprintf(needle, sizeof(needle), " %.*s ", (int)word.len,
	    word.p);
	at = strstr(words, needle);
	if (at == NULL)
		return false;
	memset(at + 1, ' ', word.len);
	return true;
}

/* Rows of one word stand together: whether one of them passes.  What follows
 * them is left in *rest. */
static bool
lets_pass(const struct profile *p, struct span *rest, struct span *word)
{
	struct span cell[3], line, next;
	struct policy_verdict v;
	bool passes = false;
	int n;

	*word = (struct span){ "", 0 };
	for (next = *rest; span_next(&next, '\n', &line); *rest = next) {
		if (line.len == 0 || line.p[0] == '#')
			continue;
		for (n = 0; n < 3; n++)
			ck_assert(span_next(&line, '\t', &cell[n]));
		ck_assert_ptr_null(line.p);
		if (word->len > 0 && !span_eq(*word, cell[0]))
			return passes;
		*word = cell[0];
		if (is_allowed(p, cell[1], cell[2], &v))
			passes = true;
	}
	*rest = next;
	return passes;
}

START_TEST(test_admits)
{
	char admitted[WORDS_CAP], missing[WORDS_CAP], path[PATH_CAP], *at;
	struct span rest, word;
	struct profile p;
	size_t len, n;
	int nwords;

	nnames = 0;
	ck_assert_msg(list("profiles", "") > _i, "no profile %d", _i);
	if (has_no_rule(names[_i]))
		return;
	path_of(path, "tests/corpus/rules", "DANGERS", "");
	ck_assert(read_file(path, table, &len));
	read_profile(&p, names[_i]);
	read_admitted(admitted);
	(void)take_word(admitted, SPAN("nothing"));
	missing[0] = '\0';
	n = 0;
	rest = (struct span){ table, len };
	for (nwords = 0; rest.p != NULL; nwords++) {
		if (lets_pass(&p, &rest, &word) && !take_word(admitted, word))
			n += (size_t)snprintf(missing + n, sizeof(missing) - n,
			    " %.*s", (int)word.len, word.p);
		else if (word.len == 0)
			break;
	}
	ck_assert_int_gt(nwords, 50);
	ck_assert_msg(n == 0, "profiles/%s lets pass what its head does not "
	    "admit:%s", names[_i], missing);
	for (at = admitted; *at == ' '; at++)
		continue;
	ck_assert_msg(*at == '\0', "profiles/%s admits what it does not let "
	    "pass, or what DANGERS does not know: %s", names[_i], at);
	profile_free(&p);
}
END_TEST

static void
run_table(int number)
{
	char path[PATH_CAP];
	struct profile p;
	struct span rest, line;
	size_t len, line_no, i;
	int nrows;

	nnames = 0;
	ck_assert_msg(list("tests/corpus/rules", ".tab") > number,
	    "no table %d", number);
	memset(is_used, 0, sizeof(is_used));
	read_profile(&p, names[number]);
	path_of(path, "tests/corpus/rules", names[number], ".tab");
	ck_assert(read_file(path, table, &len));
	rest = (struct span){ table, len };
	nrows = 0;
	for (line_no = 1; span_next(&rest, '\n', &line); line_no++)
		nrows += run_line(&p, line, line_no);
	ck_assert_msg(nrows > 0, "%s.tab: empty", names[number]);
	for (i = 0; i < p.nrules; i++)
		ck_assert_msg(is_used[i],
		    "%s: line %zu allows no row of the table: %s", names[number],
		    p.rules[i].line_no,
		    unit_show(p.rules[i].text.p, p.rules[i].text.len));
	profile_free(&p);
}

START_TEST(test_table)
{
	run_table(_i);
}
END_TEST

/* Where memory cannot be made executable, PCRE2 interprets: the verdicts are
 * the same. */
START_TEST(test_interpreted)
{
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == -1) {
		ck_assert_int_eq(errno, EINVAL);	/* before Linux 6.3 */
		return;
	}
	ck_assert_msg(!rule_has_jit(), "there is JIT in spite of MDWE");
	run_table(_i);
}
END_TEST

/* The other way round: every shipped profile has a table. */
START_TEST(test_has_table)
{
	char path[PATH_CAP];
	size_t len;

	nnames = 0;
	ck_assert_msg(list("profiles", "") > _i, "no profile %d", _i);
	path_of(path, "tests/corpus/rules", names[_i], ".tab");
	ck_assert_msg(has_no_rule(names[_i]) || read_file(path, table, &len),
	    "profiles/%s has no table", names[_i]);
}
END_TEST

/* A search that finds nothing must not pass. */
START_TEST(test_found)
{
	nnames = 0;
	ck_assert_msg(list("profiles", "") > 0, "no profile in %s/profiles",
	    top());
	ck_assert_msg(list("tests/corpus/rules", ".tab") > 0,
	    "no table in %s/tests/corpus/rules", top());
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;
	int ntables;

	s = suite_create("rules");
	tc = unit_case(s, "rules");
	tcase_add_test(tc, test_found);
	tcase_add_loop_test(tc, test_has_table, 0, list("profiles", ""));
	tcase_add_loop_test(tc, test_admits, 0, nnames);
	nnames = 0;
	ntables = list("tests/corpus/rules", ".tab");
	tcase_add_loop_test(tc, test_table, 0, ntables);
	tcase_add_loop_test(tc, test_interpreted, 0, ntables);
	return s;
}
