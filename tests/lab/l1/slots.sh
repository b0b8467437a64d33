# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # many names come from lib.sh, or are for the scenarios
# What scenarios need that put devices into a running guest's slots and take them out. They begin with
# ". /share/l1/slots.sh" and start their guests with $slots_options.

control=/tmp/control # an ordinary user's monitor makes it too
rm -f "$control"
slots_options="--control unix:$control"

# What the monitor answers, also when it refuses, and in $said too.
ctl() {
	ferry ctl "$control" "$@" > "$work/said" 2>&1
	set -- $? "$@"
	said=$(cat "$work/said")
	echo "ctl $*: $said"
	return "$1"
}

# put DEVICE [OPTION...]: adds it to the running guest; words that go with the device follow commas.
put() {
	local device=$1
	ctl add "${device##*/}${2:+,$2}" || die "it was not added: $said"
}

# The monitor has that device.
held() {
	ferry ctl "$control" status 2> /dev/null | grep -q "^${1##*/} "
}

released() {
	! held "$1"
}

# take DEVICE [OPTION...]: has the monitor ask the guest for it; how long that took, in hundredths of a second, is
# in $took.
take() {
	local device=$1 start
	shift
	start=$(now)
	ctl remove "${device##*/}" "$@" || die "it was not removed: $said"
	wait_for 60 released "$device" || die "the monitor keeps ${device##*/}"
	took=$(($(now) - start))
}

# What an end of a run would hide: descriptors, threads, mappings and locked memory of the monitor.
counts() {
	local guards threads spare
	guards=$(grep -c ' ---p ' "/proc/$guest_pid/maps")
	threads=$(ls "/proc/$guest_pid/task" | wc -l)
	# The C library keeps the stacks of threads that have ended for the next ones: how many were there at once may
	# vary. A stack is two mappings; the first thread's is another's.
	spare=$((guards - threads + 1))
	[ "$spare" -gt 4 ] || spare=few
	echo "$(find "/proc/$guest_pid/fd" -type l | wc -l) descriptors" \
		"$threads threads, $spare spare stacks," \
		"$(($(wc -l < "/proc/$guest_pid/maps") - 2 * guards)) other mappings" \
		"$(sed -n 's/^VmLck:[^0-9]*//p' "/proc/$guest_pid/status")"
}

# in_turn ROUNDS DISK CARD: both go into the guest and out of it, so often, the guest's kernel letting go by itself;
# what the monitor has after the first time is in $first_counts, after the last in $last_counts.
in_turn() {
	local round=0
	while [ "$round" -lt "$1" ]; do
		put "$2"
		put "$3"
		guest_do "bound:$(pci_id "$2")"
		guest_do "bound:$(pci_id "$3")"
		guest_do slots_off
		take "$2"
		take "$3"
		round=$((round + 1))
		last_counts=$(counts)
		[ "$round" -gt 1 ] || first_counts=$last_counts
	done
	[ "$last_counts" = "$first_counts" ] || ls -l "/proc/$guest_pid/fd"
}

# VENDOR.DEVICE, as a guest's steps have it.
pci_id() {
	local vendor device
	vendor=$(cat "$1/vendor")
	device=$(cat "$1/device")
	echo "${vendor#0x}.${device#0x}"
}

# host_reads DISK: the host's own driver reads right what a guest had.
host_reads() {
	local sum want
	bind "$1" nvme
	wait_for 60 [ -b /dev/nvme0n1 ]
	sum=$(head -c 16777216 /dev/nvme0n1 | sha256sum)
	want=$(head -c 16777216 "$images/disk" | sha256sum)
	bind "$1" vfio-pci
	[ "$sum" = "$want" ]
}
