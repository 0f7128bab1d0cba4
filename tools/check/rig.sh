# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks of the rig itself: programs in user-mode Linux keep their registers, and failures
# report their cause in a line. Sourced by check.sh.

group_rig()
{
	rig_registers
	rig_death
	rig_scripts
}

# The program prints TAP. The machine runs nothing else.
rig_registers()
{
	new_run "$WORK/rig"
	set_env JOB registers
	set_env PROGRAMS "$CACHE/registers"
	set_env TIMEOUT 60
	boot_uml debug 100 || true
	report_tap registers
	sed -n 's/^# /  the processor has /p' "$RUN/out/registers.tap"
}

# rig_death: a machine without an init, and one with an unknown processor.
rig_death()
{
	local kernel

	kernel=$(uml_dir debug)/linux
	new_run "$WORK/rig-death"
	boot 60 "$kernel" mem=256M rootfstype=hostfs rootflags=/ ro init=/nowhere con=null con0=fd:0,fd:1 || true
	one_line "a kernel that panics says why" "machine crashed: Kernel panic.*init" \
		"$(explain_boot)"
	boot 60 qemu-system-x86_64 -M q35 -accel tcg -cpu nonsense || true
	one_line "a machine that does not start says why" "unable to find CPU model" "$(explain_boot)"
}

# rig_scripts: messages about what is missing on a user's machine.
rig_scripts()
{
	local bin=$WORK/rig-bin

	one_line "without headers" "install the linux-headers package" \
		"$(make -s -C "$TOP" KDIR=/nowhere modules 2>&1 | grep -v '^make')"
	one_line "a cache that cannot be written" "MVSOCK_CACHE" \
		"$(MVSOCK_CACHE=/proc/nowhere "$TOP/tools/setup.sh" guest 2>&1)"
	rm -rf "$bin"
	mkdir -p "$bin"
	ln -s /bin/false "$bin/apt-get"
	one_line "without the network" "check the network" \
		"$(PATH=$bin:$PATH MVSOCK_CACHE=$WORK/rig-cache "$TOP/tools/setup.sh" guest 2>&1 |
			grep -v '^Downloading\|^  full log')"
	verdict "nothing half-built stays in the cache" "$(find "$WORK/rig-cache" -name '*.part*' -o -name image)"
}

# one_line NAME PATTERN TEXT: TEXT must match, and have at most three lines: what is wrong, and
# what to do.
one_line()
{
	verdict "$1" "$( (($(wc -l <<<"$3") <= 3)) && grep -qE -e "$2" <<<"$3" ||
		printf 'wanted: %s\ngot: %s\n' "$2" "$3")"
}
