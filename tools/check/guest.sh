# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The groups with a stock guest: under KVM, on Debian's kernel, and emulated, in user-mode
# Linux. Sourced by check.sh.

# --- the kernel's tests -------------------------------------------------------

# vsock_diag_test is first: it requires that there are no other sockets.
VSOCK_TESTS=(vsock_diag_test vsock_test vsock_uring_test)
DIRECTIONS=(guest-client host-client)

# vsock_names PROGRAM: "NUMBER NAME" a line.
vsock_names() { cat "$LINUX/vsock/$1.names"; }

# vsock_guest: a guest with these programs.
vsock_guest() { guest_initrd vsock_diag "${VSOCK_TESTS[@]/#/$LINUX/vsock/}"; }

# vsock_env TIMEOUT: runs the programs in both directions, each with this timeout.
vsock_env()
{
	local name

	set_env JOB vsock_test
	for name in "${VSOCK_TESTS[@]}"; do
		set_env "TESTS_$name" "$(vsock_names "$name" | cut -d' ' -f1 | paste -sd' ')"
	done
	set_env TIMEOUT "$1"
	set_env VSOCK_TESTS "${VSOCK_TESTS[*]/#/$LINUX/vsock/}"
}

group_guest() { kvm_vsock ""; }

group_packed()
{
	kvm_vsock ",packed=on"
	# VIRTIO_F_RING_PACKED is bit 34.
	negotiated "packed virtqueues" 34
}

# The device has I/O virtual addresses, and caches translations.
group_viommu()
{
	kvm_vsock ",iommu_platform=on,disable-legacy=on,ats=on" \
		"-machine kernel-irqchip=split -device intel-iommu,caching-mode=on,device-iotlb=on" \
		intel_iommu=on
	# VIRTIO_F_ACCESS_PLATFORM is bit 33.
	negotiated "the vIOMMU" 33
}

# The same with all debugging options in the host, which has no KVM.
group_umlguest()
{
	[[ $MODULE != mvsock ]] || build_debug || return 0
	new_run "$WORK/$GROUP"
	vsock_guest
	vsock_env 90
	uml_guest_env vsock_diag
	boot_uml debug 600 || true
	report_vsock
	report_kernel leak reload
}

# uml_guest_env MODULE...: a guest in user-mode Linux; the host has these modules.
uml_guest_env()
{
	set_env MODULES "$(modules_for "$(uml_dir debug)" "$@" "$(tested "$BUILD/uml-debug")" | paste -sd' ')"
	set_env GUEST_KERNEL "$(guest_kernel)"
	set_env GUEST_INITRD "$RUN/guest.cpio"
	set_env GUEST_ACCEL "tcg -cpu $EMULATED_CPU"
	set_env CHECKS "leak reload"
}

# kvm_vsock DEVICE_OPTIONS [GUEST_OPTIONS GUEST_APPEND]
kvm_vsock()
{
	[[ $MODULE != mvsock ]] || build_stock || return 0
	new_run "$WORK/$GROUP"
	vsock_guest
	vsock_env 60
	set_env DEVICE_OPTIONS "$1"
	set_env GUEST_OPTIONS "${2:-}"
	set_env GUEST_APPEND "${3:-}"
	set_env CHECKS reload
	kvm_initrd "vsock_diag $(tested "$BUILD/stock")" "${VSOCK_TESTS[@]/#/$LINUX/vsock/}"
	boot_kvm 600 || true
	report_vsock
	report_kernel reload
}

# siblings_example START: the line of the manual.
siblings_example() { sed -n "s/^    \\$ \\($1.*\\)/\\1/p" "$TOP/Documentation/siblings.rst"; }

# The kernel's tests between two guests, and the manual's example.
group_siblings()
{
	local DIRECTIONS=(guest-guest) VSOCK_TESTS=(vsock_test vsock_uring_test)
	# An emulated host whose processors both run a guest stands still now and then.
	local -x HOST_PROCESSORS=1

	build_stock && build_mvsockctl || return 0
	new_run "$WORK/$GROUP"
	vsock_guest
	vsock_env 60
	set_env JOB siblings
	set_env TOOLS "$SHOW_TOOLS"
	set_env CHECKS reload
	set_env SIBLINGS_LISTEN "$(siblings_example "socat VSOCK-LISTEN")"
	set_env SIBLINGS_CONNECT "$(siblings_example "socat - VSOCK-CONNECT")"
	kvm_initrd "$BUILD/stock/mvsock.ko" "$SHOW_TOOLS/mvsockctl"
	boot_kvm 600 || true
	report_vsock
	report_tap example
	report_kernel reload
}

