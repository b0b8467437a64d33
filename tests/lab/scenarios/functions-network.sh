# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vf-net vf-net-reboot vf-net-physical
# tier: all
# not-on: aarch64: no host there has virtual functions
# also-on-x86_64: 7.3-iommufd
# host-machine: newest
# host-devices: functions
# seconds: 40
# A virtual function of a network card: a guest fetches a file through it, again after a reboot, while the host has
# the physical one.

only_ferry "what is shown is Ferry's"

physical=$(ported_device 8086:10c9)
bind "$physical" igb
# A function has a link while the card's own interface is up.
interface=$(basename "$physical"/net/*)
ip link set "$interface" up
wait_for 20 grep -qx 1 "/sys/class/net/$interface/carrier" || die "the card has no link"
echo 0 > "$physical/sriov_drivers_autoprobe"
echo 1 > "$physical/sriov_numvfs" || die "no virtual functions can be had"
function=/sys/bus/pci/devices/$(basename "$(readlink "$physical/virtfn0")")
give "$function"

initrd=$images/initrd-more
guest_start "net:igbvf,ask" --vfio "$function" --on-reboot reset
guest_see 1 '^LAB: ask'
fetched=$(value "net igbvf")
check vf-net "it fetched '$fetched'; $(first_error)" expr "$fetched" : "$LAB_TFTP_SHA256 [0-9]* [0-9]* MSI-X"

guest_do reboot
fetched=$(value "net igbvf")
guest_poweroff
check vf-net-reboot "it fetched $(grep -c '^LAB: net igbvf' "$console") times, last '$fetched'; $(why)" \
	expr "$status $(grep -c "^LAB: net igbvf $LAB_TFTP_SHA256" "$console")" : '0 2$'

fetched=$(net-fetch igb 2>&1 | tail -n 1)
echo 0 > "$physical/sriov_numvfs"
bind "$physical" none
check vf-net-physical "the host fetched '$fetched'" expr "$fetched" : "$LAB_TFTP_SHA256 "
