/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's end: non-blocking AF_VSOCK sockets; each call has a timeout.
 *
 * All return 0 (or a descriptor) or a negative errno.
 */
#ifndef MVS_RING_HOST_H
#define MVS_RING_HOST_H

#include <pthread.h>

#include "util.h"

int host_listen_on(int socktype, __u32 port);
/* Create a listener on a free port, which is returned in @port. */
int host_listen(int socktype, __u32 *port);
int host_accept(int fd, int timeout);

/* -EINPROGRESS is an error here. */
int host_connect_with(int fd, __u32 cid, __u32 port);
/* Start to connect; host_connected() returns the result. */
int host_connect(int socktype, __u32 cid, __u32 port);
int host_connected(int fd, int timeout);

int host_send(int fd, const void *buf, size_t len, int flags, int timeout);

/* A send() that may have to wait for the guest, whose driver runs in the calling thread. */
struct sending {
	int fd;
	const void *buf;
	size_t len;
	int flags;
	int timeout;
	int err;
	bool waits;
	pthread_t thread;
};

/* Send what can be sent at once; a thread sends the rest, if there is any. @buf must stay valid
 * until host_send_end(), which returns the result as host_send() does.
 */
void host_send_begin(struct sending *s, int fd, const void *buf, size_t len,
		     int flags, int timeout);

/* The same, with all of it sent by the thread. */
void host_send_beside(struct sending *s, int fd, const void *buf, size_t len,
		      int flags, int timeout);

int host_send_end(struct sending *s);

int host_recv(int fd, void *buf, size_t len, int timeout);

/* From now on calls block, for at most @timeout. */
int host_set_blocking(int fd, int timeout);

/* Wait for one of @events. Returns poll()'s revents, or 0 after @timeout. */
int host_poll(int fd, int events, int timeout);

/* Read and clear SO_ERROR. Returns it as a negative errno. */
int host_error(int fd);

/* Linux MAJOR.MINOR as a number. */
#define LINUX(major, minor) ((major) * 1000U + (minor))

/* Since this version, connect() and send() to a guest whose device does not run fail at once. */
#define LINUX_REFUSES LINUX(7, 2)

/* Since this version, an empty range of the IOTLB can't be invalidated. */
#define LINUX_INVALIDATES_BYTES LINUX(7, 3)

/* Version of the running kernel. */
unsigned int host_linux(void);

/* Run the calling thread, and threads that it creates, on one CPU. Returns 0 or a negative errno.
 */
int host_use_cpu(int cpu);

/* Write to an existing file, relative to a directory or AT_FDCWD. Returns 0 or a negative errno. */
int host_write_file(int dir, const char *path, const char *text);

/* Value of a line of /proc/meminfo, in KiB; negative if there is no such line. */
__s64 host_meminfo_kib(const char *name);

/* Free memory of the machine, in KiB. */
__u64 host_free_kib(void);

#endif
