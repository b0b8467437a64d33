# SPDX-License-Identifier: BSD-3-Clause
# scenarios: reset-by-acpi reset-by-keyboard-controller reset-by-cf9 triple-fault next-guest
# seconds: 80
# deadline: 300
# One device through guest after guest: a guest that resets itself in each way there is, under
# --on-reboot reset, then one that crashes, then a new monitor.

flavour=cloud
disk=$(device "$nvme_id")
give "$disk"
guest_deadline=$((200 * LAB_SLOW))

# after_reset NAME TYPE N: the Nth guest resets itself; the next one reads the same disk.
after_reset() {
	guest_send "reboot_by:$2"
	guest_see $(($3 + 1)) '^LAB: ask'
	check "$1" "the next guest read '$(value nvme-file)' off the disk" \
		[ "$(grep -c "^LAB: nvme-file $file" "$console")" -eq $(($3 + 1)) ]
}

guest_start "nvme_file,ask" --vfio "$disk" --on-reboot reset
guest_see 1 '^LAB: ask'
[ "$(same_sums)" = yes ] || die "the first guest read '$(value nvme-file)' off the disk"
file=$(value nvme-file)
after_reset reset-by-acpi acpi 1
after_reset reset-by-keyboard-controller kbd 2
after_reset reset-by-cf9 pci 3
guest_send "reboot_by:triple"
guest_wait
check triple-fault "status $status, not 3: $(first_error)" [ "$status" -eq 3 ]

guest "nvme_file" --vfio "$disk"
check next-guest "it read '$(value nvme-file)' off the disk; $(why)" \
	[ "$(value nvme-file) $status" = "$file 0" ]
