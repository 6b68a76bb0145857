/* Configuration files: each gives a configuration that holds together, or is
 * told what is wrong with it, in lines without control bytes. */

#include "config.h"

#include "fuzz.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"
#include "confprint.h"
#include "span.h"

static const char rule[] = "GET /_ping\n";
static char config[64], profile[64];
static int config_fd = -1;
static size_t nreports;

/* Nobody is asked for names. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	(void)service;
	(void)hints;
	(void)out;
	LAW(node != NULL && strlen(node) <= BOUNDS_HOST_NAME_CAP);
	return EAI_NONAME;
}

static void
check_report(const char *message)
{
	size_t i;

	nreports++;
	LAW(message[0] != '\0' && strlen(message) < BOUNDS_LOG_LINE_CAP);
	for (i = 0; message[i] != '\0'; i++)
		LAW((unsigned char)message[i] >= ' ' && message[i] != 0x7f);
}

/* Two files without a name, and a summary that nobody reads. */
static void
set_up(void)
{
	int fd;

	config_fd = memfd_create("config", MFD_CLOEXEC);
	fd = memfd_create("profile", MFD_CLOEXEC);
	LAW(config_fd != -1 && write(fd, rule, sizeof(rule) - 1) > 0);
	(void)snprintf(config, sizeof(config), "--config=/proc/self/fd/%d",
	    config_fd);
	(void)snprintf(profile, sizeof(profile), "--profile=/proc/self/fd/%d",
	    fd);
	LAW(freopen("/dev/null", "w", stdout) != NULL);
}

static void
check_listener(const struct conf_listen *l)
{
	LAW(l->text != NULL && l->profile != NULL && l->profile->nrules > 0);
	if (l->kind == CONF_TCP)
		LAW(l->host != NULL && l->port != NULL &&
		    strspn(l->port, "0123456789") == strlen(l->port));
	else
		LAW(l->path != NULL && l->path[0] != '\0');
	LAW((l->mode & ~(mode_t)0777) == 0);
}

static void
check_client(const struct conf *c, const struct conf_client *client)
{
	LAW(client->text != NULL && client->profile != NULL);
	LAW(client->nentries > 0 || client->host != NULL);
	LAW(client->nentries == 0 || client->is_user ==
	    (client->entries[0].kind != ALLOW_NET));
	LAW(client->pool[0] == 0 || (client->pool[0] >= c->nlisten &&
	    client->pool[0] < c->npools));
}

static void
check_conf(const struct conf *c)
{
	size_t i;

	LAW(c->mode == CONF_RUN && c->nlisten > 0 &&
	    c->nlisten <= BOUNDS_LISTEN_CAP);
	LAW(c->workers > 0 && c->max_workers <= BOUNDS_WORKERS_CAP &&
	    c->workers * c->nlisten <= c->max_workers);
	LAW(c->head_timeout_ms > 0 && c->idle_timeout_ms > 0 &&
	    c->stop_timeout_ms >= 0 && c->min_api < 1000);
	LAW(c->docker_socket != NULL && c->docker_socket[0] != '\0');
	LAW(c->npools >= c->nlisten && c->npools <= BOUNDS_POOL_CAP &&
	    c->nclients <= BOUNDS_CLIENT_CAP);
	for (i = 0; i < c->npools; i++) {
		check_listener(&c->listen[i]);
		LAW(c->listen[i].door < c->nlisten);
		LAW(c->listen[i].is_door == (i < c->nlisten &&
		    c->listen[i].others >= c->nlisten));
	}
	for (i = 0; i < c->nclients; i++)
		check_client(c, &c->clients[i]);
	confprint_summary(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = { (const char *)data, size };
	char name[] = "fuzz", *argv[] = { name, config, profile, NULL };
	char *envp[] = { NULL };
	struct conf *c, *again;
	size_t n;

	if (config_fd == -1)
		set_up();
	/* Profiles can be files that never end; long files only take long. */
	if (size > 16384 || span_has(s, SPAN("/dev")) ||
	    span_has(s, SPAN("/proc")) || span_has(s, SPAN("/sys")))
		return 0;
	LAW(ftruncate(config_fd, 0) == 0 &&
	    pwrite(config_fd, data, size, 0) == (ssize_t)size);
	nreports = 0;
	c = conf_load(3, argv, envp, check_report);
	LAW((c == NULL) == (nreports > 0));
	if (c != NULL)
		check_conf(c);
	/* A reload of the same file says the same. */
	n = nreports;
	again = conf_load(3, argv, envp, check_report);
	LAW((again == NULL) == (c == NULL) && nreports == 2 * n);
	conf_free(again);
	conf_free(c);
	return 0;
}
