/* SPDX-License-Identifier: BSD-3-Clause */
/* The lab's helper program: one binary, many commands, for the guest and for the host alike. */

#include <stdio.h>
#include <string.h>

#include "guest-images/tool/labtool.h"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{"edu", edu_main, "SYSFS-DEVICE [LOWEST-PHYSICAL-ADDRESS]"},
	{"peer", peer_main, "EDU-DEVICE NVME-DEVICE"},
	{"peer-memory", peer_memory_main, "EDU-DEVICE MEMORY-DEVICE OFFSET"},
	{"edu-moved", edu_moved_main, "SYSFS-DEVICE ADDRESS"},
	{"bar-test", bar_test_main, "SYSFS-DEVICE BAR STRIDE"},
	{"bar-rate", bar_rate_main, "SYSFS-DEVICE BAR OFFSET COUNT"},
	{"bar-swap", bar_swap_main, "SYSFS-DEVICE BAR BAR OFFSET"},
	{"bar-wide", bar_wide_main, "SYSFS-DEVICE BAR"},
	{"disk-reads", disk_reads_main, "DISK COUNT"},
	{"disk-rate", disk_rate_main, "DISK DEPTH COUNT"},
	{"disk-cat-high", disk_cat_high_main, "DISK LOWEST-PHYSICAL-ADDRESS"},
	{"kvm-bare", kvm_bare_main, "GUEST-RAM-MIB"},
	{"kvm-hold", kvm_hold_main, ""},
	{"tiny-guest", tiny_guest_main, ""},
	{"measure", measure_main, "SECONDS GUEST-RAM-MIB COMMAND..."},
	{"measure-entry", measure_entry_main, "SECONDS COMMAND..."},
	{"measure-map", measure_map_main, "SECONDS MIB COMMAND..."},
	{"map-bare", map_bare_main, "SYSFS-DEVICE MIB"},
	{"map-bare-iommufd", map_bare_iommufd_main, "SYSFS-DEVICE MIB THREADS"},
	{"hand-over", hand_over_main, "SYSFS-DEVICE COMMAND..."},
	{"hand-over-group", hand_over_group_main, "SYSFS-DEVICE COMMAND..."},
	{"on-terminal", on_terminal_main, "COMMAND..."},
	{"as-user", as_user_main, "UID MEMLOCK-KIB COMMAND..."},
	{"debug-probe", debug_probe_main, ""},
	{"bridge", bridge_main, "PORT unix:PATH"},
	{"kill-at", kill_at_main, "up|back STEP SIGNAL LOG COMMAND..."},
	{"gdb-cycles", gdb_cycles_main, "unix:PATH COUNT MILLISECONDS-BETWEEN"},
	{"qmp", qmp_main, "unix:PATH REQUEST|EVENT..."},
	{"nvme-function", nvme_function_main, "DISK CONTROLLER QUEUES NAMESPACE"},
	{"can", can_main, "INTERFACE"},
	{"stream", stream_main, "listen|connect tcp:HOST:PORT|vsock:CID:PORT FILE"},
	{"tap-make", tap_make_main, "NAME QUEUES UID"},
	{"with-tap", with_tap_main, "NAME QUEUES COMMAND..."},
};

int main(int argc, char **argv)
{
	size_t count = sizeof(commands) / sizeof(commands[0]);

	for (size_t i = 0; argc > 1 && i < count; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "labtool %s %s\n", commands[i].name, commands[i].usage);
	return 2;
}
