# SPDX-License-Identifier: BSD-3-Clause
# scenarios: bus-reset hot-reset bus-reset-own-driver hot-reset-own-driver
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# host-devices: more
# seconds: 70
# deadline: 480
# Functions that only a reset of their bus reaches, behind root ports: one alone on its bus, and two
# that must be reset together. After the guest's restart they work again.

alone=$(ported_device "$e1000_id")
first=$(grouped_ported_device "$e1000_id")
second=$(grouped_ported_device "$edu_id")
give "$alone" "$first" "$second"

# works_again NAME: what the guest did before its restart it does afterwards.
works_again() {
	guest_see 1 '^LAB: ask'
	guest_send "reboot_by:$reset_type"
	guest_see 2 '^LAB: ask'
	guest_poweroff
	sums=$(tr -d '\r' < "$console" | grep -c "^LAB: net e1000 $LAB_TFTP_SHA256")
	check "$1" "$sums of two fetches, $(value edu); $(cat "$errors"); $(why)" \
		[ "$status $sums $(grep -c '^LAB: edu edu ok' "$console")" = "0 2 $2" ]
}

guest_start "net:e1000,ask" --vfio "$alone"
works_again bus-reset 0
guest_start "net:e1000,edu:0,ask" --vfio "$first" --vfio "$second"
works_again hot-reset 2

own_net bus-reset-own-driver "$alone" e1000 e1000
own_net hot-reset-own-driver "$first" e1000 e1000
