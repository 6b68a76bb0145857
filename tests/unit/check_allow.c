/* Tests of allow.c: addresses, networks, who matches. */

#include "config.h"

#include "unit.h"

#include <arpa/inet.h>

#include "allow.h"

#define GOOD	ALLOW_GOOD
#define FORM	ALLOW_FORM
#define PREFIX	ALLOW_PREFIX
#define BITS	ALLOW_HOST_BITS

static const char *const words[] = { "good", "form", "prefix", "host bits" };

/* What is read, and what it is written as: of a network, or of the one that
 * was meant. */
static const struct {
	const char		*text;
	enum allow_result	 result;
	const char		*shown;		/* NULL: as text */
} rows[] = {
	{ "0.0.0.0", GOOD, NULL },
	{ "127.0.0.1", GOOD, NULL },
	{ "255.255.255.255", GOOD, NULL },
	{ "172.18.0.0/16", GOOD, NULL },
	{ "172.18.0.1/32", GOOD, "172.18.0.1" },
	{ "10.0.0.0/8", GOOD, NULL },
	{ "128.0.0.0/1", GOOD, NULL },
	{ "0.0.0.0/0", GOOD, NULL },
	{ "10.32.0.0/11", GOOD, NULL },
	{ "172.18.0.5/16", BITS, "172.18.0.0/16" },
	{ "172.18.0.1/31", BITS, "172.18.0.0/31" },
	{ "10.32.0.0/10", BITS, "10.0.0.0/10" },
	{ "1.2.3.4/0", BITS, "0.0.0.0/0" },
	{ "172.18.0.0/33", PREFIX, NULL },
	{ "172.18.0.0/", PREFIX, NULL },
	{ "172.18.0.0/08", PREFIX, NULL },
	{ "172.18.0.0/-1", PREFIX, NULL },
	{ "172.18.0.0/16/8", PREFIX, NULL },
	{ "172.18.0.0/ 8", PREFIX, NULL },
	{ "172.18.0.0/255.255.0.0", PREFIX, NULL },
	{ "1.2.3.4/4294967296", PREFIX, NULL },
	{ "10/8", FORM, NULL },
	{ "10.0.0/8", FORM, NULL },
	{ "1.2.3", FORM, NULL },
	{ "1.2.3.4.5", FORM, NULL },
	{ "1.2.3.", FORM, NULL },
	{ ".1.2.3", FORM, NULL },
	{ "1..2.3", FORM, NULL },
	{ "1.2.3.256", FORM, NULL },
	{ "1.2.3.010", FORM, NULL },
	{ "1.2.3.0x1", FORM, NULL },
	{ "1.2.3.4 ", FORM, NULL },
	{ " 1.2.3.4", FORM, NULL },
	{ "1.2.3.*", FORM, NULL },
	{ "/8", FORM, NULL },
	{ "localhost", FORM, NULL },
	{ "*", FORM, NULL },
	{ "", FORM, NULL },
	{ "::", GOOD, NULL },
	{ "::1", GOOD, NULL },
	{ "::/0", GOOD, NULL },
	{ "fd00::/8", GOOD, NULL },
	{ "FD00::/8", GOOD, "fd00::/8" },
	{ "fe80::/10", GOOD, NULL },
	{ "2001:db8::/32", GOOD, NULL },
	{ "2001:db8:0:0:0:0:0:1/128", GOOD, "2001:db8::1" },
	{ "2001:0db8::0001", GOOD, "2001:db8::1" },
	{ "1:2:3:4:5:6:7:8", GOOD, NULL },
	{ "1:2:3:4:5:6:7::", GOOD, "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", GOOD, "0:2:3:4:5:6:7:8" },
	{ "1:0:0:4:5:0:0:8", GOOD, "1::4:5:0:0:8" },
	{ "1:0:0:4:0:0:0:8", GOOD, "1:0:0:4::8" },
	{ "1:0:3:4:5:6:7:8", GOOD, NULL },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", GOOD, NULL },
	{ "64:ff9b::1.2.3.4", GOOD, "64:ff9b::102:304" },
	{ "1:2:3:4:5:6:1.2.3.4", GOOD, "1:2:3:4:5:6:102:304" },
	{ "fd00::1/8", BITS, "fd00::/8" },
	{ "fd01::/8", BITS, "fd00::/8" },
	{ "::1/127", BITS, "::/127" },
	{ "fd00::/129", PREFIX, NULL },
	{ "fd00::/", PREFIX, NULL },
	{ ":", FORM, NULL },
	{ ":::", FORM, NULL },
	{ "1:::2", FORM, NULL },
	{ "1::2::3", FORM, NULL },
	{ ":1::2", FORM, NULL },
	{ "1::2:", FORM, NULL },
	{ "1:2:3:4:5:6:7", FORM, NULL },
	{ "1:2:3:4:5:6:7:", FORM, NULL },
	{ "1:2:3:4:5:6:7:8:9", FORM, NULL },
	{ "1:2:3:4:5:6:7::8", FORM, NULL },
	{ "1:2:3:4:5:6:7:1.2.3.4", FORM, NULL },
	{ "::12345", FORM, NULL },
	{ "::g", FORM, NULL },
	{ "1.2.3.4::", FORM, NULL },
	{ "::1.2.3.4:5", FORM, NULL },
	{ "::1.2.3", FORM, NULL },
	{ "[::1]", FORM, NULL },
	{ "fe80::1%lo", FORM, NULL },
	/* IPv4 in IPv6's clothes */
	{ "::ffff:1.2.3.4", GOOD, "1.2.3.4" },
	{ "::ffff:10.0.0.0/104", GOOD, "10.0.0.0/8" },
	{ "::ffff:0:0/96", GOOD, "0.0.0.0/0" },
	{ "::ffff:0:0/95", BITS, "::fffe:0:0/95" },
	{ "::fffe:0:0/95", GOOD, NULL },
	{ "uid:", FORM, NULL },
	{ "gid:", FORM, NULL },
	{ "uid", FORM, NULL },
	{ "UID:0", FORM, NULL },
	{ "user:0", FORM, NULL },
};

