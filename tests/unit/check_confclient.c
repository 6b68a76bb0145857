/*
 * Who gets which profile: the text of --client, the pools that it takes, and
 * who is due to which.
 */
#include "config.h"

#include "confpool.h"

#include "confunit.h"

/* -- the text -- */

static const struct {
	const char *text;	/* a tab for a blank */
	const char *who;
	const char *profile;
	enum allow_kind kind;
	unsigned prefix_len;
	const char *host;
} good[] = {
	{ "10.0.0.1,profile=one", "10.0.0.1", "one", ALLOW_NET, 128, NULL },
	{ "10.0.0.0/8,profile=one", "10.0.0.0/8", "one", ALLOW_NET, 104,
	    NULL },
	{ "0.0.0.0/0,profile=one", "0.0.0.0/0", "one", ALLOW_NET, 96, NULL },
	{ "::1,profile=one", "::1", "one", ALLOW_NET, 128, NULL },
	{ "fd00::/8,profile=@/second/one", "fd00::/8", "one", ALLOW_NET, 8,
	    NULL },
	{ "10.0.0.1\tprofile\tone", "10.0.0.1", "one", ALLOW_NET, 128, NULL },
	{ "10.0.0.1\t\tprofile\t\t\tone", "10.0.0.1", "one", ALLOW_NET, 128,
	    NULL },
	{ "10.0.0.1\tprofile=one", "10.0.0.1", "one", ALLOW_NET, 128, NULL },
	{ "uid:7,profile=one", "uid:7", "one", ALLOW_UID, 0, NULL },
	{ "uid:root,profile=one", "uid:root", "one", ALLOW_UID, 0, NULL },
	{ "gid:7\tprofile\tone", "gid:7", "one", ALLOW_GID, 0, NULL },
	{ "name:a-b.c_d,profile=one", "name:a-b.c_d", "one", ALLOW_NET, 0,
	    "a-b.c_d" }
};

/* Names as Docker has them. */
START_TEST(text_container)
{
	static const char *const names[] = { "aa", "a.", "0-_.Z", "web-1" };
	static const char *const others[] = { "a", "-a", ".a", "_a", "a/b",
		"a:b", "a b", "/aa", "a*" };
	const struct conf_client *c;
	struct conf *conf;
	int i;

	for (i = 0; i < ROWS(names); i++) {
		conf = load_good(join("-e GET /_ping --client container:",
		    names[i], ",profile=one", ""), "", GOOD);
		c = &conf->clients[0];
		ck_assert_str_eq(c->container, names[i]);
		ck_assert(c->is_user);
		ck_assert_uint_eq(c->nentries, 0);
		ck_assert_ptr_null(c->host);
		conf_free(conf);
	}
	for (i = 0; i < ROWS(others); i++) {
		ck_assert_ptr_null(load(join("--client container:", others[i],
		    ",profile=one", ""), "", GOOD));
		ck_assert_int_ge(nmessages, 1);
	}
	ck_assert_ptr_null(load("--client container:,profile=one", "", GOOD));
	ck_assert_msg(strstr(messages, "container: needs a name") != NULL,
	    "%s", messages);
}
END_TEST

/* The longest name, and one byte more. */
START_TEST(text_container_length)
{
	char *name = unit_fill('x', BOUNDS_CONTAINER_NAME_CAP + 1);

	ck_assert_ptr_null(load(join("-e GET / --client container:", name,
	    ",profile=one", ""), "", GOOD));
	ck_assert_msg(strstr(messages, "at most 253") != NULL, "%s", messages);
	name[BOUNDS_CONTAINER_NAME_CAP] = '\0';
	conf_free(load_good(join("-e GET / --client container:", name,
	    ",profile=one", ""), "", GOOD));
	free(name);
}
END_TEST

