/*
 * Who a process is and what it may do: users, groups, capabilities, the
 * parent-death signal, resource limits.  The system call filter is not made
 * here.
 */
#include "config.h"

#include "privs.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "span.h"
#include "userns.h"

/* The user and group without rights, where no entry says otherwise. */
#define NOBODY		"nobody"
#define NOBODY_ID	65534

/* Digits of the largest id; (uid_t)-1 means "no change" to the kernel. */
#define ID_DIGITS	10
#define ID_MAX		4294967294U

/* What the gate holds besides one descriptor for each worker, and room for
 * workers that are just ending. */
#define OTHER_FILES	32

#define HOPELESS	2	/* exit code: no other try would do better */

/* All capabilities, as bits. */
struct caps {
	uint64_t	effective;
	uint64_t	permitted;
	uint64_t	inheritable;
};

static struct caps
caps_read(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	if (syscall(SYS_capget, &head, data) != 0)
		fatal(HOPELESS, "capget");
	return (struct caps){
		(uint64_t)data[1].effective << 32 | data[0].effective,
		(uint64_t)data[1].permitted << 32 | data[0].permitted,
		(uint64_t)data[1].inheritable << 32 | data[0].inheritable
	};
}

/* Keep at most those in keep; none are inheritable. */
static void
caps_keep(uint64_t keep)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct caps now = caps_read();

	/* Who starts us without any may also have taken the call away. */
	if (((now.permitted | now.effective) & ~keep) == 0 &&
	    now.inheritable == 0 && now.permitted == now.effective)
		return;
	memset(data, 0, sizeof(data));
	data[0].permitted = (uint32_t)(now.permitted & keep);
	data[1].permitted = (uint32_t)((now.permitted & keep) >> 32);
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	if (syscall(SYS_capset, &head, data) != 0)
		fatal(HOPELESS, "capset");
	now = caps_read();
	if ((now.permitted & ~keep) != 0 || (now.effective & ~keep) != 0)
		fatalx(HOPELESS, "capabilities could not be dropped");
}

static bool
caps_has(unsigned cap)
{
	return (caps_read().effective >> cap & 1) != 0;
}

void
privs_bound(void)
{
	unsigned long cap;
	int is_there;

	if (!caps_has(CAP_SETPCAP))
		return;
	for (cap = 0; (is_there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0;
	    cap++)
		if (is_there > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			fatal(HOPELESS, "prctl(PR_CAPBSET_DROP)");
}

#ifdef WITH_SANDBOX
static void
limit(int resource, const char *name, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(resource, &r) != 0)
		fatal(HOPELESS, "getrlimit(%s)", name);
	if (r.rlim_max > most)
		r.rlim_max = most;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(resource, &r) != 0)
		fatal(HOPELESS, "setrlimit(%s)", name);
}

static void
limit_resources(unsigned files)
{
	limit(RLIMIT_CORE, "RLIMIT_CORE", 0);
	limit(RLIMIT_NPROC, "RLIMIT_NPROC", 0);
	if (files > 0)
		limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", files);
}

bool
privs_has_limits(void)
{
	return true;
}
#else
/* Sanitizers need threads, files and memory that the limits take away. */
static void
limit_resources(unsigned files)
{
	(void)files; /* no limits at all */
}

bool
privs_has_limits(void)
{
	return false;
}
#endif

static void
no_way_back(pid_t parent, unsigned files)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		fatal(HOPELESS, "prctl(PR_SET_DUMPABLE)");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fatal(HOPELESS, "prctl(PR_SET_NO_NEW_PRIVS)");
	limit_resources(files);
	privs_follow_parent(parent);
}

static bool
parse_id(const char *text, uint32_t *id)
{
	uint64_t n;

	if (!span_number(span_of(text), ID_DIGITS, &n) || n > ID_MAX)
		return false;
	*id = (uint32_t)n;
	return true;
}

/* The entry of that name, or of that id when name is NULL. */
#ifdef WITH_STATIC
/* A static program that loads glibc's modules for other databases may crash:
 * the files alone are read. */
static const struct passwd *
find_user(const char *name, uid_t uid)
{
	const struct passwd *pw;
	FILE *f;

	f = fopen("/etc/passwd", "re");
	if (f == NULL)
		return NULL;
	do
		pw = fgetpwent(f);
	while (pw != NULL && (name != NULL ? strcmp(pw->pw_name, name) != 0 :
	    pw->pw_uid != uid));
	(void)fclose(f);
	return pw;
}

static const struct group *
find_group(const char *name)
{
	const struct group *gr;
	FILE *f;

	f = fopen("/etc/group", "re");
	if (f == NULL)
		return NULL;
	do
		gr = fgetgrent(f);
	while (gr != NULL && strcmp(gr->gr_name, name) != 0);
	(void)fclose(f);
	return gr;
}
#else
static const struct passwd *
find_user(const char *name, uid_t uid)
{
	return name != NULL ? getpwnam(name) : getpwuid(uid);
}

static const struct group *
find_group(const char *name)
{
	return getgrnam(name);
}
#endif

