#ifndef DSP_REQLOG_H
#define DSP_REQLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/*
 * Requests found in logs: the lines that --log-requests writes, among others.
 */

/* One request, however often it came. */
struct reqlog_entry {
	struct span		 method;
	struct span		 target;
	size_t			 count;
	size_t			 line_no;	/* of the first */
	struct reqlog_entry	*next;
	char			*text;		/* of both */
};

struct reqlog {
	struct reqlog_entry	 *first;	/* in the order of coming */
	size_t			  nrequests;	/* the counts, summed */
	size_t			  ncut;		/* lines that the log has cut
						 * short: not among them */
	struct reqlog_entry	**end;		/* its own, like: */
	void			 *index;
};

/*
 * reqlog_read(log, path):
 * Read a file, "-" for standard input, into *log.  False after logging why it
 * cannot be read.  In any case reqlog_free is due.
 */
bool reqlog_read(struct reqlog *log, const char *path);
void reqlog_free(struct reqlog *log);

/*
 * reqlog_parse(line, buf, method, target, is_cut):
 * Find "request rule:" in a line and undo what text_literal did to the method
 * and target behind it, in buf, which has room for line.len bytes.  False when
 * there is none, or when what follows is no request; *is_cut: since it was cut
 * short.
 */
bool reqlog_parse(struct span line, char *buf, struct span *method,
    struct span *target, bool *is_cut);

#endif /* DSP_REQLOG_H */
