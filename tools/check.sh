#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [OPTION...] [GROUP...]: runs the tests, by default all groups. The last line is
# "N passed, N failed". KERNEL is the host's Linux: 6.12, by default, or 7.3.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"
# shellcheck source=tools/bench/lib.sh
. "$TOP/tools/bench/lib.sh"
# shellcheck source=tools/check/arch.sh
. "$TOP/tools/check/arch.sh"
# shellcheck source=tools/check/bench.sh
. "$TOP/tools/check/bench.sh"
# shellcheck source=tools/check/device.sh
. "$TOP/tools/check/device.sh"
# shellcheck source=tools/check/docs.sh
. "$TOP/tools/check/docs.sh"
# shellcheck source=tools/check/faults.sh
. "$TOP/tools/check/faults.sh"
# shellcheck source=tools/check/fuzz.sh
. "$TOP/tools/check/fuzz.sh"
# shellcheck source=tools/check/guest.sh
. "$TOP/tools/check/guest.sh"
# shellcheck source=tools/check/install.sh
. "$TOP/tools/check/install.sh"
# shellcheck source=tools/check/kunit.sh
. "$TOP/tools/check/kunit.sh"
# shellcheck source=tools/check/lanes.sh
. "$TOP/tools/check/lanes.sh"
# shellcheck source=tools/check/lint.sh
. "$TOP/tools/check/lint.sh"
# shellcheck source=tools/check/load.sh
. "$TOP/tools/check/load.sh"
# shellcheck source=tools/check/machines.sh
. "$TOP/tools/check/machines.sh"
# shellcheck source=tools/check/model.sh
. "$TOP/tools/check/model.sh"
# shellcheck source=tools/check/names.sh
. "$TOP/tools/check/names.sh"
# shellcheck source=tools/check/parity.sh
. "$TOP/tools/check/parity.sh"
# shellcheck source=tools/check/race.sh
. "$TOP/tools/check/race.sh"
# shellcheck source=tools/check/report.sh
. "$TOP/tools/check/report.sh"
# shellcheck source=tools/check/rig.sh
. "$TOP/tools/check/rig.sh"
# shellcheck source=tools/check/show.sh
. "$TOP/tools/check/show.sh"
# shellcheck source=tools/check/smp.sh
. "$TOP/tools/check/smp.sh"
# shellcheck source=tools/check/soak.sh
. "$TOP/tools/check/soak.sh"
# shellcheck source=tools/debian.sh
. "$TOP/tools/debian.sh"

GROUPS_ALL=(lint arch rig model kunit fuzz device faults parity sockets load show smp umlguest guest packed viommu siblings life migrate memory)
GROUPS_LONG=(install race soak pages "${MACHINES[@]}")
# Groups that keep one processor busy, the longest first: these run side by side.
GROUPS_SINGLE=(device lint faults parity sockets fuzz umlguest arch kunit rig model)
# User-mode Linux has several processors since 7.0. The headers packages of later kernels need
# more than Debian 12 has.
if [[ $KERNEL != 6.12 ]]; then
	GROUPS_ALL+=(umlsmp)
	GROUPS_LONG=(soak pages vmtest)
