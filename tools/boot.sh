# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Boots kernels: user-mode Linux and Debian's own as hosts, with a guest in them.
# Sourced after lib.sh, by scripts that have called use_cache. tools/rig has the scripts that run
# inside.

# The modules of the guest, without their dependencies.
GUEST_MODULES=(virtio_net vmw_vsock_virtio_transport)

# --- runs ---------------------------------------------------------------------

# new_run FOLDER: an empty folder for one boot, in RUN: the scripts, env, out/
# for the results, console.log.
new_run()
{
	RUN=$1
	rm -rf "$RUN"
	mkdir -p "$RUN/out"
	cp "$TOP"/tools/rig/{init,*.sh} "$RUN/"
	: >"$RUN/env"
}

# set_env NAME VALUE: for host.sh.
set_env() { printf "%s='%s'\n" "$1" "$2" >>"$RUN/env"; }

# boot SECONDS COMMAND...: runs a machine, and prints its messages to the user
# meanwhile. Fails if its job failed, or if it did not finish.
boot()
{
	local seconds=$1 machine follower

	shift
	: >"$RUN/console.log"
	spawn timeout --kill-after=5 "$seconds" "$@" >>"$RUN/console.log" 2>&1 </dev/null
	machine=$SPAWNED
	spawn follow "$machine"
	follower=$SPAWNED
	reap "$machine" || true
	reap "$follower" || true
	[[ ! -s $RUN/out.tar ]] || tar -C "$RUN/out" -xf "$RUN/out.tar"
	[[ $(cat "$RUN/out/status" 2>/dev/null) == 0 ]]
}

# follow PID: the lines "rig: ..." on its console.
follow()
{
	tail --pid="$1" -n +1 -s 0.3 -f "$RUN/console.log" |
		sed -un 's/\r$//; s/^rig: /  /p'
}

# our_cpus: the CPUs that this process may run on, a line each.
our_cpus()
{
	taskset -cp "$BASHPID" | sed 's/.*: //' | tr ',' '\n' |
		awk -F- '{ for (i = $1; i <= $NF; i++) print i }'
}

# boot_uml KIND SECONDS [OPTION...]: the machine's own files are its root, read-only. It
# has one processor, and its threads switch to one another at every system call: on one CPU
# that takes a third of the time that it takes on two. The kind smp has two
# processors: each is a thread, and needs a CPU of its own.
boot_uml()
{
	case $1 in
	smp) run_uml "$(our_cpus | paste -sd,)" "$@" ncpus=2 seccomp=on ;;
	*) run_uml "$(our_cpus | shuf -n 1)" "$@" ;;
	esac
}

# run_uml CPUS KIND SECONDS [OPTION...]: later kernels run KUnit suites only with the options
# kunit.enable and kunit.autorun.
run_uml()
{
	local cpus=$1 kernel seconds=$3

	kernel=$(uml_dir "$2")/linux
	shift 3
	boot "$seconds" taskset -c "$cpus" "$kernel" mem=3G rootfstype=hostfs rootflags=/ ro \
		init="$RUN/init" KIND=uml RIG="$RUN" con=null con0=fd:0,fd:1 \
		uml_dir="$RUN/" log_buf_len=4M page_poison=1 kunit.enable=1 \
		kunit.autorun=1 "$@"
}

# After cmpxchg16b QEMU before 8.0 may have invalid flags, and an interrupt at that moment
# crashes the kernel.
EMULATED_CPU=max,cx16=off

# In an emulated processor each byte that "rep movsb" copies takes as long as an
# instruction, while it is fast on real ones. Without these flags the kernel copies in
# another way, for fair measurements.
FAIR_CPU=max,erms=off,fsrm=off

# boot_stock SECONDS: Debian's kernel, on two processors and as many nodes of
# memory; see stock_initrd.
boot_stock() { boot_smp "$(stock_kernel)" "$1" "" "$EMULATED_CPU"; }

# boot_x86 kcsan|kasan SECONDS KERNEL_OPTIONS: likewise with that kernel.
boot_x86() { boot_smp "$(x86_dir "$1")/arch/x86/boot/bzImage" "$2" "$3" "$EMULATED_CPU"; }

# boot_smp KERNEL SECONDS KERNEL_OPTIONS CPU
boot_smp()
{
	QEMU=$(late_qemu) boot_qemu "$1" "$2" "$3" -accel tcg,thread=multi -smp 2,sockets=2 -cpu "$4" \
		-object memory-backend-ram,id=m0,size=1G -numa node,memdev=m0,cpus=0 \
		-object memory-backend-ram,id=m1,size=1G -numa node,memdev=m1,cpus=1
}

