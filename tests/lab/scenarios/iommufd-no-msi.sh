# SPDX-License-Identifier: BSD-3-Clause
# scenarios: iommufd-no-msi iommufd-no-msi-refused
# not-on: x86_64: its IOMMU translates no MSI
# host-kernel: 7.3-iommufd
# tier: all
# seconds: 20
# A host whose kernel gives no MSI to devices of iommufd's: they go by their groups, and no other way.

only_ferry "QEMU of Debian 12 has no iommufd"

flavour=$small_flavour
disk=$(device "$nvme_id")
give "$disk"
guest "nvme_file" --vfio "$disk" --log info
said=$(grep -c 'by iommufd the host.s kernel gives it no MSI' "$errors")
last=$(sed -n 's/.*passthrough device .*: by //p' "$errors" | tail -n 1)
check iommufd-no-msi "said $said times, at last by '$last', $(same_sums); $(why)" \
	[ "$status $said $last $(same_sums)" = "0 1 IOMMU groups yes" ]

guest "info" --vfio "$disk,via=iommufd"
check iommufd-no-msi-refused "status $status: $(first_error)" grep -q "gives it no MSI.*via=group" "$errors"
