# SPDX-License-Identifier: BSD-3-Clause
# scenarios: aer-nonfatal aer-fatal aer-own-driver
# not-on: aarch64: no error that is injected there reaches the host's kernel
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# host-devices: more
# seconds: 65
# deadline: 480
# A device behind a root port that reports an uncorrectable error: ferry says so and takes it out of
# the guest's reach, and the guest goes on with its other device.

only_ferry "QEMU ends the guest at an error"

nic=$(ported_device "$virtio_net_id")
disk=$(device "$nvme_id")
give "$nic" "$disk"
initrd=$images/initrd-more

fetches() {
	tr -d '\r' < "$console" | grep -c "^LAB: net virtio_net $LAB_TFTP_SHA256"
}

# inject ERROR N: the device reports it, and ferry speaks for the Nth time of what became of it.
inject() {
	machine "pcie_aer_inject_error aer $1"
	wait_for 60 said_times "$2" "it .*recover"
}

said_times() {
	[ "$(grep -c "${nic##*/}: $2" "$errors")" -ge "$1" ]
}

# Its driver has let go of it by then: Linux's for virtio waits forever for a device that answers with
# all ones. A completion's time-out, which is not fatal, then an error of the data link's protocol.
steps="net:virtio_net,unbind:1af4.1041,ask"
guest_start "$steps" --vfio "$nic" --vfio "$disk"
guest_see 1 '^LAB: ask'
inject COMP_TIME 1
guest_do "nvme_file"
guest_do "rescan:1af4.1041"
guest_do "net:virtio_net"
guest_poweroff
check aer-nonfatal "$(fetches) of two fetches, the disk read: $(same_sums); $(cat "$errors"); $(why)" \
	[ "$status $(fetches) $(same_sums) $(said_times 1 "it reported" && said_times 1 "it recovered" && echo said)" = "0 2 yes said" ]

guest_start "$steps" --vfio "$nic" --vfio "$disk"
guest_see 1 '^LAB: ask'
inject DLP 1
guest_do "nvme_file"
guest_poweroff
check aer-fatal "the disk read: $(same_sums); $(cat "$errors"); $(why)" \
	[ "$status $(same_sums) $(said_times 1 "it reported" && echo said)" = "0 yes said" ]

own_net aer-own-driver "$nic" virtio-pci virtio_net
