#ifndef DSP_PROFILEUNIT_H
#define DSP_PROFILEUNIT_H

/* What tests of profiles share: fragments to include, complaints, and a
 * profile made of a text. */

#include "unit.h"

#include "profile.h"

#define REPORTS_CAP 16

/* What profile_parse complained about. */
struct reports {
	size_t		 n;
	size_t		 line_no[REPORTS_CAP];
	struct span	 line[REPORTS_CAP];
	const char	*file[REPORTS_CAP];
	char		 what[REPORTS_CAP][256];
};

static inline void
take_report(void *arg, const char *file, size_t line_no, const char *what,
    struct span line)
{
	struct reports *r = arg;

	ck_assert(what != NULL && what[0] != '\0');
	if (r->n < REPORTS_CAP) {
		r->line_no[r->n] = line_no;
		r->line[r->n] = line;
		r->file[r->n] = file;
		(void)snprintf(r->what[r->n], sizeof(r->what[0]), "%s",
		    what);
	}
	r->n++;
}

/* Fragments, by name. */
static const struct {
	const char *name, *text;
} fragments[] = {
	{ "classes", "# no rule\ndefine ID [0-9a-f]+\ndefine V (v1\\.\\d+/)?\n" },
	{ "ping", "include classes\n\nGET /{V}_ping\nHEAD /{V}_ping\n" },
	{ "more", "include classes\ninclude ping\nGET /more\n" },
	{ "self", "GET /self\ninclude self\n" },
	{ "round", "include about\n" },
	{ "about", "include round\n" },
	{ "wrong", "GET /good\nGET /(\n" },
	{ "again", "define ID x\n" },
};

static inline bool
fetch(void *arg, struct span name, const char **file, struct span *text)
{
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++)
		if (span_eq(name, span_of(fragments[i].name))) {
			*file = fragments[i].name;
			*text = span_of(fragments[i].text);
			return true;
		}
	if (span_starts_nocase(name, SPAN("n"))) {
		*file = name.p;
		*text = SPAN("# empty\n");
		return true;
	}
	return false;
}

static char kept[65536];
static size_t kept_len;

static inline const char *
keep(void *arg, struct span s)
{
	char *p;

	(void)arg;
	if (s.len > sizeof(kept) - kept_len)
		return NULL;
	p = memcpy(kept + kept_len, s.p, s.len);
	kept_len += s.len;
	return p;
}

static inline bool
parse(struct profile *p, struct rule *rules, size_t cap, struct span text,
    struct reports *r)
{
	const struct profile_reader reader = { r, take_report, fetch, keep };

	kept_len = 0;
	memset(p, 0, sizeof(*p));
	memset(r, 0, sizeof(*r));
	p->rules = rules;
	p->rules_cap = cap;
	(void)snprintf(p->name, sizeof(p->name), "test");
	return profile_parse(p, text, &reader);
}

#endif /* DSP_PROFILEUNIT_H */
