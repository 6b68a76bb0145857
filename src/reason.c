/*
 * The table of reasons, see reason.h.
 */

#include "config.h"

#include "reason.h"

static const struct reason_info reasons[REASON_COUNT] = {
#define REASON_ROW(name, code, in_log, for_client) \
	[name] = { .status = (code), .word = (in_log), .text = (for_client) },
	REASON_TABLE(REASON_ROW)
#undef REASON_ROW
};

const struct reason_info *
reason_info(enum reason r)
{
	if ((unsigned)r >= REASON_COUNT)
		r = REASON_NO_RULE;
	return &reasons[r];
}
