/*
 * Programs that the kernel runs when somebody connects to a unix socket; one
 * hook is loaded, which the loader chooses.  This file may also be used under
 * the GNU General Public License, version 2: the kernel lends what is called
 * here to no others.
 *
 * Of the kernel's structures only what is read is declared; where that is, the
 * loader finds out on the machine that it runs on.
 */

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "monitor.h"

#define AF_UNIX		1
#define EPERM		1
#define IORING_OP_CONNECT 16
#define CALLS_CAP	8192	/* connects under way */
#define WHO_CAP		64	/* sockets, names, entries of --allow */
#define EVENTS_SIZE	(256 * 1024)

#define FROM_KERNEL	__attribute__((preserve_access_index))

struct super_block {
	__u32 s_dev;
} FROM_KERNEL;

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
} FROM_KERNEL;

struct dentry {
	struct inode *d_inode;
} FROM_KERNEL;

struct path {
	struct dentry *dentry;
} FROM_KERNEL;

struct sock_common {
	__u16 skc_family;
} FROM_KERNEL;

struct sock {
	struct sock_common __sk_common;
} FROM_KERNEL;

struct unix_sock {
	struct sock sk;
	struct unix_sock *peer;
	struct path path;
} FROM_KERNEL;

struct socket {
	struct unix_sock *sk;
} FROM_KERNEL;

struct file {
	struct inode *f_inode;
	struct socket *private_data;
} FROM_KERNEL;

struct io_cqe {
	__s32 res;
} FROM_KERNEL;

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	struct io_cqe cqe;
} FROM_KERNEL;

struct fdtable {
	struct file **fd;
} FROM_KERNEL;

struct files_struct {
	struct fdtable *fdt;
} FROM_KERNEL;

struct mm_struct {
	struct file *exe_file;
} FROM_KERNEL;

struct kuid {
	__u32 val;
};

typedef struct kuid kuid_t;

struct cred {
	kuid_t uid;
} FROM_KERNEL;

struct task_struct {
	struct mm_struct *mm;
	const struct cred *cred;
	struct files_struct *files;
	int tgid;
	char comm[MONITOR_COMM_CAP];
} FROM_KERNEL;

struct bpf_sock_addr_kern {
	void *uaddr;
} FROM_KERNEL;

/* An address as programs give it. */
struct address {
	__u16 family;
	char path[MONITOR_PATH_CAP];
};

/* A connect under way. */
struct call {
	__u64 fd;
	struct monitor_name name;
};

/* tracing/events/syscalls/sys_{enter,exit}_connect/format */
struct enter_args {
	__u64 common;
	__u64 number;
	__u64 fd;
	const void *address;
	__u64 size;
};

struct exit_args {
	__u64 common;
	__u64 number;
	long result;
};

/* Not in kernels before 6.2, which have no use for it either. */
extern void *bpf_cast_to_kern_ctx(void *) __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WHO_CAP);
	__type(key, struct monitor_inode);
	__type(value, __u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WHO_CAP);
	__type(key, struct monitor_name);
	__type(value, __u32);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WHO_CAP);
	__type(key, struct monitor_who);
	__type(value, __u32);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MONITOR_STATES);
	__type(key, __u32);
	__type(value, __u64);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CALLS_CAP);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_SIZE);
} events SEC(".maps");

char monitor_license[] SEC("license") = "Dual BSD/GPL";

static __always_inline void
name_inode(struct monitor_inode *name, const struct inode *inode)
{
	name->ino = BPF_CORE_READ(inode, i_ino);
	name->dev = BPF_CORE_READ(inode, i_sb, s_dev);
}

static __always_inline int
is_in(struct monitor_who *who, __u64 kind, __u64 number)
{
	who->kind = kind;
	who->is.ino = number;
	return bpf_map_lookup_elem(&allowed, who) != NULL;
}

static __always_inline int
is_allowed(struct task_struct *task)
{
	struct monitor_who who = { 0 };
	struct inode *exe;

	if (is_in(&who, MONITOR_UID, BPF_CORE_READ(task, cred, uid.val)) ||
	    is_in(&who, MONITOR_PID, (__u32)BPF_CORE_READ(task, tgid)))
		return 1;
	exe = BPF_CORE_READ(task, mm, exe_file, f_inode);
	if (exe == NULL)
		return 0;
	name_inode(&who.is, exe);
	return is_in(&who, MONITOR_EXE, who.is.ino);
}

/* Say that the process of now connects.  What is not known is NULL. */
static __always_inline int
tell(const char *path, const struct monitor_inode *inode, long result,
    int is_enforced)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct monitor_event *event;
	__u32 lost = MONITOR_LOST;
	__u64 *count;
	int ok;

	ok = is_allowed(task);
	if (is_enforced && !ok)
		result = -EPERM;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event == NULL) {
		count = bpf_map_lookup_elem(&state, &lost);
		if (count != NULL)
			__sync_fetch_and_add(count, 1);
		return (int)result;
	}
	event->pid = (__u32)BPF_CORE_READ(task, tgid);
	event->uid = BPF_CORE_READ(task, cred, uid.val);
	event->result = (__s32)result;
	event->is_allowed = (__u32)ok;
	event->inode.ino = inode != NULL ? inode->ino : 0;
	event->inode.dev = inode != NULL ? inode->dev : 0;
	BPF_CORE_READ_STR_INTO(&event->comm, task, comm);
	event->path[0] = '\0';
	if (path != NULL)
		bpf_probe_read_kernel(event->path, sizeof(event->path), path);
	bpf_ringbuf_submit(event, 0);
	return (int)result;
}

