# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/slots.sh
# scenarios: hotplug-hundred
# tier: all
# also-on: 6.12-iommufd
# seconds: 300
# deadline: 480
# A disk and a network card go into a guest and out of it again, fifty times each, and nothing stays behind.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "slots are had by other options there"

disk=$(device "$nvme_id")
card=$(device "$e1000e_id")
give "$disk" "$card"
guest_start "slots,ask" --hotplug 2 $slots_options
guest_see 1 '^LAB: ask'
in_turn 50 "$disk" "$card"
guest_do "slots"
guest_poweroff
check hotplug-hundred "first $first_counts, then $last_counts; $(why)" [ "$status $first_counts" = "0 $last_counts" ]
