# SPDX-License-Identifier: BSD-3-Clause
# scenarios: iommufd-default iommufd-doctor iommufd-user iommufd-descriptors iommufd-group iommufd-mixed
# host-kernel: 6.12-iommufd
# seconds: 55
# Devices by iommufd and their own character devices, also as an ordinary user; and by the group on the same host.

only_ferry "QEMU of Debian 12 has no iommufd"

flavour=$small_flavour
disk=$(device "$nvme_id")
nic=$(device "$e1000e_id")
give "$disk" "$nic"

# What was said of the way to each device.
ways() {
	sed -n 's/.*passthrough device .*: by \(.*\)$/\1/p' "$errors" | sort -u
}

node() { # node DEVICE: its character device
	echo "/dev/vfio/devices/$(basename "$1"/vfio-dev/vfio*)"
}

# Two devices in one address space, MSI-X and DMA both ways; the guest starts anew in between.
guest_start "nvme_file,ask" --vfio "$disk" --vfio "$nic" --log info
guest_see 1 '^LAB: ask'
before=$(same_sums)
guest_send reboot
guest_see 2 '^LAB: ask'
guest_poweroff
check iommufd-default "by '$(ways)', the sums agree: $before, then $(same_sums); $(why)" \
	[ "$status $(ways) $before $(same_sums) $(grep -c '^LAB: nvme-file' "$console")" = "0 iommufd yes yes 2" ]

# Neither the group's node nor the container is needed.
run_as="labtool as-user 1000 unlimited"
chmod 666 /dev/kvm
ferry bind --user 1000 "${disk##*/}"
chown 1000 /dev/iommu
chown 0 "$(group_file "$disk")"
chmod 600 /dev/vfio/vfio "$(group_file "$disk")"
$run_as ferry doctor "${disk##*/}" > "$work/doctor" 2>&1
ferry devices "${disk##*/}" >> "$work/doctor" 2>&1
cat "$work/doctor"
check iommufd-doctor "doctor or devices does not name $(node "$disk")" \
	[ "$(grep -cE "^(ok .* node: $(node "$disk") and|  node +$(node "$disk")\$)" "$work/doctor")" = 2 ]
guest "nvme_file" --vfio "$disk" --log info
check iommufd-user "by '$(ways)', $(same_sums); $(why)" [ "$status $(ways) $(same_sums)" = "0 iommufd yes" ]

# Nor these two, where they were opened by root: nobody but the monitor has them open then.
open_and_drop() {
	exec labtool as-user 1000 unlimited "$@" 8<> "$(node "$disk")" 9<> /dev/iommu
}

chown 0 /dev/iommu "$(node "$disk")"
chmod 600 /dev/iommu "$(node "$disk")"
guest "nvme_file" --vfio "$disk,via=iommufd"
refused="$status $(grep -c 'no permission' "$errors")"
run_as=open_and_drop
guest "nvme_file" --vfio fd=8 --iommufd fd=9 --log info
check iommufd-descriptors "by path $refused; by '$(ways)', $(same_sums); $(why)" \
	[ "$refused $status $(ways) $(same_sums)" = "1 1 0 iommufd yes" ]
run_as=

guest "nvme_file" --vfio "$disk,via=group" --log info
check iommufd-group "by '$(ways)', $(same_sums); $(why)" [ "$status $(ways) $(same_sums)" = "0 IOMMU groups yes" ]

guest "info" --vfio "$disk,via=group" --vfio "$nic,via=iommufd"
check iommufd-mixed "status $status: $(first_error)" \
	grep -q "it is had by iommufd, those before it by IOMMU groups" "$errors"
