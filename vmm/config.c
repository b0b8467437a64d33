/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of `ferry run`: their table, their help, and what each one's value says. */

#include "vmm/config_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/vsock.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/device_option.h"
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
	"                            FILE and KERNEL may be fd=N or fd=NAME, open already\n"
	"  --cmdline TEXT            the kernel's command line (default for Linux:\n"
	"                            console=ttyS0, on aarch64 console=ttyAMA0)\n"
	"  --cpus N[,pin=LIST]       1 to 64 processors; LIST has a host processor for\n"
	"                            each, as in 0-3:8 (default 1, not pinned)\n"
	"  --memory SIZE|fd=N|fd=NAME[,hugepages=2M|1G][,prealloc]\n"
	"                            RAM with K, M, G or T of 1024, as in 1.5G (default\n"
	"                            512M); fd: a memfd or file of hugetlbfs, open\n"
	"                            already, that is as large\n"
	"  --kvm fd=N|fd=NAME        the /dev/kvm that is open so already\n"
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
	"  --vfio-user socket=PATH|fd=N|fd=NAME[,rom=FILE|off][,mmap=off[:LIST]][,port]\n"
	"         [,trace=FILE[,names=TABLE]][,reconnect=SECONDS][,ioeventfd]\n"
	"                            hands over a PCI device that is a program: a server\n"
	"                            of vfio-user, which listens at PATH, or is connected\n"
	"                            already, and has all guest memory; repeatable;\n"
	"                            reconnect: one lost is looked for; ioeventfd: for\n"
	"                            doorbells; the other parts as above\n"
	"  --iommufd fd=N|fd=NAME    has all of them by the /dev/iommu that is open so\n"
	"                            already\n"
	"  --vfio-group fd=N|fd=NAME\n"
	"                            has the devices of a group by its node in /dev/vfio\n"
	"                            that is open so already; repeatable\n"
	"  --vfio-container fd=N|fd=NAME\n"
	"                            has all groups in the /dev/vfio/vfio that is open so\n"
	"                            already\n"
	"  --hotplug N[,mmio=SIZE][,prefetch=SIZE]\n"
	"                            1 to 31 empty slots for devices that ferry ctl adds\n"
	"                            while the guest runs; SIZE of room for the BARs in\n"
	"                            each: below 4 GiB (default 32M), and for those of 64\n"
	"                            bits that are prefetchable (default 1G)\n"
	"  --disk PATH|fd=N|fd=NAME[,readonly][,direct][,serial=TEXT][,queues=N]\n"
	"         [,block-size=512|4096][,discard=on][,raw]\n"
	"                            a disk (virtio): the raw image or block device at\n"
	"                            PATH, or open already; repeatable. direct: past the\n"
	"                            page cache; queues: 1 to 16 (default 1); discard=on:\n"
	"                            what the guest gives up leaves the image; raw: also\n"
	"                            an image that begins as another format does\n"
	"  --disk PATH,format=FORMAT[,readonly][,queues=N][,block-size=512|4096]\n"
	"                            a disk in an image of another format, qcow2 for\n"
	"                            example: qemu-storage-daemon is started for it\n"
	"  --net tap=NAME|fd=N[:N...][,mac=ADDRESS][,queues=N][,mtu=BYTES]\n"
	"                            a network card (virtio) whose packets the host's\n"
	"                            kernel carries (vhost_net): the other end is the tap\n"
	"                            NAME, or the tap that is open already, a descriptor\n"
	"                            for each queue; repeatable. mac: its address\n"
	"                            (default a random one); queues: 1 to 8 pairs\n"
	"                            (default 1); mtu: the longest packet, 68 to 65535,\n"
	"                            as the guest is told\n"
	"  --net user[,forward=tcp|udp:[ADDRESS/]PORT:PORT]...[,host=ADDRESS]\n"
	"         [,mac=ADDRESS][,mtu=BYTES]\n"
	"                            a network card without a tap: passt is started for\n"
	"                            it. forward: a port of the host's (of 127.0.0.1) is\n"
	"                            one of the guest's; host: where it finds 127.0.0.1\n"
	"  --vsock CID               sockets between guest and host (vhost_vsock): the\n"
	"                            guest's address, 3 to 4294967294\n"
	"  --share DIR[,tag=TEXT][,readonly]\n"
	"                            a folder of the host's, which the guest mounts by\n"
	"                            that tag (virtiofs; default share): virtiofsd is\n"
	"                            started for it; repeatable\n"
	"  --vhost-user blk|fs|net|scsi|vsock|i2c|gpio|snd|ID,socket=PATH|fd=N|fd=NAME\n"
	"         [,tag=TEXT][,queues=N]\n"
	"                            a virtio device that another process serves, whose\n"
	"                            socket is at PATH, or connected already; repeatable.\n"
	"                            ID: the number of another kind of device; tag: what\n"
	"                            a folder (fs) is mounted by; queues: of blk, fs and\n"
	"                            scsi (default 1)\n"
	"  --rng on|off              random bytes (virtio; default on if there is room)\n"
	"  --serial stdio|pty|file:PATH|fd=N|fd=NAME|none\n"
	"                            where the serial port goes (default stdio; Ctrl-A x\n"
	"                            quits, Ctrl-A h lists the other keys)\n"
	"  --console stdio|pty       a console beside the serial port (virtio), in Linux\n"
	"                            hvc0\n"
	"  --on-reboot reset|exit    what a reboot of the guest does (default reset)\n"
	"  --on-term quit|powerdown[:SECONDS]\n"
	"                            what SIGTERM does: ends the machine at once\n"
	"                            (default), or presses the power button and ends it\n"
	"                            after SECONDS (60); SIGUSR1 always presses the\n"
	"                            button\n"
	"  --gdb unix:PATH|[HOST:]PORT|pty|fd=N|fd=NAME\n"
	"                            lets gdb connect there, without HOST on loopback\n"
	"                            only; fd: a socket that listens already\n"
	"  --control unix:PATH|fd=N|fd=NAME\n"
	"                            lets clients of QMP connect there, and ferry ctl\n"
	"  --paused                  do not start the processors before SIGCONT, Ctrl-A c\n"
	"                            or gdb's continue\n"
	"  --debug-exit              a 32-bit write of V to port 0xf4 (on aarch64 to\n"
	"                            address 0x9040000) ends the run with status (V << 1)\n"
	"                            | 1\n"
	"  --user NAME|UID[:GROUP|:GID]\n"
	"                            started by root: goes on as that user once all is\n"
	"                            open, in a root folder without files, also with\n"
	"                            --sandbox off\n"
	"  --sandbox on|log|off      gives up all rights that the run does not need\n"
	"                            (default on); log lets what would be refused, and\n"
	"                            tells of it\n"
	"  --dump-acpi DIR           writes the guest's ACPI tables into DIR and exits\n"
	"  --dump-fdt FILE           writes the guest's device tree into FILE and exits\n"
	"  --log error|warn|info|debug\n"
	"                            which messages are told (default warn)\n"
	"  --help, -h                this text\n"
	"  @FILE                     the options in FILE: one a line with its value, the\n"
	"                            rest of the line; KERNEL has a line too; a line that\n"
	"                            begins with # is a comment\n"
	"\n"
	"A comma that is part of a value is doubled in --cpus, --memory, --vfio,\n"
	"--vfio-user, --hotplug, --disk, --net, --share and --vhost-user.\n"
	"\n"
	"Exit status: 0 the guest powered off, rebooted under --on-reboot exit, or was\n"
	"ended by Ctrl-A x; 1 could not start, or failed; 2 wrong usage; 3 the guest\n"
	"crashed. A run that SIGINT, SIGTERM or SIGHUP ended dies of that signal.\n";

