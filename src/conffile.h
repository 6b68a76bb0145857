#ifndef DSP_CONFFILE_H
#define DSP_CONFFILE_H

#include "confwork.h"
#include "span.h"

enum conffile_result {
	CONFFILE_DONE,
	CONFFILE_ABSENT,	/* no such file: nothing was reported */
	CONFFILE_BAD		/* reported */
};

/*
 * conffile_read(w, path, text):
 * Read a whole file of at most BOUNDS_PROFILE_CAP bytes into memory of w.
 */
enum conffile_result conffile_read(struct confwork *w, const char *path,
    struct span *text);

/*
 * conffile_load(w, path, is_optional):
 * Add the values of the configuration file at path.  Sets conf.config_path
 * if there was one.
 */
void conffile_load(struct confwork *w, const char *path, bool is_optional);

#endif /* DSP_CONFFILE_H */
