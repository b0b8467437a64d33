/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of `ferry run`: their table, their help, and what each one's value says. */

#include "vmm/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/control/control.h"
#include "vmm/debug/gdb/gdb.h"
#include "vmm/device_option.h"
#include "vmm/listen.h"
#include "vmm/sizes.h"

static const uint64_t default_memory = 512 * MIB;

/* Of an empty slot; what they are for is in docs/vfio.md. */
static const uint64_t default_slot_memory = 32 * MIB, default_slot_prefetch = GIB;

/* No guest has more addresses (52 bits). */
static const uint64_t slot_room_most = (uint64_t)1 << 52;

static const char help_text[] =
	"Usage: ferry run [OPTION|@FILE]... KERNEL\n"
	"Boots KERNEL in a virtual machine: on x86_64 a bzImage, an ELF vmlinux, PVH or\n"
	"Multiboot; on aarch64 an Image, compressed with gzip or zstd or in an EFI zboot\n"
	"image too.\n"
	"\n"
	"  --initrd FILE             initial RAM disk; repeatable (Linux gets them\n"
	"                            joined, a Multiboot guest gets each as a module)\n"
	"  --cmdline TEXT            the kernel's command line (default for Linux:\n"
	"                            console=ttyS0, on aarch64 console=ttyAMA0)\n"
	"  --cpus N[,pin=LIST]       1 to 64 processors; LIST has a host processor for\n"
	"                            each, as in 0-3:8 (default 1, not pinned)\n"
	"  --memory SIZE[,hugepages=2M|1G][,prealloc]\n"
	"                            RAM with K, M, G or T of 1024, as in 1.5G (default\n"
	"                            512M)\n"
	"  --vfio PATH|fd=N|fd=NAME[,rom=FILE|off][,mmap=off[:LIST]][,vf-token=UUID]\n"
	"         [,via=iommufd|group][,port][,trace=FILE[,names=TABLE]]\n"
	"                            hands over the PCI device at PATH, which is\n"
	"                            /sys/bus/pci/devices/0000:01:00.0, 0000:01:00.0,\n"
	"                            01:00.0 or a mediated device's UUID, or whose\n"
	"                            character device is open already, as descriptor N or\n"
	"                            the one that systemd hands over as NAME; repeatable.\n"
	"                            rom: another option ROM, or none; mmap=off: BARs\n"
	"                            (LIST as in 0:2-4) are trapped, not mapped;\n"
	"                            vf-token: of a virtual function whose physical one\n"
	"                            vfio-pci has too; via: by iommufd, or by its IOMMU\n"
	"                            group (default iommufd where it may be opened);\n"
	"                            port: behind a PCI Express root port of its own;\n"
	"                            trace: every access and interrupt is told in FILE\n"
	"                            (all BARs trapped), registers by the names in TABLE,\n"
	"                            such as share/ferry/names/xhci.txt\n"
	"  --iommufd fd=N|fd=NAME    has all of them by the /dev/iommu that is open so\n"
	"                            already\n"
	"  --hotplug N[,mmio=SIZE][,prefetch=SIZE]\n"
	"                            1 to 31 empty slots for devices that ferry ctl adds\n"
	"                            while the guest runs; SIZE of room for the BARs in\n"
	"                            each: below 4 GiB (default 32M), and for those of 64\n"
	"                            bits that are prefetchable (default 1G)\n"
	"  --serial stdio|pty|file:PATH|none\n"
	"                            where the serial port goes (default stdio; Ctrl-A x\n"
	"                            quits, Ctrl-A h lists the other keys)\n"
	"  --on-reboot reset|exit    what a reboot of the guest does (default reset)\n"
	"  --on-term quit|powerdown[:SECONDS]\n"
	"                            what SIGTERM does: ends the machine at once\n"
	"                            (default), or presses the power button and ends it\n"
	"                            after SECONDS (60); SIGUSR1 always presses the\n"
	"                            button\n"
	"  --gdb unix:PATH|[HOST:]PORT|pty\n"
	"                            lets gdb connect there; without HOST on loopback\n"
	"                            only\n"
	"  --control unix:PATH       lets clients of QMP connect there, and ferry ctl\n"
	"  --paused                  do not start the processors before SIGCONT, Ctrl-A c\n"
	"                            or gdb's continue\n"
	"  --debug-exit              a 32-bit write of V to port 0xf4 (on aarch64 to\n"
	"                            address 0x9040000) ends the run with status (V << 1)\n"
	"                            | 1\n"
	"  --dump-acpi DIR           writes the guest's ACPI tables into DIR and exits\n"
	"  --dump-fdt FILE           writes the guest's device tree into FILE and exits\n"
	"  --log error|warn|info|debug\n"
	"                            which messages are told (default warn)\n"
	"  --help, -h                this text\n"
	"  @FILE                     the options in FILE: one a line with its value, the\n"
	"                            rest of the line; KERNEL has a line too; a line that\n"
	"                            begins with # is a comment\n"
	"\n"
	"A comma that is part of a value is doubled in --cpus, --memory, --vfio and\n"
	"--hotplug.\n"
	"\n"
	"Exit status: 0 the guest powered off, rebooted under --on-reboot exit, or was\n"
	"ended by Ctrl-A x; 1 could not start, or failed; 2 wrong usage; 3 the guest\n"
	"crashed. A run that SIGINT, SIGTERM or SIGHUP ended dies of that signal.\n";

