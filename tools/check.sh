#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [OPTION...] [GROUP...]: the tests, by default all groups. Ends in
# "N passed, N failed". KERNEL is the Linux that is the host: 6.12, by default, or 7.3.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"
# shellcheck source=tools/check-guest.sh
. "$TOP/tools/check-guest.sh"
# shellcheck source=tools/check-rig.sh
. "$TOP/tools/check-rig.sh"
# shellcheck source=tools/check-model.sh
. "$TOP/tools/check-model.sh"
# shellcheck source=tools/bench-lib.sh
. "$TOP/tools/bench-lib.sh"
# shellcheck source=tools/check-bench.sh
. "$TOP/tools/check-bench.sh"
# shellcheck source=tools/check-docs.sh
. "$TOP/tools/check-docs.sh"
# shellcheck source=tools/check-names.sh
. "$TOP/tools/check-names.sh"
# shellcheck source=tools/check-show.sh
. "$TOP/tools/check-show.sh"
# shellcheck source=tools/check-faults.sh
. "$TOP/tools/check-faults.sh"
# shellcheck source=tools/check-race.sh
. "$TOP/tools/check-race.sh"
# shellcheck source=tools/check-soak.sh
. "$TOP/tools/check-soak.sh"
# shellcheck source=tools/check-smp.sh
. "$TOP/tools/check-smp.sh"
# shellcheck source=tools/check-install.sh
. "$TOP/tools/check-install.sh"
# shellcheck source=tools/debian.sh
. "$TOP/tools/debian.sh"

GROUPS_ALL=(lint rig model kunit fuzz device faults parity sockets load show smp umlguest guest packed viommu life migrate memory)
GROUPS_LONG=(install race soak pages)
# What keeps one processor busy, the longest first: these run side by side.
GROUPS_SINGLE=(device lint faults parity sockets fuzz umlguest kunit rig model)
# User-mode Linux has several processors since 7.0. The packages of later headers ask for
# more than Debian 12 has.
if [[ $KERNEL != 6.12 ]]; then
	GROUPS_ALL+=(umlsmp)
	GROUPS_LONG=(soak pages vmtest)