/* The socket that somebody connects to, by inode: whatever it was called. */
static __always_inline int
reached(struct unix_sock *sock, int can_enforce)
{
	struct monitor_inode name;
	struct inode *inode;
	__u32 enforce = MONITOR_ENFORCE;
	__u64 *is_on;

	inode = BPF_CORE_READ(sock, path.dentry, d_inode);
	if (inode == NULL)
		return 0;
	name_inode(&name, inode);
	if (bpf_map_lookup_elem(&targets, &name) == NULL)
		return 0;
	is_on = bpf_map_lookup_elem(&state, &enforce);
	return tell(NULL, &name, 0,
	    can_enforce && is_on != NULL && *is_on != 0);
}

/* Both get the arguments of a hook of security modules: the socket, the one
 * that it reaches, and the new end there.  Who comes here was not refused by
 * those before. */
SEC("lsm/unix_stream_connect")
int
on_lsm(__u64 *args)
{
	return reached((struct unix_sock *)args[1], 1);
}

SEC("fentry/security_unix_stream_connect")
int
on_fentry(__u64 *args)
{
	(void)reached((struct unix_sock *)args[1], 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_connect")
int
on_enter(struct enter_args *args)
{
	struct address address = { 0 };
	struct call call = { .fd = args->fd };
	__u64 size = args->size, id = bpf_get_current_pid_tgid();

	if (size > sizeof(address))
		size = sizeof(address);
	if (bpf_probe_read_user(&address, (__u32)size, args->address) != 0)
		return 0;
	if (address.family != AF_UNIX || address.path[0] == '\0')
		return 0;
	__builtin_memcpy(&call.name, address.path, sizeof(call.name));
	bpf_map_update_elem(&calls, &id, &call, BPF_ANY);
	return 0;
}

/* The socket at the other end of this one; all 0 when nobody knows any more. */
static __always_inline void
name_peer(struct monitor_inode *name, struct file *file)
{
	struct unix_sock *sock;
	struct inode *inode;

	sock = BPF_CORE_READ(file, private_data, sk);
	if (BPF_CORE_READ(sock, sk.__sk_common.skc_family) != AF_UNIX)
		return;
	inode = BPF_CORE_READ(sock, peer, path.dentry, d_inode);
	if (inode != NULL)
		name_inode(name, inode);
}

static __always_inline struct file *
file_of(__u64 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file **files, *file = NULL;

	files = BPF_CORE_READ(task, files, fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &files[(__u32)fd]);
	return file;
}

/* The end of a connection has the name of the socket that it was made to.  When
 * there is none, the loader finds out what the path stands for. */
SEC("tracepoint/syscalls/sys_exit_connect")
int
on_exit(struct exit_args *args)
{
	struct monitor_inode name = { 0 };
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call;

	call = bpf_map_lookup_elem(&calls, &id);
	if (call == NULL)
		return 0;
	if (args->result == 0)
		name_peer(&name, file_of(call->fd));
	(void)tell(call->name.path, &name, args->result, 0);
	bpf_map_delete_elem(&calls, &id);
	return 0;
}

/*
 * io_uring connects without that call, and tells when it has done so.  Kernels
 * before 5.19 do not say what it was.
 */
SEC("raw_tracepoint/io_uring_complete")
int
on_ring(struct bpf_raw_tracepoint_args *args)
{
	struct io_kiocb *request = (struct io_kiocb *)args->args[1];
	struct monitor_inode name = { 0 };

	if (!bpf_core_field_exists(request->cqe) ||
	    BPF_CORE_READ(request, opcode) != IORING_OP_CONNECT ||
	    BPF_CORE_READ(request, cqe.res) != 0)
		return 0;
	name_peer(&name, BPF_CORE_READ(request, file));
	if (name.ino != 0)
		(void)tell(NULL, &name, 0, 0);
	return 0;
}

/*
 * Of a control group: 1 lets through, 0 is EPERM.  libbpf before 1.3 does not
 * know the hook, so it is loaded as one for another family, and the loader says
 * which it is.  Here, too, there is only a name.
 */
SEC("cgroup/connect4")
int
on_cgroup(struct bpf_sock_addr *context)
{
	struct bpf_sock_addr_kern *kernel = bpf_cast_to_kern_ctx(context);
	struct monitor_name name = { 0 };
	struct address *address;

	address = BPF_CORE_READ(kernel, uaddr);
	if (bpf_probe_read_kernel_str(name.path, sizeof(name.path),
	    address->path) < 0)
		return 1;
	if (bpf_map_lookup_elem(&names, &name) == NULL)
		return 1;
	return tell(name.path, NULL, 0, 1) == 0;
}
