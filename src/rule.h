#ifndef DSP_RULE_H
#define DSP_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "span.h"

/*
 * One line of a profile: METHOD_REGEX, blanks, TARGET_REGEX.  Both must
 * match the whole string (PCRE2_ANCHORED | PCRE2_ENDANCHORED).
 * Source: pcre2pattern(3), pcre2api(3).
 */
struct rule {
	size_t		 line_no;	/* in the profile: of the line itself,
					 * or of the one that includes it */
	const char	*file;		/* that it was included from, or NULL */
	size_t		 file_line_no;	/* there */
	struct span	 written;	/* the line, in the text of its file */
	struct span	 text;		/* the same without variables */
	struct span	 literal;	/* the method, when it is a plain word */
	pcre2_code	*method;	/* NULL when literal is set */
	pcre2_code	*target;
	bool		 names_attach_ws;	/* has attach/ws in it */
	bool		 names_slash_escape;	/* has %2F in it */
};

/* What a match needs besides the rule; one for each process. */
struct rule_matcher {
	pcre2_match_context	*context;
	pcre2_match_data	*data;
	/* Processor time used so far in microseconds, from whoever has a
	 * clock; NULL: verdicts take as long as they take. */
	uint64_t		(*cpu_us)(void);
};

enum rule_result {
	RULE_MATCH,
	RULE_NO_MATCH,
	RULE_ERROR	/* a limit was hit, or PCRE2 failed: must deny */
};

/* Bytes an error text of rule_parse needs at most, with the NUL. */
#define RULE_ERROR_CAP 256

/*
 * rule_parse(line, line_no, rule, error):
 * Parse and compile one line (no line end, not empty, no comment, no
 * variables).  line must outlive the rule.  True, or false with a NUL-terminated text in error
 * that says what is wrong and how to put it right.
 */
bool rule_parse(struct span line, size_t line_no, struct rule *rule,
    char error[RULE_ERROR_CAP]);

/* rule_cut(line, method, target): the two expressions of a line, cut at the
 * first run of blanks; false when there is no second. */
bool rule_cut(struct span line, struct span *method, struct span *target);

/* rule_check_expression(s, error): whether s compiles by itself; else as
 * rule_parse. */
bool rule_check_expression(struct span s, char error[RULE_ERROR_CAP]);

/* rule_free(rule): release what rule_parse compiled. */
void rule_free(struct rule *rule);

/* rule_matcher_init(m): false when memory is short. */
bool rule_matcher_init(struct rule_matcher *m);
void rule_matcher_free(struct rule_matcher *m);

/*
 * rule_match(rule, m, method, target):
 * Whether the rule's expressions match the whole method and the whole
 * target.  No memory is taken with JIT code.
 */
enum rule_result rule_match(const struct rule *rule,
    const struct rule_matcher *m, struct span method, struct span target);

/* rule_has_jit(): true when this PCRE2 can compile to machine code now. */
bool rule_has_jit(void);

#endif /* DSP_RULE_H */
