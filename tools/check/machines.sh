# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The module on machines of other architectures, each a group. Sourced by check.sh.

group_arm64() { run_machine arm64; }

# run_machine MACHINE: each job in a boot of its own. What ran is kept as a row of the table of
# print_machines.
run_machine()
{
	local machine=$1 row=()

	rm -f "$WORK/machine-$machine.row"
	built "$BUILD/machine-$machine" "$(machine_dir "$machine")" ARCH="$machine" \
		CROSS_COMPILE="$(arch_compiler "$machine")" || return 0
	build_machine_programs "$machine" || return 0
	counted machine_kunit
	counted machine_device
	counted machine_fuzz
	counted machine_compare parity
	counted machine_compare sockets
	printf '%s\n' "$machine" "$(machine_pages)" "$(machine_order)" "${row[@]}" |
		paste -sd'|' >"$WORK/machine-$machine.row"
}

# machine_pages: the size of a page, by the kernel's configuration.
machine_pages()
{
	local shift

	shift=$(sed -n 's/^CONFIG_PAGE_SHIFT=//p' "$(machine_dir "$machine")/.config")
	echo "$(((1 << shift) / 1024)) KiB"
}

machine_order()
{
	if grep -q '^CONFIG_CPU_BIG_ENDIAN=y' "$(machine_dir "$machine")/.config"; then
		echo big
	else
		echo little
	fi
}

# print_machines GROUP...: the table of kernels.rst, if groups of machines have run. Rows of
# machines that did not run are those of earlier runs.
print_machines()
{
	local files=() machine

	[[ $* =~ arm64 ]] || return 0
	for machine in "${MACHINES[@]}"; do
		[[ ! -e $WORK/machine-$machine.row ]] || files+=("$WORK/machine-$machine.row")
	done
	((${#files[@]})) || return 0
	awk -F'|' '
	BEGIN {
		split("machine|page|byte order|KUnit|device, races|fuzz|parity|sockets", head)
		for (i = 1; i <= 8; i++) { cell[0, i] = head[i]; width[i] = length(head[i]) }
	}
	{
		for (i = 1; i <= 8; i++) {
			cell[NR, i] = $i
			if (length($i) > width[i]) width[i] = length($i)
		}
	}
	function rule(  i, line) {
		for (i = 1; i <= 8; i++) line = line substr("========================================", 1, width[i]) " "
		sub(/ $/, "", line)
		print line
	}
	END {
		rule()
		for (n = 0; n <= NR; n++) {
			line = ""
			for (i = 1; i <= 8; i++) line = line sprintf("%-*s ", width[i], cell[n, i])
			sub(/ *$/, "", line)
			print line
			if (n == 0) rule()
		}
		rule()
	}' "${files[@]}" >"$WORK/machines.rst"
	cat "$WORK/machines.rst"
	say "The table for Documentation/kernels.rst is in $WORK/machines.rst."
}

# counted FUNCTION [ARGUMENT]: adds its results to the row: how many passed, of how many.
counted()
{
	local good=$PASSED bad=$FAILED left=$SKIPPED text

	"$@"
	good=$((PASSED - good)) bad=$((FAILED - bad)) left=$((SKIPPED - left))
	text=$good
	((bad == 0)) || text+=" of $((good + bad))"
	((left == 0)) || text+=", $left skipped"
	row+=("$text")
}

# build_machine_programs MACHINE: into the folder PROGRAMS.
build_machine_programs()
{
	local compiler user

	compiler=$(arch_compiler "$1")
	user=$(machine_user "$1")
	PROGRAMS=$BUILD/testing-$1
	build "the ring driver builds" "$PROGRAMS" make -C "$TOP/tools/testing" O="$PROGRAMS" \
		CC="${compiler}gcc -isystem $user/include" AR="${compiler}ar" UAPI="$user/include"
}

# machine_run JOB SECONDS KERNEL_OPTIONS CHECK...: the programs are in /bin.
machine_run()
{
	local job=$1 seconds=$2 append=$3

	shift 3
	set_env JOB "$job"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env CHECKS "$*"
	machine_initrd "$machine" "$PROGRAMS"
	boot_machine "$machine" "$seconds" "$append" || true
}

machine_kunit()
{
	new_run "$WORK/$machine-kunit"
	set_env KUNIT_MODULES /rig/mvsock_kunit.ko
	machine_run kunit 900 'kunit.filter_glob=mvsock*' busy reload
	report_kunit
	report_kernel busy reload
}

machine_device()
{
	new_run "$WORK/$machine-device"
	set_env PROGRAMS /bin/device_test
	set_env TIMEOUT 2400
	races_env /bin/races 1
	machine_run device 3000 "" reload
	report_tap device_test
	report_tap races
	report_kernel reload
}

# Half of the time is for the parsers alone, half for the whole device.
machine_fuzz()
{
	local half=$((FUZZ_SECONDS / 2))

	new_run "$WORK/$machine-fuzz"
	set_env KUNIT_MODULES /rig/mvsock_kunit.ko
	set_env PROGRAMS /bin/fuzz
	set_env FUZZ_SECONDS "$half"
	set_env TIMEOUT $((half + 300))
	machine_run fuzz $((FUZZ_SECONDS + 900)) kunit.filter_glob=fuzz_mvsock reload
	report_kunit
	report_tap fuzz
	report_kernel reload
}

# machine_compare parity|sockets
machine_compare()
{
	new_run "$WORK/$machine-$1"
	set_env PROGRAMS "/bin/$1"
	set_env TIMEOUT 1200
	machine_run parity 2600 "" reload
	report_tap "$1"
	report_kernel reload
}
