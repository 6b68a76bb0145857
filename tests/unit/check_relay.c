/*
 * Bodies of requests.  Every row runs with and without the pipe for bulk, and
 * with clients of both kinds: what arrives must be the same.
 */
#include "config.h"

#include "relay.h"

#include "relayunit.h"

/* The bytes behind the body are still there, all of them. */
static void
check_behind(const struct row *row)
{
	char buf[BEHIND + 1];
	size_t i, len;
	ssize_t n;

	len = r.up.end - r.up.start;
	ck_assert_uint_le(len, BEHIND);
	memcpy(buf, r.up.buf + r.up.start, len);
	(void)fcntl(client_fd, F_SETFL, 0);
	be_patient(client_fd);
	while (len < BEHIND) {
		n = recv(client_fd, buf + len, sizeof(buf) - len, 0);
		ck_assert_msg(n > 0, "%s: the next message is gone",
		    row->what);
		len += (size_t)n;
	}
	ck_assert_uint_eq(len, BEHIND);
	for (i = 0; i < len; i++)
		ck_assert_int_eq(buf[i], byte_at(row->len + i));
}

/* Variants of every row. */
enum {
	IS_TCP = 1,
	MAY_PIPE = 2,
	VARIANTS = 4
};

static const struct row whole[] = {
	/* what, length, early, piece, sip */
	{ "nothing left", 100, 100, 1 * KIB, 4 * KIB, 0, 0, 0, 0 },
	{ "small", 1000, 10, 1 * KIB, 4 * KIB, 0, 0, 0, 0 },
	{ "just below", FROM - 1, 0, 32 * KIB, 64 * KIB, 0, 0, 0, 0 },
	{ "at the limit", FROM, 0, 32 * KIB, 64 * KIB, 0, 0, 0, 0 },
	{ "limit and one", FROM + 1, 1, 32 * KIB, 64 * KIB, 0, 0, 0, 0 },
	{ "limit and a buffer", FROM + BOUNDS_RELAY_CAP, 0, 64 * KIB,
	    64 * KIB, 0, 0, 0, 0 },
	{ "that and one", FROM + BOUNDS_RELAY_CAP + 1, 0, 64 * KIB, 64 * KIB,
	    0, 0, 0, 0 },
	{ "two pipes less one", 2 * CAP - 1, 777, 32 * KIB, 64 * KIB, 0, 0,
	    0, 0 },
	{ "two pipes", 2 * CAP, 0, 32 * KIB, 256 * KIB, 0, 0, 0, 0 },
	{ "odd", 5 * MIB + 13, 4095, 16 * KIB + 1, 64 * KIB, 0, 0, 0,
	    0 },
	{ "odd pieces", 3 * MIB + 1, 3, 1447, 33333, 0, 0, 0, 0 },
	{ "slow reader", 2 * MIB + 5, 0, 64 * KIB, 16 * KIB, 1000, 0,
	    0, 0 },
	{ "answer at once", 3 * MIB + 7, 0, 32 * KIB, 64 * KIB, 0, 0,
	    0, 1 },
	{ "answer in the middle", 3 * MIB + 7, 0, 32 * KIB, 64 * KIB,
	    100, 0, 0, 1 * MIB },
};

/* Rows of which enough is left after the first receive, whatever it
 * brings. */
static bool
is_surely_bulk(const struct row *row, int variant)
{
	return (variant & MAY_PIPE) != 0 && row->len >= 1 * MIB &&
	    row->piece >= BOUNDS_BULK;
}

START_TEST(whole_bodies)
{
	const struct row *row = &whole[_i / VARIANTS];
	int variant = _i % VARIANTS;

	open_sockets((variant & IS_TCP) != 0);
	start_both(be_client, be_dockerd, row);
	begin(BODY_LENGTH, row->len, row->early, (variant & MAY_PIPE) != 0);
	if (row->len >= FROM)
		await_bulk();
	ck_assert_int_eq(relay_until_answer(&r), RELAY_ANSWER);
	ck_assert_int_eq(relay_run(&r), RELAY_END);
	ck_assert_msg(r.up.state == RELAY_DONE && r.down.state == RELAY_DONE,
	    "%s: states %d, %d", row->what, r.up.state, r.down.state);
	ck_assert_uint_eq(r.up.bytes, row->len);
	if (row->len < FROM || (variant & MAY_PIPE) == 0)
		ck_assert_int_eq(r.up.pipe.in, -1);
	if (is_surely_bulk(row, variant))
		ck_assert_msg(r.up.pipe.in != -1, "%s: no pipe", row->what);
	check_behind(row);
	end_peers();
	ck_assert_msg(!seen->is_wrong, "%s: other bytes", row->what);
	ck_assert_uint_eq(seen->got, row->len);
	ck_assert_uint_eq(seen->down, row->answer > 0 ? 2 : 1);
}
END_TEST

