# SPDX-License-Identifier: BSD-3-Clause
# scenarios: every-input every-display every-sound every-other
# tier: all
# host-machine: newest
# host-devices: slots
# seconds: 150
# deadline: 600
# Serial ports, displays, sound cards and what is none of these, as QEMU can make them, one guest each, whose
# driver makes of it what it is for. What is left out is noted, with why.

# shellcheck disable=SC1091 # lint follows it
. /share/l1/every.sh
every_row every-input Input
every_row every-display Display
every_row every-sound Sound
every_row every-other Misc Watchdog Uncategorized
