# SPDX-License-Identifier: BSD-3-Clause
# scenarios: every-network
# tier: all
# host-machine: newest
# host-devices: slots
# seconds: 150
# deadline: 600
# The network cards that QEMU can make, one guest each, in which a file is fetched. What is left out is noted,
# with why.

. /share/l1/every.sh
every_row every-network Network
