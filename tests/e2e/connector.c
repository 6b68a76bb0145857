/*
 * Connects to a unix socket, as a test wants it: by the call itself, or by
 * io_uring, which makes the kernel connect without that call.  Prints 0, or
 * the number of the error, and stays until its input ends.
 *
 * usage: connector call|uring PATH
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One connect by io_uring: 0, or the error as a negative number. */
static int
connect_by_ring(int fd, const struct sockaddr_un *addr)
{
	struct io_uring_params params;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char *sq, *cq;
	int ring;

	memset(&params, 0, sizeof(params));
	ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring == -1)
		return -errno;
	sq = mmap(NULL, params.sq_off.array + sizeof(unsigned),
	    PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + 2 * sizeof(*cqe),
	    PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED,
	    ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		return -errno;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_CONNECT;
	sqe->fd = fd;
	sqe->addr = (unsigned long)addr;
	sqe->off = sizeof(*addr);
	*(unsigned *)(sq + params.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(sq + params.sq_off.tail), 1,
	    __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
	    NULL, 0) == -1)
		return -errno;
	cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	return cqe->res;
}

int
main(int argc, char **argv)
{
	struct sockaddr_un addr;
	int fd, result;
	char c;

	if (argc != 3 || strlen(argv[2]) >= sizeof(addr.sun_path))
		return 2;
	memset(&addr, 0, sizeof(addr));
	addr.sun_family = AF_UNIX;
	strcpy(addr.sun_path, argv[2]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (strcmp(argv[1], "uring") == 0)
		result = -connect_by_ring(fd, &addr);
	else
		result = connect(fd, (struct sockaddr *)&addr,
		    sizeof(addr)) == 0 ? 0 : errno;
	printf("%d\n", result);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
	return 0;
}