fi
WORK=$BUILD/check
MODULE=mvsock
FUZZ_SECONDS=20
# The same tree is checked with the same random input, as good as another's.
FUZZ_SEED=$(git -C "$TOP" rev-parse "HEAD^{tree}" 2>/dev/null) || FUZZ_SEED=1
FUZZ_SEED=$((16#${FUZZ_SEED:0:7}))
SOAK_HOURS=0.05
PAGES_TIMES=20
PAGES_MB=1024
PASSED=0 FAILED=0 SKIPPED=0 FAILURES=()

usage()
{
	cat <<-END
	usage: tools/check.sh [OPTION...] [GROUP...]
	  lint    checkpatch, W=1, sparse, names, shellcheck, the manual
	  rig     programs in user-mode Linux keep their registers, what fails says why
	  model   spin finds no state in which a chain is left and nothing looks for it
	  kunit   the KUnit suites, in user-mode Linux
	  fuzz    random rings, chains, packets and calls, in user-mode Linux
	  device  the ring driver on /dev/vhost-vsock, in user-mode Linux
	  faults  each allocation and each mapping fails once, in user-mode Linux
	  parity  each ioctl answers as with vhost_vsock, in user-mode Linux
	  sockets the host's sockets do as with vhost_vsock, in user-mode Linux
	  load    the load generator's two ends count the same, in user-mode Linux and with KVM
          guests
	  show    what mvsockctl, ss, tcpdump, trace-cmd and bpftrace show, in user-mode Linux
          and in QEMU
	  smp     memory that moves, races, busy polling, random guests, on two processors, in
          QEMU
	  umlsmp  the same, the group sockets and the KUnit suites in user-mode Linux, with
          KERNEL=7.3
	  umlguest the kernel's tests of vsock with an emulated guest, in user-mode Linux
	  guest   the kernel's tests of vsock with a KVM guest, on Debian's kernel in QEMU
	  packed  the same with packed virtqueues
	  viommu  the same behind a vIOMMU
	  life    a KVM guest that reboots, loses its device, is killed: under traffic
	  migrate a KVM guest that is saved, loaded and moved: under traffic
	  memory  a KVM guest whose memory moves, grows, is a file: under traffic
	  and, as they take long, only when named:
	  install Debian packages: installed, upgraded, removed, in a Debian 12 in QEMU (as root)
	  race    races, on kernels with KCSAN, and with KASAN and lockdep, in QEMU
	  soak    guests under traffic for hours, while they reboot and memory is short
	  vmtest  the kernel's own script of namespaces with KVM guests, with KERNEL=7.3
	  pages   KVM guests under traffic, with each module, while the host moves their pages
	options:
	  --long       the long groups, in the place of the others
	  --upstream   the kernel's own vhost_vsock takes the place of mvsock in the
	               groups device, load, smp, umlsmp and those with guests
	  --seconds N  that the group fuzz takes, at most 1000
	  --seed N     for what is random, in the place of the tree's own; "random": any
	  --hours N    that the group soak takes, in the place of three minutes
	  --times N    guests that the group pages has with each module, in the place of 20
	  --mb N       MiB that each of them gets and sends, in the place of 1024
	END
}

# --- results ------------------------------------------------------------------

ok()
{
	say "ok - $GROUP: $1"
	PASSED=$((PASSED + 1))
}

# not_ok NAME: explained by standard input.
not_ok()
{
	say "not ok - $GROUP: $1"
	sed 's/^/    /'
	FAILED=$((FAILED + 1))
	FAILURES+=("$GROUP: $1")
}

# skip NAME: explained by standard input.
skip()
{
	say "skip - $GROUP: $1"
	sed 's/^/    /'
	SKIPPED=$((SKIPPED + 1))
}

# verdict NAME TEXT: ok if there is nothing to say against it.
verdict()
{
	if [[ -z $2 ]]; then ok "$1"; else not_ok "$1" <<<"$2"; fi
}

# --- building -----------------------------------------------------------------

# build WHAT FOLDER COMMAND...: one group at a time, or says why there is none.
build()
{
	local what=$1 dir=$2 fd status=0

	shift 2
	exec {fd}>"$dir.lock"
	flock "$fd"
	quietly "$dir.log" "$@" || status=1
	exec {fd}>&-
	((status == 0)) || not_ok "$what" < <(grep -E 'error|Error' "$dir.log" | head -n 20)
	return "$status"
}

# built FOLDER KDIR [ARGUMENT...]: builds the module.
built() { build "the module builds" "$1" build_module "$@"; }

build_debug() { built "$BUILD/uml-debug" "$(uml_dir debug)" ARCH=um; }

build_smp() { built "$BUILD/uml-smp" "$(uml_dir smp)" ARCH=um; }

build_plain() { built "$BUILD/uml-plain" "$(uml_dir plain)" ARCH=um; }

build_stock() { built "$BUILD/stock" "$(headers_dir)"; }

# tested FOLDER: the module under test, for modules_for.
tested()
{
	if [[ $MODULE == mvsock ]]; then echo "$1/mvsock.ko"; else echo "$MODULE"; fi
}

# --- lint ---------------------------------------------------------------------

group_lint()
{
	lint_build "Debian's kernel" "$(headers_dir)"
	lint_build "user-mode Linux" "$(uml_dir debug)" ARCH=um MVSOCK_COVERAGE=1
	lint_refusal
	# What a later kernel's scripts ask for the oldest one may not have.
	[[ $KERNEL == 6.12 ]] || return 0
	lint_checkpatch
	lint_shellcheck
	lint_names "$BUILD/lint"
	verdict "no include and no call points up a layer" \
		"$("$TOP/tools/check-layers.sh" "$BUILD/lint/drivers/mvsock" 2>&1)"
	lint_docs
	verdict "one version everywhere" "$(check_versions)"
}

# Where the kernel does not see what the VMM wrote there must be no module.
lint_refusal()
{
	local out

	out=$(make -C "$BUILD/lint" KDIR="$(uml_dir debug)" ARCH=um \
		CONFIG_ARCH_HAS_CPU_CACHE_ALIASING=y modules 2>&1) || true
	verdict "no module for caches with aliases" \
		"$(grep -q 'needs data caches without aliases' <<<"$out" || echo "$out")"
}

lint_checkpatch()
{
	local files

	mapfile -t files < <(find "$TOP"/{drivers,include,kunit,tools} -name '*.[ch]' \
		! -name trace.h ! -name compat.h)
	verdict "checkpatch --strict" "$(checkpatch "${files[@]}")"
	# Trace events have a form of their own, here as in the kernel.
	verdict "checkpatch --strict, trace events" \
		"$(checkpatch --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT "$TOP"/include/mvsock/trace.h)"
	# What a kernel has no use for.
	verdict "checkpatch --strict, compatibility" \
		"$(checkpatch --ignore MACRO_ARG_UNUSED "$TOP"/include/mvsock/compat.h)"
}

checkpatch()
{
	"$LINUX/source/scripts/checkpatch.pl" --strict --no-tree --terse --no-summary \
		--show-types -f "$@" 2>&1
}

# lint_build WHAT KDIR [ARGUMENT...]: from nothing, for what is up to date does
# not warn.
lint_build()
{
	local what="W=1 and sparse are silent, $1" dir=$BUILD/lint

	# Later kernels leave out a sparse as old as Debian 12's.
	[[ $KERNEL == 6.12 ]] || what="W=1 is silent, $1"
	shift
	rm -rf "$dir"
	if quietly "$dir.log" build_module "$dir" "$@" W=1 C=2; then
		verdict "$what" "$(grep -iE 'warning|error|ERROR' "$dir.log" || true)"
	else
		not_ok "$what" < <(grep -iE 'warning|error' "$dir.log")
	fi
}

lint_shellcheck()
{
	local files

	mapfile -t files < <(cd "$TOP" && grep -rlE '^#!.*sh$|^# shellcheck shell' tools .ci)
	verdict "shellcheck" "$(cd "$TOP" && shellcheck -x -P . "${files[@]}" 2>&1)"
}

# --- what is checked after a kernel ran ---------------------------------------

# report_kernel CHECK...: its log, and what host.sh checked at the end.
report_kernel()
{
	local check

	if [[ ! -e $RUN/out/status ]]; then
		not_ok_all "the kernel runs to its end" "$@" < <(explain_boot)
		return
	fi
	verdict "kernel log is clean" "$(unexpected "$RUN/out/dmesg")"
	for check; do
		verdict "$(check_name "$check")" "$(check_result "$RUN/out/$check")"
	done
}

check_name()
{
	case $1 in
	leak) echo "no leak" ;;
	reload) echo "unloads and loads again" ;;
	busy) echo "beside vhost_vsock it refuses to load, and says why" ;;
	esac
}

