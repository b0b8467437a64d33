# SPDX-License-Identifier: BSD-3-Clause
# scenarios: rng-read rng-restarts rng-off console-hvc monitor-virtio
# also-on: 6.12 7.3
# seconds: 40
# Devices of ferry's own that the main loop serves: random bytes, again after a reboot, and none where none are
# wanted; a console on a pseudo-terminal, text both ways; what the monitor tells of both.

only_ferry "QEMU's devices are QEMU's"
usual=$flavour
. /share/l1/gdb.sh
flavour=$usual
initrd=$images/initrd-more

guest_start "info,rng,ask" --console pty $gdb_options
guest_see 1 '^LAB: ask'
check rng-read "the guest said '$(value rng)'; $(first_error)" [ "$(value rng)" = "virtio_rng 65536 2" ]
guest_send reboot
guest_see 2 '^LAB: ask'
check rng-restarts "the guest said '$(tr -d '\r' < "$console" | grep '^LAB: rng')'; $(first_error)" \
	[ "$(tr -d '\r' < "$console" | grep -c '^LAB: rng virtio_rng 65536 2$')" -eq 2 ]

# What waits for a reader is there for who opens it, and what is typed before it is read arrives.
terminal=$(sed -n 's/^ferry: the console is at //p' "$errors")
guest_send "hvc:over"
timeout 60 sh -c 'head -n 1 < "$0"; echo under > "$0"' "$terminal" > "$work/said"
guest_see 3 '^LAB: ask'
check console-hvc "at '$terminal' it said '$(cat "$work/said")' and heard '$(value hvc)'; $(first_error)" \
	[ "$(tr -d '\r' < "$work/said") $(value hvc)" = "over under" ]

gdb_session look <<'END'
connect
echo virtio:\n
monitor virtio
echo end:\n
detach
END
gdb_check monitor-virtio virtio '^00:01.0  1af4:1043  console$' 'status    0x0f, .*driver ready$' 'MSI-X     3 vectors' \
	'queue 0 .* of 64 entries, descriptors 0x' 'queue 1 .* of 64 entries, descriptors 0x' '(takes at|offered [1-9]).*, interrupts [1-9]' \
	'^00:02.0  1af4:1044  rng$' 'driver ready$' 'queue 0 .* of 64 entries' '(takes at|offered [1-9]).*, interrupts [1-9]'
guest_poweroff

guest "info" --rng off
cards=$(tr -d '\r' < "$console" | grep '^LAB: pci ')
check rng-off "the guest has $cards; $(why)" \
	[ "$status $((${#cards} > 0)) $(echo "$cards" | grep -c 0x1af4:0x1044)" = "0 1 0" ]
