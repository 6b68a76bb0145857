/* Messages to authorization plugins: read the same in any pieces; and what is
 * made of one is the request that it tells of, and no other. */

#include "config.h"

#include "fuzz.h"

#include "authzhead.h"
#include "authzmsg.h"
#include "reply.h"

static struct authzmsg whole, pieces;
static struct http_head head;
static struct policy_request request;
static char made[BOUNDS_HEAD_CAP], answer[BOUNDS_REPLY_CAP];

static bool
read_whole(struct authzmsg *m, const char *p, size_t len)
{
	authzmsg_begin(m, AUTHZMSG_REQUEST);
	return authzmsg_walk(m, p, len) && authzmsg_is_whole(m);
}

/* In pieces whose lengths are in the text itself. */
static bool
read_pieces(struct authzmsg *m, const char *p, size_t len)
{
	size_t n;

	authzmsg_begin(m, AUTHZMSG_REQUEST);
	for (; len > 0; p += n, len -= n) {
		n = (size_t)(p[0] & 7) + 1;
		n = n < len ? n : len;
		if (!authzmsg_walk(m, p, n))
			return false;
	}
	return authzmsg_is_whole(m);
}

static bool
is_same(struct span a, struct span b)
{
	return (a.p == NULL) == (b.p == NULL) && span_eq(a, b);
}

static void
check_pieces(void)
{
	size_t i;

	LAW(is_same(whole.method, pieces.method));
	LAW(is_same(whole.target, pieces.target));
	LAW(is_same(whole.user, pieces.user));
	LAW(is_same(whole.user_by, pieces.user_by));
	LAW(whole.nfields == pieces.nfields);
	for (i = 0; i < whole.nfields; i++)
		LAW(is_same(whole.fields[i].name, pieces.fields[i].name) &&
		    is_same(whole.fields[i].value, pieces.fields[i].value));
	LAW(whole.has_body == pieces.has_body);
	LAW(whole.body_len == pieces.body_len);
	LAW(whole.user.len <= BOUNDS_AUTHZ_USER_CAP);
}

/* A request that may be judged. */
static void
check_request(size_t len)
{
	struct target again;

	LAW(len <= sizeof(made) && made[len - 1] == '\n');
	LAW(span_eq(request.method, whole.method));
	LAW(span_eq(request.target.whole, whole.target));
	LAW(http_is_token(request.method));
	LAW(target_parse(whole.target, &again) == REASON_NONE);
	LAW(head.nfields == whole.nfields + 1);
	LAW(body_is_allowed(request.method) ||
	    request.body.kind == BODY_NONE);
	if (whole.has_body && request.body.kind != BODY_CHUNKED)
		LAW(request.body.left == whole.body_len);
}

/* A denial is JSON that can be read back. */
static void
check_denial(enum reason reason)
{
	const struct reply r = { .reason = reason, .method = head.method,
		.target = head.target, .minor = 1 };
	static struct authzmsg back;
	size_t len, used;

	len = reply_authz_make(answer, REPLY_AUTHZ_VERDICT, &r);
	LAW(http_parse_answer(answer, len, &head, &used) == HTTP_DONE);
	authzmsg_begin(&back, AUTHZMSG_ANSWER);
	LAW(authzmsg_walk(&back, answer + used, len - used));
	LAW(authzmsg_is_whole(&back));
	LAW(memmem(answer, len, "\"Allow\":true", 12) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	enum reason reason;
	bool is_good;
	size_t len;

	is_good = read_whole(&whole, p, size);
	LAW(read_pieces(&pieces, p, size) == is_good);
	if (!is_good)
		return 0;
	check_pieces();
	reason = authzhead_make(&whole, made, &len, &head, &request);
	if (reason == REASON_NONE)
		check_request(len);
	else
		check_denial(reason);
	return 0;
}