enum option_id {
	OPTION_INITRD = CONFIG_OPTION_HELP + 1,
	OPTION_CMDLINE,
	OPTION_CPUS,
	OPTION_MEMORY,
	OPTION_VFIO,
	OPTION_IOMMUFD,
	OPTION_HOTPLUG,
	OPTION_SERIAL,
	OPTION_ON_REBOOT,
	OPTION_ON_TERM,
	OPTION_GDB,
	OPTION_CONTROL,
	OPTION_PAUSED,
	OPTION_DEBUG_EXIT,
	OPTION_DUMP_ACPI,
	OPTION_DUMP_FDT,
	OPTION_LOG,
};

static const struct option long_options[] = {
	{"initrd", required_argument, NULL, OPTION_INITRD},
	{"cmdline", required_argument, NULL, OPTION_CMDLINE},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"vfio", required_argument, NULL, OPTION_VFIO},
	{"iommufd", required_argument, NULL, OPTION_IOMMUFD},
	{"hotplug", required_argument, NULL, OPTION_HOTPLUG},
	{"serial", required_argument, NULL, OPTION_SERIAL},
	{"on-reboot", required_argument, NULL, OPTION_ON_REBOOT},
	{"on-term", required_argument, NULL, OPTION_ON_TERM},
	{"gdb", required_argument, NULL, OPTION_GDB},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"paused", no_argument, NULL, OPTION_PAUSED},
	{"debug-exit", no_argument, NULL, OPTION_DEBUG_EXIT},
	{"dump-acpi", required_argument, NULL, OPTION_DUMP_ACPI},
	{"dump-fdt", required_argument, NULL, OPTION_DUMP_FDT},
	{"log", required_argument, NULL, OPTION_LOG},
	{"help", no_argument, NULL, CONFIG_OPTION_HELP},
	{NULL, 0, NULL, 0},
};

const char *config_help(void)
{
	return help_text;
}

void config_begin(struct config *config)
{
	*config = (struct config){.cpus = 1, .memory = default_memory};
}

const struct option *config_options(void)
{
	return long_options;
}

/* The parts of @value, owned by @config from then on. */
static const struct suboptions *config_split(struct config *config, const char *value,
					     struct err *err)
{
	struct suboptions *options;

	if (config->text_count == ARRAY_SIZE(config->texts)) {
		err_set(err, -EINVAL, "given too often: %zu such options are the most",
			ARRAY_SIZE(config->texts));
		return NULL;
	}
	options = &config->texts[config->text_count];
	if (suboptions_parse(value, options, err))
		return NULL;
	config->text_count++;
	return options;
}

