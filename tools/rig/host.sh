# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2086,SC2317 # lists of words; jobs called by name
#
# The script of the rig's hosts, user-mode Linux and Debian's own kernel.
# RIG/env has its parameters:
#
#   JOB            kunit, fuzz, device, load, smp, race, soak, parity, show, vsock_test,
#                  registers, guest, demo, life, migrate, memory, pages, vmtest, bench,
#                  siblings, symbols, install or upgrade
#   MODULES        files to insert, in order; the last is the module under test
#   KUNIT_MODULES  inserted after them (kunit, fuzz)
#   PROGRAMS       that print TAP (device, fuzz, show; smp, race: device_test and fuzz); the
#                  one that compares (parity: parity, sockets), or loads (load, bench)
#   WORDS          tests to run: those whose names have one of the words (device, smp, show)
#   TOOLS          the folder with mvsockctl (show, siblings)
#   SIBLINGS_LISTEN, SIBLINGS_CONNECT
#                  commands of the second guest and of the first one (siblings)
#   PROMTOOL       Prometheus' program that checks metrics; empty if there is none (show)
#   RACES          the program with races, if any are to run (device, smp, race)
#   RACE_SECONDS   duration of each race
#   LOAD           the program with loads, each of the same duration (race)
#   FUZZ_SEED      first seed (fuzz, smp), also of the races and of soak
#   FUZZ_SECONDS   duration of KUnit, and again of the programs (fuzz, smp)
#   SOAK_SECONDS   duration of the program (soak)
#   PAGES_TIMES    guests with each module, and
#   PAGES_MB       MiB in each direction with each (pages)
#   VSOCK_TESTS    the kernel's test programs, here and in the guest's /bin
#   TESTS_NAME     the numbers of the tests of each
#   GUEST_ACCEL    its accelerator and processor, as QEMU options
#   DEVICE_OPTIONS options of the guest's vsock device, each after a comma
#   GUEST_OPTIONS  additional options of its QEMU
#   GUEST_APPEND   additional options of its kernel
#   TRAFFIC        the program, here and in the guest at /bin/traffic
#   TIMEOUT        of one program, in seconds
#   GUEST_KERNEL, GUEST_INITRD
#   VERSION        of the packages (install, upgrade)
#   KVM_MODULE     the module that a complete Debian loads for its guest (install)
#   CHECKS         leak, reload, busy: checks after the job
#   OTHER          another host-to-guest transport, files in order (busy, parity,
#                  bench, show, pages)
#   BENCH_LOADS    names of loads, each with /GUESTS if there are several (bench)
#   BENCH_SECONDS  duration of each of them, BENCH_ROUNDS times with each module
#   BENCH_DEVICES  number of devices, for loads with many
#   BENCH_KVM      set if guests are stock kernels under KVM (bench)
#   BENCH_PROFILE  set if loads are marked for tools/bench/plugin.c
#   BENCH_SETTLE   seconds to wait after boot, while the kernel is busy
#
# Results are files in OUT. Lines "rig: ..." on the console are shown to the user.

# shellcheck source=/dev/null
. "$RIG/env"
TESTED=$(basename "${MODULES##* }" .ko)
CID=3
CONTROL=7000 # the guest's port 7000, for guest_do
GUEST_LOG=$OUT/guest.log

tell() { echo "rig: $*"; }

# seconds: whole seconds since power-on.
seconds() { cut -d. -f1 /proc/uptime; }

# Features that are not offered by default: these programs use them, and QEMU with packed=on.
case $TESTED-$JOB$DEVICE_OPTIONS in
mvsock-device | mvsock-fuzz | mvsock-smp | mvsock-race | mvsock-soak | mvsock-*packed=on*)
	export MODULE_OPTIONS="packed=1 in_order=1 no_implied_stream=1"
	;;
esac

# insert FILE...: inserts those that are not loaded yet.
insert()
{
	for file in "$@"; do
		[ ! -d "/sys/module/$(basename "$file" .ko)" ] || continue
		options=
		[ "$file" != "${MODULES##* }" ] || options=$MODULE_OPTIONS
		busybox insmod "$file" $options || { tell "$file cannot be inserted"; return 1; }
	done
}

# --- the guest ----------------------------------------------------------------

