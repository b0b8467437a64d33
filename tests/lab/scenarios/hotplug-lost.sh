# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/slots.sh
# scenarios: hotplug-too-small hotplug-slow hotplug-pulled hotplug-lost
# tier: all
# not-on-aarch64: hotplug-pulled hotplug-lost: the card is no PCIe one: its host's port is of its group, and is not heard
# host-devices: more
# also-on: 6.12 7.3 6.12-iommufd
# seconds: 40
# deadline: 480
# A device that is pulled out of the host leaves the guest too, which is asked first. One that has no power any more,
# as is found when the guest resets it, is gone for the guest at once. It goes on with the rest. One whose BARs have no
# room in a slot is refused. One that can be reset with its bus alone takes the host's kernel a second to open: the
# monitor answers meanwhile.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "slots are had by other options there"

disk=$(device "$nvme_id")
card=$(ported_device "$e1000_id")
memory=$(device "$shared_memory_id")
give "$disk" "$card" "$memory"
port=$(readlink -f "$card/..")

# What QEMU plugs in and the host's kernel finds.
plug() {
	machine "device_add e1000,bus=port0,netdev=net5,id=pulled"
	wait_for 30 [ -e "$card" ] || die "the card did not come back"
}

pull() {
	machine "device_del pulled"
	wait_for 60 pulled || die "the card does not leave the host"
}

pulled() {
	[ ! -e "$card" ]
}

# slot_control NUMBER: writes that register of the host's port (PCIe 5.0 7.5.3.10).
slot_control() {
	# shellcheck disable=SC2059 # the bytes
	printf "\\$(printf %o $(($1 & 255)))\\$(printf %o $(($1 >> 8)))" |
		dd of="$port/config" bs=1 seek=$at count=2 conv=notrunc 2> /dev/null
}

guest_start "slots,ask" --hotplug 2,prefetch=512M $slots_options
guest_see 1 '^LAB: ask'
! ctl add "${memory##*/}"
check hotplug-too-small "the monitor said '$said'" expr "$said" : ".*${memory##*/}.*prefetch"

# How long an answer of the monitor's takes, in hundredths of a second, in $took.
time_answer() {
	local start
	start=$(now)
	ferry ctl "$control" status > "$work/answer" || die "the monitor does not answer"
	took=$(($(now) - start))
}

put "$disk"
guest_do "bound:1b36.0010"
usual=0
for _ in 1 2 3; do
	time_answer
	[ "$took" -le "$usual" ] || usual=$took
done
begun=$(now)
(put "$card"; now > "$work/came") &
longest=0
opening=0
while [ ! -s "$work/came" ]; do
	time_answer
	[ "$took" -le "$longest" ] || longest=$took
	! grep -q 'being opened' "$work/answer" || opening=$((opening + 1))
done
wait $!
# From Linux 6.4 on the kernel waits for a tenth of a second alone. Whoever had to wait for the device would wait for as
# long as it took.
took=$(($(cat "$work/came") - begun))
check hotplug-slow "it came in $took hundredths of a second, was seen being opened $opening times, an answer took $longest at most, $usual at other times" \
	[ "$((opening > 0 || took < 100)) $((longest <= usual + 20 || 4 * longest <= 3 * took))" = "1 1" ]
guest_do "net:e1000"
# Where messages are translated, those of a port go nowhere while another has its group.
if ! applies hotplug-pulled; then
	guest_poweroff
	exit 0
fi
pull
guest_do "gone:8086.100e"
guest_do "nvme_file"
check hotplug-pulled "the guest fetched '$(value 'net e1000')', then said '$(value gone)', read $(same_sums); $(cat "$errors")" \
	expr "$(value gone) $(same_sums) $(value 'net e1000')" : "8086.100e yes $LAB_TFTP_SHA256 "

plug
give "$card"
put "$card"
guest_do "bound:8086.100e"
at=$(($(pci-capability "$port" 16) + 24))
powered=$(($(od -An -t u2 -j $at -N 2 "$port/config")))
slot_control $((powered | 0x0700))
guest_do "reset:8086.100e"
guest_do "gone:8086.100e"
guest_do "nvme_file"
guest_poweroff
told=$(tr -d '\r' < "$console" | grep -c -e '^LAB: gone 8086.100e' -e '^LAB: nvme-file')
check hotplug-lost "the guest said '$(value gone)', the sums agree: $(same_sums); $(why); $(cat "$errors")" \
	[ "$status $told $(same_sums)" = "0 4 yes" ]
slot_control "$powered"
pull
plug
