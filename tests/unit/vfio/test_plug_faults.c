/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that come and go with every call failing in its turn, one guest's life long: whatever
 * fails, all is taken back, and the next one finds things as if nothing had been.
 */

#include <check.h>
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/support/fault_libc.h"
#include "tests/unit/support/fault_outcome.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"
#include "vmm/base/log.h"

enum { CONFIG = VFIO_PCI_CONFIG_REGION_INDEX };

static const int errors[] = {-EIO, -ENOMEM, -EPERM, -EBUSY, -EINVAL, -ENODEV, -ENOENT};

static bool by_cdevs;
static int stopper;
static long long bytes; /* mapped before any device came */

static void setup_way(void)
{
	log_set_level(LOG_ERROR);
	if (by_cdevs)
		setup_cdevs();
	else
		setup();
	for (size_t i = 0; i < 2; i++) {
		/* Reads of config space are all alike: fewer of them. */
		kernel.devices[i].regions[CONFIG].size = PCI_CONFIG_SIZE;
	}
	/* By a reset of its bus alone. */
	kernel.devices[1].info.flags = VFIO_DEVICE_FLAGS_PCI;
	kernel.devices[1].dependents = 1;
	kernel.devices[1].dependent[0] =
		(struct vfio_pci_dependent_device){.group_id = 8, .bus = 2, .devfn = 1};
	start_guest();
	stopper = fd_eventfd();
	ck_assert_int_eq(loop_add(bench.loop, stopper, EPOLLIN, guest_stop_loop, NULL, &bench.err),
			 0);
	guest.descriptors = count_descriptors();
	bytes = atomic_load(&libc.mapped);
}

static void teardown_way(void)
{
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
	libc.calls = libc.memory = false;
	teardown_guest();
}

/* As turn(), without a call that may be struck. */
static void turn_unseen(void)
{
	fd_signal(stopper);
	must(loop_run(bench.loop, &bench.err) == 0);
	fd_take(stopper);
	usleep(100);
}

/* Comes, or is refused; 0 or why. */
static int come_as(const struct vfio_device_config *config, const char *slot)
{
	guest.added = guest.refused = 0;
	vfio_plug(bench.vfio, config, slot, guest_added, &guest);
	while (!guest.added && !guest.refused)
		turn_unseen();
	return guest.added ? 0 : guest.err.code;
}

static int come(const char *path, const char *slot)
{
	const struct vfio_device_config config = {
		.path = path,
		.via = bench.via,
		.trace = strcmp(slot, "slot2") == 0 ? "/dev/null" : NULL,
	};

	return come_as(&config, slot);
}

static void go(const char *id)
{
	size_t before = vfio_device_count(bench.vfio);

	must(vfio_unplug(bench.vfio, id, 0, &bench.err) == 0);
	while (vfio_device_count(bench.vfio) == before)
		turn_unseen();
	guest.news[0] = '\0';
}

/* What a call that failed may have left in the made-up kernel goes with what is closed. */
static void forget_in_kernel(void)
{
	kernel.joined = 0;
	kernel.space.count = 0;
	for (size_t i = 0; i < kernel.nodes_used; i++)
		kernel.nodes[i].known_to_kvm = false;
	kernel.events[0] = '\0';
}

static void nothing_is_left(void)
{
	forget_in_kernel();
	is_empty();
	ck_assert_int_eq(atomic_load(&libc.mapped), bytes);
}

static void check_coming(unsigned int at, int rc, const struct fault_plan *how)
{
	const char *call = fault_plan.call;

	if (rc) {
		tells_fault(at, guest.err.text, how);
		return;
	}
	/* The main thread does what a thread was not to be had for; BARs may stay out of reach. */
	ck_assert_msg(!fault_plan.struck || is_spared(call) || !strcmp(call, "region info") ||
			      !strcmp(call, "pthread_create") || !strcmp(call, "dma map"),
		      "call %u, %s: it failed and nothing is said", at, call);
}

/* The slot tells of what has come alone. */
static bool is_told_of(unsigned int slot)
{
	return guest_takes_events(slot) & PCI_EXP_SLTSTA_PDC;
}

/* Each call struck in its turn as a first device comes; returns how many there are. */
static unsigned int walk_first(const struct fault_plan *how)
{
	unsigned int at = 0, struck;

	do {
		int rc;

		guest_takes_events(1);
		fault_plan = *how;
		fault_plan.at = ++at;
		rc = come("01:00.0", "slot1");
		fault_disarm();
		struck = fault_plan.struck;
		check_coming(at, rc, how);
		ck_assert_int_eq(is_told_of(1), !rc);
		if (!rc)
			go(FIRST);
		nothing_is_left();
	} while (struck);
	return at - 1;
}

/* The first one works on, whatever happens. */
static void first_is_unharmed(void)
{
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_eq(device_read(1, 0, PCI_COMMAND, 2), 6);
	ck_assert(vfio_ram_is_pinned(bench.vfio));
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
	ck_assert(!guest.parked);
}

