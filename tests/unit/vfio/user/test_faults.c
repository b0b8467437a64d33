/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hardware and a program in one guest with every call of one failing in its turn, and with a server
 * that misbehaves at every message.
 */

#include <semaphore.h>

#include "tests/unit/support/fake_user.h"
#include "tests/unit/support/fault_libc.h"
#include "tests/unit/support/fault_outcome.h"
#include "tests/unit/support/vfio_layer.h"
#include "vmm/base/log.h"

enum { USER_ID = 0x56781234, HARDWARE_ID = 0x10d38086, SERVERS_WORDS = 8 };

static const int errors[] = {-EIO, -ENOMEM, -EPERM, -EBUSY, -ENODEV};

static struct {
	struct ram *ram;
	sem_t mapped;
	long long bytes; /* mapped */
	struct err err;
} world;

/* Every test is run for both orders. */
static bool program_first;

static void set_up(void)
{
	const struct ram_range piece = {.base = 0, .size = 2 * MIB};
	const struct ram_config config = {.shared = true};

	log_set_level(LOG_ERROR);
	setup();
	vfio_destroy(bench.vfio);
	pci_host_destroy(bench.host);
	bench.vfio = NULL;
	bench.host = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kernel.devices); i++)
		fake_vfio_release(&kernel.devices[i]);
	world.ram = ram_create(bench.mmio, &piece, 1, &config, &bench.err);
	ck_assert_ptr_nonnull(world.ram);
	sem_init(&world.mapped, 0, 0);
}

static void tear_down(void)
{
	sem_destroy(&world.mapped);
	ram_destroy(world.ram);
	loop_destroy(bench.loop);
	mem_map_destroy(bench.pio);
	mem_map_destroy(bench.mmio);
	fake_tree_remove();
}

static void world_create(void)
{
	fake_kernel_boot();
	/* Reads of config space are all alike: fewer of them. */
	for (size_t i = 0; i < ARRAY_SIZE(kernel.devices); i++)
		kernel.devices[i].regions[VFIO_PCI_CONFIG_REGION_INDEX].size = PCI_CONFIG_SIZE;
	while (sem_trywait(&world.mapped) == 0)
		;
	world.bytes = atomic_load(&libc.mapped);
	fake_user_set_up();
	memset(&world.err, 0, sizeof(world.err));
	fake_irq_init(&bench.irq);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
}

static void *serve(void *argument)
{
	/* What it does is nobody's. */
	libc_in_fake++;
	user_server_run(&fake.server, *(int *)argument);
	return NULL;
}

static int connect_to_server(void)
{
	static int other;
	int ends[2];

	libc_in_fake++;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	other = ends[1];
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, serve, &other), 0);
	fake.running = true;
	libc_in_fake--;
	return ends[0];
}

/* Also when it failed nothing is left of both. */
static void world_destroy(bool host_first)
{
	if (host_first)
		pci_host_destroy(bench.host);
	vfio_destroy(bench.vfio);
	if (!host_first)
		pci_host_destroy(bench.host);
	bench.host = NULL;
	bench.vfio = NULL;
	fake_user_close();
	vfio_user_memory_release(&fake.memory);
	close(fake.file);
	ck_assert_uint_eq(count_descriptors(), fake.descriptors);
	ck_assert(threads_are(fake.threads));
	ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_uint_eq(fake_irq_used(&bench.irq), 0);
	ck_assert_int_eq(atomic_load(&libc.mapped), world.bytes);
	/* What the IOMMU would not unmap goes with the container. */
	if (!fault_plan.onwards)
		ck_assert_uint_eq(kernel.space.count, 0);
	fake_kernel_release();
}

static void hear_mapping(void *machine, const struct err *err)
{
	(void)machine;
	if (err)
		world.err = *err;
	sem_post(&world.mapped);
}

/* Also where one has failed, or was not begun, the other may be at work. */
static void wait_for_mappers(void)
{
	for (size_t i = 0; i < VFIO_KINDS; i++) {
		const struct vfio_family *family = &bench.vfio->families[i];

		while (family->dma.running && !atomic_load(&family->map_ended))
			usleep(100);
	}
}

static int add_both(void)
{
	int rc = 0;

	for (unsigned int i = 0; i < 2 && !rc; i++) {
		struct vfio_device_config config = {.path = "01:00.0", .via = VFIO_VIA_GROUP};

		if (program_first == !i)
			config = (struct vfio_device_config){.path = "fd=9",
							     .via = VFIO_VIA_USER,
							     .fd = connect_to_server()};
		rc = vfio_add(bench.vfio, &config, &world.err);
	}
	return rc;
}