/* Who is known by a certificate, which has any name. */
START_TEST(text_user)
{
	static const char *const names[] = { "anna", "0", "uid:0", "a@b.c",
		"CN=x/y", "user:" };
	const struct conf_client *c;
	struct conf *conf;

	conf = load_good(join("-e GET /_ping --client user:", names[_i],
	    ",profile=one", ""), "", GOOD);
	c = &conf->clients[0];
	ck_assert_str_eq(c->tls_user, names[_i]);
	ck_assert_str_eq(c->profile->name, "one");
	ck_assert(c->warning->only_warns && !c->profile->only_warns);
	ck_assert_ptr_eq(c->warning->rules, c->profile->rules);
	ck_assert_uint_eq(c->nentries, 0);
	ck_assert_ptr_null(c->host);
	conf_free(conf);
}
END_TEST

START_TEST(text_user_length)
{
	char *name;
	int more;

	for (more = 0; more < 2; more++) {
		name = unit_fill('a', (size_t)BOUNDS_AUTHZ_USER_CAP + more);
		conf_free(load(join("-e GET / --client user:", name,
		    ",profile=one", ""), "", GOOD));
		ck_assert_int_eq(nmessages, more);
		ck_assert(more == 0 || strstr(messages, "the name of a TLS "
		    "user has at most 256 bytes") != NULL);
		free(name);
	}
}
END_TEST

START_TEST(text_good)
{
	const struct conf_client *c;
	struct conf *conf;

	/* Not --test: names are not asked for. */
	conf = load_good(join("-e GET /_ping --client ", good[_i].text, "",
	    ""), "", GOOD);
	ck_assert_uint_eq(conf->nclients, 1);
	c = &conf->clients[0];
	ck_assert_str_eq(c->text, good[_i].who);
	ck_assert_str_eq(c->profile->name, good[_i].profile);
	ck_assert_int_eq(c->is_user, good[_i].kind != ALLOW_NET);
	if (good[_i].host != NULL) {
		ck_assert_str_eq(c->host, good[_i].host);
		ck_assert_uint_eq(c->nentries, 0);
	} else {
		ck_assert_ptr_null(c->host);
		ck_assert_uint_eq(c->nentries, 1);
		ck_assert_int_eq((int)c->entries[0].kind,
		    (int)good[_i].kind);
		ck_assert_uint_eq(c->entries[0].prefix_len,
		    good[_i].prefix_len);
	}
	conf_free(conf);
}
END_TEST

#define WHO "who must be an address, a network as in *"
#define MORE "must go on with the profile, *"
#define NAME "behind profile must be one name or path, *"
#define PREFIX "the prefix must be a number up to 32, *"

static const struct {
	const char *text;
	const char *expect;	/* a star for any rest */
} bad[] = {
	{ "10.0.0.1", MORE },
	{ "10.0.0.1,", MORE },
	{ "10.0.0.1,one", MORE },
	{ "10.0.0.1,,profile=one", MORE },
	{ "10.0.0.1,profil=one", MORE },
	{ "10.0.0.1,profiles=one", MORE },
	{ "10.0.0.1,PROFILE=one", MORE },
	{ "10.0.0.1,profile", NAME },
	{ "10.0.0.1,profile=", NAME },
	{ "10.0.0.1\tprofile", NAME },
	{ "10.0.0.1,profile=one,two", NAME },
	{ "10.0.0.1\tprofile\tone\ttwo", NAME },
	{ ",profile=one", WHO },
	{ "10.0.0,profile=one", WHO },
	{ "10.0.0.256,profile=one", WHO },
	{ "localhost,profile=one", WHO },
	{ "UID:0,profile=one", WHO },
	{ "uid,profile=one", WHO },
	{ "USER:anna,profile=one", WHO },
	{ "tcp://10.0.0.1,profile=one", WHO },
	{ "[::1],profile=one", WHO },
	{ "10.0.0.0/33,profile=one", PREFIX },
	{ "fd00::/129,profile=one", PREFIX },
	{ "10.0.0.0/,profile=one", PREFIX },
	{ "10.0.0.1/8,profile=one", "bits are set behind the prefix; write "
	    "10.0.0.0/8, or 10.0.0.1 for this address alone" },
	{ "fd00::1/8,profile=one", "bits are set behind the prefix; write "
	    "fd00::/8, or fd00::1 for this address alone" },
	{ "uid:,profile=one", "uid: needs a name behind it" },
	{ "gid:,profile=one", "gid: needs a name behind it" },
	{ "name:,profile=one", "name: needs a name behind it" },
	{ "user:,profile=one", "user: needs a name behind it" },
	{ "uid:no-such-user,profile=one", "no user no-such-user on *" },
	{ "gid:no-such-group,profile=one", "no group no-such-group on *" },
	{ "uid:4294967296,profile=one", "no user 4294967296 on *" },
	{ "name:a/b,profile=one", "name:a/b: the name of a host has *" },
	{ "name:a:1,profile=one", "name:a:1: the name of a host has *" },
	{ "name:*,profile=one", "name:*: the name of a host has *" }
};