# check_result FILE: what a check printed, if it failed.
check_result()
{
	if [[ ! -e $1 ]]; then
		echo "it was not reached"
	elif [[ $(tail -n 1 "$1") != "exit status 0" ]]; then
		head -n 40 "$1"
	fi
}

not_ok_all()
{
	local name=$1 check

	shift
	not_ok "$name"
	for check; do
		not_ok "$(check_name "$check")" <<<"it was not reached"
	done
}

# unexpected DMESG: what should not be there. The one known warning, from the
# option that CONFIG_MMU_NOTIFIER hangs on in user-mode Linux, is left out.
unexpected()
{
	awk '
	{ sub(/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?/, "") }
	/\[ cut here \]/ { text = ""; known = 0; inside = 1 }
	inside {
		text = text $0 "\n"
		if (/drivers\/(virt-pci|virtio_pcidev)\.c/) known = 1
		if (/end trace/) { if (!known) printf "%s", text; inside = 0 }
		next
	}
	/WARNING|BUG[: ]|KASAN|UBSAN|ODEBUG|INFO:|Oops|Call Trace|Kernel panic/ ||
	/possible .* (deadlock|dependency|recursi)|suspicious RCU|bad unlock/ ||
	/general protection|refcount_t|list_(add|del) corruption|stack guard/ ||
	/DEBUG_LOCKS|turning off the locking/ ||
	/kmemleak: .*(new suspected|disabled|Cannot|exhausted|unable)/ ||
	/segfault|page allocation failure|out of memory|hung_task|soft lockup/ { print }
	END { if (inside && !known) printf "%s", text }' "$1" | head -n 60
}

