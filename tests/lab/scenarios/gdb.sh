# SPDX-License-Identifier: BSD-3-Clause
# scenarios: gdb-step gdb-hardware gdb-next gdb-watch gdb-break gdb-finish gdb-hits gdb-watch-late gdb-detach
# seconds: 15
# host-machine: newer
# symbols: cloud
# A guest that waits for gdb from its start on, with its kernel where it was linked to be: steps,
# breakpoints and watchpoints of both kinds, then the guest goes on alone. Under a host whose KVM has no
# breakpoints (see docs/lab.md) there is less to try.

. /share/l1/gdb.sh
disk=$(device "$nvme_id")
give "$disk"
kernel_options="$kernel_options nokaslr $gdb_kernel_options"

commands=/tmp/lab/gdb-commands
cat > $commands <<'END'
symbols
connect
echo steps:\n
info registers pc
stepi
info registers pc
stepi
info registers pc
stepi
info registers pc
stepi
info registers pc
END

hardware=
if gdb_able gdb-hardware hardware-breakpoint; then
	hardware=yes
	cat >> $commands <<'END'
echo hardware:\n
hbreak init/main.c:start_kernel
continue
backtrace
END
fi
software=
if gdb_able gdb-break hardware-breakpoint breakpoint; then
	software=yes
	cat >> $commands <<'END'
echo next:\n
next
next
step
info symbol $pc
print $sp != 0
up
END
fi
watch=
if gdb_able gdb-watch hardware-breakpoint watchpoint; then
	watch=yes
	cat >> $commands <<'END'
echo watch:\n
print early_boot_irqs_disabled
watch early_boot_irqs_disabled
continue
continue
backtrace
END
fi
# gdb awaits the end of a function on the vCPU where it began. A task that sleeps goes on on any other, now and
# then, so the function is one that holds a spinning lock: it reads the number of MSI-X vectors (less one).
[ -z "$software" ] || cat >> $commands <<'END'
echo break:\n
delete
break drivers/pci/msi/msi.c:pci_alloc_irq_vectors_affinity
continue
backtrace
print/x dev->vendor
print/x dev->device
print dev->driver->name
up 2
info locals
down 2
echo finish:\n
set $dev = dev
delete
break pci_read_config_word if dev == $dev
continue
set $val = val
delete
finish
print/x *$val
echo hits:\n
delete
break finish_task_switch
ignore $bpnum 99
continue
info breakpoints
delete
END
# The store that is watched is stepped over, on arm64: interrupts, which are always due on a host so slow,
# must not get between.
late=
if [ "$monitor" != ferry ]; then
	skip gdb-watch-late "QEMU lets interrupts into a step"
elif gdb_able gdb-watch-late hardware-breakpoint breakpoint watchpoint; then
	late=yes
	cat >> $commands <<'END'
echo late:\n
print system_state
watch system_state
continue
backtrace
delete
END
fi
printf '%s\n' 'echo detach:\n' detach >> $commands

cpus=2
guest_start "info,nvme_file" --vfio "$disk" $gdb_options --paused
gdb_session start < $commands
guest_wait

distinct=$(gdb_part steps | awk '/^(pc|rip) / { print $2 }' | sort -u | wc -l)
check gdb-step "five stops at $distinct places" [ "$distinct" -eq 5 ]
[ -z "$hardware" ] || gdb_check gdb-hardware hardware ' hit Breakpoint 1, start_kernel \(\) at init/main.c' \
	'^#0 .*start_kernel \(\)' '^#1 .* in (__primary_switched|secondary_startup_64) '
if [ -n "$software" ]; then
	gdb_check gdb-next next '^set_task_stack_end_magic \(tsk=0x[0-9a-f]* <init_task>\)' \
		'^set_task_stack_end_magic.* in section .text$' ' = 1$' '^#1 .*start_kernel \(\)'
	gdb_check gdb-break break ' hit Breakpoint [0-9]*, pci_alloc_irq_vectors_affinity \(dev=' \
		'^#0 ' '^#[12] .*nvme_pci_enable ' '^#.*nvme_reset_work ' '^#.* process_one_work ' \
		'^#.* worker_thread ' '^#.* kthread ' '^#.* ret_from_fork' \
		'= 0x1b36$' '= 0x10$' '"nvme"$' '^#2 .*nvme_pci_enable ' '^result = ' '^pdev = 0x'
	gdb_check gdb-finish finish ' hit Breakpoint [0-9.]*, pci_read_config_word \(dev=' \
		'^(0x[0-9a-f]* in )?(pci_msix_vec_count|__pci_enable_msix_range) \(.* at drivers/pci/msi/msi.c' \
		'^Value returned is .* = 0$' '= 0x40$'
	# Each of the hundred was stepped over with the other processor held.
	gdb_check gdb-hits hits ' hit Breakpoint [0-9]*, finish_task_switch \(prev=' 'already hit 100 times'
else
	for name in gdb-next gdb-finish gdb-hits; do
		gdb_able $name hardware-breakpoint breakpoint
	done
fi
[ -z "$watch" ] || gdb_check gdb-watch watch ' = false$' ' hit Hardware watchpoint .*: early_boot_irqs_disabled' \
	'^Old value = false' '^New value = true' '^Old value = true' '^New value = false' '^#0 .*start_kernel '
[ -z "$late" ] || gdb_check gdb-watch-late late ' = SYSTEM_SCHEDULING$' ' hit Hardware watchpoint .*: system_state' \
	'^Old value = SYSTEM_SCHEDULING' '^New value = SYSTEM_FREEING_INITMEM' '^#0 .*kernel_init ' '^#1 .* ret_from_fork'
if gdb_has detach 'detached'; then
	check gdb-detach "$(why)" [ "$status $(same_sums)" = "0 yes" ]
else
	fail gdb-detach "$(gdb_why detach)"
fi
