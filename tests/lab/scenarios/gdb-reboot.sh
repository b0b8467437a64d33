# SPDX-License-Identifier: BSD-3-Clause
# scenarios: gdb-reboot gdb-access gdb-kill
# tier-aarch64: all
# seconds: 15
# symbols: cloud
# host-machine: newer
# A breakpoint that is set before the kernel is there, and met again after the guest has rebooted;
# watchpoints that reads meet too; the guest's end by gdb.

. /share/l1/gdb.sh
disk=$(device "$nvme_id")
give "$disk"
kernel_options="$kernel_options nokaslr $gdb_kernel_options"

commands=/tmp/lab/gdb-commands
printf '%s\n' symbols connect > $commands
reboot=
if gdb_able gdb-reboot breakpoint; then
	reboot=yes
	cat >> $commands <<'END'
echo reboot:\n
break init/main.c:kernel_init
continue
print system_state
continue
info breakpoints
delete
END
fi
access=
if gdb_able gdb-access breakpoint access-watchpoint; then
	access=yes
	cat >> $commands <<'END'
echo access:\n
awatch system_state
continue
continue
delete
END
fi
printf '%s\n' 'echo kill:\n' kill >> $commands

guest_start "info,reboot" --vfio "$disk" $gdb_options --paused
gdb_session reboot < $commands
guest_wait

[ -z "$reboot" ] || gdb_check gdb-reboot reboot 'Breakpoint 1, kernel_init ' ' = SYSTEM_' \
	'Breakpoint 1, kernel_init ' 'already hit 2 times'
[ -z "$access" ] || gdb_check gdb-access access '^Hardware access \(read/write\) watchpoint .*: system_state' \
	'Hardware access \(read/write\) watchpoint .*: system_state' \
	'Hardware access \(read/write\) watchpoint .*: system_state'
killed=$(gdb_part kill | grep -c killed)
check gdb-kill "gdb's last words are '$(gdb_last_words < "$gdb_output")'; $(why)" [ "$killed $status" = "1 0" ]
