/*
 * The text of listeners, right and wrong.
 */
#include "config.h"

#include "conflisten.h"

#include "confunit.h"

static const struct {
	const char *text;
	enum conf_listen_kind kind;
	const char *host_or_path;
	const char *port;
	const char *address;	/* text without keys */
	unsigned mode;
	long owner;
	long group;
} listeners[] = {
	{ "tcp://localhost:2375", CONF_TCP, "localhost", "2375",
	    "tcp://localhost:2375", 0600, -1, -1 },
	{ "tcp://*:1", CONF_TCP, "*", "1", "tcp://*:1", 0600, -1, -1 },
	{ "TCP://0.0.0.0:65535", CONF_TCP, "0.0.0.0", "65535",
	    "TCP://0.0.0.0:65535", 0600, -1, -1 },
	{ "tcp://[::1]:80", CONF_TCP, "::1", "80", "tcp://[::1]:80", 0600, -1,
	    -1 },
	{ "tcp://[fe80::1%eth0]:80", CONF_TCP, "fe80::1%eth0", "80",
	    "tcp://[fe80::1%eth0]:80", 0600, -1, -1 },
	{ "tcp://a-b.example_c:80,profile=one", CONF_TCP, "a-b.example_c",
	    "80", "tcp://a-b.example_c:80", 0600, -1, -1 },
	{ "unix:///run/x.sock", CONF_UNIX, "/run/x.sock", NULL,
	    "unix:///run/x.sock", 0600, -1, -1 },
	{ "unix:///x,mode=0660,owner=root,group=0,profile=one", CONF_UNIX,
	    "/x", NULL, "unix:///x", 0660, 0, 0 },
	{ "unix:///x,mode=777,owner=4294967294", CONF_UNIX, "/x", NULL,
	    "unix:///x", 0777, 4294967294, -1 },
	{ "unix:///x,mode=warn,mode=0640", CONF_UNIX, "/x", NULL, "unix:///x",
	    0640, -1, -1 },
	{ "tcp://a:1,mode=warn", CONF_TCP, "a", "1", "tcp://a:1", 0600, -1,
	    -1 },
	{ "unix:///x,mode=0", CONF_UNIX, "/x", NULL, "unix:///x", 0, -1, -1 },
	{ "authz:///x", CONF_UNIX, "/x", NULL, "authz:///x", 0600, -1, -1 },
	{ "AUTHZ:///x,mode=warn,mode=0660,group=0,profile=one,allow=uid:0",
	    CONF_UNIX, "/x", NULL, "AUTHZ:///x", 0660, -1, 0 },
	{ "unix://@name", CONF_ABSTRACT, "name", NULL, "unix://@name", 0600,
	    -1, -1 }
};

START_TEST(listener_good)
{
	const struct conf_listen *l;
	struct conf *c;

	c = load_good(join("-l ", listeners[_i].text, "", ""), "", GOOD);
	ck_assert_uint_eq(c->nlisten, 1);
	l = &c->listen[0];
	ck_assert_int_eq((int)l->kind, (int)listeners[_i].kind);
	ck_assert_str_eq(l->text, listeners[_i].address);
	if (l->kind == CONF_TCP) {
		ck_assert_str_eq(l->host, listeners[_i].host_or_path);
		ck_assert_str_eq(l->port, listeners[_i].port);
	} else {
		ck_assert_str_eq(l->path, listeners[_i].host_or_path);
	}
	ck_assert_uint_eq(l->mode, listeners[_i].mode);
	ck_assert_uint_eq(l->owner, (uid_t)listeners[_i].owner);
	ck_assert_uint_eq(l->group, (gid_t)listeners[_i].group);
	ck_assert_ptr_eq(l->profile->rules, c->profile->rules);
	ck_assert_int_eq(l->only_warns,
	    strstr(listeners[_i].text, "mode=warn") != NULL);
	ck_assert_int_eq(l->profile->only_warns, l->only_warns);
	ck_assert(!c->profile->only_warns);
	ck_assert_int_eq(l->is_authz,
	    strncasecmp(listeners[_i].text, "authz", 5) == 0);
	conf_free(c);
}
END_TEST

#define PLUGINS "/run/docker/plugins/docker-socket-protector.sock"

