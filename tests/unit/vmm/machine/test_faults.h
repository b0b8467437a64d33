/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lives of whole machines in which a call is struck, and what must hold of each: a failure ends the
 * run with a sentence or is done without, and nothing is left. For the one program that includes
 * this, which the Makefile links with MACHINE_FAULT_WRAPS.
 */

#ifndef FERRY_TESTS_UNIT_VMM_MACHINE_TEST_FAULTS_H
#define FERRY_TESTS_UNIT_VMM_MACHINE_TEST_FAULTS_H

#include <check.h>
#include <dirent.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "tests/unit/support/fake_machine.h"
#include "tests/unit/support/fault_calls.h"
#include "tests/unit/support/fault_outcome.h"
#include "tests/unit/support/suite.h"

static const int errors[] = {-EIO, -ENOMEM, -EPERM, -EBUSY, -EINVAL, -ENODEV, -ENOENT};

/* By iommufd there is a debugger's socket too; what KVM can do for it is tried in a VM apart. */
static enum { BY_GROUP, BY_IOMMUFD } way;

static struct {
	unsigned int descriptors, threads, step;
	long long bytes; /* mapped */
	char path[4][128];
	bool built;          /* the machine of this life */
	void (*open)(void);  /* before each life, what others have opened for it; may be NULL */
	void (*close)(void); /* and behind it, what it has not taken */
} world;

static const char *tree_path(unsigned int number, const char *name)
{
	mock_name(world.path[number], "", name);
	return world.path[number];
}

static void setup(void)
{
	struct vfio_device_config *device;

	fake_machine_setup();
	fake_machine_close_kernel();
	fake_tree_write("rom", "\x55\xaa");
	fake_tree_write("initrd", "initrd");
	if (way == BY_IOMMUFD)
		fake_machine_add_cdevs();
	device = fake_machine_add(FAKE_FIRST);
	device->trace = tree_path(0, "trace");
	device->rom = tree_path(1, "rom");
	fake_machine_add(FAKE_THIRD)->port = true;
	mock.config.slots = 1;
	mock.config.rng = RNG_ON;
	mock.config.hvc = HVC_PTY;
	mock.config.gdb = way == BY_IOMMUFD ? mock.gdb : NULL;
	mock.config.control = mock.control;
	mock.config.serial = way == BY_IOMMUFD ? SERIAL_PTY : SERIAL_FILE;
	mock.config.serial_path = tree_path(2, "console");
	mock.config.initrds[0] = tree_path(3, "initrd");
	mock.config.initrd_count = 1;
	mock.config.prealloc = true;
	mock.config.pinned = true;
	world.threads = count_threads();
}

static void teardown(void)
{
	fake_tree_remove();
}

/* The first device's config space, on the root bus. */
static uint64_t config_of(unsigned int offset)
{
	return mock.machine->platform.ecam.base + (1 << 15) + offset;
}

enum { BAR0 = 0x10000, MSIX_CONTROL = 0x72, MSIX_TABLE = 0x3000 };

/*
 * A driver that takes things as they come: a BAR, bus mastering, a vector of MSI-X; then the
 * machine anew, the same once more, and power-off.
 */
static int drives(void *owner, struct fake_cpu *cpu)
{
	uint64_t bar = mock.machine->platform.mmio32.base + BAR0;

	(void)owner;
	if (cpu->index)
		return fake_guest_sit(cpu);
	switch (world.step++) {
	case 0:
	case 8:
		return fake_guest_access(cpu, true, config_of(PCI_BASE_ADDRESS_0), 4, bar);
	case 1:
	case 9:
		return fake_guest_access(cpu, true, config_of(PCI_COMMAND), 2,
					 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	case 2:
	case 10:
		return fake_guest_access(cpu, true, bar + MSIX_TABLE, 4, 0xfee00000);
	case 3:
	case 11:
		return fake_guest_access(cpu, true, bar + MSIX_TABLE + 8, 4, 0x31);
	case 4:
	case 12:
		return fake_guest_access(cpu, true, bar + MSIX_TABLE + 12, 4, 0);
	case 5:
	case 13:
		return fake_guest_access(cpu, true, config_of(MSIX_CONTROL), 2,
					 PCI_MSIX_FLAGS_ENABLE);
	case 6:
		return fake_cpu_reboot(cpu);
	case 7:
		return FAKE_NO_EXIT;
	default:
		return fake_cpu_power_off(cpu);
	}
}

static void world_create(void)
{
	fake_machine_open_kernel();
	for (size_t i = 0; i < 2; i++)
		kernel.devices[i].regions[VFIO_PCI_CONFIG_REGION_INDEX].size = PCI_CONFIG_SIZE;
	kvm.guest = drives;
	world.step = 0;
	world.descriptors = count_descriptors();
	world.bytes = atomic_load(&libc.mapped);
	if (world.open)
		world.open();
	said.text[0] = '\0';
}

static bool is_listed(void)
{
	bool found = false;
	const struct dirent *entry;
	char path[160];
	DIR *folder;

	snprintf(path, sizeof(path), "%s/ferry/monitors", mock.run);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)))
		found |= entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	return found;
}