static int config_parse_cpus(struct config *config, const char *value, struct err *err)
{
	const struct suboptions *options = config_split(config, value, err);
	int pins;

	if (!options)
		return err->code;
	if (suboptions_parse_number(options->first, 1, PLATFORM_CPUS_MAX, &config->cpus))
		return err_set(err, -EINVAL, "'%s': not a number from 1 to %d", options->first,
			       PLATFORM_CPUS_MAX);
	config->pinned = false;
	for (size_t i = 0; i < options->count; i++) {
		if (strcmp(options->item[i].name, "pin") != 0 || !options->item[i].value)
			return err_set(err, -EINVAL, "'%s': unknown part: it takes pin=LIST",
				       options->item[i].name);
		pins = suboptions_parse_list(options->item[i].value, config->pins,
					     ARRAY_SIZE(config->pins));
		if (pins < 0)
			return err_set(err, -EINVAL,
				       "pin=%s: not a list of up to %d host processors such as "
				       "0-3:8",
				       options->item[i].value, PLATFORM_CPUS_MAX);
		if ((unsigned int)pins != config->cpus)
			return err_set(err, -EINVAL,
				       "pin=%s: names %d host processors for %u vCPUs: give one "
				       "for each",
				       options->item[i].value, pins, config->cpus);
		config->pinned = true;
	}
	return 0;
}

static int config_parse_memory_part(struct config *config, const char *name, const char *value,
				    struct err *err)
{
	if (strcmp(name, "prealloc") == 0 && !value) {
		config->prealloc = true;
		return 0;
	}
	if (strcmp(name, "hugepages") == 0 && value) {
		int rc = size_parse_huge_page(value, &config->page_size, err);

		if (rc)
			err_prefix(err, "hugepages");
		return rc;
	}
	return err_set(err, -EINVAL,
		       "'%s%s%s': unknown part: it takes hugepages=2M, hugepages=1G "
		       "and prealloc",
		       name, value ? "=" : "", value ? value : "");
}

static int config_parse_memory(struct config *config, const char *value, struct err *err)
{
	const struct suboptions *options = config_split(config, value, err);
	int rc;

	if (!options)
		return err->code;
	rc = size_parse(options->first, &config->memory, err);
	config->page_size = 0;
	config->prealloc = false;
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = config_parse_memory_part(config, options->item[i].name, options->item[i].value,
					      err);
	return rc ? rc : size_check_memory(options->first, config->memory, config->page_size, err);
}

static bool config_has_descriptor(const struct config *config, int fd)
{
	bool found = config->iommufd == fd;

	for (size_t i = 0; i < config->vfio_count; i++)
		found = found || config->vfio[i].fd == fd;
	return found;
}

/*
 * One which whoever started this process has opened and left to it. That is so only before anything
 * else is opened, so it is looked at here.
 */
static int config_take_descriptor(const struct config *config, const char *value, int *fd,
				  struct err *err)
{
	int rc = listen_parse(value, fd, err);

	if (rc)
		return rc;
	if (config_has_descriptor(config, *fd))
		return err_set(err, -EINVAL, "%s: it was given already", value);
	if (fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, -EINVAL,
			       "%s: it is not open: who starts ferry opens it, and lets ferry "
			       "inherit it",
			       value);
	return listen_check_access(*fd, value, err);
}

/* What its parts say beside the devices before it. */
static int config_check_traces(const struct config *config, const struct vfio_device_config *device,
			       struct err *err)
{
	for (size_t i = 0; i < config->vfio_count; i++) {
		const char *trace = config->vfio[i].trace;

		if (trace && device->trace && strcmp(trace, device->trace) == 0)
			return err_set(err, -EINVAL,
				       "trace=%s: it is another device's too: each needs a file of "
				       "its own",
				       trace);
	}
	return 0;
}

