/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's end: AF_VSOCK sockets, non-blocking, each call with a timeout.
 *
 * All return 0 (or a descriptor) or a negative errno.
 */
#ifndef MVS_RING_HOST_H
#define MVS_RING_HOST_H

#include <pthread.h>

#include "util.h"

int host_listen_on(int socktype, __u32 port);
/* A listener on a free port, which is returned in @port. */
int host_listen(int socktype, __u32 *port);
int host_accept(int fd, int timeout);

/* -EINPROGRESS is an error here. */
int host_connect_with(int fd, __u32 cid, __u32 port);
/* Begin to connect; host_connected() tells how it ended. */
int host_connect(int socktype, __u32 cid, __u32 port);
int host_connected(int fd, int timeout);

int host_send(int fd, const void *buf, size_t len, int flags, int timeout);

/* A send() that may have to wait for the guest, while the caller plays that. */
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

/* Send what can be sent at once; a thread goes on with the rest, if there is any.
 * @buf stays until host_send_end(), which tells as host_send() how it ended.
 */
void host_send_begin(struct sending *s, int fd, const void *buf, size_t len,
		     int flags, int timeout);

/* The same, all of it in the thread. */
void host_send_beside(struct sending *s, int fd, const void *buf, size_t len,
		      int flags, int timeout);

int host_send_end(struct sending *s);

int host_recv(int fd, void *buf, size_t len, int timeout);

/* From now on calls wait, but no longer than @timeout. */
int host_set_blocking(int fd, int timeout);

/* Wait for one of @events; what poll() returned in revents, 0 after @timeout */
int host_poll(int fd, int events, int timeout);

/* Read and forget SO_ERROR, as a negative errno. */
int host_error(int fd);

/* Linux MAJOR.MINOR as a number. */
#define LINUX(major, minor) ((major) * 1000U + (minor))

/* From here on connect() and send() to a guest whose device does not run fail at once. */
#define LINUX_REFUSES LINUX(7, 2)

/* From here on no range of the IOTLB without bytes can be invalidated. */
#define LINUX_INVALIDATES_BYTES LINUX(7, 3)

/* The kernel that this runs on. */
unsigned int host_linux(void);

/* Run the calling thread, and those that it starts, on one CPU. Returns 0 or a negative errno. */
int host_use_cpu(int cpu);

/* Write a file that is there, from a folder or AT_FDCWD. Returns 0 or a negative errno. */
int host_write_file(int dir, const char *path, const char *text);

/* A line of /proc/meminfo, in KiB; negative if there is no such line. */
__s64 host_meminfo_kib(const char *name);

/* Free memory of the machine, in KiB. */
__u64 host_free_kib(void);

#endif