START_TEST(text_bad)
{
	const size_t len = strcspn(bad[_i].expect, "*");
	const char *at;

	if (_i == ROWS(bad) - 1)	/* its own star is meant */
		ck_assert_str_eq(bad[_i].text, "name:*,profile=one");
	ck_assert_ptr_null(load(join("--client ", bad[_i].text, "", ""), "",
	    GOOD));
	ck_assert_msg(nmessages == 1, "%s", messages);
	ck_assert_msg(strncmp(messages, "--client ", 9) == 0, "%s", messages);
	at = strstr(messages, ": ");
	for (; at != NULL && strncmp(at + 2, bad[_i].expect, len) != 0;
	    at = strstr(at + 1, ": "))
		;
	ck_assert_msg(at != NULL, "%s: %s", bad[_i].expect, messages);
}
END_TEST

/* The longest name, and one byte more. */
START_TEST(text_host_length)
{
	char *name = unit_fill('x', BOUNDS_HOST_NAME_CAP + 1);

	ck_assert_ptr_null(load(join("-e GET / --client name:", name,
	    ",profile=one", ""), "", GOOD));
	ck_assert_msg(strstr(messages, "at most 253") != NULL, "%s", messages);
	name[BOUNDS_HOST_NAME_CAP] = '\0';
	conf_free(load_good(join("-e GET / --client name:", name,
	    ",profile=one", ""), "", GOOD));
	free(name);
}
END_TEST

/* File and line are told, of each wrong one. */
START_TEST(text_place)
{
	ck_assert_ptr_null(load("", "", GOOD "client 10.0.0.1\n"
	    "client 10.0.0.2 profile one\nclient\nclient ::g profile one\n"
	    "client 10.0.0.2 profile two\n"));
	ck_assert_int_eq(nmessages, 4);
	ck_assert_ptr_nonnull(strstr(messages, "conf:3: client 10.0.0.1: must "
	    "go on with the profile"));
	ck_assert_ptr_nonnull(strstr(messages, "conf:5: client: the value is "
	    "missing"));
	ck_assert_ptr_nonnull(strstr(messages, "conf:6: client ::g profile "
	    "one: who must be"));
	ck_assert_ptr_nonnull(strstr(messages, "conf:7: client 10.0.0.2 "
	    "profile two: 10.0.0.2 is given twice"));
}
END_TEST

START_TEST(text_profile)
{
	ck_assert_ptr_null(load("--client uid:0,profile=none", "", GOOD));
	ck_assert_ptr_nonnull(strstr(messages, "no profile none in"));
	ck_assert_ptr_null(load("--client uid:0,profile=unprotected", "",
	    GOOD));
	ck_assert_ptr_nonnull(strstr(messages, "add --log-requests"));
	ck_assert_ptr_null(load("--client uid:0,profile=first/one --daemon",
	    "", GOOD));
	ck_assert_ptr_nonnull(strstr(messages, "first/one: must be an "
	    "absolute path"));
	ck_assert_ptr_null(load("--client uid:0,profile=one", "",
	    "profile-dir @/first\n"));
	ck_assert_msg(strstr(messages, "no profile: say") != NULL,
	    "others need one, too: %s", messages);
}
END_TEST

