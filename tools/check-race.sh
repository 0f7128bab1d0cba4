# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The ring driver's races. Sourced by check.sh.

# races_env PROGRAM SECONDS: for each race.
races_env()
{
	set_env RACES "$1"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env RACE_SECONDS "$2"
}