static int config_parse_vfio(struct config *config, const char *value, struct err *err)
{
	struct vfio_device_config *device = &config->vfio[config->vfio_count];
	const struct suboptions *options;
	int rc;

	if (config->vfio_count == CONFIG_VFIO_MAX)
		return err_set(err, -EINVAL, "given too often: %d devices are the most",
			       CONFIG_VFIO_MAX);
	options = config_split(config, value, err);
	if (!options)
		return err->code;
	if (*options->first == '\0')
		return err_set(err, -EINVAL, "empty: it takes a device such as 0000:01:00.0");
	*device = (struct vfio_device_config){.path = options->first};
	rc = strncmp(options->first, "fd=", 3) == 0
		     ? config_take_descriptor(config, options->first, &device->fd, err)
		     : vfio_sysfs_check_name(options->first, err);
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = device_option_take(device, options->item[i].name, options->item[i].value, err);
	if (!rc)
		rc = device_option_check(device, err);
	if (!rc)
		rc = config_check_traces(config, device, err);
	if (!rc)
		config->vfio_count++;
	return rc;
}

static int config_parse_iommufd(struct config *config, const char *value, struct err *err)
{
	int fd, rc = config_take_descriptor(config, value, &fd, err);

	if (rc)
		return rc;
	if (config->iommufd)
		return err_set(err, -EINVAL, "given twice: all devices go by one");
	config->iommufd = fd;
	return 0;
}

int config_spread_iommufd(struct config *config, struct err *err)
{
	if (config->iommufd && config->vfio_count == 0 && config->slots == 0)
		return err_set(
			err, -EINVAL,
			"--iommufd: it is for the devices of --vfio and --hotplug, neither of "
			"which is given");
	for (size_t i = 0; i < config->vfio_count && config->iommufd; i++) {
		if (config->vfio[i].via == VFIO_VIA_GROUP)
			return err_set(err, -EINVAL,
				       "--iommufd: --vfio %s asks for via=group: leave one of both "
				       "out",
				       config->vfio[i].path);
		config->vfio[i].via = VFIO_VIA_IOMMUFD;
	}
	return 0;
}

/* A window of a port's consists of whole MiB (Bridge 1.2 3.2.5.8). */
static int config_parse_slot_room(const char *name, const char *value, uint64_t *size,
				  struct err *err)
{
	int rc = size_parse(value, size, err);

	if (!rc && !is_aligned(*size, MIB))
		rc = err_set(err, -EINVAL, "'%.40s': not a multiple of 1M", value);
	if (!rc && *size > slot_room_most)
		rc = err_set(err, -EINVAL, "'%.40s': more than any guest has addresses for", value);
	if (rc)
		err_prefix(err, "%s", name);
	return rc;
}

static int config_parse_hotplug_part(struct config *config, const char *name, const char *value,
				     struct err *err)
{
	if (value && strcmp(name, "mmio") == 0)
		return config_parse_slot_room(name, value, &config->slot_memory, err);
	if (value && strcmp(name, "prefetch") == 0)
		return config_parse_slot_room(name, value, &config->slot_prefetch, err);
	return err_set(err, -EINVAL, "'%s%s%s': unknown part: it takes mmio=SIZE and prefetch=SIZE",
		       name, value ? "=" : "", value ? value : "");
}

static int config_parse_hotplug(struct config *config, const char *value, struct err *err)
{
	const struct suboptions *options = config_split(config, value, err);
	int rc = 0;

	if (!options)
		return err->code;
	config->slot_memory = default_slot_memory;
	config->slot_prefetch = default_slot_prefetch;
	if (suboptions_parse_number(options->first, 1, CONFIG_SLOTS_MAX, &config->slots))
		return err_set(err, -EINVAL, "'%s': not a number of slots from 1 to %d",
			       options->first, CONFIG_SLOTS_MAX);
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = config_parse_hotplug_part(config, options->item[i].name,
					       options->item[i].value, err);
	return rc;
}

