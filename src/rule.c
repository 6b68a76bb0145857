/*
 * One profile line: cut, checked, compiled, matched.
 */

#include "config.h"

#include "rule.h"

#include <string.h>

#include "bounds.h"
#include "text.h"

/*
 * Both ends are anchored by the engine, so alternation needs no group, and
 * a "^" or "$" that the user wrote changes nothing.  Bytes stay bytes.
 */
#define COMPILE_OPTIONS (PCRE2_ANCHORED | PCRE2_ENDANCHORED | \
    PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | \
    PCRE2_NEVER_BACKSLASH_C)

/* Say in error what is wrong; always false. */
static bool
fail(char error[RULE_ERROR_CAP], const char *what)
{
	struct text t;

	text_init(&t, error, RULE_ERROR_CAP);
	text_str(&t, what);
	text_string(&t);
	return false;
}

/* "what: PCRE2's message at offset N". */
static bool
fail_regex(char error[RULE_ERROR_CAP], const char *what, int code,
    size_t offset)
{
	PCRE2_UCHAR message[128];
	struct text t;

	if (pcre2_get_error_message(code, message, sizeof(message)) < 0)
		message[0] = '\0';
	text_init(&t, error, RULE_ERROR_CAP);
	text_str(&t, what);
	text_str(&t, ": ");
	text_str(&t, (const char *)message);
	text_str(&t, " at offset ");
	text_number(&t, offset);
	text_string(&t);
	return false;
}

/* Compile to byte code and, where the system lets us, to machine code: the
 * interpreter gives the same verdicts, slower. */
static pcre2_code *
compile(struct span s, int *code, size_t *offset)
{
	pcre2_code *re;

	re = pcre2_compile((PCRE2_SPTR)s.p, s.len, COMPILE_OPTIONS, code,
	    offset, NULL);
	if (re != NULL)
		(void)pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
	return re;
}

/* Upper-case letters only: compared without PCRE2. */
static bool
is_word(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return false;
	return s.len > 0;
}

bool
rule_cut(struct span line, struct span *method, struct span *target)
{
	size_t i;

	line = span_trim(line);
	for (i = 0; i < line.len; i++)
		if (line.p[i] == ' ' || line.p[i] == '\t')
			break;
	*method = (struct span){ line.p, i };
	*target = span_trim((struct span){ line.p + i, line.len - i });
	return target->len > 0;
}

static bool
has_blank_or_control(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

/* What can be said without compiling; NULL when nothing is wrong. */
static const char *
check(struct span line, struct span method, struct span target)
{
	if (line.len > BOUNDS_RULE_LINE_CAP)
		return "line too long (4096 bytes at most)";
	if (has_blank_or_control(method))
		return "control byte in the method expression";
	if (has_blank_or_control(target))
		return "blank or control byte in the target expression "
		    "(a blank is written %20 or \\x20)";
	if (target.p[0] != '/' && (target.len < 2 || target.p[0] != '^' ||
	    target.p[1] != '/'))
		return "the target expression must start with /";
	return NULL;
}

bool
rule_parse(struct span line, size_t line_no, struct rule *rule,
    char error[RULE_ERROR_CAP])
{
	struct span method, target;
	const char *wrong;
	size_t offset;
	int code;

	*rule = (struct rule){ .line_no = line_no, .written = line,
	    .text = line };
	if (!rule_cut(line, &method, &target))
		return fail(error, "two expressions are needed: METHOD TARGET");
	wrong = check(line, method, target);
	if (wrong != NULL)
		return fail(error, wrong);
	if (is_word(method))
		rule->literal = method;
	else if ((rule->method = compile(method, &code, &offset)) == NULL)
		return fail_regex(error, "method expression", code, offset);
	rule->target = compile(target, &code, &offset);
	if (rule->target == NULL) {
		rule_free(rule);
		return fail_regex(error, "target expression", code, offset);
	}
	rule->names_attach_ws = span_has(target, SPAN("attach/ws"));
	rule->names_slash_escape = span_has(target, SPAN("%2F")) ||
	    span_has(target, SPAN("%2f"));
	return true;
}

bool
rule_check_expression(struct span s, char error[RULE_ERROR_CAP])
{
	pcre2_code *re;
	size_t offset;
	int code;

	if (s.len == 0)
		return fail(error, "there is no expression");
	if (has_blank_or_control(s))
		return fail(error, "blank or control byte in the expression");
	re = pcre2_compile((PCRE2_SPTR)s.p, s.len, COMPILE_OPTIONS, &code,
	    &offset, NULL);
	if (re == NULL)
		return fail_regex(error, "expression", code, offset);
	pcre2_code_free(re);
	return true;
}

void
rule_free(struct rule *rule)
{
	pcre2_code_free(rule->method);
	pcre2_code_free(rule->target);
	rule->method = rule->target = NULL;
}

bool
rule_matcher_init(struct rule_matcher *m)
{
	m->context = pcre2_match_context_create(NULL);
	m->data = pcre2_match_data_create(1, NULL);
	m->cpu_us = NULL;
	if (m->context == NULL || m->data == NULL) {
		rule_matcher_free(m);
		return false;
	}
	(void)pcre2_set_match_limit(m->context, BOUNDS_MATCH_LIMIT);
	(void)pcre2_set_depth_limit(m->context, BOUNDS_MATCH_LIMIT);
	(void)pcre2_set_heap_limit(m->context, BOUNDS_MATCH_HEAP_KIB);
	return true;
}

void
rule_matcher_free(struct rule_matcher *m)
{
	pcre2_match_context_free(m->context);
	pcre2_match_data_free(m->data);
	*m = (struct rule_matcher){ NULL, NULL, NULL };
}

/* Straight to the machine code, where there is some: what pcre2_match checks
 * first costs as much as most rules do. */
static enum rule_result
match(const pcre2_code *re, const struct rule_matcher *m, struct span s)
{
	int rc;

	rc = pcre2_jit_match(re, (PCRE2_SPTR)s.p, s.len, 0, 0, m->data,
	    m->context);
	if (rc == PCRE2_ERROR_JIT_BADOPTION)
		rc = pcre2_match(re, (PCRE2_SPTR)s.p, s.len, 0, 0, m->data,
		    m->context);
	if (rc >= 0)
		return RULE_MATCH;
	return rc == PCRE2_ERROR_NOMATCH ? RULE_NO_MATCH : RULE_ERROR;
}

enum rule_result
rule_match(const struct rule *rule, const struct rule_matcher *m,
    struct span method, struct span target)
{
	enum rule_result result;

	if (rule->method == NULL)
		result = span_eq(rule->literal, method) ?
		    RULE_MATCH : RULE_NO_MATCH;
	else
		result = match(rule->method, m, method);
	return result == RULE_MATCH ? match(rule->target, m, target) : result;
}

bool
rule_has_jit(void)
{
	pcre2_code *re;
	size_t offset;
	bool works;
	int code;

	re = pcre2_compile((PCRE2_SPTR)"/", 1, COMPILE_OPTIONS, &code,
	    &offset, NULL);
	works = re != NULL && pcre2_jit_compile(re, PCRE2_JIT_COMPLETE) == 0;
	pcre2_code_free(re);
	return works;
}
