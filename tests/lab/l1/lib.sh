# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # many names are for scenarios, some come from main
# What a scenario may use. It runs in the passthrough host (L1) under busybox's shell, as root.
#
# Devices are found by what they are, never by where: device 8086:10d3 is the first one of its kind.
# A guest is started with guest_start (or run to its end with guest); what it printed is asked for
# with value; results are told with ok, fail, skip or check, one for each name the scenario declares.

# shellcheck disable=SC1090 # of this architecture
. "/share/l1/$LAB_ARCH.inc"
# shellcheck source=tests/lab/l1/standstill.sh
. /share/l1/standstill.sh

images=/images
ram=256M
cpus=1
flavour=generic
run_as=
kernel=        # a path; by default the flavour's: see guest_kernel
initrd=        # a path; by default the initramfs of the flavour
# A guest of software takes long for its ciphers' tests, and a busy host keeps its processor waiting for half a
# minute.
kernel_options="console=$console_name quiet cryptomgr.notests watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
guest_deadline=${LAB_GUEST_DEADLINE:-90}
monitor=${LAB_MONITOR:-ferry}

nvme_id=1b36:0010
e1000e_id=8086:10d3
e1000_id=8086:100e
edu_id=1234:11e8
xhci_id=1b36:000d
nec_id=1033:0194
virtio_block_id=1af4:1042
virtio_net_id=1af4:1041
rtl8139_id=10ec:8139
shared_memory_id=1af4:1110

# --- results -------------------------------------------------------------------------------------

report() {
	local now
	now=$(now)
	case $1 in
	fail) echo "$1 $2$suffix $((now - $(cat "$work/since"))) $3" >> "$work/failures" ;; # told at the end
	*) echo "$1 $2$suffix $((now - $(cat "$work/since"))) $3" >> "$out/results" ;;
	esac
	echo "$1 $2 $3"
	echo "$2" >> "$work/reported"
	echo "$now" > "$work/since"
}

ok() {
	report ok "$1"
}

fail() { # fail NAME REASON
	report fail "$1" "$2"
}

skip() { # skip NAME REASON
	report skip "$1" "$2"
}

# only_ferry REASON: ends a scenario that another monitor in its place is not tried with.
only_ferry() {
	local name
	[ "$monitor" != ferry ] || return 0
	for name in $names; do
		skip "$name" "$1"
	done
	exit 0
}

# check NAME REASON COMMAND...: the scenario NAME stands if the command succeeds.
check() {
	local name=$1 reason=$2
	shift 2
	if "$@"; then
		ok "$name"
	else
		fail "$name" "$reason"
	fi
}

# applies NAME: the scenario is one to be told about, on this architecture.
applies() {
	case " $names " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# Ends the scenario: every name it has not told about yet has failed, for this reason.
die() {
	local name
	for name in $names; do
		grep -qx "$name" "$work/reported" || fail "$name" "$1"
	done
	guest_end
	guest_other
	guest_end
	exit 1
}

# A line that a person who watches the lab gets to see.
note() {
	echo "note $*" >> "$out/results"
	echo "note $*"
}

now() { # centiseconds since L1 started
	local up rest
	read -r up rest < /proc/uptime
	echo "${up%.*}${up#*.}"
}

# often FEW MANY: how often to do what goes wrong seldom; without --all it is tried a few times.
often() {
	if [ -n "$LAB_ALL" ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

# Waits until the command succeeds, so many seconds at most, and LAB_SLOW times as many. Looks are counted, not
# time: while L1 gets no processor nobody looks.
wait_for() { # wait_for SECONDS COMMAND...
	local looks
	looks=$(($1 * 10 * LAB_SLOW))
	shift
	until "$@"; do
		[ "$looks" -gt 0 ] || return 1
		looks=$((looks - 1))
		usleep 100000
	done
}

# --- devices -------------------------------------------------------------------------------------

# device VENDOR:DEVICE: the sysfs path of the first such device on the root bus that is alone in its
# group; grouped_device, of one that is not; ported_device and grouped_ported_device, of those behind
# a root port.
find_device() {
	local id=$1 port=$2 shared=$3 device vendor number class member count place
	for device in /sys/bus/pci/devices/*; do
		read -r vendor < "$device/vendor"
		read -r number < "$device/device"
		[ "$vendor:$number" = "0x${id%:*}:0x${id#*:}" ] || continue
		place=$(readlink -f "$device/..")
		case ${place##*/} in
		pci*) [ "$port" = no ] || continue ;;
		*) [ "$port" = yes ] || continue ;;
		esac
		# A port whose group it is in is no device to share with; whether it is depends on the kernel.
		count=0
		for member in "$device"/iommu_group/devices/*; do
			read -r class < "$member/class"
			[ "$class" != "${class#0x0604}" ] || count=$((count + 1))
		done
		[ "$((count > 1))" = "$shared" ] || continue
		echo "$device"
		return 0
	done
	echo "no device $id" >&2
	return 1
}

device() {
	find_device "$1" no 0
}

grouped_device() {
	find_device "$1" no 1
}

ported_device() {
	find_device "$1" yes 0
}

grouped_ported_device() {
	find_device "$1" yes 1
}

group_file() {
	echo "/dev/vfio/$(basename "$(readlink "$1/iommu_group")")"
}

driver_of() {
	basename "$(readlink "$1/driver" || echo none)"
}

# bind DEVICE DRIVER: gives the device to that driver, or to none.
bind() {
	local address=${1##*/}
	[ "$(driver_of "$1")" != "$2" ] || return 0
	[ ! -e "$1/driver" ] || echo "$address" > "$1/driver/unbind"
	if [ "$2" = none ]; then
		echo > "$1/driver_override"
		return 0
	fi
	[ -e "/sys/bus/pci/drivers/$2" ] || modprobe "$(cat "$1/modalias")"
	echo "$2" > "$1/driver_override"
	echo "$address" > "/sys/bus/pci/drivers/$2/bind"
	[ "$(driver_of "$1")" = "$2" ] || die "$1 does not bind to $2"
}