# vmtest.sh of later kernels, which mostly tests namespaces, unchanged. tools/rig/vmtest-*.sh
# replace the virtme-ng and ssh that it uses.
group_vmtest()
{
	local root selftests=$LINUX/source/tools/testing/selftests

	[[ $MODULE != mvsock ]] || build_stock || return 0
	new_run "$WORK/$GROUP"
	root=$RUN/guest
	stage_base "$root" "${GUEST_MODULES[@]}" vsock_diag vsock_loopback
	stage "$root" "$(command -v bash)" "$(command -v ss)" "$(command -v dmesg)"
	mkdir "$root/tmp"
	cp "$LINUX/vsock/vsock_test" "$root/"
	pack "$root" "$RUN/guest.cpio"

	set_env JOB vmtest
	set_env CHECKS reload
	root=$RUN/root
	mkdir -p "$root/selftests/kselftest" "$root/selftests/vsock"
	cp "$selftests/kselftest/ktap_helpers.sh" "$root/selftests/kselftest/"
	cp "$selftests/vsock/vmtest.sh" "$LINUX/vsock/vsock_test" "$root/selftests/vsock/"
	kvm_initrd "vsock_diag vsock_loopback $(tested "$BUILD/stock")" "$(command -v bash)" \
		"$(command -v ip)" "$(command -v ss)" "$(command -v nsenter)" \
		"$(command -v dmesg)" "$(command -v pkill)" "$(command -v mktemp)"
	boot_kvm 1500 || true
	report_tap vmtest
	report_kernel reload
}

# negotiated WHAT BIT: checks a feature bit of the device; vhost_vsock does not show them.
negotiated()
{
	local features

	[[ $MODULE == mvsock ]] || return 0
	features=$(awk '$1 == "features:" { print $2 }' "$RUN/out/fdinfo" 2>/dev/null) || true
	verdict "the guest negotiates $1" \
		"$( ((${features:-0} >> $2 & 1)) || echo "features: ${features:-unknown}")"
}

report_vsock()
{
	local program direction

	verdict "the guest comes up, and stays" "$(cat "$RUN/out/guest.end" 2>/dev/null)"
	for program in "${VSOCK_TESTS[@]}"; do
		for direction in "${DIRECTIONS[@]}"; do
			report_direction "$program" "$direction"
		done
	done
}

# report_direction PROGRAM DIRECTION
report_direction()
{
	local number name result

	while read -r number name; do
		result=$(grep -E "^$1 $2 (not )?ok $number( |\$)" "$RUN/out/results" 2>/dev/null) || true
		name="$1: $number $name ($2)"
		if [[ $result == "$1 $2 ok "* ]]; then
			ok "$name$(vsock_try "${result##* }")"
		else
			not_ok "$name" < <(explain_vsock "${result##* }" "$number")
		fi
	done < <(vsock_names "$1")
}

# vsock_try N: a test with a race of its own may need several tries; see races in host.sh.
vsock_try() { (($1 == 1)) || echo ", try $1 of a test that races with itself"; }

# explain_vsock LOG NUMBER: the output of each side from that test on.
explain_vsock()
{
	local side

	if [[ -z $1 ]]; then
		echo "it was not reached; the consoles are in $RUN, in console.log and out/guest.log"
		return
	fi
	for side in client server; do
		sed -n "/^$2 - /,\$p" "$RUN/out/$1.$side" | head -n 10 | sed "s/^/$side: /"
	done
	tail -n 25 "$RUN/out/guest.log" | sed "s/^/guest: /"
}

# --- traffic ------------------------------------------------------------------

group_life() { traffic_run; }

group_migrate() { traffic_run; }

group_memory() { traffic_run virtio_balloon; }

build_traffic()
{
	build "the traffic program builds" "$BUILD/helpers" make -C "$TOP/tools/testing" \
		O="$BUILD/helpers" helpers
}

# traffic_run MODULE...: runs the job of the group's name, whose results are a TAP file.
# The guest has these modules, too.
traffic_run()
{
	[[ $MODULE != mvsock ]] || build_stock || return 0
	build_traffic || return 0
	new_run "$WORK/$GROUP"
	guest_initrd "$*" "$BUILD/helpers/traffic"
	set_env JOB "$GROUP"
	set_env TRAFFIC "$BUILD/helpers/traffic"
	set_env TIMEOUT 60
	set_env CHECKS reload
	kvm_initrd "loop $(tested "$BUILD/stock")" "$BUILD/helpers/traffic" \
		"$(command -v qemu-img)" "$(command -v mkfs.ext4)"
	boot_kvm 600 || true
	report_tap traffic
	report_kernel reload
}

# With both modules: a failure with both of them is one of KVM in an emulated processor.
group_pages()
{
	build_stock && build_traffic || return 0
	new_run "$WORK/$GROUP"
	guest_initrd virtio_balloon "$BUILD/helpers/traffic"
	set_env JOB pages
	set_env TRAFFIC "$BUILD/helpers/traffic"
	set_env TIMEOUT 60
	set_env PAGES_TIMES "$PAGES_TIMES"
	set_env PAGES_MB "$PAGES_MB"
	set_env CHECKS reload
	stage_other "$RUN/root" vhost_vsock
	kvm_initrd "$BUILD/stock/mvsock.ko" "$BUILD/helpers/traffic"
	boot_kvm $((PAGES_TIMES * 1200)) || true
	report_tap traffic
	[[ ! -e $RUN/out/vmstat ]] || say "  $(paste -sd, "$RUN/out/vmstat")"
	report_kernel reload
}
