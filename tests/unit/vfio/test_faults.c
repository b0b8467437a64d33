/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole layer with every call failing in its turn, when it is set up and when it is given back.
 */

#include <check.h>
#include <linux/pci_regs.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/fake_vfio_kvm.h"
#include "tests/unit/support/fault_libc.h"
#include "tests/unit/support/fault_outcome.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_host.h"
#include "vfio/vfio.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum { DEVICES = 2, BEHIND_PORT = 1 << 5 /* as a slot of bus 0 */ };

/* Every test is run for each way to a device. */
static enum { BY_GROUP, BY_IOMMUFD, BY_DESCRIPTOR, BY_BOUND } way;

/*
 * One with a ROM of the user's and a trace, one behind a port that only a reset of its bus can
 * reset.
 */
static struct vfio_device_config describe(size_t i)
{
	struct vfio_device_config config = {.path = i ? "02:00.1" : "01:00.0", .port = i};

	if (way >= BY_DESCRIPTOR) {
		const char *node = i ? "/dev/zero" : "/dev/null";

		config.path = i ? "0000:02:00.1" : "0000:01:00.0";
		config.via = VFIO_VIA_IOMMUFD;
		config.fd = way == BY_BOUND
				    ? open_bound_as_other(config.path, i ? 3 : 0, node, false)
				    : open_cdev_as_other(config.path, i ? 3 : 0, node);
	}
	if (i == 0) {
		config.rom = fake_tree_path("rom");
		config.trace = fake_tree_path("trace");
	}
	return config;
}

static const int errors[] = {-EIO, -ENOMEM, -EPERM, -EBUSY, -EINVAL, -ENODEV, -ENOENT};

static struct {
	struct vfio *vfio;
	struct mem_map *mmio, *pio;
	struct pci_host *host;
	struct loop *loop;
	struct ram *ram;
	struct kvm_irq irq;
	struct err err;
	sem_t mapped;
	unsigned int descriptors, threads;
	long long bytes; /* mapped */
} world;

/* A kernel in good health, and what of the machine the layer needs. */
static void world_create(void)
{
	fake_kernel_boot();
	for (size_t i = 0; i < DEVICES; i++) {
		/* Reads of config space are all alike: fewer of them. */
		kernel.devices[i].regions[VFIO_PCI_CONFIG_REGION_INDEX].size = PCI_CONFIG_SIZE;
	}
	kernel.devices[1].info.flags = VFIO_DEVICE_FLAGS_PCI;
	kernel.devices[1].dependents = 1;
	kernel.devices[1].dependent[0] =
		(struct vfio_pci_dependent_device){.group_id = 8, .bus = 2, .devfn = 1};
	fake_irq_init(&world.irq);
	memset(&world.err, 0, sizeof(world.err));
	world.host = vfio_host_create(world.mmio, world.pio);
	world.descriptors = count_descriptors();
	world.bytes = atomic_load(&libc.mapped);
}

static void world_destroy(void)
{
	const char *call = fault_plan.call ? fault_plan.call : "";

	ck_assert_uint_eq(count_descriptors(), world.descriptors);
	ck_assert(threads_are(world.threads));
	ck_assert_uint_eq(world.irq.attached, 0);
	ck_assert_uint_eq(fake_irq_used(&world.irq), 0);
	ck_assert_int_eq(atomic_load(&libc.mapped), world.bytes);
	/* What the IOMMU would not unmap goes with the container. */
	if (!fault_plan.onwards && strcmp(call, "dma unmap") != 0)
		ck_assert_uint_eq(kernel.space.count, 0);
	/* Somebody else's iommufd stays: what is left in it could not be left, or destroyed. */
	if (way >= BY_DESCRIPTOR && !fault_plan.onwards && strcmp(call, "iommufd ioctl") != 0 &&
	    strcmp(call, "cdev ioctl") != 0)
		ck_assert_uint_eq(kernel.ioas, 0);
	fake_kernel_release();
}

static void setup(void)
{
	const struct ram_range piece = {.base = 0, .size = 2 * MIB};
	const struct ram_config config = {0};

	log_set_level(LOG_ERROR);
	fake_tree_create();
	fake_tree_folder("dev/vfio");
	fake_tree_write("dev/vfio/vfio", "");
	fake_tree_write("dev/vfio/7", "");
	fake_tree_write("dev/vfio/8", "");
	fake_tree_write("rom", "\x55\xaa");
	fake_tree_add_device("0000:01:00.0", 7, "vfio-pci");
	fake_tree_add_device("0000:02:00.1", 8, "vfio-pci");
	/* As on Arm, where MSIs are tried; else the groups would be taken, and nothing said. */
	if (way >= BY_DESCRIPTOR)
		fake_tree_write("kernel/iommu_groups/8/reserved_regions",
				"0x0000000008000000 0x00000000080fffff msi\n");
	if (way != BY_GROUP) {
		fake_tree_add_cdev("0000:01:00.0", 0);
		fake_tree_add_cdev("0000:02:00.1", 3);
	}
	world.mmio = mem_map_create("mmio", 0, &world.err);
	world.pio = mem_map_create("pio", 65536, &world.err);
	world.loop = loop_create(&world.err);
	world.ram = ram_create(world.mmio, &piece, 1, &config, &world.err);
	sem_init(&world.mapped, 0, 0);
	world.threads = count_threads();
}

