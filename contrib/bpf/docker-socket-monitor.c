/*
 * Tells who connects to the Docker socket besides docker-socket-protector, or
 * keeps them from it: the options, and the loop.
 */

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "hook.h"

#define DOCKER_SOCKET	"/var/run/docker.sock"

static volatile sig_atomic_t is_stopped;

static const struct option options[] = {
	{ "all", no_argument, NULL, 'A' },
	{ "allow", required_argument, NULL, 'a' },
	{ "cgroup", required_argument, NULL, 'c' },
	{ "docker-socket", required_argument, NULL, 's' },
	{ "enforce", no_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ "hook", required_argument, NULL, 'k' },
	{ NULL, 0, NULL, 0 },
};

static void
on_signal(int number)
{
	(void)number;
	is_stopped = 1;
}

static void
usage(void)
{
	printf("usage: docker-socket-monitor [OPTION...]\n\n"
	    "Tell who connects to the Docker socket, one line each.  Root.\n\n"
	    "    -s, --docker-socket PATH  the socket (%s)\n"
	    "    -a, --allow exe:PATH|uid:NAME|pid:N\n"
	    "                              who may, and is not told of;\n"
	    "                              repeatable; else it is\n"
	    "                              exe:%s\n"
	    "    -A, --all                 tell of them, too\n"
	    "    -e, --enforce             keep all others from it: EPERM\n"
	    "    -c, --cgroup DIR          those in this control group of\n"
	    "                              version 2, where only hook cgroup\n"
	    "                              can be had\n"
	    "    -k, --hook NAME           this hook, or none\n"
	    "    -h, --help                this text\n\n"
	    "Of these hooks the first that works here is taken (lsm, fentry,\n"
	    "tracepoint; with --enforce lsm, cgroup):\n\n",
	    DOCKER_SOCKET, PROGRAM_PATH);
	hook_help();
}

__attribute__((noreturn)) static void
wrong(const char *what, const char *value)
{
	hook_say("%s: %s", what, value);
	exit(2);
}

static __u64
number_of(const char *text)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number > UINT32_MAX)
		wrong("not a number, or no such user", text);
	return number;
}

static void
add_allowed(struct watch *watch, const char *text)
{
	struct monitor_who *who = &watch->allow[watch->allow_len];
	const struct passwd *user;

	if (watch->allow_len == HOOK_ALLOW_CAP)
		wrong("too many --allow", text);
	if (strncmp(text, "exe:/", 5) == 0) {
		who->kind = MONITOR_EXE;
		watch->exe[watch->allow_len] = text + 4;
		if (event_inode(text + 4, &who->is) == -1)
			hook_say("%s is not there yet", text + 4);
	} else if (strncmp(text, "uid:", 4) == 0) {
		who->kind = MONITOR_UID;
		user = getpwnam(text + 4);
		who->is.ino = user != NULL ? user->pw_uid
					   : number_of(text + 4);
	} else if (strncmp(text, "pid:", 4) == 0) {
		who->kind = MONITOR_PID;
		who->is.ino = number_of(text + 4);
	} else {
		wrong("--allow takes exe:/PATH, uid:NAME or pid:N", text);
	}
	watch->allow_len++;
}

static void
read_options(struct watch *watch, int argc, char **argv)
{
	int c;

	watch->docker = DOCKER_SOCKET;
	while ((c = getopt_long(argc, argv, "Aa:c:s:ehk:", options,
	    NULL)) != -1)
		switch (c) {
		case 'A':
			watch->shows_all = true;
			break;
		case 'a':
			add_allowed(watch, optarg);
			break;
		case 'c':
			watch->cgroup = optarg;
			break;
		case 's':
			watch->docker = optarg;
			break;
		case 'e':
			watch->is_enforcing = true;
			break;
		case 'k':
			watch->wanted = optarg;
			break;
		case 'h':
			usage();
			exit(0);
		default:
			exit(2);
		}
	if (optind < argc)
		wrong("one word too many", argv[optind]);
	if (watch->allow_len == 0)
		add_allowed(watch, "exe:" PROGRAM_PATH);
}

int
main(int argc, char **argv)
{
	static struct watch watch;
	struct sigaction stop = { .sa_handler = on_signal };

	read_options(&watch, argc, argv);
	if (sigaction(SIGINT, &stop, NULL) == -1 ||
	    sigaction(SIGTERM, &stop, NULL) == -1)
		wrong("sigaction", strerror(errno));
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (hook_choose(&watch) == -1) {
		hook_say("no hook can do that here");
		return 1;
	}
	while (!is_stopped && !ferror(stdout))
		if (hook_poll(&watch) == -1 && errno != EINTR) {
			hook_say("cannot read events: %s", strerror(errno));
			break;
		}
	hook_free(&watch);
	return is_stopped ? 0 : 1;
}