# guest_start: a guest that is lost before it loads its drivers is started again: until then the
# device does not run, and an emulated processor with nested paging loses a guest now and then.
guest_start()
{
	for try in 1 2 3; do
		guest_qemu "$GUEST_LOG"
		wait_for 120 guest_begins_or_is_gone
		! guest_begins || break
		guest_explain >"$OUT/guest.lost.$try"
		tell "try $try: the guest's kernel does not start: $(tail -n 1 "$GUEST_LOG" | tr -d '\r')"
		guest_stop
	done
	wait_for 300 guest_is_up_or_gone
	# Its socat may not listen yet.
	if ! guest_is_up || ! wait_for 30 guest_do true >/dev/null 2>&1; then
		tell "the guest does not come up"
		guest_explain >"$OUT/guest.end"
		return 1
	fi
}

# guest_qemu LOG [OPTION...]: the options of a job come last and override others. NET_OPTIONS are
# those of the network card, each after a comma.
guest_qemu()
{
	log=$1
	shift
	# It may have the output of another guest.
	: >"$log"
	qemu-system-x86_64 -M q35 -accel $GUEST_ACCEL -m 256 -nodefaults -no-reboot \
		-display none -serial "file:$log" \
		-kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" \
		-append "console=ttyS0 quiet panic=-1 KIND=guest RIG=/rig rdinit=/rig/init $GUEST_APPEND" \
		-netdev "user,id=n,hostfwd=tcp:127.0.0.1:$CONTROL-:7000,hostfwd=tcp:127.0.0.1:$((CONTROL + 2))-:7002" \
		-device "virtio-net-pci,netdev=n,romfile=$NET_OPTIONS" $GUEST_OPTIONS \
		-device "vhost-vsock-pci,guest-cid=$CID$DEVICE_OPTIONS" "$@" >>"$OUT/qemu.log" 2>&1 &
	QEMU=$!
}

# guest_explain: what is known of a guest that is gone, or that does not answer. Its processor and
# the counters of KVM show, a second apart, whether it still runs. A guest that resets itself without
# a message ends its QEMU with status 0: see boot_kvm.
guest_explain()
{
	if guest_is_gone; then
		wait "$QEMU"
		status=$?
		echo "the guest is gone: its QEMU ended with status $status"
		[ $status != 0 ] || grep -qE 'Kernel panic|Oops|BUG' "$GUEST_LOG" || : >"$OUT/guest.vanished"
	else
		for _ in 1 2; do
			[ ! -S "$MONITOR" ] || hmp "info registers" | grep -E "RIP=|CR2="
			grep . /sys/kernel/debug/kvm/exits /sys/kernel/debug/kvm/irq_injections
			device_info
			sleep 1
		done
	fi
	sed 's/^/qemu: /' "$OUT/qemu.log"
	tail -n 20 "$GUEST_LOG" | sed 's/^/guest: /'
}

guest_begins() { grep -q "^rig: the guest's kernel is up" "$GUEST_LOG" 2>/dev/null; }

guest_begins_or_is_gone() { guest_begins || guest_is_gone; }

guest_is_up() { grep -q '^rig: guest is up' "$GUEST_LOG" 2>/dev/null; }

guest_is_gone() { ! kill -0 "$QEMU" 2>/dev/null; }

# any_guest_is_gone: also of others that a job has in QEMUS.
any_guest_is_gone()
{
	for pid in ${QEMUS:-$QEMU}; do
		kill -0 "$pid" 2>/dev/null || return 0
	done
	return 1
}

guest_is_up_or_gone() { guest_is_up || guest_is_gone; }

# guest_do COMMANDS: prints what they print in the guest, and returns their status.
guest_do()
{
	answer=$(printf '%s\n' "exec 2>&1" "$1" "printf '\\nstatus %s\\n' \$?" |
		socat -t $((TIMEOUT + 30)) - TCP:127.0.0.1:$CONTROL)
	printf '%s\n' "$answer" | sed '$d'
	[ "${answer##*status }" = 0 ]
}

guest_stop()
{
	kill "$QEMU" 2>/dev/null
	wait "$QEMU"
}

# device_info: the fdinfo of the guest's device.
device_info()
{
	for fd in /proc/"$QEMU"/fd/*; do
		[ "$(readlink "$fd")" != /dev/vhost-vsock ] ||
			cat "/proc/$QEMU/fdinfo/${fd##*/}"
	done
}

# --- vsock_test ---------------------------------------------------------------

listening() { grep -q '^Control socket listening' "$1" 2>/dev/null; }