# --- kunit --------------------------------------------------------------------

group_kunit()
{
	build_debug || return 0
	kunit_run kunit debug busy leak reload
}

# kunit_run NAME KIND CHECK...: in that user-mode Linux, the module for which is built.
kunit_run()
{
	local name=$1 kind=$2

	shift 2
	new_run "$WORK/$name"
	set_env JOB kunit
	set_env MODULES "$(modules_for "$(uml_dir "$kind")" "$BUILD/uml-$kind/mvsock.ko" | paste -sd' ')"
	set_env KUNIT_MODULES "$(find "$BUILD/uml-$kind" -name '*kunit*.ko' | paste -sd' ')"
	set_env OTHER "$(modules_for "$(uml_dir "$kind")" vhost_vsock | paste -sd' ')"
	set_env CHECKS "$*"
	boot_uml "$kind" 300 'kunit.filter_glob=mvsock*' || true
	report_kunit
	report_kernel "$@"
}

# report_kunit: kunit.py tells what passed; why a case failed stands above it in
# the log.
report_kunit()
{
	local log=$RUN/kunit.tap status name

	# The last report alone: the kernel has one of its own at boot, of nothing.
	sed -E 's/\r$//; s/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?//' "$(kernel_log)" |
		awk '/^KTAP version 1/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' >"$log"
	PYTHONDONTWRITEBYTECODE=1 python3 "$LINUX/source/tools/testing/kunit/kunit.py" \
		parse --json="$RUN/kunit.json" "$log" >"$RUN/kunit.txt" 2>&1 || true
	[[ -n $(kunit_cases "$RUN/kunit.json") ]] || not_ok "the suites run" < <(explain_boot)
	while read -r status name; do
		case $status in
		PASS) ok "$name" ;;
		SKIP) skip "$name" <<<"the case skips itself" ;;
		*) not_ok "$name" < <(explain_case "$log" "${name##*: }") ;;
		esac
	done < <(kunit_cases "$RUN/kunit.json")
}

kernel_log()
{
	if [[ -s $RUN/out/dmesg ]]; then echo "$RUN/out/dmesg"; else echo "$RUN/console.log"; fi
}

# kunit_cases JSON: "STATUS suite: case: parameter" a line.
kunit_cases()
{
	[[ -s $1 ]] || return 0
	python3 - "$1" <<-'END'
	import json, sys

	def walk(group, path):
	    for case in group.get("test_cases", []):
	        print(case["status"], ": ".join(path + [case["name"]]))
	    for sub in group.get("sub_groups", []):
	        walk(sub, path + [sub["name"]])

	top = json.load(open(sys.argv[1]))
	for group in top.get("sub_groups", []):
	    walk(group, [group["name"]])
	END
}

explain_case()
{
	awk -v name="$2" '
	/^ *(not )?ok [0-9]+ / {
		if (index($0, name) && /^ *not ok/) { printf "%s", text; found = 1 }
		text = ""; next
	}
	{ text = text $0 "\n" }
	END { if (!found) printf "%s", text }' "$1" | tail -n 30
}

