// SPDX-License-Identifier: GPL-2.0
#include "sockets.h"

/* Rows that wait for 8 seconds come first. */
const struct row rows[] = {
	{ "close: the guest does not answer", "accepted; close; sees; "
	  "awaits RST late; rw 1; sees", BOTH },
	{ "close: unread data", "accepted; rw 100; close; sees; awaits RST late",
	  BOTH },
	{ "close: the guest sends on and shuts down", "accepted; close; sees; "
	  "rw 10; shut 3; sees; rst", BOTH },
	{ "close: the guest sends on and shuts down, RST", "accepted; close; "
	  "sees; rw 10; shut 3; awaits RST", BOTH },
	{ "close: linger, the guest is late", "accepted; set linger 1; "
	  "close slowly; "
	  "sees; awaits RST late", BOTH },
	{ "close: linger, a signal", "accepted; set linger 20; &close; over 0; "
	  "signal; join; sees; awaits RST late", BOTH },
	{ "close: a listener with a connection", "guest; listen 4; request@a; "
	  "sees; close@l; sees; awaits@a RST late; request@b; sees", BOTH },
	{ "close: a listener with a connection, unread data", "guest; listen 4; "
	  "request@a; rw@a 10; sees; close@l; sees; awaits@a RST late; "
	  "request@b; sees", BOTH },

	{ "close: the guest answers with RST", "accepted; close; sees; rst; "
	  "sees; rw 1; sees", BOTH },
	{ "close: the guest shuts down", "accepted; close; sees; shut 3; sees; "
	  "rw 1; sees", BOTH },
	{ "close: the guest shuts down half", "accepted; close; sees; shut 1; "
	  "sees; shut 2; sees; rw 1; sees", BOTH },
	{ "close: the guest had shut down", "accepted; shut 3; sees; close; "
	  "sees", BOTH },
	{ "close: the guest had shut down, unread data", "accepted; rw 10; "
	  "shut 3; sees; close; sees", BOTH },
	{ "close: the guest had shut down half", "accepted; shut 2; close; "
	  "sees; rst", BOTH },
	{ "close: after shutdown wr", "accepted; shutdown wr; sees; close; "
	  "sees; rst; sees", BOTH },
	{ "close: after shutdown rdwr", "accepted; shutdown rdwr; sees; close; "
	  "sees; rst; sees", BOTH },
	{ "close: linger", "accepted; set linger 20; &close; sees; rst; join; "
	  "sees", BOTH },
	{ "close: linger 0", "accepted; set linger 0; close; sees; rst", BOTH },
	{ "close: linger, the guest shuts down", "accepted; set linger 20; "
	  "&close; sees; shut 3; join; sees", BOTH },
	{ "close: linger, the process ends", "accepted; set linger 20; holds; "
	  "close; releases; sees; rst", BOTH },
	{ "close: the host had connected", "connected; close; sees; shut 3; "
	  "sees", BOTH },
	{ "close: not connected", "guest; socket; close; sees", BOTH },
	{ "close: connecting", "guest; socket; nonblock; connect; sees; close; "
	  "sees; response; sees", BOTH },
	{ "close: data under way", "guest deaf; post 1; listen; request; "
	  "awaits RESPONSE; accept; send 100 DONTWAIT; close; hears; "
	  "awaits SHUTDOWN; rst", BOTH },

	{ "connect: blocking", "guest; socket plain; get conntimeo; "
	  "set conntimeo 10000; &connect; sees; "
	  "response; join; name; peer; poll; connect; sees", BOTH },
	{ "connect: refused", "guest; socket; &connect; sees; rst; join; err; "
	  "poll; &connect; sees; response; join; send 5; gets 5", BOTH },
	{ "connect: not blocking", "guest; socket; nonblock; poll; connect; "
	  "poll; connect; sees; response; poll; err; connect; send 10; "
	  "gets 10", BOTH },
	{ "connect: not blocking, refused", "guest; socket; nonblock; connect; "
	  "sees; rst; poll; err; err; poll; connect; sees", BOTH },
	{ "connect: not blocking, refused, then blocking", "guest; socket; "
	  "nonblock; connect; sees; rst; nonblock off; connect; err; "
	  "&connect; sees; response; join", BOTH },
	{ "connect: not blocking, then blocking", "guest; socket; nonblock; "
	  "connect; sees; nonblock off; &connect; response; join", BOTH },
	{ "connect: timeout", "guest; socket; set conntimeo 300; get conntimeo; "
	  "connect slowly; err; poll; sees; response; sees", BOTH },
	{ "connect: timeout, not blocking", "guest; socket; nonblock; "
	  "set conntimeo 300; connect; until ERR; poll; err; sees; response; "
	  "sees; connect; sees", BOTH },
	{ "connect: timeout, nothing was sent", "guest deaf; socket; "
	  "set conntimeo 300; connect slowly; hears; sees", BOTH },
	{ "connect: timeouts", "guest; socket; set conntimeo 0; get conntimeo; "
	  "set conntimeo -5; set conntimeo 100000000; get conntimeo; "
	  "set conntimeo 300 4; get conntimeo 4", BOTH },
	{ "connect: signal", "guest; socket; &connect; sees; signal; join; err; "
	  "poll; response; sees; &connect; sees; response; join", BOTH },
	{ "connect: signal, restart", "guest; socket; &connect; sees; "
	  "signal RESTART; join; rst", BOTH },
	{ "connect: no such CID", "guest; socket; connect absent; poll; err; "
	  "name; connect absent; &connect; response; join", BOTH },
	{ "connect: to the host", "guest; socket; connect host; poll; err",
	  BOTH },
	{ "connect: to any", "guest; socket; connect any; poll; err", BOTH },
	{ "connect: to the hypervisor", "guest; socket; connect hypervisor; "
	  "poll", BOTH },
	{ "connect: local", "guest; socket; connect local; poll", BOTH },
	{ "connect: a short address", "guest; socket; connect short; poll",
	  BOTH },
	{ "connect: AF_UNSPEC", "connected; connect UNSPEC; send 5; gets 5; "
	  "connect@t UNSPEC", BOTH },
	{ "connect: a listener", "guest; listen; connect@l; sees", BOTH },
	{ "connect: bound", "guest; bound; &connect@l; sees; response@l; join; "
	  "name@l; peer@l; send@l 5; gets@l 5", BOTH },
	{ "connect: no seqpackets", "guest NO_SEQPACKET; socket; &connect; "
	  "sees; rst; join", SEQPACKET },
	{ "connect: the guest has stopped", "guest; stop; socket; "
	  "set conntimeo 300; connect slowly; start; sees", BOTH },
	{ "connect: the guest had stopped", "guest; stop; socket; &connect; "
	  "start; over EHOSTUNREACH; response; join; send 5; gets 5", BOTH },
	{ "connect: not blocking, the guest had stopped", "guest; stop; socket; "
	  "nonblock; connect; poll; err; start; connect; response; until OUT; "
	  "send 5; gets 5", BOTH },
	{ "connect: the guest stops", "guest deaf; socket; &connect; stop; "
	  "blocks; start; hears; response; join; send 5; gets 5", BOTH },
	{ "connect: the guest goes", "guest; socket; set conntimeo 4000; "
	  "&connect; gone; join; err; connect", BOTH },
	{ "connect: REQUEST in return", "guest; socket; &connect; sees; op 1; "
	  "join; sees", BOTH },
	{ "connect: RW in return", "guest; socket; &connect; sees; rw 5; join; "
	  "sees", BOTH },
	{ "connect: SHUTDOWN in return", "guest; socket; &connect; sees; "
	  "shut 3; join; sees", BOTH },
	{ "connect: CREDIT_UPDATE in return", "guest; socket; &connect; sees; "
	  "update; join; sees", BOTH },
	{ "connect: CREDIT_REQUEST in return", "guest; socket; &connect; sees; "
	  "op 7; join; sees", BOTH },
	{ "connect: INVALID in return", "guest; socket; &connect; sees; op 0; "
	  "blocks; sees; response; join", BOTH },
	{ "connect: unknown op in return", "guest; socket; &connect; sees; "
	  "op 99; join; sees", BOTH },
	{ "connect: unknown type in return", "guest; socket; &connect; sees; "
	  "op 2 TYPE_3; blocks; sees; response; join", BOTH },
	{ "connect: RESPONSE from another port", "guest; socket; &connect@a; "
	  "sees; aims@b; op@b 2; sees; response@a; join", BOTH },
	{ "connect: two RESPONSEs", "guest; socket; &connect; response; join; "
	  "response; sees; send 5; gets 5", BOTH },

	{ "connect: RESPONSE and data", "guest; socket; &connect; response; "
	  "rw 5; shut 2; join; recv 10; recv 10", BOTH },
	{ "connect: RESPONSE and RST", "guest; socket; nonblock; connect; "
	  "response; rst; poll; err; recv 10; send 5", BOTH },
	{ "connect: RESPONSE and SHUTDOWN", "guest; socket; nonblock; connect; "
	  "response; shut 3; poll; err; recv 10; sees", BOTH },

	{ "accept: blocking", "guest; listen; poll@l; &accept; request; join; "
	  "sees; poll@l; name; peer; poll; get listening; get@l listening; "
	  "get type; get domain", BOTH },
	{ "accept: not blocking", "guest; listen; nonblock@l; accept; request; "
	  "sees; poll@l; accept; poll@l; accept@t", BOTH },
	{ "accept: timeout", "guest; listen; set@l rcvtimeo 200; accept slowly",
	  BOTH },
	{ "accept: signal", "guest; listen; &accept; signal; join; request; "
	  "accept", BOTH },
	{ "accept: signal, restart", "guest; listen; &accept; signal RESTART; "
	  "request; join", BOTH },
	{ "accept: signal, restart, with a timeout", "guest; listen; "
	  "set@l rcvtimeo 20000; &accept; signal RESTART; join", BOTH },
	{ "accept: backlog of 1", "guest; listen 1; request@a; request@b; "
	  "request@c; sees; accept@a; request@c; sees; accept@b; accept@c; "
	  "poll@l; nonblock@l; accept@d; send@c 5; gets@c 5", BOTH },
	{ "accept: backlog of 0", "guest; listen 0; request@a; request@b; sees",
	  BOTH },
	{ "accept: a larger backlog later", "guest; listen 0; request@a; "
	  "request@b; listen 2; request@b; sees", BOTH },
	{ "accept: it was reset", "guest; listen; request; rst; sees; poll@l; "
	  "accept; poll; recv 10; err; send 5", BOTH },
	{ "accept: it was reset, with data", "guest; listen; request; rw 10; "
	  "rst; accept; poll; recv 10; recv 10; err", BOTH },
	{ "accept: it was shut down", "guest; listen; request; sees; shut 3; "
	  "sees; accept; poll; recv 10; send 5", BOTH },
	{ "accept: there is data", "guest; listen; request; rw 10; accept; "
	  "poll; recv 100", BOTH },
	{ "accept: the guest has gone", "guest; listen; request; rw 10; gone; "
	  "poll@l; accept; poll; recv 100; recv 100", BOTH },
	{ "accept: not listening", "guest; bound; accept; request; sees", BOTH },
	{ "accept: shutdown of the listener", "guest; listen; shutdown@l rdwr; "
	  "request; sees; poll@l", BOTH },
	{ "bind", "guest; bound; socket; name; bind same; bind absent; "
	  "bind guest; bind host; name; bind any", BOTH },
	{ "bind: the port of a connection", "accepted; socket@t; bind@t same; "
	  "close@l; bind@t same", BOTH },
	{ "not connected", "guest; socket; poll; send 5; recv 5; shutdown rd; "
	  "peer; outq; get err; shutdown 3", BOTH },
	{ "a listener", "guest; listen; send@l 5; recv@l 5; outq@l; peer@l; "
	  "name@l; poll@l", BOTH },
	{ "other types", "guest; dgram; dgram raw", BOTH },

	{ "shutdown: rd", "accepted; shutdown rd; poll; sees; recv 10; rw 10; "
	  "recv 10; send 10; gets 10; shutdown rd; sees; shut 3; sees", BOTH },
	{ "shutdown: rd, unread data", "accepted; rw 10; shutdown rd; poll; "
	  "recv 10", BOTH },
	{ "shutdown: wr", "accepted; shutdown wr; poll; sees; send 10; rw 10; "
	  "recv 10; shutdown wr; sees; shut 2; poll; sees; recv 10", BOTH },
	{ "shutdown: wr, then rd", "accepted; shutdown wr; shutdown rd; poll; "
	  "sees; recv 10; send 10; shut 3; sees; poll", BOTH },
	{ "shutdown: rdwr", "accepted; shutdown rdwr; poll; sees; recv 10; "
	  "send 10; rst; poll; err; sees", BOTH },
	{ "shutdown: rdwr, and then shut 3", "accepted; shutdown rdwr; sees; "
	  "shut 3; poll; sees; shutdown wr", BOTH },
	{ "shutdown: connecting", "guest; socket; nonblock; connect; sees; "
	  "shutdown rdwr; sees; poll; response; sees; poll", BOTH },
	{ "shutdown: after RST", "accepted; rst; shutdown wr; sees; recv 10; "
	  "poll", BOTH },
	{ "shutdown: wr, after shut 3", "accepted; shut 3; sees; shutdown wr; "
	  "sees; rst; sees; recv 10; recv 10 PEEK; poll; err", BOTH },
	{ "shutdown: rd, after shut 3", "connected; shut 3; sees; recv 10; "
	  "shutdown rd; sees; rst; sees; recv 10 PEEK; recv 10; poll", BOTH },
	{ "shutdown: rdwr, after shut 3", "accepted; shutdown wr; sees; shut 3; "
	  "sees; shutdown rdwr; sees; rst; sees; recv 10; poll", BOTH },
	{ "shut 1", "accepted; shut 1; poll; send 10; send 10 NOSIGNAL; rw 10; "
	  "recv 10; sees", BOTH },
	{ "shut 2", "accepted; rw 10; shut 2; poll; recv 4; recv 100; recv 100; "
	  "poll; send 10; gets 10", BOTH },
	{ "shut 3", "accepted; shut 3; sees; poll; recv 10; send 10; err; peer; "
	  "close; sees", BOTH },
	{ "shut 3: unread data", "accepted; rw 10; shut 3; sees; poll; "
	  "recv 100; poll; recv 100; send 10 NOSIGNAL; sees; close; sees",
	  BOTH },
	{ "shut 1, then 2", "accepted; shut 1; sees; shut 2; sees; poll; "
	  "recv 10; close; sees", BOTH },
	{ "shut 0", "accepted; shut 0; sees; poll; send 5; gets 5", BOTH },
	{ "shut 4, unknown", "accepted; shut 4; sees; poll; send 5; gets 5",
	  BOTH },
	{ "shut 7, unknown", "accepted; shut 7; sees; poll", BOTH },
	{ "shut 3: RW after that", "accepted; shut 3; sees; rw 5; sees; "
	  "recv 10", BOTH },
	{ "shut 2: RW after that", "accepted; shut 2; rw 5; sees; recv 10; "
	  "recv 10", BOTH },

	{ "RST", "accepted; rst; poll; err; recv 10; recv 10; send 10; "
	  "send 10 NOSIGNAL; peer; sees; close; sees", BOTH },
	{ "RST: unread data", "accepted; rw 10; rst; poll; err; recv 4; "
	  "recv 100; recv 100; send 10; close; sees", BOTH },
	{ "RST: connect again", "connected; rst; connect; sees", BOTH },
	{ "RST: REQUEST again", "accepted; rst; request; sees; close; request; "
	  "sees; accept; rw 5; recv 5; sees", BOTH },

	{ "recv blocks: data", "accepted; &recv 10; rw 4; join", BOTH },
	{ "recv blocks: shut 2", "accepted; &recv 10; shut 2; join", BOTH },
	{ "recv blocks: shut 3", "accepted; &recv 10; shut 3; join; sees",
	  BOTH },
	{ "recv blocks: shut 1", "accepted; &recv 10; shut 1; blocks; rw 5; "
	  "join", BOTH },
	{ "recv blocks: RST", "accepted; &recv 10; rst; join; err", BOTH },
	{ "recv blocks: shutdown rd", "accepted; &recv 10; shutdown rd; join; "
	  "sees", BOTH },
	{ "recv blocks: shutdown wr", "accepted; &recv 10; shutdown wr; "
	  "blocks; rw 5; join; sees", BOTH },
	{ "recv blocks: the guest goes", "accepted; &recv 10; gone; join; err; "
	  "poll", BOTH },
	{ "recv blocks: signal", "accepted; &recv 10; signal; join; rw 5; "
	  "recv 10", BOTH },
	{ "recv blocks: signal, restart", "accepted; &recv 10; "
	  "signal RESTART; rw 5; join", BOTH },
	{ "recv blocks: signal, restart, with a timeout", "accepted; "
	  "set rcvtimeo 20000; &recv 10; signal RESTART; join", BOTH },
	{ "recv blocks: timeout", "accepted; set rcvtimeo 200; get rcvtimeo; "
	  "recv 10 slowly; rw 5; recv 10", BOTH },
	{ "recv: not blocking", "accepted; recv 10 DONTWAIT; nonblock; recv 10; "
	  "rw 5; recv 10; recv 10", BOTH },

	{ "send blocks: credit", "guest; room 100; accepted; send 60; &send 60; "
	  "gets 60; eats 60; update; join; gets 60", BOTH },
	{ "send blocks: larger than the credit", "guest; room 100; accepted; "
	  "&send 150; gets 100; eats; update; join; gets 50", STREAM },
	{ "send blocks: shut 1", "guest; room 10; accepted; send 10; &send 10; "
	  "shut 1; join; sees", BOTH },
	{ "send blocks: shut 3", "guest; room 10; accepted; send 10; &send 10; "
	  "shut 3; join; sees", BOTH },
	{ "send blocks: shut 2", "guest; room 10; accepted; send 10; &send 10; "
	  "shut 2; blocks; eats; update; blocks; sees; eats; update; join; "
	  "sees", BOTH },
	{ "send blocks: RST", "guest; room 10; accepted; send 10; &send 10; "
	  "rst; join; sees", BOTH },
	{ "send blocks: RST, a part was sent", "guest; room 10; accepted; "
	  "&send 20; rst; join; sees", STREAM },
	{ "send blocks: shutdown wr", "guest; room 10; accepted; send 10; "
	  "&send 10; shutdown wr; join; sees", BOTH },
	{ "send blocks: the guest goes", "guest; room 10; accepted; send 10; "
	  "&send 10; gone; join; send 5", BOTH },
	{ "send blocks: signal", "guest; room 10; accepted; send 10; &send 10; "
	  "signal; join; sees", BOTH },
	{ "send blocks: signal, a part was sent", "guest; room 10; accepted; "
	  "&send 20; signal; join; sees", STREAM },
	{ "send blocks: signal, restart", "guest; room 10; accepted; send 10; "
	  "&send 10; sees; signal RESTART; eats; update; join; sees", BOTH },
	{ "send blocks: timeout", "guest; room 10; accepted; set sndtimeo 200; "
	  "send 10; send 10 slowly; sees", BOTH },
	{ "send blocks: timeout, a part was sent", "guest; room 10; accepted; "
	  "set sndtimeo 200; send 20 slowly; sees", STREAM },
	{ "send: a part of a message, not blocking", "guest; room 100; "
	  "accepted; anything; send 60; send 60 DONTWAIT; partly; eats; "
	  "update; send 30 DONTWAIT; partly", BOTH },
	{ "send: not blocking", "guest; room 100; accepted; send 60 DONTWAIT; "
	  "poll; send 40 DONTWAIT; poll; send 1 DONTWAIT; nonblock; send 1; "
	  "gets 100; poll; eats 50; update; poll; send 50; gets 50", BOTH },
	{ "send: what a RESPONSE grants", "guest; room 100; connected; poll; "
	  "send 100 DONTWAIT; poll; send 1 DONTWAIT; gets 100", BOTH },
	{ "send: more was read than was sent", "guest; room 100; accepted; "
	  "eats 50; update; poll; send 10 DONTWAIT; sees", BOTH },
	{ "send: all the room that there can be", "guest; room 4294967295; "
	  "accepted; poll; send 10 DONTWAIT; gets 10; room 100; update; poll",
	  BOTH },
	{ "send: no room at first", "guest; room 0; accepted; poll; "
	  "send 1 DONTWAIT; room 10; update; poll; send 10 DONTWAIT; gets 10",
	  BOTH },
	{ "send: less room later", "guest; room 100; accepted; send 80; "
	  "gets 80; room 50; update; poll; send 10 DONTWAIT; eats; update; "
	  "poll; send 10 DONTWAIT; gets 10", BOTH },
	{ "send: larger than what the guest has", "guest; room 100; accepted; "
	  "send 101 DONTWAIT; sees; room 200; update; send 101 DONTWAIT; sees",
	  SEQPACKET },
	{ "send: larger than what the host has", "guest; post 64; "
	  "room 1000000; accepted; send 262145 DONTWAIT; gets 262144", STREAM },
	{ "send: larger than what the host has, seqpacket", "guest; "
	  "post 64; room 1000000; accepted; send 262145; send 262144; gets 262144; "
	  "set max 300000; set size 300000; eats; update; send 262145; "
	  "gets 262145", SEQPACKET },
	{ "send: nothing", "accepted; send 0; sees; send 0 EOR; sees", BOTH },
	{ "send: EOR", "accepted; send 3 EOR; send 3; sees; send 3 MORE; sees",
	  BOTH },
	{ "send: large", "guest; post 32; accepted; send 200000; gets 200000; "
	  "eats; update; send 200000; gets 200000", BOTH },
	{ "send: many", "accepted; send 1; send 2; send 3; send 4; gets 10",
	  BOTH },
	{ "send: with an address", "guest; socket; send 5 TO; &connect; "
	  "response; join; send 5 TO; sees", BOTH },
	{ "send: bad memory", "accepted; send 10 BAD; sees; send 10; gets 10",
	  BOTH },
	{ "send: bad memory, in part", "accepted; anything; send 10 CUT; "
	  "partly; send 10; gets 10", BOTH },
	{ "send: OOB", "accepted; send 5 OOB; sees", BOTH },
	{ "send: the guest has stopped", "accepted; stop; send 10 DONTWAIT; outq; "
	  "start; sees; send 10; gets 10; rw 5; recv 5", BOTH },
	{ "send: the guest had stopped", "accepted; stop; &send 10; start; "
	  "over EHOSTUNREACH; gets 10; join", BOTH },
	{ "the guest stops: MSG_ZEROCOPY", "accepted; set zerocopy 1; stop; "
	  "send 4096 ZEROCOPY DONTWAIT; recv 1 ERRQUEUE; start; sees", BOTH },
	{ "the guest stops: io_uring", "accepted; stop; uring send 5; start; "
	  "reaps 1", BOTH },
	{ "the guest stops: poll", "accepted; stop; poll; recv 10 DONTWAIT; "
	  "start; poll; send 5; gets 5", BOTH },
	{ "the guest stops: epoll, edge", "accepted; epoll OUT ET; events; "
	  "stop; events; start; events", BOTH },
	{ "the guest stops: no credit", "guest; room 10; accepted; send 10; "
	  "gets 10; stop; poll; send 10 DONTWAIT; start; eats; update; send 10; "
	  "gets 10", BOTH },
	{ "the guest stops: a sender waits for credit", "guest; room 10; accepted; "
	  "send 10; gets 10; &send 10; stop; blocks; start; eats; update; join; "
	  "gets 10", BOTH },
	{ "the guest stops: a sender waits for buffers", "guest deaf; post 1; listen; "
	  "request; awaits RESPONSE; accept; &send 100; stop; blocks; start; "
	  "hears; gets 100; join", BOTH },
	{ "the guest stops: no buffers", "guest deaf; post 1; listen; request; "
	  "awaits RESPONSE; accept; send 100 DONTWAIT; stop; poll; "
	  "send 50 DONTWAIT; start; hears; anything; sees", BOTH },
	{ "the guest stops: a part of a message", "guest deaf; post 2; listen; "
	  "request; awaits RESPONSE; accept; send 10000 DONTWAIT; stop; poll; "
	  "send 10 DONTWAIT; start; hears; anything; gets 10000", SEQPACKET },
	{ "the guest stops: shutdown", "accepted; stop; shutdown wr; start; "
	  "sees; rst", BOTH },
	{ "the guest stops: close", "accepted; stop; close; start; "
	  "sees; rst", BOTH },
	{ "the guest stops: SO_RCVLOWAT", "accepted; rw 1000; rw 1000; "
	  "recv 1000; stop; set lowat 2000; get lowat; start", STREAM },
	{ "the guest reboots", "accepted; reboot; poll; recv 10 DONTWAIT; err",
	  BOTH },
	{ "the guest reboots: unread data", "accepted; rw 10; sees; reboot; "
	  "poll; recv 100; recv 100 DONTWAIT; poll; err", BOTH },
	{ "the guest reboots: unread data, PEEK", "accepted; rw 10; rw 20; sees; "
	  "reboot; recv 100 PEEK; recv 10; poll; recv 20; recv 10 DONTWAIT; "
	  "recv 10 DONTWAIT", BOTH },
	{ "the guest reboots: a part of a message", "accepted; rw 10 part; sees; "
	  "reboot; recv 100 DONTWAIT", SEQPACKET },
	{ "the guest goes: unread data", "accepted; rw 10; rw 20; sees; gone; "
	  "poll; recv 10 PEEK; recv 10; poll; recv 20; recv 10; poll; err", BOTH },

	{ "recv: PEEK", "accepted; rw 8; recv 4 PEEK; recv 100 PEEK; recv 100; "
	  "recv 100 DONTWAIT; recv 1 PEEK DONTWAIT", BOTH },
	{ "recv: PEEK, after a part was read", "accepted; rw 8; recv 3; "
	  "recv 100 PEEK DONTWAIT; recv 100 DONTWAIT", BOTH },
	{ "recv: PEEK, several", "accepted; rw 200; rw 300; recv 1000 PEEK; "
	  "recv 1000; recv 1000 DONTWAIT", BOTH },
	{ "recv: PEEK blocks", "accepted; &recv 10 PEEK; rw 5; join; recv 10",
	  BOTH },
	{ "recv: large, after shut 1", "accepted; rw 100; recv 20000; shut 1; "
	  "&recv 20000; rw 20000; join; recv 10 DONTWAIT", BOTH },
	{ "recv: large, PEEK after shut 1", "accepted; rw 100; recv 20000; "
	  "shut 1; &recv 20000 PEEK; rw 20000; join; recv 20000 DONTWAIT; "
	  "recv 10 DONTWAIT", BOTH },
	{ "recv: WAITALL", "accepted; rw 4; &recv 10 WAITALL; rw 4; blocks; "
	  "rw 4; join; recv 10 DONTWAIT", BOTH },
	{ "recv: WAITALL, shut 2", "accepted; rw 4; &recv 10 WAITALL; shut 2; "
	  "join; recv 10", BOTH },
	{ "recv: WAITALL, RST", "accepted; rw 4; &recv 10 WAITALL; rst; join; "
	  "recv 10", BOTH },
	{ "recv: WAITALL, signal", "accepted; rw 4; &recv 10 WAITALL; signal; "
	  "join", STREAM },
	{ "recv: WAITALL, timeout", "accepted; set rcvtimeo 200; rw 4; "
	  "recv 10 WAITALL", BOTH },
	{ "recv: WAITALL PEEK", "accepted; rw 4; recv 10 WAITALL PEEK DONTWAIT; "
	  "recv 10", BOTH },
	{ "recv: WAITALL, as large as the buffer", "guest; listen; "
	  "set@l size 4096; request; sees; accept; rw 100; "
	  "recv 4095 WAITALL DONTWAIT; rw 100; recv 4096 WAITALL DONTWAIT; "
	  "recv 5000 DONTWAIT", STREAM },
	{ "recv: TRUNC", "accepted; rw 10; recv 4 TRUNC; recv 100 DONTWAIT; "
	  "rw 10; recv 4 PEEK TRUNC; recv 4 TRUNC", BOTH },
	{ "recv: nothing", "accepted; recv 0; rw 10; recv 0; recv 100; shut 2; "
	  "recv 0", BOTH },
	{ "recv: OOB", "accepted; rw 5; recv 5 OOB; recv 5", BOTH },
	{ "recv: ERRQUEUE", "accepted; recv 5 ERRQUEUE", BOTH },
	{ "recv: bad memory", "accepted; rw 10; recv 10 BAD; recv 10 DONTWAIT",
	  BOTH },
	{ "recv: bad memory, in part", "accepted; rw 10; recv 10 CUT; "
	  "recv 10 DONTWAIT", BOTH },
	{ "recv: messages", "accepted; rw 3; rw 4; rw 5; recv 100 DONTWAIT; "
	  "recv 2 DONTWAIT; recv 100 DONTWAIT; recv 100 DONTWAIT", BOTH },
	{ "recv: a message in packets", "accepted; rw 3 part; "
	  "recv 100 DONTWAIT; poll; rw 4 part; &recv 100; rw 5; join", BOTH },
	{ "recv: a message that does not end", "accepted; rw 3 part; shut 2; "
	  "poll; recv 10; recv 10", BOTH },
	{ "recv: a message that does not end, RST", "accepted; rw 3 part; rst; "
	  "poll; recv 10; recv 10", BOTH },
	{ "recv: EOR", "accepted; rw 3 EOR; rw 3; recv 100 PEEK; recv 2; "
	  "recv 100", BOTH },
	{ "recv: an empty message", "accepted; rw 0; poll; recv 10 DONTWAIT; "
	  "skips; rw 3; poll; recv 10 DONTWAIT", SEQPACKET },
	{ "recv: an empty packet", "accepted; rw 0; poll; recv 10 DONTWAIT; "
	  "rw 3; poll; recv 10 DONTWAIT", STREAM },
	{ "recv: large", "accepted; rw 60000 3 part; rw 60000; recv 300000; "
	  "sees", BOTH },
	{ "recv: many small ones", "accepted; rw 1 300; sees; recv 1000",
	  BOTH },
	{ "recv: more small ones", "accepted; rw 1 600; sees; recv 2000",
	  BOTH },

	{ "SO_RCVLOWAT", "accepted; set lowat 8; rw 4; poll; &polls IN; rw 4; "
	  "join; recv 100", BOTH },
	{ "SO_RCVLOWAT: recv", "accepted; set lowat 8; rw 4; "
	  "recv 100 DONTWAIT; rw 4; &recv 100; rw 4; join; "
	  "recv 100 DONTWAIT", BOTH },
	{ "SO_RCVLOWAT: values", "accepted; set lowat 262145; set lowat 262144; "
	  "get lowat; set lowat 0; get lowat; set lowat -1; get lowat", BOTH },
	{ "SO_RCVLOWAT: shut 2", "accepted; set lowat 8; rw 4; &polls IN; "
	  "shut 2; join; recv 100; recv 100", BOTH },
	{ "SO_RCVLOWAT: credit for as much", "accepted; rw 60000 4; recv 60000; "
	  "set lowat 210000; sends 30000; poll", STREAM },
	{ "SO_RCVLOWAT: less later", "accepted; set lowat 8; rw 4; poll; "
	  "set lowat 4; poll", BOTH },
	{ "SO_RCVLOWAT: epoll, edge", "accepted; set lowat 8; epoll IN ET; "
	  "events; rw 4; events; rw 4; events; rw 1; events", BOTH },
	{ "buffer: sizes", "accepted; get size; get min; get max; granted; "
	  "set size 1000; get size; granted; set size 10; get size; granted; "
	  "set size 1000000; get size; granted; set size 1000 4; get size 4",
	  BOTH },
	{ "buffer: bounds", "accepted; set max 2000; get size; granted; "
	  "set min 3000; get size; granted; set max 5000; set size 4000; "
	  "get size; granted", BOTH },
	{ "buffer: larger than 4 GiB", "accepted; set max 8589934592; "
	  "set size 5000000000; get size; granted", BOTH },
	{ "buffer: as the listener's", "guest; listen; set@l size 4096; "
	  "set@l max 5000; request; sees; granted; accept; get size; get max; "
	  "set size 6000; granted", BOTH },
	{ "buffer: larger than 4 GiB, from the listener", "guest; listen; "
	  "set@l max 8589934592; set@l size 5000000000; request; sees; "
	  "granted; accept; get size", BOTH },
	{ "buffer: before connect", "guest; socket; set size 4096; &connect; "
	  "sees; granted; response; join; get size", BOTH },
	{ "buffer: while it connects", "guest; socket; nonblock; connect; sees; "
	  "set size 4096; granted; response; sees; get size", BOTH },
	{ "buffer: smaller than what is there", "accepted; rw 1000; "
	  "set size 500; granted free; recv 1000; granted free; rw 500; "
	  "granted free; recv 1000", BOTH },
	{ "buffer: smaller, and what it sends", "accepted; set size 100; "
	  "send 150 DONTWAIT; sees", BOTH },
	{ "buffer: the guest overruns it", "guest; listen; set@l size 65536; "
	  "request; sees; accept; rw 60000; rw 5536; poll; rw 1; sees; poll; "
	  "err; recv 70000; recv 10; close; sees", BOTH },
	{ "buffer: full, read, full", "guest; listen; set@l size 65536; "
	  "request; sees; accept; rw 65536; recv 70000; granted free; "
	  "rw 65536; recv 70000; granted free", BOTH },
	{ "buffer: read in part", "accepted; rw 1000; recv 400; granted free; "
	  "recv 600; granted free", STREAM },
	{ "buffer: credit comes back", "accepted; sends 200000; "
	  "recv 200000 WAITALL; sends 200000; recv 200000 WAITALL; "
	  "sends 200000; recv 200000 WAITALL; sends 262144; "
	  "recv 262144 DONTWAIT; sends 200000", BOTH },
	{ "SIOCOUTQ", "guest deaf; post 1; listen; request; awaits RESPONSE; "
	  "accept; outq; send 100 DONTWAIT; outq; send 50 DONTWAIT; outq; hears; "
	  "sees; outq; eats; update; outq; shutdown wr; awaits SHUTDOWN; outq",
	  BOTH },
	{ "SIOCOUTQ: it was sent", "accepted; outq; send 100; gets 100; outq; "
	  "eats; update; outq; shutdown wr; outq; sees", BOTH },
	{ "SIOCINQ", "accepted; rw 10; inq", BOTH },
	{ "options", "accepted; get peerid; get trusted; get nonblock_txrx; "
	  "set trusted 1; set nonblock_txrx 1; get err", BOTH },

	{ "poll: connection", "accepted; poll; rw 5; poll; recv 10; poll; "
	  "send 5; sees; poll; shut 2; poll; shut 1; poll", BOTH },
	{ "poll: blocks, IN", "accepted; &polls IN; rw 5; join", BOTH },
	{ "poll: blocks, OUT", "guest; room 10; accepted; send 10; &polls OUT; "
	  "eats; update; blocks; sees; eats; update; join", BOTH },
	{ "poll: blocks, HUP", "accepted; &polls HUP; shutdown wr; blocks; "
	  "shut 2; join; sees", BOTH },
	{ "poll: blocks, OUT, for less than was refused", "guest; room 1000; "
	  "accepted; anything; send 900; send 900 DONTWAIT; partly; &polls OUT; "
	  "room 500; eats; update; join; send 50 DONTWAIT; partly", SEQPACKET },
	{ "poll: blocks, RDHUP", "accepted; &polls RDHUP; shut 2; join", BOTH },
	{ "poll: blocks, RST", "accepted; &polls IN; rst; join", BOTH },
	{ "poll: blocks, accept", "guest; listen; &polls@l IN; request; join",
	  BOTH },
	{ "poll: blocks, connect", "guest; socket; nonblock; connect; "
	  "&polls OUT; response; join", BOTH },
	{ "poll: blocks, refused", "guest; socket; nonblock; connect; "
	  "&polls OUT; sees; room 0; rst; join", BOTH },
	{ "poll: blocks, signal", "accepted; &polls IN; signal RESTART; join",
	  BOTH },
	{ "epoll: level", "accepted; epoll IN; events; rw 10; events; events; "
	  "recv 4; events; recv 100 DONTWAIT; events; shut 2; events; events",
	  BOTH },
	{ "epoll: edge", "accepted; epoll IN ET; events; rw 10; events; events; "
	  "rw 10; events; recv 4; events; recv 100; events; shut 2; events; "
	  "events; rst; events", BOTH },
	{ "epoll: edge, OUT", "guest; room 10; accepted; epoll OUT ET; events; "
	  "events; send 10; gets 10; events; eats; update; events; events",
	  BOTH },
	{ "epoll: edge, OUT, no room", "guest; room 10; accepted; "
	  "epoll OUT ET; events; send 10; send 10 DONTWAIT; gets 10; events; "
	  "eats; update; events", BOTH },
	{ "epoll: edge, OUT, room for a part", "guest; room 10; accepted; "
	  "epoll OUT ET; events; send 20 DONTWAIT; gets 10; events; eats; "
	  "update; events", STREAM },
	{ "epoll: edge, room that was there", "accepted; epoll OUT ET; events; "
	  "update; events; rw 5; events", BOTH },
	{ "epoll: edge, OUT, for less than was refused", "guest; room 1000; "
	  "accepted; anything; epoll OUT ET; events; send 900; "
	  "send 900 DONTWAIT; partly; events; room 500; eats; update; partly; "
	  "events", SEQPACKET },
	{ "epoll: edge, all", "accepted; epoll IN OUT RDHUP ET; events; shut 3; "
	  "sees; events; events", BOTH },
	{ "epoll: edge, connect", "guest; socket; nonblock; connect; "
	  "epoll IN OUT RDHUP ET; events; response; events; events", BOTH },
	{ "epoll: edge, refused", "guest; socket; nonblock; connect; "
	  "epoll IN OUT RDHUP ET; events; sees; rst; events; events", BOTH },
	{ "epoll: edge, accept", "guest; listen; epoll@l IN ET; events; "
	  "request@a; events; events; request@b; events; accept@a; events; "
	  "accept@b; events", BOTH },
	{ "epoll: one shot", "accepted; epoll IN ONESHOT; rw 5; events; rw 5; "
	  "events; rearm IN ONESHOT; events", BOTH },
	{ "epoll: blocks", "accepted; epoll IN; &epolls; rw 5; join", BOTH },
	{ "epoll: blocks, signal", "accepted; epoll IN; &epolls; signal; join",
	  BOTH },
	{ "SIGIO", "accepted; async; sigio; rw 5; sigio; shut 2; sigio", BOTH },

	{ "fork: recv and send", "accepted; rw 5; %recv 10; %send 5; gets 5",
	  BOTH },
	{ "fork: close", "accepted; holds; close; sees; rw 5; sees; releases; "
	  "sees; rst", BOTH },
	{ "fork: shutdown", "accepted; %shutdown wr; sees; send 5", BOTH },
	{ "dup", "accepted; dup@t; close; sees; rw 5; recv@t 5 OTHER; close@t; "
	  "sees; rst", BOTH },
	{ "fd passing", "accepted; mails; sees; rw 5; takes@s; recv 5; send 5; "
	  "gets 5", BOTH },
	{ "fd passing: it is lost", "accepted; mails; sees; loses; sees; rst",
	  BOTH },

	{ "MSG_ZEROCOPY", "accepted; set zerocopy 1; get zerocopy; "
	  "send 40960 ZEROCOPY; gets 40960; completions; "
	  "send 100 ZEROCOPY; gets 41060; completions; recv 1 ERRQUEUE", BOTH },
	{ "MSG_ZEROCOPY: large", "guest; post 32; accepted; set zerocopy 1; "
	  "send 200000 ZEROCOPY; gets 200000; completions", BOTH },
	{ "MSG_ZEROCOPY: not enabled", "accepted; send 40960 ZEROCOPY; "
	  "gets 40960; recv 1 ERRQUEUE; poll", BOTH },
	{ "MSG_ZEROCOPY: enabled before connect", "guest; socket; "
	  "set zerocopy 1; connected; send 4096 ZEROCOPY; gets 4096; "
	  "completions", BOTH },
	{ "MSG_ZEROCOPY: values", "accepted; set zerocopy 2; set zerocopy -1; "
	  "set zerocopy 1 2; get zerocopy", BOTH },
	{ "MSG_ZEROCOPY: not sent yet", "guest deaf; post 1; listen; request; "
	  "awaits RESPONSE; accept; set zerocopy 1; &send 1000 ZEROCOPY; poll; "
	  "recv 1 ERRQUEUE; hears; gets 1000; join; completions", BOTH },
	{ "MSG_ZEROCOPY: sent in part", "guest deaf; post 2; listen; request; "
	  "awaits RESPONSE; accept; set zerocopy 1; &send 5000 ZEROCOPY; "
	  "hears; gets 5000; join; completions", STREAM },
	{ "MSG_ZEROCOPY: no credit", "guest; room 10; accepted; "
	  "set zerocopy 1; send 10; send 10 ZEROCOPY DONTWAIT; "
	  "recv 1 ERRQUEUE; gets 10", BOTH },
	{ "MSG_ZEROCOPY: signal", "guest; room 10; accepted; set zerocopy 1; "
	  "send 10; &send 10 ZEROCOPY; signal; join; recv 1 ERRQUEUE; sees",
	  BOTH },
	{ "MSG_ZEROCOPY: RST", "guest deaf; post 1; listen; request; "
	  "awaits RESPONSE; accept; set zerocopy 1; &send 4096 ZEROCOPY; rst; "
	  "join; hears; sees; completions", BOTH },
	{ "MSG_ZEROCOPY: close", "guest deaf; post 1; listen; request; "
	  "awaits RESPONSE; accept; set zerocopy 1; send 4096 ZEROCOPY DONTWAIT; "
	  "close; hears; awaits SHUTDOWN; sees; rst", BOTH },

	{ "read and write", "accepted; write 5; gets 5; rw 5; read 3; read 3; "
	  "write 0; sees", STREAM },
	{ "read and write, seqpacket", "accepted; write 5; gets 5; rw 5; "
	  "read 10; write 0; sees", SEQPACKET },
	{ "readv and writev", "accepted; writev 9 4; gets 9; rw 9; readv 9 2",
	  BOTH },
	{ "splice: in", "accepted; rw 100; splice_in 50; splice_in 100",
	  STREAM },
	{ "splice: in, seqpacket", "accepted; rw 100; rw 50; splice_in 100; "
	  "splice_in 200", SEQPACKET },
	{ "splice: in, it ends", "accepted; shut 2; splice_in 50", BOTH },
	{ "splice: in, blocks", "accepted; &splice_in 50; rw 10; join", BOTH },
	{ "splice: in, signal", "accepted; &splice_in 50; signal; join", BOTH },
	{ "splice: out", "accepted; splice_out 100; gets 100", BOTH },
	{ "splice: out, blocks", "guest; room 10; accepted; send 10; "
	  "&splice_out 10; gets 10; eats; update; join; gets 10", BOTH },
	{ "splice: out, signal", "guest; room 10; accepted; send 10; "
	  "&splice_out 10; signal; join; sees", BOTH },
	{ "splice: out, shut 1", "accepted; shut 1; splice_out 100", BOTH },
	{ "sendfile", "accepted; sendfile 10000; gets 10000", STREAM },
	{ "sendmmsg", "accepted; sendmmsg 10 4; gets 40", BOTH },
	{ "sendmmsg: credit for some", "guest; room 25; accepted; anything; "
	  "sendmmsg 10 4; partly", BOTH },

	{ "io_uring: recv", "accepted; uring recv 10; reaps; rw 5; reaps 1; "
	  "rw 5; uring recv 10; reaps 1", BOTH },
	{ "io_uring: recv WAITALL", "accepted; uring recv 10 WAITALL; rw 5; "
	  "reaps; rw 5; reaps 1", STREAM },
	{ "io_uring: recv, shut 2", "accepted; uring recv 10; shut 2; reaps 1",
	  BOTH },
	{ "io_uring: recv, RST", "accepted; uring recv 10; rst; reaps 1",
	  BOTH },
	{ "io_uring: recv, the guest goes", "accepted; uring recv 10; gone; "
	  "reaps 1", BOTH },
	{ "io_uring: recv, cancel", "accepted; uring recv 10; uring_cancel; "
	  "reaps 2; rw 5; recv 10", BOTH },
	{ "io_uring: send", "accepted; uring send 5; reaps 1; gets 5; "
	  "uring send 60000; reaps 1; gets 60005", BOTH },
	{ "io_uring: send, credit", "guest; room 10; accepted; send 10; "
	  "uring send 10; reaps; gets 10; eats; update; reaps 1; gets 10",
	  BOTH },
	{ "io_uring: send, shut 1", "guest; room 10; accepted; send 10; "
	  "uring send 10; shut 1; reaps 1", BOTH },
	{ "io_uring: zerocopy send", "accepted; set zerocopy 1; "
	  "uring sendzc 60000; gets 60000; reaps 2", BOTH },
	{ "io_uring: accept", "guest; listen; uring accept; reaps; request; "
	  "reaps 1; rw 5; recv 10", BOTH },
	{ "io_uring: connect", "guest deaf; socket; uring connect; reaps; hears; "
	  "awaits REQUEST; response; reaps 1; send 5; gets 5", BOTH },
	{ "io_uring: connect, refused", "guest deaf; socket; uring connect; "
	  "reaps; hears; awaits REQUEST; rst; reaps 1; err", BOTH },
	{ "io_uring: poll", "accepted; uring poll; reaps; rw 5; reaps 1", BOTH },
	{ "io_uring: shutdown", "accepted; uring shutdown 1; reaps 1; sees",
	  BOTH },
	{ "io_uring: close", "accepted; uring close; reaps 1; sees; rst",
	  BOTH },

	{ "sockmap", "accepted; sockmap; rw 5; until IN; poll; recv 10; "
	  "recv 10 DONTWAIT; rw 5000; until IN; recv 10000 DONTWAIT; "
	  "granted free; send 5; gets 5", BOTH },
	{ "sockmap: shut 2", "accepted; sockmap; shut 2; poll; "
	  "recv 10 DONTWAIT", BOTH },
	{ "sockmap: shut 2, unread data", "accepted; sockmap; rw 5; until IN; "
	  "shut 2; recv 10; recv 10 DONTWAIT", BOTH },
	{ "sockmap: RST", "accepted; sockmap; rst; poll; recv 10 DONTWAIT; "
	  "send 5", BOTH },
	{ "sockmap: the guest goes", "accepted; sockmap; gone; poll; "
	  "recv 10 DONTWAIT; recv 10 DONTWAIT", BOTH },
	{ "sockmap: close", "accepted; sockmap; rw 5; close; sees; rst", BOTH },
	{ "sockmap: not any more", "accepted; sockmap; rw 5; until IN; recv 10; "
	  "unmaps; rw 5; recv 10", BOTH },
	{ "sockmap: redirected", "accepted; accepted@t; sees; anything; "
	  "sockmap redirect; rw 500; gets@t 500; granted free", BOTH },
	{ "sockmap: a listener, and not connected", "guest; listen; sockmap@l; "
	  "socket; sockmap", BOTH },

	{ "unknown connection", "guest; listen; aims nobody; op 1; sees; "
	  "rw 10; sees; shut 3; sees; update; sees; "
	  "op 7; sees; op 2; sees; op 0; sees; op 99; sees; rst; sees", BOTH },
	{ "a listener's port", "guest; listen; aims; rw 10; sees; shut 3; sees; "
	  "update; sees; op 7; sees; op 2; sees; op 0; sees; op 99; sees; rst; "
	  "sees", BOTH },
	{ "a bound port", "guest; bound; aims; op 1; sees; rw 10; sees; rst; "
	  "sees", BOTH },
	{ "types: of a REQUEST", "guest; listen; aims; op 1 TYPE_0; sees; "
	  "op 1 TYPE_1; sees; op 1 TYPE_2; sees; op 1 TYPE_3; sees", BOTH },
	{ "types: of a connection", "accepted; op 6 TYPE_0; sees; op 6 TYPE_1; "
	  "sees; op 6 TYPE_2; sees; op 6 TYPE_3; sees; send 5; gets 5", BOTH },
	{ "ops: of a connection", "accepted; op 0; sees; op 1; sees; op 2; "
	  "sees; op 99; sees; poll; send 5; gets 5; rw 5; recv 5", BOTH },
	{ "ops: REQUEST again, not accepted", "guest; listen; request; "
	  "request; sees; accept; nonblock@l; accept@t", BOTH },
	{ "ops: CREDIT_REQUEST", "accepted; asks; granted free; rw 10; asks; "
	  "granted free; recv 10; asks; granted free", BOTH },
	{ "ops: a new connection by the same ports", "accepted; close; rst; "
	  "request; sees; accept; rw 5; recv 5 OTHER", BOTH },
};

const unsigned int nrows = ARRAY_SIZE(rows);
