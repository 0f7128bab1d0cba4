// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "mvsockctl.h"
#include "netlink.h"

/* As large as the kernel's messages get, and a request with all rules. */
#define BUFFER_SIZE (96 * 1024)

struct family {
	struct mnl_socket *nl;
	uint16_t id;
	char refusal[128]; /* the kernel's text of the last error; "" if there is none */
	char buf[BUFFER_SIZE];
};

static struct nlmsghdr *begin(struct family *f, uint16_t type, uint8_t cmd,
			      uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(f->buf);
	struct genlmsghdr *g;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = time(NULL);
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->cmd = cmd;
	g->version = MVSOCK_FAMILY_VERSION;
	return h;
}

static int take_refusal(const struct nlattr *a, void *arg)
{
	struct family *f = arg;

	if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
		snprintf(f->refusal, sizeof(f->refusal), "%.*s",
			 (int)mnl_attr_get_payload_len(a), mnl_attr_get_str(a));
	return MNL_CB_OK;
}

/* Keep the text of an error: requests are not repeated in the answer, see family_open(). */
static void keep_refusal(struct family *f)
{
	const struct nlmsghdr *h = (const void *)f->buf;

	if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(h, sizeof(struct nlmsgerr), take_refusal, f);
}

static int take_error(const struct nlmsghdr *h, void *arg)
{
	int error = *(int *)mnl_nlmsg_get_payload(h);

	(void)arg;
	errno = -error;
	return error ? MNL_CB_ERROR : MNL_CB_STOP;
}

/*
 * The end of a list has an error, too, if the kernel could not make it or the rest of it. libmnl by
 * itself takes that for a complete list.
 */
static mnl_cb_t ends[] = {
	[NLMSG_ERROR] = take_error,
	[NLMSG_DONE] = take_error,
};

/* Send the request, and call @each for each answer. Returns 0 or a negative errno. */
static int talk(struct family *f, const struct nlmsghdr *h, mnl_cb_t each,
		void *arg)
{
	unsigned int port = mnl_socket_get_portid(f->nl);
	unsigned int seq = h->nlmsg_seq;
	int ret;

	if (mnl_socket_sendto(f->nl, h, h->nlmsg_len) < 0)
		return -errno;
	do {
		ret = mnl_socket_recvfrom(f->nl, f->buf, sizeof(f->buf));
		if (ret > 0) {
			keep_refusal(f);
			ret = mnl_cb_run2(f->buf, ret, seq, port, each, arg,
					  ends, ARRAY_SIZE(ends));
		}
	} while (ret > 0);
	return ret < 0 ? -errno : 0;
}

static int take_id(const struct nlmsghdr *h, void *arg)
{
	uint16_t *id = arg;
	struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID)
			*id = mnl_attr_get_u16(a);
	return MNL_CB_OK;
}

static int find_family(struct family *f)
{
	struct nlmsghdr *h = begin(f, GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
				   NLM_F_ACK);

	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, MVSOCK_FAMILY_NAME);
	return talk(f, h, take_id, &f->id);
}

static void family_close(struct family *f)
{
	if (f->nl)
		mnl_socket_close(f->nl);
	free(f);
}

/* On failure says why, and returns NULL with errno. */
static struct family *family_open(void)
{
	struct family *f = calloc(1, sizeof(*f));
	int ret, on = 1;