static const struct {
	const char *flags;
	const char *listen;	/* all of them */
} switches[] = {
	{ "--authz", "authz://" PLUGINS " " },
	{ "-l tcp://a:1 --authz", "tcp://a:1 authz://" PLUGINS " " },
	{ "--authz -l unix:///x -l tcp://a:1",
	    "unix:///x tcp://a:1 authz://" PLUGINS " " },
	{ "--authz -l authz:///x", "authz:///x authz://" PLUGINS " " },
	{ "--authz -l authz://" PLUGINS ",mode=0660",
	    "authz://" PLUGINS " " },
	{ "", "tcp://localhost:2375 " },
};

/* --authz is a listener beside others, and no other by default. */
START_TEST(listener_switch)
{
	char buf[512];
	struct conf *c;
	size_t i;

	c = load_good(switches[_i].flags, "", GOOD);
	buf[0] = '\0';
	for (i = 0; i < c->nlisten; i++)
		(void)snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf),
		    "%s ", c->listen[i].text);
	ck_assert_str_eq(buf, switches[_i].listen);
	conf_free(c);
}
END_TEST

#define HOST "the host must be *"
#define PORT "the port must be a number from 1 to 65535, *"
#define ALLOW(text) "allow=" text ": must be an address, a network as in *"
#define PATH "must be unix:///path/to.sock or unix://@name"
#define PLUGIN "must be authz:///path/to.sock"
#define START "must start with tcp://, unix://, fd:// or authz://"

static const struct {
	const char *text;
	const char *expect;	/* behind "-l TEXT: " */
} bad_listeners[] = {
	{ "localhost:2375", START },
	{ "fd:/x", START },
	{ "fd://127.0.0.1:80", "must be fd:// and the name of a socket *" },
	{ "fd://x,mode=0660", "mode is set by who has made the socket: use "
	    "SocketMode= in the socket unit" },
	{ "fd://x,owner=root", "owner is set by *" },
	{ "fd://,group=root", "group is set by *" },
	{ "fd://x,allow=b", ALLOW("b") },
	{ "fd://x -l fd://x,profile=two", NULL },
	{ "fd:// -l fd://", NULL },
	{ "2375", START },
	{ ",mode=1", START },
	{ "tcp://", HOST },
	{ "tcp://:2375", HOST },
	{ "tcp://a/b:1", HOST },
	{ "tcp://**:1", HOST },
	{ "tcp://[*]:1", HOST },
	{ "tcp://[]:1", HOST },
	{ "tcp://::1:2375", HOST },
	{ "tcp://fe80::1:2375", "an IPv6 address needs brackets, *" },
	{ "tcp://[::1:2375", PORT },
	{ "tcp://[::1]2375", PORT },
	{ "tcp://a", PORT },
	{ "tcp://a:", PORT },
	{ "tcp://a:0", PORT },
	{ "tcp://a:65536", PORT },
	{ "tcp://a:080", PORT },
	{ "tcp://a:http", PORT },
	{ "tcp://a:99999999999", PORT },
	{ "tcp://a:80/", PORT },
	{ "unix://", PATH },
	{ "unix://x", PATH },
	{ "unix:///", PATH },
	{ "unix:///x/", PATH },
	{ "unix://@", PATH },
	{ "authz://", PLUGIN },
	{ "authz://x", PLUGIN },
	{ "authz://@x", PLUGIN },
	{ "authz:///x/", PLUGIN },
	{ "authz:/x", START },
	{ "authz:///x,allow=10.0.0.1", "allow=10.0.0.1: clients of a unix "
	    "socket have no address; *" },
	{ "authz:///x -l unix:///x", NULL },
	{ "unix:///x,mode=0800", "mode must be an octal number up to 0777" },
	{ "unix:///x,mode=01000", "mode must be an octal number up to 0777" },
	{ "unix:///x,mode=rw", "mode must be an octal number up to 0777" },
	{ "unix:///x,mode=", "mode needs a value" },
	{ "unix:///x,mode", "mode needs a value" },
	{ "unix:///x,", "unknown key : *" },
	{ "unix:///x,,mode=1", "unknown key : *" },
	{ "unix:///x,mode=1,mode=1", "mode is given twice" },
	{ "tcp://a:1,mode=warn,mode=warn", "mode is given twice" },
	{ "tcp://a:1,mode=warning", "mode is only for unix sockets with a "
	    "path" },
	{ "unix:///x,owner=no-such-user-here",
	    "owner: no user no-such-user-here" },
	{ "unix:///x,group=no-such-group-here",
	    "group: no group no-such-group-here" },
	{ "unix:///x,owner=4294967295", "owner: no user 4294967295" },
	{ "unix:///x,porfile=one",
	    "unknown key porfile: did you mean profile?" },
	{ "unix:///x,alow=uid:0", "unknown key alow: did you mean allow?" },
	{ "tcp://a:1,allow=", "allow needs a value" },
	{ "tcp://a:1,allow", "allow needs a value" },
	{ "tcp://a:1,allow=b", ALLOW("b") },
	{ "tcp://a:1,allow=10/8", ALLOW("10/8") },
	{ "tcp://a:1,allow=[::1]", ALLOW("[::1]") },
	{ "unix:///x,allow=uid:", ALLOW("uid:") },
	{ "unix:///x,allow=root", ALLOW("root") },
	{ "tcp://a:1,allow=10.0.0.0/33", "allow=10.0.0.0/33: the prefix must "
	    "be a number up to 32, *" },
	{ "tcp://a:1,allow=172.18.0.5/16", "allow=172.18.0.5/16: bits are set "
	    "behind the prefix; write allow=172.18.0.0/16, or "
	    "allow=172.18.0.5 for this address alone" },
	{ "tcp://a:1,allow=fd00::1/8", "allow=fd00::1/8: bits are set behind "
	    "the prefix; write allow=fd00::/8, or allow=fd00::1 *" },
	{ "tcp://a:1,allow=uid:0", "allow=uid:0: TCP does not tell users; *" },
	{ "tcp://a:1,allow=gid:0", "allow=gid:0: TCP does not tell users; *" },
	{ "unix:///x,allow=10.0.0.0/8", "allow=10.0.0.0/8: clients of a unix "
	    "socket have no address; *" },
	{ "unix://@x,allow=::1", "allow=::1: clients of a unix socket *" },
	{ "unix://@x,allow=::1/64", "allow=::1/64: bits are set *" },
	{ "unix:///x,allow=uid:no-such-user-here",
	    "allow: no user no-such-user-here" },
	{ "unix:///x,allow=gid:no-such-group-here",
	    "allow: no group no-such-group-here" },
	{ "unix:///x,allow=uid:4294967295", "allow: no user 4294967295" },
	{ "tcp://a:1,mode=1",
	    "mode is only for unix sockets with a path" },
	{ "tcp://a:1,owner=root",
	    "owner is only for unix sockets with a path" },
	{ "unix://@x,group=root",
	    "group is only for unix sockets with a path" },
	{ "unix:///x -l unix:///x,mode=1", NULL },
	{ "tcp://a:1 -l tcp://A:1", NULL },
	{ "unix://@x -l unix://@x", NULL }
};

