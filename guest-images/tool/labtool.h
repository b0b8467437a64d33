/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands of labtool share. */

#ifndef GUEST_IMAGES_TOOL_LABTOOL_H
#define GUEST_IMAGES_TOOL_LABTOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Each command takes its own arguments (argv[0] is its name) and returns an exit status. */
int edu_main(int argc, char **argv);
int peer_main(int argc, char **argv);
int peer_memory_main(int argc, char **argv);
int edu_moved_main(int argc, char **argv);
int bar_test_main(int argc, char **argv);
int bar_rate_main(int argc, char **argv);
int bar_swap_main(int argc, char **argv);
int bar_wide_main(int argc, char **argv);
int disk_reads_main(int argc, char **argv);
int disk_rate_main(int argc, char **argv);
int disk_cat_high_main(int argc, char **argv);
int kvm_bare_main(int argc, char **argv);
int kvm_hold_main(int argc, char **argv);
int tiny_guest_main(int argc, char **argv);
int measure_main(int argc, char **argv);
int measure_entry_main(int argc, char **argv);
int measure_map_main(int argc, char **argv);
int map_bare_main(int argc, char **argv);
int map_bare_iommufd_main(int argc, char **argv);
int hand_over_main(int argc, char **argv);
int hand_over_group_main(int argc, char **argv);
int on_terminal_main(int argc, char **argv);
int as_user_main(int argc, char **argv);
int debug_probe_main(int argc, char **argv);
int bridge_main(int argc, char **argv);
int kill_at_main(int argc, char **argv);
int gdb_cycles_main(int argc, char **argv);
int qmp_main(int argc, char **argv);
int nvme_function_main(int argc, char **argv);
int can_main(int argc, char **argv);
int stream_main(int argc, char **argv);
int tap_make_main(int argc, char **argv);
int with_tap_main(int argc, char **argv);

/* A device that is bound to an iommufd and attached to an address space of it. */
struct bare_iommufd {
	int iommufd, device;
	uint32_t ioas;
};

/* By its folder in sysfs; ends the program when it cannot. */
void bare_iommufd_open(struct bare_iommufd *bare, const char *device);

/* 0, or -1 with errno. */
int bare_iommufd_map(const struct bare_iommufd *bare, void *address, uint64_t iova,
		     uint64_t length);

/* The monotonic clock, which the kernel's traces can have too. */
double seconds_now(void);

/* Has the file @name hold @value instead; ends the program when it cannot. */
void file_set(const char *name, const char *value);

/* The same without taking away what the file holds, such as an event's other triggers. */
void file_add(const char *name, const char *value);

/* A line of /proc/PID/status that @format (of scanf) matches; 0 where none does. */
unsigned long status_value(pid_t pid, const char *format);

/* Loads sixteen bytes by one instruction of the architecture's (tool/ARCH). */
void wide_load(const volatile void *address);

/* Page-aligned, zeroed memory that is present and locked; ends the program when there is none. */
void *buffer_alloc(size_t size);

/* The physical address behind @address, which must be present; ends the program if it is hidden. */
uint64_t buffer_physical(const void *address);

/*
 * Connects to "unix:PATH", for a minute until somebody listens there; ends the program when it
 * cannot.
 */
int unix_connect(const char *name);

/* Opens the file @name of the sysfs folder @device; ends the program when it cannot. */
int device_open(const char *device, const char *name);

/* A BAR as the device has it: where it is, and what PCI_COMMAND says of decoding it. */
uint64_t bar_address(int config, unsigned int bar);
void bar_set_address(int config, unsigned int bar, uint64_t address);
void memory_decode(int config, int on);

/* Physical memory that no driver uses; ends the program when it cannot be had. */
volatile void *physical_map(uint64_t address, size_t size);

#endif