give() { # give DEVICE...: to vfio-pci
	local device
	for device in "$@"; do
		[ -n "$device" ] || die "this host lacks the device"
		bind "$device" vfio-pci
	done
}

# tap NAME QUEUES UID: makes it; the host's end of a guest's card. It is gone after the scenario.
tap() {
	if ! labtool tap-make "$1" "$2" "$3" || ! ip addr add 10.77.0.1/24 dev "$1" || ! ip link set "$1" up; then
		die "there is no tap $1"
	fi
}

# --- guests --------------------------------------------------------------------------------------

# An emulated processor needs nearly as long to unpack the usual kernel as to run it up to /init, so guests get it
# unpacked, where that is not what a scenario is about.
guest_kernel() {
	if [ -n "$kernel" ]; then
		echo "$kernel"
	elif [ "$flavour" = generic ]; then
		echo "$images/$usual_kernel"
	else
		echo "$images/vmlinuz-$flavour"
	fi
}

guest_number=0
guest_ended=
other_guest=

# guest_start STEPS [OPTION...]: starts the monitor with a guest that does those steps (see the
# guest's init); options are the monitor's own.
guest_start() {
	local steps=$1
	shift
	guest_number=$((guest_number + 1))
	asked=0
	console=$work/guest$guest_number.console
	errors=$work/guest$guest_number.errors
	: > "$console" # the monitor's shell may come to it later than who looks into it
	mkfifo "$work/guest$guest_number.in"
	exec 7<> "$work/guest$guest_number.in"
	set -- --initrd "${initrd:-$images/initrd-$flavour}" --cmdline "$kernel_options lab=$steps" \
		--cpus "$cpus" --memory "$ram" --serial stdio "$@"
	echo "$monitor run $(guest_kernel) $*" | tee "$work/guest$guest_number.command"
	# Opened for writing too, its input does not end when nobody else has it open.
	# shellcheck disable=SC2086 # $run_as is a command and its arguments, or nothing
	$run_as "$monitor" run "$(guest_kernel)" "$@" <> "$work/guest$guest_number.in" \
		> "$console" 2> "$errors" 7>&- &
	guest_pid=$!
	: > "$work/asked"
	: > "${console%.console}.standstill"
	guest_watch > "${console%.console}.standstill" 2>&1 7>&- &
	guest_watcher=$!
}

# Turns to the other of two guests; before that one is started, away from the first.
guest_other() {
	local this="guest_pid=$guest_pid guest_watcher=$guest_watcher console=$console errors=$errors asked=$asked"
	eval "$other_guest"
	other_guest=$this
	[ -z "$guest_pid" ] || exec 7<> "${console%.console}.in"
}

# The deadline is for a guest that stands still, not for one that has much to do on a slow machine: it begins
# anew with whatever the guest prints and whatever it is asked. Looks are counted, not time: while L1 gets no
# processor nobody looks.
guest_watch() {
	local before='' still=0
	# A monitor that has ended, and is not waited for yet, has no program any more.
	while sleep 2 && [ -e "/proc/$guest_pid/exe" ]; do
		still=$((still + 2))
		if [ "$(guest_progress)" != "$before" ]; then
			before=$(guest_progress)
			still=0
		elif [ "$still" -ge "$guest_deadline" ]; then
			standstill_tell "$guest_pid"
			kill -KILL "$guest_pid"
		fi
	done
}

# What gdb prints is progress too: its guest may be stopped for long.
guest_progress() {
	wc -c "$console" "$work/asked" "$out/gdb/"*.out 2> /dev/null
}

# Somebody else has dealt with the guest, or lets it wait.
guest_went_on() {
	echo >> "$work/asked"
}

# Waits for the guest's end; $status is the monitor's.
guest_wait() {
	wait "$guest_pid"
	status=$?
	guest_pid=
	exec 7>&-
	echo "status $status"
	kill "$guest_watcher" 2> /dev/null
	[ "$status" -ne 137 ] || [ -n "$guest_ended" ] || {
		echo "the guest was ended by its deadline of $guest_deadline s without anything new"
		cat "${console%.console}.standstill"
	}
	guest_ended=
}

