/*
 * Who may connect: addresses and networks read and compared.  Names of users
 * and groups are looked up by conflisten.
 */

#include "config.h"

#include "allow.h"

#include <stdint.h>
#include <string.h>

/* Where the IPv4 address is in a mapped one, in bytes and bits. */
#define MAPPED_LEN	12
#define MAPPED_BITS	96

#define IPV4_LEN	4
#define GROUP_LEN	2	/* bytes between two colons */
#define BYTE_MAX	255
#define WRONG		(ALLOW_ADDRESS_LEN + 1)

static const unsigned char mapped[MAPPED_LEN] = { [10] = 0xff, [11] = 0xff };

static bool
is_mapped(const unsigned char address[ALLOW_ADDRESS_LEN])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

/* Four decimal numbers; what some read as octal is refused. */
static bool
parse_ipv4(struct span s, unsigned char out[IPV4_LEN])
{
	struct span part;
	uint64_t value;
	size_t n;

	for (n = 0; span_next(&s, '.', &part); n++) {
		if (n == IPV4_LEN || !span_number(part, 3, &value) ||
		    value > BYTE_MAX)
			return false;
		out[n] = (unsigned char)value;
	}
	return n == IPV4_LEN;
}

static bool
parse_group(struct span s, unsigned char out[GROUP_LEN])
{
	unsigned value;
	size_t i;

	if (s.len < 1 || s.len > 4)
		return false;
	value = 0;
	for (i = 0; i < s.len; i++) {
		if (span_hex(s.p[i]) < 0)
			return false;
		value = value << 4 | (unsigned)span_hex(s.p[i]);
	}
	out[0] = (unsigned char)(value >> 8);
	out[1] = (unsigned char)value;
	return true;
}

/* Groups between colons; the last one of an address may be an IPv4 address.
 * How many bytes they are, or WRONG. */
static size_t
parse_groups(struct span s, bool is_end, unsigned char out[ALLOW_ADDRESS_LEN])
{
	struct span part;
	size_t n, size;
	bool is_good;

	n = 0;
	while (s.len > 0 && span_next(&s, ':', &part)) {
		size = is_end && s.p == NULL && span_has(part, SPAN(".")) ?
		    IPV4_LEN : GROUP_LEN;
		if (n + size > ALLOW_ADDRESS_LEN)
			return WRONG;
		is_good = size == IPV4_LEN ? parse_ipv4(part, out + n) :
		    parse_group(part, out + n);
		/* A colon wants something behind it. */
		if (!is_good || (s.p != NULL && s.len == 0))
			return WRONG;
		n += size;
	}
	return n;
}

/* Where "::" begins in s; its length when there is none. */
static size_t
find_gap(struct span s)
{
	size_t i;

	for (i = 0; i + 1 < s.len; i++)
		if (s.p[i] == ':' && s.p[i + 1] == ':')
			return i;
	return s.len;
}

static bool
parse_ipv6(struct span s, unsigned char out[ALLOW_ADDRESS_LEN])
{
	unsigned char tail[ALLOW_ADDRESS_LEN];
	size_t gap, front, back;

	memset(out, 0, ALLOW_ADDRESS_LEN);
	gap = find_gap(s);
	if (gap == s.len)
		return parse_groups(s, true, out) == ALLOW_ADDRESS_LEN;
	front = parse_groups((struct span){ s.p, gap }, false, out);
	back = parse_groups((struct span){ s.p + gap + 2, s.len - gap - 2 },
	    true, tail);
	/* "::" stands for one group at least. */
	if (front == WRONG || back == WRONG ||
	    front + back + GROUP_LEN > ALLOW_ADDRESS_LEN)
		return false;
	memcpy(out + ALLOW_ADDRESS_LEN - back, tail, back);
	return true;
}

/* Clear what is behind the prefix; true when nothing was there. */
static bool
clear_host(struct allow_entry *e)
{
	bool is_clear;
	size_t i, bits;
	unsigned char keep;

	is_clear = true;
	for (i = 0; i < ALLOW_ADDRESS_LEN; i++) {
		bits = e->prefix_len > i * 8 ? e->prefix_len - i * 8 : 0;
		keep = bits >= 8 ? BYTE_MAX :
		    (unsigned char)(BYTE_MAX << (8 - bits));
		if ((e->address[i] & ~keep) != 0)
			is_clear = false;
		e->address[i] &= keep;
	}
	return is_clear;
}

static enum allow_result
parse_net(struct span s, struct allow_entry *e)
{
	struct span address;
	uint64_t bits, most;
	bool is_ipv4;

	address = s;
	(void)span_next(&s, '/', &address); /* has at least one element */
	is_ipv4 = parse_ipv4(address, e->address + MAPPED_LEN);
	if (is_ipv4)
		memcpy(e->address, mapped, sizeof(mapped));
	else if (!parse_ipv6(address, e->address))
		return ALLOW_FORM;
	most = is_ipv4 ? IPV4_LEN * 8 : ALLOW_ADDRESS_LEN * 8;
	bits = most;
	if (s.p != NULL && (!span_number(s, 3, &bits) || bits > most))
		return ALLOW_PREFIX;
	e->prefix_len = (unsigned)bits + (is_ipv4 ? MAPPED_BITS : 0);
	return clear_host(e) ? ALLOW_GOOD : ALLOW_HOST_BITS;
}