# vsock_run PROGRAM DIRECTION LOG OPTIONS: both sides once; the status of each is
# appended to its log.
vsock_run()
{
	name=$(basename "$1")
	case $2 in
	guest-client) vsock_run_guest_client "$@" ;;
	host-client) vsock_run_host_client "$@" ;;
	guest-guest) vsock_run_guests "$@" ;;
	esac
}

vsock_run_guest_client()
{
	timeout "$TIMEOUT" "$1" --mode=server --control-port=7001 $4 --peer-cid=$CID >"$3.server" 2>&1 &
	peer=$!
	wait_for 10 listening "$3.server"
	vsock_client_in_guest 7001 2 "$3" "$4"
	# It may wait for a client that is gone.
	[ $status = 0 ] || { sleep 2; kill $peer 2>/dev/null; }
	wait $peer
	echo "exit status $?" >>"$3.server"
}

vsock_run_host_client()
{
	vsock_server_in_guest 2 "$4"
	timeout "$TIMEOUT" "$1" --mode=client --control-host=127.0.0.1 --control-port=$((CONTROL + 2)) $4 --peer-cid=$CID >"$3.client" 2>&1
	echo "exit status $?" >>"$3.client"
	vsock_server_ends "$3"
}

# The client is in the first guest, the server in the second one.
vsock_run_guests()
{
	second_guest
	vsock_server_in_guest "$FIRST_CID" "$4"
	first_guest
	vsock_client_in_guest $((SECOND_CONTROL + 2)) "$SECOND_CID" "$3" "$4"
	second_guest
	# It may wait for a client that is gone.
	[ $status = 0 ] || guest_do "sleep 2; kill \$(pidof $name)"
	vsock_server_ends "$3"
	first_guest
}

# vsock_client_in_guest CONTROL_PORT CID LOG OPTIONS: its status is in $status.
vsock_client_in_guest()
{
	guest_do "timeout $TIMEOUT $name --mode=client --control-host=10.0.2.2 --control-port=$1 $4 --peer-cid=$2" >"$3.client"
	status=$?
	echo "exit status $status" >>"$3.client"
}

# vsock_server_in_guest CID OPTIONS
vsock_server_in_guest()
{
	guest_do "timeout $TIMEOUT $name --mode=server --control-port=7002 $2 --peer-cid=$1 >/server 2>&1 &"
	wait_for 30 guest_do "grep '^Control socket listening' /server" >/dev/null
}

# vsock_server_ends LOG
vsock_server_ends()
{
	wait_for 15 guest_do "! pidof $name" >/dev/null
	guest_do "cat /server" >"$1.server"
}

# passed LOG: the numbers of the tests that passed on this side.
passed()
{
	busybox awk '
	/^[0-9]+ - .*\.\.\./ { test = $1 }
	/skipped$/ { test = "" }
	/ok$/ && test != "" { print test; test = "" }' "$1"
}

# finished LOG: both sides reported that they finished. Otherwise the last test cannot
# be trusted: a side detects a failure of the other one at the next barrier.
finished()
{
	grep -q 'Waiting other peer...ok$' "$1.client" &&
		grep -q 'Waiting other peer...ok$' "$1.server"
}

# vsock_direction PROGRAM DIRECTION: a program exits at its first failure, so it is run
# again for the tests after that one, until all have run, or several
# have failed: each failure may take its whole timeout. Writes
# "NAME DIRECTION ok N TRY" or "NAME DIRECTION not ok N LOG" to results.
vsock_direction()
{
	name=$(basename "$1")
	eval "pending=\$TESTS_$name"
	run=0
	failures=0
	tries=1
	while [ -n "$pending" ] && [ $failures -lt 6 ] && ! any_guest_is_gone; do
		run=$((run + 1))
		log=$OUT/$name.$2.$run
		tell "$name, $2: $(echo $pending | wc -w) tests"
		vsock_run "$1" "$2" "$log" "$(skip_others "$name" "$pending")"
		passed "$log.server" >/dev/shm/server
		passed "$log.client" | grep -xF -f /dev/shm/server >/dev/shm/both
		finished "$log" || sed -i "/^${pending##* }\$/d" /dev/shm/both
		take_results "$name" "$2" "$(basename "$log")"
	done
}

