/*
 * Switches to rules.  Theirs are prefixes of paths, and a switch for all
 * methods but GET and HEAD; ours are whole targets.
 */
#include "config.h"

#include "confswitch.h"

#include <string.h>

#include "span.h"
#include "text.h"

#define TEXT_CAP	32768

enum kind {
	KIND_POST,		/* all methods, not only GET and HEAD */
	KIND_CONTAINERS,	/* paths that are looked at one by one */
	KIND_LEAF,		/* one path */
	KIND_TREE,		/* and all below it */
	KIND_PART,		/* of what CONTAINERS opens; theirs closes it
				 * unless told so */
	KIND_ACTION		/* on containers, with POST or without */
};

struct option {
	const char	*name;
	enum kind	 kind;
	const char	*path;		/* in a rule, without the version */
	bool		 is_on;		/* when not set */
	bool		 is_root;	/* with POST: root on the host */
	bool		 has_delete;	/* DELETE or PUT do something */
	bool		 is_linuxserver;	/* Tecnativa's has it not */
};

#define POD "/{P}"	/* libpod/, with Podman's version in front */

static const struct option options[] = {
	{ "POST", KIND_POST, "", false, false, false, false },
	{ "AUTH", KIND_LEAF, "/{V}auth", false, false, false, false },
	{ "BUILD", KIND_TREE, "/{V}build", false, true, false, false },
	{ "COMMIT", KIND_LEAF, "/{V}commit", false, false, false, false },
	{ "CONFIGS", KIND_TREE, "/{V}configs", false, false, true, false },
	{ "CONTAINERS", KIND_CONTAINERS, "/{V}containers", false, true, true,
	    false },
	{ "DISTRIBUTION", KIND_TREE, "/{V}distribution", false, false, false,
	    false },
	{ "EVENTS", KIND_LEAF, "/{V}events", true, false, false, false },
	{ "EXEC", KIND_TREE, "/{V}exec", false, true, false, false },
	{ "GRPC", KIND_LEAF, "/{V}grpc", false, true, false, false },
	{ "IMAGES", KIND_TREE, "/{V}images", false, false, true, false },
	{ "INFO", KIND_LEAF, "/{V}info", false, false, false, false },
	{ "NETWORKS", KIND_TREE, "/{V}networks", false, false, true, false },
	{ "NODES", KIND_TREE, "/{V}nodes", false, false, true, false },
	{ "PING", KIND_LEAF, "/{V}_ping", true, false, false, false },
	{ "PLUGINS", KIND_TREE, "/{V}plugins", false, true, true, false },
	{ "SECRETS", KIND_TREE, "/{V}secrets", false, false, true, false },
	{ "SERVICES", KIND_TREE, "/{V}services", false, true, true, false },
	{ "SESSION", KIND_LEAF, "/{V}session", false, true, false, false },
	{ "SWARM", KIND_TREE, "/{V}swarm", false, true, false, false },
	{ "SYSTEM", KIND_TREE, "/{V}system", false, false, false, false },
	{ "TASKS", KIND_TREE, "/{V}tasks", false, false, false, false },
	{ "VERSION", KIND_LEAF, "/{V}version", true, false, false, false },
	{ "VOLUMES", KIND_TREE, "/{V}volumes", false, true, true, false },

	{ "LIBPOD_CONTAINERS", KIND_CONTAINERS, POD "containers", false, true,
	    true, true },
	{ "LIBPOD_EVENTS", KIND_LEAF, POD "events", false, false, false,
	    true },
	{ "LIBPOD_EXEC", KIND_TREE, POD "exec", false, true, false, true },
	{ "LIBPOD_GENERATE", KIND_TREE, POD "generate", false, false, false,
	    true },
	{ "LIBPOD_IMAGES", KIND_TREE, POD "images", false, false, true,
	    true },
	{ "LIBPOD_INFO", KIND_LEAF, POD "info", false, false, false, true },
	{ "LIBPOD_MANIFESTS", KIND_TREE, POD "manifests", false, false, true,
	    true },
	{ "LIBPOD_NETWORKS", KIND_TREE, POD "networks", false, false, true,
	    true },
	{ "LIBPOD_PING", KIND_LEAF, POD "_ping", true, false, false, true },
	{ "LIBPOD_PLAY", KIND_TREE, POD "play", false, true, true, true },
	{ "LIBPOD_PODS", KIND_TREE, POD "pods", false, true, true, true },
	{ "LIBPOD_SECRETS", KIND_TREE, POD "secrets", false, false, true,
	    true },
	{ "LIBPOD_SYSTEM", KIND_TREE, POD "system", false, false, false,
	    true },
	{ "LIBPOD_VERSION", KIND_LEAF, POD "version", true, false, false,
	    true },
	{ "LIBPOD_VOLUMES", KIND_TREE, POD "volumes", false, true, true,
	    true },

	{ "ALLOW_ARCHIVE", KIND_PART, "archive", false, false, false, true },
	{ "ALLOW_CHANGES", KIND_PART, "changes", false, false, false, true },
	{ "ALLOW_EXPORT", KIND_PART, "export", false, false, false, true },
	{ "ALLOW_LOGS", KIND_PART, "logs", false, false, false, true },
	{ "ALLOW_TOP", KIND_PART, "top", false, false, false, true },

	{ "ALLOW_START", KIND_ACTION, "/{V24}containers/{ID}/start", false,
	    false, false, false },
	{ "ALLOW_STOP", KIND_ACTION, "/{V}containers/{ID}/stop{QUERY}", false,
	    false, false, false },
	{ "ALLOW_RESTARTS", KIND_ACTION,
	    "/{V}containers/{ID}/(stop|restart|kill){QUERY}", false, false,
	    false, false },
	{ "ALLOW_PAUSE", KIND_ACTION, "/{V}containers/{ID}/pause", false,
	    false, false, true },
	{ "ALLOW_UNPAUSE", KIND_ACTION, "/{V}containers/{ID}/unpause", false,
	    false, false, true },
	{ "LIBPOD_ALLOW_START", KIND_ACTION, POD "containers/{ID}/start",
	    false, false, false, true },
	{ "LIBPOD_ALLOW_STOP", KIND_ACTION, POD "containers/{ID}/stop{QUERY}",
	    false, false, false, true },
	{ "LIBPOD_ALLOW_RESTARTS", KIND_ACTION,
	    POD "containers/{ID}/(stop|restart|kill){QUERY}", false, false,
	    false, true },
	{ "LIBPOD_ALLOW_PAUSE", KIND_ACTION, POD "containers/{ID}/pause",
	    false, false, false, true },
	{ "LIBPOD_ALLOW_UNPAUSE", KIND_ACTION, POD "containers/{ID}/unpause",
	    false, false, false, true },
	{ "LIBPOD_ALLOW_POD_START", KIND_ACTION, POD "pods/{ID}/start", false,
	    false, false, true },
	{ "LIBPOD_ALLOW_POD_STOP", KIND_ACTION, POD "pods/{ID}/stop{QUERY}",
	    false, false, false, true },
	{ "LIBPOD_ALLOW_POD_RESTARTS", KIND_ACTION,
	    POD "pods/{ID}/(stop|restart|kill){QUERY}", false, false, false,
	    true },
	{ "LIBPOD_ALLOW_POD_PAUSE", KIND_ACTION, POD "pods/{ID}/pause", false,
	    false, false, true },
	{ "LIBPOD_ALLOW_POD_UNPAUSE", KIND_ACTION, POD "pods/{ID}/unpause",
	    false, false, false, true },
};