# boot_kvm SECONDS [KERNEL_OPTIONS [CPU]]: Debian's kernel on two processors, with KVM for
# the guests of kvm_initrd. An emulated processor with nested paging loses a guest now and then, or its
# own host, with either module: then the job is done again, once.
boot_kvm()
{
	local lost

	run_kvm "$@" && return
	[[ $(machine_accel) == tcg* ]] && lost=$(emulator_lost) || return
	say "  $lost; once more, from the start"
	rm -rf "$RUN/out.lost"
	mv "$RUN/out" "$RUN/out.lost"
	mkdir "$RUN/out"
	mv "$RUN/console.log" "$RUN/console.lost.log"
	run_kvm "$@"
}

# emulator_lost: what the emulated processor has lost, as far as is known. The kernel's message was
# seen with vhost_vsock, too, while mvsock was not loaded; a host on one processor had it never.
emulator_lost()
{
	if [[ -e $RUN/out/guest.vanished ]]; then
		echo "the guest reset itself, without a message"
	elif grep -q 'corrupted stack end detected inside scheduler' "$RUN/console.log"; then
		echo "the emulated host's kernel ended in its scheduler"
	else
		return 1
	fi
}

run_kvm()
{
	QEMU=$(late_qemu) boot_qemu "$(stock_kernel)" "$1" "${2:-}" -m 3G -smp "${HOST_PROCESSORS:-2}" \
		-accel "$(machine_accel)" -cpu "$(machine_cpu "${3:-$EMULATED_CPU}")"
}

# late_qemu: the QEMU that emulates two processors correctly when the kernel patches its code;
# see part_qemu.
late_qemu()
{
	if [[ -d $CACHE/qemu ]]; then
		echo "$CACHE/qemu/usr/bin/qemu-system-x86_64"
	else
		echo qemu-system-x86_64
	fi
}

# choose_accel: unless MVSOCK_ACCEL is set, hosts run under this machine's KVM if a host with a
# KVM guest of its own boots there.
choose_accel()
{
	export MVSOCK_ACCEL=${MVSOCK_ACCEL:-}
	[[ -z $MVSOCK_ACCEL && -e /dev/kvm ]] || return 0
	say "Trying /dev/kvm."
	new_run "$BUILD/accel"
	guest_initrd ""
	set_env JOB guest
	MVSOCK_ACCEL=kvm
	kvm_initrd vhost_vsock
	boot_kvm 120 && return
	MVSOCK_ACCEL=tcg
	say "  nested guests do not run, so hosts are emulated: $(explain_boot | head -n 1)"
}

# The accelerator of a machine in QEMU: emulation, unless MVSOCK_ACCEL=kvm.
machine_accel()
{
	if [[ ${MVSOCK_ACCEL:-tcg} == kvm ]]; then echo kvm; else echo tcg,thread=multi; fi
}

# kvm_module: the KVM module of a host on that accelerator. The emulated processor is an AMD one.
kvm_module()
{
	if [[ $(machine_accel) == kvm ]] && grep -qw vmx /proc/cpuinfo; then
		echo kvm-intel
	else
		echo kvm-amd
	fi
}

# machine_cpu EMULATED: its processor.
machine_cpu()
{
	if [[ ${MVSOCK_ACCEL:-tcg} == kvm ]]; then echo host; else echo "$1"; fi
}

# guest_cpu: the processor of a guest under KVM. Kernels from 7.0 on crash on the XSAVE sizes
# there if the host is emulated.
# shellcheck disable=SC2153 # KERNEL is of lib.sh
guest_cpu()
{
	if [[ ${MVSOCK_ACCEL:-tcg} == kvm || $KERNEL == 6.12 ]]; then
		echo host
	else
		echo host,xsave=off,avx=off
	fi
}

# boot_counting SECONDS [OPTION...]: the same on one processor, where an instruction
# takes a nanosecond, and results are reproducible on any machine.
boot_counting()
{
	local seconds=$1

	shift
	boot_qemu "$(stock_kernel)" "$seconds" nokaslr -accel tcg,thread=single -icount shift=0,sleep=off -smp 1 \
		-cpu "$FAIR_CPU" -rtc base=2024-01-01,clock=vm -seed 1 "$@"
}

