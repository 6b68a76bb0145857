#ifndef MONITOR_H
#define MONITOR_H

/*
 * What the programs in the kernel (monitor.bpf.c) and the one that loads them
 * say to each other.
 */

#define MONITOR_PATH_CAP	108	/* of sun_path */
#define MONITOR_COMM_CAP	16	/* of task_struct */

/* A file or socket: its number, and its device in the kernel's form. */
struct monitor_inode {
	__u64 ino;
	__u64 dev;
};

/* Who may connect: a user, a process, or all that run a program. */
enum monitor_kind { MONITOR_UID = 1, MONITOR_PID, MONITOR_EXE };

struct monitor_who {
	__u64 kind;
	struct monitor_inode is;	/* a file, or .ino is the number */
};

/* The same for a name, filled up with zeros. */
struct monitor_name {
	char path[MONITOR_PATH_CAP];
};

/* A connection. */
struct monitor_event {
	struct monitor_inode inode;	/* of the socket; 0 when not known */
	__u32 pid;
	__u32 uid;
	__s32 result;			/* 0 or a negative error */
	__u32 is_allowed;
	char comm[MONITOR_COMM_CAP];
	char path[MONITOR_PATH_CAP];
};

/* Places in map "state". */
enum monitor_state { MONITOR_ENFORCE, MONITOR_LOST, MONITOR_STATES };

#endif /* MONITOR_H */
