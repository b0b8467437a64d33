# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/slots.sh
# scenarios: unbind-refused unbind-forced unbind-forced-guest unbind-forced-driver unbind-asked unbind-unheard
# tier-aarch64: all
# also-on: 6.12 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 60
# deadline: 480
# `ferry unbind` of a device that a guest has: refused, and forced: from the root bus at once, behind a port as the
# guest lets it go, or does not. It never hangs, and the host's own driver has the device.

# shellcheck source=tests/lab/l1/slots.sh
. /share/l1/slots.sh
only_ferry "QEMU waits for the guest to let go"

disk=$(device "$nvme_id")
card=$(device "$e1000e_id")
restore_disk
bind "$disk" nvme
give "$card"
ferry bind "${disk##*/}"
usual_options=$kernel_options
kernel_options="$usual_options nvme_core.io_timeout=3 nvme_core.admin_timeout=3"

# unbind_by_force: how long that took is in $took, in hundredths of a second, its status and the driver in $ended.
unbind_by_force() {
	local start
	rm -f "$work/unbound"
	start=$(now)
	(ferry unbind --force "${disk##*/}" > "$work/said" 2>&1; echo $? > "$work/unbound") &
	wait_for 60 [ -s "$work/unbound" ]
	took=$(($(now) - start))
	ended="$(cat "$work/unbound" 2> /dev/null || echo hangs) $(driver_of "$disk")"
	cat "$work/said"
}

guest_start "io,ask" --vfio "$disk" --vfio "$card"
guest_see 1 '^LAB: ask'
ferry unbind "${disk##*/}" > "$work/said" 2>&1
refused=$?
check unbind-refused "status $refused, $(driver_of "$disk"): $(cat "$work/said")" \
	expr "$refused $(driver_of "$disk") $(cat "$work/said")" : "1 vfio-pci .*process $guest_pid .*--force"

unbind_by_force
check unbind-forced "it took $took hundredths of a second, and ended by '$ended': $(cat "$work/said")" \
	[ "$((took < 1500)) $ended" = "1 0 nvme" ]
guest_do "io_end:60"
guest_do "net:e1000e"
guest_poweroff
fetched=$(value "net e1000e")
check unbind-forced-guest "its reads ended by '$(value io-end)', it fetched '$fetched'; $(why)" \
	expr "$status $(value io-end)$fetched" : "0 .*error.*$LAB_TFTP_SHA256 "
check unbind-forced-driver "the host reads something else" host_reads "$disk"

# The guest's kernel lets it go.
bind "$disk" nvme
ferry bind "${disk##*/}"
guest_start "slots,ask" --hotplug 1 $slots_options
guest_see 1 '^LAB: ask'
put "$disk"
guest_do "bound:1b36.0010"
unbind_by_force
guest_do "gone:1b36.0010"
guest_poweroff
check unbind-asked "it took $took hundredths of a second, and ended by '$ended': $(cat "$work/said"); $(cat "$errors")" \
	[ "$((took < 1500)) $ended $(value gone) $(grep -c 'has not let go' "$errors")" = "1 0 nvme 1b36.0010 0" ]

# It leaves slots alone, and is waited for ten seconds.
ferry bind "${disk##*/}"
kernel_options="$kernel_options pcie_ports=compat"
guest_start "io,ask" --vfio "$disk,port" $slots_options
guest_see 1 '^LAB: ask'
unbind_by_force
guest_do "io_end:60"
guest_poweroff
check unbind-unheard "it took $took hundredths of a second, and ended by '$ended'; its reads by '$(value io-end)'; $(why)" \
	expr "$((took > 900 && took < 2500)) $ended $status $(value io-end)" : "1 0 nvme 0 .*error"
bind "$disk" none
