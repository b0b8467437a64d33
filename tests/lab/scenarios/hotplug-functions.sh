# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/slots.sh
# scenarios: hotplug-functions hotplug-functions-removed hotplug-functions-wanted hotplug-functions-lost
# tier: all
# host-devices: more
# also-on: 6.12-iommufd
# seconds: 40
# deadline: 480
# A device of two functions, which share one slot of the guest's: they come together, work, and leave together, when one
# is asked for, when the host takes one, and when the device has no power any more.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "slots are had by other options there"

card=$(grouped_ported_device "$e1000_id")
edu=$(grouped_ported_device "$edu_id")
give "$card" "$edu"
port=$(readlink -f "$card/..")

# Function 1 waits for function 0, which has the guest look.
put_both() {
	put "$edu" "bus=slot1.1"
	unseen=$(value bound)
	put "$card" "bus=slot1"
	guest_do "bound:8086.100e"
}

both_gone() {
	! held "$card" && ! held "$edu"
}

works() {
	guest_do "net:e1000"
	guest_do "edu:0"
	work_done="$(value 'net e1000' | cut -d ' ' -f 1) $(value edu)"
}

guest_start "slots,ask" --hotplug 2 $slots_options
guest_see 1 '^LAB: ask'
ferry ctl "$control" events > "$work/events" 2>&1 &
watcher=$!
put_both
works
check hotplug-functions "the guest had '$unseen', has '$(value bound)'; work done: $work_done; $(first_error)" \
	expr "$unseen$(value bound) $work_done" : "8086.100e e1000 0000:00:01.0 $LAB_TFTP_SHA256 edu ok"

take "$edu"
wait_for 30 both_gone
guest_do "gone:8086.100e"
guest_do "gone:1234.11e8"
put_both
works
check hotplug-functions-removed "then the guest has '$(value bound)'; work done: $work_done; $(first_error)" \
	expr "$(value gone) $work_done" : "1234.11e8 $LAB_TFTP_SHA256 edu ok"

# The host takes function 1; how long that took is in $took, in hundredths of a second.
unbind_one() {
	local start
	rm -f "$work/unbound"
	start=$(now)
	(echo "${edu##*/}" > /sys/bus/pci/drivers/vfio-pci/unbind; now > "$work/unbound") &
	wait_for 30 [ -s "$work/unbound" ]
	took=$(($(cat "$work/unbound" 2> /dev/null || echo 99999) - start))
	wait_for 30 both_gone
}

unbind_one
guest_do "gone:8086.100e"
check hotplug-functions-wanted "the unbind took $took hundredths of a second; the guest said '$(value gone)'" \
	[ "$((took < 1500)) $(both_gone && value gone)" = "1 8086.100e" ]
give "$edu"

# slot_control NUMBER: writes that register of the host's port (PCIe 5.0 7.5.3.10).
slot_control() {
	# shellcheck disable=SC2059 # the bytes
	printf "\\$(printf %o $(($1 & 255)))\\$(printf %o $(($1 >> 8)))" |
		dd of="$port/config" bs=1 seek=$at count=2 conv=notrunc 2> /dev/null
}

# Nobody notices that there is no power, until the host wants one of them.
put_both
at=$(($(pci-capability "$port" 16) + 24))
powered=$(($(od -An -t u2 -j $at -N 2 "$port/config")))
slot_control $((powered | 0x0700))
unbind_one
guest_do "gone:8086.100e"
guest_do "gone:1234.11e8"
guest_poweroff
wait $watcher
lost=$(grep 'answers no more' "$work/events")
check hotplug-functions-lost "it took $took hundredths of a second, the monitor told '$(cat "$work/events")'; $(why); $(cat "$errors")" \
	expr "$status $((took < 1000)) $(echo "$lost" | wc -l) $lost" : "0 1 1 .*${edu##*/}"

# The host finds both anew, as they have lost their registers.
slot_control "$powered"
echo 1 > "$card/remove"
echo 1 > "$edu/remove"
echo 1 > /sys/bus/pci/rescan
wait_for 30 [ -e "$card" ] || die "the card did not come back"