/* What the host would not take back goes with the descriptor that it belongs to. */
static bool is_kept_by_host(const char *call)
{
	static const char *const calls[] = {"dma unmap", "group ioctl", "KVM attribute",
					    "KVM_SET_DEVICE_ATTR", NULL};

	return mock.status == STATUS_POWERED_OFF && one_of(call, calls);
}

static bool names_are_left(void)
{
	return access(mock.gdb + strlen("unix:"), F_OK) == 0 ||
	       access(mock.control + strlen("unix:"), F_OK) == 0 || is_listed();
}

/* As a word; NULL: nothing. */
static const char *what_is_left(void)
{
	const char *left = fake_machine_is_gone();

	if (left && !fault_plan.onwards && !is_kept_by_host(fault_plan.call))
		return left;
	if (count_descriptors() != world.descriptors)
		return "a descriptor";
	if (!threads_are(world.threads))
		return "a thread";
	if (atomic_load(&libc.mapped) != world.bytes)
		return "a mapping";
	return names_are_left() ? "a socket or the list's entry" : NULL;
}

static void nothing_is_left(unsigned int at)
{
	const char *left = what_is_left();

	ck_assert_msg(!left, "call %u, %s: %s is left", at, fault_plan.call, left);
}

/* Builds, runs and ends it. */
static void live(void)
{
	mock.status = STATUS_FAILED;
	world.built = fake_machine_create();
	if (world.built) {
		fake_machine_run();
		fake_machine_destroy();
	}
	if (world.close)
		world.close();
}

/*
 * Done without and not told: what the host or KVM may lack; the trial of what KVM can do for a
 * debugger; what is tried again; a guest's accesses, which read all ones.
 */
static bool is_quiet(const char *call)
{
	static const char *const calls[] = {
		"KVM_CHECK_EXTENSION",
		"KVM_GET_DEVICE_ATTR",
		"KVM_GET_MSRS",
		"KVM_GET_SUPPORTED_CPUID",
		"KVM_GET_TSC_KHZ",
		"KVM_IRQ_LINE",
		"KVM_REGISTER_COALESCED_MMIO",
		"KVM_SET_DEVICE_ATTR", /* registers of priorities that a GIC need not have */
		"KVM_SET_MSRS",
		"KVM_SET_XCRS",
		"KVM_X86_GET_MCE_CAP_SUPPORTED",
		"KVM_X86_SETUP_MCE",
		"fopen",
		"fstat",
		"getrlimit",
		"mkdir",
		"open",
		"opendir",
		"readlink",
		"realpath",
		"sched_getaffinity",
		"sched_setaffinity", /* of a thread that is no vCPU's */
		"pthread_setaffinity_np",
		"BAR read",
		"iommufd option",
		"irq info",
		"read",
		"pread",
		"region info",
		"reset",
		"set irqs",
		"write",
		"epoll_ctl",
		"memory",
		"pthread_create",
		"timerfd_create",
		"timerfd_settime",
		NULL,
	};
	static const char *const trial[] = {
		"KVM_CREATE_VCPU",
		"KVM_CREATE_VM",
		"KVM_GET_API_VERSION",
		"KVM_GET_SREGS",
		"KVM_GET_VCPU_MMAP_SIZE",
		"KVM_SET_GUEST_DEBUG",
		"KVM_SET_REGS",
		"KVM_SET_SREGS",
		"KVM_SET_USER_MEMORY_REGION",
		"mmap",
		NULL,
	};
	/*
	 * Groups are emptied before any joins, and each is looked at then; a container without an
	 * IOMMU does not answer; an address space is left with the last descriptor of it at the
	 * latest.
	 */
	static const char *const given[] = {"cdev ioctl", "container ioctl", "group ioctl",
					    "iommufd ioctl", NULL};

	/* The kernel has taken the group out by itself. */
	if (strcmp(call, "group ioctl") == 0 && fault_plan.error == -EINVAL)
		return true;
	return one_of(call, calls) || (mock.config.gdb && one_of(call, trial)) ||
	       (world.open && one_of(call, given));
}