# take_results NAME DIRECTION LOG: removes everything up to the first failure from pending; a
# test with a race of its own stays there for another try.
take_results()
{
	failed=
	rest=
	for test in $pending; do
		if [ -n "$failed" ]; then
			rest="$rest $test"
		elif grep -qx "$test" /dev/shm/both; then
			echo "$1 $2 ok $test $tries" >>"$OUT/results"
			tries=1
		else
			failed=$test
			take_failure "$@"
		fi
	done
	pending=$rest
}

# races PROGRAM TEST LOG: true if a test may have failed because of a race of its own.
#
# vsock_test 21 binds a port, connects, closes, and repeats that at once. The port is
# free only when the peer's RST has arrived, for which the test does not wait: in a
# loop, about every third run fails, with upstream's vhost_vsock as well. Test 17
# sends once and expects that the peer's SHUTDOWN arrives before its message over TCP;
# the test of later kernels sends until it has arrived. Tests 18 and 19 wait 100 ms for the
# completion of a zero-copy send, which is too short on a busy machine, with vhost_vsock too.
#
# vsock_uring_test connects several times. If the kernel frees the previous ring
# meanwhile, it interrupts connect(), which is then called again: the peer has accepted
# the first connection, and no longer listens. Of 200 runs, 7 fail in this way with vhost_vsock.
races()
{
	case "$1 $2" in
	"vsock_test 17" | "vsock_test 21") ;;
	"vsock_test 18" | "vsock_test 19")
		[ $tries -lt 3 ] && grep -q 'POLLERR expected' "$OUT/$3.client"
		;;
	"vsock_uring_test "*) grep -q 'connect: Connection reset by peer' "$OUT/$3.client" ;;
	*) false ;;
	esac
}

take_failure()
{
	if [ $tries -lt 12 ] && ! any_guest_is_gone && races "$1" "$test" "$3"; then
		tries=$((tries + 1))
		rest=$test
	else
		tries=1
		failures=$((failures + 1))
		echo "$1 $2 not ok $test $3" >>"$OUT/results"
	fi
}

# skip_others NAME TESTS: options that skip all other tests of a program, if it has such options.
skip_others()
{
	[ "$1" != vsock_uring_test ] || return
	eval "set -- \"\$2\" \$TESTS_$1"
	wanted=$1
	shift
	for test in "$@"; do
		case " $wanted " in
		*" $test "*) ;;
		*) printf -- '--skip=%s ' "$test" ;;
		esac
	done
}

# --- jobs ---------------------------------------------------------------------

# run_programs ARGUMENT...
run_programs()
{
	for program in $PROGRAMS; do
		name=$(basename "$program")
		tell "$name"
		timeout "$TIMEOUT" "$program" "$@" >"$OUT/$name.tap" 2>&1
		echo "exit status $?" >>"$OUT/$name.tap"
	done
}

job_kunit()
{
	insert $KUNIT_MODULES && unload $KUNIT_MODULES
}

job_fuzz()
{
	tell "KUnit, $FUZZ_SECONDS seconds"
	busybox insmod "$KUNIT_MODULES" fuzz_seed="$FUZZ_SEED" fuzz_seconds="$FUZZ_SECONDS"
	unload $KUNIT_MODULES || return
	run_programs --seed "$FUZZ_SEED" --seconds "$FUZZ_SECONDS"
}

# make_disk: a folder on a disk, which is in memory.
make_disk()
{
	busybox truncate -s 64M /dev/shm/disk &&
		busybox mke2fs -F /dev/shm/disk >/dev/null &&
		busybox losetup /dev/loop0 /dev/shm/disk &&
		mkdir -p /dev/shm/on-disk &&
		busybox mount -t ext2 /dev/loop0 /dev/shm/on-disk &&
		export MVSOCK_TEST_DISK=/dev/shm/on-disk
}

job_device()
{
	make_disk || tell "there is no disk for tests"
	run_programs $WORDS
	run_races
}

job_load()
{
	tell "load"
	timeout "$TIMEOUT" "$PROGRAMS" --seconds 0.2 --devices 50 >"$OUT/load" 2>&1
}