enum option_id {
	OPTION_INITRD = CONFIG_OPTION_HELP + 1,
	OPTION_CMDLINE,
	OPTION_CPUS,
	OPTION_MEMORY,
	OPTION_KVM,
	OPTION_VFIO,
	OPTION_VFIO_USER,
	OPTION_IOMMUFD,
	OPTION_VFIO_GROUP,
	OPTION_VFIO_CONTAINER,
	OPTION_HOTPLUG,
	OPTION_DISK,
	OPTION_NET,
	OPTION_VSOCK,
	OPTION_VHOST_USER,
	OPTION_SHARE,
	OPTION_RNG,
	OPTION_SERIAL,
	OPTION_CONSOLE,
	OPTION_ON_REBOOT,
	OPTION_ON_TERM,
	OPTION_GDB,
	OPTION_CONTROL,
	OPTION_PAUSED,
	OPTION_DEBUG_EXIT,
	OPTION_USER,
	OPTION_SANDBOX,
	OPTION_DUMP_ACPI,
	OPTION_DUMP_FDT,
	OPTION_LOG,
};

static const struct option long_options[] = {
	{"initrd", required_argument, NULL, OPTION_INITRD},
	{"cmdline", required_argument, NULL, OPTION_CMDLINE},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"kvm", required_argument, NULL, OPTION_KVM},
	{"vfio", required_argument, NULL, OPTION_VFIO},
	{"vfio-user", required_argument, NULL, OPTION_VFIO_USER},
	{"iommufd", required_argument, NULL, OPTION_IOMMUFD},
	{"vfio-group", required_argument, NULL, OPTION_VFIO_GROUP},
	{"vfio-container", required_argument, NULL, OPTION_VFIO_CONTAINER},
	{"hotplug", required_argument, NULL, OPTION_HOTPLUG},
	{"disk", required_argument, NULL, OPTION_DISK},
	{"net", required_argument, NULL, OPTION_NET},
	{"vsock", required_argument, NULL, OPTION_VSOCK},
	{"vhost-user", required_argument, NULL, OPTION_VHOST_USER},
	{"share", required_argument, NULL, OPTION_SHARE},
	{"rng", required_argument, NULL, OPTION_RNG},
	{"serial", required_argument, NULL, OPTION_SERIAL},
	{"console", required_argument, NULL, OPTION_CONSOLE},
	{"on-reboot", required_argument, NULL, OPTION_ON_REBOOT},
	{"on-term", required_argument, NULL, OPTION_ON_TERM},
	{"gdb", required_argument, NULL, OPTION_GDB},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"paused", no_argument, NULL, OPTION_PAUSED},
	{"debug-exit", no_argument, NULL, OPTION_DEBUG_EXIT},
	{"user", required_argument, NULL, OPTION_USER},
	{"sandbox", required_argument, NULL, OPTION_SANDBOX},
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
	*config = (struct config){.cpus = 1, .memory = default_memory, .rng = RNG_IF_ROOM};
}

