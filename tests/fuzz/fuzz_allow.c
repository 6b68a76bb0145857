/* allow=: addresses are read as the system reads them, and what is written is
 * read again as the same. */

#include "config.h"

#include "fuzz.h"

#include <arpa/inet.h>

#include "allow.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
is_address(const char *text, unsigned char out[ALLOW_ADDRESS_LEN])
{
	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	memcpy(out, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out + sizeof(mapped)) == 1;
}

/* A client with that address, and the same with one bit turned. */
static void
check_match(const struct allow_entry *e, unsigned bit)
{
	struct allow a = { .nentries = 1 };
	struct allow_peer peer = { .is_user = false };

	a.entries[0] = *e;
	memcpy(peer.address, e->address, sizeof(peer.address));
	LAW(allow_match(&a, &peer) || e->prefix_len < 96);
	peer.address[bit / 8] ^= (unsigned char)(0x80 >> bit % 8);
	LAW(!allow_match(&a, &peer) || bit >= e->prefix_len);
}

static void
check_again(const struct allow_entry *e)
{
	struct allow_entry again;
	struct span name;
	struct text t;
	char buf[64];

	text_init(&t, buf, sizeof(buf));
	allow_put(&t, e);
	LAW(!t.is_full);
	LAW(allow_parse((struct span){ buf, t.len }, &again, &name) ==
	    ALLOW_GOOD);
	LAW(again.prefix_len == e->prefix_len);
	LAW(memcmp(again.address, e->address, sizeof(e->address)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = { (const char *)data, size }, name = { NULL, 0 };
	unsigned char address[ALLOW_ADDRESS_LEN];
	enum allow_result result;
	struct allow_entry e;
	char text[128];

	result = allow_parse(s, &e, &name);
	LAW(result != ALLOW_GOOD || (e.kind == ALLOW_NET) == (name.p == NULL));
	if (e.kind == ALLOW_NET && (result == ALLOW_GOOD ||
	    result == ALLOW_HOST_BITS)) {
		check_again(&e);
		check_match(&e, data[size - 1] % 128);
	}
	if (size >= sizeof(text) || span_has(s, SPAN("/")) ||
	    memchr(data, '\0', size) != NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	LAW((result == ALLOW_GOOD && e.kind == ALLOW_NET) ==
	    is_address(text, address));
	LAW(result != ALLOW_GOOD || e.kind != ALLOW_NET ||
	    memcmp(e.address, address, sizeof(address)) == 0);
	return 0;
}
