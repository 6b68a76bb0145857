/*
 * Which requests make one rule, and its line.
 */
#include "config.h"

#include "learnrule.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "text.h"

#define METHOD_COLUMNS 13

/* What a target is for a rule. */
struct place {
	const struct route	*route;
	struct span		 path;	/* behind version and slash */
	struct span		 query;	/* with its mark, or empty */
	bool			 has_version;	/* vN.N.N */
	bool			 is_literal;	/* has an escaped slash */
};

/* Names in a path of route.c: one, or two. */
#define NAMES_CAP 2

/* The classes of names, by how the path begins. */
static const struct {
	struct span begin;
	enum learnvalue_class class;
} classes[] = {
	{ SPAN_INIT("/images/"), LEARNVALUE_IMAGE },
	{ SPAN_INIT("/distribution/"), LEARNVALUE_IMAGE },
	{ SPAN_INIT("/plugins/"), LEARNVALUE_IMAGE },
	{ SPAN_INIT("/manifests/"), LEARNVALUE_IMAGE },
	{ SPAN_INIT("/artifacts/"), LEARNVALUE_IMAGE },
	{ SPAN_INIT("/exec/"), LEARNVALUE_HEX },
	{ SPAN_INIT("/debug/"), LEARNVALUE_NONE },
	{ SPAN_INIT("/"), LEARNVALUE_ID },
};

/* Where route.c has one name for a name and what is done with it. */
#define PODMAN "/libpod"

/* What Podman does with things: other words may be parts of names. */
static const char *const actions[] = { "add", "changes", "connect",
	"disconnect", "exists", "healthcheck", "history", "init", "json",
	"kill", "mount", "pause", "push", "rename", "resize", "resolve",
	"restart", "start", "stop", "systemd", "tag", "top", "tree", "unmount",
	"unpause", "untag", "update", "wait", NULL };

/* The class of names in a path of route.c. */
static enum learnvalue_class
class_of(struct span path)
{
	size_t i;

	if (span_starts_nocase(path, SPAN(PODMAN))) {
		path.p += strlen(PODMAN);
		path.len -= strlen(PODMAN);
	}
	for (i = 0; !span_starts_nocase(path, classes[i].begin); i++)
		continue;
	return classes[i].class;
}

/* What the names in braces stand for; the shortest, as route.c does. */
static bool
capture(struct span path, const char *pattern, struct span *names)
{
	const char *behind;
	size_t n;

	while (*pattern != '\0' && *pattern != '{') {
		if (path.len == 0 || *path.p != *pattern++)
			return false;
		path.p++;
		path.len--;
	}
	if (*pattern == '\0')
		return path.len == 0;
	behind = strchr(pattern, '}') + 1;
	for (n = 1; n <= path.len; n++) {
		*names = (struct span){ path.p, n };
		if (capture((struct span){ path.p + n, path.len - n }, behind,
		    names + 1))
			return true;
	}
	return false;
}

/* Bytes of the version in front, with its slash at the end: "v1.51/". */
static size_t
version_len(struct span s, size_t *dots)
{
	size_t i;

	*dots = 0;
	if (s.len < 2 || s.p[0] != 'v' || !span_is_digit(s.p[1]))
		return 0;
	for (i = 1; i < s.len && s.p[i] != '/'; i++) {
		if (!span_is_digit(s.p[i]) && s.p[i] != '.')
			return 0;
		*dots += s.p[i] == '.';
	}
	return i < s.len ? i + 1 : 0;
}

static void
locate(const struct reqlog_entry *entry, struct place *place)
{
	struct span names[NAMES_CAP + 1], whole;
	struct target target;
	size_t cut, dots;

	(void)target_parse(entry->target, &target); /* was found good */
	*place = (struct place){ .is_literal = target.has_slash_escape };
	place->path = (struct span){ target.path.p + 1, target.path.len - 1 };
	cut = version_len(place->path, &dots);
	place->has_version = cut > 0 && dots == 2;
	place->path.p += cut;
	place->path.len -= cut;
	place->query = (struct span){ target.path.p + target.path.len,
	    target.whole.len - target.path.len };
	place->route = route_find(entry->method, &target);
	/* With the slash in front of it. */
	whole = (struct span){ place->path.p - 1, place->path.len + 1 };
	if (place->route != NULL && !place->is_literal &&
	    !capture(whole, place->route->path, names))
		place->route = NULL;
}