	f->nl = mnl_socket_open(NETLINK_GENERIC);
	if (!f->nl || mnl_socket_bind(f->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		ret = -errno;
	else
		ret = find_family(f);
	if (!ret) {
		mnl_socket_setsockopt(f->nl, NETLINK_EXT_ACK, &on, sizeof(on));
		mnl_socket_setsockopt(f->nl, NETLINK_CAP_ACK, &on, sizeof(on));
		return f;
	}
	if (ret == -ENOENT)
		fputs("mvsockctl: mvsock is not loaded, or is older than this command\n"
		      "  run: mvsockctl doctor\n", stderr);
	else
		fprintf(stderr, "mvsockctl: netlink: %s\n", strerror(-ret));
	family_close(f);
	errno = -ret;
	return NULL;
}

const char *connection_type(unsigned long long type)
{
	static const char *const types[] = {
		[MVSOCK_CONN_TYPE_STREAM] = "stream",
		[MVSOCK_CONN_TYPE_SEQPACKET] = "seqpacket",
	};

	return type && type < ARRAY_SIZE(types) ? types[type] : "?";
}

/* --- the list --------------------------------------------------------------- */

static struct connection *add_connection(struct connections *cs)
{
	struct connection *more;
	int room = cs->room ? 2 * cs->room : 64;

	if (cs->count == cs->room) {
		more = realloc(cs->conn, room * sizeof(*more));
		if (!more)
			return NULL;
		cs->conn = more;
		cs->room = room;
	}
	more = &cs->conn[cs->count++];
	memset(more, 0, sizeof(*more));
	return more;
}

static unsigned long long number_of(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == sizeof(unsigned long long) ?
	       mnl_attr_get_u64(a) : mnl_attr_get_u32(a);
}

static int take_connection(const struct nlmsghdr *h, void *arg)
{
	struct connection *c = add_connection(arg);
	struct nlattr *a;
	uint16_t type;

	if (!c)
		return MNL_CB_ERROR;
	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		type = mnl_attr_get_type(a);
		if (type > MVSOCK_A_CONN_MAX)
			continue;
		c->has[type] = true;
		c->number[type] = number_of(a);
	}
	return MNL_CB_OK;
}

static void explain(uint32_t cid, int error)
{
	if (error == -ENODEV)
		fprintf(stderr, "mvsockctl: no guest has the CID %u\n"
			"  run: mvsockctl list\n", cid);
	else if (error == -ENOENT)
		fprintf(stderr, "mvsockctl: the guest %u has no such connection\n"
			"  run: mvsockctl connections %u\n", cid, cid);
	else if (error == -EPERM)
		fputs("mvsockctl: this needs CAP_NET_ADMIN\n"
		      "  run it as root\n", stderr);
	else if (error == -EINTR)
		fputs("mvsockctl: the list changed while it was read\n"
		      "  run it again\n", stderr);
	else if (error == -ERANGE)
		fprintf(stderr, "mvsockctl: %u is no guest's CID\n", cid);
	else if (error == -EOPNOTSUPP)
		fputs("mvsockctl: mvsock is older than this command\n"
		      "  run: mvsockctl doctor\n", stderr);
	else
		fprintf(stderr, "mvsockctl: netlink: %s\n", strerror(-error));
}

int connections_load(struct connections *cs, uint32_t cid)
{
	struct family *f = family_open();
	struct nlmsghdr *h;
	int ret;

	memset(cs, 0, sizeof(*cs));
	if (!f)
		return -errno;
	h = begin(f, f->id, MVSOCK_CMD_CONN_GET, NLM_F_DUMP);
	if (cid)
		mnl_attr_put_u32(h, MVSOCK_A_CONN_CID, cid);
	ret = talk(f, h, take_connection, cs);
	family_close(f);
	if (ret) {
		explain(cid, ret);
		connections_free(cs);
	}
	return ret;
}

void connections_free(struct connections *cs)
{
	free(cs->conn);
	memset(cs, 0, sizeof(*cs));
}

int connections_reset(uint32_t cid, const uint32_t *port)
{
	struct family *f = family_open();
	struct nlmsghdr *h;
	int ret;

	if (!f)
		return -errno;
	h = begin(f, f->id, MVSOCK_CMD_CONN_RESET, NLM_F_ACK);
	mnl_attr_put_u32(h, MVSOCK_A_CONN_CID, cid);
	if (port)
		mnl_attr_put_u32(h, MVSOCK_A_CONN_REMOTE_PORT, *port);
	ret = talk(f, h, NULL, NULL);
	family_close(f);
	if (ret)
		explain(cid, ret);
	return ret;
}

/* List something: call @each for each answer. On failure says why. */
static int load(uint8_t cmd, mnl_cb_t each, void *arg)
{
	struct family *f = family_open();
	int ret;

	if (!f)
		return -errno;
	ret = talk(f, begin(f, f->id, cmd, NLM_F_DUMP), each, arg);
	family_close(f);
	if (ret)
		explain(0, ret);
	return ret;
}

/* --- groups ----------------------------------------------------------------- */

struct each_group {
	void (*call)(uint32_t cid, const char *name, void *arg);
	void *arg;
};

static int take_group(const struct nlmsghdr *h, void *arg)
{
	const struct each_group *each = arg;
	const char *name = NULL;
	struct nlattr *a;
	uint32_t cid = 0;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(a) == MVSOCK_A_GROUP_CID)
			cid = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == MVSOCK_A_GROUP_NAME)
			name = mnl_attr_get_str(a);
	}
	if (name)
		each->call(cid, name, each->arg);
	return MNL_CB_OK;
}

int groups_load(void (*call)(uint32_t cid, const char *name, void *arg),
		void *arg)
{
	struct each_group each = { call, arg };

	return load(MVSOCK_CMD_GROUP_GET, take_group, &each);
}

static void explain_group(uint32_t cid, const char *name, int error)
{
	if (error == -EINVAL)
		fprintf(stderr, "mvsockctl: '%s' is no name of a group: 1 to 31 characters\n",
			name);
	else if (error == -ENOSPC)
		fprintf(stderr, "mvsockctl: the guest %u is in 16 groups, and can't be in more\n"
			"  run: mvsockctl group show\n", cid);
	else if (error && error != -EEXIST && error != -ENOENT)
		explain(cid, error);
}

