# SPDX-License-Identifier: BSD-3-Clause
# scenarios: disk-reads disk-writes disk-restarts disk-reloads disk-exits disk-intx disk-locked disk-beside
# tier-aarch64: all
# also-on: 6.12 7.3
# seconds: 90
# A disk of ferry's own (virtio) over a file: what the guest reads, what it writes, again after it has begun
# anew and after its driver was taken off, with MSI-X and with INTx, and beside a disk that is handed over.

only_ferry "QEMU's disks are QEMU's"
initrd=$images/initrd-more
image=$work/image
head -c 16777216 "$images/disk" > "$image"

# sum_of FIRST COUNT: of so many mebibytes of the image.
sum_of() {
	dd if="$image" bs=1M skip="$1" count="$2" 2> /dev/null | sha256sum | cut -d ' ' -f 1
}

# told N: what the guest said of the disk for the Nth time.
told() {
	tr -d '\r' < "$console" | sed -n 's/^LAB: disk 1af4.1042 //p' | sed -n "$1p"
}

first=$(sum_of 0 4)
guest_start "info,disk:1af4.1042:4:ferry:4,ask" --disk "$image,serial=lab,discard=on"
guest_see 1 '^LAB: ask'
check disk-reads "the guest said '$(told 1)'; the image has $first" \
	expr "$(told 1)" : "$first [0-9a-f]* MSI-X 2\$"
check disk-writes "the guest said '$(told 1)'; the image has $(sum_of 4 1)" \
	expr "$(told 1)" : "$first $(sum_of 4 1) "

# What a guest has flushed is there for the next.
guest_send "disk:1af4.1042:5:again:6"
guest_see 2 '^LAB: ask'
flushed=$(sum_of 0 7)
guest_send reboot
guest_see 3 '^LAB: ask'
guest_send "disk:1af4.1042:7:ferry:8"
guest_see 4 '^LAB: ask'
check disk-restarts "the guest said '$(told 4)'; the image had $flushed; $(first_error)" \
	expr "$(told 4)" : "$flushed $(sum_of 8 1) MSI-X 2\$"
guest_send "reload:1af4.1042"
guest_see 5 '^LAB: ask'
guest_send "disk:1af4.1042:7:reloaded:9"
guest_see 6 '^LAB: ask'
check disk-reloads "the guest said '$(told 5)'; the image had $flushed; $(first_error)" \
	expr "$(told 5)" : "$flushed $(sum_of 9 1) MSI-X 2\$"

# Talking on the console costs exits, so the same talk is had twice, the first time with no reads in it.
count() { # READS COUNT-OF-ASKS
	local before
	before=$(monitor_exits)
	guest_send "disk_reads:1af4.1042:$1"
	guest_see "$2" '^LAB: ask'
	sleep 1
	echo $(($(monitor_exits) - before))
}
sleep 1
talk=$(count 0000 7)
times=$(often 1000 4000)
reads=$(($(count "$times" 8) - talk))
echo "exits to the monitor: $talk for the talk alone, $reads more for $times reads"
# The talk is counted, so it is some; how much it is varies by a little.
check disk-exits "the guest did '$(value disk-reads)' reads; $reads exits to the monitor for them; 40 allowed" \
	[ "$(value disk-reads) $((talk > 0 && reads >= -40 && reads <= 40))" = "$times 1" ]

# Whoever writes to an image has it alone.
ferry run "$(guest_kernel)" --memory 64M --serial none --disk "$image" > "$work/second" 2>&1
second=$?
check disk-locked "status $second: $(cat "$work/second")" \
	expr "$second $(cat "$work/second")" : "1 .*another monitor has it"
guest_poweroff

kernel_options="$kernel_options pci=nomsi"
guest "disk:1af4.1042:7:intx:10" --disk "$image"
check disk-intx "the guest said '$(told 1)'; the image has $flushed $(sum_of 10 1); $(why)" \
	expr "$status $(told 1)" : "0 $flushed $(sum_of 10 1) INTx\$"
kernel_options=${kernel_options% pci=nomsi}

disk=$(device "$nvme_id")
give "$disk"
cpus=2
guest "nvme_sum,disk:1af4.1042:7:beside:11" --vfio "$disk" --disk "$image,queues=2"
check disk-beside "NVMe $(value nvme-sum), the guest said '$(told 1)'; $(why)" \
	[ "$status $(value nvme-sum) $(told 1)" = "0 $LAB_DISK_SHA256 $flushed $(sum_of 11 1) MSI-X 3" ]