static void teardown(void)
{
	sem_destroy(&world.mapped);
	ram_destroy(world.ram);
	loop_destroy(world.loop);
	mem_map_destroy(world.pio);
	mem_map_destroy(world.mmio);
	fake_tree_remove();
}

static void ram_mapped(void *machine, const struct err *err)
{
	(void)machine;
	if (err)
		world.err = *err;
	sem_post(&world.mapped);
}

static int map_ram(void)
{
	int status = vfio_map_ram(world.vfio, world.ram, ram_mapped, NULL, &world.err);

	if (status)
		return status;
	while (sem_wait(&world.mapped) < 0)
		;
	return world.err.code;
}

/* As the machine does it; 0 or what the step that failed answered. */
static int bring_up(void)
{
	const int iommufd = way >= BY_DESCRIPTOR ? open_iommufd_as_other("/dev/full") : 0;
	const struct vfio_settings settings = {
		.sysfs = fake_tree_path(""),
		.dev = fake_tree_path("dev"),
		.iommufd = iommufd,
	};
	const struct vfio_attach to = {.mmio = world.mmio,
				       .irq = &world.irq,
				       .host = world.host,
				       .loop = world.loop};
	int status = 0;

	world.vfio = vfio_create(&settings, &world.err);
	if (!world.vfio)
		return world.err.code;
	for (size_t i = 0; i < DEVICES && !status; i++) {
		const struct vfio_device_config config = describe(i);

		status = vfio_add(world.vfio, &config, &world.err);
	}
	if (!status)
		status = vfio_prepare(world.vfio, NULL, &world.err);
	if (!status)
		status = vfio_attach(world.vfio, &to, &world.err);
	return status ? status : map_ram();
}

/* In either order. */
static void take_down(bool host_first)
{
	if (host_first)
		pci_host_destroy(world.host);
	vfio_destroy(world.vfio);
	if (!host_first)
		pci_host_destroy(world.host);
	world.vfio = NULL;
}

/* A device that is bound answers to another binding so, and what it is attached to to its end. */
static bool is_as_ever(const char *call, int error)
{
	return way == BY_BOUND && ((strcmp(call, "cdev ioctl") == 0 && error == -EINVAL) ||
				   (strcmp(call, "iommufd ioctl") == 0 && error == -EBUSY));
}

/* Or a device that does without. */
static void check_outcome(unsigned int at, int status, const struct fault_plan *how)
{
	const char *call = fault_plan.call;

	if (status == 0) {
		/* The VGA region may be absent. */
		ck_assert_msg(!fault_plan.struck || is_spared(call) ||
				      !strcmp(call, "region info") || is_as_ever(call, how->error),
			      "call %u, %s: it failed and nothing is said", at, call);
		return;
	}
	ck_assert_msg(status == world.err.code, "%d, not %d: %s", status, world.err.code,
		      world.err.text);
	tells_fault(at, world.err.text, how);
}

/* Runs bring_up() with each call struck in its turn; returns how many there are. */
static unsigned int walk_set_up(const struct fault_plan *how)
{
	unsigned int at = 0;

	do {
		int status;

		world_create();
		fault_plan = *how;
		fault_plan.at = ++at;
		status = bring_up();
		fault_disarm();
		check_outcome(at, status, how);
		take_down(at % 2);
		world_destroy();
	} while (fault_plan.struck);
	return at - 1;
}

START_TEST(every_call_of_set_up_fails)
{
	const struct fault_plan how = {.error = errors[_i]};

	libc.calls = true;
	ck_assert_uint_gt(walk_set_up(&how), 100);
}
END_TEST

START_TEST(the_device_goes_away_at_every_call_of_set_up)
{
	walk_set_up(&(struct fault_plan){.error = -ENODEV, .onwards = true});
}
END_TEST

START_TEST(every_access_is_cut_short)
{
	walk_set_up(&(struct fault_plan){.fault = FAULT_SHORT, .only = "read"});
	walk_set_up(&(struct fault_plan){.fault = FAULT_SHORT, .only = "write"});
}
END_TEST

