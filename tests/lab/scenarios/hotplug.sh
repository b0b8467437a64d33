# SPDX-License-Identifier: BSD-3-Clause
# scenarios: hotplug-empty hotplug-refused hotplug-disk hotplug-net hotplug-full hotplug-under-io
# tier-aarch64: all
# scenarios: hotplug-own-driver hotplug-again hotplug-eject hotplug-asleep hotplug-reboot hotplug-taken-back
# scenarios: hotplug-counts
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 100
# deadline: 480
# A guest that starts with two empty slots: a disk and a network card come while it runs, work, go when they are asked
# for, under I/O and asleep too, and come again; the guest ejects one itself and reboots with one; the host takes one
# back; and nothing stays behind.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "slots are had by other options there"

disk=$(device "$nvme_id")
card=$(device "$e1000e_id")
edu=$(device "$edu_id")
restore_disk
give "$disk" "$card" "$edu"
kernel_options="$kernel_options nvme_core.io_timeout=3 nvme_core.admin_timeout=3"

# slots: what the guest tells of each: number, power, presence.
slots() {
	tr -d '\r' < "$console" | sed -n 's/^LAB: slot //p' | tail -n 2 | tr '\n' ' '
}

fetched() {
	expr "$(value 'net e1000e')" : "$LAB_TFTP_SHA256 [0-9]* [0-9]* MSI-X" > /dev/null
}

guest_start "slots,ask" --hotplug 2 $slots_options
guest_see 1 '^LAB: ask'
locked=$(counts)
opened=$(find "/proc/$guest_pid/fd" -exec readlink {} \; | grep -c -e /dev/vfio -e /dev/iommu)
check hotplug-empty "slots '$(slots)', $locked, $opened nodes of VFIO's; $(first_error)" \
	[ "$(slots)/${locked##*mappings }/$opened" = "1 0 0 2 0 0 /0 kB/0" ]

# refuses PATTERN WORD...: the monitor does, in a sentence that has the pattern.
refuses() {
	local pattern=$1
	shift
	! ctl "$@" && [ "$(wc -l < "$work/said")" -eq 1 ] && grep -qE -e "$pattern" "$work/said"
}

bind "$card" none
mate=$(grouped_device "$e1000_id")
grouped=$(grouped_device "$edu_id")
give "$grouped"
bind "$mate" e1000
refused=yes
refuses "0000:77:00.0" add 0000:77:00.0 || refused=$said
refuses "${card##*/}.*ferry bind ${card##*/}" add "${card##*/}" || refused=$said
refuses "${mate##*/}.*ferry bind --group" add "${grouped##*/}" || refused=$said
refuses "slot7" add "${edu##*/},bus=slot7" || refused=$said
refuses "nobody" remove nobody || refused=$said
check hotplug-refused "the monitor said '$refused'" [ "$refused" = yes ]
give "$card"
bind "$mate" none

put "$disk"
guest_do "bound:1b36.0010"
guest_do nvme_sum
locked=$(counts)
check hotplug-disk "the guest has '$(value bound)' and read $(value nvme-sum); $locked; $(first_error)" \
	[ "$(value bound) $(value nvme-sum)" = "1b36.0010 nvme 0000:00:01.0 $LAB_DISK_SHA256" ]
put "$card"
guest_do "bound:8086.10d3"
guest_do "net:e1000e"
check hotplug-net "the guest has '$(value bound)' and fetched '$(value 'net e1000e')'; $(first_error)" fetched
refuses "has it already|process" add "${disk##*/}" || refused=$said
check hotplug-full "the monitor said '$refused', then '$said'" \
	refuses "no slot is free" add "${edu##*/}"

guest_do io
take "$disk"
guest_do "gone:1b36.0010"
guest_do "io_end:60"
check hotplug-under-io "it took $took hundredths of a second, the reads ended by '$(value io-end)'; $(cat "$errors")" \
	expr "$((took < 2000)) $(value gone) $(value io-end)" : "1 1b36.0010 .*ended"
check hotplug-own-driver "the host reads something else" host_reads "$disk"

put "$disk"
guest_do "bound:1b36.0010"
guest_do nvme_sum
check hotplug-again "the guest read $(value nvme-sum); $(first_error)" [ "$(value nvme-sum)" = "$LAB_DISK_SHA256" ]

guest_do "slot:1:0"
guest_do "gone:1b36.0010"
gone=$(value gone)
held "$disk" && gone="$gone held"
guest_do "slot:1:1"
guest_do "bound:1b36.0010"
guest_do nvme_file
check hotplug-eject "the guest said '$gone', '$(value slot)' and read '$(same_sums)'; $(first_error)" \
	[ "$gone/$(value slot)/$(same_sums)" = "1b36.0010 held/1 1/yes" ]

guest_do "d3:1b36.0010"
take "$disk"
check hotplug-asleep "the guest said '$(value d3)', it took $took hundredths of a second" \
	[ "$(value d3) $((took < 2000))" = "1b36.0010 3 1" ]

# The removal that is under way when the guest reboots is carried out by then.
told=
put "$disk"
guest_do "bound:1b36.0010"
ferry ctl "$control" remove "${card##*/}" > "$work/rebooted" 2>&1 &
usleep 500000
guest_begin reboot
guest_see $((asked + 1)) '^LAB: ask'
wait $!
[ "$(cat "$work/rebooted")" = "${card##*/} is given back to the host" ] || told="$(cat "$work/rebooted"),"
guest_do "bound:1b36.0010"
guest_do "bar_place:1b36.0010"
guest_do nvme_sum
place=$(value "bar-place 1b36.0010")
check hotplug-reboot "$told the guest read $(value nvme-sum), its BAR was at '$place'; $(first_error)" \
	[ "$told$(value nvme-sum) ${place% *}" = "$LAB_DISK_SHA256 ${place#* }" ]

# The host's own way to take it: the guest is asked first.
start=$(now)
(echo "${disk##*/}" > /sys/bus/pci/drivers/vfio-pci/unbind; now > "$work/unbound") &
wait_for 30 [ -s "$work/unbound" ]
took=$(($(cat "$work/unbound" 2> /dev/null || echo 99999) - start))
guest_do "gone:1b36.0010"
check hotplug-taken-back "the unbind took $took hundredths of a second; the guest said '$(value gone)'" \
	[ "$((took < 1500)) $(value gone)" = "1 1b36.0010" ]
give "$disk"

in_turn 5 "$disk" "$card"
check hotplug-counts "first $first_counts, then $last_counts" [ "$first_counts" = "$last_counts" ]
guest_poweroff
