# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: disks
# root: debian
# seconds: 400
# deadline: 1500
# A disk of the monitor's own and a network card over a tap, with ferry and the machines of QEMU's in turn: exits to the
# monitor and time of processors for reads of the host's NVMe disk one and 32 at a time, exits for 16 MiB both ways
# through the card; and Debian from a disk to its login. All is written to the round's log disks@ROUND.figures.log in
# lines WHAT WHO FIGURE.

. /share/l1/root.sh
. /share/l1/figures.sh

modprobe tun && modprobe vhost_net || die "this kernel has no tun or vhost_net"
tap tap0 1 0
disk=$(device "$nvme_id")
bind "$disk" nvme
wait_for 60 [ -b /dev/nvme0n1 ] || die "the host's disk is not there"
bytes=16777216
head -c $bytes /dev/urandom > "$work/data"

# What the monitor has used of processors, the guest's own time left out, in microseconds.
used() {
	awk '{ print ($14 + $15 - $43) * 10000 }' "/proc/$guest_pid/stat"
}

# count STEP: has the guest do it, well; how many exits and microseconds that was, is in $exits and $busy.
count() {
	exits=$(monitor_exits)
	busy=$(used)
	guest_do "$1"
	! grep '^LAB: failed' "$console" || die "$who: the guest cannot do $1"
	exits=$(($(monitor_exits) - exits))
	busy=$(($(used) - busy))
}

# read_at DEPTH COUNT WHO
read_at() {
	count "disk_rate:1af4.1042:$1:1"
	local talk=$exits
	count "disk_rate:1af4.1042:$1:$2"
	figure "rate-$1" "$3" "$(value "disk-rate $1")"
	figure "exits-$1" "$3" "$((exits - talk))"
	figure "cpu-$1" "$3" "$(awk "BEGIN { print $busy / $2 }")"
}

sum_of() {
	sha256sum < "$1" | cut -d ' ' -f 1
}

# move BYTES PORT: so much goes each way through the card.
move() {
	head -c "$1" "$work/data" > "$work/part"
	labtool stream listen "tcp:10.77.0.1:$2" "$work/part" > "$work/came" &
	server=$!
	count "card:$2:$1"
	wait_for 60 [ ! -e "/proc/$server/exe" ] || kill "$server"
	wait "$server"
	expr "$(value card)" : "$(sum_of "$work/came") $(sum_of "$work/part") " > /dev/null ||
		die "$who: the guest sent and received other data: $(value card)"
}

# measure WHO MONITOR
measure() {
	local talk
	monitor=$2
	guest_start ask --disk /dev/nvme0n1,direct,readonly --net tap=tap0
	guest_do "disk_rate:1af4.1042:32:500"
	read_at 1 4000 "$1"
	read_at 32 8000 "$1"
	move 1 5001 # which loads the driver, too
	move 1 5002
	talk=$exits
	move $bytes 5003
	figure packets "$1" "$((exits - talk))"
	guest_poweroff
	[ "$status" = 0 ] || die "$who: $(why)"
}

# log_in WHO MONITOR: Debian's login, on a copy of the disk.
log_in() {
	local start
	monitor=$2
	rm -f "$root"
	cp "$images/root" "$root"
	start=$(now)
	root_start
	guest_see 1 'ferry login:'
	figure login "$1" "$(awk "BEGIN { print ($(now) - $start) / 100 }")"
	guest_send root
	guest_see 1 'root@ferry:'
	root_poweroff
	[ "$status" = 0 ] || die "$who: $(why)"
}

for who in ferry $peer_machines; do
	export LAB_QEMU_MACHINE="$who"
	by=/share/l1/qemu
	[ "$who" != ferry ] || by=ferry
	measure "$who" $by
	log_in "$who" $by
done
figures_keep
