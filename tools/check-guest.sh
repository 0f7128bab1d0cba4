# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The groups with a stock guest: under KVM, on Debian's kernel, and emulated, in user-mode
# Linux. Sourced by check.sh.

# --- vsock_test ---------------------------------------------------------------

# vsock_names: "NUMBER NAME" a line; --list ends in status 1.
vsock_names()
{
	{ "$LINUX/vsock_test" --list || true; } | sed 1d | tr '\t' ' '
}

# vsock_env TIMEOUT RACY_TESTS: the job of vsock_test both ways, each test of which may take
# so long; those that race with themselves may be tried again.
vsock_env()
{
	local all

	all=$(vsock_names | cut -d' ' -f1 | paste -sd' ')
	set_env JOB vsock_test
	set_env ALL_TESTS "$all"
	set_env GUEST_CLIENT "$all"
	set_env HOST_CLIENT "$all"
	set_env RACY_TESTS "$2"
	set_env TIMEOUT "$1"
	set_env VSOCK_TEST "$LINUX/vsock_test"
}

group_guest() { kvm_vsock ""; }

group_packed()
{
	kvm_vsock ",packed=on"
	# VIRTIO_F_RING_PACKED is bit 34.
	negotiated "packed virtqueues" 34
}

# The guest's addresses are translated, for the device as for its own programs, and
# the device caches translations.
group_viommu()
{
	kvm_vsock ",iommu_platform=on,disable-legacy=on,ats=on" \
		"-machine kernel-irqchip=split -device intel-iommu,caching-mode=on,device-iotlb=on" \
		intel_iommu=on
	# VIRTIO_F_ACCESS_PLATFORM is bit 33.
	negotiated "the vIOMMU" 33
}

# The same with all that finds bugs in the host, which has no KVM.
group_umlguest()
{
	[[ $MODULE != mvsock ]] || build_debug || return 0
	new_run "$WORK/$GROUP"
	guest_initrd "" "$LINUX/vsock_test"
	vsock_env 90 21
	uml_guest_env
	boot_uml debug 600 || true
	report_vsock guest-client
	report_vsock host-client
	report_kernel leak reload
}

# uml_guest_env: a guest in user-mode Linux.
uml_guest_env()
{
	set_env MODULES "$(modules_for "$(uml_dir debug)" "$(tested "$BUILD/uml-debug")" | paste -sd' ')"
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
	guest_initrd "" "$LINUX/vsock_test"
	vsock_env 60 21
	set_env DEVICE_OPTIONS "$1"
	set_env GUEST_OPTIONS "${2:-}"
	set_env GUEST_APPEND "${3:-}"
	set_env CHECKS reload
	kvm_initrd "$(tested "$BUILD/stock")" "$LINUX/vsock_test"
	boot_kvm 600 || true
	report_vsock guest-client
	report_vsock host-client
	report_kernel reload
}

# negotiated WHAT BIT: of the device's features; vhost_vsock does not show them.
negotiated()
{
	local features

	[[ $MODULE == mvsock ]] || return 0
	features=$(awk '$1 == "features:" { print $2 }' "$RUN/out/fdinfo" 2>/dev/null) || true
	verdict "the guest negotiates $1" \
		"$( ((${features:-0} >> $2 & 1)) || echo "features: ${features:-unknown}")"
}

# report_vsock DIRECTION
report_vsock()
{
	local number name result

	while read -r number name; do
		result=$(grep -E "^$1 (not )?ok $number( |\$)" "$RUN/out/results" 2>/dev/null) || true
		name="$number $name ($1)"
		if [[ $result == "$1 ok "* ]]; then
			ok "$name$(vsock_try "${result##* }")"
		else
			not_ok "$name" < <(explain_vsock "${result##* }" "$number")
		fi
	done < <(vsock_names)
}

# vsock_try N: a test that races with itself may need several; see take_failure.
vsock_try() { (($1 == 1)) || echo ", try $1 of a test that races with itself"; }

# explain_vsock LOG NUMBER: what each side said from that test on.
explain_vsock()
{
	local side

	if [[ -z $1 ]]; then
		echo "it was not reached; the console is in $RUN/console.log"
		return
	fi
	for side in client server; do
		sed -n "/^$2 - /,\$p" "$RUN/out/$1.$side" | head -n 10 | sed "s/^/$side: /"
	done
}

# --- traffic ------------------------------------------------------------------

group_life() { traffic_run; }

group_migrate() { traffic_run; }

group_memory() { traffic_run virtio_balloon; }

build_traffic()
{
	quietly "$BUILD/helpers.log" make -C "$TOP/tools/ring" O="$BUILD/helpers" helpers && return
	not_ok "the traffic program builds" < <(grep -E 'error|Error' "$BUILD/helpers.log")
	return 1
}

# traffic_run MODULE...: the job of the group's name, whose results are a TAP file.
# The guest has those modules, too.
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
	kvm_initrd "$(tested "$BUILD/stock")" "$BUILD/helpers/traffic"
	boot_kvm 600 || true
	report_tap traffic
	report_kernel reload
}