/* As many lines as there may be, and one more. */
START_TEST(text_count)
{
	char file[4096] = GOOD;
	struct conf *c;
	size_t i;

	for (i = 0; i < BOUNDS_CLIENT_CAP; i++)
		(void)snprintf(file + strlen(file), sizeof(file) -
		    strlen(file), "client 10.0.0.%zu profile two\n", i);
	c = load_good("", "", file);
	ck_assert_uint_eq(c->nclients, BOUNDS_CLIENT_CAP);
	for (i = 0; i < c->nclients; i++)
		ck_assert_uint_eq(c->clients[i].entries[0].address[15], i);
	conf_free(c);
	(void)strcat(file, "client uid:1 profile two\n");
	ck_assert_ptr_null(load("", "", file));
	ck_assert_int_eq(nmessages, 1);
	ck_assert_ptr_nonnull(strstr(messages, "conf:67: client uid:1 profile "
	    "two: too many clients, at most 64"));
}
END_TEST

/* A stronger source replaces all; the variable has blanks between. */
START_TEST(text_sources)
{
	struct conf *c;

	c = load_good("", "DSP_CLIENT=uid:1,profile=one\tgid:2,profile=two",
	    GOOD "client uid:3 profile one\n");
	ck_assert_uint_eq(c->nclients, 2);
	ck_assert_str_eq(c->clients[0].text, "uid:1");
	ck_assert_str_eq(c->clients[1].text, "gid:2");
	conf_free(c);
	c = load_good("--client uid:4,profile=two",
	    "DSP_CLIENT=uid:1,profile=one", GOOD);
	ck_assert_uint_eq(c->nclients, 1);
	ck_assert_str_eq(c->clients[0].text, "uid:4");
	conf_free(c);
}
END_TEST

/* -- pools -- */

/* Profile user includes what is in the second folder. */
#define ALL GOOD "profile-dir @/second\n"

#define BOTH ALL "listen tcp://a:1\nlisten unix:///a\n"

/* "1t:one:4 ..." for each pool: door (0: none), kind, profile, workers. */
static const char *
show_pools(const struct conf *c)
{
	static char buf[4096];
	const struct conf_listen *l;

	buf[0] = '\0';
	for (l = c->listen; l < c->listen + c->npools; l++)
		(void)snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf),
		    "%s%s%u%c:%s%s:%u", l == c->listen ? "" : " ",
		    l->is_door ? "door" : "", l->door + 1,
		    l->kind == CONF_TCP ? 't' : 'u', l->profile->name,
		    l->profile->only_warns ? "!" : "", l->workers);
	return buf;
}

static const struct {
	const char *file;
	const char *pools;
} pools[] = {
	{ BOTH, "1t:one:4 2u:one:4" },
	{ BOTH "client 10.0.0.1 profile two\n",
	    "door1t:one:1 2u:one:4 1t:one:4 1t:two:1" },
	{ BOTH "client uid:1 profile two\n",
	    "1t:one:4 door2u:one:1 2u:one:4 2u:two:1" },
	{ BOTH "client uid:1 profile two\nclient ::1 profile user\n",
	    "door1t:one:1 door2u:one:1 1t:one:4 1t:user:1 2u:one:4 "
	    "2u:two:1" },
	/* One pool for each profile, however it is named. */
	{ BOTH "client ::1 profile two\nclient ::2 profile one\n"
	    "client ::3 profile @/first/two\nclient ::4 profile two\n",
	    "door1t:one:1 2u:one:4 1t:one:4 1t:two:1" },
	/* A name that nobody knows yet. */
	{ BOTH "client name:nobody.invalid profile two\n",
	    "door1t:one:1 2u:one:4 1t:one:4 1t:two:1" },
	{ ALL "listen tcp://a:1,mode=warn\nclient ::1 profile two\n"
	    "client ::2 profile one\n",
	    "door1t:one!:1 1t:one!:4 1t:two!:1" },
	/* No doors for dockerd, which comes for all; and users of
	 * certificates are nobody elsewhere. */
	{ ALL "listen authz:///a\nlisten unix:///b\n"
	    "client user:anna profile two\nclient uid:1 profile two\n",
	    "1u:one:4 door2u:one:1 2u:one:4 2u:two:1" },
	{ BOTH "client user:anna profile two\n", "1t:one:4 2u:one:4" },
	{ ALL "workers 7\nlisten unix://@a,profile=two\n"
	    "client gid:1 profile one\n",
	    "door1u:two:1 1u:two:7 1u:one:1" }
};