START_TEST(listener_bad)
{
	const char *text = bad_listeners[_i].text;
	const char *what = bad_listeners[_i].expect, *expected;
	size_t len;

	ck_assert_ptr_null(load(join("-l ", text, "", ""), "", GOOD));
	ck_assert_msg(nmessages == 1, "%s", messages);
	if (what == NULL) {
		ck_assert_msg(strstr(messages,
		    ": this address is given twice\n") != NULL, "%s",
		    messages);
		return;
	}
	expected = join("-l ", text, ": ", what);
	len = strlen(expected);
	if (expected[len - 1] == '*')
		len--;
	ck_assert_msg(strncmp(messages, expected, len) == 0,
	    "expected: %s\ntold: %s", expected, messages);
}
END_TEST

static const struct {
	const char	*text;
	const char	*shown;		/* "" : no entry */
} allowed[] = {
	{ "tcp://a:1", "" },
	{ "tcp://a:1,allow=172.18.0.0/16", " 172.18.0.0/16" },
	{ "tcp://a:1,allow=FD00::/8,profile=one,allow=127.0.0.1,allow=::",
	    " fd00::/8 127.0.0.1 ::" },
	{ "unix:///x,allow=uid:0,mode=0666,allow=gid:4294967294",
	    " uid:0 gid:4294967294" },
	{ "unix://@x,allow=uid:root,allow=gid:root", " uid:0 gid:0" },
};

START_TEST(listener_allow)
{
	const struct allow *a;
	struct conf *c;
	struct text t;
	char buf[256];
	size_t i;

	c = load_good(join("-l ", allowed[_i].text, "", ""), "", GOOD);
	a = &c->listen[0].allow;
	text_init(&t, buf, sizeof(buf));
	for (i = 0; i < a->nentries; i++) {
		text_char(&t, ' ');
		allow_put(&t, &a->entries[i]);
	}
	ck_assert_str_eq(text_string(&t), allowed[_i].shown);
	conf_free(c);
}
END_TEST

