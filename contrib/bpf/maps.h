#ifndef MAPS_H
#define MAPS_H

struct watch;

/*
 * maps_fd(watch, name):
 * The descriptor of a map of the object that is loaded.
 *
 * maps_fill(watch):
 * Tell the programs which names the socket has, and who may connect.
 *
 * maps_find_socket(watch):
 * Let them look for another inode, when the path has another by now.
 *
 * maps_keep_up(watch):
 * That, and the programs of those who may, which may be new; and say when there
 * were more events than could be told.
 */
int maps_fd(const struct watch *watch, const char *name);
void maps_fill(struct watch *watch);
void maps_find_socket(struct watch *watch);
void maps_keep_up(struct watch *watch);

#endif /* MAPS_H */