/* As the machine does it; 0 or what the step that failed answered. */
static int bring_up(void)
{
	const struct vfio_settings settings = {
		.sysfs = fake_tree_path(""),
		.dev = fake_tree_path("dev"),
	};
	const struct vfio_attach to = {.mmio = bench.mmio,
				       .irq = &bench.irq,
				       .host = bench.host,
				       .loop = bench.loop};
	int rc;

	bench.vfio = vfio_create(&settings, &world.err);
	rc = bench.vfio ? add_both() : world.err.code;
	if (!rc)
		rc = vfio_prepare(bench.vfio, NULL, &world.err);
	if (!rc)
		rc = vfio_attach(bench.vfio, &to, &world.err);
	if (!rc)
		rc = vfio_begin(bench.vfio, &world.err);
	if (!rc)
		rc = vfio_map_ram(bench.vfio, world.ram, hear_mapping, NULL, &world.err);
	if (!rc) {
		while (sem_wait(&world.mapped) < 0)
			;
		rc = world.err.code;
	}
	if (bench.vfio)
		wait_for_mappers();
	return rc;
}

static uint32_t identity(unsigned int slot)
{
	uint32_t value;

	pci_host_config_read(bench.host, (uint16_t)(slot << 3), PCI_VENDOR_ID, 4, &value);
	return value;
}

/* Hardware is had whole, whatever became of the program. */
static void check_hardware(void)
{
	ck_assert_uint_eq(identity(program_first ? 2 : 1), HARDWARE_ID);
	ck_assert(vfio_ram_is_pinned(bench.vfio));
	ck_assert_uint_eq(kernel.space.count, 1);
}

static void check_outcome(unsigned int at, int rc, const struct fault_plan *how)
{
	const char *call = fault_plan.call;

	if (rc == 0) {
		ck_assert_msg(!fault_plan.struck || is_spared(call) ||
				      strcmp(call, "region info") == 0,
			      "call %u, %s: it failed and nothing is said", at, call);
		if (!fault_plan.struck)
			ck_assert_uint_eq(identity(program_first ? 1 : 2), USER_ID);
		return;
	}
	ck_assert_msg(rc == world.err.code, "%d, not %d: %s", rc, world.err.code, world.err.text);
	/* A reader of JSON that has no memory does not say so. */
	if (strcmp(call, "memory") == 0 && strstr(world.err.text, "capabilities that are none"))
		return;
	tells_fault(at, world.err.text, how);
}

/* Runs bring_up() with each call struck in its turn; returns how many there are. */
static unsigned int walk(const struct fault_plan *how)
{
	unsigned int at = 0;

	do {
		int rc;

		world_create();
		fault_plan = *how;
		fault_plan.at = ++at;
		rc = bring_up();
		fault_disarm();
		check_outcome(at, rc, how);
		world_destroy(at % 2);
	} while (fault_plan.struck);
	return at - 1;
}

START_TEST(every_call_of_set_up_fails)
{
	const struct fault_plan how = {.error = errors[_i / 2]};

	program_first = _i % 2;
	libc.calls = true;
	ck_assert_uint_gt(walk(&how), 50);
}
END_TEST

START_TEST(hardware_goes_away_at_every_call)
{
	program_first = _i;
	walk(&(struct fault_plan){.error = -ENODEV, .onwards = true});
}
END_TEST

START_TEST(memory_runs_out_at_every_allocation)
{
	const struct fault_plan how = {.only = "memory", .error = -ENOMEM};

	program_first = _i;
	libc.memory = true;
	ck_assert_uint_gt(walk(&how), 20);
}
END_TEST

/* What a server leaves open, or takes seconds for, is others' to test. */
static bool is_walked(enum user_fault fault)
{
	return fault != USER_FAULT_NONE && fault != USER_FAULT_LATE && fault != USER_FAULT_TALKS &&
	       fault != USER_FAULT_FD && fault != USER_FAULT_FDS && fault != USER_FAULT_DEVICE;
}

/* Whether there was such a message. */
static bool misbehave(enum user_fault fault, enum server_command command, unsigned int skip)
{
	bool came;
	int rc;

	world_create();
	fake.server.fault = fault;
	fake.server.at = command;
	fake.server.skip = skip;
	rc = bring_up();
	came = fake_user_heard(command) > skip;
	ck_assert(rc == 0 || rc == world.err.code);
	if (rc == 0)
		check_hardware();
	else
		ck_assert_msg(strlen(world.err.text) > 20, "%s", world.err.text);
	world_destroy(skip % 2);
	return came;
}

START_TEST(a_server_misbehaves_at_every_message)
{
	const enum user_fault fault = (enum user_fault)(_i / 2);
	unsigned int walked = 0;

	program_first = _i % 2;
	log_set_level(LOG_ERROR);
	hear();
	for (unsigned int command = 1; command < COMMANDS && is_walked(fault); command++)
		for (unsigned int skip = 0; skip < SERVERS_WORDS; skip++)
			walked += misbehave(fault, command, skip);
	heard();
	if (is_walked(fault))
		ck_assert_uint_gt(walked, SERVERS_WORDS);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, every_call_of_set_up_fails, 0, 2 * ARRAY_SIZE(errors));
	tcase_add_loop_test(tests, hardware_goes_away_at_every_call, 0, 2);
	tcase_add_loop_test(tests, memory_runs_out_at_every_allocation, 0, 2);
	tcase_add_loop_test(tests, a_server_misbehaves_at_every_message, 0, 2 * USER_FAULTS);
}

int main(void)
{
	return run_suite("hardware beside a program, with faults", add_tests);
}
