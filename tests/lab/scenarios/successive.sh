# SPDX-License-Identifier: BSD-3-Clause
# scenarios: reset-by-acpi reset-by-keyboard-controller reset-by-cf9 reset-by-psci triple-fault next-guest
# scenarios: timers-after-resets kernel-cloud
# not-on-x86_64: reset-by-psci: PSCI is Arm's
# not-on-aarch64: reset-by-acpi reset-by-keyboard-controller reset-by-cf9: a guest resets itself by PSCI alone
# not-on-aarch64: triple-fault: no fault of a guest's ends an arm64 processor
# also-on: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 80
# deadline: 480
# One device through guest after guest: a guest that resets itself in each way there is, under
# --on-reboot reset, then one that crashes, then a new monitor. Their kernel is of the smaller flavour.

flavour=$small_flavour
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
resets=0
for row in "reset-by-acpi acpi" "reset-by-keyboard-controller kbd" "reset-by-cf9 pci" "reset-by-psci "; do
	applies "${row% *}" || continue
	resets=$((resets + 1))
	after_reset "${row% *}" "${row#* }" $resets
done
# A guest whose processor met a triple fault beside its reset once had timers that were late by minutes.
guest_send "count:1"
guest_see 1 '^LAB: count to'
check timers-after-resets "a second lasted from $(value "count from") to $(value "count to")" \
	[ $(($(value "count to") - $(value "count from"))) -lt 20 ]
if applies triple-fault; then
	guest_send "reboot_by:triple"
	guest_wait
	check triple-fault "status $status, not 3: $(first_error)" [ "$status" -eq 3 ]
else
	guest_poweroff
fi

guest "nvme_file" --vfio "$disk"
check kernel-cloud "the kernel is $(guest_kernel); $(why)" \
	[ "$(basename "$(guest_kernel)") $status $(same_sums)" = "vmlinuz-cloud 0 yes" ]
check next-guest "it read '$(value nvme-file)' off the disk; $(why)" \
	[ "$(value nvme-file) $status" = "$file 0" ]