# --- fuzz ---------------------------------------------------------------------

# Half of the time on the parsers alone, half on the whole device.
group_fuzz()
{
	local dir=$BUILD/uml-fuzz half=$((FUZZ_SECONDS / 2))

	built "$dir" "$(uml_dir debug)" ARCH=um MVSOCK_COVERAGE=1 || return 0
	build_ring || return 0
	say "  the same again: make fuzz SECONDS=$FUZZ_SECONDS SEED=$FUZZ_SEED"
	new_run "$WORK/fuzz"
	set_env JOB fuzz
	set_env MODULES "$(modules_for "$(uml_dir debug)" "$dir/mvsock.ko" | paste -sd' ')"
	set_env KUNIT_MODULES "$dir/mvsock_kunit.ko"
	set_env PROGRAMS "$BUILD/testing/fuzz"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env FUZZ_SECONDS "$half"
	set_env TIMEOUT $((half + 60))
	set_env CHECKS "leak reload"
	boot_uml debug $((FUZZ_SECONDS + 300)) kunit.filter_glob=fuzz_mvsock || true
	report_kunit
	report_tap fuzz
	sed -n '/reached:/d; s/^    # \(fuzz_[a-z]*: [0-9]\)/  \1/p' "$RUN/kunit.tap"
	report_coverage "$dir"
	report_kernel leak reload
}

