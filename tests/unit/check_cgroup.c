/*
 * Limits of control groups, on folders that look like theirs.
 */
#include "config.h"

#include "cgroup.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bounds.h"
#include "unit.h"

#define UNLIMITED UINT64_MAX
#define MIB ((uint64_t)1 << 20)

static char root[] = "/tmp/dsp-cgroup.XXXXXX";

/* What is there: folders and files. */
static const char *const folders[] = { "memory", "memory/box", "pids",
	"pids/box", "slice", "slice/x.service", "odd" };
static const struct {
	const char	*path;
	const char	*text;
} files[] = {
	{ "memory/memory.limit_in_bytes", "9223372036854771712\n" },
	{ "memory/box/memory.limit_in_bytes", "33554432\n" },
	{ "pids/pids.max", "max\n" },
	{ "pids/box/pids.max", "300\n" },
	{ "slice/x.service/memory.max", "67108864\n" },
	{ "slice/x.service/pids.max", "max\n" },
	{ "slice/memory.max", "max\n" },
	{ "odd/memory.max", "-1\n" },
	{ "odd/pids.max", "12 monkeys\n" },
};

static const struct {
	const char	*own;
	uint64_t	 memory;
	uint64_t	 processes;
} groups[] = {
	/* version 1: by controller, two of them together */
	{ "9:name=systemd:/box\n5:memory:/box\n4:cpu,pids:/box\n", 32 * MIB,
	    300 },
	{ "5:memory:/\n4:pids:/\n", UNLIMITED, UNLIMITED },
	{ "5:memory:/other\n", UNLIMITED, UNLIMITED },
	/* version 2, and both */
	{ "0::/slice/x.service\n", 64 * MIB, UNLIMITED },
	{ "0::/slice\n", UNLIMITED, UNLIMITED },
	{ "0::/slice/x.service\n5:memory:/box\n", 32 * MIB, UNLIMITED },
	/* nonsense */
	{ "0::/odd\n", UNLIMITED, UNLIMITED },
	{ "", UNLIMITED, UNLIMITED },
	{ "\n5:memory\n:::\n", UNLIMITED, UNLIMITED },
};

static void
set_up(void)
{
	char path[300];
	size_t i;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(root));
	for (i = 0; i < ROWS(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	for (i = 0; i < ROWS(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root,
		    files[i].path);
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_ge(fputs(files[i].text, f), 0);
		ck_assert_int_eq(fclose(f), 0);
	}
}

static void
tear_down(void)
{
	char path[300];
	size_t i;

	for (i = 0; i < ROWS(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root,
		    files[i].path);
		(void)unlink(path);
	}
	for (i = ROWS(folders); i > 0; i--) {
		(void)snprintf(path, sizeof(path), "%s/%s", root,
		    folders[i - 1]);
		(void)rmdir(path);
	}
	(void)rmdir(root);
}

START_TEST(limits_of_group)
{
	struct cgroup_limits found;

	cgroup_read(root, span_of(groups[_i].own), &found);
	ck_assert_uint_eq(found.memory, groups[_i].memory);
	ck_assert_uint_eq(found.processes, groups[_i].processes);
}
END_TEST

/* In a container, with the names that the machine has: the root is ours. */
START_TEST(limits_of_root)
{
	struct cgroup_limits found;
	char inner[300];

	(void)snprintf(inner, sizeof(inner), "%s/slice/x.service", root);
	cgroup_read(inner, SPAN("0::/docker/4711\n"), &found);
	ck_assert_uint_eq(found.memory, 64 * MIB);
	ck_assert_uint_eq(found.processes, UNLIMITED);
}
END_TEST

static const struct {
	struct cgroup_limits	limits;
	size_t			workers;
} fits[] = {
	{ { UNLIMITED, UNLIMITED }, BOUNDS_WORKERS_CAP },
	{ { UNLIMITED - 1, UNLIMITED - 1 }, BOUNDS_WORKERS_CAP },
	{ { 32 * MIB, UNLIMITED }, 48 },
	{ { 32 * MIB, 60 }, 28 },
	{ { UNLIMITED, 300 }, 268 },
	{ { 1024 * MIB, 300 }, 268 },
	{ { BOUNDS_OTHERS_MEMORY, UNLIMITED }, 0 },
	{ { 0, UNLIMITED }, 0 },
	{ { UNLIMITED, 1 }, 0 },
};

START_TEST(workers_that_fit)
{
	ck_assert_uint_eq(cgroup_workers(&fits[_i].limits), fits[_i].workers);
}
END_TEST

static Suite *
unit_suite(void)
{
	Suite *s;
	TCase *tc;

	s = suite_create("cgroup");
	tc = unit_case(s, "read");
	tcase_add_unchecked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, limits_of_group, 0, ROWS(groups));
	tcase_add_test(tc, limits_of_root);
	tc = unit_case(s, "workers");
	tcase_add_loop_test(tc, workers_that_fit, 0, ROWS(fits));
	return s;
}
