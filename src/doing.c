/*
 * The pages in which workers say what they do, one for each: a worker keeps
 * its own and sees no other, so whoever takes it over does not learn what
 * others ask for.  Strings are read while they may be written: a mixture of
 * two does no harm, and what is read always ends.
 */

#include "config.h"

#include "doing.h"

#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "text.h"

struct slot {
	_Atomic int		stream;
	_Atomic int64_t		since_ms;
	_Atomic uint64_t	before_in;
	_Atomic uint64_t	before_out;
	char			client[BOUNDS_PEER_CAP];
	char			request[BOUNDS_DOING_CAP];
};

static char *pages;
static size_t page_len;
static size_t npages;
static struct slot *mine;

static struct slot *
slot_at(size_t slot)
{
	void *p = pages + slot * page_len;

	return p;
}

int
doing_open(size_t n)
{
	void *p;

	_Static_assert(sizeof(struct slot) <= 4096, "more than a page");
	page_len = (size_t)sysconf(_SC_PAGESIZE);
	npages = n;
	p = mmap(NULL, n * page_len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	pages = p;
	return 0;
}

void
doing_clear(size_t slot)
{
	struct slot *s = slot_at(slot);

	atomic_store(&s->stream, DOING_NOTHING);
	s->client[0] = s->request[0] = '\0';
}

static void
copy(char *to, const char *from, size_t cap)
{
	size_t i;
	char c;

	for (i = 0; i < cap - 1; i++) {
		c = from[i];
		if (c == '\0')
			break;
		to[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	to[i] = '\0';
}

void
doing_read(size_t slot, struct doing *out)
{
	const struct slot *s = slot_at(slot);
	int stream;

	copy(out->client, s->client, sizeof(out->client));
	copy(out->request, s->request, sizeof(out->request));
	out->since_ms = atomic_load(&s->since_ms);
	out->before_in = atomic_load(&s->before_in);
	out->before_out = atomic_load(&s->before_out);
	stream = atomic_load(&s->stream);
	out->stream = stream == DOING_ANSWER || stream == DOING_TUNNEL ?
	    (enum doing_stream)stream : DOING_NOTHING;
}

int
doing_watch(void)
{
	return mprotect(pages, npages * page_len, PROT_READ);
}

/* -- a worker -- */

int
doing_enter(size_t slot)
{
	const size_t before = slot * page_len;
	const size_t after = (npages - slot - 1) * page_len;

	mine = slot_at(slot);
	if (before > 0 && munmap(pages, before) == -1)
		return -1;
	if (after > 0 && munmap(pages + before + page_len, after) == -1)
		return -1;
	return 0;
}

void
doing_begin(const char *client, uint64_t in, uint64_t out)
{
	struct text t;

	atomic_store_explicit(&mine->since_ms, io_now_ms(),
	    memory_order_relaxed);
	atomic_store_explicit(&mine->before_in, in, memory_order_relaxed);
	atomic_store_explicit(&mine->before_out, out, memory_order_relaxed);
	text_init(&t, mine->client, sizeof(mine->client));
	text_str(&t, client);
	(void)text_string(&t);
}

void
doing_end(void)
{
	/* Nothing of it is left to whoever takes us over later. */
	memset(mine->client, 0, sizeof(mine->client));
	memset(mine->request, 0, sizeof(mine->request));
}

/* As much of s as leaves room for left bytes and the NUL. */
static void
put_some(struct text *t, struct span s, size_t left)
{
	const size_t room = t->cap - t->len - left - 1;

	if (s.len > room)
		s.len = room;
	text_span(t, s);
}

void
doing_request(struct span method, struct span path)
{
	struct text t;

	text_init(&t, mine->request, sizeof(mine->request));
	put_some(&t, method, BOUNDS_DOING_CAP / 2);
	text_char(&t, ' ');
	put_some(&t, path, 0);
	(void)text_string(&t);
}

void
doing_stream(enum doing_stream stream)
{
	atomic_store_explicit(&mine->stream, stream, memory_order_relaxed);
}
