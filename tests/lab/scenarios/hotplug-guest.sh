# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/slots.sh
# scenarios: hotplug-kept hotplug-kept-reads hotplug-wakes hotplug-wakes-again
# tier: all
# also-on: 6.12-iommufd
# seconds: 30
# deadline: 480
# A guest that keeps a device that is asked for, as whoever asked is told, and goes on with it. Then one whose kernel
# puts an empty slot's port to sleep: a disk that comes wakes it.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "slots are had by other options there"

disk=$(device "$nvme_id")
restore_disk
give "$disk"
usual_options=$kernel_options

# Its kernel leaves the slot to somebody else, who cancels as drivers do: the power indicator blinks, and is on again.
kernel_options="$usual_options pcie_ports=compat"
guest_start "ask" --vfio "$disk,port" $slots_options
guest_see 1 '^LAB: ask'
labtool qmp "unix:$control" "{\"execute\": \"device_del\", \"arguments\": {\"id\": \"${disk##*/}\"}}" \
	DEVICE_UNPLUG_GUEST_ERROR > "$work/qmp" 2>&1 &
asking=$!
usleep 1000000
guest_do "indicator:8086.3420:2"
guest_do "indicator:8086.3420:1"
wait "$asking"
check hotplug-kept "the monitor has it: $(held "$disk" || echo no); $(cat "$work/qmp")" \
	expr "$(held "$disk" && cat "$work/qmp")" : ".*DEVICE_UNPLUG_GUEST_ERROR.*${disk##*/}"
guest_do "nvme_sum"
# It may be asked for again.
take "$disk" --timeout 1
guest_poweroff
check hotplug-kept-reads "the guest read $(value nvme-sum); $(why)" [ "$status $(value nvme-sum)" = "0 $LAB_DISK_SHA256" ]

# Linux does so to no port with slots of its own accord.
kernel_options="$usual_options pcie_port_pm=force"
guest_start "slots,ask" --hotplug 1 $slots_options
guest_see 1 '^LAB: ask'
guest_do "asleep:8086.3420"
slept=$(value asleep)
put "$disk"
guest_do "bound:1b36.0010"
guest_do "nvme_sum"
check hotplug-wakes "the port was '$slept', the guest has '$(value bound)' and read $(value nvme-sum); $(first_error)" \
	[ "$slept $(value nvme-sum)" = "8086.3420 suspended D3hot  $LAB_DISK_SHA256" ]
take "$disk"
guest_do "gone:1b36.0010"
guest_do "asleep:8086.3420"
put "$disk"
guest_do "bound:1b36.0010"
guest_do "nvme_file"
guest_poweroff
check hotplug-wakes-again "it was '$(value asleep)', the sums agree: $(same_sums); $(why)" \
	[ "$status $(value asleep) $(same_sums)" = "0 8086.3420 suspended D3hot  yes" ]
