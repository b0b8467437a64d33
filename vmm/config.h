/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for: the command line of `ferry run` as one struct. */

#ifndef FERRY_VMM_CONFIG_H
#define FERRY_VMM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vfio/vfio.h"
#include "vmm/base/err.h"
#include "vmm/suboptions.h"

enum {
	CONFIG_VFIO_MAX = 32,
	CONFIG_SLOTS_MAX = 31,
	CONFIG_POWER_DOWN_SECONDS = 60,
	CONFIG_FILES_MAX = 16,
};

enum config_serial { SERIAL_STDIO, SERIAL_PTY, SERIAL_FILE, SERIAL_NONE };

struct config {
	const char *kernel; /* NULL only with dump_acpi or dump_fdt */
	const char *initrds[BOOT_INITRDS_MAX];
	size_t initrd_count;
	const char *cmdline; /* NULL: not given */
	unsigned int cpus;
	unsigned int pins[PLATFORM_CPUS_MAX]; /* host processor of each vCPU */
	bool pinned;
	uint64_t memory;    /* bytes */
	uint64_t page_size; /* 0: the host's choice */
	bool prealloc;
	struct vfio_device_config vfio[CONFIG_VFIO_MAX];
	size_t vfio_count;
	int iommufd;                         /* /dev/iommu, opened by somebody else; 0: none */
	unsigned int slots;                  /* empty ones, for devices that come later */
	uint64_t slot_memory, slot_prefetch; /* bytes of BARs that have room in each */
	enum config_serial serial;
	const char *serial_path;
	bool exit_on_reboot;
	unsigned int power_down_seconds; /* SIGTERM presses the power button; 0: it ends the run */
	bool paused;
	const char *gdb;     /* where to listen for a debugger, or NULL */
	const char *control; /* where to listen for clients of QMP, or NULL */
	bool debug_exit;
	const char *dump_acpi; /* folder */
	const char *dump_fdt;  /* file */

	struct suboptions texts[CONFIG_VFIO_MAX + 3]; /* own what the strings point into */
	size_t text_count;
	char *files[CONFIG_FILES_MAX]; /* the texts of those of @FILE, likewise */
	size_t file_count;
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

/* The text of `ferry run --help`. */
const char *config_help(void);

#endif