static bool tells_machine_reason(const char *text, int error)
{
	static const char *const idioms[] = {
		"it lacks KVM_CAP_",
		"it does not answer as KVM does",
		"interrupt routes: the kernel has 0",
		/* As ENODEV is taken. */
		"it is no open /dev/iommu",
		"it is no open character device of VFIO's",
		"what was handed over for it is not open on",
	};

	for (size_t i = 0; i < ARRAY_SIZE(idioms); i++)
		if (strstr(text, idioms[i]))
			return true;
	return tells_reason(text, error);
}

/* What the run said of its own accord, and where it listens. */
static bool was_told(void)
{
	char *rest = said.text, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "in gdb: ", 8) != 0 &&
		    strncmp(line, "the serial port is at ", 22) != 0)
			return true;
	return false;
}

/*
 * What others have opened has no name but that of the option; a folder that is not there is a
 * kernel without such devices.
 */
static bool names_object(const char *text)
{
	return strstr(text, fault_plan.object) ||
	       strstr(text, "VFIO has no character device of it") ||
	       (world.open && (strstr(text, "fd=") || strstr(text, "handed over")));
}

/* @text says what failed, on which object: a descriptor's number is none. */
static void check_sentence(unsigned int at, const char *text)
{
	const char *call = fault_plan.call;
	bool whole = strlen(text) > 10 && strstr(text, ": ") && !strchr(text, '\n');

	ck_assert_msg(whole, "call %u, %s: no sentence: %s", at, call, text);
	ck_assert_msg(strncmp(text, "event loop: cannot watch", 24) != 0,
		      "call %u, %s: what is it for: %s", at, call, text);
	/* The device is not had by iommufd then, as those before it. */
	if (fault_plan.onwards || strstr(text, "it is had by IOMMU groups, those before it"))
		return;
	ck_assert_msg(names_object(text), "call %u, %s: no '%s' in: %s", at, call,
		      fault_plan.object, text);
	ck_assert_msg(tells_machine_reason(text, fault_plan.error), "call %u, %s: no '%s' in: %s",
		      at, call, err_text(fault_plan.error), text);
}

static void check_outcome(unsigned int at)
{
	if (mock.status == STATUS_FAILED) {
		ck_assert_msg(fault_plan.struck, "call %u: %s", at, mock.err.text);
		check_sentence(at, mock.err.text);
		return;
	}
	ck_assert_msg(mock.status == STATUS_POWERED_OFF, "call %u, %s: status %d", at,
		      fault_plan.call, mock.status);
	ck_assert_msg(!fault_plan.struck || was_told() || is_quiet(fault_plan.call),
		      "call %u, %s: it failed and nothing is said", at, fault_plan.call);
}

/* Of how many calls one is struck, by FAULT_PACE: where many lives take long, some must do. */
static unsigned int walk_pace(void)
{
	const char *text = getenv("FAULT_PACE");
	unsigned long pace = text ? strtoul(text, NULL, 10) : 1;

	ck_assert(pace >= 1 && pace <= 100);
	return (unsigned int)pace;
}

/* Every @pace-th call of a life, or fewer, is struck in its turn; returns how many there are. */
static unsigned int walk(const struct fault_plan *how, unsigned int pace)
{
	unsigned int at = 1, struck;

	pace *= walk_pace();
	for (;; at += pace) {
		world_create();
		fault_plan = *how;
		fault_plan.at = at;
		if (!how->error)
			fault_plan.error = errors[at % ARRAY_SIZE(errors)];
		live();
		fault_disarm();
		struck = fault_plan.struck;
		nothing_is_left(at);
		check_outcome(at);
		fake_machine_close_kernel();
		if (!struck)
			return at - 1;
	}
}

#endif
