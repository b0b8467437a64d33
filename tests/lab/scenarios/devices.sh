# SPDX-License-Identifier: BSD-3-Clause
# scenarios: xhci-disk xhci-intx xhci-msix-again nec-xhci-disk nec-xhci-intx nec-xhci-msi-again virtio-blk ivshmem-bar xhci-own-driver nec-own-driver virtio-blk-own-driver virtio-net rtl8139 no-reset-method virtio-net-own-driver rtl8139-own-driver
# new-on-x86_64: 6.12-iommufd: vectors one by one, of three kinds; a BAR of 1 GiB is mapped by huge pages
# also-on: 6.12 7.3
# host-devices: more
# seconds: 70
# deadline: 480
# Devices of other kinds: USB controllers (MSI-X; MSI), virtio as hardware, a network card with BARs
# smaller than a page, shared memory with a BAR of 1 GiB. Each works in a guest, then on the host again.

initrd=$images/initrd-more
usb=$(device "$xhci_id")
nec=$(device "$nec_id")
block=$(device "$virtio_block_id")
shared=$(device "$shared_memory_id")
give "$usb" "$nec" "$block" "$shared"
first=$(head -c 8388608 "$images/disk" | sha256sum | cut -d ' ' -f 1)

# disk_works NAME ID TEXT INTERRUPTS: the guest reads the disk's first 8 MiB, and writes.
disk_works() {
	local found sum
	guest_do "disk:$2:8:$3:60"
	found=$(value "disk $2")
	sum=$(yes "$3" | head -c 1048576 | sha256sum | cut -d ' ' -f 1)
	check "$1" "read and written '$found', not $first $sum $4" expr "$found" : "$first $sum $4"
}

# own_disk NAME DEVICE DRIVER TEXT: the host's driver reads what is on the disk, what the guest wrote too.
own_disk() {
	local disk found sum
	bind "$2" "$3"
	disk=$(pci-disk "$2")
	found=$(dd if="$disk" bs=1M count=8 | sha256sum | cut -d ' ' -f 1)
	found="$found $(dd if="$disk" bs=1M count=1 skip=60 | sha256sum | cut -d ' ' -f 1)"
	sum=$(yes "$4" | head -c 1048576 | sha256sum | cut -d ' ' -f 1)
	bind "$2" none
	check "$1" "the host read '$found', not $first $sum" [ "$found" = "$first $sum" ]
}

guest_start "info,ask" --vfio "$usb" --vfio "$nec" --vfio "$block" --vfio "$shared"
disk_works xhci-disk 1b36.000d usb "MSI-X [0-9]"
disk_works nec-xhci-disk 1033.0194 nec "MSI [0-9]"
disk_works virtio-blk 1af4.1042 block "MSI-X [0-9]"
for id in 1b36.000d 1033.0194; do
	guest_do "msi:$id:0"
done
disk_works xhci-intx 1b36.000d without INTx
disk_works nec-xhci-intx 1033.0194 without INTx
for id in 1b36.000d 1033.0194; do
	guest_do "msi:$id:1"
done
disk_works xhci-msix-again 1b36.000d again "MSI-X [0-9]"
disk_works nec-xhci-msi-again 1033.0194 again "MSI [0-9]"

# Two places in the BAR, then 128: what more they cost.
start=$(monitor_exits)
guest_do "bar:1af4.1110:2:0x40000000"
middle=$(monitor_exits)
guest_do "bar:1af4.1110:2:0x1000000"
extra=$(($(monitor_exits) - middle - (middle - start)))
place=$(value "bar 1af4.1110")
guest_poweroff
# Nine digits or more: at 4 GiB or above.
check ivshmem-bar "$place, $extra exits for it, 40 allowed; $(why)" \
	expr "$((extra <= 40)) $status $place" : "1 0 ok 0x40000000 bytes at 0x[0-9a-f]\{9,\}, 128 places"
own_disk xhci-own-driver "$usb" xhci_hcd again
own_disk nec-own-driver "$nec" xhci_hcd again
own_disk virtio-blk-own-driver "$block" virtio-pci block

net=$(device "$virtio_net_id")
old=$(device "$rtl8139_id")
give "$net" "$old"
guest "info,net:virtio_net,net:8139cp" --vfio "$net" --vfio "$old"
fetched=$(value "net virtio_net")
check virtio-net "it fetched '$fetched'; $(why)" \
	expr "$status $fetched" : "0 $LAB_TFTP_SHA256 [0-9]* [0-9]* MSI-X"
fetched=$(value "net 8139cp")
check rtl8139 "it fetched '$fetched'; $(why)" \
	expr "$status $fetched" : "0 $LAB_TFTP_SHA256 [0-9]* [0-9]* INTx"

# It is no bus master any more; decoding is what the host's kernel puts back.
master=$(($(od -An -t u2 -j 4 -N 2 "$old/config") >> 2 & 1))
told=$(grep -c "${old##*/}: it has no reset" "$errors")
[ "$monitor" = ferry ] || told=1
check no-reset-method "bus mastering is $master; $(cat "$errors")" [ "$master $told" = "0 1" ]

own_net virtio-net-own-driver "$net" virtio-pci virtio_net
own_net rtl8139-own-driver "$old" 8139cp 8139cp
