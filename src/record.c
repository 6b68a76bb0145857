/*
 * Log lines and counters of requests.  Deciding and answering is done
 * elsewhere.
 */

#include "config.h"

#include "record.h"

#include <string.h>

#include "board.h"
#include "io.h"
#include "log.h"
#include "tally.h"

/* Failures on our side of things, not the client's. */
static bool
is_failure(enum reason reason)
{
	return reason == REASON_NO_DOCKER || reason == REASON_BAD_ANSWER ||
	    reason == REASON_BUSY;
}

/* Who it is, and who says so. */
static void
end_line(struct log_line *line, const struct record *r)
{
	log_str(line, "peer", r->peer);
	if (r->user.len > 0)
		log_span(line, "user", r->user);
	log_number(line, "worker", r->env->worker_no);
	log_end(line);
}

/* "deny" or "fail"; the query is told, because a denied one is what the user
 * has to see. */
static void
log_refusal(const struct record *r, enum reason reason, int dial_error)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_WARN, is_failure(reason) ? "fail" : "deny");
	log_span(&line, "method", r->head->method);
	log_span(&line, "target", r->head->target);
	log_str(&line, "profile", r->profile);
	if (reason == REASON_MATCH_ERROR)
		log_number(&line, "rule", r->line_no);
	log_str(&line, "reason", reason_info(reason)->word);
	if (reason == REASON_NO_DOCKER) {
		log_str(&line, "socket", r->env->docker_socket);
		log_words(&line, "error", strerror(dial_error));
	}
	end_line(&line, r);
}

void
record_refusal(const struct record *r, enum reason reason, int dial_error)
{
	log_refusal(r, reason, dial_error);
	if (is_failure(reason))
		board_mine()->failed++;
	else
		board_mine()->denied++;
	tally_refuse(r->env->row, is_failure(reason) ? TALLY_ERROR :
	    TALLY_DENY, reason);
}

void
record_warning(const struct record *r)
{
	struct log_line line;

	log_begin(&line, LOG_LEVEL_WARN, "would-deny");
	log_span(&line, "method", r->head->method);
	log_span(&line, "target", r->head->target);
	log_str(&line, "profile", r->profile);
	log_str(&line, "reason", reason_info(REASON_NO_RULE)->word);
	end_line(&line, r);
	tally_warn(r->env->row);
}

/* x is NULL when nothing went by us. */
static void
log_allowed(const struct record *r, const struct exchange *x, int64_t now_us)
{
	struct log_line line;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	log_begin(&line, LOG_LEVEL_INFO, "allow");
	log_span(&line, "method", r->request->method);
	log_span(&line, "path", r->request->target.path);
	log_str(&line, "profile", r->profile);
	log_number(&line, "rule", r->line_no);
	if (x != NULL) {
		log_number(&line, "status", (unsigned)x->answer.status);
		log_number(&line, "in", x->relay.up.bytes);
		log_number(&line, "out", x->out_before + x->relay.down.bytes);
	}
	log_number(&line, "ms", (uint64_t)(now_us - r->began_us) / 1000);
	end_line(&line, r);
}

void
record_answer(const struct record *r, const struct exchange *x)
{
	const int64_t now_us = io_now_us();

	/* Streams last as long as somebody listens: their times say nothing
	 * about us or dockerd. */
	if (x->answer.status != 0 && x->answer.status != 101 &&
	    !r->request->target.is_stream)
		tally_took(r->env->row, now_us - r->complete_us);
	log_allowed(r, x, now_us);
}

void
record_pass(const struct record *r)
{
	const int64_t now_us = io_now_us();

	tally_allow(r->env->row, r->line_no);
	tally_took(r->env->row, now_us - r->complete_us);
	log_allowed(r, NULL, now_us);
}
