#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh: builds the Debian packages from a copy of the sources.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DIR=$BUILD/deb

main()
{
	local source

	"$TOP/tools/setup.sh" deb
	lock "$BUILD/deb.lock" "runs make deb"
	source=$DIR/mvsock-$(cat "$TOP/VERSION")
	rm -rf "$DIR"
	copy_sources "$source"
	quietly "$BUILD/deb.log" env -C "$source" DEB_BUILD_OPTIONS=noautodbgsym \
		dpkg-buildpackage -us -uc || die "the packages do not build"
	rm -r "$source"
	say "The packages are in $DIR:"
	(cd "$DIR" && printf '  %s\n' *.deb)
	say "To install them: sudo apt install $DIR/*.deb"
}

main "$@"