#define NOPTIONS (sizeof(options) / sizeof(options[0]))

/* What is set, and what is made of it. */
struct maker {
	struct confwork	*w;
	bool		 is_set[NOPTIONS];
	bool		 is_on[NOPTIONS];
	bool		 is_any_set;
	bool		 is_linuxserver;	/* one of its own is set */
	bool		 has_post;
	struct text	 t;
};

static const char head[] =
    "# The rules that these switches of docker-socket-proxy ask for:\n"
    "#%s.\n"
    "# To change them, keep this as a file and name it with --profile.\n"
    "# A rule behind \"#!\" is closed here and open there: it reads or changes\n"
    "# more than the switch says.\n"
    "\n"
    "define V      (v1\\.\\d+/)?\n"
    "define V24    (v1\\.(2[4-9]|[3-9]\\d)/)?\n"
    "define P      (v\\d+\\.\\d+\\.\\d+/)?libpod/\n"
    "define ID     [0-9A-Za-z][\\w.-]*\n"
    "define BELOW  (/([\\w.:@+-]|%%40)+)*\n"
    "define QUERY  (\\?.*)?\n"
    "\n";

/* A whole number; what is not 0 is on. */
static bool
read_value(const char *text, bool *is_on)
{
	const char *p = text[0] == '-' ? text + 1 : text;

	if (*p == '\0' || strspn(p, "0123456789") != strlen(p))
		return false;
	*is_on = strspn(p, "0") != strlen(p);
	return true;
}

static void
read_variable(struct maker *m, struct span name, const char *text)
{
	size_t i;

	for (i = 0; i < NOPTIONS; i++) {
		if (!span_eq(span_of(options[i].name), name))
			continue;
		/* Empty is not set, as there. */
		if (text[0] == '\0')
			return;
		if (!read_value(text, &m->is_on[i]))
			confwork_mistake(m->w, "%s=%s: without a profile this "
			    "is a switch of docker-socket-proxy: 1 allows, 0 "
			    "does not", options[i].name, text);
		m->is_set[i] = m->is_any_set = true;
		if (options[i].is_linuxserver)
			m->is_linuxserver = true;
		if (options[i].kind == KIND_POST)
			m->has_post = m->is_on[i];
		return;
	}
}

static void
put(struct maker *m, const char *method, const char *path, const char *more)
{
	text_str(&m->t, method);
	text_str(&m->t, " ");
	text_str(&m->t, path);
	text_str(&m->t, more);
	text_char(&m->t, '\n');
}