static void
write_name(struct learnvalue_out *out, enum learnvalue_class class,
    struct span name)
{
	if (learnvalue_is(class, name))
		learnvalue_class(out, class);
	else
		text_literal(&out->text, name);
}

static bool
is_action(struct span word)
{
	size_t i;

	for (i = 0; actions[i] != NULL; i++)
		if (span_eq(word, span_of(actions[i])))
			return true;
	return false;
}

/* What Podman's paths end with: a name to delete, a name and an action, or an
 * action alone. */
static void
write_podman(struct learnvalue_out *out, const struct route *route,
    enum learnvalue_class class, struct span name)
{
	struct span head = name, action;

	while (head.len > 0 && head.p[head.len - 1] != '/')
		head.len--;
	action = (struct span){ name.p + head.len, name.len - head.len };
	if (head.len == 0 && strcmp(route->method, "DELETE") == 0) {
		write_name(out, class, name);
	} else if (head.len == 0 || !is_action(action)) {
		text_literal(&out->text, name);
	} else {
		head.len--;
		write_name(out, class, head);
		text_char(&out->text, '/');
		text_literal(&out->text, action);
	}
}

/* Whether a name of the route may be a name and an action. */
static bool
has_actions(const struct route *route, const char *behind)
{
	return *behind == '\0' &&
	    strncmp(route->path, PODMAN "/", strlen(PODMAN "/")) == 0;
}

/* A path as it is; but what opens a terminal passes only by a rule that has
 * "attach/ws" in it, however it is spelled. */
static void
write_literal(struct text *t, struct span path)
{
	static const char slash[] = "attach%2Fws";
	struct span escaped = { path.p, sizeof(slash) - 1 };

	for (; path.len >= escaped.len; path.p++, path.len--) {
		escaped.p = path.p;
		if (span_eq_nocase(escaped, span_of(slash)))
			break;
		text_literal(t, (struct span){ path.p, 1 });
	}
	if (path.len >= escaped.len) {
		text_str(t, "(attach/ws|");
		text_literal(t, escaped);
		text_char(t, ')');
		path.p += escaped.len;
		path.len -= escaped.len;
	}
	text_literal(t, path);
}

static void
write_path(struct learnvalue_out *out, const struct place *place)
{
	const struct route *route = place->route;
	enum learnvalue_class class;
	struct span names[NAMES_CAP + 1], *name = names;
	const char *at, *behind;

	if (route == NULL || place->is_literal) {
		write_literal(&out->text, place->path);
		if (route == NULL)
			text_literal(&out->text, place->query);
		return;
	}
	(void)capture((struct span){ place->path.p - 1, place->path.len + 1 },
	    route->path, names); /* did in locate() */
	class = class_of(span_of(route->path));
	for (at = route->path + 1; *at != '\0'; at = behind) {
		behind = at + strcspn(at, "{");
		text_literal(&out->text,
		    (struct span){ at, (size_t)(behind - at) });
		if (*behind == '\0')
			break;
		behind = strchr(behind, '}') + 1;
		if (has_actions(route, behind))
			write_podman(out, route, class, *name++);
		else
			write_name(out, class, *name++);
	}
}

static void
begin(struct learnrule_line *line, bool is_inline)
{
	line->out = (struct learnvalue_out){ .is_inline = is_inline };
	text_init(&line->out.text, line->buf, sizeof(line->buf));
}

static int
compare(const void *a, const void *b)
{
	const struct learnrule *x = a, *y = b;

	if (x->route != y->route)
		return x->route < y->route ? -1 : 1;
	if (!span_eq(x->method, y->method))
		return x->method.len != y->method.len ?
		    (x->method.len < y->method.len ? -1 : 1) :
		    memcmp(x->method.p, y->method.p, x->method.len);
	return strcmp(x->path, y->path);
}

/* The rule that such a request belongs to, or NULL: there are too many. */
static struct learnrule *
rule_for(struct learnrule_list *list, const struct reqlog_entry *entry,
    const struct place *place)
{
	struct learnrule_line line;
	struct learnrule key = { .route = place->route }, **found, *rule;

	begin(&line, false);
	write_path(&line.out, place);
	/* An expression that is cut here stands for many, but fits in no
	 * rule: learnrule_write says so. */
	key.method = entry->method;
	key.path = strndup(line.buf, line.out.text.len);
	if (key.path == NULL)
		fatal(1, "out of memory");
	if (list->n == BOUNDS_RULE_CAP) {
		found = tfind(&key, &list->index, compare);
		free(key.path);
		return found == NULL ? NULL : *found;
	}
	found = tsearch(&key, &list->index, compare);
	if (found == NULL)
		fatal(1, "out of memory");
	if (*found != &key) {
		free(key.path);
		return *found;
	}
	rule = memory_take(sizeof(*rule));
	*rule = key;
	rule->sources_end = &rule->sources;
	*found = *list->end = rule;
	list->end = &rule->next;
	list->n++;
	return rule;
}