int group_change(bool add, uint32_t cid, const char *name)
{
	struct family *f;
	struct nlmsghdr *h;
	int ret = -EINVAL;

	/* Longer names do not fit into the request. */
	if (*name && strlen(name) < 32) {
		f = family_open();
		if (!f)
			return -ENOTCONN;
		h = begin(f, f->id, add ? MVSOCK_CMD_GROUP_ADD :
					  MVSOCK_CMD_GROUP_DEL, NLM_F_ACK);
		mnl_attr_put_u32(h, MVSOCK_A_GROUP_CID, cid);
		mnl_attr_put_strz(h, MVSOCK_A_GROUP_NAME, name);
		ret = talk(f, h, NULL, NULL);
		family_close(f);
	}
	explain_group(cid, name, ret);
	return ret;
}

struct each_flow {
	void (*call)(const struct flow *flow, void *arg);
	void *arg;
};

static int take_flow(const struct nlmsghdr *h, void *arg)
{
	const struct each_flow *each = arg;
	struct flow flow = { 0 };
	struct nlattr *a;
	uint16_t type;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		type = mnl_attr_get_type(a);
		if (type == MVSOCK_A_FLOW_ANSWERED)
			flow.answered = true;
		else if (type <= MVSOCK_A_FLOW_MAX)
			flow.number[type] = number_of(a);
	}
	each->call(&flow, each->arg);
	return MNL_CB_OK;
}

int flows_load(void (*call)(const struct flow *flow, void *arg), void *arg)
{
	struct each_flow each = { call, arg };

	return load(MVSOCK_CMD_FLOW_GET, take_flow, &each);
}

/* --- rules ------------------------------------------------------------------ */

struct each_rule {
	void (*call)(const struct rule *rule, void *arg);
	void *arg;
};

static void take_rule_part(struct rule *rule, const struct nlattr *a)
{
	switch (mnl_attr_get_type(a)) {
	case MVSOCK_A_RULE_DIRECTION:
		rule->to_host = mnl_attr_get_u32(a) == MVSOCK_DIRECTION_TO_HOST;
		break;
	case MVSOCK_A_RULE_ALLOW:
		rule->allow = true;
		break;
	case MVSOCK_A_RULE_CID:
		rule->cid = mnl_attr_get_u32(a);
		break;
	case MVSOCK_A_RULE_PORT_MIN:
		rule->port_min = mnl_attr_get_u32(a);
		break;
	case MVSOCK_A_RULE_PORT_MAX:
		rule->port_max = mnl_attr_get_u32(a);
		break;
	case MVSOCK_A_RULE_UID:
		rule->has_uid = true;
		rule->uid = mnl_attr_get_u32(a);
		break;
	case MVSOCK_A_RULE_CGROUP:
		rule->cgroup = number_of(a);
		break;
	}
}

static int take_rule(const struct nlmsghdr *h, void *arg)
{
	const struct each_rule *each = arg;
	struct rule rule = { 0 };
	struct nlattr *nest, *a;

	mnl_attr_for_each(nest, h, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(nest) != MVSOCK_A_POLICY_RULE)
			continue;
		mnl_attr_for_each_nested(a, nest)
			take_rule_part(&rule, a);
		each->call(&rule, each->arg);
	}
	return MNL_CB_OK;
}

int rules_load(void (*call)(const struct rule *rule, void *arg), void *arg)
{
	struct each_rule each = { call, arg };

	return load(MVSOCK_CMD_POLICY_GET, take_rule, &each);
}

static void put_rule(struct nlmsghdr *h, const struct rule *rule)
{
	struct nlattr *nest = mnl_attr_nest_start(h, MVSOCK_A_POLICY_RULE);

	mnl_attr_put_u32(h, MVSOCK_A_RULE_DIRECTION,
			 rule->to_host ? MVSOCK_DIRECTION_TO_HOST :
					 MVSOCK_DIRECTION_TO_GUEST);
	if (rule->allow)
		mnl_attr_put(h, MVSOCK_A_RULE_ALLOW, 0, NULL);
	if (rule->cid)
		mnl_attr_put_u32(h, MVSOCK_A_RULE_CID, rule->cid);
	mnl_attr_put_u32(h, MVSOCK_A_RULE_PORT_MIN, rule->port_min);
	mnl_attr_put_u32(h, MVSOCK_A_RULE_PORT_MAX, rule->port_max);
	if (rule->has_uid)
		mnl_attr_put_u32(h, MVSOCK_A_RULE_UID, rule->uid);
	if (rule->cgroup)
		mnl_attr_put_u64(h, MVSOCK_A_RULE_CGROUP, rule->cgroup);
	mnl_attr_nest_end(h, nest);
}

int rules_set(const struct rule *rules, unsigned int count)
{
	struct family *f = family_open();
	struct nlmsghdr *h;
	unsigned int i;
	int ret;

	if (!f)
		return -errno;
	h = begin(f, f->id, MVSOCK_CMD_POLICY_SET, NLM_F_ACK);
	for (i = 0; i < count; i++)
		put_rule(h, &rules[i]);
	ret = talk(f, h, NULL, NULL);
	if (ret && *f->refusal)
		fprintf(stderr, "mvsockctl: %s\n", f->refusal);
	else if (ret)
		explain(0, ret);
	if (ret)
		fputs("  nothing was changed\n", stderr);
	family_close(f);
	return ret;
}
