# SPDX-License-Identifier: BSD-3-Clause
# scenarios: power-button wake-by-button wake-by-key
# not-on-x86_64: wake-by-button: Linux has the event device's interrupt off while it sleeps
# seconds: 10
# The power button, which a person presses by Ctrl-A p on the guest's terminal: by ACPI on x86_64, by a
# general-purpose line on aarch64.

[ "$monitor" = ferry ] || {
	for scenario in power-button wake-by-button wake-by-key; do
		skip "$scenario" "QEMU has other keys"
	done
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

# What is pressed before the guest sleeps wakes nobody, so it is pressed until it is awake.
wake() { # SCENARIO STEP KEYS
	guest_start "$2"
	guest_see 1 '^LAB: sleeping'
	until wait_for 2 guest_seen 1 '^LAB: woken'; do
		# shellcheck disable=SC2059 # the keys' bytes are written as escapes
		printf "$3" >&7
	done
	guest_wait
	check "$1" "it woke with '$(value woken)'; $(why)" [ "$(value woken) $status" = "up 0" ]
}
[ "$(uname -m)" = x86_64 ] || wake wake-by-button sleep '\001p'
wake wake-by-key sleep:key 'x'
