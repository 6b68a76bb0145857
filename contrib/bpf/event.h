#ifndef EVENT_H
#define EVENT_H

#include <sys/types.h>

#include <stdbool.h>

#include <linux/types.h>

#include "monitor.h"

/*
 * event_inode(path, inode):
 * Fill inode with what path is, links followed; -1 with errno.
 *
 * event_reaches(event, name, target):
 * Whether a connection is to the socket with this inode and name.  The kernel
 * knows the inode of most that came about.  Of others, refused ones above all,
 * the path tells, in the root and the folder of the process that called it so,
 * or in our root when the process is gone.  Where that tells nothing, the name
 * decides, of a path from a folder that is not known the end of it; a path that
 * cannot be looked up in time is taken for the socket: rather one too many.
 *
 * event_print(event, hook, target):
 * One line on standard output, with what /proc still knows of the process.
 * target: what is said when the event has no path.
 */
int event_inode(const char *path, struct monitor_inode *inode);
bool event_reaches(const struct monitor_event *event, const char *name,
    const struct monitor_inode *target);
void event_print(const struct monitor_event *event, const char *hook,
    const char *target);

#endif /* EVENT_H */
