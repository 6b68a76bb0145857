/*
 * Profiles by name or path: search, read, compile, share.
 */
#include "config.h"

#include "confprofile.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "conffile.h"

/* What is mounted into a container wins over what the admin wrote, and that
 * over what was shipped. */
const char *const confprofile_directories[] = { "/profiles",
	PROFILE_DIR_ADMIN, PROFILE_DIR_SHIPPED, NULL };

/* How much of a wrong line is shown. */
#define SHOWN_LINE_CAP 160

/* What the callback of profile_parse needs. */
struct context {
	struct confwork	*w;
	const char	*path;
};

static void
report_line(void *arg, size_t line_no, const char *what, struct span line)
{
	const struct context *c = arg;
	size_t shown = line.len < SHOWN_LINE_CAP ? line.len : SHOWN_LINE_CAP;
	const char *dots = shown < line.len ? "..." : "";

	if (line_no == 0)
		confwork_mistake(c->w, "%s: %s", c->path, what);
	else
		confwork_mistake(c->w, "%s:%zu: %s: %.*s%s", c->path, line_no,
		    what, (int)shown, line.p, dots);
}

/* No file has more rules than lines. */
static size_t
count_lines(struct span text)
{
	size_t i, n = 1;

	for (i = 0; i < text.len; i++)
		n += text.p[i] == '\n';
	return n < BOUNDS_RULE_CAP ? n : BOUNDS_RULE_CAP;
}

/* Compile the profile in text, read from path, and remember it. */
static struct profile *
compile(struct confwork *w, const char *path, struct span text)
{
	struct context context = { w, path };
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	struct confprofile *c;

	if (strlen(name) >= sizeof(c->profile.name)) {
		confwork_mistake(w, "%s: the name of a profile has at most "
		    "%zu bytes", path, sizeof(c->profile.name) - 1);
		return NULL;
	}
	c = confwork_alloc(w, sizeof(*c));
	c->path = path;
	c->next = w->profiles;
	w->profiles = c;
	memcpy(c->profile.name, name, strlen(name) + 1);
	c->profile.rules_cap = count_lines(text);
	c->profile.rules = confwork_alloc(w,
	    c->profile.rules_cap * sizeof(*c->profile.rules));
	c->is_good = profile_parse(&c->profile, text, report_line, &context);
	return c->is_good ? &c->profile : NULL;
}

/* The profile at path.  *is_absent: there is no such file. */
static struct profile *
load_path(struct confwork *w, const char *path, bool *is_absent)
{
	struct confprofile *c;
	struct span text;

	*is_absent = false;
	for (c = w->profiles; c != NULL; c = c->next)
		if (strcmp(c->path, path) == 0)
			return c->is_good ? &c->profile : NULL;
	switch (conffile_read(w, path, &text)) {
	case CONFFILE_DONE:
		return compile(w, path, text);
	case CONFFILE_ABSENT:
		*is_absent = true;
		return NULL;
	default:
		return NULL;
	}
}

/* The search list. */
static const struct confwork_dir *
directories(struct confwork *w)
{
	const char *const *path = confprofile_directories;
	struct confwork_dir *dir;

	if (w->dirs != NULL)
		return w->dirs;
	for (; *path != NULL; path++) {
		dir = confwork_alloc(w, sizeof(*dir));
		dir->path = *path;
		*w->dirs_end = dir;
		w->dirs_end = &dir->next;
	}
	return w->dirs;
}

/* Compare name with all that is in a directory. */
static void
try_files(struct confwork *w, const char *path, struct confwork_near *near)
{
	struct dirent *entry;
	DIR *d;

	d = opendir(path);
	if (d == NULL)
		return;
	for (;;) {
		entry = readdir(d);
		if (entry == NULL)
			break;
		if (entry->d_name[0] != '.')
			confwork_try(near, confwork_string(w, entry->d_name,
			    strlen(entry->d_name)));
	}
	(void)closedir(d); /* only read from */
}

static void
not_found(struct confwork *w, const char *name)
{
	struct confwork_near near = { .word = span_of(name) };
	const struct confwork_dir *dir;
	const char *list = "";

	for (dir = directories(w); dir != NULL; dir = dir->next) {
		list = confwork_format(w, "%s%s%s", list,
		    list[0] == '\0' ? "" : ", ", dir->path);
		try_files(w, dir->path, &near);
	}
	if (near.best == NULL)
		confwork_mistake(w, "no profile %s in %s: there is no profile "
		    "at all", name, list);
	else
		confwork_mistake(w, "no profile %s in %s: %s", name, list,
		    confwork_hint(w, &near, ""));
}

struct profile *
confprofile_load(struct confwork *w, const char *name)
{
	const struct confwork_dir *dir;
	struct profile *p;
	bool is_absent;

	if (strchr(name, '/') != NULL) {
		p = load_path(w, name, &is_absent);
		if (is_absent)
			confwork_mistake(w, "cannot open %s: %s", name,
			    strerror(ENOENT));
		return p;
	}
	if (name[0] == '.') {
		confwork_mistake(w, "profile %s: a name must not start with a "
		    "dot; a path needs a slash", name);
		return NULL;
	}
	for (dir = directories(w); dir != NULL; dir = dir->next) {
		p = load_path(w, confwork_format(w, "%s/%s", dir->path, name),
		    &is_absent);
		if (!is_absent)
			return p;
	}
	not_found(w, name);
	return NULL;
}

const char *
confprofile_path(const struct confwork *w, const struct profile *p)
{
	const struct confprofile *c;

	for (c = w->profiles; c != NULL; c = c->next)
		if (&c->profile == p)
			return c->path;
	return p->name;
}

void
confprofile_free(struct confprofile *list)
{
	for (; list != NULL; list = list->next)
		profile_free(&list->profile);
}
