# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: programs
# program: user-server
# seconds: 200
# deadline: 900
# The device that is a program with ferry's client and QEMU's in turn: reads and writes of a register, reads of its
# disk, with doorbells by messages, mapped, and by eventfds. All is written to the round's log
# programs@ROUND.figures.log in lines WHAT WHO FIGURE.

. /share/l1/user.sh
socket=/tmp/user.sock # where a QEMU in a root folder of its own finds it
. /share/l1/figures.sh

# Of interrupts while one read at a time was under way, in microseconds.
answered() {
	sed -n 's/^user-server: interrupts answered in //p' "$work/server.log" | sed -n '1s/ us//p'
}

# measure WHO MONITOR SERVER-OPTIONS CLIENT-OPTIONS
measure() {
	local said
	# shellcheck disable=SC2086 # none, or one
	serve $3
	monitor=$2
	guest_start "nvme_rate:1:2000,nvme_rate:32:4000,bar_rate:$device_id:0:12:2000,poweroff" \
		--vfio-user "socket=$socket$4"
	guest_wait
	kill "$server"
	[ "$status" = 0 ] || die "$1: $(why)"
	said=$(value "bar-rate $device_id")
	figure read "$1" "${said% *}"
	figure write "$1" "${said#* }"
	figure depth-1 "$1" "$(value "nvme-rate 1")"
	if [ "$3" = --times ]; then
		[ -n "$(answered)" ] || die "$1: no thousand interrupts were answered"
		figure interrupt "$1" "$(answered)"
	fi
	figure depth-32 "$1" "$(value "nvme-rate 32")"
}

export LAB_QEMU_MACHINE=q35
measure ferry ferry --times ""
measure qemu /share/l1/qemu --times ""
measure ferry-mapped ferry --map-doorbells ""
measure qemu-mapped /share/l1/qemu --map-doorbells ""
measure ferry-eventfds ferry --eventfds ,ioeventfd
measure qemu-eventfds /share/l1/qemu --eventfds ""
figures_keep
