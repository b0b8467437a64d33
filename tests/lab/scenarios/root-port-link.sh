# SPDX-License-Identifier: BSD-3-Clause
# scenarios: port-link
# host-devices: more
# seconds: 30
# A network card that is behind a port of the host's shows its link as it is, and so does its port in the guest.

only_ferry "ports are had by other options there"
card=$(ported_device "$virtio_net_id")
give "$card"

# Its speed and width, as the host has them, now and at most.
link=$(
	for file in current_link_speed current_link_width max_link_speed max_link_width; do
		cut -d ' ' -f 1 "$card/$file"
	done | tr '\n' ' '
)
link=${link% }
# A card whose registers tell of none at most has the least at the port's end.
end=$link
[ "$end" = "${link% Unknown 255}" ] || end="${link% Unknown 255} 2.5 1"
guest "places" --vfio "$card,port"
port=$(value "place 0x8086:0x3420")
endpoint=$(value "place 0x1af4:0x1041")
check port-link "the host has '$link', the guest '$port' and '$endpoint'; $(why)" \
	[ "$status $port $endpoint" = \
		"0 pci0000:00/0000:00:01.0 $end pci0000:00/0000:00:01.0/0000:01:00.0 $link" ]
