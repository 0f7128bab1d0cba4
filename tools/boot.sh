# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Boots kernels: user-mode Linux and Debian's own as hosts, with a guest in them.
# Sourced after lib.sh, by what has called use_cache. tools/rig holds what runs
# inside.

# The modules of the guest, beside what they depend on.
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

# boot SECONDS COMMAND...: runs a machine, and prints what it has for a person
# as it goes. Fails if its job did, or if it did not come to its end.
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

# some_cpu: any that this process may run on, so that runs side by side spread.
some_cpu()
{
	our_cpus | tr ',' '\n' |
		awk -F- '{ for (i = $1; i <= $NF; i++) print i }' | shuf -n 1
}

our_cpus() { taskset -cp $$ | sed 's/.*: //'; }

# boot_uml KIND SECONDS [OPTION...]: the machine's own files are its root, read-only. It
# has one processor, and its threads hand over to one another at every system call: on one
# of ours that takes a third of the time that it takes over two. The kind smp has two
# processors: each is a thread, and wants a CPU of its own.
boot_uml()
{
	case $1 in
	smp) run_uml "$(our_cpus)" "$@" ncpus=2 seccomp=on ;;
	*) run_uml "$(some_cpu)" "$@" ;;
	esac
}

# run_uml CPUS KIND SECONDS [OPTION...]: later kernels run KUnit's suites only if they are
# told to.
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

# After cmpxchg16b QEMU before 8.0 may have flags that make no sense, and an interrupt
# right then ends the kernel.
EMULATED_CPU=max,cx16=off

# In an emulated processor each byte that "rep movsb" copies takes as long as an
# instruction. Real ones are fast at it: where time matters, the kernel shall choose
# another way to copy.
FAIR_CPU=max,erms=off,fsrm=off

# boot_stock SECONDS: Debian's kernel, on two processors and as many nodes of
# memory; see stock_initrd.
boot_stock() { boot_smp "$(stock_kernel)" "$1" "" "$EMULATED_CPU"; }

# boot_x86 kcsan|kasan SECONDS KERNEL_OPTIONS: the same with that kernel.
boot_x86() { boot_smp "$(x86_dir "$1")/arch/x86/boot/bzImage" "$2" "$3" "$EMULATED_CPU"; }

# boot_smp KERNEL SECONDS KERNEL_OPTIONS CPU
boot_smp()
{
	boot_qemu "$1" "$2" "$3" -accel tcg,thread=multi -smp 2,sockets=2 -cpu "$4" \
		-object memory-backend-ram,id=m0,size=1G -numa node,memdev=m0,cpus=0 \
		-object memory-backend-ram,id=m1,size=1G -numa node,memdev=m1,cpus=1
}

# boot_counting SECONDS [OPTION...]: the same on one processor, where an instruction
# takes a nanosecond, and nothing depends on the machine or on chance.
boot_counting()
{
	local seconds=$1

	shift
	boot_qemu "$(stock_kernel)" "$seconds" nokaslr -accel tcg,thread=single -icount shift=0,sleep=off -smp 1 \
		-cpu "$FAIR_CPU" -rtc base=2024-01-01,clock=vm -seed 1 "$@"
}

# boot_qemu KERNEL SECONDS KERNEL_OPTIONS OPTION...
boot_qemu()
{
	local kernel=$1 seconds=$2 append=$3

	shift 3
	boot "$seconds" qemu-system-x86_64 -M q35 -m 2G "$@" \
		-nodefaults -no-reboot -display none -serial stdio -serial "file:$RUN/out.tar" \
		-kernel "$kernel" -initrd "$RUN/stock.cpio" \
		-append "console=ttyS0 panic=-1 oops=panic log_buf_len=4M KIND=stock RIG=/rig rdinit=/rig/init $append"
}

stock_kernel() { echo "$LINUX/image/boot/vmlinuz-$ABI"; }

# guest_kernel: the same, already unpacked: the host of a guest in user-mode Linux
# spends many seconds on that, while one in QEMU spends more on its size.
guest_kernel() { echo "$LINUX/image/boot/vmlinux"; }

# explain_boot: why a machine did not come to its end.
explain_boot()
{
	if [[ -e $RUN/out/status ]]; then
		sed -n 's/\r$//; s/^rig: //p' "$RUN/console.log" | tail -n 3
	else
		echo "the machine crashed or took too long; the end of its console:"
		tail -n 30 "$RUN/console.log"
	fi
	echo "all of it: $RUN/console.log"
}

# --- initramfs ----------------------------------------------------------------

# stage ROOT FILE...: copies files, and the libraries they need, under ROOT.
stage()
{
	local root=$1 file libs

	shift
	for file; do
		mapfile -t libs < <(ldd "$file" 2>/dev/null | grep -o '/[^ ]*')
		cp -L --parents "$file" "${libs[@]}" "$root"
	done
}

# stage_base ROOT MODULE...: busybox, socat, vsock_test, and modules of the image, or of
# MODULES_DIR (or files), whose order is in /rig/modules.
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
	cp "$LINUX/vsock_test" "$root/bin/"
	cp "$RUN"/{init,*.sh,env} "$root/rig/"
	modules_for "${MODULES_DIR:-$LINUX/image/lib/modules}" "$@" | while read -r file; do
		stage_module "$root" "$file"
	done >"$root/rig/modules"
}

# stage_module ROOT FILE: prints where it is in the initramfs.
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

# pack ROOT FILE
pack()
{
	(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet) >"$2"
	rm -rf "$1"
}

# guest_initrd: makes RUN/guest.cpio.
guest_initrd()
{
	stage_base "$RUN/root" "${GUEST_MODULES[@]}"
	pack "$RUN/root" "$RUN/guest.cpio"
}

# pack_host ROOT: makes RUN/stock.cpio: a host, whose last module is what is tested.
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
	cp "$BUILD"/ring/{device_test,fuzz,races,load} "$root/bin/"
	pack_host "$root"
}

# stock_initrd MODULE: makes RUN/stock.cpio: a host with that module, QEMU, and
# the guest's kernel and initramfs.
stock_initrd()
{
	local root=$RUN/root file
	local qemu=/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so

	guest_initrd
	stage_base "$root" "$1"
	stage "$root" "$(command -v qemu-system-x86_64)" "$qemu"
	for file in /usr/share/seabios/bios-256k.bin /usr/share/qemu/{pvh,linuxboot_dma,kvmvapic}.bin; do
		cp -rL --parents "$file" "$root"
	done
	cp "$(stock_kernel)" "$root/rig/vmlinuz"
	mv "$RUN/guest.cpio" "$root/rig/"
	pack_host "$root"
}