void
learnrule_init(struct learnrule_list *list)
{
	*list = (struct learnrule_list){ .first = NULL };
	list->end = &list->first;
}

static void
keep_rule(void *rule)
{
	(void)rule; /* it is in the list, too */
}

void
learnrule_free(struct learnrule_list *list)
{
	struct learnrule_source *source;
	struct learnrule *rule;

	tdestroy(list->index, keep_rule);
	while ((rule = list->first) != NULL) {
		list->first = rule->next;
		while ((source = rule->sources) != NULL) {
			rule->sources = source->next;
			free(source);
		}
		learnquery_free(&rule->query);
		free(rule->path);
		free(rule);
	}
	learnrule_init(list);
}

void
learnrule_add(struct learnrule_list *list, const struct reqlog_entry *entry)
{
	struct learnrule_source *source;
	struct learnrule *rule;
	struct place place;

	locate(entry, &place);
	rule = rule_for(list, entry, &place);
	if (rule == NULL) {
		list->nleft += entry->count;
		return;
	}
	source = memory_take(sizeof(*source));
	source->entry = entry;
	*rule->sources_end = source;
	rule->sources_end = &source->next;
	rule->count += entry->count;
	if (place.has_version)
		rule->has_version = true;
	else
		rule->has_plain = true;
	/* The query of an unknown endpoint is part of the path. */
	if (rule->route != NULL)
		learnquery_add(&rule->query, entry->target);
}

/* The method, and the version in front. */
static void
write_start(const struct learnrule *rule, struct learnvalue_out *out)
{
	static const char version[] = "v\\d+\\.\\d+\\.\\d+/";
	struct text *t = &out->text;

	/* Not a comment. */
	if (rule->method.p[0] == '#')
		text_char(t, '\\');
	text_literal(t, rule->method);
	do
		text_char(t, ' ');
	while (t->len < METHOD_COLUMNS && !t->is_full);
	text_char(t, '/');
	if (!rule->has_version) {
		learnvalue_class(out, LEARNVALUE_V);
	} else if (!rule->has_plain) {
		text_char(t, '(');
		text_str(t, version);
		text_str(t, ")?");
	} else {
		text_char(t, '(');
		learnvalue_class(out, LEARNVALUE_V);
		text_char(t, '|');
		text_str(t, version);
		text_char(t, ')');
	}
}

/* Whether the line fits, with its variables put in as "(?:VALUE)". */
static bool
fits(const struct learnrule_line *line)
{
	const struct learnvalue_out *out = &line->out;

	return !out->text.is_full &&
	    out->text.len + out->nvars * strlen("(?:)") <=
	    BOUNDS_RULE_LINE_CAP;
}

/* The line of the rule, or of one of its sources. */
static bool
write_line(const struct learnrule *rule, const struct reqlog_entry *one,
    bool is_inline, struct learnrule_line *line)
{
	struct place place;

	locate(one != NULL ? one : rule->sources->entry, &place);
	begin(line, is_inline);
	write_start(rule, &line->out);
	write_path(&line->out, &place);
	if (rule->route != NULL && one != NULL)
		learnquery_write_one(&rule->query, one->target, &line->out);
	else if (rule->route != NULL && rule->query.is_full)
		return false;
	else if (rule->route != NULL)
		learnquery_write(&rule->query, &line->out);
	return fits(line);
}

bool
learnrule_write(const struct learnrule *rule, bool is_inline,
    struct learnrule_line *line)
{
	/* How long it is in the end. */
	return write_line(rule, NULL, true, line) &&
	    write_line(rule, NULL, is_inline, line);
}

bool
learnrule_write_one(const struct learnrule *rule,
    const struct reqlog_entry *entry, bool is_inline,
    struct learnrule_line *line)
{
	return write_line(rule, entry, true, line) &&
	    write_line(rule, entry, is_inline, line);
}

bool
learnrule_is_asked_plainly(const struct learnrule *rule)
{
	return !rule->query.was_there && !rule->has_version;
}