bool
privs_user(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = find_user(name, 0);
	uint32_t id;

	if (pw == NULL && parse_id(name, &id)) {
		pw = find_user(NULL, id);
		*uid = id;
		*gid = pw == NULL ? NOBODY_ID : pw->pw_gid;
		return true;
	}
	if (pw == NULL)
		return false;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

bool
privs_group(const char *name, gid_t *gid)
{
	const struct group *gr = find_group(name);
	uint32_t id;

	if (gr != NULL)
		*gid = gr->gr_gid;
	else if (parse_id(name, &id))
		*gid = id;
	else
		return false;
	return true;
}

/* What was asked for; nobody where nothing was. */
static bool
look_up(const char *user, const char *group, struct privs_identity *out)
{
	out->uid = geteuid();
	out->gid = getegid();
	if (user != NULL && !privs_user(user, &out->uid, &out->gid)) {
		log_error("--user %s: no such user", user);
		return false;
	}
	if (user == NULL && geteuid() == 0 &&
	    !privs_user(NOBODY, &out->uid, &out->gid)) {
		out->uid = NOBODY_ID;
		out->gid = NOBODY_ID;
	}
	if (group != NULL && !privs_group(group, &out->gid)) {
		log_error("--group %s: no such group", group);
		return false;
	}
	return true;
}

/* Why this process cannot become so, or NULL. */
static const char *
why_not(const struct privs_identity *id)
{
	if (!caps_has(CAP_SETUID) || !caps_has(CAP_SETGID))
		return "this process may not change its user";
	/* Neither at stop nor by its death, for the kernel asks then, too. */
	if (!caps_has(CAP_KILL))
		return "this process could not end them (CAP_KILL)";
	if (!userns_has_groups())
		return "this user namespace lets nobody change groups";
	if (!userns_has_user(id->uid) || !userns_has_group(id->gid))
		return "this user namespace does not have them";
	return NULL;
}

bool
privs_identity(const char *user, const char *group,
    struct privs_identity *out)
{
	const bool is_asked = user != NULL || group != NULL;
	const char *why;

	memset(out, 0, sizeof(*out));
	if (!is_asked && geteuid() != 0)
		return true;
	if (!look_up(user, group, out))
		return false;
	if (out->uid == geteuid() && out->gid == getegid())
		return true;
	why = why_not(out);
	if (why != NULL && !is_asked) {
		log_info("workers stay root, without capabilities: %s", why);
		return true;
	}
	if (why != NULL) {
		log_error("workers cannot run as user %u, group %u: %s; start "
		    "as root, or without --user and --group",
		    (unsigned)out->uid, (unsigned)out->gid, why);
		return false;
	}
	out->is_set = true;
	return true;
}

void
privs_follow_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		fatal(HOPELESS, "prctl(PR_SET_PDEATHSIG)");
	/* It may have died before the call above. */
	if (getppid() != parent)
		fatalx(1, "the parent process is gone");
}

/* Groups first: without root they cannot be changed any more. */
static void
become(const struct privs_identity *id)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (setgroups(0, NULL) != 0)
		fatal(HOPELESS, "setgroups");
	if (setresgid(id->gid, id->gid, id->gid) != 0)
		fatal(HOPELESS, "setresgid %u", (unsigned)id->gid);
	if (setresuid(id->uid, id->uid, id->uid) != 0)
		fatal(HOPELESS, "setresuid %u", (unsigned)id->uid);
	if (getresuid(&ruid, &euid, &suid) != 0 ||
	    getresgid(&rgid, &egid, &sgid) != 0)
		fatal(HOPELESS, "getresuid");
	if (ruid != id->uid || euid != id->uid || suid != id->uid ||
	    rgid != id->gid || egid != id->gid || sgid != id->gid ||
	    getgroups(0, NULL) != 0)
		fatalx(HOPELESS, "the user could not be changed");
}

/* A change that works again now was none. */
static void
check_not_regained(const struct privs_identity *id)
{
	if ((id->uid != 0 && setresuid(0, 0, 0) == 0) ||
	    (id->gid != 0 && setresgid(0, 0, 0) == 0) ||
	    setgroups(1, &id->gid) == 0)
		fatalx(HOPELESS, "root could be regained");
}

void
privs_drop(const struct privs_identity *id, pid_t parent, unsigned files)
{
	privs_follow_parent(parent);
	privs_bound();
	if (id->is_set)
		become(id);
	caps_keep(0);
	if (id->is_set)
		check_not_regained(id);
	no_way_back(parent, files);
}

void
privs_limit(pid_t parent)
{
	privs_follow_parent(parent);
	privs_bound();
	caps_keep(UINT64_C(1) << CAP_DAC_OVERRIDE);
	no_way_back(parent, 0);
}

size_t
privs_raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		fatal(1, "getrlimit(RLIMIT_NOFILE)");
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0)
		fatal(1, "setrlimit(RLIMIT_NOFILE)");
	if (r.rlim_max == RLIM_INFINITY || r.rlim_max > SIZE_MAX)
		return SIZE_MAX;
	return r.rlim_max < OTHER_FILES ? 0 :
	    (size_t)r.rlim_max - OTHER_FILES;
}
