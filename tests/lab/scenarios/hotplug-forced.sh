# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/slots.sh
# scenarios: hotplug-user hotplug-unheard hotplug-unanswered hotplug-mapping hotplug-renumbered hotplug-debugged
# scenarios: hotplug-qmp hotplug-standing
# tier-aarch64: all
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 70
# deadline: 480
# Guests that do not answer a removal, as their kernel drives no slots or they stand, lose the device all the same. A
# monitor that has given up its rights gets a device. One is taken while memory is being pinned for it, and while a
# debugger stops the guest again and again. A guest that numbers buses anew has slots too.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "slots are had by other options there"

disk=$(device "$nvme_id")
card=$(device "$e1000e_id")
give "$disk" "$card"
usual_options=$kernel_options

# A kernel that leaves slots alone, and a monitor that may not open the card.
as_user unlimited "$disk"
kernel_options="$usual_options pcie_ports=compat nvme_core.io_timeout=3 nvme_core.admin_timeout=3"
guest_start "slots,io,ask" --vfio "$disk,port" --hotplug 1 $slots_options
guest_see 1 '^LAB: ask'
put "$card"
check hotplug-user "the monitor does not tell of it: $(cat "$errors")" held "$card"
take "$card"
check hotplug-unheard "it took $took hundredths of a second" [ "$took" -lt 500 ]
ctl remove "${disk##*/}" --timeout 2
wait_for 30 released "$disk"
guest_do "io_end:60"
check hotplug-unanswered "the reads ended by '$(value io-end)'; $(cat "$errors")" \
	expr "$(held "$disk" || echo gone) $(value io-end)" : 'gone .*error'
guest_poweroff
as_root "$disk"

kernel_options="$usual_options pci=realloc,assign-busses"
ram=1G
guest_start "slots,ask" --hotplug 2 --gdb "unix:$work/gdb" $slots_options
guest_see 1 '^LAB: ask'
# What it says of a removal meanwhile is one thing or the other.
(ferry ctl "$control" add "${disk##*/}" > "$work/added" 2>&1; echo >> "$work/answered") &
usleep 300000
ctl remove "${disk##*/}" --timeout 1 || :
wait_for 60 [ -e "$work/answered" ]
wait_for 10 released "$disk" || take "$disk"
put "$disk"
guest_do "bound:1b36.0010"
guest_do nvme_file
check hotplug-mapping "the first time it said '$(cat "$work/added")', then the sums agree: $(same_sums)" \
	[ "$(same_sums)" = yes ]

# A client that passes no descriptors is told how; with them it comes under a name of its own.
qmp() { # qmp COMMAND ARGUMENTS [EVENT]
	labtool qmp "unix:$control" "{\"execute\": \"$1\", \"arguments\": {$2}}" ${3:+"$3"}
}

qmp device_add "\"driver\": \"vfio-pci\", \"host\": \"${card##*/}\", \"id\": \"card\", \"bus\": \"slot2\"" > "$work/refused" 2>&1
ferry ctl "$control" add "${card##*/},id=card,bus=slot2" > "$work/qmp" 2>&1
guest_do "bound:8086.10d3"
guest_do "net:e1000e"
check hotplug-renumbered "the guest fetched '$(value 'net e1000e')'; $(cat "$work/refused" "$work/qmp"); $(first_error)" \
	expr "$(grep -o 'ferry ctl add' "$work/refused" | head -n 1) $(value 'net e1000e')" : "ferry ctl add $LAB_TFTP_SHA256 "

labtool gdb-cycles "unix:$work/gdb" 40 200 > "$work/cycles" 2>&1 &
cycles=$!
start=$(now)
qmp device_del "\"id\": \"${disk##*/}\"" DEVICE_DELETED >> "$work/qmp" 2>&1
took=$(($(now) - start))
wait $cycles
check hotplug-debugged "it took $took hundredths of a second; $(cat "$work/cycles")" \
	[ "$((took < 3000)) $(held "$disk" || echo gone)" = "1 gone" ]
cat "$work/qmp"
check hotplug-qmp "$(tail -n 1 "$work/qmp")" grep -q "\"DEVICE_DELETED\".*\"${disk##*/}\"" "$work/qmp"

# Its time stands as it does, and is over soon after.
ctl stop
ctl remove "${card##*/}" --timeout 1 &
removal=$!
usleep 3000000
kept=$(held "$card" && echo kept)
ctl cont
wait $removal
wait_for 60 released "$card"
guest_do "gone:8086.10d3"
guest_poweroff
check hotplug-standing "as the guest stood: $kept; $(why)" [ "$status $kept $(value gone)" = "0 kept 8086.10d3" ]
