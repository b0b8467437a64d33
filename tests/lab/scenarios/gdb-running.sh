# SPDX-License-Identifier: BSD-3-Clause
# scenarios: gdb-kaslr gdb-device gdb-monitor gdb-threads gdb-interrupt gdb-reconnect gdb-stops
# tier-aarch64: all
# seconds: 25
# deadline: 480
# symbols: cloud
# gdb comes to a guest that runs already, whose kernel chose its own place: Ctrl-C, a second session, and
# a disk that works on while the guest is stopped a hundred times.

. /share/l1/gdb.sh
disk=$(device "$nvme_id")
give "$disk"
kernel_options="$kernel_options $gdb_kernel_options"
# QEMU's monitor has other commands.
devices="monitor pci"
more="monitor vfio
monitor vfio ${disk##*/}
monitor irq
monitor mem
eval \"monitor translate %p\", &linux_banner
monitor kaslr
monitor exits"
[ "$monitor" = ferry ] || {
	devices="monitor info pci"
	more=
}

# One step of an instruction that repeats itself stays where it is, and counts.
case $(uname -m) in
x86_64) counter="\$rcx" ;;
*) counter=0 ;;
esac

cpus=2
guest_start "info,kernel_place,io,ask" --vfio "$disk" $gdb_options
guest_see 1 '^LAB: ask'
release=$(value kernel)

gdb_start first <<END
symbols-at 0x$(value kernel-place)
connect
echo kaslr:\n
printf "moved %d\n", \$offset != 0
printf "offset 0x%lx\n", \$offset
print linux_banner
print init_uts_ns.name.release
print system_state
echo device:\n
set \$subsystem = (struct nvme_subsystem *)((char *)nvme_subsystems.next - (unsigned long)&((struct nvme_subsystem *)0)->entry)
set \$controller = (struct nvme_ctrl *)((char *)\$subsystem->ctrls.next - (unsigned long)&((struct nvme_ctrl *)0)->subsys_entry)
print/x \$controller->vs
printf "serial %s\n", \$subsystem->serial
print \$controller->state
$devices
echo monitor:\n
$more
echo threads:\n
info threads
set scheduler-locking on
thread 1
set \$other = \$pc
thread 2
set \$own = \$pc
set \$left = $counter
stepi
printf "stepped %d\n", \$own != \$pc || \$left != $counter
thread 1
printf "held %d\n", \$other == \$pc
set scheduler-locking replay
echo interrupt:\n
set \$before = jiffies
echo continuing\n
continue
backtrace 1
printf "later %d\n", jiffies > \$before
echo detach:\n
detach
END
# It does something while gdb waits for it, so it runs.
gdb_see first 1 '^continuing'
guest_do io_end:0
gdb_interrupt first
gdb_wait first
gdb_check gdb-kaslr kaslr '^moved 1$' "Linux version $release " "\"$release\"" ' = SYSTEM_RUNNING$'
gdb_check gdb-device device '= 0x[0-9]*00$' '^serial lab' 'NVME_CTRL_LIVE' '1b36:0010'
if [ "$monitor" = ferry ]; then
	offset=$(gdb_part kaslr | sed -n 's/^offset //p')
	gdb_check gdb-monitor monitor "^${disk##*/} .* alive, MSI-X" '  ids       1b36:0010' 'control 0x8[0-9a-f]*: enabled' \
		'unmasked .* irqfd' 'MSI 0x[0-9a-f]* data 0x.* MSI-X vector [0-9]*, irqfd' ' RAM .* RAM$' \
		"DEVICE mapped .* ${disk##*/} BAR 0" ' on vCPU 0: 0x[0-9a-f]*, .* page, .* kernel$' ': RAM, memslot' \
		"_text is at 0x[0-9a-f]*, linked to 0x[0-9a-f]*: moved by $offset\$" "symbol-file vmlinux -o $offset( -s .data..percpu 0)?\$" \
		'^KVM_EXIT_MMIO  *[0-9]' "${disk##*/} BAR 0"
else
	skip gdb-monitor "QEMU's monitor has other commands"
fi
gdb_check gdb-threads threads '^. 1 .*Thread 1' '^. 2 .*Thread 2' '^stepped 1$' '^held 1$'
gdb_check gdb-interrupt interrupt '^Thread [12] .*received signal SIGINT' '^#0 ' '^later 1$'

guest_do io_end:0
gdb_session second <<END
symbols-at 0x$(value kernel-place)
connect
echo reconnect:\n
print init_uts_ns.name.release
echo detach:\n
detach
END
guest_do io_end:0
gdb_check gdb-reconnect reconnect "\"$release\""

# Another scenario may have written to the disk before.
guest_do nvme_sum
sum=$(value nvme-sum)
guest_send nvme_sum
stops=$(labtool gdb-cycles "$gdb_socket" 100 5 2>&1)
echo "gdb-cycles: $stops"
[ "${stops%%,*}" = "100 stops" ] || die "$stops"
asked=$((asked + 1))
guest_see $((asked + 1)) '^LAB: ask'
guest_do io_end:0
guest_poweroff
sums=$(tr -d '\r' < "$console" | grep -c "^LAB: nvme-sum $sum\$")
found="${sum:+$sums times $sum}, errors '$(value io-end)', status $status"
check gdb-stops "$found; $(why)" [ "$found" = "2 times $sum, errors '', status 0" ]
