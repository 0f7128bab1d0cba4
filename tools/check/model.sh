# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The models in tools/model, which spin verifies exhaustively. Sourced by check.sh.

# Without any of its safeguards the model must fail: otherwise it proves nothing.
group_model()
{
	local fault

	verdict "no chain is left without a look" "$(search_model lease)"
	for fault in NO_TIMER NO_RECHECK NO_WAKE; do
		verdict "a chain is left without a look, $fault" \
			"$([[ $(search_model lease "-D$fault") == *"assertion violated"* ]] ||
				echo "spin does not find it")"
	done
}

# search_model NAME [OPTION...]: prints the errors that spin finds.
search_model()
{
	local dir=$WORK/model name=$1

	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	(
		cd "$dir" || return
		spin "$@" -a "$TOP/tools/model/$name.pml" && gcc -O2 -DSAFETY -o pan pan.c &&
			./pan -m200000
	) >"$dir.log" 2>&1 || true
	grep -q 'errors: 0$' "$dir.log" || grep -E 'error|assertion violated|depth too small' "$dir.log" ||
		tail -n 5 "$dir.log"
}
