# SPDX-License-Identifier: BSD-3-Clause
# scenarios: kernel-cloud kernel-elf no-kvmclock
# seconds: 70
# The other flavour of kernel, the other kind of file, and a guest without KVM's clock.

disk=$(device "$nvme_id")
give "$disk"

flavour=cloud
guest "info,nvme_file" --vfio "$disk"
check kernel-cloud "$(why)" [ "$status $(same_sums)" = "0 yes" ]
flavour=generic

kernel=$images/vmlinux-generic
guest "info,nvme_file" --vfio "$disk"
check kernel-elf "$(why)" [ "$status $(same_sums)" = "0 yes" ]
kernel=

# Without KVM's clock Linux measures the TSC by three reads of the PM timer within 47 microseconds,
# which no trapped read under a software host can be (but see pm-timer-calibrates); so it is told the
# frequency. Then the PM timer serves as the guest's clock, and three seconds by it are three of the
# host's.
khz=$(dmesg | sed -n 's/.*tsc: Detected \([0-9]*\)\.\([0-9]*\) MHz.*/\1\2/p' | head -n 1)
kernel_options="$kernel_options no-kvmclock tsc_early_khz=$khz"
guest_start "info,nvme_file,clock:acpi_pm,count:3" --vfio "$disk"
guest_see 1 '^LAB: count from'
start=$(now)
guest_see 1 '^LAB: count to'
took=$(($(now) - start))
guest_wait
check no-kvmclock "$(same_sums), clock $(value clock), 3 s took $took hundredths; $(why)" \
	[ "$status $(same_sums) $(value clock) $((took > 250 && took < 400))" = "0 yes acpi_pm 1" ]