# report_coverage FOLDER: what the KUnit suite reached of the code under test.
report_coverage()
{
	local listing=$BUILD/uml-fuzz-listing objects

	objects=$(cd "$1" && grep -l __sanitizer_cov_trace_pc drivers/mvsock/*/*.o)
	copy_module_source "$listing"
	# shellcheck disable=SC2086 # words
	quietly "$listing.log" make -C "$(uml_dir debug)" M="$listing" ARCH=um \
		MVSOCK_COVERAGE=1 KCFLAGS=-mcmodel=small $objects || return 0
	"$TOP/tools/coverage.sh" "$1" "$listing" "$RUN/kunit.tap" >"$RUN/coverage.txt"
	awk 'NF == 3 { print "  " $1 ": reached " $2 " of " $3 " lines" }' "$RUN/coverage.txt"
	say "  the others: $RUN/coverage.txt"
}

# --- device -------------------------------------------------------------------

build_ring()
{
	build "the ring driver builds" "$BUILD/testing" make -C "$TOP/tools/testing" O="$BUILD/testing" \
		UAPI="$LINUX/source/include/uapi"
}

group_device()
{
	[[ $MODULE != mvsock ]] || build_debug || return 0
	build_ring || return 0
	new_run "$WORK/device"
	set_env JOB device
	set_env MODULES "$(modules_for "$(uml_dir debug)" vsockmon "$(tested "$BUILD/uml-debug")" | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/device_test"
	set_env TIMEOUT 1200
	set_env CHECKS "leak reload"
	races_env "$BUILD/testing/races" 1
	boot_uml debug 1800 || true
	report_tap device_test
	report_tap races
	report_kernel leak reload
}

# report_tap PROGRAM: "# ..." lines after a "not ok" explain it.
report_tap()
{
	local file=$RUN/out/$1.tap line wanted got=0

	if [[ ! -e $file ]]; then
		not_ok "$1" < <(echo "it was not reached"; explain_boot)
		return
	fi
	while read -r line; do
		got=$((got + 1))
		case $line in
		ok*"# SKIP"*) skip "$1: $(tap_name "${line%%# SKIP*}")" <<<"${line##*# SKIP }" ;;
		ok*) ok "$1: $(tap_name "$line")" ;;
		*) not_ok "$1: $(tap_name "$line")" < <(explain_tap "$file" "$line") ;;
		esac
	done < <(grep -E '^(not )?ok ' "$file")
	wanted=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$file")
	if [[ $got != "${wanted:-none}" ]] || ((got == 0)); then
		not_ok "$1: all its tests are run" < <(echo "planned: ${wanted:-none}, seen: $got"
			tail -n 5 "$file")
	fi
}

tap_name() { sed -E 's/^(not )?ok [0-9]+ *-? *//; s/ *$//' <<<"$1"; }

# explain_tap FILE LINE: the "# ..." lines around it.
explain_tap()
{
	awk -v line="$2" '
	$0 == line { printf "%s", before; found = 1; next }
	/^(not )?ok / { if (found) exit; before = ""; next }
	found { print; next }
	{ before = before $0 "\n" }' "$1" | head -n 20
}

# --- parity -------------------------------------------------------------------

# Without debugging, which makes it three times as long.
group_parity()
{
	build_plain && build_ring || return 0
	compare_modules plain parity reload
}

group_sockets()
{
	build_debug && build_ring || return 0
	compare_modules debug sockets leak reload
}

# compare_modules KIND PROGRAM CHECK...: always of mvsock: vhost_vsock is what
# it is compared with.
compare_modules()
{
	local kind=$1 program=$2

	shift 2
	new_run "$WORK/$GROUP-$program"
	set_env JOB parity
	set_env MODULES "$(modules_for "$(uml_dir "$kind")" "$BUILD/uml-$kind/mvsock.ko" | paste -sd' ')"
	set_env OTHER "$(modules_for "$(uml_dir "$kind")" vhost_vsock | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/$program"
	set_env TIMEOUT 600
	set_env CHECKS "$*"
	boot_uml "$kind" 1300 || true
	report_tap "$program"
	report_kernel "$@"
}

# --- load ---------------------------------------------------------------------

group_load()
{
	[[ $MODULE != mvsock ]] || build_plain || return 0
	build_ring || return 0
	new_run "$WORK/load"
	set_env JOB load
	set_env MODULES "$(modules_for "$(uml_dir plain)" "$(tested "$BUILD/uml-plain")" | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/load"
	set_env TIMEOUT 100
	set_env CHECKS "reload"
	boot_uml plain 200 || true
	report_load
	check_tables
	report_kernel reload
	load_kvm
}

report_load()
{
	local name

	for name in $("$BUILD/testing/load" --list); do
		verdict "$name" "$(grep -qs "^$name: " "$RUN/out/load" ||
			tail -n 3 "$RUN/out/load" 2>&1)"
	done
}

# --- main ---------------------------------------------------------------------

# run_group GROUP
run_group()
{
	local start=$SECONDS before=$((PASSED + FAILED + SKIPPED))

	GROUP=$1
	say "# $GROUP: $(usage | sed -n "s/^ *$GROUP  *//p")"
	"group_$GROUP"
	((PASSED + FAILED + SKIPPED > before)) || not_ok "runs tests" <<<"it ran none"
	say "# $GROUP: $((SECONDS - start)) s"
}

# lane GROUP CPU: in a process of its own. What it says, and its sum, are kept.
lane()
{
	trap clean_up EXIT
	trap 'exit 143' TERM
	CLEAN_GROUPS=() CLEAN_PATHS=() PASSED=0 FAILED=0 SKIPPED=0 FAILURES=()
	taskset -cp "$2" "$BASHPID" >/dev/null
	run_group "$1"
	{
		echo "$PASSED $FAILED $SKIPPED"
		printf '%s\n' "${FAILURES[@]}"
	} >"$WORK/$1.sum"
}

# end_lane PID: prints what it said, and adds its sum to ours.
end_lane()
{
	local passed failed skipped

	GROUP=${LANES[$1]%,*}
	FREE_CPUS+=("${LANES[$1]#*,}")
	unset "LANES[$1]"
	reap "$1" || true
	cat "$WORK/$GROUP.said"
	if [[ ! -s $WORK/$GROUP.sum ]]; then
		not_ok "runs to its end" <<<"its process ended before"
		return
	fi
	{
		read -r passed failed skipped
		mapfile -t -O "${#FAILURES[@]}" FAILURES < <(sed '/^$/d')
	} <"$WORK/$GROUP.sum"
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
}

# wait_for_lane: until one of them is over.
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

# lane_cpus: our processors, as many as there are 4 GiB of memory for.
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
		say "# $group begins; what it finds is shown when it ends"
		spawn lane "$group" "$cpu" >"$WORK/$group.said" 2>&1 </dev/null
		LANES[$SPAWNED]=$group,$cpu
	done
	while ((${#LANES[@]})); do wait_for_lane; done
}

# run_groups GROUP...: of several, those first that need one processor.
run_groups()
{
	local group single=() others=()

	for group in "${GROUPS_SINGLE[@]}"; do
		[[ " $* " != *" $group "* ]] || single+=("$group")
	done
	for group; do
		[[ " ${single[*]} " == *" $group "* ]] || others+=("$group")
	done
	((${#single[@]} > 1)) || { others=("$@"); single=(); }
	run_side_by_side "${single[@]}"
	for group in "${others[@]}"; do run_group "$group"; done
}

# parts GROUP...: what setup.sh has to prepare for them.
parts()
{
	local group

	echo packages qemu guest
	for group; do
		case $group in
		lint) echo docs headers uml-debug ;;
		rig | kunit | fuzz | device | faults | sockets) echo uml-debug ;;
		model) echo model ;;
		parity) echo uml ;;
		load) echo uml headers ;;
		umlguest) echo uml-debug vmlinux vsock_test ;;
		soak) echo uml-debug vmlinux ;;
		guest | packed | viommu) echo headers vsock_test ;;
		vmtest) echo vmtest headers vsock_test ;;
		smp | life | migrate | memory | pages) echo headers ;;
		show) echo show uml-debug headers ;;
		umlsmp) echo uml-smp ;;
		install) echo deb debian ;;
		race) echo x86-kcsan x86-kasan ;;
		esac
	done
}

