/* Escapings: only harmless bytes come out, whatever goes in, and a literal
 * is a rule for exactly its own string. */

#include "config.h"

#include "fuzz.h"

#include "rule.h"
#include "text.h"

static char out[8 * 4096];

static void
check_literal(struct span s)
{
	char error[RULE_ERROR_CAP];
	struct rule_matcher m;
	struct rule rule;
	struct text t;

	text_init(&t, out, sizeof(out));
	text_str(&t, "GET ");
	text_literal(&t, s);
	LAW(!t.is_full);
	LAW(rule_parse((struct span){ out, t.len }, 1, &rule, error));
	LAW(rule_matcher_init(&m));
	LAW(rule_match(&rule, &m, SPAN("GET"), s) == RULE_MATCH);
	LAW(rule_match(&rule, &m, SPAN("GET"),
	    (struct span){ s.p, s.len - 1 }) == RULE_NO_MATCH);
	rule_matcher_free(&m);
	rule_free(&rule);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = { (const char *)data, size };
	bool is_target = size > 0 && size < 2000 && data[0] == '/';
	struct text t;
	size_t i;

	if (size > 4096)
		return 0;
	text_init(&t, out, sizeof(out));
	text_escaped(&t, s);
	LAW(!t.is_full && t.len >= size);
	for (i = 0; i < t.len; i++)
		LAW(out[i] > ' ' && out[i] < 0x7f);
	text_init(&t, out, sizeof(out));
	text_json(&t, s);
	LAW(!t.is_full && t.len >= size);
	for (i = 0; i < t.len; i++)
		LAW(out[i] >= ' ' && out[i] < 0x7f &&
		    (out[i] != '"' || (i > 0 && out[i - 1] == '\\')));
	for (i = 0; i < size && is_target; i++)
		is_target = data[i] > ' ' && data[i] < 0x7f;
	if (is_target)
		check_literal(s);
	return 0;
}
