/*
 * Names of hosts: numbers, the hosts file, and what is in neither.
 */

#include "config.h"

#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit.h"

static char file[] = "/tmp/check_host.XXXXXX";

/* The hosts file of these tests. */
static void
set_up(void)
{
	static const char text[] =
	    "# comment with name1\n"
	    "\n"
	    "10.0.0.1\tname1 alias1\n"
	    "fd00::2  both # commented\n"
	    "10.0.0.2 both\r\n"
	    "10.0.0.3 both\n"
	    "fd00::4 only6 Mixed.Case\n"
	    "fd00::5 only6\n"
	    "300.0.0.6 wrong\n"
	    "10.0.0.7\n"
	    "10.0.0.8 last";
	int fd;

	strcpy(file + strlen(file) - 6, "XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static void
tear_down(void)
{
	ck_assert_int_eq(unlink(file), 0);
}

/* As text, with the port that it must have. */
static const char *
show(const struct sockaddr_storage *at, unsigned port)
{
	static char text[INET6_ADDRSTRLEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memcpy(&in, at, sizeof(in));
	memcpy(&in6, at, sizeof(in6));
	if (at->ss_family == AF_INET) {
		ck_assert_uint_eq(ntohs(in.sin_port), port);
		return inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	}
	ck_assert_int_eq(at->ss_family, AF_INET6);
	ck_assert_uint_eq(ntohs(in6.sin6_port), port);
	return inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
}

/* All, with blanks between them; "-" for none. */
static const char *
show_all(const struct host_list *list)
{
	static char text[BOUNDS_HOST_ADDRESSES * INET6_ADDRSTRLEN];
	size_t i;

	strcpy(text, list->n == 0 ? "-" : "");
	for (i = 0; i < list->n; i++) {
		strcat(text, i == 0 ? "" : " ");
		strcat(text, show(&list->to[i], 0));
	}
	return text;
}

static const struct {
	const char	*text;
	const char	*want;
} numbers[] = {
	{ "127.0.0.1", "127.0.0.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "::1", "::1" },
	{ "fd00:0::2", "fd00::2" },
	{ "fe80::1%lo", "fe80::1" },
	{ "fe80::1%nosuchdev", "-" },
	{ "fe80::1%", "-" },
	{ "", "-" },
	{ "%lo", "-" },
	{ "127.0.0.1%lo", "-" },
	{ "127.0.0.256", "-" },
	{ "localhost", "-" },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	    "-" },
};

START_TEST(test_numbers)
{
	struct host_list list;
	struct sockaddr_in6 in6;

	host_number(numbers[_i].text, &list);
	ck_assert_str_eq(show_all(&list), numbers[_i].want);
	if (strcmp(numbers[_i].text, "fe80::1%lo") != 0)
		return;
	memcpy(&in6, &list.to[0], sizeof(in6));
	ck_assert_uint_gt(in6.sin6_scope_id, 0);
}
END_TEST

static const struct {
	const char	*name;
	const char	*want;
} names[] = {
	{ "name1", "10.0.0.1" },
	{ "alias1", "10.0.0.1" },
	{ "NAME1", "10.0.0.1" },
	{ "name", "-" },
	{ "name11", "-" },
	{ "both", "fd00::2 10.0.0.2 10.0.0.3" },
	{ "commented", "-" },
	{ "comment", "-" },
	{ "only6", "fd00::4 fd00::5" },
	{ "mixed.case", "fd00::4" },
	{ "wrong", "-" },
	{ "10.0.0.7", "-" },
	{ "last", "10.0.0.8" },
};

START_TEST(test_names)
{
	struct host_list list;

	host_in_file(file, names[_i].name, &list);
	ck_assert_str_eq(show_all(&list), names[_i].want);
	host_in_file("/nonexistent/hosts", names[_i].name, &list);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

/* More lines than there is room for. */
START_TEST(test_many)
{
	struct host_list list;
	FILE *f;
	int i;

	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	for (i = 0; i < 2 * BOUNDS_HOST_ADDRESSES; i++)
		ck_assert_int_gt(fprintf(f, "10.0.0.%d many\n", i), 0);
	ck_assert_int_eq(fclose(f), 0);
	host_in_file(file, "many", &list);
	ck_assert_uint_eq(list.n, BOUNDS_HOST_ADDRESSES);
	ck_assert_str_eq(show(&list.to[list.n - 1], 0), "10.0.0.63");
}
END_TEST

static const struct {
	const char	*name;
	const char	*all;
	const char	*best;
} found[] = {
	{ "localhost", "127.0.0.1 ::1", "127.0.0.1" },
	{ "LocalHost", "127.0.0.1 ::1", "127.0.0.1" },
	{ "10.1.2.3", "10.1.2.3", "10.1.2.3" },
	{ "fd00::1", "fd00::1", "fd00::1" },
	{ "no.such.host.invalid", "-", NULL },
};

START_TEST(test_found)
{
	struct sockaddr_storage at;
	const char *error = "";
	struct host_list list;
	socklen_t len;

	ck_assert_uint_eq(host_all(found[_i].name, &list, &error), list.n);
	ck_assert_str_eq(show_all(&list), found[_i].all);
	ck_assert_msg((list.n == 0) == (*error != '\0'), "%s: %s",
	    found[_i].name, error);
	len = host_find(found[_i].name, "2375", &at, &error);
	ck_assert_uint_eq(len == 0, found[_i].best == NULL);
	if (len == 0)
		return;
	ck_assert_str_eq(show(&at, 2375), found[_i].best);
	ck_assert_uint_eq(len, at.ss_family == AF_INET ?
	    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("host");
	tc = unit_case(s, "host");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, test_numbers, 0, ROWS(numbers));
	tcase_add_loop_test(tc, test_names, 0, ROWS(names));
	tcase_add_test(tc, test_many);
	tcase_add_loop_test(tc, test_found, 0, ROWS(found));
	return s;
}
