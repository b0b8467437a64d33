# SPDX-License-Identifier: BSD-3-Clause
# scenarios: iommufd-default iommufd-group iommufd-mixed
# host-kernel: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 35
# Devices by iommufd and their own character devices; and by the group on the same host.

only_ferry "QEMU of Debian 12 has no iommufd"

flavour=$small_flavour
disk=$(device "$nvme_id")
nic=$(device "$e1000e_id")
give "$disk" "$nic"

# Two devices in one address space, MSI-X and DMA both ways; the guest starts anew in between.
guest_start "nvme_file,ask" --vfio "$disk" --vfio "$nic" --log info
guest_see 1 '^LAB: ask'
before=$(same_sums)
guest_send reboot
guest_see 2 '^LAB: ask'
guest_poweroff
check iommufd-default "by '$(ways)', the sums agree: $before, then $(same_sums); $(why)" \
	[ "$status $(ways) $before $(same_sums) $(grep -c '^LAB: nvme-file' "$console")" = "0 iommufd yes yes 2" ]

guest "nvme_file" --vfio "$disk,via=group" --log info
check iommufd-group "by '$(ways)', $(same_sums); $(why)" [ "$status $(ways) $(same_sums)" = "0 IOMMU groups yes" ]

guest "info" --vfio "$disk,via=group" --vfio "$nic,via=iommufd"
check iommufd-mixed "status $status: $(first_error)" \
	grep -q "it is had by iommufd, those before it by IOMMU groups" "$errors"
