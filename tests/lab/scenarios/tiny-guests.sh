# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: tiny-debug-exit-status tiny-serial-polled tiny-stopped-unread tiny-serial-interrupt
# scenarios: tiny-descriptors tiny-descriptors-pipe tiny-descriptors-reset tiny-refuse-no-kvm tiny-refuse-no-memory
# scenarios: tiny-panic-unheard tiny-stopped-in-set-up tiny-ignored-hangup tiny-ignored-interrupt
# scenarios: tiny-multiboot tiny-linux-elf tiny-linux-bzimage tiny-pvh tiny-string-io
# scenarios: tiny-unclaimed-accesses tiny-pci-configuration tiny-latched-writes tiny-acpi-tables tiny-pm-timer tiny-processors
# scenarios: tiny-reset-in-place tiny-reset-in-place-smp tiny-walls-of-threads tiny-button-by-signal tiny-term-powers-off
# scenarios: tiny-term-ends-the-deaf tiny-term-twice tiny-power-off tiny-reboot-exit-cf9
# scenarios: tiny-reboot-exit-i8042 tiny-reboot-exit-acpi tiny-panic tiny-triple-fault tiny-not-emulated
# scenarios: tiny-control-stop tiny-control-powerdown tiny-control-reset tiny-control-panic
# scenarios: tiny-control-paused
# scenarios: tiny-memory-not-there tiny-refuse-script tiny-refuse-pipe tiny-refuse-unread-pipe
# scenarios: tiny-refuse-no-kernel tiny-refuse-foreign-option tiny-refuse-bare-size tiny-refuse-second-operand
# scenarios: tiny-refuse-malformed-device tiny-refuse-no-dump-folder tiny-refuse-dump-fdt
# scenarios: tiny-refuse-truncated-elf tiny-refuse-truncated-bzimage tiny-refuse-large-initrd
# scenarios: tiny-refuse-long-cmdline
# not-on: aarch64: the tiny guests are for x86_64
# seconds: 25
# deadline: 600
# guests: tiny
# The guests of a few instructions that tests/kvm runs on this machine's /dev/kvm, on the host's KVM.

deadline=$((20 * LAB_SLOW))
. /share/l1/tiny.sh
tiny_files
tiny_rows