static unsigned int walk_second(const struct fault_plan *how)
{
	unsigned int at = 0, struck, descriptors;

	ck_assert_int_eq(come("01:00.0", "slot1"), 0);
	guest_uses(1);
	descriptors = count_descriptors();
	do {
		int rc;

		fault_plan = *how;
		fault_plan.at = ++at;
		rc = come("02:00.1", "slot2");
		fault_disarm();
		struck = fault_plan.struck;
		check_coming(at, rc, how);
		if (!rc)
			go(SECOND);
		first_is_unharmed();
		ck_assert_uint_eq(count_descriptors(), descriptors);
	} while (struck);
	go(FIRST);
	nothing_is_left();
	return at - 1;
}

START_TEST(every_call_fails_as_it_comes)
{
	const struct fault_plan how = {.error = errors[_i]};

	libc.calls = true;
	ck_assert_uint_gt(walk_first(&how), 60);
	ck_assert_uint_gt(walk_second(&how), 50);
}
END_TEST

START_TEST(it_goes_away_as_it_comes)
{
	const struct fault_plan how = {.error = -ENODEV, .onwards = true};

	walk_first(&how);
}
END_TEST

START_TEST(memory_runs_out_as_it_comes)
{
	libc.memory = true;
	ck_assert_uint_gt(walk_first(&(struct fault_plan){.only = "memory", .error = -ENOMEM}), 15);
	walk_first(&(struct fault_plan){.only = "memory", .error = -ENOMEM, .onwards = true});
}
END_TEST

/* By groups nobody needs it; by iommufd it is none, and refused. */
START_TEST(an_iommufd_goes_with_the_device_that_brought_it)
{
	unsigned int at = 0, struck;

	libc.memory = true;
	do {
		const struct vfio_device_config config = {
			.path = "01:00.0",
			.via = bench.via,
			.iommufd = open("/dev/null", O_RDWR | O_CLOEXEC),
		};
		int rc;

		ck_assert_int_gt(config.iommufd, 0);
		fault_plan = (struct fault_plan){.at = ++at, .only = "memory", .error = -ENOMEM};
		rc = come_as(&config, "slot1");
		fault_disarm();
		struck = fault_plan.struck;
		if (!rc)
			go(FIRST);
		ck_assert_int_eq(bench.vfio->settings.iommufd, 0);
		nothing_is_left();
	} while (struck);
	ck_assert_uint_gt(at, 4);
}
END_TEST

/* In use, with vectors, beside another or alone. */
static void walk_leaving(const struct fault_plan *how, bool beside)
{
	unsigned int at = 0, struck;

	do {
		ck_assert_int_eq(come("02:00.1", "slot2"), 0);
		guest_uses(2);
		if (beside)
			ck_assert_int_eq(come("01:00.0", "slot1"), 0);
		fault_plan = *how;
		fault_plan.at = ++at;
		go(SECOND);
		fault_disarm();
		struck = fault_plan.struck;
		ck_assert_uint_eq(device_read(2, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
		if (beside)
			go(FIRST);
		nothing_is_left();
	} while (struck);
	ck_assert_uint_gt(at, 10);
}

START_TEST(every_call_fails_as_it_leaves)
{
	libc.calls = true;
	walk_leaving(&(struct fault_plan){.error = -EIO}, _i);
}
END_TEST

START_TEST(it_goes_away_as_it_leaves)
{
	walk_leaving(&(struct fault_plan){.error = -ENODEV, .onwards = true}, _i);
}
END_TEST

START_TEST(memory_runs_out_as_it_leaves)
{
	for (int i = 0; i < 2; i++) {
		libc.memory = false;
		ck_assert_int_eq(come("02:00.1", "slot2"), 0);
		guest_uses(2);
		libc.memory = true;
		fault_plan = (struct fault_plan){.at = 1,
						 .only = "memory",
						 .error = -ENOMEM,
						 .onwards = true};
		go(SECOND);
		fault_disarm();
		nothing_is_left();
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup_way, teardown_way);
	tcase_add_loop_test(tests, every_call_fails_as_it_comes, 0, ARRAY_SIZE(errors));
	tcase_add_test(tests, it_goes_away_as_it_comes);
	tcase_add_test(tests, memory_runs_out_as_it_comes);
	tcase_add_test(tests, an_iommufd_goes_with_the_device_that_brought_it);
	tcase_add_loop_test(tests, every_call_fails_as_it_leaves, 0, 2);
	tcase_add_loop_test(tests, it_goes_away_as_it_leaves, 0, 2);
	tcase_add_test(tests, memory_runs_out_as_it_leaves);
}

int main(void)
{
	int status = run_suite("vfio plug faults by groups", add_tests);

	by_cdevs = true;
	return run_suite("vfio plug faults by iommufd", add_tests) || status;
}
