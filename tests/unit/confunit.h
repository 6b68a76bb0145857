#ifndef DSP_CONFUNIT_H
#define DSP_CONFUNIT_H

/*
 * What the tests of the configuration share: a folder with profiles, and
 * loading from words as a user would write them.
 */

#include <sys/stat.h>

#include "conf.h"
#include "unit.h"

#include <unistd.h>

#include <fcntl.h>

/* A configuration file that lacks nothing. */
#define GOOD "profile-dir @/first\nprofile one\n"

#define MAX_WORDS	80

static char	dir[] = "/tmp/check_conf.XXXXXX";
static char	messages[65536];
static int	nmessages;

static inline void
report(const char *message)
{
	size_t used = strlen(messages);

	nmessages++;
	ck_assert_msg(strchr(message, '\n') == NULL, "two lines: %s",
	    message);
	ck_assert_uint_lt(used + strlen(message) + 2, sizeof(messages));
	(void)snprintf(messages + used, sizeof(messages) - used, "%s\n",
	    message);
}

/* A path in the test's folder; static storage in turn. */
static inline const char *
path(const char *name)
{
	static char paths[8][256];
	static size_t turn;

	turn = (turn + 1) % 8;
	(void)snprintf(paths[turn], sizeof(paths[0]), "%s/%s", dir, name);
	return paths[turn];
}

static inline void
write_bytes(const char *name, const char *text, size_t len)
{
	FILE *f;

	f = fopen(path(name), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void
write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* The folder: profiles one (2 rules), two (1 rule), unprotected, wrong and
 * user, which includes names of second/, in first/; one (3 rules) in
 * second/. */
static inline void
set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(path("first"), 0755), 0);
	ck_assert_int_eq(mkdir(path("second"), 0755), 0);
	ck_assert_int_eq(mkdir(path("first/folder"), 0755), 0);
	write_file("first/one", "# a comment\nGET /_ping\n"
	    "GET /v1\\.[0-9]+/containers/json(\\?.*)?\n");
	write_file("first/two", "GET /two\n");
	write_file("first/unprotected", ".* /.*\n");
	write_file("first/wrong", "GET /a\n(( /b\nGET\n\nGET c\n");
	write_file("first/empty", "# nothing\n");
	write_file("second/one", "GET /a\nGET /b\nGET /c\n");
	write_file("second/names", "define X [x-z]+\n\nGET /a/{X}\n");
	write_file("first/user", "include names\nGET /{X}\n");
	write_file("conf", "");
}

static inline void
tear_down(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Cut text at each blank into words, "@" being the folder; NULL ends. */
static inline char **
split(const char *first, const char *second, const char *text)
{
	static char store[2][8192];
	static char *words[2][MAX_WORDS];
	static size_t turn;
	size_t n = 0, used = 0;
	const char *p;

	turn = (turn + 1) % 2;
	words[turn][n++] = store[turn];
	(void)snprintf(store[turn], sizeof(store[0]), "%s%c%s", first, 0, "");
	used = strlen(first) + 1;
	if (second != NULL) {
		words[turn][n++] = store[turn] + used;
		used += (size_t)snprintf(store[turn] + used,
		    sizeof(store[0]) - used, "%s", second) + 1;
	}
	for (p = text; *p != '\0';) {
		ck_assert_uint_lt(n, MAX_WORDS - 1);
		words[turn][n++] = store[turn] + used;
		for (; *p != '\0' && *p != ' '; p++) {
			ck_assert_uint_lt(used + sizeof(dir),
			    sizeof(store[0]));
			/* A tab stands for a blank within a word. */
			if (*p == '@' && p[1] == '/')
				used += (size_t)snprintf(store[turn] + used,
				    sizeof(dir), "%s", dir);
			else
				store[turn][used++] = *p == '\t' ? ' ' : *p;
		}
		store[turn][used++] = '\0';
		p += *p == ' ';
	}
	words[turn][n] = NULL;
	return words[turn];
}

/* Load from flags and variables (split at blanks) and the text of the
 * configuration file. */
static inline struct conf *
load(const char *flags, const char *variables, const char *file)
{
	char config[300], expanded[4096];
	char **argv, **envp;
	size_t used = 0;
	int argc = 0;

	for (; *file != '\0' && used < sizeof(expanded) - sizeof(dir); file++)
		if (*file == '@' && file[1] == '/')
			used += (size_t)snprintf(expanded + used, sizeof(dir),
			    "%s", dir);
		else
			expanded[used++] = *file;
	ck_assert_msg(*file == '\0', "the file of a test is too long");
	write_bytes("conf", expanded, used);
	(void)snprintf(config, sizeof(config), "--config=%s/conf", dir);
	argv = split("prog", config, flags);
	envp = split("PATH=/bin", NULL, variables);
	while (argv[argc] != NULL)
		argc++;
	messages[0] = '\0';
	nmessages = 0;
	return conf_load(argc, argv, envp, report);
}

/* The same where no mistake is expected. */
static inline struct conf *
load_good(const char *flags, const char *variables, const char *file)
{
	struct conf *c;

	c = load(flags, variables, file);
	ck_assert_msg(c != NULL, "[%s] [%s] [%s]: %s", flags, variables, file,
	    messages);
	ck_assert_int_eq(nmessages, 0);
	return c;
}

/* The four texts in a row; it lives for seven more calls. */
static inline const char *
join(const char *a, const char *b, const char *c, const char *d)
{
	static char *texts[8];
	static size_t turn;
	char *s;

	ck_assert_int_ge(asprintf(&s, "%s%s%s%s", a, b, c, d), 0);
	turn = (turn + 1) % 8;
	free(texts[turn]);
	texts[turn] = s;
	return s;
}

/* What a function prints to standard output. */
static inline const char *
printed(void (*print)(const struct conf *), const struct conf *c)
{
	static char text[16384];
	ssize_t len;
	int saved, fd;

	ck_assert_int_eq(fflush(stdout), 0);
	saved = dup(STDOUT_FILENO);
	fd = open(path("out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	print(c);
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	len = pread(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(len, 0);
	text[len] = '\0';
	(void)close(fd);
	(void)close(saved);
	return text;
}

/* A test case whose tests have the folder. */
static inline TCase *
with_folder(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	return tc;
}

#endif /* DSP_CONFUNIT_H */
