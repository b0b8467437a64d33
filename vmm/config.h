/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for: the command line of `ferry run` as one struct. */

#ifndef FERRY_VMM_CONFIG_H
#define FERRY_VMM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "devices/virtio/disk.h"
#include "devices/virtio/net.h"
#include "devices/virtio/vhost_user_device.h"
#include "vfio/vfio.h"
#include "vmm/base/err.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/user.h"
#include "vmm/service.h"
#include "vmm/suboptions.h"

enum {
	CONFIG_VFIO_MAX = 32,
	CONFIG_DISKS_MAX = 16,
	CONFIG_NETS_MAX = 8,
	CONFIG_VHOST_USER_MAX = 16,
	CONFIG_SLOTS_MAX = 31,
	CONFIG_POWER_DOWN_SECONDS = 60,
	CONFIG_FILES_MAX = 16,
	CONFIG_GIVEN_MAX = 128,
	CONFIG_FD_TEXT = 16,
};

enum config_serial { SERIAL_STDIO, SERIAL_PTY, SERIAL_FILE, SERIAL_NONE, SERIAL_FD };

enum config_hvc { HVC_NONE, HVC_STDIO, HVC_PTY };

enum config_rng { RNG_OFF, RNG_ON, RNG_IF_ROOM };

struct config_disk {
	struct disk_config disk;
	struct suboptions text; /* owns what its strings point into */
};

struct config_net {
	struct net_config net;
	struct suboptions text; /* likewise */
};

struct config_vhost_user {
	struct vhost_user_config device;
	struct service service; /* a program that is started for it */
	struct suboptions text; /* likewise */
};

/* A descriptor in it is one that somebody else has opened, and that is the machine's; 0: none. */

struct config {
	const char *kernel; /* NULL only with dump_acpi or dump_fdt */
	int kernel_fd;      /* what `kernel` names then */
	const char *initrds[BOOT_INITRDS_MAX];
	int initrd_fds[BOOT_INITRDS_MAX];
	size_t initrd_count;
	const char *cmdline; /* NULL: not given */
	unsigned int cpus;
	unsigned int pins[PLATFORM_CPUS_MAX]; /* host processor of each vCPU */
	bool pinned;
	uint64_t memory;    /* bytes */
	uint64_t page_size; /* 0: the host's choice */
	bool prealloc;
	int memory_fd; /* a file of that size, in such pages, that it is made of */
	int kvm;       /* /dev/kvm */
	struct vfio_device_config vfio[CONFIG_VFIO_MAX];
	size_t vfio_count;
	int iommufd;                 /* /dev/iommu */
	int groups[VFIO_GROUPS_MAX]; /* nodes of IOMMU groups */
	size_t group_count;
	int container;                       /* /dev/vfio/vfio */
	unsigned int slots;                  /* empty ones, for devices that come later */
	uint64_t slot_memory, slot_prefetch; /* bytes of BARs that have room in each */
	struct config_disk *disks;           /* CONFIG_DISKS_MAX of them, once there is one */
	size_t disk_count;
	struct config_net *nets; /* CONFIG_NETS_MAX of them, likewise */
	size_t net_count;
	uint32_t vsock;                       /* the guest's CID; 0: it has none */
	struct config_vhost_user *vhost_user; /* CONFIG_VHOST_USER_MAX of them, likewise */
	size_t vhost_user_count;
	enum config_rng rng; /* a source of random bytes */
	enum config_serial serial;
	const char *serial_path;
	int serial_fd;
	enum config_hvc hvc; /* a console beside the serial port */
	bool exit_on_reboot;
	unsigned int power_down_seconds; /* SIGTERM presses the power button; 0: it ends the run */
	bool paused;
	const char *gdb;     /* where to listen for a debugger, "fd=N" too, or NULL */
	const char *control; /* where to listen for clients of QMP, likewise */
	bool debug_exit;
	enum sandbox_mode sandbox;
	struct user user;      /* to become; 0: none */
	const char *dump_acpi; /* folder */
	const char *dump_fdt;  /* file */

	struct suboptions texts[CONFIG_VFIO_MAX + 3]; /* own what the strings point into */
	size_t text_count;
	char *files[CONFIG_FILES_MAX]; /* the texts of those of @FILE, likewise */
	size_t file_count;
	char gdb_fd[CONFIG_FD_TEXT], control_fd[CONFIG_FD_TEXT];
	int given[CONFIG_GIVEN_MAX]; /* every descriptor that was named */
	size_t given_count;
};

enum config_action { CONFIG_RUN, CONFIG_HELP };

/*
 * Reads the arguments after `ferry run` (@argv[0] is "run"), and the files that they name. Sets the
 * log level as a side effect. A negative errno, mostly -EINVAL, with @err saying which option is
 * wrong, in which line of a file, how, and what it takes. The strings of @argv stay
 * in use as long as @config.
 */
int config_parse(struct config *config, int argc, char **argv, enum config_action *action,
		 struct err *err) FERRY_MUST_CHECK;
void config_release(struct config *config);

/* Whether a device has all of the guest's memory pinned; whether another process has it too. */
bool config_pins_memory(const struct config *config);
bool config_shares_memory(const struct config *config);

/* The text of `ferry run --help`. */
const char *config_help(void);

#endif
