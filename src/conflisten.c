/*
 * The text of a listener: address and keys.  Opening it is left to listen.
 */
#include "config.h"

#include "conflisten.h"

#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "allow.h"
#include "privs.h"
#include "userns.h"
#include "span.h"
#include "text.h"

#define PORT_MAX	65535
#define MODE_DEFAULT	0600
#define MODE_MAX	0777

/* Where dockerd looks for its plugins: the file's name is the plugin's. */
#define PLUGIN_LISTENER \
    "authz:///run/docker/plugins/docker-socket-protector.sock"

/* Bytes of the longest allow=, with the NUL. */
#define ALLOW_SHOWN_CAP	64

/* A listener being read. */
struct reading {
	struct confwork			*w;
	const struct confopt_value	*v;
	struct conf_listen		*l;
	unsigned			 seen;	/* rows of keys, as bits */
	bool				 is_metrics;
	bool				 is_bad;
};

static void
mistake(struct reading *r, const char *what)
{
	confwork_mistake(r->w, "%s: %s", r->v->place, what);
	r->is_bad = true;
}

static void
key_mode(struct reading *r, const char *value)
{
	const char *p;
	unsigned mode = 0;

	for (p = value; *p >= '0' && *p <= '7' && mode <= MODE_MAX; p++)
		mode = mode * 8 + (unsigned)(*p - '0');
	if (*p != '\0' || mode > MODE_MAX)
		mistake(r, "mode must be an octal number up to 0777");
	else
		r->l->mode = (mode_t)mode;
}

static void
key_owner(struct reading *r, const char *value)
{
	gid_t gid;

	if (!privs_user(value, &r->l->owner, &gid))
		mistake(r, confwork_format(r->w, "owner: no user %s", value));
}

static void
key_group(struct reading *r, const char *value)
{
	if (!privs_group(value, &r->l->group))
		mistake(r, confwork_format(r->w, "group: no group %s", value));
}

/* What the profile denies is logged, and passes. */
static void
key_warn(struct reading *r, const char *value)
{
	(void)value; /* "warn" */
	r->l->only_warns = true;
}

static void
key_profile(struct reading *r, const char *value)
{
	r->l->profile_name = value;
}

/* The network that was meant, and how to write the address alone. */
static void
bits_behind(struct reading *r, const char *value,
    const struct allow_entry *meant)
{
	char buf[ALLOW_SHOWN_CAP];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	allow_put(&t, meant);
	mistake(r, confwork_format(r->w, "allow=%s: bits are set behind the "
	    "prefix; write allow=%s, or allow=%.*s for this address alone",
	    value, text_string(&t), (int)strcspn(value, "/"), value));
}

/* Whether value could be read, and tells peers of this listener apart. */
static bool
is_allow(struct reading *r, const char *value, struct allow_entry *e,
    struct span *name)
{
	bool is_unix = r->l->kind == CONF_UNIX || r->l->kind == CONF_ABSTRACT;
	const char *what = NULL;

	switch (allow_parse(span_of(value), e, name)) {
	case ALLOW_GOOD:
		break;
	case ALLOW_PREFIX:
		what = "the prefix must be a number up to 32, or up to 128 "
		    "for IPv6";
		break;
	case ALLOW_HOST_BITS:
		bits_behind(r, value, e);
		return false;
	default:
		what = "must be an address, a network as in 172.18.0.0/16 or "
		    "fd00::/8, uid:USER or gid:GROUP";
		break;
	}
	if (what == NULL && r->l->kind == CONF_TCP && e->kind != ALLOW_NET)
		what = "TCP does not tell users; give addresses, as in "
		    "allow=172.18.0.0/16, or use a unix socket";
	if (what == NULL && is_unix && e->kind == ALLOW_NET)
		what = "clients of a unix socket have no address; give "
		    "allow=uid:USER or allow=gid:GROUP";
	if (what != NULL)
		mistake(r, confwork_format(r->w, "allow=%s: %s", value, what));
	return what == NULL;
}

static void
key_allow(struct reading *r, const char *value)
{
	struct allow *a = &r->l->allow;
	struct allow_entry e;
	struct span name;
	gid_t gid;

	if (!is_allow(r, value, &e, &name))
		return;
	/* A name goes to the end of value, which ends in a NUL. */
	if (e.kind == ALLOW_UID && !privs_user(name.p, &e.uid, &gid))
		mistake(r, confwork_format(r->w, "allow: no user %s", name.p));
	else if (e.kind == ALLOW_GID && !privs_group(name.p, &e.gid))
		mistake(r, confwork_format(r->w, "allow: no group %s",
		    name.p));
	else if (userns_is_anybody(&e))
		mistake(r, confwork_format(r->w, "allow=%s: " USERNS_ANYBODY,
		    value));
	else if (a->nentries == BOUNDS_ALLOW_CAP)
		mistake(r, confwork_format(r->w, "more than %d times allow=",
		    BOUNDS_ALLOW_CAP));
	else
		a->entries[a->nentries++] = e;
}

