# SPDX-License-Identifier: BSD-3-Clause
# scenarios: bars-moved-by-kernel bar-moved bars-swapped
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 25
# BARs that the guest moves: its kernel at boot, and a program with decoding off, to free addresses
# and to each other's.

disk=$(device "$nvme_id")
edu=$(device "$edu_id")
nic=$(device "$e1000e_id")
give "$disk" "$edu" "$nic"
# A larger alignment makes the kernel give the network card's BARs, with the table of MSI-X among
# them, new addresses: 16 MiB apart, where they were less.
kernel_options="console=$console_name loglevel=4 pci=resource_alignment=24@pci:8086:10d3"
guest "bar_place:8086.10d3,net:e1000e,edu_moved,bar_swap:8086.10d3:0:1:0x5400,net:e1000e,nvme_file" \
	--vfio "$disk" --vfio "$edu" --vfio "$nic"
place=$(value "bar-place 8086.10d3")
sums=$(tr -d '\r' < "$console" | grep -c "^LAB: net e1000e $LAB_TFTP_SHA256")
check bars-moved-by-kernel "from ${place% *} to ${place#* }, $sums of two fetches; $(why)" \
	[ "$status $sums $([ "${place% *}" != "${place#* }" ] && echo moved)" = "0 2 moved" ]
check bar-moved "$(value edu-moved); $(why)" expr "$status $(value edu-moved)" : "0 .*moved from"
check bars-swapped "$(value "bar-swap 8086.10d3"), $sums of two fetches; $(why)" \
	expr "$status $(value "bar-swap 8086.10d3") $sums" : "0 ok .* 2"
