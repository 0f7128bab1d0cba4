// SPDX-License-Identifier: GPL-2.0
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "util.h"

struct request {
	struct nlmsghdr h;
	struct ifinfomsg info;
	char attrs[256];
};

static struct rtattr *add_attr(struct request *r, __u16 type, const void *data,
			       size_t len)
{
	struct rtattr *a = (void *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

/* Send, and wait for the acknowledgment. */
static int talk(struct request *r)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr err;
		char rest[512];
	} answer;
	int fd, err = 0;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (send(fd, r, r->h.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		err = -errno;
	else if (answer.h.nlmsg_type == NLMSG_ERROR)
		err = answer.err.error;
	close(fd);
	return err;
}

static struct request new_request(__u16 type, __u16 flags)
{
	return (struct request){
		.h = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
	};
}

int netlink_add_link(const char *name, const char *kind)
{
	struct request r = new_request(RTM_NEWLINK,
				       NLM_F_CREATE | NLM_F_EXCL);
	struct rtattr *info;

	add_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	info = add_attr(&r, IFLA_LINKINFO, NULL, 0);
	add_attr(&r, IFLA_INFO_KIND, kind, strlen(kind));
	info->rta_len = (char *)&r + r.h.nlmsg_len - (char *)info;
	return talk(&r);
}

int netlink_del_link(const char *name)
{
	struct request r = new_request(RTM_DELLINK, 0);

	add_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	return talk(&r);
}
