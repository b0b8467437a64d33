# SPDX-License-Identifier: BSD-3-Clause
# scenarios: every-disks
# tier: all
# host-machine: newest
# host-devices: slots
# seconds: 170
# deadline: 720
# The disks and their controllers that QEMU can make, one guest each, in which a disk is read and written. What is
# left out is noted, with why.

. /share/l1/every.sh
every_row every-disks Storage
