# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Groups side by side, one on each processor. Sourced by check.sh.

# lane GROUP CPU: in a process of its own. Its output and its sums are kept in files.
lane()
{
	trap clean_up EXIT
	trap 'exit 143' TERM
	# shellcheck disable=SC2034 # of lib.sh
	CLEAN_GROUPS=() CLEAN_PATHS=() PASSED=0 FAILED=0 SKIPPED=0 FAILURES=()
	taskset -cp "$2" "$BASHPID" >/dev/null
	run_group "$1"
	{
		echo "$PASSED $FAILED $SKIPPED"
		printf '%s\n' "${FAILURES[@]}"
	} >"$WORK/$1.sum"
}

# end_lane PID: prints its output, and adds its sums to the totals.
end_lane()
{
	local passed failed skipped

	GROUP=${LANES[$1]%,*}
	FREE_CPUS+=("${LANES[$1]#*,}")
	unset "LANES[$1]"
	reap "$1" || true
	cat "$WORK/$GROUP.said"
	if [[ ! -s $WORK/$GROUP.sum ]]; then
		not_ok "runs to its end" <<<"its process ended early"
		return
	fi
	{
		read -r passed failed skipped
		mapfile -t -O "${#FAILURES[@]}" FAILURES < <(sed '/^$/d')
	} <"$WORK/$GROUP.sum"
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
}

# wait_for_lane: waits until one of them ends.
wait_for_lane()
{
	local pid waited=0

	while :; do
		for pid in "${!LANES[@]}"; do
			kill -0 "$pid" 2>/dev/null || { end_lane "$pid"; return; }
		done
		((++waited % 60)) || say "  ... $(printf '%s ' "${LANES[@]%,*}")still running"
		sleep 1 || true
	done
}

# lane_cpus: the available processors, one for each 4 GiB of memory.
lane_cpus()
{
	our_cpus | head -n "$(awk '$1 == "MemAvailable:" { n = int($2 / 2^22); print n ? n : 1 }' /proc/meminfo)"
}

# run_side_by_side GROUP...: one on each processor.
run_side_by_side()
{
	local group cpu FREE_CPUS=()
	local -A LANES=()

	mapfile -t FREE_CPUS < <(lane_cpus)
	for group; do
		((${#FREE_CPUS[@]})) || wait_for_lane
		cpu=${FREE_CPUS[-1]}
		unset "FREE_CPUS[-1]"
		rm -f "$WORK/$group.sum"
		say "# $group begins; its results are shown when it ends"
		spawn lane "$group" "$cpu" >"$WORK/$group.said" 2>&1 </dev/null
		LANES[$SPAWNED]=$group,$cpu
	done
	while ((${#LANES[@]})); do wait_for_lane; done
}
