/*
 * The order of steps at start-up, and the exit codes: 0 clean end, 1
 * failure or a denial by --explain, 2 wrong usage, configuration or profile.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "confprint.h"
#include "health.h"
#include "inherit.h"
#include "learn.h"
#include "log.h"
#include "master.h"
#include "status.h"

static void
report(const char *message)
{
	log_error("%s", message);
}

/* A socket that got number 0, 1 or 2 would be written to by mistake. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			_exit(EXIT_FAILURE); /* there may be no log */
	} while (fd <= STDERR_FILENO);
	(void)close(fd); /* the first beyond the three */
}

/* What was printed must have arrived, or scripts would go by nothing. */
static int
printed(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("cannot write to standard output");
		return EXIT_FAILURE;
	}
	return code;
}

int
main(int argc, char *argv[])
{
	struct conf *conf;
	int code = EXIT_SUCCESS;

	fill_standard_descriptors();
	inherit_read();
	conf = conf_load(argc, argv, environ, report);
	if (conf == NULL)
		return 2;
	switch (conf->mode) {
	case CONF_RUN:
		return master_run(conf, argc, argv, environ);
	case CONF_TEST:
		confprint_summary(conf);
		break;
	case CONF_EXPLAIN:
		code = confprint_explain(conf);
		break;
	case CONF_LEARN:
		code = learn_run(conf);
		break;
	case CONF_STATUS:
		code = status_ask(conf);
		break;
	case CONF_HEALTHCHECK:
		code = health_check(conf);
		break;
	case CONF_VERSION:
		confprint_version();
		break;
	case CONF_HELP:
		confprint_usage();
		break;
	}
	conf_free(conf);
	return printed(code);
}
