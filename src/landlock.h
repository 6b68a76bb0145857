#ifndef DSP_LANDLOCK_H
#define DSP_LANDLOCK_H

#include <stdbool.h>

/*
 * A part of sandbox.h; only compiled with it.
 */

/* landlock_abi(): the version that this kernel has, 0 for none. */
int landlock_abi(void);

/*
 * landlock_enter(keeps_sockets, keeps_proc):
 * Forbid all that this kernel can forbid, but for what a role needs: to connect
 * to a socket by its path, and to read files below /proc.  A step that fails is
 * fatal with code 2; without Landlock nothing is done.
 */
void landlock_enter(bool keeps_sockets, bool keeps_proc);

#endif /* DSP_LANDLOCK_H */