static int config_parse_serial(struct config *config, const char *value, struct err *err)
{
	config->serial_path = NULL;
	if (strcmp(value, "stdio") == 0) {
		config->serial = SERIAL_STDIO;
	} else if (strcmp(value, "pty") == 0) {
		config->serial = SERIAL_PTY;
	} else if (strcmp(value, "none") == 0) {
		config->serial = SERIAL_NONE;
	} else if (strncmp(value, "file:", 5) == 0 && value[5] != '\0') {
		config->serial = SERIAL_FILE;
		config->serial_path = value + 5;
	} else {
		return err_set(err, -EINVAL, "'%s': it takes stdio, pty, file:PATH or none", value);
	}
	return 0;
}

static int config_parse_on_reboot(struct config *config, const char *value, struct err *err)
{
	config->exit_on_reboot = strcmp(value, "exit") == 0;
	if (!config->exit_on_reboot && strcmp(value, "reset") != 0)
		return err_set(err, -EINVAL, "'%s': it takes reset or exit", value);
	return 0;
}

static int config_parse_on_term(struct config *config, const char *value, struct err *err)
{
	static const char power_down[] = "powerdown";
	const size_t length = sizeof(power_down) - 1;

	config->power_down_seconds = 0;
	if (strcmp(value, "quit") == 0)
		return 0;
	config->power_down_seconds = CONFIG_POWER_DOWN_SECONDS;
	if (strcmp(value, power_down) == 0)
		return 0;
	if (strncmp(value, power_down, length) == 0 && value[length] == ':' &&
	    !suboptions_parse_number(value + length + 1, 1, 24 * 60 * 60,
				     &config->power_down_seconds))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': it takes quit, powerdown or powerdown:SECONDS, 1 to 86400", value);
}

static int config_parse_initrd(struct config *config, const char *value, struct err *err)
{
	if (config->initrd_count == BOOT_INITRDS_MAX)
		return err_set(err, -EINVAL, "given too often: %d files are the most",
			       BOOT_INITRDS_MAX);
	config->initrds[config->initrd_count++] = value;
	return 0;
}

static int config_parse_log(const char *value, struct err *err)
{
	enum log_level level;

	if (log_parse_level(value, &level))
		return err_set(err, -EINVAL, "'%s': it takes error, warn, info or debug", value);
	log_set_level(level);
	return 0;
}

int config_take(struct config *config, int id, const char *value, struct err *err)
{
	switch (id) {
	case OPTION_INITRD:
		return config_parse_initrd(config, value, err);
	case OPTION_CMDLINE:
		config->cmdline = value;
		return 0;
	case OPTION_CPUS:
		return config_parse_cpus(config, value, err);
	case OPTION_MEMORY:
		return config_parse_memory(config, value, err);
	case OPTION_VFIO:
		return config_parse_vfio(config, value, err);
	case OPTION_IOMMUFD:
		return config_parse_iommufd(config, value, err);
	case OPTION_HOTPLUG:
		return config_parse_hotplug(config, value, err);
	case OPTION_SERIAL:
		return config_parse_serial(config, value, err);
	case OPTION_ON_REBOOT:
		return config_parse_on_reboot(config, value, err);
	case OPTION_ON_TERM:
		return config_parse_on_term(config, value, err);
	case OPTION_GDB:
		config->gdb = value;
		return gdb_check_address(value, err);
	case OPTION_CONTROL:
		config->control = value;
		return control_check_address(value, err);
	case OPTION_PAUSED:
		config->paused = true;
		return 0;
	case OPTION_DEBUG_EXIT:
		config->debug_exit = true;
		return 0;
	case OPTION_DUMP_ACPI:
		config->dump_acpi = value;
		return 0;
	case OPTION_DUMP_FDT:
		config->dump_fdt = value;
		return 0;
	default:
		return config_parse_log(value, err);
	}
}

void config_release(struct config *config)
{
	while (config->text_count)
		suboptions_release(&config->texts[--config->text_count]);
	while (config->file_count)
		free(config->files[--config->file_count]);
}
