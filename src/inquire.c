/*
 * Asking whois.  Questions are numbered, so that an answer that came too late
 * is not taken for the next one's: the next client may be another's.
 */

#include "config.h"

#include "inquire.h"

#include <errno.h>
#include <unistd.h>

#include "bounds.h"
#include "confpool.h"
#include "io.h"

uint32_t
inquire_container(int whois_fd, int fd)
{
	static uint32_t no;
	const struct inquire_question question = { ++no };
	const int64_t deadline = io_now_ms() + BOUNDS_INQUIRE_MS;
	struct pollfd wait = { .fd = whois_fd, .events = POLLIN };
	struct inquire_answer answer;
	ssize_t n;

	if (whois_fd == -1 || io_send_fd(whois_fd, &question,
	    sizeof(question), fd) != sizeof(question))
		return CONFPOOL_NOT_KNOWN;
	while (io_wait(&wait, 1, deadline, NULL) == IO_OK) {
		/* One message; descriptors that came along are dropped. */
		n = read(whois_fd, &answer, sizeof(answer));
		if (n == -1 && errno == EINTR)
			continue;
		if (n != sizeof(answer))
			break;
		if (answer.no == question.no)
			return answer.line;
	}
	return CONFPOOL_NOT_KNOWN;
}
