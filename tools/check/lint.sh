# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The group lint: what can be said of the sources. Sourced by check.sh.

group_lint()
{
	lint_build "Debian's kernel" "$(headers_dir)"
	lint_build "user-mode Linux" "$(uml_dir debug)" ARCH=um MVSOCK_COVERAGE=1
	lint_refusal
	# What a later kernel's scripts ask for the oldest one may not have.
	[[ $KERNEL == 6.12 ]] || return 0
	lint_checkpatch
	lint_shellcheck
	lint_names "$BUILD/lint"
	verdict "no include and no call points up a layer" \
		"$("$TOP/tools/check/layers.sh" "$BUILD/lint/drivers/mvsock" 2>&1)"
	lint_docs
	verdict "one version everywhere" "$(check_versions)"
}

# Where the kernel does not see what the VMM wrote there must be no module.
lint_refusal()
{
	local out

	out=$(make -C "$BUILD/lint" KDIR="$(uml_dir debug)" ARCH=um \
		CONFIG_ARCH_HAS_CPU_CACHE_ALIASING=y modules 2>&1) || true
	verdict "no module for caches with aliases" \
		"$(grep -q 'needs data caches without aliases' <<<"$out" || echo "$out")"
}

lint_checkpatch()
{
	local files

	mapfile -t files < <(find "$TOP"/{drivers,include,kunit,tools} -name '*.[ch]' \
		! -name trace.h ! -name compat.h)
	verdict "checkpatch --strict" "$(checkpatch "${files[@]}")"
	# Trace events have a form of their own, here as in the kernel.
	verdict "checkpatch --strict, trace events" \
		"$(checkpatch --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT "$TOP"/include/mvsock/trace.h)"
	# What a kernel has no use for.
	verdict "checkpatch --strict, compatibility" \
		"$(checkpatch --ignore MACRO_ARG_UNUSED "$TOP"/include/mvsock/compat.h)"
}

checkpatch()
{
	"$LINUX/source/scripts/checkpatch.pl" --strict --no-tree --terse --no-summary \
		--show-types -f "$@" 2>&1
}

# lint_build WHAT KDIR [ARGUMENT...]: from nothing, for what is up to date does
# not warn.
lint_build()
{
	local what="W=1 and sparse are silent, $1" dir=$BUILD/$GROUP expected='^$'

	# Where the kernel was not built, modpost knows no symbols.
	[[ $* != *KBUILD_MODPOST_WARN=1* ]] ||
		expected='Module.symvers is missing|unresolved symbol|KBUILD_MODPOST_WARN|^WARNING: modpost: .* undefined!'

	# Later kernels leave out a sparse as old as Debian 12's.
	[[ $KERNEL == 6.12 ]] || what="W=1 is silent, $1"
	shift
	rm -rf "$dir"
	if quietly "$dir.log" build_module "$dir" "$@" W=1 C=2; then
		verdict "$what" "$(grep -iE 'warning|error|ERROR' "$dir.log" |
			grep -vE "$expected" || true)"
	else
		not_ok "$what" < <(grep -iE 'warning|error' "$dir.log")
	fi
}

lint_shellcheck()
{
	local files

	mapfile -t files < <(cd "$TOP" && grep -rlE '^#!.*sh$|^# shellcheck shell' tools .ci)
	verdict "shellcheck" "$(cd "$TOP" && shellcheck -x -P . "${files[@]}" 2>&1)"
}
