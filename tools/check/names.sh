# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The checks of function names, and of their kernel-doc comments, in lint. Sourced by check.sh.

# lint_names FOLDER: of the module that was built in FOLDER.
lint_names()
{
	verdict "no two functions have one name" "$(same_names "$1")"
	verdict "every external function has a kernel-doc comment" "$(undocumented "$1")"
	verdict "no kernel-doc brief is a question, no value \"that\"" "$(vague_docs)"
}

# functions: "NAME FILE:LINE doc" of each function that is defined in the module's source, or
# "-" in place of doc for one without kernel-doc. One-line stubs in headers are not listed.
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

# symbols FOLDER KIND: the functions in the compiled module, without those that KASAN adds to
# each object, and inline ones of the kernel that the compiler does not inline.
symbols()
{
	nm --defined-only "$1/mvsock.o" |
		awk -v kind="$2" '$2 ~ kind && $3 !~ /^(__pfx_|_sub_[DI]_|__rhashtable_|jhash)/ { print $3 }'
}

# same_names FOLDER: functions that a stack trace or an ftrace filter can't distinguish.
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

# vague_docs: briefs that are questions, and "Return: that", which is meaningless without the
# preceding sentence.
vague_docs()
{
	(cd "$TOP" && grep -nE '^ \* [a-z0-9_]+(\(\))? - .*\?$|^ \* Return: that\b' \
		drivers/mvsock/{,*/}*.[ch] include/mvsock/*.h) || true
}
