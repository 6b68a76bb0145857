#ifndef DSP_DOING_H
#define DSP_DOING_H

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "span.h"

/*
 * What each worker says that it is doing, for --status and --metrics, in
 * shared pages beside the board, whose slots these are.  Nothing is decided
 * by it.
 */

/* What has begun and not ended. */
enum doing_stream {
	DOING_NOTHING,
	DOING_ANSWER,		/* dockerd's answer is passed on */
	DOING_TUNNEL		/* raw bytes both ways */
};

/* It may have been taken over: only that the strings end and hold nothing but
 * visible ASCII and spaces is certain. */
struct doing {
	char			client[BOUNDS_PEER_CAP]; /* "": has none */
	char			request[BOUNDS_DOING_CAP]; /* method and path
						 * of its last one, or "" */
	int64_t			since_ms;	/* io_now_ms time: connected */
	uint64_t		before_in;	/* the worker's bytes then */
	uint64_t		before_out;
	enum doing_stream	stream;
};

/* doing_open(n): make n slots: 0, or -1 with errno. */
int doing_open(size_t n);

/* doing_clear(slot): there is a new worker. */
void doing_clear(size_t slot);

/* doing_read(slot, out): what it says. */
void doing_read(size_t slot, struct doing *out);

/* doing_watch(): this process cannot write here any more.  0, or -1 with
 * errno. */
int doing_watch(void);

/* The worker's side. */

/* doing_enter(slot): this process is slot from now on, and sees no other.  0,
 * or -1 with errno. */
int doing_enter(size_t slot);

/* doing_begin(client, in, out): that client has connected; so many bytes were
 * carried for others.  doing_end(): it is gone. */
void doing_begin(const char *client, uint64_t in, uint64_t out);
void doing_end(void);

/* doing_request(method, path): what it asks for. */
void doing_request(struct span method, struct span path);

/* doing_stream(stream): what is under way from now on. */
void doing_stream(enum doing_stream stream);

#endif /* DSP_DOING_H */
