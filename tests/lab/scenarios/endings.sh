# SPDX-License-Identifier: BSD-3-Clause
# scenarios: panic panic-device reboot-exit power-off
# not-on-x86_64: panic-device: panic shows it with the kernel's driver
# not-on-aarch64: panic: Debian's kernel has no driver for the panic device, see panic-device
# seconds: 25
# How a run ends: status 3 after the guest's panic, 0 after a reboot under --on-reboot exit, 0 after
# a power-off; without a device too.

flavour=$small_flavour
name=panic
applies panic || name=panic-device
guest "panic"
check $name "status $status, not 3: $(first_error)" [ "$status" -eq 3 ]

flavour=generic # which is the one that has EFI: it restarts by way of the BIOS where there is none
guest "reboot" --on-reboot exit
check reboot-exit "$(why)" [ "$status $(tr -d '\r' < "$console" | grep -c '^LAB: init')" = "0 1" ]

flavour=$small_flavour
guest "poweroff"
check power-off "$(why)" [ "$status" -eq 0 ]
