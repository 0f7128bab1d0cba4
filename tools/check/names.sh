# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What lint says of the names of functions, and of the comments that explain them. Sourced
# by check.sh.

# lint_names FOLDER: where the module was built.
lint_names()
{
	verdict "no two functions have one name" "$(same_names "$1")"
	verdict "every external function has a kernel-doc comment" "$(undocumented "$1")"
	verdict "no kernel-doc brief is a question, no value \"that\"" "$(vague_docs)"
}

# functions: "NAME FILE:LINE doc" of each that is defined in the module's source, or "-" for
# one without kernel-doc. What stands in for it where it is not built, one line in a header, is
# none.
functions()
{
	awk -v skip=$((${#TOP} + 2)) '
	FNR == 1 { inside = 0; doc = text = "" }
	inside && match($0, /^ \* [a-z0-9_]+ - /) && doc == "" { doc = $2 }
	inside { inside = !/\*\//; next }
	/^\/\*/ { inside = !/\*\//; doc = /^\/\*\*$/ ? "" : "-"; next }
	/^[{]$/ && match(text, /[a-zA-Z_][a-zA-Z0-9_]*\(/) {
		name = substr(text, RSTART, RLENGTH - 1)
		print name, substr(FILENAME, skip) ":" line, doc == name ? "doc" : "-"
	}
	/^$|^[{}#]|;$/ { doc = text = ""; next }
	text == "" { line = FNR }
	text != "" || /^[a-zA-Z_]/ { text = text $0 " " }' \
		"$TOP"/drivers/mvsock/{,*/}*.[ch] "$TOP"/include/mvsock/*.h
}

# symbols FOLDER KIND: of those functions of the module that the compiler left. KASAN has
# some of its own in each object.
symbols()
{
	nm --defined-only "$1/mvsock.o" |
		awk -v kind="$2" '$2 ~ kind && $3 !~ /^(__pfx_|_sub_[DI]_)/ { print $3 }'
}

# same_names FOLDER: functions that a stack trace or a filter of ftrace does not tell apart.
same_names()
{
	local name

	for name in $(functions | cut -d' ' -f1 | sort | uniq -d) \
		$(symbols "$1" '[tT]' | sort | uniq -d); do
		echo "$name: $(functions | awk -v name="$name" '$1 == name { printf "%s ", $2 }')"
	done | sort -u
}

# undocumented FOLDER: external functions without a kernel-doc comment at their definition.
undocumented()
{
	[[ -e $1/mvsock.o ]] || echo "$1 has no mvsock.o"
	join <(symbols "$1" T | sort) <(functions | sort -k1,1) |
		awk '$3 != "doc" { print $2 ": " $1 }'
}

# vague_docs: briefs that are questions, and "Return: that", which says nothing without the
# sentence before it.
vague_docs()
{
	(cd "$TOP" && grep -nE '^ \* [a-z0-9_]+(\(\))? - .*\?$|^ \* Return: that\b' \
		drivers/mvsock/{,*/}*.[ch] include/mvsock/*.h) || true
}