fi
WORK=$BUILD/check
MODULE=mvsock
FUZZ_SECONDS=20
# The same tree is always checked with the same random input.
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
	  arch    the module builds for arm64 and s390x, with W=1 and sparse
	  rig     the test rig itself: registers in user-mode Linux, messages of failures
	  model   spin finds no state in which an available chain is never processed
	  kunit   the KUnit suites, in user-mode Linux
	  fuzz    random rings, chains, packets and calls, in user-mode Linux
	  device  the ring driver on /dev/vhost-vsock, in user-mode Linux
	  faults  each allocation and each mapping fails once, in user-mode Linux
	  parity  each ioctl behaves as with vhost_vsock, in user-mode Linux
	  sockets the host's sockets behave as with vhost_vsock, in user-mode Linux
	  load    both ends of each load count the same, in user-mode Linux and with KVM guests
	  show    the output of mvsockctl, ss, tcpdump, trace-cmd and bpftrace for a device
	  smp     moving memory, races, busy polling, random guests, on two processors in QEMU
	  umlsmp  the same, sockets and the KUnit suites in user-mode Linux, with KERNEL=7.3
	  umlguest the kernel's tests of vsock with an emulated guest, in user-mode Linux
	  guest   the kernel's tests of vsock with a KVM guest, on Debian's kernel in QEMU
	  packed  the same with packed virtqueues
	  viommu  the same behind a vIOMMU
	  siblings the kernel's tests of vsock between two KVM guests
	  life    reboot, unplug and kill of a KVM guest, under traffic
	  migrate save, load and migration of a KVM guest, under traffic
	  memory  balloon, hot-plug, files and huge pages of a KVM guest, under traffic
	  and long groups, which are not run by default:
	  install Debian packages: installed, upgraded, removed, in a Debian 12 in QEMU (as root)
	  race    races, on kernels with KCSAN, and with KASAN and lockdep, in QEMU
	  soak    guests under traffic for hours, with reboots and failing allocations
	  arm64   the tests of kunit, device, fuzz, parity and sockets on an arm64 machine in QEMU
	  vmtest  the kernel's own vmtest.sh, on namespaces, with KVM guests, with KERNEL=7.3
	  pages   KVM guests under traffic, with each module, while the host moves their pages
	options:
	  --long       run the long groups instead of the others
	  --machines   run all groups of other architectures
	  --upstream   test the kernel's own vhost_vsock instead of mvsock, in the
	               groups device, load, smp, umlsmp and those with guests
	  --seconds N  duration of the group fuzz, at most 1000
	  --seed N     seed of random input, by default derived from the tree; or "random"
	  --hours N    duration of the group soak, by default three minutes
	  --times N    guests of the group pages with each module, by default 20
	  --mb N       MiB that each of them sends and receives, by default 1024
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

# verdict NAME TEXT: ok if TEXT, the list of problems, is empty.
verdict()
{
	if [[ -z $2 ]]; then ok "$1"; else not_ok "$1" <<<"$2"; fi
}

# --- building -----------------------------------------------------------------

# build WHAT FOLDER COMMAND...: one group at a time; not ok if it fails, with the reason.
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

build_ring()
{
	build "the ring driver builds" "$BUILD/testing" make -C "$TOP/tools/testing" O="$BUILD/testing" \
		UAPI="$LINUX/source/include/uapi"
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

# run_groups GROUP...: if there are several, those that need one processor run first.
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

# parts GROUP...: the parts that setup.sh has to prepare for them.
parts()
{
	local group

	echo packages qemu guest
	for group; do
		case $group in
		lint) echo docs headers uml-debug ;;
		arch) echo arch ;;
		rig | kunit | fuzz | device | faults | sockets) echo uml-debug ;;
		model) echo model ;;
		parity) echo uml ;;
		load) echo uml headers ;;
		umlguest) echo uml-debug vmlinux vsock_test ;;
		soak) echo uml-debug vmlinux ;;
		guest | packed | viommu) echo headers vsock_test ;;
		siblings) echo show headers vsock_test ;;
		vmtest) echo vmtest headers vsock_test ;;
		smp | life | migrate | memory | pages) echo headers ;;
		show) echo show uml-debug headers ;;
		umlsmp) echo uml-smp ;;
		install) echo deb debian ;;
		race) echo x86-kcsan x86-kasan ;;
		arm64) echo "machine-$group" ;;
		esac
	done
}

number()
{
	[[ $1 =~ ^(0x)?[0-9a-fA-F]+$ ]] || die "'$1' is not a number"
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
		--machines) groups+=("${MACHINES[@]}") ;;
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
	# KUnit's timeout for a case is 300 seconds.
	((FUZZ_SECONDS <= 1000)) || die "--seconds is at most 1000"
	((${#groups[@]})) || groups=("${GROUPS_ALL[@]}")
	mkdir -p "$WORK"
	lock "$BUILD/check.lock" "runs make check"
	# shellcheck disable=SC2046 # words
	"$TOP/tools/setup.sh" $(parts "${groups[@]}")
	use_cache
	choose_accel
	run_groups "${groups[@]}"
	print_machines "${groups[@]}"
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
