# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/lib.sh and l1/user.sh
# scenarios: user-pulled user-beside user-added
# tier: all
# program: user-server
# seconds: 80
# What becomes of a guest whose device's server is killed for good behind a port, and beside a disk that is handed
# over, which outlives it. And one that is added to a guest that runs, and taken out of it.

only_ferry "the device's server is for ferry's client"
# shellcheck source=tests/lab/l1/user.sh
. /share/l1/user.sh

# Behind a port it is pulled out for the guest.
serve
guest_start ask --vfio-user "socket=$socket,port"
guest_do "disk:$device_id:4:ported:12"
moved=$(told 1)
kill -KILL "$server"
guest_do "gone:$device_id"
guest_poweroff
check user-pulled "the guest said '$moved', '$(value gone)'; the image has $(sum_of 0 4) $(sum_of 12 1); $(why)" \
	[ "$status $moved, $(value gone)" = "0 $(sum_of 0 4) $(sum_of 12 1) MSI-X $vectors, $device_id" ]

# Beside an NVMe disk that is handed over: each is as if it were alone, and that one stays when the server is killed.
disk=$(device "$nvme_id")
give "$disk"
serve
guest_start ask --vfio-user "socket=$socket" --vfio "$disk"
guest_do "disk_sum:${nvme_id%:*}.${nvme_id#*:}"
whole=$(value disk-sum)
guest_do "disk:$device_id:4:beside:13"
moved=$(told 1)
kill -KILL "$server"
wait_for 20 grep -q 'device is lost' "$errors" || die "the monitor did not tell of the server's end: $(first_error)"
guest_do "disk_sum:${nvme_id%:*}.${nvme_id#*:}"
guest_poweroff
wanted="${nvme_id%:*}.${nvme_id#*:} $LAB_DISK_SHA256"
check user-beside \
	"the guest said '$whole', '$moved', '$(value disk-sum)'; the image has $(sum_of 0 4) $(sum_of 13 1); $(why)" \
	[ "$status $whole, $moved, $(value disk-sum)" = \
		"0 $wanted, $(sum_of 0 4) $(sum_of 13 1) MSI-X $vectors, $wanted" ]

# Into a slot of a guest that began without any, whose memory is then reached by messages, and out again.
# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
serve
guest_start ask --hotplug 1 $slots_options
guest_see 1 '^LAB: ask'
ctl add "socket=$socket,id=model" || die "it was not added: $said"
added=$said
guest_do "bound:$device_id"
guest_do "disk:$device_id:4:added:14"
moved=$(told 1)
ctl remove model || die "it was not removed: $said"
guest_do "gone:$device_id"
guest_poweroff
check user-added \
	"'$added'; the guest said '$moved', '$(value gone)'; the image has $(sum_of 0 4) $(sum_of 14 1); $(why)" \
	[ "$status $added: $moved, $(value gone)" = \
		"0 user0 is in slot1, with the id model: $(sum_of 0 4) $(sum_of 14 1) MSI-X $vectors, $device_id" ]
