# SPDX-License-Identifier: BSD-3-Clause
# scenarios: aer-nonfatal aer-driver-loaded-anew aer-fatal aer-own-driver
# not-on: aarch64: no error that is injected there reaches the host's kernel
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# host-devices: more
# seconds: 35
# deadline: 480
# A device behind a root port that reports an uncorrectable error: ferry says so and takes it out of
# the guest's reach, and the guest goes on with its other device. One guest has three of them.

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

# A completion's time-out, which is not fatal, once the driver has let go: Linux's for virtio waits forever for a
# device that answers with all ones.
guest_start "net:virtio_net,unbind:1af4.1041,ask" --vfio "$nic" --vfio "$disk"
guest_see 1 '^LAB: ask'
inject COMP_TIME 1
guest_do "nvme_file"
guest_do "rescan:1af4.1041"
guest_do "net:virtio_net"
check aer-nonfatal "$(fetches) of two fetches, the disk read: $(same_sums); $(cat "$errors"); $(first_error)" \
	[ "$(fetches) $(same_sums) $(said_times 1 "it reported" && said_times 1 "it recovered" && echo said)" = "2 yes said" ]

# The same while the driver is at work: it is enough to load it anew.
inject COMP_TIME 2
guest_do "reload:1af4.1041"
guest_do "net:virtio_net"
check aer-driver-loaded-anew "$(fetches) of three fetches; $(cat "$errors"); $(first_error)" \
	[ "$(fetches) $(said_times 2 "it reported" && said_times 2 "it recovered" && echo said)" = "3 said" ]

# An error of the data link's protocol, which is fatal. The disk's file is read anew.
guest_do "unbind:1af4.1041"
inject DLP 3
guest_do "nvme_file"
guest_poweroff
check aer-fatal "the disk read: $(same_sums); $(cat "$errors"); $(why)" \
	[ "$status $(grep -c '^LAB: nvme-file' "$console") $(same_sums) $(said_times 3 "it reported" && echo said)" = "0 2 yes said" ]

own_net aer-own-driver "$nic" virtio-pci virtio_net
