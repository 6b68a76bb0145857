#ifndef DSP_CONFPROFILE_H
#define DSP_CONFPROFILE_H

#include "confwork.h"
#include "profile.h"
#include "span.h"

/* A profile file that was read. */
struct confprofile {
	struct profile		 profile;
	const char		*path;
	struct span		 text;		/* of the file itself */
	bool			 is_good;
	struct confprofile	*next;
};

/* confprofile_directories: the default search list, the strongest first;
 * NULL ends. */
extern const char *const confprofile_directories[];

/*
 * confprofile_load(w, name):
 * Find (a name with "/" is a path), read and compile a profile; one that was
 * asked for before is shared.  NULL after reporting what is wrong.
 */
struct profile *confprofile_load(struct confwork *w, const char *name);

/* confprofile_make(w, name, text): the same of a text that is no file's. */
struct profile *confprofile_make(struct confwork *w, const char *name,
    const char *text);

/* confprofile_warning(w, p): a copy of p that only warns, and is released with
 * it.  NULL stays NULL. */
struct profile *confprofile_warning(struct confwork *w,
    const struct profile *p);

/* confprofile_path(w, p): the file that p was read from. */
const char *confprofile_path(const struct confwork *w,
    const struct profile *p);

/* confprofile_text(w, p): the text of that file; it lives as long as w. */
struct span confprofile_text(const struct confwork *w,
    const struct profile *p);

/* confprofile_free(list): release what the rules of the profiles hold. */
void confprofile_free(struct confprofile *list);

#endif /* DSP_CONFPROFILE_H */
