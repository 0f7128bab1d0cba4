# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The module for other architectures, big-endian and weakly ordered ones: compiled, not run.
# Sourced by check.sh.

group_arch()
{
	local arch

	for arch in "${ARCHES[@]}"; do
		lint_build "$arch" "$(arch_dir "$arch")" ARCH="$arch" \
			CROSS_COMPILE="$(arch_compiler "$arch")" KBUILD_MODPOST_WARN=1
	done
}