/* As many times allow= as there may be, and once more. */
START_TEST(listener_allow_count)
{
	char text[2048] = "-l unix://@x";
	struct conf *c;
	size_t i, used;

	for (i = 0; i < BOUNDS_ALLOW_CAP; i++) {
		used = strlen(text);
		(void)snprintf(text + used, sizeof(text) - used,
		    ",allow=uid:%zu", i);
	}
	c = load_good(text, "", GOOD);
	ck_assert_uint_eq(c->listen[0].allow.nentries, BOUNDS_ALLOW_CAP);
	for (i = 0; i < BOUNDS_ALLOW_CAP; i++)
		ck_assert_uint_eq(c->listen[0].allow.entries[i].uid, i);
	conf_free(c);
	ck_assert_ptr_null(load(join(text, ",allow=gid:1", "", ""), "", GOOD));
	ck_assert_int_eq(nmessages, 1);
	ck_assert_msg(strstr(messages, "more than 64 times allow=") != NULL,
	    "%s", messages);
}
END_TEST

/* The longest path of a socket, and one byte more. */
START_TEST(listener_path_length)
{
	char *name = unit_fill('x', 107);
	struct conf *c;

	name[0] = '/';
	c = load_good(join("-l ", "unix://", name, ""), "", GOOD);
	ck_assert_str_eq(c->listen[0].path, name);
	conf_free(c);
	ck_assert_ptr_null(load(join("-l unix://", name, "x", ""), "", GOOD));
	ck_assert_ptr_nonnull(strstr(messages, "at most 107 bytes"));
	ck_assert_ptr_null(load(join("-s ", name, "x", ""), "", GOOD));
	ck_assert_ptr_nonnull(strstr(messages, "at most 107 bytes"));
	free(name);
}
END_TEST

/* -- where metrics are told -- */

START_TEST(metrics_good)
{
	struct conf *c;

	c = load_good("", "", GOOD);
	ck_assert(!c->has_metrics);
	conf_free(c);
	c = load_good("--metrics unix:///x,mode=0660,owner=root,group=0", "",
	    GOOD);
	ck_assert(c->has_metrics);
	ck_assert_str_eq(c->metrics.text, "unix:///x");
	ck_assert_uint_eq(c->metrics.mode, 0660);
	ck_assert_uint_eq(c->metrics.owner, 0);
	ck_assert_ptr_null(c->metrics.profile);
	ck_assert_uint_eq(c->nlisten, 1);
	conf_free(c);
}
END_TEST

static const struct {
	const char *words;	/* behind --metrics */
	const char *expect;	/* a part of the only message */
} bad_metrics[] = {
	{ "tcp://a:1,profile=one", "profile is only for --listen" },
	{ "unix:///x,profile=one", "profile is only for --listen" },
	{ "unix:///x,porfile=one", "unknown key porfile" },
	{ "tcp://a:1,mode=1", "mode is only for unix sockets" },
	{ "unix:///x,mode=1,mode=1", "mode is given twice" },
	{ "yes", "must start with tcp://, unix:// or fd://" },
	{ "authz:///x", "must start with tcp://, unix:// or fd://" },
	{ "tcp://a:0", "the port must be a number" },
	{ "fd://", "say which socket, as in fd://metrics" },
	{ "tcp://LOCALHOST:2375",
	    "metrics tcp://LOCALHOST:2375: this is the address of a listener" },
	{ "unix:///y -l unix:///x -l unix:///y,mode=0600",
	    "metrics unix:///y: this is the address of a listener" }
};

START_TEST(metrics_bad)
{
	ck_assert_ptr_null(load(join("--metrics ", bad_metrics[_i].words, "",
	    ""), "", GOOD));
	ck_assert_msg(nmessages == 1 && strstr(messages,
	    bad_metrics[_i].expect) != NULL, "%s", messages);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("conflisten");
	TCase *tc;

	tc = with_folder(s, "metrics");
	tcase_add_test(tc, metrics_good);
	tcase_add_loop_test(tc, metrics_bad, 0, ROWS(bad_metrics));
	tc = with_folder(s, "listener");
	tcase_add_loop_test(tc, listener_good, 0, ROWS(listeners));
	tcase_add_loop_test(tc, listener_switch, 0, ROWS(switches));
	tcase_add_loop_test(tc, listener_bad, 0, ROWS(bad_listeners));
	tcase_add_loop_test(tc, listener_allow, 0, ROWS(allowed));
	tcase_add_test(tc, listener_allow_count);
	tcase_add_test(tc, listener_path_length);
	return s;
}
