/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lease of the TX virtqueue, for spin: whatever the interleaving is, and whether or not an
 * expected reader comes, no chain is left in the ring once no process can continue.
 *
 * Names are those of drivers/mvsock (virtqueue/lease.c and virtqueue.c, transport/recv.c and
 * direct.c). Where the code decides by time or by the content of a packet, the model takes both
 * branches. NO_TIMER, NO_RECHECK and NO_WAKE each remove a safeguard; spin must find that.
 */
#define CHAINS 3

mtype = { NONE, ARMED, HELD };

byte avail, made;	/* chains: not taken yet; made available so far */
bool notify = true;	/* the driver has to kick for the next one */
bool work;		/* the worker has to serve the virtqueue */
bool late;		/* the timer vq->late runs, which wakes the worker */
mtype state = NONE;	/* lease->state */
bool ticking, renewed;	/* likewise */
bool brisk;		/* vq->brisk */
bool woken;		/* the reader was woken */
bool mutex;		/* vq->mutex */

/* lease_apply() for events that lead to HELD. Under the lease's lock. */
inline lease_hold()
{
	state = HELD;
	renewed = ticking;
	ticking = true
}

/* mvs_lease_grant() */
inline lease_grant(granted)
{
	atomic {
		if
		:: state != HELD -> lease_hold(); granted = true
		:: else -> granted = false
		fi
	}
}

/* mvs_lease_kick(), under the eventfd's lock: a reader that is awake is not woken. */
inline kick()
{
	atomic {
		if
		:: state == HELD -> skip
		:: state == ARMED -> lease_hold(); woken = true
		:: state == ARMED -> lease_hold(); state = NONE; work = true
		:: state == NONE -> work = true
		fi
	}
}

/* vq_pop_late(): check again at once, or after a while, or enable kicks. */
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
	bool again, granted;

end:	do
	:: atomic { work -> work = false };
		again = false;
		atomic { !mutex -> mutex = true };
		if
		:: state == HELD -> skip
		:: else ->
			notify = false;
			if
			/* A data packet, which may be left to the reader. */
			:: avail > 0 ->
				lease_grant(granted);
				if
				:: granted -> woken = true
				:: else -> avail--; again = true
				fi
			:: avail > 0 ->
				avail--;
				again = true;
				/* mvs_direct_note() */
				if
				:: atomic { state == ARMED -> state = NONE }
				:: skip
				fi;
				if :: brisk = true :: brisk = false fi
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

/* lease_timer_expired() */
active proctype lease_timer()
{
end:	do
#ifdef NO_TIMER
	:: atomic { ticking -> ticking = false }
#else
	:: atomic {
		ticking ->
		if
		:: state == HELD && renewed -> renewed = false
		:: state == HELD && !renewed -> state = NONE; ticking = false; work = true
		:: state != HELD -> renewed = false; ticking = false
		fi
	   }
#endif
	od
}

/* mvs_direct_read(), in recv(): it runs now, later, or never again. */
active proctype reader()
{
	bool again, unkicked, to_worker, granted;

end:	do
	:: woken || state == HELD ->
		woken = false;
		/* mvs_lease_end() */
		atomic { unkicked = (state == HELD); state = NONE };
		to_worker = true;
		again = false;
		if
		:: atomic { !mutex -> mutex = true };
			unkicked = true;
			if :: atomic { state == NONE -> state = ARMED } :: skip fi;
			notify = false;
			if
			:: avail > 0 ->
				avail--;
				if
				/* REST_READER */
				:: to_worker = false; lease_grant(granted)
				/* REST_WORKER */
				:: skip
				fi
			/* The packet is for another connection. */
			:: avail > 0 -> skip
			:: avail == 0 ->
				vq_pop_late(again, false);
				if
				:: again -> skip
				/* REST_NONE */
				:: else -> to_worker = false
				fi
			fi;
			mutex = false
		:: mutex -> skip
		fi;
		if
#ifndef NO_WAKE
		:: to_worker && unkicked -> work = true
#endif
		:: else -> skip
		fi
	:: true -> break
	od
}

/* No process can continue. */
active proctype rest()
{
	timeout -> assert(made == CHAINS && avail == 0)
}

init { run driver() }
