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

/* Rules while a file is parsed: how many it and what it includes have is known
 * then. */
static struct rule parsed[BOUNDS_RULE_CAP];

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

/* What the callbacks of profile_parse need. */
struct context {
	struct confwork	*w;
	const char	*path;
};

static void
report_line(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	const struct context *c = arg;
	const char *path = file == NULL ? c->path : file;
	size_t shown = line.len < SHOWN_LINE_CAP ? line.len : SHOWN_LINE_CAP;
	const char *dots = shown < line.len ? "..." : "";

	if (line_no == 0)
		confwork_mistake(c->w, "%s: %s", path, what);
	else
		confwork_mistake(c->w, "%s:%zu: %s: %.*s%s", path, line_no,
		    what, (int)shown, line.p, dots);
}

/* Find and read the file of a profile or fragment; false after reporting. */
static bool
read_named(struct confwork *w, const char *name, const char **path,
    struct span *text)
{
	enum conffile_result result = CONFFILE_ABSENT;
	const struct confwork_dir *dir;

	if (strchr(name, '/') != NULL) {
		*path = name;
		result = conffile_read(w, name, text);
		if (result == CONFFILE_ABSENT)
			confwork_mistake(w, "cannot open %s: %s", name,
			    strerror(ENOENT));
		return result == CONFFILE_DONE;
	}
	if (name[0] == '.') {
		confwork_mistake(w, "profile %s: a name must not start with a "
		    "dot; a path needs a slash", name);
		return false;
	}
	for (dir = directories(w); dir != NULL; dir = dir->next) {
		*path = confwork_format(w, "%s/%s", dir->path, name);
		result = conffile_read(w, *path, text);
		if (result != CONFFILE_ABSENT)
			return result == CONFFILE_DONE;
	}
	not_found(w, name);
	return false;
}

static bool
fetch(void *arg, struct span name, const char **file, struct span *text)
{
	const struct context *c = arg;

	return read_named(c->w, confwork_string(c->w, name.p, name.len), file,
	    text);
}

static const char *
keep(void *arg, struct span s)
{
	const struct context *c = arg;

	return confwork_string(c->w, s.p, s.len);
}

/* Compile the profile in text, read from path, and remember it. */
static struct profile *
compile(struct confwork *w, const char *path, struct span text)
{
	struct context context = { w, path };
	const struct profile_reader reader = { &context, report_line, fetch,
	    keep };
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	struct confprofile *c;
	struct profile *p;

	if (strlen(name) >= sizeof(p->name)) {
		confwork_mistake(w, "%s: the name of a profile has at most "
		    "%zu bytes", path, sizeof(p->name) - 1);
		return NULL;
	}
	c = confwork_alloc(w, sizeof(*c));
	c->path = path;
	c->text = text;
	c->next = w->profiles;
	w->profiles = c;
	p = &c->profile;
	memcpy(p->name, name, strlen(name) + 1);
	p->rules = parsed;
	p->rules_cap = BOUNDS_RULE_CAP;
	c->is_good = profile_parse(p, text, &reader);
	p->rules_cap = p->nrules;
	p->rules = confwork_alloc(w, (p->nrules + 1) * sizeof(parsed[0]));
	memcpy(p->rules, parsed, p->nrules * sizeof(parsed[0]));
	return c->is_good ? p : NULL;
}

struct profile *
confprofile_load(struct confwork *w, const char *name)
{
	struct confprofile *c;
	const char *path;
	struct span text;

	if (!read_named(w, name, &path, &text))
		return NULL;
	for (c = w->profiles; c != NULL; c = c->next)
		if (strcmp(c->path, path) == 0)
			return c->is_good ? &c->profile : NULL;
	return compile(w, path, text);
}

struct profile *
confprofile_make(struct confwork *w, const char *name, const char *text)
{
	return compile(w, name, span_of(text));
}

struct profile *
confprofile_warning(struct confwork *w, const struct profile *p)
{
	struct profile *copy;

	if (p == NULL)
		return NULL;
	copy = confwork_alloc(w, sizeof(*copy));
	*copy = *p;
	copy->only_warns = true;
	/* But a terminal needs a rule that names it. */
	copy->fallback.names_slash_escape = true;
	return copy;
}

const char *
confprofile_path(const struct confwork *w, const struct profile *p)
{
	const struct confprofile *c;

	for (c = w->profiles; c != NULL; c = c->next)
		if (c->profile.rules == p->rules)
			return c->path;
	return p->name;
}

struct span
confprofile_text(const struct confwork *w, const struct profile *p)
{
	const struct confprofile *c;

	for (c = w->profiles; c != NULL; c = c->next)
		if (&c->profile == p)
			return c->text;
	return (struct span){ "", 0 };
}

void
confprofile_free(struct confprofile *list)
{
	for (; list != NULL; list = list->next)
		profile_free(&list->profile);
}
