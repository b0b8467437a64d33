# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: bench-start
# seconds: 200
# deadline: 900
# What it takes each monitor to bring a guest of 256 MiB with a device to its /init, and to its end.

memory=256
. /share/scenarios/bench.inc
