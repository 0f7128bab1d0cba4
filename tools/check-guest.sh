# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The groups that play with a guest under traffic. Sourced by check.sh.

group_life() { traffic_run; }

group_migrate() { traffic_run; }

group_memory() { traffic_run virtio_balloon; }

# The guest's addresses are translated, for the device as for its own programs, and
# the device caches translations.
group_viommu()
{
	guest_run ",iommu_platform=on,disable-legacy=on,ats=on" \
		"-device intel-iommu,caching-mode=on,device-iotlb=on" intel_iommu=on "17 21"
	# VIRTIO_F_ACCESS_PLATFORM is bit 33.
	negotiated "the vIOMMU" 33
}

build_traffic()
{
	quietly "$BUILD/helpers.log" make -C "$TOP/tools/ring" O="$BUILD/helpers" helpers && return
	not_ok "the traffic program builds" < <(grep -E 'error|Error' "$BUILD/helpers.log")
	return 1
}

# traffic_initrd MODULE...: makes RUN/guest.cpio, with these modules more and traffic.
traffic_initrd()
{
	stage_base "$RUN/root" "${GUEST_MODULES[@]}" "$@"
	cp "$BUILD/helpers/traffic" "$RUN/root/bin/"
	pack "$RUN/root" "$RUN/guest.cpio"
}

# traffic_run MODULE...: the job of the group's name, whose results are a TAP file.
# The guest has those modules, too.
traffic_run()
{
	[[ $MODULE != mvsock ]] || build_debug || return 0
	build_traffic || return 0
	new_run "$WORK/$GROUP"
	traffic_initrd "$@"
	set_env JOB "$GROUP"
	set_env TRAFFIC "$BUILD/helpers/traffic"
	set_env TIMEOUT 60
	set_env MODULES "$(modules_for "$(uml_dir debug)" "$(tested "$BUILD/uml-debug")" | paste -sd' ')"
	set_env GUEST_KERNEL "$(guest_kernel)"
	set_env GUEST_INITRD "$RUN/guest.cpio"
	set_env CHECKS "leak reload"
	boot_uml debug 600 || true
	report_tap traffic
	report_kernel leak reload
}