job_smp()
{
	device_test=${PROGRAMS% *}
	PROGRAMS=${PROGRAMS#* }
	run_programs --seed "$FUZZ_SEED" --seconds "$FUZZ_SECONDS"
	PROGRAMS=$device_test
	job_device
}

# The same program with both modules, one after the other.
job_parity()
{
	parity_print mvsock && unload "$TESTED.ko" && insert $OTHER &&
		parity_print vhost_vsock && unload "$(basename "${OTHER##* }")" &&
		insert "${MODULES##* }" || return
	"$PROGRAMS" compare "$OUT/vhost_vsock" "$OUT/mvsock" >"$OUT/$(basename "$PROGRAMS").tap"
}

parity_print()
{
	tell "$(basename "$PROGRAMS"), with $1"
	timeout "$TIMEOUT" "$PROGRAMS" print >"$OUT/$1"
}

job_registers() { run_programs keep; }

# Boots a guest: a test of this machine's KVM.
job_guest() { guest_start && guest_stop; }

job_vsock_test()
{
	guest_start || return
	tell "the guest is up, $(seconds) s after power-on"
	device_info >"$OUT/fdinfo"
	for program in $VSOCK_TESTS; do
		vsock_direction "$program" guest-client
		vsock_direction "$program" host-client
	done
	if guest_is_gone; then
		guest_explain >"$OUT/guest.end"
		return 1
	fi
	guest_stop
	return 0
}

# --- checks after a job ---------------------------------------------------------

# unload MODULE...: in reverse order. A closed socket may hold a reference on its transport
# for 8 more seconds.
unload()
{
	for file in "$@"; do
		reversed="$file $reversed"
	done
	for file in $reversed; do
		wait_for 15 busybox rmmod "$(basename "$file" .ko)" 2>/dev/shm/rmmod || {
			cat /dev/shm/rmmod
			return 1
		}
	done
	reversed=
}

check_reload()
{
	name=$TESTED
	for round in 1 2; do
		unload "$name.ko" || return
		if [ -e /dev/vhost-vsock ]; then
			echo "/dev/vhost-vsock is still there after rmmod $name"
			return 1
		fi
		[ $round = 2 ] && return
		insert "${MODULES##* }" || return
		if [ ! -c /dev/vhost-vsock ]; then
			echo "/dev/vhost-vsock is not there after insmod $name"
			return 1
		fi
	done
}

# If the other module is loaded the log says which, and how to unload it.
check_busy()
{
	unload "$TESTED.ko" && insert $OTHER || return
	if busybox insmod "${MODULES##* }" 2>/dev/null; then
		echo "$TESTED can be inserted although ${OTHER##*/} is"
		return 1
	fi
	unload "$(basename "${OTHER##* }")" && insert "${MODULES##* }" || return
	busybox dmesg | grep -q "$TESTED: .*modprobe -r $(basename "${OTHER##* }" .ko)" || {
		echo "the kernel log does not say what to unload"
		return 1
	}
}

# An object is reported only when it is 5 seconds old, and one to which a register
# or a stack still points may be reported only by the second scan.
check_leak()
{
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak || return
	echo scan >/sys/kernel/debug/kmemleak || return
	cat /sys/kernel/debug/kmemleak
	[ -z "$(head -n 1 /sys/kernel/debug/kmemleak)" ]
}

# shellcheck source=tools/rig/both.sh
. "$RIG/both.sh"
# shellcheck source=tools/rig/bench.sh
. "$RIG/bench.sh"
# shellcheck source=tools/rig/demo.sh
. "$RIG/demo.sh"
# shellcheck source=tools/rig/show.sh
. "$RIG/show.sh"
# shellcheck source=tools/rig/traffic.sh
. "$RIG/traffic.sh"
# shellcheck source=tools/rig/race.sh
. "$RIG/race.sh"
# shellcheck source=tools/rig/soak.sh
. "$RIG/soak.sh"
# shellcheck source=tools/rig/siblings.sh
. "$RIG/siblings.sh"
# shellcheck source=tools/rig/life.sh
. "$RIG/life.sh"
# shellcheck source=tools/rig/migrate.sh
. "$RIG/migrate.sh"
# shellcheck source=tools/rig/memory.sh
. "$RIG/memory.sh"
# shellcheck source=tools/rig/pages.sh
. "$RIG/pages.sh"
# shellcheck source=tools/rig/vmtest.sh
. "$RIG/vmtest.sh"
# shellcheck source=tools/rig/install.sh
. "$RIG/install.sh"
if [ -n "$MODULES" ]; then
	insert $MODULES || exit
	tell "$TESTED is loaded, $(seconds) s after power-on"
fi
status=0
"job_$JOB" || status=1
for check in $CHECKS; do
	tell "checking: $check"
	"check_$check" >"$OUT/$check" 2>&1
	echo "exit status $?" >>"$OUT/$check"
done
exit $status