START_TEST(pools_made)
{
	struct conf *c;

	c = load_good("", "", pools[_i].file);
	ck_assert_str_eq(show_pools(c), pools[_i].pools);
	conf_free(c);
}
END_TEST

/* As many as there may be, and one more. */
START_TEST(pools_count)
{
	char file[8192] = "profile-dir @/first\nprofile one\n";
	const size_t doors = 2, each = BOUNDS_POOL_CAP / doors - 2;
	char name[32];
	size_t i;

	ck_assert_uint_lt(each, BOUNDS_CLIENT_CAP);
	for (i = 0; i < doors; i++)
		(void)snprintf(file + strlen(file), sizeof(file) -
		    strlen(file), "listen tcp://a:%zu\n", i + 1);
	for (i = 0; i <= each; i++) {
		(void)snprintf(name, sizeof(name), "first/p%zu", i);
		write_file(name, "GET /\n");
		if (i < each)
			(void)snprintf(file + strlen(file), sizeof(file) -
			    strlen(file), "client ::%zu profile p%zu\n",
			    i + 1, i);
	}
	conf_free(load_good("", "", file));
	(void)snprintf(file + strlen(file), sizeof(file) - strlen(file),
	    "client ::ff profile p%zu\n", each);
	ck_assert_ptr_null(load("", "", file));
	ck_assert_msg(nmessages == 1 && strstr(messages, "too many profiles on "
	    "too many listeners, at most 128") != NULL, "%s", messages);
}
END_TEST

/* -- who is due to which -- */

static struct allow_peer
address(const char *text)
{
	struct allow_peer who = { .is_user = false };
	struct allow_entry e;
	struct span name;

	ck_assert_int_eq((int)allow_parse(span_of(text), &e, &name),
	    (int)ALLOW_GOOD);
	memcpy(who.address, e.address, sizeof(who.address));
	return who;
}

/* The name of the profile that is due at a door. */
static const char *
due(const struct conf *c, unsigned door, const struct allow_peer *who)
{
	return c->listen[confpool_find(c, door, who,
	    CONFPOOL_NO_LINE)].profile->name;
}

START_TEST(due_address)
{
	static const char file[] = BOTH "client 10.0.0.1 profile two\n"
	    "client uid:0 profile user\nclient 10.0.0.0/24 profile user\n"
	    "client 10.0.0.0/8 profile two\nclient ::/0 profile two\n"
	    "client name:LOCALHOST profile user\n";
	static const struct {
		const char *who;
		const char *profile;
	} rows[] = {
		{ "10.0.0.1", "two" },		/* the first line wins */
		{ "10.0.0.2", "user" },
		{ "10.0.1.1", "two" },
		{ "11.0.0.1", "one" },		/* as the listener */
		{ "127.0.0.2", "one" },
		{ "127.0.0.1", "user" },	/* by its name */
		{ "::1", "two" },
		{ "fd00::1", "two" }
	};
	struct allow_peer who;
	struct conf *c;
	int i;

	c = load_good("", "", file);
	for (i = 0; i < ROWS(rows); i++) {
		who = address(rows[i].who);
		ck_assert_msg(strcmp(due(c, 0, &who), rows[i].profile) == 0,
		    "%s: %s", rows[i].who, due(c, 0, &who));
	}
	conf_free(c);
}
END_TEST