# boot_qemu KERNEL SECONDS KERNEL_OPTIONS OPTION...: in $QEMU, or in the installed QEMU.
boot_qemu()
{
	local kernel=$1 seconds=$2 append=$3

	shift 3
	boot "$seconds" "${QEMU:-qemu-system-x86_64}" -M q35 -m 2G "$@" \
		-nodefaults -no-reboot -display none -serial stdio -serial "file:$RUN/out.tar" \
		-kernel "$kernel" -initrd "$RUN/stock.cpio" \
		-append "console=ttyS0 panic=-1 oops=panic log_buf_len=4M KIND=stock RIG=/rig rdinit=/rig/init $append"
}

# boot_machine MACHINE SECONDS KERNEL_OPTIONS: one of another architecture, on two processors;
# see machine_initrd. Stalls are not reported: an emulated processor stalls while others use its
# real one.
boot_machine()
{
	local qemu

	mapfile -t qemu < <(machine_qemu "$1")
	boot "$2" "${qemu[@]}" -accel tcg,thread=multi -smp 2 -m 2G \
		-nodefaults -no-reboot -display none -serial stdio \
		-chardev "file,id=out,path=$RUN/out.tar" -device virtserialport,chardev=out \
		-kernel "$(machine_kernel "$1")" -initrd "$RUN/machine.cpio" \
		-append "console=$(machine_console "$1") panic=-1 oops=panic log_buf_len=4M rcupdate.rcu_cpu_stall_suppress=1 kunit.enable=1 KIND=stock RIG=/rig RESULTS=/dev/vport0p1 rdinit=/rig/init $3"
}

# machine_qemu MACHINE: its QEMU with the options of that machine, a word a line. Pointer
# authentication in software takes most of the time.
machine_qemu()
{
	case $1 in
	arm64)
		printf '%s\n' qemu-system-aarch64 -M virt,gic-version=3 -cpu max,pauth=off \
			-device virtio-serial-device
		;;
	esac
}

machine_console()
{
	case $1 in
	arm64) echo ttyAMA0 ;;
	esac
}

machine_kernel()
{
	local dir

	dir=$(machine_dir "$1")
	case $1 in
	arm64) echo "$dir/arch/arm64/boot/Image" ;;
	esac
}

stock_kernel() { echo "$LINUX/image/boot/vmlinuz-$ABI"; }

# guest_kernel: the same, already unpacked: a host in user-mode Linux needs many seconds to
# unpack it for its guest, while one in QEMU needs longer for the larger file.
guest_kernel() { echo "$LINUX/vmlinux"; }

# explain_boot: why a machine did not finish.
explain_boot()
{
	if [[ -e $RUN/out/status ]]; then
		sed -n 's/\r$//; s/^rig: //p' "$RUN/console.log" | tail -n 3
		cat "$RUN/out/guest.end" 2>/dev/null || true
	else
		cause_of_death "$RUN/console.log"
	fi
	echo "full log: $RUN/console.log"
}

# cause_of_death CONSOLE: why a machine has no results, in a line: the first message of the
# kernel that explains it.
cause_of_death()
{
	local cause

	cause=$(sed -E 's/\r$//; s/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?//' "$1" |
		grep -m 1 -E 'ptrace (set|get) fp regs|Kernel panic|^BUG: |Oops|general protection|Unable to handle|No space left|[Oo]ut of memory|Cannot allocate memory|qemu-system-x86_64: ' || true)
	if [[ -n $cause ]]; then
		echo "the machine crashed: $cause"
	else
		echo "the machine took too long; its last message: $(tail -n 1 "$1")"
	fi
}

# --- initramfs ----------------------------------------------------------------

# stage ROOT FILE...: copies files, and the libraries they need, to ROOT.
stage()
{
	local root=$1 file libs

	shift
	for file; do
		mapfile -t libs < <(ldd "$file" 2>/dev/null | grep -o '/[^ ]*')
		cp -L --parents "$file" "${libs[@]}" "$root"
	done
}

