# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The checks after a kernel has run. Sourced by check.sh.

# report_kernel CHECK...: its log, and the checks that host.sh made at the end.
report_kernel()
{
	local check

	if [[ ! -e $RUN/out/status ]]; then
		not_ok_all "the kernel runs to its end" "$@" < <(explain_boot)
		return
	fi
	verdict "kernel log is clean" "$(unexpected "$RUN/out/dmesg")"
	for check; do
		verdict "$(check_name "$check")" "$(check_result "$RUN/out/$check")"
	done
}

check_name()
{
	case $1 in
	leak) echo "no leak" ;;
	reload) echo "unloads and loads again" ;;
	busy) echo "beside vhost_vsock it refuses to load, and says why" ;;
	esac
}

# check_result FILE: the output of a check, if it failed.
check_result()
{
	if [[ ! -e $1 ]]; then
		echo "it was not reached"
	elif [[ $(tail -n 1 "$1") != "exit status 0" ]]; then
		head -n 40 "$1"
	fi
}

not_ok_all()
{
	local name=$1 check

	shift
	not_ok "$name"
	for check; do
		not_ok "$(check_name "$check")" <<<"it was not reached"
	done
}

# unexpected DMESG: messages that must not occur. The one known warning, of the
# option that CONFIG_MMU_NOTIFIER depends on in user-mode Linux, is omitted.
unexpected()
{
	awk '
	{ sub(/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?/, "") }
	/\[ cut here \]/ { text = ""; known = 0; inside = 1 }
	inside {
		text = text $0 "\n"
		if (/drivers\/(virt-pci|virtio_pcidev)\.c/) known = 1
		if (/end trace/) { if (!known) printf "%s", text; inside = 0 }
		next
	}
	/WARNING|BUG[: ]|KASAN|UBSAN|ODEBUG|INFO:|Oops|Call Trace|Kernel panic/ ||
	/possible .* (deadlock|dependency|recursi)|suspicious RCU|bad unlock/ ||
	/general protection|refcount_t|list_(add|del) corruption|stack guard/ ||
	/DEBUG_LOCKS|turning off the locking/ ||
	/kmemleak: .*(new suspected|disabled|Cannot|exhausted|unable)/ ||
	/segfault|page allocation failure|out of memory|hung_task|soft lockup/ { print }
	END { if (inside && !known) printf "%s", text }' "$1" | head -n 60
}

# report_tap PROGRAM: "# ..." lines after a "not ok" explain it.
report_tap()
{
	local file=$RUN/out/$1.tap line wanted got=0

	if [[ ! -e $file ]]; then
		not_ok "$1" < <(echo "it was not reached"; explain_boot)
		return
	fi
	while read -r line; do
		got=$((got + 1))
		case $line in
		ok*"# SKIP")
			skip "$1: $(tap_name "${line%# SKIP}")" < <(explain_tap "$file" "$line" | head -n 1)
			;;
		ok*"# SKIP"*) skip "$1: $(tap_name "${line%%# SKIP*}")" <<<"${line##*# SKIP }" ;;
		ok*) ok "$1: $(tap_name "$line")" ;;
		*) not_ok "$1: $(tap_name "$line")" < <(explain_tap "$file" "$line") ;;
		esac
	done < <(grep -E '^(not )?ok ' "$file")
	wanted=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$file")
	if [[ $got != "${wanted:-none}" ]] || ((got == 0)); then
		not_ok "$1: all its tests are run" < <(echo "planned: ${wanted:-none}, seen: $got"
			tail -n 5 "$file")
	fi
}

tap_name() { sed -E 's/^(not )?ok [0-9]+ *-? *//; s/ *$//' <<<"$1"; }

# explain_tap FILE LINE: the "# ..." lines around it.
explain_tap()
{
	awk -v line="$2" '
	$0 == line { printf "%s", before; found = 1; next }
	/^(not )?ok / { if (found) exit; before = ""; next }
	found { print; next }
	{ before = before $0 "\n" }' "$1" | head -n 60
}