START_TEST(due_user)
{
	static const char file[] = BOTH "client uid:7 profile two\n"
	    "client ::/0 profile two\nclient gid:8 profile user\n";
	static const gid_t groups[] = { 1, 8 };
	const struct {
		struct allow_peer who;
		const char *profile;
	} rows[] = {
		{ { .is_user = true, .uid = 7, .gid = 8 }, "two" },
		{ { .is_user = true, .uid = 6, .gid = 8 }, "user" },
		{ { .is_user = true, .uid = 6, .gid = 5, .groups = groups,
		    .ngroups = 2 }, "user" },
		{ { .is_user = true, .uid = 8, .gid = 7, .groups = groups,
		    .ngroups = 1 }, "one" },
		{ { .is_user = true }, "one" }
	};
	struct conf *c;
	int i;

	c = load_good("", "", file);
	ck_assert(confpool_wants_groups(c));
	for (i = 0; i < ROWS(rows); i++)
		ck_assert_str_eq(due(c, 1, &rows[i].who), rows[i].profile);
	conf_free(c);
	c = load_good("", "", BOTH "client uid:7 profile two\n");
	ck_assert(!confpool_wants_groups(c));
	conf_free(c);
}
END_TEST

/* Lines are tried in their order; a container that is not known matters only
 * where one of its lines is reached. */
START_TEST(due_container)
{
	static const char file[] = BOTH "client uid:7 profile two\n"
	    "client container:aa profile user\n"
	    "client uid:8 profile two\nclient container:bb profile two\n"
	    "client ::/0 profile two\n";
	static const struct {
		uid_t uid;
		uint32_t line;
		const char *profile;	/* NULL: not known */
	} rows[] = {
		{ 7, CONFPOOL_NOT_KNOWN, "two" },
		{ 7, 1, "two" },
		{ 8, 1, "user" },
		{ 8, 3, "two" },
		{ 8, CONFPOOL_NO_LINE, "two" },
		{ 8, CONFPOOL_NOT_KNOWN, NULL },
		{ 9, 1, "user" },
		{ 9, 3, "two" },
		{ 9, CONFPOOL_NO_LINE, "one" },
		{ 9, CONFPOOL_NOT_KNOWN, NULL }
	};
	struct allow_peer who;
	struct conf *c;
	unsigned pool;
	int i;

	c = load_good("", "", file);
	ck_assert(!confpool_wants_whois(c, &c->listen[0]));
	ck_assert(confpool_wants_whois(c, &c->listen[1]));
	ck_assert(confpool_has_whois(c));
	for (i = 0; i < ROWS(rows); i++) {
		who = (struct allow_peer){ .is_user = true,
		    .uid = rows[i].uid };
		pool = confpool_find(c, 1, &who, rows[i].line);
		ck_assert_msg(rows[i].profile == NULL ?
		    pool == BOUNDS_POOL_CAP : pool < c->npools && strcmp(
		    c->listen[pool].profile->name, rows[i].profile) == 0,
		    "row %d: pool %u", i, pool);
	}
	/* Over TCP nobody asks. */
	who = address("10.0.0.1");
	ck_assert_uint_lt(confpool_find(c, 0, &who, CONFPOOL_NOT_KNOWN),
	    c->npools);
	conf_free(c);
	c = load_good("", "", ALL "listen tcp://a:1\n"
	    "client container:aa profile two\n");
	ck_assert(!confpool_has_whois(c));
	ck_assert(!c->listen[0].is_door);
	conf_free(c);
}
END_TEST

/* -- from one configuration to the next -- */

#define OLD ALL "listen tcp://b:1\nlisten tcp://a:1\nlisten unix:///a\n" \
	"client ::1 profile two\nclient ::2 profile user\n"

/* Pools of OLD: doors 0 and 1, 2; behind 0: 3 4 5, behind 1: 6 7 8.  Where
 * each goes, "-" for nowhere. */