static const char *
show(const struct allow_entry *e)
{
	static char buf[64];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	allow_put(&t, e);
	ck_assert(!t.is_full);
	return text_string(&t);
}

START_TEST(test_parse)
{
	struct span s, name = { NULL, 0 };
	const char *text = rows[_i].text;
	enum allow_result result;
	struct allow_entry e;
	int side;

	for (side = 0; side < UNIT_SIDES; side++) {
		s = unit_span(text, strlen(text), (enum unit_side)side);
		result = allow_parse(s, &e, &name);
		ck_assert_msg(result == rows[_i].result, "%s: %s", text,
		    words[result]);
		if (result != GOOD && result != BITS)
			continue;
		ck_assert_int_eq((int)e.kind, (int)ALLOW_NET);
		ck_assert_str_eq(show(&e), rows[_i].shown != NULL ?
		    rows[_i].shown : text);
		ck_assert_ptr_null(name.p);
	}
}
END_TEST

START_TEST(test_empty)
{
	struct span none = { NULL, 0 }, name;
	struct allow_entry e;

	ck_assert_int_eq((int)allow_parse(none, &e, &name), (int)FORM);
}
END_TEST

/* What is written is read again, and means the same. */
START_TEST(test_again)
{
	struct allow_entry e, again;
	struct span name;
	const char *text;

	if (rows[_i].result != GOOD)
		return;
	ck_assert(allow_parse(span_of(rows[_i].text), &e, &name) == GOOD);
	text = show(&e);
	ck_assert_msg(allow_parse(span_of(text), &again, &name) == GOOD, "%s",
	    text);
	ck_assert_mem_eq(e.address, again.address, sizeof(e.address));
	ck_assert_uint_eq(e.prefix_len, again.prefix_len);
}
END_TEST

/* Address of an entry as the system reads it; IPv4 becomes IPv6. */
static bool
read_address(const char *text, unsigned char out[ALLOW_ADDRESS_LEN])
{
	memset(out, 0, ALLOW_ADDRESS_LEN);
	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	memset(out, 0, ALLOW_ADDRESS_LEN);
	out[10] = out[11] = 0xff;
	return inet_pton(AF_INET, text, out + 12) == 1;
}