enum allow_result
allow_parse(struct span s, struct allow_entry *e, struct span *name)
{
	static const struct span user = SPAN_INIT("uid:");
	static const struct span group = SPAN_INIT("gid:");
	struct span word;

	memset(e, 0, sizeof(*e));
	if (s.len < user.len)
		return parse_net(s, e);
	word = (struct span){ s.p, user.len };
	if (span_eq(word, user))
		e->kind = ALLOW_UID;
	else if (span_eq(word, group))
		e->kind = ALLOW_GID;
	else
		return parse_net(s, e);
	*name = (struct span){ s.p + user.len, s.len - user.len };
	return name->len > 0 ? ALLOW_GOOD : ALLOW_FORM;
}

static unsigned
group_at(const unsigned char address[ALLOW_ADDRESS_LEN], size_t i)
{
	return (unsigned)address[i] << 8 | address[i + 1];
}

/* The longest run of zero groups, two at least; it begins at *start. */
static size_t
find_zeros(const unsigned char address[ALLOW_ADDRESS_LEN], size_t *start)
{
	size_t i, from, best;

	best = from = 0;
	*start = ALLOW_ADDRESS_LEN;
	for (i = 0; i < ALLOW_ADDRESS_LEN; i += GROUP_LEN) {
		if (group_at(address, i) != 0)
			from = i + GROUP_LEN;
		else if (i + GROUP_LEN - from > GROUP_LEN &&
		    i + GROUP_LEN - from > best) {
			best = i + GROUP_LEN - from;
			*start = from;
		}
	}
	return best;
}

/* RFC 5952. */
static void
put_ipv6(struct text *t, const unsigned char address[ALLOW_ADDRESS_LEN])
{
	size_t i, start, len;

	len = find_zeros(address, &start);
	for (i = 0; i < ALLOW_ADDRESS_LEN; i += GROUP_LEN) {
		if (i == start) {
			text_str(t, "::");
			i += len - GROUP_LEN;
			continue;
		}
		if (i > 0 && i != start + len)
			text_char(t, ':');
		text_hex(t, group_at(address, i));
	}
}

static void
put_net(struct text *t, const struct allow_entry *e)
{
	unsigned before;
	size_t i;

	before = 0;
	if (e->prefix_len >= MAPPED_BITS && is_mapped(e->address)) {
		before = MAPPED_BITS;
		for (i = MAPPED_LEN; i < ALLOW_ADDRESS_LEN; i++) {
			if (i > MAPPED_LEN)
				text_char(t, '.');
			text_number(t, e->address[i]);
		}
	} else {
		put_ipv6(t, e->address);
	}
	if (e->prefix_len < ALLOW_ADDRESS_LEN * 8) {
		text_char(t, '/');
		text_number(t, e->prefix_len - before);
	}
}

void
allow_put(struct text *t, const struct allow_entry *e)
{
	if (e->kind == ALLOW_NET) {
		put_net(t, e);
	} else if (e->kind == ALLOW_UID) {
		text_str(t, "uid:");
		text_number(t, e->uid);
	} else {
		text_str(t, "gid:");
		text_number(t, e->gid);
	}
}

static bool
is_in_net(const struct allow_entry *e,
    const unsigned char address[ALLOW_ADDRESS_LEN])
{
	size_t bytes, bits;

	/* Mapped addresses are a part of IPv6's only in the way they are
	 * written. */
	if (e->prefix_len < MAPPED_BITS && is_mapped(address))
		return false;
	bytes = e->prefix_len / 8;
	bits = e->prefix_len % 8;
	if (memcmp(e->address, address, bytes) != 0)
		return false;
	return bits == 0 ||
	    (e->address[bytes] ^ address[bytes]) >> (8 - bits) == 0;
}

static bool
is_in_group(gid_t gid, const struct allow_peer *peer)
{
	size_t i;

	if (peer->gid == gid)
		return true;
	for (i = 0; i < peer->ngroups; i++)
		if (peer->groups[i] == gid)
			return true;
	return false;
}

bool
allow_is(const struct allow_entry *e, const struct allow_peer *peer)
{
	if (peer->is_user != (e->kind != ALLOW_NET))
		return false;
	if (e->kind == ALLOW_NET)
		return is_in_net(e, peer->address);
	if (e->kind == ALLOW_UID)
		return e->uid == peer->uid;
	return is_in_group(e->gid, peer);
}

bool
allow_match(const struct allow *a, const struct allow_peer *peer)
{
	size_t i;

	for (i = 0; i < a->nentries; i++)
		if (allow_is(&a->entries[i], peer))
			return true;
	return a->nentries == 0;
}

bool
allow_wants_groups(const struct allow *a)
{
	size_t i;

	for (i = 0; i < a->nentries; i++)
		if (a->entries[i].kind == ALLOW_GID)
			return true;
	return false;
}
