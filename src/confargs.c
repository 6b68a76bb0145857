/*
 * Values from the command line and from the environment.  getopt_long(3) is
 * not used: it takes abbreviations, cannot take two arguments for an option,
 * and keeps a state that a reload would have to reset.
 */
#include "config.h"

#include "confargs.h"

#include <ctype.h>
#include <string.h>

#include "confopt.h"

#define ENV_PREFIX "DSP_"

/* A place on the command line. */
struct args {
	char *const	*next;	/* ends with NULL */
};

/* The next argument, or NULL after saying that opt needs one. */
static const char *
take(struct confwork *w, struct args *args, const char *flag,
    const char *what)
{
	if (*args->next == NULL) {
		confwork_mistake(w, "%s: needs an argument: %s", flag, what);
		return NULL;
	}
	return *args->next++;
}

/* An argument that may be left out: what begins with a dash is an option, but
 * for the dash alone. */
static const char *
take_optional(struct args *args)
{
	const char *word = *args->next;

	if (word == NULL || (word[0] == '-' && word[1] != '\0'))
		return "-";
	args->next++;
	return word;
}

/* Add opt, written as flag; value is what came with it in one word, or
 * NULL. */
static void
add_flag(struct confwork *w, const struct confopt *opt, const char *flag,
    const char *value, struct args *args)
{
	struct confopt_value *v;
	const char *text2 = NULL;

	if (opt->argument == NULL) {
		(void)confwork_add(w, opt, CONFOPT_FLAG, "yes", flag);
		return;
	}
	if (value == NULL)
		value = opt->argument[0] == '[' ? take_optional(args) :
		    take(w, args, flag, opt->argument);
	if (value == NULL)
		return;
	if (strchr(opt->argument, ' ') != NULL) {
		text2 = take(w, args, flag, opt->argument);
		if (text2 == NULL)
			return;
	}
	v = confwork_add(w, opt, CONFOPT_FLAG, value,
	    confwork_format(w, "%s %s", flag, value));
	if (v != NULL)
		v->text2 = text2;
}

/* What follows an unknown flag is most likely its argument: one mistake
 * should not be told as two. */
static void
skip_argument(struct args *args)
{
	if (*args->next != NULL && **args->next != '-')
		args->next++;
}

static void
unknown_flag(struct confwork *w, struct span name)
{
	struct confwork_near near = { .word = name };
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		confwork_try(&near, o->name);
	confwork_mistake(w, "unknown option --%.*s: %s", (int)name.len, name.p,
	    confwork_hint(w, &near, "--"));
}

/* word: what follows the two dashes. */
static void
long_flag(struct confwork *w, const char *word, struct args *args)
{
	const struct confopt *opt;
	struct span name = { word, strcspn(word, "=") };
	const char *flag;

	opt = confopt_by_name(name);
	if (opt == NULL) {
		unknown_flag(w, name);
		if (word[name.len] == '\0')
			skip_argument(args);
		return;
	}
	flag = confwork_format(w, "--%s", opt->name);
	if (word[name.len] == '\0')
		add_flag(w, opt, flag, NULL, args);
	else if (opt->argument == NULL)
		confwork_mistake(w, "%s: takes no value", flag);
	else
		add_flag(w, opt, flag, word + name.len + 1, args);
}

/* letters: what follows the dash; the last may have its argument behind
 * it. */
static void
short_flags(struct confwork *w, const char *letters, struct args *args)
{
	const struct confopt *opt;
	const char *flag, *rest;

	while (*letters != '\0') {
		opt = confopt_by_letter(*letters);
		if (opt == NULL) {
			confwork_mistake(w, "unknown option -%c: --help lists "
			    "all", *letters);
			skip_argument(args);
			return;
		}
		flag = confwork_format(w, "-%c", opt->letter);
		rest = letters + 1;
		if (opt->argument != NULL) {
			add_flag(w, opt, flag, *rest == '\0' ? NULL : rest,
			    args);
			return;
		}
		add_flag(w, opt, flag, NULL, args);
		letters = rest;
	}
}