/* Strings of a few pieces, all of them: what the system takes for an address
 * is one, the same, and nothing else is. */
START_TEST(test_system)
{
	static const char *const pieces[] = { "", ":", "::", "1", "0", "ff",
		".", "1.2", ":2:3", ":4:5:6" };
	unsigned char address[ALLOW_ADDRESS_LEN];
	int n, i, is_good, ngood = 0, nbad = 0;
	struct allow_entry e;
	struct span s, name;
	char text[64];

	for (n = 0; n < 10 * 10 * 10 * 10 * 10; n++) {
		text[0] = '\0';
		for (i = n + _i * 100000; i > 0; i /= 10)
			strcat(text, pieces[i % 10]);
		s = span_of(text);
		is_good = read_address(text, address);
		ck_assert_msg((allow_parse(s, &e, &name) == GOOD) == is_good,
		    "%s: %d", text, is_good);
		if (is_good) {
			ck_assert_msg(memcmp(e.address, address,
			    sizeof(address)) == 0, "%s", text);
			ck_assert_uint_eq(e.prefix_len, 128);
			ngood++;
		} else {
			nbad++;
		}
	}
	/* No address ends in a dot. */
	ck_assert_int_eq(ngood > 100, pieces[_i][0] != '.');
	ck_assert_int_gt(nbad, 100);
}
END_TEST

/* Every length of a prefix: the first bits count, and no other. */
START_TEST(test_prefix)
{
	unsigned char address[ALLOW_ADDRESS_LEN];
	struct allow a = { .nentries = 1 };
	struct allow_peer peer = { .is_user = false };
	struct span name;
	char text[64];
	int bits, i, most = _i == 0 ? 32 : 128;

	for (bits = 0; bits <= most; bits++) {
		(void)snprintf(text, sizeof(text), _i == 0 ? "0.0.0.0/%d" :
		    "::/%d", bits);
		ck_assert(allow_parse(span_of(text), &a.entries[0], &name) ==
		    GOOD);
		ck_assert(read_address(_i == 0 ? "0.0.0.0" : "::", address));
		for (i = 0; i < most; i++) {
			memcpy(peer.address, address, sizeof(address));
			peer.address[(128 - most + i) / 8] ^=
			    (unsigned char)(0x80 >> (i % 8));
			ck_assert_msg(allow_match(&a, &peer) == (i >= bits),
			    "%s: bit %d", text, i);
		}
	}
}
END_TEST

static const struct {
	const char	*entries;	/* between blanks */
	const char	*peer;		/* address, or UID:GID[,GID...] */
	bool		 is_allowed;
} matches[] = {
	{ "", "1.2.3.4", true },
	{ "", "::1", true },
	{ "", "1000:1000", true },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "127.0.0.1", "::ffff:127.0.0.1", true },
	{ "127.0.0.1", "::1", false },
	{ "127.0.0.1", "::127.0.0.1", false },
	{ "172.18.0.0/16", "172.18.255.255", true },
	{ "172.18.0.0/16", "172.19.0.0", false },
	{ "172.18.0.0/16", "172.17.255.255", false },
	{ "172.18.0.0/16 10.0.0.0/8", "10.9.8.7", true },
	{ "172.18.0.0/16 10.0.0.0/8", "11.9.8.7", false },
	{ "0.0.0.0/0", "1.2.3.4", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "::1", true },
	{ "::/0", "fd00::1", true },
	{ "::/0", "1.2.3.4", false },
	{ "::/0 0.0.0.0/0", "1.2.3.4", true },
	{ "::/80", "1.2.3.4", false },
	{ "::ffff:0:0/96", "1.2.3.4", true },
	{ "fd00::/8", "fd12:3456::1", true },
	{ "fd00::/8", "fe00::", false },
	{ "::1", "::1", true },
	{ "::1", "::", false },
	{ "::/0 0.0.0.0/0", "0:0", false },
	{ "uid:0", "0:0", true },
	{ "uid:0", "1:0", false },
	{ "uid:0", "::", false },
	{ "gid:0", "::", false },
	{ "gid:0", "0.0.0.0", false },
	{ "uid:0", "1000:0", false },
	{ "gid:0", "0:1000", false },
	{ "uid:1000 uid:1001", "1001:5", true },
	{ "uid:1000 uid:1001", "1002:5", false },
	{ "gid:7", "1000:7", true },
	{ "gid:7", "1000:8", false },
	{ "gid:7", "1000:8,9,7", true },
	{ "gid:7", "7:8,9,77", false },
	{ "uid:7 gid:9", "1:8,9", true },
	{ "uid:8", "1:8,8", false },
	{ "uid:4294967294", "4294967294:1", true },
	{ "uid:4294967294", "4294967295:1", false },
};

