#ifndef DSP_LESSON_H
#define DSP_LESSON_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "text.h"

/*
 * The time of --learn-for, in which every listener has the profile that
 * allows everything, and requests are logged.  Used by the master alone.
 */

/*
 * lesson_begin(conf):
 * To be called with each configuration just before it comes into force.
 * Where it asks for a lesson that is not over, open its listeners.  The time
 * runs from the first configuration that asks, and later ones keep the end,
 * until one does not ask.
 */
void lesson_begin(struct conf *conf);

/* lesson_close(conf): give the listeners what they have afterwards; conf is
 * the one that is in force. */
void lesson_close(struct conf *conf);

/* lesson_say(conf): log that there is one, if there is.
 * lesson_say_over(conf): log that it is over, and, returning false, how to go
 * on where a listener has no profile for the time afterwards. */
void lesson_say(const struct conf *conf);
bool lesson_say_over(const struct conf *conf);

/* lesson_watch(deadline): the deadline, or the end if that is earlier.
 * lesson_is_over(): there is a lesson, and its time has passed. */
int64_t lesson_watch(int64_t deadline);
bool lesson_is_over(void);

/* lesson_has_next(conf): whether each listener has a profile for the time
 * afterwards. */
bool lesson_has_next(const struct conf *conf);

/* lesson_is_on(): whether there is one.  lesson_text(t): its end, as in
 * "2026-03-01T12:00:00Z".  lesson_left_ms(): until then. */
bool lesson_is_on(void);
void lesson_text(struct text *t);
int64_t lesson_left_ms(void);

#endif /* DSP_LESSON_H */
