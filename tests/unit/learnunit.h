#ifndef DSP_LEARNUNIT_H
#define DSP_LEARNUNIT_H

/* What tests of --learn share: a log made of requests, and what is printed for
 * it. */

#include <fcntl.h>

#include "confunit.h"
#include "learn.h"
#include "policy.h"
#include "text.h"

#define OUTPUT_CAP (1 << 21)

static char	output[OUTPUT_CAP];
static size_t	output_len;
static int	learn_code;

/* The configuration file that finds the fragments. */
static inline const char *
with_profiles(void)
{
	const char *top = getenv("srcdir");
	char *cwd = realpath(top == NULL || top[0] == '\0' ? "." : top, NULL);
	const char *text;

	ck_assert_ptr_nonnull(cwd);
	text = join("profile-dir @/first\nprofile-dir ", cwd, "/profiles\n",
	    "");
	free(cwd);
	return text;
}

/* Write the log that --log-requests makes of "METHOD TARGET" lines. */
static inline void
write_log(const char *requests)
{
	struct span rest = span_of(requests), line, method;
	size_t cap = 2 * rest.len + 64;
	FILE *f = fopen(path("log"), "w");
	char *buf = malloc(cap);
	struct text t;

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(buf);
	fprintf(f, "info listening\n");
	while (span_next(&rest, '\n', &line)) {
		if (line.len == 0)
			continue;
		ck_assert(span_next(&line, ' ', &method));
		text_init(&t, buf, cap);
		text_str(&t, "request rule:  ");
		text_literal(&t, method);
		text_char(&t, ' ');
		text_literal(&t, line);
		ck_assert(!t.is_full);
		fprintf(f, "%.*s\n", (int)t.len, buf);
	}
	ck_assert_int_eq(fclose(f), 0);
	free(buf);
}

/* Run --learn; what it prints is in output then. */
static inline void
learn(const char *flags)
{
	struct conf *c = load_good(flags, "", with_profiles());
	FILE *f;
	int saved;

	ck_assert_int_eq((int)c->mode, (int)CONF_LEARN);
	ck_assert_int_eq(fflush(stdout), 0);
	saved = dup(STDOUT_FILENO);
	ck_assert_int_ge(saved, 0);
	f = fopen(path("first/learned"), "w+");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(dup2(fileno(f), STDOUT_FILENO), STDOUT_FILENO);
	learn_code = learn_run(c);
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	(void)close(saved);
	rewind(f);
	output_len = fread(output, 1, sizeof(output) - 1, f);
	ck_assert_uint_lt(output_len, sizeof(output) - 1);
	output[output_len] = '\0';
	(void)fclose(f);
	conf_free(c);
}

/* The profile that was printed, loaded: its conf. */
static inline struct conf *
learned(void)
{
	return load_good("-p learned -e GET /x", "", with_profiles());
}

/* Its verdict. */
static inline enum reason
verdict_on(const struct conf *c, struct span method, struct span target)
{
	struct policy_request request = { .method = method };
	struct policy_verdict verdict;
	enum reason reason;

	if (!http_is_token(method))
		return REASON_METHOD;
	request.body.kind = BODY_NONE;
	reason = target_parse(target, &request.target);
	if (reason != REASON_NONE)
		return reason;
	(void)policy_decide(&request, c->profile, c->min_api, &verdict);
	return verdict.reason;
}

#endif /* DSP_LEARNUNIT_H */
