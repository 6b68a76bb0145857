#ifndef DSP_CONFWORK_H
#define DSP_CONFWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "confopt.h"
#include "span.h"

/*
 * What the conf files share while a configuration is read: its memory, the
 * values found so far, and the mistakes.
 */

struct confwork_block;
struct confprofile;

/* One directory of the search list for profiles. */
struct confwork_dir {
	const char		*path;
	struct confwork_dir	*next;
};

struct confwork {
	struct conf		 conf;		/* first: see conf_free */
	conf_report		*report;
	bool			 has_mistake;
	struct confwork_block	*blocks;	/* all memory but this */
	struct confopt_value	*values;	/* in the order found */
	struct confopt_value	**values_end;
	struct confwork_dir	*dirs;		/* NULL: the default list */
	struct confwork_dir	**dirs_end;
	enum confopt_source	 dirs_source;	/* who filled dirs */
	enum confopt_source	 listen_source;	/* who filled conf.listen */
	bool			 is_authz;	/* --authz */
	enum confopt_source	 client_source;	/* and conf.clients */
	struct confprofile	*profiles;	/* loaded, or tried in vain */
};

/* confwork_new(report): an empty one.  Memory that runs out is fatal here
 * and below. */
struct confwork *confwork_new(conf_report *report);

/* confwork_free(w): release it and everything it gave out; NULL is legal. */
void confwork_free(struct confwork *w);

/* confwork_alloc(w, size): zeroed memory that lives as long as w. */
void *confwork_alloc(struct confwork *w, size_t size);

/* confwork_string(w, p, len): a NUL-terminated copy of len bytes at p. */
const char *confwork_string(struct confwork *w, const char *p, size_t len);

/* confwork_format(w, fmt): printf into such a string. */
const char *confwork_format(struct confwork *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* confwork_mistake(w, fmt): report a mistake as one line without control
 * bytes; conf_load fails then. */
void confwork_mistake(struct confwork *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * confwork_add(w, opt, source, text, place):
 * Remember that opt was given as text.  place names it in messages.  An
 * empty text is a mistake.  Returns what was remembered, or NULL.
 */
struct confopt_value *confwork_add(struct confwork *w,
    const struct confopt *opt, enum confopt_source source, const char *text,
    const char *place);

/* The known word nearest to one that is not known. */
struct confwork_near {
	struct span	 word;		/* what was written */
	const char	*best;		/* NULL: nothing tried */
	size_t		 distance;	/* of best, in edits */
};

/* confwork_try(near, known): take known if it is nearer than best. */
void confwork_try(struct confwork_near *near, const char *known);

/* confwork_is_close(near): true when best may well be what was meant. */
bool confwork_is_close(const struct confwork_near *near);

/* confwork_hint(w, near, prefix): "did you mean PREFIXbest?", or a weaker
 * text when nothing is close. */
const char *confwork_hint(struct confwork *w, const struct confwork_near *near,
    const char *prefix);

#endif /* DSP_CONFWORK_H */
