# SPDX-License-Identifier: BSD-3-Clause
# scenarios: trace-log trace-intx mmap-off rom-own rom-file rom-off
# tier: all
# seconds: 35
# deadline: 400
# What a user may choose for a device: a log of all that the guest does with it, BARs that are trapped,
# another option ROM or none.

disk=$(device "$nvme_id")
nic=$(device "$e1000_id")
card=$(device "$e1000e_id")
give "$disk" "$nic" "$card"

# told FILE LINES...: each is in the file.
told() {
	local file=$1 line
	shift
	for line in "$@"; do
		grep -q "$line" "$file" || { echo "no '$line' in $file"; return 1; }
	done
}

guest "nvme_file,net:e1000" --vfio "$disk,trace=$work/disk.trace" --vfio "$nic,trace=$work/nic.trace"
head -n 200 "$work/disk.trace"
check trace-log "$(wc -l < "$work/disk.trace") lines; $(same_sums); $(why)" \
	[ "$status $(same_sums) $(told "$work/disk.trace" 'Vendor ID, Device ID  (vCPU 0[ )]' \
		'write 0x0004.* Command: memory master' 'NVMe CC: enable' 'NVMe CSTS: ready' \
		'write.* MSI-X Message Control: enable' 'MSI-X vector 0 control: unmasked' \
		'irq     MSI-X vector 0' 'device  given back' > "$work/missing" && echo told)" = "0 yes told" ]
fetched=$(value "net e1000")
check trace-intx "it fetched '$fetched'; $(why)" \
	expr "$status $(told "$work/nic.trace" 'irq     INTx raised' 'irq     INTx end of interrupt' && echo told) \
$fetched" : "0 told $LAB_TFTP_SHA256 "

# Trapped doorbells: each read from the disk costs two exits.
flavour=$small_flavour
guest_start "rom:8086:100e,nvme_file,ask" --vfio "$disk,mmap=off" --vfio "$nic,rom=off"
guest_do "nvme_reads:500"
before=$(monitor_exits)
[ -n "$before" ] || die "KVM does not tell how many exits reached the monitor"
guest_do "nvme_reads:2000"
exits=$(($(monitor_exits) - before))
guest_poweroff
check mmap-off "$exits exits; $(same_sums), $(why)" [ "$((exits > 4000)) $(same_sums) $status" = "1 yes 0" ]
check rom-off "it is '$(value rom)'; $(why)" [ "$status $(value rom)" = "0 none" ]

echo 1 > "$nic/enable"
echo 1 > "$nic/rom"
own=$(sha256sum < "$nic/rom" | cut -d ' ' -f 1)
echo 0 > "$nic/rom"
echo 0 > "$nic/enable"
# A header that points to its data at 0x1c (PCI Firmware 3.0 5.1): 0x18 bytes of data that say it has
# 80 blocks of 512 bytes and is the last image.
{
	printf '\125\252\120'
	head -c 21 /dev/zero
	printf '\034\000\000\000PCIR'
	head -c 6 /dev/zero
	printf '\030\000\000\000\000\000\120\000\000\000\000\200\000\000'
	yes "an option ROM" | head -c 40960
} | head -c 40960 > "$work/rom"
sum=$(sha256sum < "$work/rom" | cut -d ' ' -f 1)
guest "rom:8086:10d3,rom:8086:100e" --vfio "$nic" --vfio "$card,rom=$work/rom"
check rom-own "it is '$(value rom)', the host reads $own; $(why)" \
	expr "$status $(value rom)" : "0 [0-9]* 55aa $own"
found=$(tr -d '\r' < "$console" | sed -n 's/^LAB: rom //p' | head -n 1)
check rom-file "it is '$found', not of $sum; $(why)" [ "$status $found" = "0 40960 55aa $sum" ]
