#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# layers.sh OBJECTS: prints each include and each call of the module that points up in
# the table of layers in Documentation/design.rst, each include of another folder's own header,
# each file that is not in the table, and files that call each other in a circle. OBJECTS is the
# folder of the compiled objects.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
objects=$1

# "FOLDER LAYER" and "HEADER LAYER" a line; layers are counted from the top.
layers()
{
	awk '/^folder  /	{ in_table = 1; next }
	     in_table && /^=/ && layer	{ exit }
	     in_table && /^[`(]/	{ layer++ }
	     in_table	{
		while (match($0, /``[a-z_]+(\.h)?``/)) {
			print substr($0, RSTART + 2, RLENGTH - 4), layer
			$0 = substr($0, RSTART + RLENGTH)
		}
	     }' Documentation/design.rst
}

files()
{
	find drivers/mvsock include/mvsock -name '*.[ch]' | sed -E 's,(drivers|include)/mvsock/,,'
}

# "FILE FILE" a line: the first one includes the second one.
includes()
{
	grep -roE '^#include <mvsock/[a-z_]+\.h>' drivers/mvsock include/mvsock --include='*.[ch]' |
		sed -nE 's,^(drivers|include)/mvsock/(.*):#include <mvsock/([a-z_]+\.h)>,\2 \3,p'
}

# "FILE FILE" a line: the first one uses a symbol of the second one.
calls()
{
	# Other symbols are the kernel's, or those of tracepoints.
	(cd "$objects" && nm -A ./*.o ./*/*.o) | awk '$NF ~ /^mvs_/ {
		sub(/^\.\//, "", $1)
		sub(/\.o:.*/, ".c", $1)
		if ($(NF - 1) ~ /[TDBRV]/)
			defines[$NF] = $1
		else if ($(NF - 1) == "U")
			uses[$1 " " $NF]
	     }
	     END {
		for (u in uses) {
			split(u, part)
			if (part[2] in defines && defines[part[2]] != part[1])
				print part[1], defines[part[2]]
		}
	     }' | sort -u
}

# up WHAT: the pairs on standard input whose second file is above the first one.
up()
{
	awk -v what="$1" '
	# The layer of a file is that of its folder; a header in include/mvsock has its own.
	function of(file)
	{
		sub(/\/.*/, "", file)
		return file == "main.c" ? 1 : layer[file]
	}
	NR == FNR { layer[$1] = $2; next }
	of($1) && of($2) && of($2) < of($1) { print $1, what, $2 ", which is above it" }' \
		<(layers) -
}

files | grep -vxF main.c | sed 's,/.*,,' | sort -u | grep -vxFf <(layers | cut -d' ' -f1) |
	sed 's/$/: in no layer of the table in design.rst/' || true
includes | up includes
grep -rnE '^#include ".*/' drivers/mvsock include/mvsock | sed 's/$/: a header of another folder/' || true
pairs=$(calls)
up calls <<<"$pairs"
tsort <<<"$pairs" 2>&1 >/dev/null | sed -n 's/^tsort: \(.*\.c\)$/\1 calls in a circle/p'