void
confargs_flags(struct confwork *w, int argc, char *const argv[])
{
	struct args args = { argc > 0 ? argv + 1 : argv };
	const char *word;

	while (*args.next != NULL) {
		word = *args.next++;
		if (strcmp(word, "--") == 0)
			break;
		if (strncmp(word, "--", 2) == 0)
			long_flag(w, word + 2, &args);
		else if (word[0] == '-' && word[1] != '\0')
			short_flags(w, word + 1, &args);
		else
			confwork_mistake(w, "unexpected argument %s: options "
			    "start with a dash", word);
	}
	for (; *args.next != NULL; args.next++)
		confwork_mistake(w, "unexpected argument %s: nothing may "
		    "follow the options", *args.next);
}

static const char *
variable_name(struct confwork *w, const struct confopt *opt)
{
	char *name;
	size_t i, len = strlen(opt->name);

	name = confwork_alloc(w, sizeof(ENV_PREFIX) + len);
	memcpy(name, ENV_PREFIX, sizeof(ENV_PREFIX));
	for (i = 0; i < len; i++)
		name[sizeof(ENV_PREFIX) - 1 + i] = opt->name[i] == '-' ? '_' :
		    (char)toupper((unsigned char)opt->name[i]);
	return name;
}

/* A list holds its values between blanks. */
static void
add_list(struct confwork *w, const struct confopt *opt, const char *name,
    const char *text)
{
	static const char blanks[] = " \t\r\n\v\f";
	const char *word;
	size_t len, n = 0;

	for (;; text += len) {
		text += strspn(text, blanks);
		len = strcspn(text, blanks);
		if (len == 0)
			break;
		word = confwork_string(w, text, len);
		(void)confwork_add(w, opt, CONFOPT_ENV, word,
		    confwork_format(w, "%s=%s", name, word));
		n++;
	}
	if (n == 0)
		confwork_mistake(w, "%s=: the value is empty", name);
}

static void
unknown_variable(struct confwork *w, struct span name)
{
	struct confwork_near near = { .word = name };
	const struct confopt *o;

	for (o = confopt_table; o->name != NULL; o++)
		if ((o->places & CONFOPT_IN_ENV) != 0)
			confwork_try(&near, variable_name(w, o));
	confwork_mistake(w, "unknown variable %.*s: %s", (int)name.len, name.p,
	    confwork_hint(w, &near, ""));
}

/* One variable whose name starts with our prefix. */
static void
own_variable(struct confwork *w, struct span name, const char *text)
{
	const struct confopt *o;
	const char *known;

	for (o = confopt_table; o->name != NULL; o++) {
		known = variable_name(w, o);
		if (!span_eq(span_of(known), name))
			continue;
		if ((o->places & CONFOPT_IN_ENV) == 0)
			confwork_mistake(w, "%s: only a flag can say this: "
			    "--%s", known, o->name);
		else if (o->is_list)
			add_list(w, o, known, text);
		else
			(void)confwork_add(w, o, CONFOPT_ENV, text,
			    confwork_format(w, "%s=%s", known, text));
		return;
	}
	unknown_variable(w, name);
}

/* One variable of another name: ours only if the table says so.  Empty is
 * not set, as it was in the programs that the names come from. */
static void
other_variable(struct confwork *w, struct span name, const char *text)
{
	const struct confopt *o;

	for (o = confopt_table; text[0] != '\0' && o->name != NULL; o++)
		if (o->inherited != NULL &&
		    span_eq(span_of(o->inherited), name))
			(void)confwork_add(w, o, CONFOPT_INHERITED, text,
			    confwork_format(w, "%s=%s", o->inherited, text));
}

void
confargs_environment(struct confwork *w, char *const envp[])
{
	struct span name;

	for (; *envp != NULL; envp++) {
		name = (struct span){ *envp, strcspn(*envp, "=") };
		if (name.p[name.len] == '\0')
			continue; /* not a variable */
		if (strncmp(*envp, ENV_PREFIX, sizeof(ENV_PREFIX) - 1) == 0)
			own_variable(w, name, name.p + name.len + 1);
		else
			other_variable(w, name, name.p + name.len + 1);
	}
}
