# SPDX-License-Identifier: BSD-3-Clause
# scenarios: no-kvmclock pm-timer-clock
# tier: all
# not-on: aarch64: its clock is the architecture's own timer, whose frequency nothing has to measure
# seconds: 60
# host-memory: 3072
# host-clock: icount
# deadline: 900
# A guest without KVM's clock: Linux measures the TSC against the PM timer. It takes a read for
# disturbed that lasts 131,072 cycles, which a trapped one does on a software host unless time there is
# counted in instructions, as this one's is. Then the PM timer serves as the guest's clock, and three
# seconds by it are three of the host's.

disk=$(device "$nvme_id")
give "$disk"
guest_deadline=800
kernel_options="console=$console_name loglevel=7 no-kvmclock"
guest_start "info,nvme_file,clock:acpi_pm,count:3" --vfio "$disk"
guest_see 1 '^LAB: count from'
start=$(now)
guest_see 1 '^LAB: count to'
took=$(($(now) - start))
guest_wait
check no-kvmclock "$(same_sums), TSC measured by: $(grep -o 'tsc: using.*' "$console"); $(why)" \
	[ "$status $(same_sums) $(grep -c 'using PMTIMER reference calibration' "$console")" = "0 yes 1" ]
check pm-timer-clock "clock $(value clock), 3 s took $took hundredths; $(why)" \
	[ "$(value clock) $((took > 250 && took < 400))" = "acpi_pm 1" ]
