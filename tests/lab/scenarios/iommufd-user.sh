# SPDX-License-Identifier: BSD-3-Clause
# scenarios: iommufd-doctor iommufd-user iommufd-descriptors iommufd-nothing iommufd-bound iommufd-bound-elsewhere
# tier-aarch64: all
# host-kernel: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 25
# A device by iommufd for an ordinary user: by its nodes, and by nodes that root has opened for it, bound or not.

only_ferry "QEMU of Debian 12 has no iommufd"

flavour=$small_flavour
disk=$(device "$nvme_id")
give "$disk"

node() { # node DEVICE: its character device
	echo "/dev/vfio/devices/$(basename "$1"/vfio-dev/vfio*)"
}

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

# Nor these two, where they were opened by root and handed over as systemd does: nobody but the monitor has them
# open then.
open_and_drop() {
	# shellcheck disable=SC2016 # the number of the process that becomes the monitor
	exec sh -c 'export LISTEN_PID=$$; exec labtool as-user 1000 unlimited "$@"' sh "$@" \
		3<> "$(node "$disk")" 4<> /dev/iommu
}

chown 0 /dev/iommu "$(node "$disk")"
chmod 600 /dev/iommu "$(node "$disk")"
guest "nvme_file" --vfio "$disk,via=iommufd"
refused="$status $(grep -c 'no permission' "$errors")"
run_as=open_and_drop
export LISTEN_FDS=2 LISTEN_FDNAMES=disk:iommufd
guest "nvme_file" --vfio fd=disk --iommufd fd=iommufd --log info
check iommufd-descriptors "by path $refused; by '$(ways)', $(same_sums); $(why)" \
	[ "$refused $status $(ways) $(same_sums)" = "1 1 0 iommufd yes" ]

# And no other file either: KVM, memory, kernel and initrd are open already.
. /share/l1/nothing.sh
with_nothing() {
	exec 8<> "$(node "$disk")" 9<> /dev/iommu
	nothing_run "$@"
}

nothing_make
run_as=with_nothing
guest "nvme_file" --vfio fd=8 --iommufd fd=9 --log info
check iommufd-nothing "by '$(ways)', $(same_sums); $(why)" [ "$status $(ways) $(same_sums)" = "0 iommufd yes" ]
nothing_remove

# Bound by who opened it, who keeps both and sees what is left in them; and bound to another iommufd.
hand_over() {
	labtool hand-over "$disk" labtool as-user 1000 unlimited "$@"
}

hand_over_other() {
	labtool hand-over "$disk" sh -c 'exec labtool as-user 1000 unlimited "$@" 9<> /dev/iommu' sh "$@"
}

run_as=hand_over
guest "nvme_file" --vfio fd=8 --iommufd fd=9 --log info
check iommufd-bound "by '$(ways)', $(same_sums); $(why)" [ "$status $(ways) $(same_sums)" = "0 iommufd yes" ]
run_as=hand_over_other
guest "info" --vfio fd=8 --iommufd fd=9
check iommufd-bound-elsewhere "status $status: $(first_error)" \
	grep -q "who opened it has bound it to another iommufd" "$errors"
