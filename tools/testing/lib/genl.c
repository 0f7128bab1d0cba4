// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genl.h"
#include "host.h"

/* The kernel makes its answers no longer than what was received before. */
#define ANSWER_SIZE 4096

static const struct nlattr *find(const struct nlattr *attrs, int len, __u16 type)
{
	const struct nlattr *a = attrs;

	while (len >= (int)sizeof(*a) && a->nla_len >= sizeof(*a) &&
	       a->nla_len <= len) {
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		len -= NLA_ALIGN(a->nla_len);
		a = (const void *)a + NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

__u64 genl_number(const struct nlattr *attrs, int len, __u16 type)
{
	const struct nlattr *a = find(attrs, len, type);
	__u64 value = 0;

	if (a)
		memcpy(&value, a + 1, a->nla_len - sizeof(*a) < sizeof(value) ?
				      a->nla_len - sizeof(*a) : sizeof(value));
	return value;
}

bool genl_has(const struct nlattr *attrs, int len, __u16 type)
{
	return find(attrs, len, type);
}

struct genl_request genl_request(const struct genl *c, __u8 cmd)
{
	return (struct genl_request){
		.h = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct genlmsghdr)),
			.nlmsg_type = c->family,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.g = { .cmd = cmd, .version = 1 },
	};
}

void genl_add(struct genl_request *r, __u16 type, const void *data, __u16 len)
{
	struct nlattr *a = (void *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	a->nla_type = type;
	a->nla_len = sizeof(*a) + len;
	if (len)
		memcpy(a + 1, data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

void genl_add_u32(struct genl_request *r, __u16 type, __u32 value)
{
	genl_add(r, type, &value, sizeof(value));
}

struct nlattr *genl_begin(struct genl_request *r, __u16 type)
{
	struct nlattr *nest = (void *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	genl_add(r, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void genl_end(struct genl_request *r, struct nlattr *nest)
{
	nest->nla_len = (void *)r + r->h.nlmsg_len - (void *)nest;
}

/* An error, or the end of a dump. */
static int result(const struct nlmsghdr *h)
{
	int err;

	memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err;
}

static __thread bool interrupted;

bool genl_interrupted(void)
{
	bool was = interrupted;

	interrupted = false;
	return was;
}

/* Receive what is sent at once. Returns 1 if there is more to come. */
static int receive(const struct genl *c, genl_each_fn *each, void *arg)
{
	static __thread char buf[ANSWER_SIZE];
	const struct nlmsghdr *h = (void *)buf;
	const struct genlmsghdr *g;
	ssize_t n;

	n = recv(c->fd, buf, sizeof(buf), 0);
	if (n < 0)
		return -errno;
	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		interrupted |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE)
			return result(h);
		g = NLMSG_DATA(h);
		each((const void *)(g + 1),
		     h->nlmsg_len - NLMSG_LENGTH(sizeof(*g)), arg);
	}
	return 1;
}

int genl_do(const struct genl *c, struct genl_request *r)
{
	r->h.nlmsg_flags |= NLM_F_ACK;
	if (send(c->fd, r, r->h.nlmsg_len, 0) < 0)
		return -errno;
	return receive(c, NULL, NULL);
}

int genl_dump_begin(const struct genl *c, struct genl_request *r,
		    genl_each_fn *each, void *arg)
{
	r->h.nlmsg_flags |= NLM_F_DUMP;
	if (send(c->fd, r, r->h.nlmsg_len, 0) < 0)
		return -errno;
	return receive(c, each, arg);
}

int genl_dump_rest(const struct genl *c, genl_each_fn *each, void *arg)
{
	int ret;

	do {
		ret = receive(c, each, arg);
	} while (ret > 0);
	return ret;
}

int genl_dump(const struct genl *c, struct genl_request *r, genl_each_fn *each,
	      void *arg)
{
	int ret = genl_dump_begin(c, r, each, arg);

	return ret > 0 ? genl_dump_rest(c, each, arg) : ret;
}

struct wanted {
	const char *name;
	__u32 id;
};

static void take_group(const struct nlattr *attrs, int len, void *arg)
{
	const struct nlattr *groups = find(attrs, len, CTRL_ATTR_MCAST_GROUPS);
	int left = groups ? groups->nla_len - (int)sizeof(*groups) : 0;
	const struct nlattr *g = groups + 1, *name;
	struct wanted *w = arg;

	for (; left > 0; left -= NLA_ALIGN(g->nla_len),
	     g = (const void *)g + NLA_ALIGN(g->nla_len)) {
		name = find(g + 1, g->nla_len - sizeof(*g),
			    CTRL_ATTR_MCAST_GRP_NAME);
		if (name && !strcmp((const char *)(name + 1), w->name))
			w->id = genl_number(g + 1, g->nla_len - sizeof(*g),
					    CTRL_ATTR_MCAST_GRP_ID);
	}
}

int genl_listen(const struct genl *c, const char *family, const char *group)
{
	struct genl ctrl = { .fd = c->fd, .family = GENL_ID_CTRL };
	struct genl_request r = genl_request(&ctrl, CTRL_CMD_GETFAMILY);
	struct wanted w = { .name = group };
	int ret;

	genl_add(&r, CTRL_ATTR_FAMILY_NAME, family, strlen(family) + 1);
	if (send(c->fd, &r, r.h.nlmsg_len, 0) < 0)
		return -errno;
	ret = receive(c, take_group, &w);
	if (ret < 0)
		return ret;
	if (!w.id)
		return -ENOENT;
	return setsockopt(c->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &w.id,
			  sizeof(w.id)) ? -errno : 0;
}

int genl_event(const struct genl *c, int timeout, __u8 *cmd, genl_each_fn *each,
	       void *arg)
{
	char buf[256];
	const struct nlmsghdr *h = (void *)buf;
	const struct genlmsghdr *g = NLMSG_DATA(h);
	ssize_t n;

	if (!host_poll(c->fd, POLLIN, timeout))
		return -EAGAIN;
	n = recv(c->fd, buf, sizeof(buf), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(h, n))
		return -EPROTO;
	*cmd = g->cmd;
	each((const void *)(g + 1), h->nlmsg_len - NLMSG_LENGTH(sizeof(*g)), arg);
	return 0;
}

static void take_family(const struct nlattr *attrs, int len, void *arg)
{
	*(__u16 *)arg = genl_number(attrs, len, CTRL_ATTR_FAMILY_ID);
}

int genl_open(struct genl *c, const char *family)
{
	struct genl_request r;
	int ret;

	c->family = GENL_ID_CTRL;
	c->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (c->fd < 0)
		return -errno;
	/* Answers do not repeat the request, which may be large. */
	setsockopt(c->fd, SOL_NETLINK, NETLINK_CAP_ACK, &(int){ 1 }, sizeof(int));
	r = genl_request(c, CTRL_CMD_GETFAMILY);
	genl_add(&r, CTRL_ATTR_FAMILY_NAME, family, strlen(family) + 1);
	if (send(c->fd, &r, r.h.nlmsg_len, 0) < 0)
		ret = -errno;
	else
		ret = receive(c, take_family, &c->family);
	if (ret < 0)
		close(c->fd);
	return ret < 0 ? ret : 0;
}

void genl_close(struct genl *c)
{
	close(c->fd);
}
