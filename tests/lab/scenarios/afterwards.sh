# SPDX-License-Identifier: BSD-3-Clause
# scenarios: own-drivers
# tier: all
# seconds: 60
# deadline: 480
# A device that guests had, one of them ended by force, works again with the host's own driver.

disk=$(device "$nvme_id")
nic=$(device "$e1000e_id")
old=$(device "$e1000_id")
give "$disk" "$nic" "$old"
guest_start "nvme_file,net:e1000e,hang" --vfio "$disk" --vfio "$nic" --vfio "$old"
guest_see 1 '^LAB: hanging'
guest_end

bind "$disk" nvme
wait_for 60 [ -b /dev/nvme0n1 ]
sum=$(dd if=/dev/nvme0n1 bs=1M count=16 | sha256sum | cut -d ' ' -f 1)
want=$(head -c 16777216 "$images/disk" | sha256sum | cut -d ' ' -f 1)
bind "$nic" e1000e
new_fetched=$(net-fetch e1000e 2>&1 | tail -n 1)
bind "$old" e1000
old_fetched=$(net-fetch e1000 2>&1 | tail -n 1)
for device in "$disk" "$nic" "$old"; do
	bind "$device" none
done
check own-drivers "the host read $sum, not $want; by e1000e '$new_fetched', by e1000 '$old_fetched'" \
	expr "$sum $new_fetched $old_fetched" : "$want $LAB_TFTP_SHA256 .* $LAB_TFTP_SHA256 "
