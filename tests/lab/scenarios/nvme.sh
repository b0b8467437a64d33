# SPDX-License-Identifier: BSD-3-Clause
# scenarios: nvme-sha256 nvme-write nvme-reads
# new-on: 7.3-16k: the host's pages are of 16 KiB
# new-on-x86_64: 7.3-iommufd: the newest KVM and VFIO that Debian has
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 45
# An NVMe disk (MSI-X, DMA both ways): what the guest reads, what it writes, what reading costs.

disk=$(device "$nvme_id")
give "$disk"
guest_start "info,nvme_sum,nvme_write:ferry:60,ask" --vfio "$disk"
guest_see 1 '^LAB: ask'
sum=$(value nvme-sum)
check nvme-sha256 "the guest read $sum, not $LAB_DISK_SHA256" [ "$sum" = "$LAB_DISK_SHA256" ]

# The doorbells are at 4 KiB of the BAR, QEMU's MSI-X table at 8 KiB. In one page of the host's they
# are both trapped, and a read rings one or two doorbells: one hands it over, one takes its
# completion. The disk has shadow doorbells (NVMe 1.3 7.13): a completion is rung for only while the
# disk's own index, which the bell moves, is not behind. Once it is, by chance of time, it stays so.
page=$(awk '/^KernelPageSize:/ { print $2; exit }' /proc/self/smaps)
fewest=0
most=0
times=$(often 1000 4000)
if [ $((4 / page)) -eq $((8 / page)) ]; then
	fewest=$times
	most=$((2 * times))
fi

# Talking on the console costs exits too, so the same talk is had twice, the first time with no
# reads in it; the clock goes on ticking for as long in both.
count() {
	local before=$1 after
	sleep 1
	after=$(monitor_exits)
	echo $((after - before))
}
within() {
	[ "$2" -ge "$1" ] && [ "$2" -le "$3" ]
}
sleep 1
start=$(monitor_exits)
[ -n "$start" ] || die "KVM does not tell how many exits reached the monitor"
guest_send "nvme_reads:0000"
guest_see 2 '^LAB: ask'
talk=$(count "$start")
start=$(monitor_exits)
guest_send "nvme_reads:$times"
guest_see 3 '^LAB: ask'
reads=$(($(count "$start") - talk))
echo "exits to the monitor: $talk for the talk alone, $reads more for $times reads"
if grep -q '^LAB: failed nvme_reads' "$console"; then
	fail nvme-reads "the guest could not read"
else
	check nvme-reads \
		"$reads exits to the monitor, $fewest to $most of doorbells and 40 others allowed" \
		within $((fewest - 40)) "$reads" $((most + 40))
fi

guest_send poweroff
guest_wait
written=$(value nvme-write)
bind "$disk" nvme
wait_for 60 [ -b /dev/nvme0n1 ]
found=$(dd if=/dev/nvme0n1 bs=1M skip=60 count=1 | sha256sum | cut -d ' ' -f 1)
bind "$disk" none
check nvme-write "the guest wrote $written, the disk holds $found; $(why)" \
	[ "$written $status" = "$found 0" ]
