# SPDX-License-Identifier: BSD-3-Clause
# scenarios: flr-under-io driver-reloads
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 25
# deadline: 400
# The guest resets a function that is at work (FLR), ten times; and it loads the driver time and again, of which
# nothing is left behind: no vectors on the host, no descriptors of the monitor's, of which each vector has some.

disk=$(device "$nvme_id")
give "$disk"
guest_deadline=$((300 * LAB_SLOW))
guest_start "ask" --vfio "$disk"
guest_do "nvme_reads:4"
guest_do "flr:10"
check flr-under-io "$(value flr); $(first_error)" [ "$(value flr)" = 10 ]

# held: vectors of the disk on the host, those that the host's kernel has for it, descriptors.
held() {
	echo "$(grep -c "vfio-msix.*${disk##*/}" /proc/interrupts) $(find "$disk/msi_irqs" -type f | wc -l)" \
		"$(find "/proc/$guest_pid/fd" -type l | wc -l)"
}

# The first may take what is kept for later.
guest_do "reloads:1"
before=$(held)
reloads=$(often 10 40)
guest_do "reloads:$reloads"
after=$(held)
guest_poweroff
check driver-reloads "$(value reloads), host's vectors in use, all, descriptors: $before, then $after; $(why)" \
	expr "$((${after%% *} > 0)) $status $(value reloads) $after" : "1 0 $reloads MSI-X [1-9][0-9]* $before\$"
