/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole machines under a storm: processors, devices, clients of the control socket and a debugger
 * do anything at once. What is looked for is what the sanitizers find, and what is left.
 */

#include <check.h>

#include "tests/unit/support/fake_acts.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/pause.h"

enum { CPUS = 3, ACTS = 4000, BLOWS = 2000, PATIENCE_MS = 20000, SIDES_MAX = 3 };

/* A refused call is asked again after pauses: here they are short. */
bool pause_unless(int stop, int milliseconds)
{
	struct pollfd event = {.fd = stop, .events = POLLIN};

	return poll(&event, 1, milliseconds > 1) == 0;
}

/* One thread's chance (xorshift64), which is the same each time. */
struct side {
	struct acts acts;
	uint64_t chance;
	unsigned int count;
	void (*strike)(struct acts *acts, int fd);
	int fd;
	pthread_t thread;
};

static struct side processors[CPUS], sides[SIDES_MAX];
static unsigned int descriptors, threads, side_count;
static atomic_uint done;      /* processors that had their turns */
static atomic_bool is_driven; /* the first device: an interrupt of it was taken */

static uint64_t by_chance(void *source, unsigned int size)
{
	struct side *side = source;

	side->chance ^= side->chance << 13;
	side->chance ^= side->chance >> 7;
	side->chance ^= side->chance << 17;
	return side->chance & all_ones(size);
}

static void prepare(struct side *side, uint64_t seed)
{
	*side = (struct side){.chance = seed * UINT64_C(0x9e3779b97f4a7c15), .fd = -1};
	side->acts = (struct acts){.take = by_chance, .source = side};
}

/* Chance alone may never get to where devices interrupt: the first is driven before the storm. */
static int drives_first(struct side *side, struct fake_cpu *cpu)
{
	if (cpu->index) {
		usleep(1000);
		return FAKE_NO_EXIT;
	}
	if (side->acts.step)
		return acts_drive(&side->acts, cpu);
	kernel_fire(&kernel.devices[0], VFIO_PCI_MSIX_IRQ_INDEX, 0);
	atomic_store(&is_driven, fake_guest_take_interrupts() > 0);
	return FAKE_NO_EXIT;
}

static int storms(void *owner, struct fake_cpu *cpu)
{
	struct side *side = &processors[cpu->index];

	(void)owner;
	if (!atomic_load(&is_driven))
		return drives_first(side, cpu);
	if (side->count == ACTS)
		return fake_guest_sit(cpu);
	if (++side->count == ACTS)
		atomic_fetch_add(&done, 1);
	return acts_guest(&side->acts, cpu);
}

static void *strike_on(void *argument)
{
	struct side *side = argument;

	while (side->count++ < BLOWS) {
		side->strike(&side->acts, side->fd);
		usleep((useconds_t)by_chance(side, 1));
	}
	return NULL;
}

static void strike_device(struct acts *acts, int unused)
{
	(void)unused;
	acts_device(acts);
}

static void add_side(void (*strike)(struct acts *acts, int fd), const char *address)
{
	struct side *side = &sides[side_count];

	prepare(side, processors[0].chance + ++side_count);
	side->strike = strike;
	if (address)
		side->fd = acts_connect(address);
}

/* Lets the storm rage until each had its share; what stands for a debugger has had it. */
static void *end_storm(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < side_count; i++)
		must(!pthread_create(&sides[i].thread, NULL, strike_on, &sides[i]));
	for (unsigned int i = 0; i < side_count; i++)
		must(!pthread_join(sides[i].thread, NULL));
	for (int i = 0; i < PATIENCE_MS && atomic_load(&done) < CPUS && !mock.config.gdb; i++) {
		machine_request(mock.machine, REQUEST_RESUME);
		usleep(1000);
	}
	machine_end(mock.machine, CONTROL_HOST_QUIT, STATUS_POWERED_OFF, NULL, NULL);
	return NULL;
}

static void setup(void)
{
	fake_machine_setup();
	fake_machine_add_cdevs();
	mock.config.cpus = CPUS;
	mock.config.control = mock.control;
	mock.config.slots = 3;
	descriptors = count_descriptors();
	threads = count_threads();
	side_count = 0;
	atomic_store(&done, 0);
}

static void teardown(void)
{
	fake_machine_teardown();
}

/* STORM=N in the environment is another storm. */
static void rage(uint64_t seed)
{
	const char *another = getenv("STORM");
	const char *left;
	pthread_t storm;

	seed += another ? strtoull(another, NULL, 10) * 1000 : 0;
	for (unsigned int i = 0; i < CPUS; i++)
		prepare(&processors[i], seed + i);
	atomic_store(&is_driven, mock.config.vfio_count == 0);
	kvm.guest = storms;
	ck_assert_msg(fake_machine_create(), "%s", mock.err.text);
	acts_set_driver(&processors[0].acts, mock.machine->platform.ecam.base + (1 << 15),
			mock.machine->platform.mmio32.base);
	add_side(strike_device, NULL);
	add_side(acts_control, mock.control);
	if (mock.config.gdb)
		add_side(acts_gdb, mock.gdb);
	must(!pthread_create(&storm, NULL, end_storm, NULL));
	fake_machine_run();
	must(!pthread_join(storm, NULL));
	fake_machine_destroy();
	for (unsigned int i = 0; i < side_count; i++)
		fd_close(&sides[i].fd);
	left = fake_machine_is_gone();
	ck_assert_msg(!left, "%s is left", left);
	ck_assert_int_eq(mock.status, STATUS_POWERED_OFF);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	ck_assert(threads_are(threads));
	if (!mock.config.gdb)
		ck_assert_uint_eq(done, CPUS);
	ck_assert(mock.config.gdb || atomic_load(&is_driven));
}

START_TEST(rages_by_groups)
{
	fake_machine_add(FAKE_FIRST)->via = VFIO_VIA_GROUP;
	fake_machine_add(FAKE_THIRD)->via = VFIO_VIA_GROUP;
	mock.config.vfio[1].port = true;
	rage(1);
}
END_TEST

START_TEST(rages_by_iommufd)
{
	fake_machine_add(FAKE_FIRST)->trace = "/dev/null";
	fake_machine_add(FAKE_SECOND)->port = true;
	rage(2);
}
END_TEST

START_TEST(rages_in_empty_slots)
{
	rage(3);
}
END_TEST

START_TEST(rages_under_a_debugger)
{
	fake_machine_add(FAKE_FIRST);
	mock.config.gdb = mock.gdb;
	rage(4);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, rages_by_groups);
	tcase_add_test(tests, rages_by_iommufd);
	tcase_add_test(tests, rages_in_empty_slots);
	tcase_add_test(tests, rages_under_a_debugger);
}

int main(void)
{
	return run_suite("vmm/machine/machine_storm", add_tests);
}
