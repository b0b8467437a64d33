# SPDX-License-Identifier: BSD-3-Clause
# scenarios: power-button
# seconds: 10
# The power button, which a person presses by Ctrl-A p on the guest's terminal: by ACPI on x86_64, by a
# general-purpose line on aarch64.

[ "$monitor" = ferry ] || {
	skip power-button "QEMU has other keys"
	exit 0
}
run_as="labtool on-terminal"
initrd=$images/initrd-more
guest_start "button"
guest_see 1 '^LAB: button ready'
printf '\001p' >&7
guest_wait
# EV_KEY, KEY_POWER, down.
check power-button "it is '$(value button)'; $(why)" [ "$(value button) $status" = "1 116 1 0" ]
