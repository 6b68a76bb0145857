/*
 * User namespaces, as /proc describes ours.
 */

#include "config.h"

#include "userns.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UID_MAP		"/proc/self/uid_map"
#define GID_MAP		"/proc/self/gid_map"
#define SETGROUPS	"/proc/self/setgroups"
#define OVERFLOW_UID	"/proc/sys/kernel/overflowuid"
#define OVERFLOW_GID	"/proc/sys/kernel/overflowgid"

/* Where the kernel does not tell. */
#define OVERFLOW_ID	65534

/* (uid_t)-1 is no id. */
#define ALL_IDS		UINT32_MAX

/* Bytes of a line of these files; they have at most three numbers. */
#define LINE_CAP	128

/* The next number of a line. */
static bool
take_number(const char **at, uint64_t *n)
{
	char *end;

	*n = strtoull(*at, &end, 10);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

/* Each line of a map is a range of ids: how many there are in all, and whether
 * id is one of them.  0, or -1 for no such file. */
static int
walk(const char *path, unsigned id, uint64_t *count, bool *has_id)
{
	uint64_t first, below, len;
	char line[LINE_CAP];
	const char *at;
	FILE *f;

	*count = 0;
	*has_id = false;
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		at = line;
		if (!take_number(&at, &first) || !take_number(&at, &below) ||
		    !take_number(&at, &len))
			break;
		*count += len;
		*has_id = *has_id || (id >= first && id - first < len);
	}
	(void)fclose(f);
	return 0;
}

int
userns_map_has(const char *path, unsigned id)
{
	uint64_t count;
	bool has_id;

	return walk(path, id, &count, &has_id) == -1 ? -1 : has_id;
}

int
userns_map_is_whole(const char *path)
{
	uint64_t count;
	bool has_id;

	return walk(path, 0, &count, &has_id) == -1 ? -1 : count >= ALL_IDS;
}

static unsigned
overflow_id(const char *path)
{
	uint64_t id = OVERFLOW_ID;
	char line[LINE_CAP];
	const char *at = line;
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL)
		return OVERFLOW_ID;
	if (fgets(line, sizeof(line), f) == NULL || !take_number(&at, &id))
		id = OVERFLOW_ID;
	(void)fclose(f);
	return (unsigned)id;
}

bool
userns_is_anybody(const struct allow_entry *e)
{
	if (e->kind == ALLOW_UID)
		return e->uid == overflow_id(OVERFLOW_UID) &&
		    userns_map_is_whole(UID_MAP) != 1;
	if (e->kind == ALLOW_GID)
		return e->gid == overflow_id(OVERFLOW_GID) &&
		    userns_map_is_whole(GID_MAP) != 1;
	return false;
}

bool
userns_has_user(uid_t uid)
{
	return userns_map_has(UID_MAP, uid) != 0;
}

bool
userns_has_group(gid_t gid)
{
	return userns_map_has(GID_MAP, gid) != 0;
}

bool
userns_has_groups(void)
{
	char word[8] = "";
	size_t len = 0;
	FILE *f;

	f = fopen(SETGROUPS, "re");
	if (f != NULL) {
		len = fread(word, 1, sizeof(word), f);
		(void)fclose(f);
	}
	return len < 4 || memcmp(word, "deny", 4) != 0;
}
