# SPDX-License-Identifier: BSD-3-Clause
# scenarios: iommufd-memlock
# tier-aarch64: all
# host-kernel: 6.12-iommufd
# seconds: 25
# Two guests of one user, who may lock more than the RAM of either: what the first has pinned by iommufd is missing to
# the second, which says so, as doctor does, and starts once the first has ended.

only_ferry "QEMU of Debian 12 has no iommufd"

flavour=$small_flavour
ram=128M
disk=$(device "$nvme_id")
nic=$(device "$e1000e_id")
give "$disk" "$nic"
chmod 666 /dev/kvm
chown 1000 /dev/iommu "/dev/vfio/devices/$(basename "$disk"/vfio-dev/vfio*)" \
	"/dev/vfio/devices/$(basename "$nic"/vfio-dev/vfio*)"
run_as="labtool as-user 1000 204800"
beside="the limit is 204800 KiB for all processes of user 1000 together, of which others have pinned 131072 KiB"

guest_start "info,ask" --vfio "$disk,via=iommufd"
guest_see 1 '^LAB: ask'
guest_other
$run_as ferry doctor --memory "$ram" "${nic##*/}" > "$work/doctor"
guest "info" --vfio "$nic,via=iommufd"
cat "$work/doctor" "$errors"
told="$status $(grep -c "warning  locked memory: .* needs 131072 KiB, $beside: raise it" "$work/doctor") \
$(grep -c "ferry: warn: .* needs 131072 KiB, $beside: raise it" "$errors") \
$(grep -c "cannot be mapped for DMA: .* more cannot be locked, $beside: raise it" "$errors")"
guest_other
guest_poweroff
first=$status
guest "info" --vfio "$nic,via=iommufd"
check iommufd-memlock "beside another it ended and told '$told', that one ended with $first; $(why)" \
	[ "$told $first $status" = "1 1 1 1 0 0" ]
chown 0 /dev/iommu