const struct option *config_options(void)
{
	return long_options;
}

const struct suboptions *config_split(struct config *config, const char *value, struct err *err)
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
	if (strcmp(name, "hugepages") == 0 && config->memory_fd)
		return err_set(err, -EINVAL,
			       "hugepages: the descriptor says which pages they are: open one of "
			       "hugetlbfs, and leave hugepages out");
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
	int before = config->memory_fd, rc;

	if (!options)
		return err->code;
	config->memory_fd = 0;
	config->page_size = 0;
	config->prealloc = false;
	if (config_is_descriptor(options->first))
		rc = config_take_memory_descriptor(config, options->first, err);
	else
		rc = size_parse(options->first, &config->memory, err);
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = config_parse_memory_part(config, options->item[i].name, options->item[i].value,
					      err);
	if (!rc)
		config_close_descriptor(config, &before);
	if (rc || config->memory_fd)
		return rc;
	return size_check_memory(options->first, config->memory, config->page_size, err);
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
	rc = config_is_descriptor(options->first)
		     ? config_take_descriptor(config, options->first, &device->fd, err)
		     : vfio_sysfs_check_name(options->first, err);
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = device_option_take(device, options->item[i].name, options->item[i].value, err);
	if (!rc)
		rc = device_option_check(device, err);
	if (!rc)
		rc = config_take_device_files(config, device, err);
	if (!rc)
		config->vfio_count++;
	return rc;
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
	int before = config->serial_fd, rc = 0;

	config->serial_path = NULL;
	config->serial_fd = 0;
	if (strcmp(value, "stdio") == 0) {
		config->serial = SERIAL_STDIO;
	} else if (strcmp(value, "pty") == 0) {
		config->serial = SERIAL_PTY;
	} else if (strcmp(value, "none") == 0) {
		config->serial = SERIAL_NONE;
	} else if (strncmp(value, "file:", 5) == 0 && value[5] != '\0') {
		config->serial = SERIAL_FILE;
		config->serial_path = value + 5;
	} else if (config_is_descriptor(value)) {
		config->serial = SERIAL_FD;
		rc = config_take_serial_descriptor(config, value, err);
	} else {
		rc = err_set(err, -EINVAL, "'%s': it takes stdio, pty, file:PATH, fd=N or none",
			     value);
	}
	if (!rc)
		config_close_descriptor(config, &before);
	return rc;
}

