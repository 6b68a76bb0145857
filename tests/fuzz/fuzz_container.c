/* Control groups and dockerd's answers: what is found is there, pieces do not
 * matter, and a group is inside of itself. */

#include "config.h"

#include "fuzz.h"

#include "container.h"

static const char ours[] = "0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef";

static void
check_groups(struct span s)
{
	char id[CONTAINER_ID_LEN];

	if (container_find(s, id) != CONTAINER_FOUND)
		return;
	LAW(span_has(s, (struct span){ id, sizeof(id) }));
	/* The kernel shows no hierarchy twice. */
	LAW(container_holds(s, s, id) ||
	    memchr(s.p, '\n', s.len) != s.p + s.len - 1);
	LAW(!container_holds(s, (struct span){ s.p, 0 }, id));
}

/* Behind a beginning that the fuzzer would hardly find. */
static enum container_result
hear(struct container_answer *a, struct span s, size_t cut)
{
	static const char begin[] = "HTTP/1.0 200 OK\r\n\r\n{\"Id\":\"";
	enum container_result result;

	container_ask(a, ours);
	LAW(container_hear(a, begin, sizeof(begin) - 1) == CONTAINER_MORE);
	LAW(container_hear(a, ours, sizeof(ours) - 1) == CONTAINER_MORE);
	LAW(container_hear(a, "\"", 1) == CONTAINER_MORE);
	result = container_hear(a, s.p, cut);
	return result != CONTAINER_MORE ? result :
	    container_hear(a, s.p + cut, s.len - cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = { (const char *)data, size };
	struct container_answer whole, pieces;
	enum container_result result;

	check_groups(s);
	result = hear(&whole, s, size);
	LAW(result == hear(&pieces, s, size / 2));
	if (result != CONTAINER_FOUND)
		return 0;
	LAW(whole.pid == pieces.pid && whole.name_len == pieces.name_len);
	LAW(memcmp(whole.name, pieces.name, whole.name_len) == 0);
	LAW(span_has(s, (struct span){ whole.name, whole.name_len }));
	return 0;
}
