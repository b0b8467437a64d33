# SPDX-License-Identifier: BSD-3-Clause
# scenarios: flr-under-io driver-reloads
# new-on: 6.12: MSI-X vectors are added and given back one by one
# also-on: 7.3 6.12-iommufd
# seconds: 60
# deadline: 400
# The guest resets a function that is at work (FLR), ten times; and it loads the driver 200 times, for
# which neither the host's vectors nor the guest's run out.

disk=$(device "$nvme_id")
give "$disk"
guest_deadline=$((300 * LAB_SLOW))
guest_start "ask" --vfio "$disk"
guest_do "nvme_reads:4"
vectors=$(grep -c "vfio-msix.*${disk##*/}" /proc/interrupts)
guest_do "flr:10"
check flr-under-io "$(value flr); $(first_error)" [ "$(value flr)" = 10 ]

guest_do "reloads:200"
left=$(grep -c "vfio-msix.*${disk##*/}" /proc/interrupts)
guest_poweroff
check driver-reloads "$(value reloads), vectors on the host: $vectors before, $left after; $(why)" \
	expr "$((left > 0 && left <= vectors + 1)) $status $(value reloads)" : "1 0 200 MSI-X"
