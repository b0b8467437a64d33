# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash # read into a shell that has lib.sh
# What a demonstration tells, with the time that each step took.

step() { # step TEXT: with the seconds since the one before
	local now
	now=$(now)
	note "$(printf '%4d.%d s  %s' $(((now - last) / 100)) $(((now - last) % 100 / 10)) "$1")"
	last=$now
}
last=$(now)
