/*
 * When a lesson ends, and what each listener has before and after it.  To
 * make the new workers is left to the master.
 */

#include "config.h"

#include "lesson.h"

#include <inttypes.h>
#include <stddef.h>
#include <time.h>

#include "bounds.h"
#include "io.h"
#include "log.h"

static struct {
	bool		 is_on;
	int64_t		 end_ms;	/* 0: none was asked for */
	/* Of the configuration in force, for afterwards: */
	bool		 log_requests;
	struct profile	*profile[BOUNDS_POOL_CAP];	/* or NULL */
} own;

/* Once the time is over, a configuration without profiles can only be kept
 * open until the master, which looks at once, ends. */
static bool
is_due(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->npools; i++)
		if (conf->listen[i].profile == NULL)
			return true;
	return io_now_ms() < own.end_ms;
}

void
lesson_begin(struct conf *conf)
{
	size_t i;

	own.is_on = false;
	if (conf->learn_for_ms == 0) {
		own.end_ms = 0;
		return;
	}
	if (own.end_ms == 0)
		own.end_ms = io_now_ms() + conf->learn_for_ms;
	if (!is_due(conf))
		return;
	own.is_on = true;
	own.log_requests = conf->log_requests;
	conf->log_requests = true;
	for (i = 0; i < conf->npools; i++) {
		own.profile[i] = conf->listen[i].profile;
		conf->listen[i].profile = conf->open_profile;
	}
}

void
lesson_close(struct conf *conf)
{
	size_t i;

	if (!own.is_on)
		return;
	own.is_on = false;
	conf->log_requests = own.log_requests;
	for (i = 0; i < conf->npools; i++)
		conf->listen[i].profile = own.profile[i];
}

bool
lesson_has_next(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->npools; i++)
		if (own.profile[i] == NULL)
			return false;
	return true;
}

void
lesson_say(const struct conf *conf)
{
	char buf[TEXT_UTC_LEN + 1];
	struct text t;
	size_t i;

	if (!own.is_on)
		return;
	text_init(&t, buf, sizeof(buf));
	lesson_text(&t);
	log_warn("LEARNING until %s, for %" PRId64 " s: every request passes "
	    "and is logged; who reaches a listener is root on this host",
	    text_string(&t), lesson_left_ms() / 1000);
	if (!lesson_has_next(conf)) {
		log_warn("after learning this program ends, since no profile "
		    "is named");
		return;
	}
	for (i = 0; i < conf->nlisten; i++)
		log_warn("after learning %s has profile %s",
		    conf->listen[i].text, own.profile[i]->name);
}

bool
lesson_say_over(const struct conf *conf)
{
	log_warn("learning is over");
	if (lesson_has_next(conf))
		return true;
	log_warn("no profile is named, so this program ends; make one of the "
	    "log with " PACKAGE_NAME " --learn LOG >PROFILE, read it, and "
	    "start with --profile PROFILE");
	return false;
}

int64_t
lesson_watch(int64_t deadline)
{
	return own.is_on && own.end_ms < deadline ? own.end_ms : deadline;
}

bool
lesson_is_over(void)
{
	return own.is_on && io_now_ms() >= own.end_ms;
}

bool
lesson_is_on(void)
{
	return own.is_on;
}

int64_t
lesson_left_ms(void)
{
	int64_t left;

	left = own.end_ms - io_now_ms();
	return left > 0 ? left : 0;
}

void
lesson_text(struct text *t)
{
	text_utc(t, (uint64_t)time(NULL) +
	    (uint64_t)((lesson_left_ms() + 999) / 1000));
}
