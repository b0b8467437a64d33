# SPDX-License-Identifier: BSD-3-Clause
# scenarios: restart-while-fetching
# also-on: 6.12
# host-devices: more
# seconds: 40
# deadline: 300
# The machine restarts (Ctrl-A r) while a network card without a reset fetches, its interrupt line
# raised or not: the next guest has its interrupts.

[ "$monitor" = ferry ] || {
	skip restart-while-fetching "QEMU has other keys"
	exit 0
}
nic=$(device "$rtl8139_id")
give "$nic"
run_as="labtool on-terminal"
initrd=$images/initrd-more
guest_deadline=$((200 * LAB_SLOW))

# Of two fetches in a row the second is broken off, twice; the third guest ends both.
guest_start "net:8139cp,net:8139cp,ask" --vfio "$nic"
for seen in 1 2; do
	guest_see $seen '^LAB: net 8139cp'
	sleep "0.$seen"
	printf '\001r' >&7
done
guest_see 1 '^LAB: ask'
guest_poweroff
fetched=$(tr -d '\r' < "$console" | grep -c "^LAB: net 8139cp $LAB_TFTP_SHA256 [0-9]* [0-9]* INTx")
check restart-while-fetching "$fetched of four fetches; $(cat "$errors"); $(why)" \
	[ "$status $fetched" = "0 4" ]
