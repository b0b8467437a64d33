# SPDX-License-Identifier: BSD-3-Clause
# scenarios: every-usb
# tier: all
# host-machine: newest
# host-devices: slots
# seconds: 150
# deadline: 600
# The USB controllers that QEMU can make, one guest each, in which a disk behind it is read and written. What is
# left out is noted, with why.

. /share/l1/every.sh
every_row every-usb USB
