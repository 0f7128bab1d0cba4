# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The KUnit suites. Sourced by check.sh.

group_kunit()
{
	build_debug || return 0
	kunit_run kunit debug busy leak reload
}

# kunit_run NAME KIND CHECK...: in that user-mode Linux; the module has been built for it.
kunit_run()
{
	local name=$1 kind=$2

	shift 2
	new_run "$WORK/$name"
	set_env JOB kunit
	set_env MODULES "$(modules_for "$(uml_dir "$kind")" "$BUILD/uml-$kind/mvsock.ko" | paste -sd' ')"
	set_env KUNIT_MODULES "$(find "$BUILD/uml-$kind" -name '*kunit*.ko' | paste -sd' ')"
	set_env OTHER "$(modules_for "$(uml_dir "$kind")" vhost_vsock | paste -sd' ')"
	set_env CHECKS "$*"
	boot_uml "$kind" 300 'kunit.filter_glob=mvsock*' || true
	report_kunit
	report_kernel "$@"
}

# report_kunit: kunit.py parses the results; the log has the reason of a failure above the
# failed case.
report_kunit()
{
	local log=$RUN/kunit.tap status name

	# Only the last report: the kernel prints an empty one of its own at boot.
	sed -E 's/\r$//; s/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?//' "$(kernel_log)" |
		awk '/^KTAP version 1/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' >"$log"
	PYTHONDONTWRITEBYTECODE=1 python3 "$LINUX/source/tools/testing/kunit/kunit.py" \
		parse --json="$RUN/kunit.json" "$log" >"$RUN/kunit.txt" 2>&1 || true
	[[ -n $(kunit_cases "$RUN/kunit.json") ]] || not_ok "the suites run" < <(explain_boot)
	while read -r status name; do
		case $status in
		PASS) ok "$name" ;;
		SKIP) skip "$name" <<<"the case skips itself" ;;
		*) not_ok "$name" < <(explain_case "$log" "${name##*: }") ;;
		esac
	done < <(kunit_cases "$RUN/kunit.json")
}

kernel_log()
{
	if [[ -s $RUN/out/dmesg ]]; then echo "$RUN/out/dmesg"; else echo "$RUN/console.log"; fi
}

# kunit_cases JSON: "STATUS suite: case: parameter" a line.
kunit_cases()
{
	[[ -s $1 ]] || return 0
	python3 - "$1" <<-'END'
	import json, sys

	def walk(group, path):
	    for case in group.get("test_cases", []):
	        print(case["status"], ": ".join(path + [case["name"]]))
	    for sub in group.get("sub_groups", []):
	        walk(sub, path + [sub["name"]])

	top = json.load(open(sys.argv[1]))
	for group in top.get("sub_groups", []):
	    walk(group, [group["name"]])
	END
}

explain_case()
{
	awk -v name="$2" '
	/^ *(not )?ok [0-9]+ / {
		if (index($0, name) && /^ *not ok/) { printf "%s", text; found = 1 }
		text = ""; next
	}
	{ text = text $0 "\n" }
	END { if (!found) printf "%s", text }' "$1" | tail -n 30
}
