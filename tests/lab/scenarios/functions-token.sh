# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vf-token-iommufd vf-token-group vf-token-refused
# not-on: aarch64: no host there has virtual functions
# host-machine: newer
# host-kernel: 7.3-iommufd
# host-devices: functions
# tier: all
# seconds: 40
# A virtual function whose physical one vfio-pci has too, for another guest: by iommufd and by its group with the token
# that was given with the physical one, and not without.

only_ferry "QEMU takes no token by iommufd"

token=6ba7b810-9dad-11d1-80b4-00c04fd430c8
other=6ba7b811-9dad-11d1-80b4-00c04fd430c8
flavour=$small_flavour
ram=128M
physical=$(ported_device "$nvme_id")
give "$physical"
echo 1 > /sys/module/vfio_pci/parameters/enable_sriov || die "vfio-pci makes no virtual functions"

# taken WAY: a guest has the physical function, and another the virtual one with the same token; in $taken how.
taken() {
	guest_start "info,ask" --vfio "$physical,vf-token=$token,via=$1"
	guest_see 1 '^LAB: ask'
	echo 1 > "$physical/sriov_numvfs" || die "no virtual function can be had"
	virtual=/sys/bus/pci/devices/$(basename "$(readlink "$physical/virtfn0")")
	give "$virtual"
	guest_other
	guest "info" --vfio "$virtual,vf-token=$token,via=$1" --log info
	taken="$status $(ways)"
}

# given_up: both functions are free again, and there is no virtual one.
given_up() {
	guest_other
	echo 0 > "$physical/sriov_numvfs"
	guest_poweroff
	taken="$taken $status"
}

taken group
given_up
check vf-token-group "$taken; $(why)" [ "$taken" = "0 IOMMU groups 0" ]

taken iommufd
by_iommufd=$taken
told=
for way in iommufd group; do
	guest "info" --vfio "$virtual,via=$way"
	told="$told $(grep -c 'it wants a VF token' "$errors")"
	guest "info" --vfio "$virtual,via=$way,vf-token=$other"
	told="$told $(grep -c 'another one was set' "$errors")"
done
taken=$by_iommufd
given_up
check vf-token-iommufd "$taken; $(why)" [ "$taken" = "0 iommufd 0" ]
check vf-token-refused "it told '$told'" [ "$told" = " 1 1 1 1" ]
