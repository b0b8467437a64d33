# SPDX-License-Identifier: BSD-3-Clause
# scenarios: aer-driver-loaded-anew
# not-on: aarch64: no error that is injected there reaches the host's kernel
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# host-devices: more
# seconds: 30
# After an error that is not fatal, reported while the guest's driver is at work, it is enough to load
# that driver anew.

only_ferry "QEMU ends the guest at an error"

nic=$(ported_device "$virtio_net_id")
give "$nic"
initrd=$images/initrd-more
guest_start "net:virtio_net,ask" --vfio "$nic"
guest_see 1 '^LAB: ask'
machine "pcie_aer_inject_error aer COMP_TIME"
wait_for 60 grep -q "${nic##*/}: it .*recover" "$errors"
guest_do "reload:1af4.1041"
guest_do "net:virtio_net"
guest_poweroff
fetched=$(tr -d '\r' < "$console" | grep -c "^LAB: net virtio_net $LAB_TFTP_SHA256")
check aer-driver-loaded-anew "$fetched of two fetches; $(cat "$errors"); $(why)" \
	[ "$status $fetched" = "0 2" ]
