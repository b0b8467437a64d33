# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: bench-memory
# host-memory: 8192
# seconds: 200
# deadline: 900
# The same with a guest of 5 GiB, beside one of 256 MiB on the same host.

memory="256 5120"
. /share/scenarios/bench.inc