static const struct key {
	const char	*name;
	const char	*value;		/* the key has this one only, or any
					 * for NULL */
	const char	*unit;		/* for a socket with a path only; what
					 * a socket unit says instead */
	bool		 is_repeatable;
	void		(*set)(struct reading *r, const char *value);
} keys[] = {
	{ "mode", "warn", NULL, false, key_warn },
	{ "mode", NULL, "SocketMode=", false, key_mode },
	{ "owner", NULL, "SocketUser=", false, key_owner },
	{ "group", NULL, "SocketGroup=", false, key_group },
	{ "profile", NULL, NULL, false, key_profile },
	{ "allow", NULL, NULL, true, key_allow }
};

#define NKEYS (sizeof(keys) / sizeof(keys[0]))

static void
unknown_key(struct reading *r, struct span name)
{
	struct confwork_near near = { .word = name };
	size_t i;

	for (i = 0; i < NKEYS; i++)
		confwork_try(&near, keys[i].name);
	mistake(r, confwork_format(r->w, "unknown key %.*s: %s",
	    (int)name.len, name.p, confwork_hint(r->w, &near, "")));
}

/* One key=value. */
static void
parse_key(struct reading *r, struct span text)
{
	struct span name = text, value = { NULL, 0 };
	size_t i;

	(void)span_next(&text, '=', &name); /* has at least one element */
	value = text;
	for (i = 0; i < NKEYS; i++)
		if (span_eq(span_of(keys[i].name), name) &&
		    (keys[i].value == NULL ||
		    span_eq(span_of(keys[i].value), value)))
			break;
	if (i == NKEYS)
		unknown_key(r, name);
	else if (value.p == NULL || value.len == 0)
		mistake(r, confwork_format(r->w, "%s needs a value",
		    keys[i].name));
	else if (r->is_metrics && keys[i].unit == NULL)
		mistake(r, confwork_format(r->w, "%s is only for --listen",
		    keys[i].name));
	else if (keys[i].unit != NULL && r->l->kind == CONF_FD)
		mistake(r, confwork_format(r->w, "%s is set by who has made "
		    "the socket: use %s in the socket unit", keys[i].name,
		    keys[i].unit));
	else if (keys[i].unit != NULL && r->l->kind != CONF_UNIX)
		mistake(r, confwork_format(r->w, "%s is only for unix sockets "
		    "with a path", keys[i].name));
	else if ((r->seen & 1U << i) != 0 && !keys[i].is_repeatable)
		mistake(r, confwork_format(r->w, "%s is given twice",
		    keys[i].name));
	else
		keys[i].set(r, confwork_string(r->w, value.p, value.len));
	if (i < NKEYS)
		r->seen |= 1U << i;
}

/* Host names and addresses; "%" is for the scope of an IPv6 address. */
static bool
is_host(struct span s, bool is_bracketed)
{
	size_t i;

	if (s.len == 0)
		return false;
	for (i = 0; i < s.len; i++)
		if (!span_is_alnum(s.p[i]) && s.p[i] != '.' &&
		    s.p[i] != '-' && s.p[i] != '_' &&
		    !(is_bracketed && (s.p[i] == ':' || s.p[i] == '%')))
			return false;
	return true;
}

/* Cut HOST off s, which then starts with the colon. */
static bool
parse_host(struct reading *r, struct span *s)
{
	struct span host = *s;
	bool is_bracketed = s->len > 0 && s->p[0] == '[';
	const char *end;

	if (is_bracketed) {
		host.p++;
		end = memchr(s->p, ']', s->len);
	} else {
		end = memchr(s->p, ':', s->len);
	}
	if (end == NULL)
		end = s->p + s->len;
	host.len = (size_t)(end - host.p);
	s->len -= (size_t)(end - s->p);
	s->p = end;
	if (is_bracketed && s->len > 0) {
		s->p++;
		s->len--;
	}
	r->l->host = confwork_string(r->w, host.p, host.len);
	return is_host(host, is_bracketed) ||
	    (!is_bracketed && span_eq(host, SPAN("*")));
}

/* s: HOST:PORT. */
static void
parse_tcp(struct reading *r, struct span s)
{
	uint64_t port;

	if (!parse_host(r, &s)) {
		mistake(r, "the host must be a name, an IPv4 address, an IPv6 "
		    "address in brackets, or *");
		return;
	}
	if (s.len > 0 && s.p[0] == ':' &&
	    memchr(s.p + 1, ':', s.len - 1) != NULL) {
		mistake(r, "an IPv6 address needs brackets, as in "
		    "tcp://[::1]:2375");
		return;
	}
	if (s.len < 2 || s.p[0] != ':' ||
	    !span_number((struct span){ s.p + 1, s.len - 1 }, 5, &port) ||
	    port == 0 || port > PORT_MAX) {
		mistake(r, "the port must be a number from 1 to 65535, as in "
		    "tcp://localhost:2375");
		return;
	}
	r->l->kind = CONF_TCP;
	r->l->port = confwork_string(r->w, s.p + 1, s.len - 1);
}

