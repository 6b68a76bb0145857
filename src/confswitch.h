#ifndef DSP_CONFSWITCH_H
#define DSP_CONFSWITCH_H

#include "confwork.h"

/*
 * The switches of Tecnativa/docker-socket-proxy and of linuxserver's: the
 * variables CONTAINERS, POST, ALLOW_START and so on, made into a profile.
 * Where theirs open more than they say, the profile stays closed, and has the
 * rule that would open it as a comment.
 */

/*
 * confswitch_make(w, envp):
 * The text of a profile that the switches in envp ask for, which lives as long
 * as w; NULL when there is none of them, or, reported, when one has a value
 * that is not a number.
 */
const char *confswitch_make(struct confwork *w, char *const envp[]);

#endif /* DSP_CONFSWITCH_H */