# stage_base ROOT MODULE...: busybox, socat, and modules of the image, or of MODULES_DIR
# (or files), in the order that /rig/modules lists.
stage_base()
{
	local root=$1 applet file

	shift
	mkdir -p "$root"/{bin,rig,lib,proc,sys,dev}
	cp "$(command -v busybox)" "$root/bin/"
	for applet in $(busybox --list); do
		[[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
	done
	stage "$root" "$(command -v socat)"
	cp "$RUN"/{init,*.sh,env} "$root/rig/"
	modules_for "${MODULES_DIR:-$LINUX/image/lib/modules}" "$@" | while read -r file; do
		stage_module "$root" "$file"
	done >"$root/rig/modules"
}

# stage_module ROOT FILE: prints its path in the initramfs.
stage_module()
{
	local name

	name=$(module_name "$2").ko
	case $2 in
	*.xz) xz -dc "$2" >"$1/rig/$name" ;;
	*) cp "$2" "$1/rig/$name" ;;
	esac
	echo "/rig/$name"
}

# stage_other ROOT MODULE: another host-to-guest transport, to be loaded later.
stage_other()
{
	local file

	mkdir -p "$1/rig"
	set_env OTHER "$(modules_for "$LINUX/image/lib/modules" "$2" | while read -r file; do
		stage_module "$1" "$file"
	done | paste -sd' ')"
}

# pack ROOT FILE
pack()
{
	(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet) >"$2"
	rm -rf "$1"
}

# guest_initrd MODULES PROGRAM...: makes RUN/guest.cpio, with these additional modules, and
# static programs in /bin.
guest_initrd()
{
	local more

	read -ra more <<<"$1"
	shift
	stage_base "$RUN/root" "${GUEST_MODULES[@]}" "${more[@]}"
	(($# == 0)) || cp "$@" "$RUN/root/bin/"
	pack "$RUN/root" "$RUN/guest.cpio"
}

# pack_host ROOT: makes RUN/stock.cpio: a host, whose last module is the one under test.
pack_host()
{
	set_env MODULES "$(paste -sd' ' "$1/rig/modules")"
	cp "$RUN/env" "$1/rig/"
	pack "$1" "$RUN/stock.cpio"
}

# ring_initrd MODULE...: makes RUN/stock.cpio: a host with these modules and the ring
# driver's programs.
ring_initrd()
{
	local root=$RUN/root

	stage_base "$root" "$@"
	cp "$BUILD"/testing/{device_test,fuzz,races,load} "$root/bin/"
	pack_host "$root"
}

# machine_initrd MACHINE PROGRAMS: makes RUN/machine.cpio: a host of another architecture with
# the module, its KUnit suites, vhost_vsock and the programs in that folder.
machine_initrd()
{
	local root=$RUN/root kernel module=$BUILD/machine-$1 applet

	kernel=$(machine_dir "$1")
	mkdir -p "$root"/{bin,rig,proc,sys,dev}
	cp "$(machine_user "$1")/busybox" "$2"/{device_test,fuzz,races,parity,sockets} "$root/bin/"
	for applet in $(busybox --list); do
		[[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
	done
	cp "$RUN"/{init,*.sh} "$module"/mvsock_kunit.ko "$root/rig/"
	set_env OTHER "$(machine_modules "$root" "$kernel" vhost_vsock)"
	set_env MODULES "$(machine_modules "$root" "$kernel" vsockmon "$module/mvsock.ko")"
	cp "$RUN/env" "$root/rig/"
	pack "$root" "$RUN/machine.cpio"
}

# machine_modules ROOT KERNEL MODULE...: their files in the initramfs, in the order to insert them.
machine_modules()
{
	local root=$1 kernel=$2 file

	shift 2
	modules_for "$kernel" "$@" | while read -r file; do
		stage_module "$root" "$file"
	done | paste -sd' '
}

# kvm_initrd MODULES [PROGRAM...]: makes RUN/stock.cpio: a host with KVM, QEMU, these modules,
# of which the last is the one under test, these programs, and RUN/guest.cpio for its guests.
kvm_initrd()
{
	local root=$RUN/root modules file

	read -ra modules <<<"$1"
	shift
	stage_base "$root" "$(kvm_module)" "${modules[@]}"
	stage "$root" "$(command -v qemu-system-x86_64)" "$@"
	for file in /usr/share/seabios/bios-256k.bin /usr/share/qemu/{linuxboot_dma,kvmvapic}.bin; do
		cp -L --parents "$file" "$root"
	done
	cp "$(stock_kernel)" "$root/rig/vmlinuz"
	mv "$RUN/guest.cpio" "$root/rig/"
	set_env GUEST_KERNEL /rig/vmlinuz
	set_env GUEST_INITRD /rig/guest.cpio
	set_env GUEST_ACCEL "kvm -cpu $(guest_cpu)"
	pack_host "$root"
}
