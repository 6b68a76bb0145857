/*
 * User namespaces: maps as /proc shows them, and ours.
 */

#include "config.h"

#include "userns.h"

#include "unit.h"

static char file[] = "/tmp/check_userns.XXXXXX";

static const struct {
	const char	*map;
	unsigned	 id;
	int		 has_id;
	int		 is_whole;
} maps[] = {
	/* the first namespace, and containers without one of their own */
	{ "         0          0 4294967295\n", 0, 1, 1 },
	{ "         0          0 4294967295\n", 65534, 1, 1 },
	{ "         0          0 4294967295\n", 4294967294U, 1, 1 },
	{ "         0          0 4294967295\n", 4294967295U, 0, 1 },
	/* userns-remap: 65534 is somebody, and everybody of the host */
	{ "0 100000 65536\n", 65534, 1, 0 },
	{ "0 100000 65536\n", 65536, 0, 0 },
	/* unshare --map-root-user */
	{ "0 0 1\n", 0, 1, 0 },
	{ "0 0 1\n", 1, 0, 0 },
	/* ranges, in any order */
	{ "1000 0 10\n0 100000 1000\n", 999, 1, 0 },
	{ "1000 0 10\n0 100000 1000\n", 1009, 1, 0 },
	{ "1000 0 10\n0 100000 1000\n", 1010, 0, 0 },
	{ "0 0 1000\n1000 1000 4294966295\n", 1000, 1, 1 },
	{ "0 0 1000\n1000 1000 4294966294\n", 1000, 1, 0 },
	{ "4294967290 0 5\n", 4294967294U, 1, 0 },
	{ "4294967290 0 5\n", 4294967289U, 0, 0 },
	/* nobody yet */
	{ "", 0, 0, 0 },
	{ "nonsense\n", 0, 0, 0 },
};

START_TEST(test_maps)
{
	FILE *f;
	int fd;

	strcpy(file + strlen(file) - 6, "XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(maps[_i].map, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(userns_map_has(file, maps[_i].id), maps[_i].has_id);
	ck_assert_int_eq(userns_map_is_whole(file), maps[_i].is_whole);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(userns_map_has(file, maps[_i].id), -1);
	ck_assert_int_eq(userns_map_is_whole(file), -1);
}
END_TEST

/* Wherever the tests run: we are somebody there, and no network is anybody. */
START_TEST(test_own)
{
	struct allow_entry e = { .kind = ALLOW_UID, .uid = geteuid() };

	ck_assert(userns_has_user(geteuid()));
	ck_assert(userns_has_group(getegid()));
	if (geteuid() != 65534)
		ck_assert(!userns_is_anybody(&e));
	e.uid = 65534;
	ck_assert_int_eq(userns_is_anybody(&e),
	    userns_map_is_whole("/proc/self/uid_map") != 1);
	e.kind = ALLOW_GID;
	e.gid = 65534;
	ck_assert_int_eq(userns_is_anybody(&e),
	    userns_map_is_whole("/proc/self/gid_map") != 1);
	e.kind = ALLOW_NET;
	ck_assert(!userns_is_anybody(&e));
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("userns");
	tc = unit_case(s, "userns");
	tcase_add_loop_test(tc, test_maps, 0, ROWS(maps));
	tcase_add_test(tc, test_own);
	return s;
}
