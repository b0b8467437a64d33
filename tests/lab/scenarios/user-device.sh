# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/lib.sh
# scenarios: user-nvme user-reboot user-doorbells user-messages user-reloads user-trace user-gone user-pulled user-beside
# scenarios: user-added user-back user-eventfds
# tier-aarch64: all
# program: user-server
# seconds: 260
# An NVMe controller that is a program (vfio-user), driven by Linux's own nvme: what a guest reads and writes, again
# after it has begun anew and after its driver has; with doorbells in a page that the guest maps; with memory reached
# by messages alone; what becomes of a guest whose device's server is killed, and behind a port; which comes back when
# it is started again; beside a disk that is handed over, which outlives it; added to a guest that runs, and taken out.

only_ferry "the device's server is for ferry's client"
image=$work/image
socket=$work/device.sock
device_id=1234.4e56
vectors=$((cpus + 1)) # one for each queue, and one for the controller
head -c 16777216 "$images/disk" > "$image"

# serve [OPTION...]: begins a server, and waits for its socket.
serve() {
	rm -f "$socket"
	/share/user-server --image "$image" "$@" "$socket" > "$work/server.log" 2>&1 &
	server=$!
	wait_for 30 [ -S "$socket" ] || die "no server: $(tail -n 1 "$work/server.log")"
}

# sum_of FIRST COUNT: of so many mebibytes of the image.
sum_of() {
	dd if="$image" bs=1M skip="$1" count="$2" 2> /dev/null | sha256sum | cut -d ' ' -f 1
}

# told N: what the guest said of the disk for the Nth time.
told() {
	tr -d '\r' < "$console" | sed -n "s/^LAB: disk $device_id //p" | sed -n "$1p"
}

# Of a guest that only reads, writes and ends.
moves() { # moves NAME MIB PATTERN [OPTION OF FERRY...]
	local name=$1 at=$2 pattern=$3 first
	shift 3
	first=$(sum_of 0 4)
	guest "disk:$device_id:4:$pattern:$at" --vfio-user "socket=$socket$*"
	check "$name" "the guest said '$(told 1)'; the image has $first $(sum_of "$at" 1); $(why)" \
		[ "$status $(told 1)" = "0 $first $(sum_of "$at" 1) MSI-X $vectors" ]
}

# So many reads, and the exits to the monitor meanwhile.
reads() { # reads COUNT
	local before
	before=$(monitor_exits)
	guest_do "nvme_reads:$1"
	sleep 1
	exits=$(($(monitor_exits) - before))
}

rang() { # rang FIRST LAST
	[ "$status $(told 1) $(grep -c '^LAB: failed' "$console")" = "0 $1 $2 MSI-X $vectors 0" ] && [ "$exits" -le 40 ]
}

# Of one whose doorbells are not the monitor's: the same talk is had twice, the first time with no reads in it.
rings() { # rings NAME MIB PATTERN OPTIONS
	local first talk
	first=$(sum_of 0 4)
	guest_start ask --vfio-user "socket=$socket$4"
	guest_do "disk:$device_id:4:$3:$2"
	reads 0000
	talk=$exits
	reads 4000
	exits=$((exits - talk))
	guest_poweroff
	check "$1" "$exits exits to the monitor for 4,000 reads, 40 allowed; the guest said '$(told 1)'; the image has \
$first $(sum_of "$2" 1); $(why)" rang "$first" "$(sum_of "$2" 1)"
}

serve
guest_start ask --vfio-user "socket=$socket"
guest_do "disk:$device_id:4:ferry:4"
check user-nvme "the guest said '$(told 1)'; the image has $(sum_of 0 4) $(sum_of 4 1); $(first_error)" \
	[ "$(told 1)" = "$(sum_of 0 4) $(sum_of 4 1) MSI-X $vectors" ]
guest_do reboot
guest_do "disk:$device_id:7:again:8"
check user-reboot "the guest said '$(told 2)'; the image has $(sum_of 0 7) $(sum_of 8 1); $(first_error)" \
	[ "$(told 2)" = "$(sum_of 0 7) $(sum_of 8 1) MSI-X $vectors" ]
guest_do "reloads:20"
check user-reloads "the guest said '$(value reloads)'; $(first_error)" \
	[ "$(value reloads)" = "20 MSI-X $vectors" ]

# A guest whose disk does not answer any more goes on, and so does its monitor.
guest_do io
kill -KILL "$server"
wait_for 20 grep -q 'device is lost' "$errors" || die "the monitor did not tell of the server's end: $(first_error)"
guest_do "io_end:240"
guest_poweroff
check user-gone "the guest said '$(value io-end)'; $(why); $(cat "$errors")" \
	[ "$status $(grep -c 'its server has ended the connection: the device is lost' "$errors")" = "0 1" ]

serve --map-doorbells
rings user-doorbells 9 mapped ""
kill "$server"
serve --eventfds
rings user-eventfds 8 eventfds ",ioeventfd"
kill "$server"
serve --messages --twin
moves user-messages 10 messages
kill "$server"
serve
moves user-trace 11 traced ",trace=$work/trace"
kill "$server"

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

came_back() { # came_back TIMES
	[ "$(grep -c 'user0: it is back' "$errors")" = "$1" ]
}

# One that is killed under I/O comes back as a new one, as often as it is started again.
serve
guest_start ask --vfio-user "socket=$socket,port,reconnect=1"
guest_do "disk:$device_id:4:before:15"
moved=$(told 1)
for round in 1 2; do
	guest_do io
	kill -KILL "$server"
	guest_do "gone:$device_id"
	guest_do "io_end:240"
	serve
	wait_for 30 came_back "$round" || die "it did not come back: $(why)"
	guest_do "bound:$device_id"
done
guest_do "disk:$device_id:5:after:6"
guest_poweroff
check user-back "the guest said '$moved', '$(told 2)'; the image has $(sum_of 0 4) $(sum_of 15 1), $(sum_of 0 5) $(sum_of 6 1); $(why)" \
	[ "$status $moved, $(told 2)" = \
		"0 $(sum_of 0 4) $(sum_of 15 1) MSI-X $vectors, $(sum_of 0 5) $(sum_of 6 1) MSI-X $vectors" ]

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