/* Whether a part of CONTAINERS is open: linuxserver's users open what they
 * want, Tecnativa's have all that is not dangerous. */
static bool
is_open(const struct maker *m, const char *part, bool is_dangerous)
{
	size_t i;

	for (i = 0; i < NOPTIONS; i++)
		if (options[i].kind == KIND_PART &&
		    strcmp(options[i].path, part) == 0)
			return m->is_set[i] || m->is_linuxserver ?
			    m->is_on[i] : !is_dangerous;
	return false;
}

static void
put_part(struct maker *m, const char *path, const char *part,
    bool is_dangerous)
{
	bool is_closed = !is_open(m, part, is_dangerous);

	/* linuxserver's are closed there, too. */
	if (is_closed && m->is_linuxserver)
		return;
	put(m, is_closed ? "#! GET" : "(GET|HEAD)", path, "");
	m->t.len--;
	text_str(&m->t, "/{ID}/");
	text_str(&m->t, part);
	text_str(&m->t, "{QUERY}\n");
}

static void
put_containers(struct maker *m, const char *path)
{
	bool is_podman = strncmp(path, POD, strlen(POD)) == 0;

	put(m, "(GET|HEAD)", path, is_podman ?
	    "/(json|stats|showmounted){QUERY}" : "/json{QUERY}");
	put(m, "(GET|HEAD)", path, is_podman ?
	    "/{ID}/(json|stats|exists|healthcheck){QUERY}" :
	    "/{ID}/(json|stats){QUERY}");
	put_part(m, path, "changes", false);
	put_part(m, path, "logs", false);
	put_part(m, path, "top", false);
	put_part(m, path, "archive", true);
	put_part(m, path, "export", true);
	put(m, "#! GET", path, "/{ID}/attach/ws{QUERY}");
	if (!m->has_post)
		return;
	put(m, "POST", path, "/(create|prune){QUERY}");
	put(m, "POST", is_podman ? path : "/{V24}containers",
	    "/{ID}/start{QUERY}");
	put(m, "POST", path, "/{ID}/(stop|restart|kill|pause|unpause|rename|"
	    "update|resize|wait|attach|exec){QUERY}");
	put(m, "#! DELETE", path, "/{ID}{QUERY}");
	put(m, "#! PUT", path, "/{ID}/archive{QUERY}");
}

/* What one switch opens. */
static void
put_option(struct maker *m, const struct option *o)
{
	const char *below = o->kind == KIND_TREE ? "{BELOW}{QUERY}" :
	    "{QUERY}";

	switch (o->kind) {
	case KIND_POST:
	case KIND_PART:
		return;
	case KIND_ACTION:
		put(m, "POST", o->path, "");
		return;
	case KIND_CONTAINERS:
		put_containers(m, o->path);
		return;
	default:
		put(m, m->has_post ? "(GET|HEAD|POST)" : "(GET|HEAD)", o->path,
		    below);
		if (m->has_post && o->has_delete)
			put(m, "#! (DELETE|PUT)", o->path, below);
		return;
	}
}

static bool
is_wanted(const struct maker *m, size_t i)
{
	/* Podman's own defaults count only where it is meant. */
	return m->is_set[i] ? m->is_on[i] : options[i].is_on &&
	    (!options[i].is_linuxserver || m->is_linuxserver);
}

/* The first line, when there is something to say. */
static void
put_danger(struct maker *m)
{
	bool is_first = true;
	size_t i;

	for (i = 0; m->has_post && i < NOPTIONS; i++) {
		if (!options[i].is_root || !is_wanted(m, i))
			continue;
		text_str(&m->t, is_first ? "# HOST ROOT: POST with " : ", ");
		text_str(&m->t, options[i].name);
		is_first = false;
	}
	if (!is_first)
		text_str(&m->t, ".\n");
}

/* All that are set, as in " CONTAINERS=1 POST=0". */
static const char *
list_set(struct maker *m)
{
	const char *list = "";
	size_t i;

	for (i = 0; i < NOPTIONS; i++)
		if (m->is_set[i])
			list = confwork_format(m->w, "%s %s=%d", list,
			    options[i].name, m->is_on[i]);
	return list;
}

const char *
confswitch_make(struct confwork *w, char *const envp[])
{
	struct maker m = { .w = w };
	struct span name;
	size_t i;

	for (; *envp != NULL; envp++) {
		name = (struct span){ *envp, strcspn(*envp, "=") };
		if (name.p[name.len] == '=')
			read_variable(&m, name, name.p + name.len + 1);
	}
	if (!m.is_any_set || w->has_mistake)
		return NULL;
	text_init(&m.t, confwork_alloc(w, TEXT_CAP), TEXT_CAP);
	put_danger(&m);
	text_str(&m.t, confwork_format(w, head, list_set(&m)));
	for (i = 0; i < NOPTIONS; i++)
		if (is_wanted(&m, i))
			put_option(&m, &options[i]);
	return text_string(&m.t);
}
