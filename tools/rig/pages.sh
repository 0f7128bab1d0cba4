# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2015,SC2034,SC2086,SC2154 # sourced by host.sh, whose variables it has
#
# The job "pages": KVM guests with checked streams, while the host moves their
# memory: transparent huge pages are collapsed and split, pages merged, ballooned and
# compacted. PAGES_TIMES guests with mvsock and with vhost_vsock each, each of which
# echoes PAGES_MB in both directions.

THP=/sys/kernel/mm/transparent_hugepage
KSM=/sys/kernel/mm/ksm

# Timeout for a guest's streams.
PAGES_SECONDS=600

job_pages()
{
	echo always >$THP/enabled && echo always >$THP/defrag &&
		echo 10 >$THP/khugepaged/scan_sleep_millisecs &&
		echo 100 >$THP/khugepaged/alloc_sleep_millisecs &&
		echo 4096 >$THP/khugepaged/pages_to_scan &&
		echo 1 >$KSM/run && echo 10 >$KSM/sleep_millisecs || return
	export TRAFFIC_PAUSE_US=0
	# A guest that shuts down by itself is kept for inspection.
	GUEST_OPTIONS="-monitor unix:$MONITOR,server=on,wait=off -device virtio-balloon-pci -action shutdown=pause"
	tap=$OUT/traffic.tap
	echo "1..$((2 * PAGES_TIMES))" >"$tap"
	number=0
	pages_module mvsock && unload "$TESTED.ko" && insert $OTHER &&
		pages_module vhost_vsock && unload "${OTHER##*/}" && insert "${MODULES##* }"
	grep -E 'thp_collapse_alloc |thp_split_p|compact_success|pgmigrate_success|ksm_swpin|balloon_inflate' \
		/proc/vmstat >"$OUT/vmstat"
	grep . $KSM/pages_sharing >>"$OUT/vmstat"
}

# pages_module NAME: continues after a guest that failed.
pages_module()
{
	round=1
	while [ $round -le "$PAGES_TIMES" ]; do
		number=$((number + 1))
		run_step "$1: guest $round keeps its streams while its memory moves" pages_round
		pages_end
		round=$((round + 1))
	done
}

pages_round()
{
	rm -f progress
	guest_start && traffic_start || return
	pages_move &
	mover=$!
	pages_wait || pages_blame || return
	kill $mover
	traffic_stop
}

# pages_wait: not wait_for, which counts tries: each takes long if the guest does not answer.
pages_wait()
{
	end=$(($(seconds) + PAGES_SECONDS))
	until pages_sent; do
		[ "$(seconds)" -lt $end ] || return
		sleep 0.2
	done
}

pages_blame()
{
	echo "$PAGES_MB MiB are not there after $PAGES_SECONDS s; progress:"
	cat progress
	blame "the streams stand still"
}

pages_end()
{
	kill $mover 2>/dev/null
	end_kill
	guest_stop
}

pages_sent() { beyond $((PAGES_MB << 20)) && guest_end "beyond $((PAGES_MB << 20))"; }

# pages_move: runs until it is killed.
pages_move()
{
	while :; do
		for size in 160 256; do
			hmp "balloon $size" >/dev/null
			echo 1 >/proc/sys/vm/compact_memory
			sleep 1
		done
	done
}
