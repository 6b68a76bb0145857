/*
 * The endpoints of the Docker Engine API from 1.24 on, and of Podman's own
 * beside it.
 */

#include "config.h"

#include "route.h"

/* Of two that match the same path the one with more segments comes first. */
const struct route route_table[] = {
	{ "GET", "/_ping", ROUTE_HARMLESS, false },
	{ "HEAD", "/_ping", ROUTE_HARMLESS, false },
	{ "GET", "/version", ROUTE_HARMLESS, false },
	{ "GET", "/info", ROUTE_HARMLESS, false },
	{ "GET", "/events", ROUTE_STREAMS, false },
	{ "GET", "/system/df", ROUTE_HARMLESS, false },
	{ "POST", "/auth", ROUTE_HARMLESS, true },
	{ "GET", "/containers/{id}/attach/ws", ROUTE_WRITES, false },
	{ "DELETE", "/containers/{id}/checkpoints/{checkpoint}", ROUTE_DISRUPTS,
	    false },
	{ "GET", "/containers/{id}/archive", ROUTE_READS, false },
	{ "HEAD", "/containers/{id}/archive", ROUTE_HARMLESS, false },
	{ "PUT", "/containers/{id}/archive", ROUTE_WRITES, false },
	{ "POST", "/containers/{id}/attach", ROUTE_WRITES, false },
	{ "GET", "/containers/{id}/changes", ROUTE_HARMLESS, false },
	{ "GET", "/containers/{id}/checkpoints", ROUTE_HARMLESS, false },
	{ "POST", "/containers/{id}/checkpoints", ROUTE_WRITES, false },
	{ "POST", "/containers/{id}/copy", ROUTE_READS, false },
	{ "POST", "/containers/{id}/exec", ROUTE_ROOT, false },
	{ "GET", "/containers/{id}/export", ROUTE_READS, false },
	{ "GET", "/containers/{id}/json", ROUTE_READS, false },
	{ "POST", "/containers/{id}/kill", ROUTE_DISRUPTS, false },
	{ "GET", "/containers/{id}/logs", ROUTE_STREAMS, false },
	{ "POST", "/containers/{id}/pause", ROUTE_DISRUPTS, false },
	{ "POST", "/containers/{id}/rename", ROUTE_DISRUPTS, false },
	{ "POST", "/containers/{id}/resize", ROUTE_HARMLESS, false },
	{ "POST", "/containers/{id}/restart", ROUTE_DISRUPTS, false },
	{ "POST", "/containers/{id}/start", ROUTE_DISRUPTS, false },
	{ "GET", "/containers/{id}/stats", ROUTE_STREAMS, false },
	{ "POST", "/containers/{id}/stop", ROUTE_DISRUPTS, false },
	{ "GET", "/containers/{id}/top", ROUTE_READS, false },
	{ "POST", "/containers/{id}/unpause", ROUTE_DISRUPTS, false },
	{ "POST", "/containers/{id}/update", ROUTE_DISRUPTS, false },
	{ "POST", "/containers/{id}/wait", ROUTE_HARMLESS, false },
	{ "POST", "/containers/create", ROUTE_ROOT, false },
	{ "GET", "/containers/json", ROUTE_HARMLESS, false },
	{ "POST", "/containers/prune", ROUTE_DISRUPTS, false },
	{ "DELETE", "/containers/{id}", ROUTE_DISRUPTS, false },
	{ "GET", "/exec/{id}/json", ROUTE_READS, false },
	{ "POST", "/exec/{id}/resize", ROUTE_HARMLESS, false },
	{ "POST", "/exec/{id}/start", ROUTE_ROOT, false },
	{ "GET", "/images/{name}/attestations", ROUTE_HARMLESS, false },
	{ "GET", "/images/{name}/get", ROUTE_READS, false },
	{ "GET", "/images/{name}/history", ROUTE_HARMLESS, false },
	{ "GET", "/images/{name}/json", ROUTE_HARMLESS, false },
	{ "POST", "/images/{name}/push", ROUTE_READS, true },
	{ "POST", "/images/{name}/tag", ROUTE_DISRUPTS, false },
	{ "POST", "/images/create", ROUTE_DISRUPTS, true },
	{ "GET", "/images/get", ROUTE_READS, false },
	{ "GET", "/images/json", ROUTE_HARMLESS, false },
	{ "POST", "/images/load", ROUTE_DISRUPTS, false },
	{ "POST", "/images/prune", ROUTE_DISRUPTS, false },
	{ "GET", "/images/search", ROUTE_HARMLESS, true },
	{ "DELETE", "/images/{name}", ROUTE_DISRUPTS, false },
	{ "POST", "/build/cancel", ROUTE_DISRUPTS, false },
	{ "POST", "/build/prune", ROUTE_DISRUPTS, false },
	{ "POST", "/build", ROUTE_ROOT, true },
	{ "POST", "/commit", ROUTE_DISRUPTS, false },
	{ "POST", "/session", ROUTE_ROOT, false },
	{ "POST", "/grpc", ROUTE_ROOT, false },
	{ "GET", "/distribution/{name}/json", ROUTE_HARMLESS, true },
	{ "POST", "/volumes/create", ROUTE_ROOT, false },
	{ "POST", "/volumes/prune", ROUTE_DISRUPTS, false },
	{ "DELETE", "/volumes/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/volumes/{name}", ROUTE_HARMLESS, false },
	{ "PUT", "/volumes/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/volumes", ROUTE_HARMLESS, false },
	{ "POST", "/networks/{id}/connect", ROUTE_DISRUPTS, false },
	{ "POST", "/networks/{id}/disconnect", ROUTE_DISRUPTS, false },
	{ "POST", "/networks/create", ROUTE_WRITES, false },
	{ "POST", "/networks/prune", ROUTE_DISRUPTS, false },
	{ "DELETE", "/networks/{id}", ROUTE_DISRUPTS, false },
	{ "GET", "/networks/{id}", ROUTE_HARMLESS, false },
	{ "GET", "/networks", ROUTE_HARMLESS, false },
	{ "POST", "/plugins/{name}/disable", ROUTE_DISRUPTS, false },
	{ "POST", "/plugins/{name}/enable", ROUTE_ROOT, false },
	{ "GET", "/plugins/{name}/json", ROUTE_HARMLESS, false },
	{ "POST", "/plugins/{name}/push", ROUTE_READS, true },
	{ "POST", "/plugins/{name}/set", ROUTE_ROOT, false },
	{ "POST", "/plugins/{name}/upgrade", ROUTE_ROOT, true },
	{ "POST", "/plugins/create", ROUTE_ROOT, false },
	{ "GET", "/plugins/privileges", ROUTE_HARMLESS, true },
	{ "POST", "/plugins/pull", ROUTE_ROOT, true },
	{ "DELETE", "/plugins/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/plugins", ROUTE_HARMLESS, false },
	{ "POST", "/swarm/init", ROUTE_WRITES, false },
	{ "POST", "/swarm/join", ROUTE_ROOT, true },
	{ "POST", "/swarm/leave", ROUTE_DISRUPTS, false },
	{ "POST", "/swarm/unlock", ROUTE_DISRUPTS, false },
	{ "GET", "/swarm/unlockkey", ROUTE_READS, false },
	{ "POST", "/swarm/update", ROUTE_DISRUPTS, false },
	{ "GET", "/swarm", ROUTE_READS, false },
	{ "POST", "/nodes/{id}/update", ROUTE_DISRUPTS, false },
	{ "DELETE", "/nodes/{id}", ROUTE_DISRUPTS, false },
	{ "GET", "/nodes/{id}", ROUTE_HARMLESS, false },
	{ "GET", "/nodes", ROUTE_HARMLESS, false },
	{ "GET", "/services/{id}/logs", ROUTE_STREAMS, false },
	{ "POST", "/services/{id}/update", ROUTE_ROOT, false },
	{ "POST", "/services/create", ROUTE_ROOT, false },
	{ "DELETE", "/services/{id}", ROUTE_DISRUPTS, false },
	{ "GET", "/services/{id}", ROUTE_READS, false },
	{ "GET", "/services", ROUTE_READS, false },
	{ "GET", "/tasks/{id}/logs", ROUTE_STREAMS, false },
	{ "GET", "/tasks/{id}", ROUTE_READS, false },
	{ "GET", "/tasks", ROUTE_READS, false },
	{ "POST", "/secrets/{id}/update", ROUTE_DISRUPTS, false },
	{ "POST", "/secrets/create", ROUTE_DISRUPTS, false },
	{ "DELETE", "/secrets/{id}", ROUTE_DISRUPTS, false },
	{ "GET", "/secrets/{id}", ROUTE_HARMLESS, false },
	{ "GET", "/secrets", ROUTE_HARMLESS, false },
	{ "POST", "/configs/{id}/update", ROUTE_DISRUPTS, false },
	{ "POST", "/configs/create", ROUTE_DISRUPTS, false },
	{ "DELETE", "/configs/{id}", ROUTE_DISRUPTS, false },
	{ "GET", "/configs/{id}", ROUTE_READS, false },
	{ "GET", "/configs", ROUTE_READS, false },
	{ "GET", "/debug/{name}", ROUTE_READS, false },
	{ "GET", "/libpod/_ping", ROUTE_HARMLESS, false },
	{ "HEAD", "/libpod/_ping", ROUTE_HARMLESS, false },
	{ "DELETE", "/libpod/artifacts/{name}", ROUTE_DISRUPTS, true },
	{ "GET", "/libpod/artifacts/{name}", ROUTE_DISRUPTS, true },
	{ "POST", "/libpod/artifacts/{name}", ROUTE_DISRUPTS, true },
	{ "POST", "/libpod/build", ROUTE_ROOT, true },
	{ "POST", "/libpod/commit", ROUTE_ROOT, true },
	{ "GET", "/libpod/containers/{id}/archive", ROUTE_READS, false },
	{ "PUT", "/libpod/containers/{id}/archive", ROUTE_WRITES, false },
	{ "POST", "/libpod/containers/{id}/attach", ROUTE_ROOT, false },
	{ "POST", "/libpod/containers/{id}/checkpoint", ROUTE_WRITES, false },
	{ "POST", "/libpod/containers/{id}/exec", ROUTE_ROOT, false },
	{ "GET", "/libpod/containers/{id}/export", ROUTE_READS, false },
	{ "GET", "/libpod/containers/{id}/logs", ROUTE_STREAMS, false },
	{ "POST", "/libpod/containers/{id}/restore", ROUTE_WRITES, false },
	{ "GET", "/libpod/containers/{id}/stats", ROUTE_STREAMS, false },
	{ "POST", "/libpod/containers/create", ROUTE_ROOT, false },
	{ "GET", "/libpod/containers/stats", ROUTE_STREAMS, false },
	{ "DELETE", "/libpod/containers/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/containers/{name}", ROUTE_READS, false },
	{ "POST", "/libpod/containers/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/events", ROUTE_STREAMS, false },
	{ "POST", "/libpod/exec/{id}/start", ROUTE_ROOT, false },
	{ "GET", "/libpod/exec/{name}", ROUTE_READS, false },
	{ "POST", "/libpod/exec/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/generate/{name}", ROUTE_READS, false },
	{ "GET", "/libpod/images/{name}/get", ROUTE_READS, false },
	{ "GET", "/libpod/images/export", ROUTE_READS, false },
	{ "GET", "/libpod/images/search", ROUTE_HARMLESS, true },
	{ "DELETE", "/libpod/images/{name}", ROUTE_DISRUPTS, true },
	{ "GET", "/libpod/images/{name}", ROUTE_HARMLESS, false },
	{ "POST", "/libpod/images/{name}", ROUTE_DISRUPTS, true },
	{ "GET", "/libpod/info", ROUTE_HARMLESS, false },
	{ "DELETE", "/libpod/kube/{name}", ROUTE_ROOT, false },
	{ "POST", "/libpod/kube/{name}", ROUTE_ROOT, false },
	{ "POST", "/libpod/local/{name}", ROUTE_ROOT, true },
	{ "DELETE", "/libpod/manifests/{name}", ROUTE_DISRUPTS, true },
	{ "GET", "/libpod/manifests/{name}", ROUTE_DISRUPTS, true },
	{ "POST", "/libpod/manifests/{name}", ROUTE_DISRUPTS, true },
	{ "DELETE", "/libpod/networks/{name}", ROUTE_WRITES, false },
	{ "GET", "/libpod/networks/{name}", ROUTE_HARMLESS, false },
	{ "POST", "/libpod/networks/{name}", ROUTE_WRITES, false },
	{ "DELETE", "/libpod/play/kube", ROUTE_ROOT, false },
	{ "POST", "/libpod/play/kube", ROUTE_ROOT, false },
	{ "POST", "/libpod/pods/create", ROUTE_ROOT, false },
	{ "DELETE", "/libpod/pods/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/pods/{name}", ROUTE_HARMLESS, false },
	{ "POST", "/libpod/pods/{name}", ROUTE_DISRUPTS, false },
	{ "DELETE", "/libpod/quadlets/{name}", ROUTE_ROOT, false },
	{ "GET", "/libpod/quadlets/{name}", ROUTE_ROOT, false },
	{ "POST", "/libpod/quadlets/{name}", ROUTE_ROOT, false },
	{ "DELETE", "/libpod/quadlets", ROUTE_ROOT, false },
	{ "GET", "/libpod/quadlets", ROUTE_ROOT, false },
	{ "POST", "/libpod/quadlets", ROUTE_ROOT, false },
	{ "DELETE", "/libpod/secrets/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/secrets/{name}", ROUTE_READS, false },
	{ "POST", "/libpod/secrets/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/system/df", ROUTE_HARMLESS, false },
	{ "POST", "/libpod/system/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/version", ROUTE_HARMLESS, false },
	{ "GET", "/libpod/volumes/{name}/export", ROUTE_READS, false },
	{ "POST", "/libpod/volumes/{name}/import", ROUTE_ROOT, false },
	{ "POST", "/libpod/volumes/create", ROUTE_ROOT, false },
	{ "DELETE", "/libpod/volumes/{name}", ROUTE_DISRUPTS, false },
	{ "GET", "/libpod/volumes/{name}", ROUTE_HARMLESS, false },
	{ "POST", "/libpod/volumes/{name}", ROUTE_DISRUPTS, false },
};

