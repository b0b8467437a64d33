# SPDX-License-Identifier: BSD-3-Clause
# scenarios: unbind-under-io unbind-guest-goes-on unbind-own-driver
# tier-aarch64: all
# new-on-x86_64: 6.12-iommufd: mappings of BARs are made by faults, and a character device is held, all of which has to go
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 25
# The host takes a device back while the guest uses it: at once, the guest goes on without it, and the
# host's own driver works.

only_ferry "QEMU waits for the guest to let go"

disk=$(device "$nvme_id")
nic=$(device "$e1000e_id")
give "$disk" "$nic"
kernel_options="$kernel_options nvme_core.io_timeout=3 nvme_core.admin_timeout=3"
guest_start "io,ask" --vfio "$disk" --vfio "$nic"
guest_see 1 '^LAB: ask'

(echo "${disk##*/}" > /sys/bus/pci/drivers/vfio-pci/unbind; now > "$work/unbound") &
start=$(now)
wait_for 30 [ -s "$work/unbound" ]
took=$(($(cat "$work/unbound" 2> /dev/null || echo 99999) - start))
# A monitor that does not let go keeps it for as long as the guest runs.
check unbind-under-io "the unbind took $took hundredths of a second" [ -s "$work/unbound" ]

guest_do "io_end:60"
guest_do "net:e1000e"
guest_poweroff
fetched=$(value "net e1000e")
check unbind-guest-goes-on "its reads ended by '$(value io-end)', it fetched '$fetched'; $(why)" \
	expr "$status $(value io-end)$fetched" : "0 .*error.*$LAB_TFTP_SHA256 "

bind "$disk" nvme
wait_for 60 [ -b /dev/nvme0n1 ]
sum=$(dd if=/dev/nvme0n1 bs=1M count=16 | sha256sum | cut -d ' ' -f 1)
want=$(head -c 16777216 "$images/disk" | sha256sum | cut -d ' ' -f 1)
bind "$disk" none
check unbind-own-driver "the host read $sum, not $want" [ "$sum" = "$want" ]
