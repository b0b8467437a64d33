# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# The guest's step "try": what becomes of a device of any kind. Read by the guest's init.

# Tries every PCI function but bridges, whatever it is: its driver, how it interrupts, what the driver made
# of it ($1 is waited for, "none" is nothing), and what try_$1 has it do. A disk's first $2 KiB are read. $3 is a
# driver that does not know that it can drive it.
step_try() {
	local device driver place module
	for module in usb-storage sd_mod mmc_block; do
		[ "$1" != block ] || modprobe "$module" 2> /dev/null
	done
	for device in /sys/bus/pci/devices/*; do
		case $(cat "$device/class") in
		0x06*) continue ;;
		esac
		modprobe "$(cat "$device/modalias")" 2> /dev/null
		[ -z "${3:-}" ] || {
			modprobe "$3"
			echo "$(cat "$device/vendor") $(cat "$device/device")" > "/sys/bus/pci/drivers/$3/new_id"
		}
		for place in "$device"/virtio*/modalias; do
			[ ! -e "$place" ] || modprobe "$(cat "$place")" 2> /dev/null
		done
		place=$(readlink -f "$device")
		[ "$1" = none ] || wait_for 20 made "$place" "$1"
		driver=$(readlink "$device/driver")
		say "try ${device##*/} $(cat "$device/vendor"):$(cat "$device/device") $(basename "${driver:--}")" \
			"$(pci-vectors "$device") $(classes "$place" | tr '\n' ' ')"
		made "$place" "$1" || continue
		case $1 in
		block | net | 9pnet_virtio | virtio_rng | virtio-ports | tty | ipmi | sound | drm | input | kvaser_pci)
			"try_$(echo "$1" | tr - _)" "$place" "$2"
			;;
		esac
	done
}

# classes PLACE: of a device and what lies below it, the kernel's word for each kind and each driver.
classes() {
	find "$1/" -name subsystem -o -name driver | while read -r class; do
		basename "$(readlink "$class")"
	done | sort -u
}

made() {
	classes "$1" | grep -qx "$2"
}

# below PLACE KIND: the name of the first device of that kind which lies below.
below() {
	local kind
	find "$1/" -name subsystem | sort | while read -r kind; do
		[ "$(basename "$(readlink "$kind")")" != "$2" ] || basename "${kind%/subsystem}"
	done | head -n 1
}

try_block() {
	local disk
	disk=$(pci-disk "$1") && say "try-data $(head -c "$(($2 * 1024))" "$disk" | sha256sum |
		cut -d ' ' -f 1) $(write_back "$disk" try 40)"
}

try_net() {
	local driver
	driver=$(readlink "$(find "$1" -path '*/net/*/device' | head -n 1)/driver")
	say "try-data $(net-fetch "${driver##*/}" 2>&1 | tail -n 1)"
}

try_9pnet_virtio() {
	mount -t 9p -o ro,trans=virtio,version=9p2000.L every /mnt &&
		say "try-data $(sha256sum < /mnt/data | cut -d ' ' -f 1)"
}

# Random numbers are not twice the same.
try_virtio_rng() {
	say "try-data $(for _ in 1 2; do head -c 16 /dev/hwrng | hexdump -v -e '/1 "%02x"'; echo; done | sort -u | wc -l)"
}

try_virtio_ports() {
	echo "a line by $(below "$1" virtio-ports)" > "/dev/$(below "$1" virtio-ports)" && say "try-data sent"
}

try_tty() {
	local port
	port=$(below "$1" tty)
	stty -F "/dev/$port" raw
	echo "a line by $port" > "/dev/$port" && say "try-data sent"
}

try_kvaser_pci() {
	modprobe can_raw
	say "try-data $(labtool can "$(below "$1" net)" 2>&1)"
}

# The controller's own word for what version of IPMI it speaks.
try_ipmi() {
	modprobe ipmi_devintf
	wait_for 20 test -e /sys/devices/platform/ipmi_bmc.*/ipmi_version
	say "try-data $(cat /sys/devices/platform/ipmi_bmc.*/ipmi_version)"
}

# A second of noise, by way of the sound system's older interface.
try_sound() {
	[ "$2" -gt 0 ] || return 0
	modprobe snd-pcm-oss
	wait_for 20 [ -e /dev/dsp ]
	yes | head -c 8192 > /dev/dsp && say "try-data played"
}

# Its frame buffer is written, all of it.
try_drm() {
	local fb=/sys/class/graphics/fb0
	[ "$2" -gt 0 ] || return 0
	wait_for 20 [ -e /dev/fb0 ] || return
	yes ZZZZZZZ | tr '\n' Z | head -c "$(($(cut -d , -f 2 $fb/virtual_size) * $(cat $fb/stride)))" > /dev/fb0 &&
		say "try-data drawn $(cat $fb/bits_per_pixel)"
}

# An event of the kernel's has 24 bytes: the last eight are its kind, key or axis, and value.
try_input() {
	local event
	modprobe evdev
	wait_for 20 [ -n "$(below "$1" input)" ]
	event=$(find "$1/" -path '*/input/*/event*' -name 'event*' | head -n 1)
	exec 9< "/dev/input/${event##*/}"
	say "try-ready"
	say "try-data $(timeout 30 head -c 24 <&9 | tail -c 8 | hexdump -e '1/2 "%d " 1/2 "%d " 1/4 "%d\n"')"
	exec 9<&-
}