static const struct {
	const char *file;
	const char *to;
} moves[] = {
	{ OLD, "--2345678" },
	/* a door less */
	{ ALL "listen tcp://a:1\nlisten unix:///a\nclient ::1 profile two\n"
	    "client ::2 profile user\n", "--1---234" },
	/* the same clients, other profiles */
	{ ALL "listen tcp://b:1,profile=two\nlisten tcp://a:1\n"
	    "listen unix:///a\nclient ::1 profile one\n"
	    "client ::2 profile user\n", "--2345---" },
	{ ALL "listen tcp://b:1,profile=two\nlisten tcp://a:1\n"
	    "listen unix:///a\nclient ::1 profile two\n"
	    "client ::2 profile user\n", "--2---567" },
	/* other clients */
	{ ALL "listen tcp://b:1\nlisten tcp://a:1\nlisten unix:///a\n"
	    "client ::1 profile two\nclient ::3 profile user\n",
	    "--2------" },
	{ ALL "listen tcp://b:1\nlisten tcp://a:1\nlisten unix:///a\n"
	    "client ::2 profile two\nclient ::1 profile user\n",
	    "--2------" },
	{ ALL "listen tcp://b:1\nlisten tcp://a:1\nlisten unix:///a\n"
	    "client ::1 profile two\n", "--2------" },
	{ ALL "listen tcp://b:1\nlisten tcp://a:1\nlisten unix:///a\n"
	    "client ::1 profile user\nclient ::2 profile user\n",
	    "--2------" },
	/* none any more; and where there were none before */
	{ ALL "listen tcp://b:1\nlisten unix:///a\n", "--1------" },
	{ OLD "client uid:1 profile two\n", "---------" }
};

/* Containers are told apart by their names. */
START_TEST(moved_container)
{
#define SOCKET ALL "listen unix:///a\n"
	static const struct {
		const char *file;
		size_t to;		/* of the second pool behind it */
	} rows[] = {
		{ SOCKET "client container:aa profile two\n", 2 },
		{ SOCKET "client container:ab profile two\n", 3 },
		{ SOCKET "client uid:1 profile two\n", 3 },
		{ SOCKET "client name:aa.invalid profile two\n"
		    "client container:aa profile two\n", 3 }
	};
	struct conf *old, *new;
	int i;

	old = load_good("", "", rows[0].file);
	ck_assert_uint_eq(old->npools, 3);
	for (i = 0; i < ROWS(rows); i++) {
		new = load_good("", "", rows[i].file);
		ck_assert_uint_eq(new->npools, 3);
		ck_assert_uint_eq(confpool_moved(new, old, 2), rows[i].to);
		conf_free(new);
	}
	conf_free(old);
}
END_TEST

START_TEST(pools_moved)
{
	struct conf *old, *new;
	char shown[32];
	size_t i, to;

	old = load_good("", "", OLD);
	ck_assert_uint_eq(old->npools, 9);
	new = load_good("", "", moves[_i].file);
	for (i = 0; i < old->npools; i++) {
		to = confpool_moved(new, old, i);
		ck_assert_uint_le(to, new->npools);
		shown[i] = to == new->npools ? '-' : (char)('0' + to);
	}
	shown[i] = '\0';
	ck_assert_str_eq(shown, moves[_i].to);
	conf_free(new);
	conf_free(old);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s = suite_create("confclient");
	TCase *tc;

	tc = with_folder(s, "text");
	tcase_add_loop_test(tc, text_good, 0, ROWS(good));
	tcase_add_loop_test(tc, text_user, 0, 6);
	tcase_add_test(tc, text_user_length);
	tcase_add_loop_test(tc, text_bad, 0, ROWS(bad));
	tcase_add_test(tc, text_host_length);
	tcase_add_test(tc, text_container);
	tcase_add_test(tc, text_container_length);
	tcase_add_test(tc, text_place);
	tcase_add_test(tc, text_profile);
	tcase_add_test(tc, text_count);
	tcase_add_test(tc, text_sources);
	tc = with_folder(s, "pools");
	tcase_add_loop_test(tc, pools_made, 0, ROWS(pools));
	tcase_add_test(tc, pools_count);
	tcase_add_loop_test(tc, pools_moved, 0, ROWS(moves));
	tcase_add_test(tc, moved_container);
	tc = with_folder(s, "due");
	tcase_add_test(tc, due_address);
	tcase_add_test(tc, due_user);
	tcase_add_test(tc, due_container);
	return s;
}
