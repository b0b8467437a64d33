# SPDX-License-Identifier: BSD-3-Clause
# scenarios: restart-while-interrupting restart-while-fetching
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# host-devices: more
# seconds: 60
# deadline: 480
# The machine restarts (Ctrl-A r) while a network card that nothing resets holds its interrupt line up,
# which nobody answers, and while it fetches: the next guest has its interrupts. A disk, whose reset takes
# its time, comes after the card.

only_ferry "QEMU has other keys"
nic=$(device "$rtl8139_id")
disk=$(device "$nvme_id")
give "$nic" "$disk"
run_as="labtool on-terminal"
initrd=$images/initrd-more
guest_deadline=$((200 * LAB_SLOW))

restart() {
	printf '\001r' >&7
	asked=$((asked + 1))
	guest_see $((asked + 1)) '^LAB: ask'
}

fetches() {
	tr -d '\r' < "$console" | grep -c "^LAB: net 8139cp $LAB_TFTP_SHA256 [0-9]* [0-9]* INTx"
}

guest_start "ask" --vfio "$nic" --vfio "$disk"
guest_do "raise"
restart
guest_do "net:8139cp"
check restart-while-interrupting "its status was $(value raised), then $(fetches) of one fetch; $(first_error)" \
	[ "$(value raised) $(fetches)" = "4000 1" ]

guest_send "net:8139cp"
sleep 0.2
restart
guest_do "net:8139cp"
guest_poweroff
check restart-while-fetching "$(fetches) of two fetches; $(cat "$errors"); $(why)" \
	[ "$status $(fetches)" = "0 2" ]