static void
read_entries(const char *text, struct allow *a)
{
	struct span rest = span_of(text), part, name;
	struct allow_entry *e;
	uint64_t id;

	a->nentries = 0;
	while (rest.len > 0 && span_next(&rest, ' ', &part)) {
		e = &a->entries[a->nentries++];
		ck_assert(allow_parse(part, e, &name) == GOOD);
		if (e->kind == ALLOW_NET)
			continue;
		ck_assert(span_number(name, 10, &id));
		if (e->kind == ALLOW_UID)
			e->uid = (uid_t)id;
		else
			e->gid = (gid_t)id;
		ck_assert_msg(span_eq(span_of(show(e)), part), "%s", show(e));
	}
}

/* The groups stand beside an inaccessible page. */
static void
read_peer(const char *text, struct allow_peer *peer)
{
	gid_t groups[8];
	size_t n;
	char *end;

	memset(peer, 0, sizeof(*peer));
	if (read_address(text, peer->address))
		return;
	peer->is_user = true;
	peer->uid = (uid_t)strtoul(text, &end, 10);
	ck_assert_int_eq(*end, ':');
	peer->gid = (gid_t)strtoul(end + 1, &end, 10);
	for (n = 0; *end == ','; n++)
		groups[n] = (gid_t)strtoul(end + 1, &end, 10);
	ck_assert_int_eq(*end, '\0');
	peer->groups = (const void *)unit_place(groups, n * sizeof(groups[0]),
	    UNIT_END);
	peer->ngroups = n;
}

START_TEST(test_match)
{
	struct allow_peer peer;
	struct allow a;

	read_entries(matches[_i].entries, &a);
	read_peer(matches[_i].peer, &peer);
	ck_assert_msg(allow_match(&a, &peer) == matches[_i].is_allowed,
	    "%s: %s", matches[_i].entries, matches[_i].peer);
	ck_assert_int_eq(allow_wants_groups(&a),
	    strstr(matches[_i].entries, "gid:") != NULL);
}
END_TEST

START_TEST(test_many)
{
	struct allow_peer peer = { .is_user = true };
	struct allow a = { .nentries = BOUNDS_ALLOW_CAP };
	size_t i;

	for (i = 0; i < BOUNDS_ALLOW_CAP; i++) {
		a.entries[i].kind = ALLOW_UID;
		a.entries[i].uid = (uid_t)(100 + i);
	}
	for (i = 0; i < BOUNDS_ALLOW_CAP + 200; i++) {
		peer.uid = (uid_t)i;
		ck_assert_int_eq(allow_match(&a, &peer),
		    i >= 100 && i < 100 + BOUNDS_ALLOW_CAP);
	}
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("allow");
	tc = unit_case(s, "parse");
	tcase_add_loop_test(tc, test_parse, 0, ROWS(rows));
	tcase_add_test(tc, test_empty);
	tcase_add_loop_test(tc, test_again, 0, ROWS(rows));
	tcase_add_loop_test(tc, test_system, 0, 10);
	tc = unit_case(s, "match");
	tcase_add_loop_test(tc, test_prefix, 0, 2);
	tcase_add_loop_test(tc, test_match, 0, ROWS(matches));
	tcase_add_test(tc, test_many);
	return s;
}
