// SPDX-License-Identifier: GPL-2.0
#include "compare.h"
#include "host.h"
#include "sockets.h"

#define NO_RST "a connection that was reset is not reset again"
#define NO_SHUTDOWN "a connection that has ended is not shut down"
#define WHOLE "a seqpacket can be read when all of it is there"
#define ALL_OR_NONE "a message that would block is not sent in part"
#define NO_QUEUE "nothing is queued for a guest without buffers"
#define TOLD "a guest that goes on is told what it missed"
#define EDGE "there is an edge when there was no room"
#define REBOOT "a reboot resets what was connected"
#define UNREAD "a reset is an error when all was read that came before"
#define AT_END "a connection that has ended is not shut down, and stays at its end"

/* Parts of patterns. */
#define AND ", "
#define OR "|"
#define EOM "?( EOM)"
#define DEAF "awaits RESPONSE = RESPONSE, accept = 0"

/* Intended differences of mvsock. */
static struct difference differences[] = {
	{ "close: the guest sends on and shuts down",
	  "close = 0, sees = SHUTDOWN 3, sees = nothing",
	  "close = 0, sees = SHUTDOWN 3, sees = RST",
	  "SHUTDOWN is answered, though data came after close()" },
	{ "close: the guest had shut down", "*close = 0, sees = RST",
	  "*close = 0, sees = nothing", NO_RST },
	{ "close: data under way",
	  DEAF ", send 100 DONTWAIT = 100, close = 0" AND
	  "awaits SHUTDOWN = RW 100" EOM " SHUTDOWN 3",
	  DEAF ", send 100 DONTWAIT = EAGAIN, close = 0" AND
	  "awaits SHUTDOWN = SHUTDOWN 3", NO_QUEUE },
	{ "accept: the guest has gone",
	  "poll@l = IN|RDNORM, accept = 0" AND
	  "poll = IN|OUT|RDHUP|ERR|RDNORM|WRNORM" AND
	  "recv 100 = @(10|ECONNRESET), recv 100 = @(0|ECONNRESET)",
	  "poll@l = IN|RDNORM, accept = 0" AND
	  "poll = IN|OUT|RDHUP|RDNORM|WRNORM" AND
	  "recv 100 = 10, recv 100 = @(0|ECONNRESET)", UNREAD },
	{ "connect: the guest goes",
	  "it blocks, join = ETIMEDOUT, err = 0, connect = ENODEV",
	  "it blocks, join = ECONNRESET, err = 0, connect = ENODEV",
	  "there is nothing to wait for" },
	{ "shutdown: rdwr, and then shut 3",
	  "*, at the end the guest has, SHUTDOWN 2", "*", NO_SHUTDOWN },
	{ "shutdown: after RST",
	  "shutdown wr = 0, sees = SHUTDOWN 2, recv 10 = ENOTCONN" AND
	  "poll = IN|RDHUP|HUP|RDNORM",
	  "shutdown wr = 0, sees = nothing, recv 10 = 0" AND
	  "poll = IN|RDHUP|HUP|RDNORM", AT_END },
	{ "shutdown: wr, after shut 3",
	  "sees = RST, shutdown wr = 0, sees = SHUTDOWN 2, sees = nothing" AND
	  "recv 10 = ENOTCONN, recv 10 PEEK = ENOTCONN, poll = *, err = 0",
	  "sees = RST, shutdown wr = 0, sees = nothing, sees = nothing" AND
	  "recv 10 = 0, recv 10 PEEK = 0, poll = *, err = 0", AT_END },
	{ "shutdown: rd, after shut 3",
	  "sees = RST, recv 10 = 0, shutdown rd = 0, sees = SHUTDOWN 1" AND
	  "sees = nothing, recv 10 PEEK = 0, recv 10 = 0, poll = *",
	  "sees = RST, recv 10 = 0, shutdown rd = 0, sees = nothing" AND
	  "sees = nothing, recv 10 PEEK = 0, recv 10 = 0, poll = *", AT_END },
	{ "shutdown: rdwr, after shut 3",
	  "shutdown wr = 0, sees = SHUTDOWN 2, sees = RST, shutdown rdwr = 0" AND
	  "sees = SHUTDOWN 3, sees = nothing, recv 10 = ENOTCONN, poll = *",
	  "shutdown wr = 0, sees = SHUTDOWN 2, sees = RST, shutdown rdwr = 0" AND
	  "sees = nothing, sees = nothing, recv 10 = 0, poll = *", AT_END },
	{ "shut 3", "*close = 0, sees = RST", "*close = 0, sees = nothing",
	  NO_RST },
	{ "shut 1, then 2", "*close = 0, sees = RST",
	  "*close = 0, sees = nothing", NO_RST },
	{ "RST", "*close = 0, sees = RST", "*close = 0, sees = nothing",
	  NO_RST },
	{ "RST: unread data", "*close = 0, sees = RST",
	  "*close = 0, sees = nothing", NO_RST },
	{ "RST: REQUEST again",
	  "sees = RST, close = 0, sees = RST RESPONSE, accept = 0" AND
	  "recv 5 = 5, sees = nothing",
	  "sees = RESPONSE, close = 0, sees = nothing, accept = 0" AND
	  "recv 5 = 5, sees = nothing",
	  "the ports of a connection that was reset are free" },
	{ "send: a part of a message, not blocking",
	  "send 60 = 60, send 60 DONTWAIT = EAGAIN" AND
	  "partly = RW 60 EOM RW 40 of a message, send 30 DONTWAIT = 30" AND
	  "partly = RW 30 EOM",
	  "send 60 = 60, send 60 DONTWAIT = EAGAIN, partly = RW 60 EOM" AND
	  "send 30 DONTWAIT = 30, partly = RW 30 EOM", ALL_OR_NONE },
	{ "send: the guest has stopped",
	  "send 10 DONTWAIT = 10, outq = 10, sees = RW 10" EOM ", send 10 = 10, *",
	  "send 10 DONTWAIT = EAGAIN, outq = 0, sees = nothing, send 10 = 10, *",
	  NO_QUEUE, .before = LINUX_REFUSES },
	{ "send: the guest had stopped",
	  "&send 10 = 10, gets 10 = RW 10" EOM ", join = it was done",
	  "it blocks, gets 10 = RW 10" EOM ", join = 10", NO_QUEUE,
	  .before = LINUX_REFUSES },
	{ "the guest stops: MSG_ZEROCOPY",
	  "send 4096 ZEROCOPY DONTWAIT = 4096, recv 1 ERRQUEUE = EAGAIN" AND
	  "sees = RW 4096" EOM,
	  "send 4096 ZEROCOPY DONTWAIT = EAGAIN, recv 1 ERRQUEUE = EAGAIN" AND
	  "sees = nothing", NO_QUEUE, .before = LINUX_REFUSES },
	{ "the guest stops: a sender waits for buffers",
	  DEAF ", &send 100 = 100, blocks = it was done" AND
	  "gets 100 = RW 100" EOM ", join = it was done",
	  DEAF ", it blocks, blocks = yes, gets 100 = RW 100" EOM AND
	  "join = 100", NO_QUEUE },
	{ "the guest stops: no buffers",
	  DEAF ", send 100 DONTWAIT = 100, poll = OUT|WRNORM" AND
	  "send 50 DONTWAIT = @(50|EHOSTUNREACH), sees = RW *",
	  DEAF ", send 100 DONTWAIT = EAGAIN, poll = @(nothing|OUT[|]WRNORM)" AND
	  "send 50 DONTWAIT = @(EAGAIN|EHOSTUNREACH), sees = nothing", NO_QUEUE },
	{ "the guest stops: a part of a message",
	  DEAF ", send 10000 DONTWAIT = 10000, poll = OUT|WRNORM" AND
	  "send 10 DONTWAIT = 10, gets 10000 = RW 10000 EOM RW 10 EOM",
	  DEAF ", send 10000 DONTWAIT = 10000, poll = nothing" AND
	  "send 10 DONTWAIT = EAGAIN, gets 10000 = RW 10000 EOM", NO_QUEUE,
	  .before = LINUX_REFUSES },
	{ "the guest stops: shutdown",
	  "shutdown wr = 0, sees = nothing",
	  "shutdown wr = 0, sees = SHUTDOWN 2",
	  TOLD, .since = LINUX_REFUSES },
	{ "the guest stops: close",
	  "close = 0, sees = nothing", "close = 0, sees = SHUTDOWN 3",
	  TOLD, .since = LINUX_REFUSES },
	{ "the guest stops: SO_RCVLOWAT",
	  "recv 1000 = 1000, set lowat 2000 = EHOSTUNREACH, get lowat = 1",
	  "recv 1000 = 1000, get lowat = 2000", TOLD, .since = LINUX_REFUSES },
	{ "the guest reboots",
	  "poll = OUT|WRNORM, recv 10 DONTWAIT = EAGAIN, err = 0",
	  "poll = IN|OUT|RDHUP|ERR|RDNORM|WRNORM" AND
	  "recv 10 DONTWAIT = @(0|ECONNRESET), err = ECONNRESET", REBOOT },
	{ "the guest reboots: unread data",
	  "sees = nothing, poll = IN|OUT|RDNORM|WRNORM, recv 100 = 10" AND
	  "recv 100 DONTWAIT = EAGAIN, poll = OUT|WRNORM, err = 0",
	  "sees = nothing, poll = IN|OUT|RDHUP|RDNORM|WRNORM, recv 100 = 10" AND
	  "recv 100 DONTWAIT = @(0|ECONNRESET)" AND
	  "poll = IN|OUT|RDHUP|ERR|RDNORM|WRNORM, err = ECONNRESET", REBOOT },
	{ "the guest reboots: unread data, PEEK",
	  "sees = nothing, recv 100 PEEK = @(10|30), recv 10 = 10" AND
	  "poll = IN|OUT|RDNORM|WRNORM, recv 20 = 20" AND
	  "recv 10 DONTWAIT = EAGAIN, recv 10 DONTWAIT = EAGAIN",
	  "sees = nothing, recv 100 PEEK = @(10|30), recv 10 = 10" AND
	  "poll = IN|OUT|RDHUP|RDNORM|WRNORM, recv 20 = 20" AND
	  "recv 10 DONTWAIT = @(0|ECONNRESET)" AND
	  "recv 10 DONTWAIT = @(0|ECONNRESET)", REBOOT },
	{ "the guest reboots: a part of a message",
	  "sees = nothing, recv 100 DONTWAIT = EAGAIN",
	  "sees = nothing, recv 100 DONTWAIT = 0", REBOOT },
	{ "the guest goes: unread data",
	  "sees = nothing, poll = IN|OUT|RDHUP|ERR|RDNORM|WRNORM, *",
	  "sees = nothing, poll = IN|OUT|RDHUP|RDNORM|WRNORM" AND
	  "recv 10 PEEK = 10, recv 10 = 10" AND
	  "poll = IN|OUT|RDHUP|RDNORM|WRNORM, recv 20 = 20" AND
	  "recv 10 = @(0|ECONNRESET), poll = IN|OUT|RDHUP|ERR|RDNORM|WRNORM" AND
	  "err = ECONNRESET", UNREAD },
	{ "recv: a message in packets",
	  "recv 100 DONTWAIT = EAGAIN, poll = IN|OUT|RDNORM|WRNORM" AND
	  "it blocks, join = 12",
	  "recv 100 DONTWAIT = EAGAIN, poll = OUT|WRNORM" AND
	  "it blocks, join = 12", WHOLE },
	{ "recv: an empty message",
	  "poll = OUT|WRNORM, recv 10 DONTWAIT = 0" AND
	  "poll = IN|OUT|RDNORM|WRNORM, recv 10 DONTWAIT = 3",
	  "poll = IN|OUT|RDNORM|WRNORM, recv 10 DONTWAIT = 0" AND
	  "poll = IN|OUT|RDNORM|WRNORM, recv 10 DONTWAIT = 3", WHOLE },
	{ "recv: more small ones", "sees = RST*( RST), recv 2000 = ENOBUFS",
	  "sees = nothing, recv 2000 = 1",
	  "messages take no more credit than their bytes" },
	{ "SO_RCVLOWAT",
	  "poll = OUT|WRNORM, it blocks, join = IN, recv 100 = 4",
	  "poll = IN|OUT|RDNORM|WRNORM, &polls IN = IN, join = it was done" AND
	  "recv 100 = 4", WHOLE },
	{ "SO_RCVLOWAT: shut 2",
	  "it blocks, join = IN, recv 100 = 4, recv 100 = 0",
	  "&polls IN = IN, join = it was done, recv 100 = 4, recv 100 = 0",
	  WHOLE },
	{ "SO_RCVLOWAT: less later",
	  "poll = OUT|WRNORM, poll = IN|OUT|RDNORM|WRNORM",
	  "poll = IN|OUT|RDNORM|WRNORM, poll = IN|OUT|RDNORM|WRNORM", WHOLE },
	{ "SO_RCVLOWAT: epoll, edge",
	  "events = nothing, events = nothing, events = IN, events = IN",
	  "events = nothing, events = IN, events = IN, events = IN", WHOLE },
	{ "buffer: smaller than what is there",
	  "granted free = 500 free -500, recv 1000 = 1000" AND
	  "granted free = 500 free 500, granted free = 500 free 0" AND
	  "recv 1000 = 0, at the end the guest has, RST RST",
	  "granted free = 500 free -500, recv 1000 = 1000" AND
	  "granted free = 500 free 500, granted free = 500 free 0" AND
	  "recv 1000 = 500",
	  "a guest that keeps to what it was told is not reset" },
	{ "buffer: the guest overruns it", "*close = 0, sees = RST",
	  "*close = 0, sees = nothing", NO_RST },
	{ "buffer: read in part",
	  "recv 400 = 400, granted free = 262144 free 261144" AND
	  "recv 600 = 600, granted free = 262144 free 262144",
	  "recv 400 = 400, granted free = 262144 free 261544" AND
	  "recv 600 = 600, granted free = 262144 free 262144",
	  "credit comes back for bytes, not for packets" },
	{ "SIOCOUTQ",
	  DEAF ", outq = 0, send 100 DONTWAIT = 100, outq = 100" AND
	  "send 50 DONTWAIT = 50, outq = 150" AND
	  "sees = RW @(150|100 EOM RW 50 EOM), outq = 0" AND
	  "outq = 0, shutdown wr = 0, awaits SHUTDOWN = SHUTDOWN 2, outq = 0",
	  DEAF ", outq = 0, send 100 DONTWAIT = EAGAIN, outq = 0" AND
	  "send 50 DONTWAIT = EAGAIN, outq = 0, sees = nothing, outq = 0" AND
	  "outq = 0, shutdown wr = 0, awaits SHUTDOWN = SHUTDOWN 2, outq = 0",
	  NO_QUEUE },
	{ "poll: blocks, OUT, for less than was refused",
	  "send 900 = 900, send 900 DONTWAIT = EAGAIN" AND
	  "partly = RW 900 EOM RW 100 of a message, it blocks, join = OUT" AND
	  "send 50 DONTWAIT = 50, partly = RW 50 EOM",
	  "send 900 = 900, send 900 DONTWAIT = EAGAIN, partly = RW 900 EOM" AND
	  "it blocks, join = OUT, send 50 DONTWAIT = 50, partly = RW 50 EOM",
	  ALL_OR_NONE },
	{ "epoll: edge, OUT, for less than was refused",
	  "events = OUT, send 900 = 900, send 900 DONTWAIT = EAGAIN" AND
	  "partly = RW 900 EOM RW 100 of a message, events = nothing" AND
	  "partly = nothing, events = OUT",
	  "events = OUT, send 900 = 900, send 900 DONTWAIT = EAGAIN" AND
	  "partly = RW 900 EOM, events = nothing, partly = nothing" AND
	  "events = OUT", ALL_OR_NONE },
	{ "epoll: edge, OUT",
	  "events = OUT, events = nothing, send 10 = 10, gets 10 = RW 10" EOM AND
	  "events = nothing, events = OUT, events = nothing",
	  "events = OUT, events = nothing, send 10 = 10, gets 10 = RW 10" EOM AND
	  "events = nothing, events = nothing, events = nothing", EDGE },
	{ "epoll: edge, room that was there",
	  "events = OUT, events = OUT, events = OUT",
	  "events = OUT, events = nothing, events = nothing", EDGE },
	{ "MSG_ZEROCOPY: not sent yet",
	  DEAF ", &send 1000 ZEROCOPY = 1000, poll = OUT|WRNORM" AND
	  "recv 1 ERRQUEUE = EAGAIN, gets 1000 = RW 1000" EOM AND
	  "join = it was done" AND
	  "completions = 0 to 0 level 287 type 1 errno 0 origin 5 code 0",
	  DEAF ", it blocks, poll = nothing" AND
	  "recv 1 ERRQUEUE = EAGAIN, gets 1000 = RW 1000" EOM ", join = 1000" AND
	  "completions = 0 to 0 level 287 type 1 errno 0 origin 5 code 0",
	  NO_QUEUE },
	{ "MSG_ZEROCOPY: sent in part",
	  DEAF ", &send 5000 ZEROCOPY = 5000, gets 5000 = RW 5000" AND
	  "join = it was done" AND
	  "completions = 0 to 0 level 287 type 1 errno 0 origin 5 code 0",
	  DEAF ", it blocks, gets 5000 = RW 5000, join = 5000" AND
	  "completions = 0 to 1 level 287 type 1 errno 0 origin 5 code 0",
	  NO_QUEUE },
	{ "MSG_ZEROCOPY: RST",
	  DEAF ", &send 4096 ZEROCOPY = 4096, join = it was done" AND
	  "sees = RW 4096" EOM AND
	  "completions = 0 to 0 level 287 type 1 errno 0 origin 5 code 0",
	  DEAF ", it blocks, join = EPIPE?( SIGPIPE), sees = nothing" AND
	  "completions = EAGAIN",
	  NO_QUEUE },
	{ "MSG_ZEROCOPY: close",
	  DEAF ", send 4096 ZEROCOPY DONTWAIT = 4096, close = 0" AND
	  "awaits SHUTDOWN = RW 4096" EOM " SHUTDOWN 3, sees = nothing",
	  DEAF ", send 4096 ZEROCOPY DONTWAIT = EAGAIN, close = 0" AND
	  "awaits SHUTDOWN = SHUTDOWN 3, sees = nothing", NO_QUEUE },
	{ "sendmmsg: credit for some",
	  "sendmmsg 10 4 = 2 10 10" AND
	  "partly = RW 10 EOM RW 10 EOM RW 5 of a message",
	  "sendmmsg 10 4 = 2 10 10, partly = RW 10 EOM RW 10 EOM",
	  ALL_OR_NONE },
	{ "io_uring: connect",
	  "reaps = nothing, awaits REQUEST = REQUEST, reaps 1 = EALREADY" AND
	  "send 5 = 5, gets 5 = RW 5" EOM,
	  "reaps = nothing, awaits REQUEST = REQUEST, reaps 1 = 0" AND
	  "send 5 = 5, gets 5 = RW 5" EOM,
	  "the result is that of the connection" },
	{ "io_uring: connect, refused",
	  "reaps = nothing, awaits REQUEST = REQUEST, reaps 1 = EALREADY" AND
	  "err = ECONNRESET",
	  "reaps = nothing, awaits REQUEST = REQUEST, reaps 1 = ECONNRESET" AND
	  "err = 0",
	  "the result is that of the connection" },
};

static const char *const never[] = {
	"*" WRONG "*", "*killed by signal*", "*, failed*", NULL
};

static const char *row_name(unsigned int i)
{
	return sockets_row(i)->name;
}

int sockets_compare(const char *vhost_vsock, const char *mvsock)
{
	const struct compare c = {
		.n = sockets_nrows(),
		.states = sockets_ntypes,
		.name = row_name,
		.never = never,
		.differences = differences,
		.ndifferences = ARRAY_SIZE(differences),
	};

	return compare(&c, vhost_vsock, mvsock);
}
