#ifndef DSP_UNIT_H
#define DSP_UNIT_H

/*
 * What every unit test shares: the main function, input that lies beside an
 * inaccessible page, and rows shown in messages.  A test file defines
 * unit_suite() and includes this once.
 */

#include <sys/mman.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "span.h"

/* A literal with NUL bytes in it, as two initializers: bytes and length. */
#define B(literal) (literal), sizeof(literal) - 1

/* Number of rows of a table. */
#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Where unit_place puts the bytes. */
enum unit_side {
	UNIT_END,	/* the byte behind the last one is inaccessible */
	UNIT_BEGIN	/* the byte before the first one is inaccessible */
};

#define UNIT_SIDES 2

/* Places are reused in turn: so many may be in use at once. */
#define UNIT_PLACES 8

static Suite *unit_suite(void);

/*
 * unit_place(p, len, side):
 * A writable copy of len bytes beside an inaccessible page.  What is
 * accessible around it is filled with sevens: digits that a parser reading
 * too far would take.  The copy lives for UNIT_PLACES - 1 further calls.
 */
static inline char *
unit_place(const void *p, size_t len, enum unit_side side)
{
	static struct {
		char	*map;
		size_t	 size;
	} places[UNIT_PLACES];
	static size_t turn;
	size_t page, room;
	char *map, *copy;

	page = (size_t)sysconf(_SC_PAGESIZE);
	room = (len / page + 1) * page;
	turn = (turn + 1) % UNIT_PLACES;
	if (places[turn].map != NULL)
		(void)munmap(places[turn].map, places[turn].size);
	map = mmap(NULL, room + 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		ck_abort_msg("no memory for a guarded page");
	places[turn].map = map;
	places[turn].size = room + 2 * page;
	memset(map, '7', room + 2 * page);
	copy = side == UNIT_END ? map + page + room - len : map + page;
	if (len > 0)
		memcpy(copy, p, len);
	if (mprotect(map, page, PROT_NONE) != 0 ||
	    mprotect(map + page + room, page, PROT_NONE) != 0)
		ck_abort_msg("cannot guard a page");
	return copy;
}

/* unit_span(p, len, side): the same as a span. */
static inline struct span
unit_span(const void *p, size_t len, enum unit_side side)
{
	struct span s;

	s.p = unit_place(p, len, side);
	s.len = len;
	return s;
}

/* unit_show(p, len): the bytes on one line, cut; static storage in turn. */
static inline const char *
unit_show(const char *p, size_t len)
{
	static char texts[4][240];
	static size_t turn;
	char *out;
	size_t i, n;

	turn = (turn + 1) % 4;
	out = texts[turn];
	n = 0;
	for (i = 0; i < len && n < sizeof(texts[0]) - 8; i++) {
		if (p[i] >= ' ' && p[i] < 0x7f && p[i] != '\\')
			out[n++] = p[i];
		else
			n += (size_t)snprintf(out + n, 5, "\\x%02x",
			    (unsigned char)p[i]);
	}
	if (i < len) {
		memcpy(out + n, "...", 3);
		n += 3;
	}
	out[n] = '\0';
	return out;
}

/* unit_fill(c, len): len bytes of c in fresh memory, NUL-terminated. */
static inline char *
unit_fill(char c, size_t len)
{
	char *p;

	p = malloc(len + 1);
	if (p == NULL)
		ck_abort_msg("no memory");
	memset(p, c, len);
	p[len] = '\0';
	return p;
}

/* unit_case(s, name): a new test case of the suite. */
static inline TCase *
unit_case(Suite *s, const char *name)
{
	TCase *tc;

	tc = tcase_create(name);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return tc;
}

int
main(void)
{
	SRunner *sr;
	int failed;

	sr = srunner_create(unit_suite());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	if (srunner_ntests_run(sr) == 0)
		failed = 1;
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* DSP_UNIT_H */