guest() {
	guest_start "$@"
	guest_wait
}

guest_end() {
	[ -n "$guest_pid" ] || return 0
	! kill -KILL "$guest_pid" 2> /dev/null || guest_ended=yes
	guest_wait
}

# guest_see COUNT PATTERN: waits until the console has so many lines with the pattern. A guest that stands
# still has ended before; this deadline is for one that prints other things on and on.
guest_see() {
	wait_for "$((4 * guest_deadline))" guest_seen "$1" "$2" ||
		die "the guest did not print '$2' (time $1), but other things, the last of them '$(tail -n 1 "$console")'"
	[ "$(grep -c "$2" "$console")" -ge "$1" ] ||
		die "the guest $(guest_end_told) without printing '$2' (time $1): $(first_error)"
}

guest_end_told() {
	if [ -s "${console%.console}.standstill" ]; then
		echo "stood still for $guest_deadline s"
	else
		echo "ended"
	fi
}

guest_seen() {
	[ "$(grep -c "$2" "$console")" -ge "$1" ] || ! kill -0 "$guest_pid" 2> /dev/null
}

# A step for a guest that is at its step "ask".
guest_send() {
	guest_went_on
	echo "$1" >&7
}

# Has a guest whose last step is "ask" do another one, once it asks.
guest_begin() {
	asked=$((asked + 1))
	guest_see "$asked" '^LAB: ask'
	guest_send "$1"
}

# The same, and waits until it asks for the next.
guest_do() {
	guest_begin "$1"
	guest_see $((asked + 1)) '^LAB: ask'
}

guest_poweroff() {
	guest_send poweroff
	guest_wait
}

# What the guest said about KEY last: the rest of its line.
value() {
	tr -d '\r' < "$console" | sed -n "s/^LAB: $1 //p" | tail -n 1
}

# By which ways it had its devices, as --log info has it say.
ways() {
	sed -n 's/.*passthrough device .*: by \(.*\)$/\1/p' "$errors" | sort -u
}

# "yes" when the guest read a file off the disk whose checksum is the one that lies beside it.
same_sums() {
	local file
	file=$(value nvme-file)
	if [ -n "$file" ] && [ "${file% *}" = "${file#* }" ]; then
		echo yes
	else
		echo "no"
	fi
}

# How far the mapping of RAM is, on a slow machine, is none.
first_error() {
	grep -v 'guest RAM: .* for DMA' "$errors" | head -n 1
}

# Why a guest that ran to its end is no good, or nothing: for check's REASON.
why() {
	echo "status $status, $(tr -d '\r' < "$console" | grep -c '^LAB: poweroff$') power-offs;" \
		"$(first_error) $(tr -d '\r' < "$console" | sed -n 's/^LAB: \(failed.*\)/\1/p' | head -n 1)"
}

# KVM's count of exits that reached the monitor.
monitor_exits() {
	local counter
	for counter in $monitor_counters; do
		cat /sys/kernel/debug/kvm/"$guest_pid"-*/"$counter"
	done | awk '{ sum += $1 } END { print sum }'
}

# machine COMMAND: has the monitor of the machine that L1 is do it, and prints what it says. False when
# there is no answer.
machine() {
	local file
	file=$(mktemp "$out/monitor/XXXXXX")
	echo "$1" > "$file"
	mv "$file" "$file.request"
	wait_for 30 [ -e "$file.answer" ] || {
		rm -f "$file.request"
		echo "no answer from the lab's runner to '$1'" >&2
		return 1
	}
	cat "$file.answer"
	rm -f "$file.answer"
}

# own_net NAME DEVICE DRIVER MODULE: the scenario NAME stands if the host fetches its file by that
# driver, which goes by MODULE in the network's own folders, over a device that a guest had.
own_net() {
	local fetched
	modprobe "$4"
	bind "$2" "$3"
	fetched=$(net-fetch "$4" 2>&1 | tail -n 1)
	bind "$2" none
	check "$1" "the host fetched '$fetched'" expr "$fetched" : "$LAB_TFTP_SHA256 "
}

# What scenarios have written to the NVMe disk, of which each host has one, is not there any more.
restore_disk() {
	bind "$disk" nvme
	wait_for $((20 * LAB_SLOW)) [ -b /dev/nvme0n1 ] || die "the host's driver finds no disk"
	dd if="$images/disk" of=/dev/nvme0n1 bs=1M skip=60 seek=60 count=1 conv=fsync 2> /dev/null ||
		die "the host cannot write to its disk"
	bind "$disk" none
}

# as_user MEMLOCK-KIB DEVICE...: from now on the monitor runs as an ordinary user who may open KVM
# and the devices' groups and lock so much memory ("unlimited" too). as_root takes that back.
as_user() {
	local device
	run_as="labtool as-user 1000 $1"
	shift
	for device in "$@"; do
		ferry bind --user lab "${device##*/}" > /dev/null
	done
	chmod 666 /dev/kvm
}

as_root() {
	local device
	for device in "$@"; do
		ferry bind --user root "${device##*/}" > /dev/null
	done
	run_as=
}