const size_t route_count = sizeof(route_table) / sizeof(route_table[0]);

/* What dockerd takes for a slash, at i of s: its length, or 0. */
static size_t
slash_at(struct span s, size_t i)
{
	if (s.p[i] == '/')
		return 1;
	return s.len - i >= 3 && s.p[i] == '%' && s.p[i + 1] == '2' &&
	    (s.p[i + 2] == 'F' || s.p[i + 2] == 'f') ? 3 : 0;
}

/* Whether the path matches the pattern, in which a name in braces stands for
 * one byte or more. */
static bool
is_like(struct span path, const char *pattern)
{
	const char *behind;
	size_t i, n;

	for (i = 0; *pattern != '\0' && *pattern != '{'; pattern++) {
		if (i == path.len)
			return false;
		n = *pattern == '/' ? slash_at(path, i) :
		    path.p[i] == *pattern;
		if (n == 0)
			return false;
		i += n;
	}
	if (*pattern == '\0')
		return i == path.len;
	behind = strchr(pattern, '}') + 1;
	for (n = i + 1; n <= path.len; n++)
		if (is_like((struct span){ path.p + n, path.len - n }, behind))
			return true;
	return false;
}

/* The path without the version in front: Podman's has three numbers. */
static struct span
without_version(const struct target *t)
{
	struct span path = t->path;

	if (path.len < 3 || path.p[1] != 'v' || !span_is_digit(path.p[2]))
		return path;
	do {
		path.p++;
		path.len--;
	} while (path.len > 0 && path.p[0] != '/');
	return path;
}

const struct route *
route_find(struct span method, const struct target *t)
{
	struct span path = without_version(t);
	size_t i;

	for (i = 0; i < route_count; i++)
		if (span_eq(method, span_of(route_table[i].method)) &&
		    is_like(path, route_table[i].path))
			return &route_table[i];
	return NULL;
}

const char *
route_risk_word(enum route_risk risk)
{
	static const char *const words[] = {
		[ROUTE_HARMLESS] = "harmless",
		[ROUTE_STREAMS] = "streams-data",
		[ROUTE_READS] = "reads-secrets",
		[ROUTE_DISRUPTS] = "disrupts",
		[ROUTE_WRITES] = "writes-host",
		[ROUTE_ROOT] = "host-root",
	};

	return words[risk];
}
