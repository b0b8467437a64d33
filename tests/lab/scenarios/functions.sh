# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vf-tools vf-read vf-reset vf-reboot vf-two-guests vf-taken-away vf-guests-go-on vf-physical
# not-on: aarch64: no host there has virtual functions
# host-machine: newer
# host-devices: functions
# deadline: 480
# seconds: 60
# Virtual functions of a disk (SR-IOV), each with queues and a namespace that the physical one gave it: handed
# to guests while that one serves the host, reset, and taken away under I/O.

[ "$monitor" = ferry ] || {
	for name in $names; do skip "$name" "QEMU waits for the guest to let go"; done
	exit 0
}

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

physical=$(ported_device "$nvme_id")
bind "$physical" nvme
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
own=$(pci-disk "$physical") || die "the physical function has no disk"
for number in 1 2; do
	labtool nvme-function "${own%n*}" $number 3 $((number + 1)) || die "virtual function $number is not to be had"
done

guest_start "nvme_sum,nvme_write:ferry:60,flr:10,ask" --vfio "$first"
before=$(own_sum)
guest_see 1 '^LAB: ask'
sum=$(value nvme-sum)
check vf-read "the guest read $sum, not $LAB_DISK_SHA256" [ "$sum" = "$LAB_DISK_SHA256" ]
check vf-reset "$(value flr) resets: $(value failed)" [ "$(value flr)" = 10 ]

# What it wrote is there after all resets and a reboot.
guest_send reboot
guest_see 2 '^LAB: ask'
sum=$(value nvme-sum)
want=$({
	head -c $((60 << 20)) "$images/disk"
	yes ferry | head -c 1048576
	tail -c +$(((61 << 20) + 1)) "$images/disk"
} | sha256sum | cut -d ' ' -f 1)
check vf-reboot "the guest read $sum, not $want; $(value flr) resets" [ "$sum $(value flr)" = "$want 10" ]

first_guest=$guest_pid first_watcher=$guest_watcher first_console=$console first_errors=$errors
exec 6>&7
kernel_options="console=$console_name quiet nvme_core.io_timeout=3 nvme_core.admin_timeout=3"
guest_start "nvme_sum,io,ask" --vfio "$second"
guest_see 1 '^LAB: ask'
sum=$(value nvme-sum)
check vf-two-guests "the second guest read $sum, not $LAB_DISK_SHA256" [ "$sum" = "$LAB_DISK_SHA256" ]

(echo 0 > "$physical/sriov_numvfs"; now > "$work/gone") &
start=$(now)
wait_for 10 [ -s "$work/gone" ]
took=$(($(cat "$work/gone" 2> /dev/null || echo 99999) - start))
left=$(ls -d "$physical"/virtfn* 2> /dev/null)
check vf-taken-away "it took $took hundredths of a second, left are '$left'" expr "$((took <= 1000))$left" : '1$'

guest_do "io_end:60"
guest_poweroff
ended="$status $(value io-end)"
guest_pid=$first_guest guest_watcher=$first_watcher console=$first_console errors=$first_errors
exec 7>&6 6>&-
guest_poweroff
check vf-guests-go-on "the second's reads ended by '$ended'; the first: $(why)" expr "$status $ended" : '0 0 .*error'

after=$(own_sum)
bind "$physical" none
check vf-physical "the host read $before, then $after" [ "$before $after" = "$LAB_DISK_SHA256 $LAB_DISK_SHA256" ]
