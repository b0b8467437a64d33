# SPDX-License-Identifier: BSD-3-Clause
# scenarios: port-places port-nvme port-e1000e port-flr port-bus-reset port-intx port-reboot port-renumbered
# seconds: 120
# deadline: 480
# A disk and a network card, each behind a root port of its own: where the guest finds them and their links, whole
# reads and a file fetched, resets by the function and by the port, INTx through the port, the same after a reboot,
# and by a guest that numbers the buses and places the windows anew.

only_ferry "ports are had by other options there"
disk=$(device "$nvme_id")
card=$(device "$e1000e_id")
restore_disk
give "$disk" "$card"

# places: what the guest told of the ports and of what is behind each, one a line; below what the host bridge is to it.
places() {
	tr -d '\r' < "$console" | sed -n 's/^LAB: place //p' | sed 's| platform/[^/]*/| |' | grep -vF 8086:0x0d57 | sort
}

# A disk on the host's root bus has no link there. Nor has such a card, whose Express capability is of version 1,
# and ends before.
as_it_should() {
	local place=pci0000:00/0000:00
	sort <<-END
		0x8086:0x3420 $place:01.0 2.5 1 2.5 1
		0x1b36:0x0010 $place:01.0/0000:01:00.0 2.5 1 2.5 1
		0x8086:0x3420 $place:02.0 2.5 1 2.5 1
		0x8086:0x10d3 $place:02.0/0000:02:00.0 Unknown 0 Unknown 255
	END
}

# The sum of the lab's disk once the guest has written its mebibyte.
written() {
	{
		dd if="$images/disk" bs=1M count=60 2> /dev/null
		yes ferry | head -c 1048576
		dd if="$images/disk" bs=1M skip=61 2> /dev/null
	} | sha256sum | cut -d ' ' -f 1
}

fetched() {
	value 'net e1000e' | grep -c "^$LAB_TFTP_SHA256 [0-9]* [0-9]* MSI-X"
}

set -- --rng off --vfio "$disk,port" --vfio "$card,port"
guest_start "places,nvme_sum,net:e1000e,ask" "$@"
guest_see 1 '^LAB: ask'
check port-places "$(places); expected $(as_it_should); $(first_error)" [ "$(places)" = "$(as_it_should)" ]
check port-nvme "the guest read $(value nvme-sum), not $LAB_DISK_SHA256" [ "$(value nvme-sum)" = "$LAB_DISK_SHA256" ]
check port-e1000e "the guest said '$(value 'net e1000e')'" [ "$(fetched)" = 1 ]

guest_do "flr:3:flr"
check port-flr "$(value flr); $(first_error)" [ "$(value flr)" = 3 ]
guest_do "flr:4:bus"
check port-bus-reset "$(value flr); $(first_error)" [ "$(value flr)" = 4 ]

guest_do "msi:1b36.0010:0"
guest_do "disk:1b36.0010:8:ferry:60"
check port-intx "the guest said '$(value 'disk 1b36.0010')'; $(first_error)" \
	expr "$(value 'disk 1b36.0010')" : '[0-9a-f]* [0-9a-f]* INTx'

guest_send reboot
guest_see $((asked + 2)) '^LAB: ask'
guest_poweroff
check port-reboot "$(value nvme-sum), $(value 'net e1000e'); $(why)" \
	[ "$status $(value nvme-sum) $(fetched)" = "0 $(written) 1" ]

kernel_options="$kernel_options pci=realloc,assign-busses"
guest "places,nvme_sum,net:e1000e" "$@"
check port-renumbered "$(places); $(value nvme-sum), $(value 'net e1000e'); $(why)" \
	[ "$status $(value nvme-sum) $(fetched) $(places)" = "0 $(written) 1 $(as_it_should)" ]
restore_disk
