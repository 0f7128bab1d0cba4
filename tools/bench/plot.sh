#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# plot.sh: draws the ratios in Documentation/benchmarks: those of guests under KVM as
# kvm.svg there, those of the ring driver as ratios.svg.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

DIR=$TOP/Documentation/benchmarks

# ratios FILE...: a line for each load, in the order of the first file: its name, and its ratio
# in each of them, or NaN if there is none. Percentiles add little to the rate, and are
# left out.
ratios()
{
	awk '
	FNR == 1 { file++ }
	/^#/ || $1 == "load" || $2 ~ /^p[0-9]+-us$|\/message$/ { next }
	{
		name = $2 ~ /\/s$/ ? $1 : $1 ", " $2
		ratio[file, name] = $5
	}
	file == 1 { names[++n] = name }
	END {
		for (i = 1; i <= n; i++) {
			printf "\"%s\"", names[i]
			for (f = 1; f <= file; f++)
				printf " %s", (ratio[f, names[i]] > 0 ? ratio[f, names[i]] : "NaN")
			print ""
		}
	}' "$@"
}

# plot FILE TITLE ENVIRONMENT...: the axis is logarithmic with its origin at 1, where gnuplot's
# boxes can't start: so the logarithms are plotted.
plot()
{
	local file=$1 title=$2 columns="" env n=1

	shift 2
	for env; do
		columns+="'$BUILD/bench/ratios' using (log(\$$((++n)))/log(2)):xtic(1) title '$env', "
	done
	gnuplot <<-END
	set terminal svg size 1100,520 font "sans,12" background "white"
	set output "$file"
	set title "mvsock$title: how many times better than vhost_vsock (what is beyond 16 is cut off)" noenhanced
	set style data histogram
	set style histogram clustered gap 1
	set style fill solid 0.9 noborder
	set xtics rotate by 60 right nomirror
	set ytics nomirror ("1/4" -2, "1/2" -1, "1" 0, "2" 1, "4" 2, "8" 3, "16" 4)
	set yrange [-2:4]
	set grid ytics
	set xzeroaxis lt -1
	set key top left
	set border 3
	plot ${columns%, }
	END
	say "drawn: $file"
}

# draw NAME TITLE ENVIRONMENT...: plots the environments that have published results.
draw()
{
	local name=$1 title=$2 env envs=() files=()

	shift 2
	for env; do
		[[ -r $DIR/$env.txt ]] || continue
		envs+=("$env")
		files+=("$DIR/$env.txt")
	done
	((${#files[@]})) || die "there are no results of $* in $DIR" \
		"copy the results to publish there, as ${1}.txt"
	ratios "${files[@]}" >"$BUILD/bench/ratios"
	plot "$DIR/$name.svg" "$title" "${envs[@]}"
}

"$TOP/tools/setup.sh" gnuplot
mkdir -p "$BUILD/bench"
draw kvm " with guests under KVM" kvm
draw ratios "" icount smp uml
