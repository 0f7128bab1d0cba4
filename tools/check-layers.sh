#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# check-layers.sh OBJECTS: prints each include and each call of the module that points up in
# the table of layers in Documentation/design.rst, each file that is not in the table, and files
# that call each other in a circle. OBJECTS is the folder of the compiled objects.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
objects=$1

# "FILE LAYER" a line, counted from the top.
layers()
{
	awk '/^layer  /	{ in_table = 1; next }
	     in_table && /^=/ && layer	{ exit }
	     in_table && /^[a-z]/	{ layer++ }
	     in_table	{
		while (match($0, /``[a-z_]+\.[ch]``/)) {
			print substr($0, RSTART + 2, RLENGTH - 4), layer
			$0 = substr($0, RSTART + RLENGTH)
		}
	     }' Documentation/design.rst
}

# "FILE HEADER" a line.
includes()
{
	grep -HoE '^#include [<"](mvsock/)?[a-z_]+\.h[">]' drivers/mvsock/*.[ch] include/mvsock/*.h |
		sed -nE 's,.*/([a-z_]+\.[ch]):#include (<mvsock/|")([a-z_]+\.h).*,\1 \3,p'
}

# "FILE FILE" a line: the first one uses a symbol of the second one.
calls()
{
	# The others are the kernel's, as those of tracepoints are.
	nm -A "$objects"/*.o | awk '$NF ~ /^mvs_/ {
		sub(/^.*\//, "", $1)
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

# up WHAT: of pairs on standard input, those of which the second file is above the first one.
up()
{
	awk -v what="$1" 'NR == FNR { layer[$1] = $2; next }
	     layer[$1] && layer[$2] && layer[$2] < layer[$1] { print $1, what, $2 ", which is above it" }' \
		<(layers) -
}

for file in drivers/mvsock/*.[ch] include/mvsock/*.h; do
	echo "${file##*/}"
done | grep -vxFf <(layers | cut -d' ' -f1) | sed 's/$/: in no layer of the table in design.rst/' || true
includes | up includes
calls | up calls
calls | tsort 2>&1 >/dev/null | sed -n 's/^tsort: \(.*\.c\)$/\1 calls in a circle/p'
