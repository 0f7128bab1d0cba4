# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The checks of the manual and of the kernel-doc comments in lint. Sourced by check.sh.

lint_docs()
{
	local docs

	docs=$("$TOP/tools/docs.sh" 2>&1) && docs=
	verdict "the manual builds without warnings" "$docs"
	verdict "kernel-doc is silent" \
		"$("$LINUX/source/scripts/kernel-doc" -none -Wall \
			"$TOP"/include/mvsock/*.h "$TOP"/drivers/mvsock/{,*/}*.[ch] 2>&1)"
	verdict "the manual pages have no errors" "$(man_pages 2>&1 >/dev/null)"
	verdict "every ioctl is in the manual" "$(lacking ioctls.rst ioctls; lacking mvsock.4 ioctls)"
	verdict "every reason is in the manual" "$(lacking errors.rst reasons)"
	verdict "every group of tests is in the manual" "$(lacking testing.rst groups)"
	verdict "every counter is in the manual" "$(lacking observability.rst counters)"
	verdict "every tracepoint is in the manual" "$(lacking observability.rst tracepoints)"
}

man_pages()
{
	find "$TOP"/Documentation "$TOP"/tools -name '*.[48]' \
		-exec man --warnings -E UTF-8 -l -Tutf8 -Z {} +
}

# lacking FILE WORDS: the words of the source that are missing in a file of the manual.
lacking()
{
	local word

	for word in $("$2"); do
		grep -qwF "$word" "$TOP/Documentation/$1" || echo "$1: no $word"
	done
}

groups() { printf "\`\`%s\`\`\\n" "${GROUPS_ALL[@]}" "${GROUPS_LONG[@]}"; }

ioctls()
{
	sed -n 's/^\t*\(case\|if (cmd ==\) \(VHOST_[A-Z_]*\)[:)]$/\2/p' \
		"$TOP"/drivers/mvsock/device/{device,vring_ioctl}.c | sort -u
}

reasons()
{
	sed -n 's/^\t\[MVS_REASON_.*= "\([a-z_]*\)",$/\1/p' "$TOP/drivers/mvsock/virtqueue/virtqueue.c"
}

counters() { sed -n 's/^\t{ "\([a-z_]*\)", .*/\1/p' "$TOP/drivers/mvsock/device/counters.c"; }

tracepoints() { sed -n 's/^\(TRACE\|DEFINE\)_EVENT(\(mvs_packet, \|mvs_device, \)\?\([a-z_]*\),.*/\3/p' "$TOP/include/mvsock/trace.h"; }
