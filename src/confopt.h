#ifndef DSP_CONFOPT_H
#define DSP_CONFOPT_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/*
 * The one table of options.  Flags, environment, configuration file, --help
 * and the defaults all come from it.
 */

struct confwork;
struct confopt;

/* Who said it, the weakest first. */
enum confopt_source {
	CONFOPT_DEFAULT,
	CONFOPT_FILE,
	CONFOPT_INHERITED,	/* a variable of another project's name */
	CONFOPT_ENV,
	CONFOPT_FLAG
};

/* Where an option may stand besides the command line. */
enum {
	CONFOPT_IN_ENV = 1,
	CONFOPT_IN_FILE = 2,
	CONFOPT_ANYWHERE = 3
};

/* One value as given. */
struct confopt_value {
	const struct confopt	*opt;
	enum confopt_source	 source;
	const char		*text;
	const char		*text2;	/* the target of --explain */
	const char		*place;	/* "--workers 0", "FILE:3: workers 0" */
	struct confopt_value	*next;
};

/* Check a value and put it into the configuration; a wrong one is reported
 * with its place. */
typedef void confopt_set(struct confwork *w, const struct confopt_value *v);

struct confopt {
	const char	*name;		/* --name, name, DSP_NAME */
	char		 letter;	/* 0: none */
	bool		 is_list;	/* may be given several times */
	bool		 is_early;	/* decides what else is read */
	int		 places;	/* CONFOPT_IN_*, of the last two */
	const char	*argument;	/* NULL: a switch; in brackets: it may
					 * be left out, which is "-" */
	const char	*fallback;	/* default, or NULL */
	const char	*inherited;	/* variable of old, or NULL */
	confopt_set	*set;
	const char	*help;
};

/* confopt_table: ends with a row whose name is NULL. */
extern const struct confopt confopt_table[];

/* confopt_by_name(name), confopt_by_letter(c): the row, or NULL. */
const struct confopt *confopt_by_name(struct span name);
const struct confopt *confopt_by_letter(char c);

/* confopt_bool(s, out): read true, yes, on, 1 and their opposites, in any
 * case. */
bool confopt_bool(const char *s, bool *out);

#endif /* DSP_CONFOPT_H */
