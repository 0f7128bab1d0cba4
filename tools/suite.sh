# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages of a Debian suite that is not in the machine's apt sources. Sourced by
# setup.sh. The suite's lists are in the cache; the machine's apt is not changed.

# Options for apt-get and apt-cache, and the folder of the lists that they read.
APT=()
# shellcheck disable=SC2034 # for scripts that source this file
LISTS=/var/lib/apt/lists

# use_suite SUITE [ARCHITECTURE]: of another architecture, if one is given.
use_suite()
{
	local dir=$CACHE/apt-$1${2:+-$2}

	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	APT=(-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=-
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache"
		-o APT::Sandbox::User=root)
	[[ -z ${2:-} ]] || APT+=(-o APT::Architecture="$2" -o APT::Architectures="$2")
	# shellcheck disable=SC2034
	LISTS=$dir/lists
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror Debian) $1 main" \
		>"$dir/sources.list"
}

# debian_mirror LABEL: the machine's own mirror of the archive "Debian", or of
# "Debian-Security".
debian_mirror()
{
	local mirror

	# shellcheck disable=SC2016 # apt-get expands it
	mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk -v label="$1" '$1 == label { print $2; exit }')
	echo "${mirror:-http://deb.debian.org/${1,,}/}"
}

# suite_advice: what to do if a kernel is not found.
suite_advice()
{
	if ((${#APT[@]})); then
		echo "check the network; the suite's lists are in $LISTS"
	else
		echo "add Debian's security and backports suites to apt's sources, then run: sudo apt-get update"
	fi
}

# update_lists: reads the lists of the suite, which does not need root.
update_lists()
{
	((${#APT[@]})) || { apt_update; return; }
	say "Reading the package lists of the suite (apt-get update, in the cache)."
	quietly "$CACHE/log/apt-update" apt-get -q "${APT[@]}" update
}
