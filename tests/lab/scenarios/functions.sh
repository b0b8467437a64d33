# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vf-tools vf-read vf-reset vf-reboot vf-two-guests vf-physical vf-taken-away vf-guest-goes-on
# not-on: aarch64: no host there has virtual functions
# also-on-x86_64: 7.3-iommufd
# host-machine: newer
# host-devices: functions
# deadline: 480
# seconds: 60
# Virtual functions of a disk (SR-IOV), each with queues and a namespace that the physical one gave it: handed to
# two guests while that one serves the host, reset, kept over a reboot, and taken away under I/O.

only_ferry "QEMU waits for the guest to let go"

# said PATTERN ARGUMENT...: ferry, so called, says that.
said() {
	local pattern=$1
	shift
	ferry "$@" < /dev/null > "$work/said" 2>&1
	echo "ferry $*: status $?"
	cat "$work/said"
	grep -qE -e "$pattern" "$work/said"
}

own_sum() {
	echo 3 > /proc/sys/vm/drop_caches
	sha256sum < "$own" | cut -d ' ' -f 1
}

# written TEXT MIB: the sum of the lab's disk once a guest has written so.
written() {
	{
		dd if="$images/disk" bs=1M count="$2" 2> /dev/null
		yes "$1" | head -c 1048576
		dd if="$images/disk" bs=1M skip="$(($2 + 1))" 2> /dev/null
	} | sha256sum | cut -d ' ' -f 1
}

physical=$(ported_device "$nvme_id")
bind "$physical" nvme
# Its driver would take them, which can do nothing yet.
echo 0 > "$physical/sriov_drivers_autoprobe"
echo 2 > "$physical/sriov_numvfs" || die "no virtual functions can be had"
first=/sys/bus/pci/devices/$(basename "$(readlink "$physical/virtfn0")")
second=/sys/bus/pci/devices/$(basename "$(readlink "$physical/virtfn1")")
give "$first" "$second"

# That driver leaves the functions on when it goes.
bind "$physical" none
told=
said "physical function: its physical function ${physical##*/} has no driver" doctor "${first##*/}" &&
	bind "$physical" nvme && said "refused: 2 virtual functions of it are on" bind --force "${physical##*/}" &&
	said "VF of +${physical##*/} \(nvme\)" devices "${first##*/}" &&
	said "^${second##*/} +1b36:0010 +vfio-pci +[0-9]+ +${physical#*:} +ready" devices && told=yes
check vf-tools "it said $(tail -n 1 "$work/said")" [ "$told" = yes ]

bind "$physical" nvme
controller=$(basename "$physical"/nvme/nvme*)
own=/dev/${controller}n1
wait_for 10 [ -b "$own" ] || die "the physical function has no disk"
for number in 1 2; do
	labtool nvme-function "/dev/$controller" $number 3 $((number + 1)) ||
		die "virtual function $number cannot be turned on"
done

# A disk that has several controllers is a disk of none of them, unless the kernel is told.
kernel_options="$kernel_options nvme_core.multipath=0 nvme_core.io_timeout=5"
flavour=$small_flavour
ram=128M
guest_start "nvme_sum,ask" --vfio "$first" --on-reboot reset
guest_other
guest_start "nvme_write:other:62,ask" --vfio "$second"
guest_other
before=$(own_sum)
guest_see 1 '^LAB: ask'
sum=$(value nvme-sum)
check vf-read "the guest read $sum, not $LAB_DISK_SHA256" [ "$sum" = "$LAB_DISK_SHA256" ]
guest_do nvme_write:ferry:60

# The second guest reads while the first resets its function.
guest_other
guest_begin nvme_sum
guest_other
guest_do flr:5
check vf-reset "'$(value flr)' resets, then '$(value nvme-write)'" expr "$(value flr) $(value nvme-write)" : '5 .'

guest_begin reboot
guest_other
guest_begin poweroff
guest_wait
sum=$(value nvme-sum)
want=$(written other 62)
check vf-two-guests "the second guest read $sum, not $want; $(why)" [ "$sum $status" = "$want 0" ]

guest_other
want=$(written ferry 60)
guest_see $((asked + 1)) '^LAB: ask'
sum=$(value nvme-sum)
check vf-reboot "after its reboot the guest read $sum, not $want" [ "$sum" = "$want" ]

guest_do io
(echo 0 > "$physical/sriov_numvfs"; now > "$work/gone") &
start=$(now)
wait_for 10 [ -s "$work/gone" ]
took=$(($(cat "$work/gone" 2> /dev/null || echo 99999) - start))
left=$(ls -d "$physical"/virtfn* 2> /dev/null)
check vf-taken-away "it took $took hundredths of a second, left are '$left'" expr "$((took <= 1000))$left" : '1$'

guest_do "io_end:120"
guest_poweroff
check vf-guest-goes-on "its reads ended by '$(value io-end)'; $(why)" expr "$status $(value io-end)" : '0 .*error'

after=$(own_sum)
bind "$physical" none
check vf-physical "the host read $before, then $after" [ "$before $after" = "$LAB_DISK_SHA256 $LAB_DISK_SHA256" ]
