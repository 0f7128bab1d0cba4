/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The owners of the TX virtqueue, for spin: whatever the interleaving, and whether or not a
 * reader comes that was to, when nothing moves any more no chain is left in the ring.
 *
 * What is here has the names of drivers/mvsock (recv.c, direct.c, kick.c, virtqueue.c). Where
 * the code decides by time or by what a packet says, the model goes both ways. With one of
 * NO_GUARD, NO_RECHECK and NO_DEADLINE a safeguard is missing, which must be found.
 */
#define CHAINS 3

byte avail, made;	/* chains that are not taken; that were made */
bool notify = true;	/* the driver is to kick for the next one */
bool work;		/* the worker is to serve the virtqueue */
bool late;		/* vq->late runs, which wakes the worker */
bool guard, quiet;	/* kick->guard runs; kick->quiet */
bool diverted;		/* kick->reader is the reader */
bool expected;		/* kick->expected is the reader */
bool handed_over;	/* conns->handed_over, until vq->late */
bool brisk;		/* vq->brisk */
bool woken;		/* the reader is to run */
bool mutex;		/* vq->mutex */

inline kick_expect()
{
	if
	:: !expected -> expected = true; quiet = false; guard = true
	:: else -> skip
	fi
}

/* kick_wakeup() in kick.c, under the eventfd's lock. */
inline kick()
{
	atomic {
		if
		:: expected -> skip
		:: !expected && diverted -> diverted = false; woken = true; kick_expect()
		:: !expected && !diverted -> work = true
		fi
	}
}

/* vq_pop_late(): look again at once, or after a while, or ask for a kick. */
inline vq_pop_late(again, is_worker)
{
	if
	:: brisk && is_worker -> again = true
	:: brisk -> late = true
	:: brisk = false; notify = true;
		if
#ifndef NO_RECHECK
		:: avail > 0 -> notify = false; again = true
#endif
		:: else -> skip
		fi
	fi
}

proctype driver()
{
	do
	:: made < CHAINS ->
		atomic { avail++; made++ };
		if
		:: notify -> kick()
		:: else -> skip
		fi
	:: else -> break
	od
}

/* mvs_recv_work() */
active proctype worker()
{
	bool again;

end:	do
	:: atomic { work -> work = false };
		again = false;
		atomic { !mutex -> mutex = true };
		if
#ifdef NO_DEADLINE
		:: handed_over -> skip
#else
		:: handed_over && late -> skip
		:: handed_over && !late -> handed_over = false; goto take
#endif
		:: !handed_over && expected -> skip
		:: !handed_over && !expected ->
take:			notify = false;
			if
			:: avail > 0 ->
				avail--;
				again = true;
				if :: brisk = true :: brisk = false fi
			:: avail > 0 ->
				handed_over = true;
#ifndef NO_DEADLINE
				late = true;
#endif
				woken = true
			:: avail == 0 -> vq_pop_late(again, true)
			fi
		fi;
		mutex = false;
		if
		:: again -> work = true
		:: else -> skip
		fi
	od
}

active proctype late_timer()
{
end:	do
	:: atomic { late -> late = false; work = true }
	od
}

/* kick_guard_expired() in kick.c */
active proctype guard_timer()
{
end:	do
#ifdef NO_GUARD
	:: atomic { guard -> guard = false }
#else
	:: atomic {
		guard -> guard = false;
		if
		:: !quiet -> quiet = true; guard = true
		:: quiet && expected -> expected = false; diverted = false; work = true
		:: quiet && !expected -> skip
		fi
	   }
#endif
	od
}

/* mvs_direct_read(), in recv(): now, later, or never again. */
active proctype reader()
{
	bool again, unkicked, to_worker;

end:	do
	:: woken || expected || handed_over ->
		woken = false;
		atomic { unkicked = expected; expected = false; quiet = false };
		to_worker = true;
		again = false;
		if
		:: atomic { !mutex -> mutex = true };
			unkicked = true;
			if :: diverted = true :: skip fi;
			notify = false;
			if
			:: avail > 0 ->
				avail--;
				if
				/* REST_ANSWER */
				:: to_worker = false; atomic { kick_expect() }
				/* REST_READER */
				:: to_worker = false; handed_over = true; late = true
				/* REST_WORKER */
				:: skip
				fi
			/* It is another's. */
			:: avail > 0 -> skip
			:: avail == 0 ->
				vq_pop_late(again, false);
				if
				:: again -> skip
				/* REST_NONE */
				:: else -> to_worker = false; handed_over = false
				fi
			fi;
			mutex = false
		:: mutex -> skip
		fi;
		/* direct_wake_worker() */
		atomic {
			if
			:: to_worker && handed_over -> handed_over = false; work = true
			:: to_worker && !handed_over && unkicked -> work = true
			:: else -> skip
			fi
		}
	:: true -> break
	od
}

/* Nothing moves any more. */
active proctype rest()
{
	timeout -> assert(made == CHAINS && avail == 0)
}

init { run driver() }