static const uint8_t fillings[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

/* Whatever is answered, the layer refuses it or lives with it. */
static void walk_nonsense(uint8_t filling, bool onwards)
{
	unsigned int at = 0;

	do {
		int status;

		world_create();
		fault_arm(++at, FAULT_NONSENSE, 0);
		fault_plan.filling = filling;
		fault_plan.onwards = onwards;
		status = bring_up();
		fault_disarm();
		ck_assert(status == world.err.code || status == 0);
		ck_assert(status == 0 || strlen(world.err.text) > 20);
		take_down(at % 2);
		world_destroy();
	} while (fault_plan.struck);
}

START_TEST(every_answer_is_nonsense)
{
	walk_nonsense(fillings[_i], false);
	walk_nonsense(fillings[_i], true);
}
END_TEST

START_TEST(memory_runs_out_at_every_allocation)
{
	const struct fault_plan once = {.only = "memory", .error = -ENOMEM};
	const struct fault_plan onwards = {.only = "memory", .error = -ENOMEM, .onwards = true};

	libc.memory = true;
	ck_assert_uint_gt(walk_set_up(&once), 20);
	walk_set_up(&onwards);
}
END_TEST

static void guest_write(unsigned int slot, unsigned int offset, uint32_t value)
{
	ck_assert_int_eq(pci_host_config_write(world.host, (uint16_t)(slot << 3), offset, 2, value),
			 MEM_DONE);
}

/* A guest at work: everything on, MSI-X in one device, MSI in the other, behind its port. */
static void run_guest(void)
{
	uint32_t base;

	ck_assert_int_eq(pci_host_assign(world.host, &world.err), 0);
	guest_write(1, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest_write(2, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest_write(BEHIND_PORT, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest_write(1, 0x72, PCI_MSIX_FLAGS_ENABLE);
	guest_write(BEHIND_PORT, 0x52, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	pci_host_config_read(world.host, 1 << 3, PCI_BASE_ADDRESS_0, 4, &base);
	for (unsigned int i = 0; i < 3; i++)
		mem_map_write(world.mmio, base + 0x3000 + 16 * i + 12, 4, 0);
	ck_assert_uint_eq(world.irq.attached, 3 + 4);
}

static void walk_teardown(const struct fault_plan *how, bool host_first)
{
	unsigned int at = 0;

	do {
		world_create();
		ck_assert_int_eq(bring_up(), 0);
		run_guest();
		fault_plan = *how;
		fault_plan.at = ++at;
		take_down(host_first);
		fault_disarm();
		for (size_t i = 0; i < DEVICES && !fault_plan.struck; i++)
			ck_assert_uint_eq(fake_vfio_peek(&kernel.devices[i], 7, PCI_COMMAND, 2), 0);
		world_destroy();
	} while (fault_plan.struck);
	ck_assert_uint_gt(at, 10);
}

START_TEST(every_call_of_teardown_fails)
{
	libc.calls = true;
	walk_teardown(&(struct fault_plan){.error = -EIO}, _i);
}
END_TEST

START_TEST(the_device_goes_away_at_every_call_of_teardown)
{
	walk_teardown(&(struct fault_plan){.error = -ENODEV, .onwards = true}, _i);
}
END_TEST

START_TEST(memory_runs_out_in_teardown)
{
	const struct fault_plan how = {.only = "memory", .error = -ENOMEM, .onwards = true};

	libc.memory = true;
	for (int i = 0; i < 2; i++) {
		world_create();
		libc.memory = false;
		ck_assert_int_eq(bring_up(), 0);
		run_guest();
		libc.memory = true;
		fault_plan = how;
		fault_plan.at = 1;
		take_down(i);
		fault_disarm();
		world_destroy();
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, every_call_of_set_up_fails, 0, ARRAY_SIZE(errors));
	tcase_add_test(tests, the_device_goes_away_at_every_call_of_set_up);
	tcase_add_test(tests, every_access_is_cut_short);
	tcase_add_loop_test(tests, every_answer_is_nonsense, 0, ARRAY_SIZE(fillings));
	tcase_add_test(tests, memory_runs_out_at_every_allocation);
	tcase_add_loop_test(tests, every_call_of_teardown_fails, 0, 2);
	tcase_add_loop_test(tests, the_device_goes_away_at_every_call_of_teardown, 0, 2);
	tcase_add_test(tests, memory_runs_out_in_teardown);
}

int main(void)
{
	int status = run_suite("vfio faults by groups", add_tests);

	way = BY_IOMMUFD;
	status |= run_suite("vfio faults by iommufd", add_tests);
	way = BY_DESCRIPTOR;
	status |= run_suite("vfio faults by descriptors", add_tests);
	way = BY_BOUND;
	return run_suite("vfio faults by bound descriptors", add_tests) || status;
}
