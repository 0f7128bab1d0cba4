# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The group lint: static checks of the sources. Sourced by check.sh.

group_lint()
{
	lint_build "Debian's kernel" "$(headers_dir)"
	lint_build "user-mode Linux" "$(uml_dir debug)" ARCH=um MVSOCK_COVERAGE=1
	lint_refusal
	# Scripts of a later kernel may require what the oldest supported kernel does not have.
	[[ $KERNEL == 6.12 ]] || return 0
	lint_checkpatch
	lint_shellcheck
	lint_netlink
	lint_names "$BUILD/lint"
	verdict "no include and no call points up a layer" \
		"$("$TOP/tools/check/layers.sh" "$BUILD/lint/drivers/mvsock" 2>&1)"
	lint_docs
	verdict "one version everywhere" "$(check_versions)"
}

# No module is built for kernels that may not see the VMM's writes.
lint_refusal()
{
	local out

	out=$(make -C "$BUILD/lint" KDIR="$(uml_dir debug)" ARCH=um \
		CONFIG_ARCH_HAS_CPU_CACHE_ALIASING=y modules 2>&1) || true
	verdict "no module for caches with aliases" \
		"$(grep -q 'needs data caches without aliases' <<<"$out" || echo "$out")"
}

# The files that the kernel's generator makes from the netlink specification.
lint_netlink()
{
	local dir=$BUILD/netlink name="the netlink family is as its specification" file

	rm -rf "$dir"
	if ! quietly "$dir.log" "$TOP/tools/netlink.sh" "$dir"; then
		not_ok "$name" <"$dir.log"
		return
	fi
	verdict "$name" "$(cd "$dir" && find . -type f | while read -r file; do
		diff -u "$TOP/$file" "$file" || true
	done)"
}

lint_checkpatch()
{
	local files

	mapfile -t files < <(find "$TOP"/{drivers,include,kunit,tools} -name '*.[ch]' \
		! -name trace.h ! -name compat.h)
	verdict "checkpatch --strict" "$(checkpatch "${files[@]}")"
	# Trace events have a layout of their own, here as in the kernel.
	verdict "checkpatch --strict, trace events" \
		"$(checkpatch --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT "$TOP"/include/mvsock/trace.h)"
	# A kernel may not need all arguments of a compatibility macro.
	verdict "checkpatch --strict, compatibility" \
		"$(checkpatch --ignore MACRO_ARG_UNUSED "$TOP"/include/mvsock/compat.h)"
}

checkpatch()
{
	"$LINUX/source/scripts/checkpatch.pl" --strict --no-tree --terse --no-summary \
		--show-types -f "$@" 2>&1
}

# lint_build WHAT KDIR [ARGUMENT...]: from scratch, as files that are up to date cause no
# warnings.
lint_build()
{
	local what="W=1 and sparse are silent, $1" dir=$BUILD/$GROUP expected='^$'

	# If the kernel was not built, modpost has no symbols.
	[[ $* != *KBUILD_MODPOST_WARN=1* ]] ||
		expected='Module.symvers is missing|unresolved symbol|KBUILD_MODPOST_WARN|^WARNING: modpost: .* undefined!'

	# Later kernels do not run a sparse as old as Debian 12's.
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
