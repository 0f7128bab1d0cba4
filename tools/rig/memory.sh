# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2015,SC2034,SC2153,SC2154 # sourced by host.sh, whose variables it has
#
# The job "memory": a guest's memory shrinks, grows, and has several kinds of backing, under
# traffic.

MEMORY=192

job_memory()
{
	monitor="-monitor unix:$MONITOR,server=on,wait=off"
	disk || return
	GUEST_OPTIONS="$monitor -m $MEMORY,slots=2,maxmem=1G -device virtio-balloon-pci
		-object memory-backend-file,id=ram,size=${MEMORY}M,mem-path=/dev/shm/disk/ram,share=on
		-machine memory-backend=ram"
	guest_start || return
	tell "the guest is up, $(seconds) s after power-on"
	run_steps in_a_file_on_ext4 balloon_inflated_and_deflated memory_plugged \
		written_pages_reach_the_file in_a_memfd in_huge_pages
	umount /dev/shm/disk
}

# disk: an ext4 file system in a file. The loop device is set up separately: no process may
# have it open for writing when it is mounted.
disk()
{
	dd if=/dev/zero of=/dev/shm/image bs=1M seek=300 count=0 2>/dev/null
	mkfs.ext4 -q -O ^has_journal /dev/shm/image && mkdir /dev/shm/disk &&
		busybox losetup /dev/loop0 /dev/shm/image && mount /dev/loop0 /dev/shm/disk
}

step_in_a_file_on_ext4() { traffic_start; }

balloon_is() { hmp "info balloon" | grep -q "actual=$1\$"; }

step_balloon_inflated_and_deflated()
{
	for size in $((MEMORY - 16)) $MEMORY $((MEMORY - 24)) $MEMORY; do
		hmp "balloon $size" >/dev/null
		traffic_moves || return
		wait_for 60 balloon_is "$size" || fail "the balloon stays: $(hmp "info balloon")" || return
		traffic_moves || return
	done
}

more_memory() { guest_do "[ \$(awk '/^MemTotal/ { print \$2 }' /proc/meminfo) -gt $1 ]" >/dev/null; }

step_memory_plugged()
{
	before=$(guest_do "awk '/^MemTotal/ { print \$2 }' /proc/meminfo" | head -n 1)
	hmp_done "object_add memory-backend-ram,id=more,size=128M" || return
	hmp_done "device_add pc-dimm,id=dimm,memdev=more" || return
	wait_for 60 more_memory "$((before + 100000))" || fail "the guest has no more memory" || return
	traffic_moves && traffic_stop && traffic_again
}

# The file on the disk has what the guest has written to its memory.
step_written_pages_reach_the_file()
{
	guest_stop
	sync
	umount /dev/shm/disk && mount -o ro /dev/loop0 /dev/shm/disk || return
	grep -q "rig: guest is up" /dev/shm/disk/ram || fail "the guest's console is not in its memory"
}

step_in_a_memfd()
{
	GUEST_OPTIONS="$monitor -object memory-backend-memfd,id=ram,size=256M,share=on -machine memory-backend=ram"
	guest_start || return
	traffic_again
}

step_in_huge_pages()
{
	guest_stop
	echo $((MEMORY / 2)) >/proc/sys/vm/nr_hugepages || return
	GUEST_OPTIONS="$monitor -object memory-backend-memfd,id=ram,size=${MEMORY}M,share=on,hugetlb=on -machine memory-backend=ram -m $MEMORY"
	guest_start || return
	traffic_again
}