/* -- ends in the middle -- */

static const struct row cut[] = {
	{ "client, small", 1000, 0, 1 * KIB, 4 * KIB, 0, 999, 0, 0 },
	{ "client, bulk", 8 * MIB, 0, 64 * KIB, 64 * KIB, 0, 3 * MIB + 1, 0,
	    0 },
	{ "client, last byte", 2 * MIB, 5, 64 * KIB, 64 * KIB, 100,
	    2 * MIB - 1, 0, 0 },
	{ "dockerd, small", 1000, 10, 1 * KIB, 4 * KIB, 0, 0, 10, 0 },
	{ "dockerd, bulk", 8 * MIB, 0, 64 * KIB, 64 * KIB, 0, 0, 3 * MIB + 1,
	    0 },
	{ "dockerd, slow", 8 * MIB, 0, 64 * KIB, 16 * KIB, 1000, 0, 1 * MIB,
	    0 },
	{ "dockerd, late", 2 * MIB, 0, 64 * KIB, 64 * KIB, 0, 0, 2 * MIB - 1,
	    0 },
};

START_TEST(cut_bodies)
{
	const struct row *row = &cut[_i / VARIANTS];
	int variant = _i % VARIANTS;

	open_sockets((variant & IS_TCP) != 0);
	start_both(be_client, be_dockerd, row);
	begin(BODY_LENGTH, row->len, row->early, (variant & MAY_PIPE) != 0);
	if (row->len >= FROM)
		await_bulk();
	ck_assert_msg(relay_until_answer(&r) == (row->stop > 0 ? RELAY_END :
	    RELAY_ANSWER), "%s: up is %d", row->what, r.up.state);
	if (is_surely_bulk(row, variant))
		ck_assert_msg(r.up.pipe.in != -1 || r.up.state ==
		    RELAY_BROKEN, "%s: no pipe", row->what);
	if (row->stop > 0) {
		ck_assert_int_eq(r.up.state, RELAY_SHORT);
		ck_assert_uint_eq(r.up.bytes, row->stop);
	} else {
		ck_assert_int_eq(relay_run(&r), RELAY_END);
		ck_assert_int_eq(r.down.state, RELAY_DONE);
		ck_assert_int_ne(r.up.state, RELAY_SHORT);
		ck_assert(r.up.state != RELAY_BROKEN ||
		    (r.up.pipe.in == -1 && r.up.pipe.held == 0));
	}
	end_peers();
	ck_assert(!seen->is_wrong);
	ck_assert_uint_eq(seen->got, row->stop > 0 ? row->stop : row->die);
	ck_assert_uint_eq(seen->down, 0);
}
END_TEST

/* A client that resets is gone at once, with dockerd's buffers full. */
static void
be_reset(const struct row *row)
{
	const struct linger reset = { 1, 0 };
	const struct timeval moment = { .tv_usec = 300000 };

	(void)setsockopt(client_end, SOL_SOCKET, SO_LINGER, &reset,
	    sizeof(reset));
	(void)setsockopt(client_end, SOL_SOCKET, SO_SNDTIMEO, &moment,
	    sizeof(moment));
	(void)send_bytes(0, row->len, row->piece);
}

static void
be_deaf(const struct row *row)
{
	(void)row;
	while (seen->down == 0)
		(void)usleep(1000);
}

START_TEST(client_gone)
{
	const struct row row = { .len = 64 * MIB, .piece = 64 * KIB };

	open_sockets(true);
	start_both(be_reset, be_deaf, &row);
	begin(BODY_LENGTH, row.len, 0, _i != 0);
	await_bulk();
	ck_assert_int_eq(relay_until_answer(&r), RELAY_GONE);
	ck_assert_int_eq(r.up.pipe.in != -1, _i != 0);
	seen->down = 1;
	end_peers();
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("relay");
	TCase *tc;

	tc = relay_case(s, "bodies");
	tcase_add_loop_test(tc, whole_bodies, 0, ROWS(whole) * VARIANTS);
	tcase_add_loop_test(tc, cut_bodies, 0, ROWS(cut) * VARIANTS);
	tcase_add_loop_test(tc, client_gone, 0, 2);
	return s;
}
