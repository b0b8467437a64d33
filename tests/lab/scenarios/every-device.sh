# SPDX-License-Identifier: BSD-3-Clause
# scenarios: every-network
# tier: all
# host-machine: newest
# host-devices: slots
# seconds: 500
# deadline: 1500
# The PCI devices that QEMU can make, one guest each: a file is fetched through a network card, a disk behind a
# controller is read and written, anything else is taken by its driver. What is left out is noted, with why.

. /share/l1/every.sh
every_row every-network Network