number()
{
	[[ $1 =~ ^(0x)?[0-9a-fA-F]+$ ]] || die "'$1' is no number"
	echo $(($1))
}

seed()
{
	if [[ $1 == random ]]; then
		echo $((1 + (RANDOM << 15 | RANDOM)))
	else
		number "$1"
	fi
}

main()
{
	local groups=()

	while (($#)); do
		case $1 in
		--upstream) MODULE=vhost_vsock ;;
		--long) groups+=("${GROUPS_LONG[@]}") ;;
		--seconds) FUZZ_SECONDS=$(number "${2:-}") || exit; shift ;;
		--seed) FUZZ_SEED=$(seed "${2:-}") || exit; shift ;;
		--hours) SOAK_HOURS=${2:-}; shift ;;
		--times) PAGES_TIMES=$(number "${2:-}") || exit; shift ;;
		--mb) PAGES_MB=$(number "${2:-}") || exit; shift ;;
		*)
			[[ " ${GROUPS_ALL[*]} ${GROUPS_LONG[*]} " == *" $1 "* ]] || { usage >&2; exit 2; }
			groups+=("$1")
			;;
		esac
		shift
	done
	# KUnit gives a case 300 seconds.
	((FUZZ_SECONDS <= 1000)) || die "--seconds is at most 1000"
	((${#groups[@]})) || groups=("${GROUPS_ALL[@]}")
	mkdir -p "$WORK"
	lock "$BUILD/check.lock" "runs make check"
	# shellcheck disable=SC2046 # words
	"$TOP/tools/setup.sh" $(parts "${groups[@]}")
	use_cache
	choose_accel
	run_groups "${groups[@]}"
	summary
}

summary()
{
	local failure

	((SKIPPED == 0)) || say "$SKIPPED skipped, for the reasons above"
	for failure in "${FAILURES[@]}"; do say "failed, as explained above: $failure"; done
	say "$PASSED passed, $FAILED failed"
	((FAILED == 0))
}

main "$@"