static int config_parse_console(struct config *config, const char *value, struct err *err)
{
	config->hvc = strcmp(value, "stdio") == 0 ? HVC_STDIO : HVC_PTY;
	if (config->hvc == HVC_PTY && strcmp(value, "pty") != 0)
		return err_set(err, -EINVAL, "'%s': it takes stdio or pty", value);
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
	config->initrds[config->initrd_count] = value;
	return config_take_boot_file(config, value, &config->initrd_fds[config->initrd_count++],
				     err);
}

static int config_parse_user(struct config *config, const char *value, struct err *err)
{
	int rc = user_check(err);

	return rc ? rc : user_find("/etc", value, &config->user, err);
}

static int config_parse_dump(const char *value, const char *what, const char **path,
			     struct err *err)
{
	*path = value;
	return *value ? 0 : err_set(err, -EINVAL, "empty: it takes %s", what);
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
	case OPTION_KVM:
		return config_take_single(config, value, &config->kvm, "a guest has one", err);
	case OPTION_VFIO:
		return config_parse_vfio(config, value, err);
	case OPTION_VFIO_USER:
		return config_take_vfio_user(config, value, err);
	case OPTION_IOMMUFD:
		return config_take_single(config, value, &config->iommufd, "all devices go by one",
					  err);
	case OPTION_VFIO_GROUP:
		return config_take_group(config, value, err);
	case OPTION_VFIO_CONTAINER:
		return config_take_single(config, value, &config->container, "all groups share one",
					  err);
	case OPTION_HOTPLUG:
		return config_parse_hotplug(config, value, err);
	case OPTION_DISK:
		return config_take_disk(config, value, err);
	case OPTION_NET:
		return config_take_net(config, value, err);
	case OPTION_VSOCK:
		return config_take_vsock(config, value, err);
	case OPTION_VHOST_USER:
		return config_take_vhost_user(config, value, err);
	case OPTION_SHARE:
		return config_take_share(config, value, err);
	case OPTION_RNG:
		return config_take_rng(config, value, err);
	case OPTION_SERIAL:
		return config_parse_serial(config, value, err);
	case OPTION_CONSOLE:
		return config_parse_console(config, value, err);
	case OPTION_ON_REBOOT:
		return config_parse_on_reboot(config, value, err);
	case OPTION_ON_TERM:
		return config_parse_on_term(config, value, err);
	case OPTION_GDB:
		return config_take_gdb(config, value, err);
	case OPTION_CONTROL:
		return config_take_control(config, value, err);
	case OPTION_PAUSED:
		config->paused = true;
		return 0;
	case OPTION_DEBUG_EXIT:
		config->debug_exit = true;
		return 0;
	case OPTION_USER:
		return config_parse_user(config, value, err);
	case OPTION_SANDBOX:
		if (sandbox_parse_mode(value, &config->sandbox) == 0)
			return 0;
		return err_set(err, -EINVAL, "'%s': it takes on, log or off", value);
	case OPTION_DUMP_ACPI:
		return config_parse_dump(value, "a folder", &config->dump_acpi, err);
	case OPTION_DUMP_FDT:
		return config_parse_dump(value, "a file", &config->dump_fdt, err);
	default:
		return config_parse_log(value, err);
	}
}

void config_release(struct config *config)
{
	while (config->disk_count)
		suboptions_release(&config->disks[--config->disk_count].text);
	free(config->disks);
	config->disks = NULL;
	while (config->net_count)
		suboptions_release(&config->nets[--config->net_count].text);
	free(config->nets);
	config->nets = NULL;
	while (config->vhost_user_count)
		suboptions_release(&config->vhost_user[--config->vhost_user_count].text);
	free(config->vhost_user);
	config->vhost_user = NULL;
	while (config->text_count)
		suboptions_release(&config->texts[--config->text_count]);
	while (config->file_count)
		free(config->files[--config->file_count]);
}
