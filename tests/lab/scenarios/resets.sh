# SPDX-License-Identifier: BSD-3-Clause
# scenarios: flr-under-io driver-reloads
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 60
# deadline: 400
# The guest resets a function that is at work (FLR), ten times; and it loads the driver so often that the
# vectors of an x86_64 guest or host would run out if any were left behind.

disk=$(device "$nvme_id")
give "$disk"
guest_deadline=$((300 * LAB_SLOW))
guest_start "ask" --vfio "$disk"
guest_do "nvme_reads:4"
vectors=$(grep -c "vfio-msix.*${disk##*/}" /proc/interrupts)
guest_do "flr:10"
check flr-under-io "$(value flr); $(first_error)" [ "$(value flr)" = 10 ]

guest_do "reloads:$lab_reloads"
left=$(grep -c "vfio-msix.*${disk##*/}" /proc/interrupts)
guest_poweroff
check driver-reloads "$(value reloads), vectors on the host: $vectors before, $left after; $(why)" \
	expr "$((left > 0 && left <= vectors + 1)) $status $(value reloads)" : "1 0 $lab_reloads MSI-X"
