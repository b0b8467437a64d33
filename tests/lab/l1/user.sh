# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # many names come from lib.sh, or are for the scenarios
# What scenarios need that give a guest the device that is a program (/share/user-server): an NVMe controller whose
# blocks are $image. They begin with ". /share/l1/user.sh".

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
	local first talk times
	times=$(often 1000 4000)
	first=$(sum_of 0 4)
	guest_start ask --vfio-user "socket=$socket$4"
	guest_do "disk:$device_id:4:$3:$2"
	reads 0000
	talk=$exits
	reads "$times"
	exits=$((exits - talk))
	guest_poweroff
	check "$1" "$exits exits to the monitor for $times reads, 40 allowed; the guest said '$(told 1)'; the image has \
$first $(sum_of "$2" 1); $(why)" rang "$first" "$(sum_of "$2" 1)"
}
