# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # many names are for the rows, some come from lib.sh
# What the rows of tests/kvm/rows.sh ask for, for scenarios that begin with ". /share/l1/tiny.sh": each
# row NAME is told as tiny-NAME.

if [ "$monitor" != ferry ]; then
	for name in $names; do
		skip "$name" "tiny guests end by a port of ferry's own"
	done
	exit 0
fi
ferry=$monitor
guests=/share/tiny

tell() { # tell ok|fail|skip NAME [REASON]
	"$1" "tiny-$2" "${3:-}"
}

. /share/l1/walls.sh
. /share/tiny/rows.sh