/* s: a path, or @ and a name. */
static void
parse_unix(struct reading *r, struct span s)
{
	struct sockaddr_un sun;

	r->l->kind = CONF_UNIX;
	r->l->has_users = true;
	if (s.len > 1 && s.p[0] == '@' && !r->l->is_authz) {
		r->l->kind = CONF_ABSTRACT;
		s.p++;
		s.len--;
	} else if (s.len < 2 || s.p[0] != '/' || s.p[s.len - 1] == '/') {
		mistake(r, r->l->is_authz ? "must be authz:///path/to.sock" :
		    "must be unix:///path/to.sock or unix://@name");
		return;
	}
	if (s.len >= sizeof(sun.sun_path))
		mistake(r, confwork_format(r->w, "the path of a socket has at "
		    "most %zu bytes", sizeof(sun.sun_path) - 1));
	r->l->path = confwork_string(r->w, s.p, s.len);
}

/* s: the name of a descriptor, which sd_listen_fds_with_names(3) has between
 * colons; empty for all. */
static void
parse_fd(struct reading *r, struct span s)
{
	size_t i;

	r->l->kind = CONF_FD;
	r->l->path = confwork_string(r->w, s.p, s.len);
	for (i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ':')
			break;
	if (i < s.len)
		mistake(r, "must be fd:// and the name of a socket that is "
		    "passed to us, or fd:// for all of them");
	else if (s.len == 0 && r->is_metrics)
		mistake(r, "say which socket, as in fd://metrics");
}

static void
parse_address(struct reading *r, struct span s)
{
	static const struct span tcp = { "tcp://", 6 };
	static const struct span local = { "unix://", 7 };
	static const struct span passed = { "fd://", 5 };
	static const struct span plugin = { "authz://", 8 };

	r->l->text = confwork_string(r->w, s.p, s.len);
	r->l->written = r->l->text;
	if (span_starts_nocase(s, tcp))
		parse_tcp(r, (struct span){ s.p + tcp.len, s.len - tcp.len });
	else if (span_starts_nocase(s, local))
		parse_unix(r, (struct span){ s.p + local.len,
		    s.len - local.len });
	else if (span_starts_nocase(s, passed))
		parse_fd(r, (struct span){ s.p + passed.len,
		    s.len - passed.len });
	else if (span_starts_nocase(s, plugin) && !r->is_metrics) {
		r->l->is_authz = true;
		parse_unix(r, (struct span){ s.p + plugin.len,
		    s.len - plugin.len });
	} else
		mistake(r, r->is_metrics ? "must start with tcp://, unix:// "
		    "or fd://" : "must start with tcp://, unix://, fd:// or "
		    "authz://");
}

static bool
parse(struct confwork *w, const struct confopt_value *v,
    struct conf_listen *l, bool is_metrics)
{
	struct reading r = { .w = w, .v = v, .l = l,
	    .is_metrics = is_metrics };
	struct span rest = span_of(v->text), part;

	*l = (struct conf_listen){
		.mode = MODE_DEFAULT,
		.owner = (uid_t)-1,
		.group = (gid_t)-1
	};
	(void)span_next(&rest, ',', &part); /* has at least one element */
	parse_address(&r, part);
	/* Without an address it is not known which keys are right. */
	if (r.is_bad)
		return false;
	while (span_next(&rest, ',', &part))
		parse_key(&r, part);
	return !r.is_bad;
}

bool
conflisten_parse(struct confwork *w, const struct confopt_value *v,
    struct conf_listen *l)
{
	return parse(w, v, l, false);
}

bool
conflisten_metrics(struct confwork *w, const struct confopt_value *v,
    struct conf_listen *l)
{
	return parse(w, v, l, true);
}

void
conflisten_authz(struct confwork *w, const struct confopt_value *v)
{
	if (!confopt_bool(v->text, &w->is_authz))
		confwork_mistake(w, "%s: must be true or false (yes, no, on, "
		    "off, 1, 0)", v->place);
}

void
conflisten_add_authz(struct confwork *w)
{
	const struct confopt_value v = { .text = PLUGIN_LISTENER,
		.place = "authz" };
	struct conf *c = &w->conf;
	struct conf_listen l;
	size_t i;

	if (!w->is_authz || !conflisten_parse(w, &v, &l))
		return;
	if (w->listen_source == CONFOPT_DEFAULT)
		c->nlisten = 0;
	for (i = 0; i < c->nlisten; i++)
		if (conflisten_is_same(&c->listen[i], &l))
			return;
	if (c->nlisten < BOUNDS_LISTEN_CAP)
		c->listen[c->nlisten++] = l;
	else
		confwork_mistake(w, "authz: too many listeners, at most %d",
		    BOUNDS_LISTEN_CAP);
}

bool
conflisten_is_same(const struct conf_listen *a, const struct conf_listen *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == CONF_TCP)
		return strcasecmp(a->host, b->host) == 0 &&
		    strcmp(a->port, b->port) == 0;
	return strcmp(a->path, b->path) == 0;
}
