/* SPDX-License-Identifier: GPL-2.0 */
/* A client of generic netlink. */
#ifndef MVS_RING_GENL_H
#define MVS_RING_GENL_H

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "util.h"

/* Room for as many rules as the module takes, and one more. */
#define GENL_ROOM (64 * 1025)

struct genl {
	int fd;
	__u16 family;
};

struct genl_request {
	struct nlmsghdr h;
	struct genlmsghdr g;
	char attrs[GENL_ROOM];
};

/* 0 or a negative errno: -ENOENT if there is no such family. */
int genl_open(struct genl *c, const char *family);
void genl_close(struct genl *c);

struct genl_request genl_request(const struct genl *c, __u8 cmd);
void genl_add(struct genl_request *r, __u16 type, const void *data, __u16 len);
void genl_add_u32(struct genl_request *r, __u16 type, __u32 value);

/* What is added between the two is in one attribute. */
struct nlattr *genl_begin(struct genl_request *r, __u16 type);
void genl_end(struct genl_request *r, struct nlattr *nest);

/* Send it, and wait for the acknowledgment: 0 or a negative errno. */
int genl_do(const struct genl *c, struct genl_request *r);

/* An answer to a dump. */
typedef void genl_each_fn(const struct nlattr *attrs, int len, void *arg);

/* 0 or a negative errno. */
int genl_dump(const struct genl *c, struct genl_request *r, genl_each_fn *each,
	      void *arg);

/* The same in two parts: the first answers, as many as are sent at once; and the rest. */
int genl_dump_begin(const struct genl *c, struct genl_request *r,
		    genl_each_fn *each, void *arg);
int genl_dump_rest(const struct genl *c, genl_each_fn *each, void *arg);

/* Receive the events of a multicast group from here on; wait for the next one. Return 0 or a
 * negative errno: -EAGAIN if there is none in time.
 */
int genl_listen(const struct genl *c, const char *family, const char *group);
int genl_event(const struct genl *c, int timeout, __u8 *cmd, genl_each_fn *each,
	       void *arg);

/* Whether one of the answers since then had NLM_F_DUMP_INTR: the list has changed. */
bool genl_interrupted(void);

/* The value of an attribute of 4 or 8 bytes; 0 if it is not there. */
__u64 genl_number(const struct nlattr *attrs, int len, __u16 type);
bool genl_has(const struct nlattr *attrs, int len, __u16 type);

#endif
