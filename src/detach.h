#ifndef DSP_DETACH_H
#define DSP_DETACH_H

/*
 * Life under a traditional init: into the background, pid file.
 */

/*
 * detach_start():
 * Go into the background: the calling process waits for detach_ready and
 * exits 0, or exits 1 or 2 as the daemon does before that.  Standard input,
 * and outputs that are terminals, become /dev/null in the daemon.  Failure
 * is fatal.
 */
void detach_start(void);

/* detach_ready(): all is set up; lets the waiting process go.  Nothing
 * happens without detach_start. */
void detach_ready(void);

/*
 * detach_pid_file(path):
 * Write our pid into path, whole or not at all: 0, or -1 with errno.
 * detach_pid_file_remove(path): remove it again.
 */
int detach_pid_file(const char *path);
void detach_pid_file_remove(const char *path);

#endif /* DSP_DETACH_H */
