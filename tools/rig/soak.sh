# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # sourced by host.sh, whose variables it has
#
# The job "soak": guests of the ring driver and one in QEMU, under traffic, and what the
# kernel has allocated before and after.

# What is allocated once is so then.
WARM_SECONDS=10
# More in a cache, and more pages, are a leak: connections there are by the thousand.
SLACK_OBJECTS=100
SLACK_KB=2048

job_soak()
{
	exec 3>&1 # what a step prints is not for a person
	soak_run $WARM_SECONDS || return
	allocated >"$OUT/allocated-before"
	guest_start || return
	tell "the guest is up, $(seconds) s after power-on"
	run_steps streams_begin all_guests_under_traffic streams_end_with_every_byte
	tap=$OUT/allocated.tap
	number=1
	echo "1..1" >"$tap"
	run_step "slabs and pages return to where they were" compare_allocated
}

# soak_run SECONDS
soak_run()
{
	{
		"$PROGRAMS" --seed "$FUZZ_SEED" --seconds "$1" 2>&1 >"$OUT/soak.tap"
		echo $? >/dev/shm/soak
	} | while read -r line; do
		tell "$line"
	done
	return "$(cat /dev/shm/soak)"
}

step_streams_begin() { traffic_start; }

step_all_guests_under_traffic() { soak_run "$SOAK_SECONDS" >&3; }

step_streams_end_with_every_byte() { traffic_moves && traffic_stop; }

# allocated: "CACHE OBJECTS" of each slab cache, and "pages KB" of what is not free.
# Caches are shrunk twice: one may have freed what another one has.
allocated()
{
	# AF_VSOCK keeps a socket that was connected without waiting until its timeout is
	# over, closed or not, and a closed one may wait 8 seconds for its guest.
	sleep 65
	for _ in 1 2; do
		sleep 5
		sync
		echo 3 >/proc/sys/vm/drop_caches
		echo 1 >/proc/sys/vm/compact_memory
		for cache in /sys/kernel/slab/*/shrink; do
			echo 1 >"$cache"
		done
	done
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo
	awk '/^MemTotal:/ { all = $2 } /^MemFree:/ { print "pages", all - $2 }' /proc/meminfo
}

# The debugging of the kernel keeps what it has once had, in a cache of its own.
compare_allocated()
{
	allocated >"$OUT/allocated-after"
	awk -v objects=$SLACK_OBJECTS -v kb=$SLACK_KB '
	NR == FNR { before[$1] = $2; next }
	$1 == "debug_objects_cache" { next }
	{ more = $2 - before[$1]; slack = $1 == "pages" ? kb : objects }
	more > slack { print $1 ": " more " more than " before[$1]; bad = 1 }
	END { exit bad }' "$OUT/allocated-before" "$OUT/allocated-after"
}
