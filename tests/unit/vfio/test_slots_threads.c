/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that come and go under processors that are at work with them. */

#include <check.h>
#include <stdlib.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"
#include "vmm/base/log.h"

enum { PROCESSORS = 3, ROUNDS = 40, FLR_AT = 0xa8 };

static bool by_cdevs;
static pthread_rwlock_t world;
static atomic_bool stopping;
static uint32_t window; /* of the port of slot 1 */

static void setup_way(void)
{
	if (by_cdevs)
		setup_guest_by_cdevs();
	else
		setup_guest();
}

/* Anything that a guest may do with the slot, the port, and what is behind it. */
static void access_something(unsigned int what)
{
	uint64_t value;

	switch (what % 11) {
	case 0:
		device_write(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		break;
	case 1:
		device_write(1, PCI_BASE_ADDRESS_0, 4, window);
		break;
	case 2:
		device_write(1, 0x72, 2, what & 16 ? PCI_MSIX_FLAGS_ENABLE : 0);
		break;
	case 3:
		mem_map_write(bench.mmio, window + 0x300c + 16 * (what / 11 % 10), 4, what & 1);
		break;
	case 4:
		mem_map_read(bench.mmio, window + 0x4000, 8, &value);
		break;
	case 5:
		mem_map_read(bench.mmio, window + 8, 4, &value);
		break;
	case 6:
		port_write(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		break;
	case 7:
		guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
		break;
	case 8:
		if (what % 7 == 0)
			guest_sets(1, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_OFF);
		else
			guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
		break;
	case 9:
		if (what % 3 == 0)
			device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR);
		break;
	default:
		device_read(1, 0, PCI_STATUS, 2);
		break;
	}
}

static void *processor(void *argument)
{
	unsigned int seed = *(const unsigned int *)argument;

	while (!atomic_load(&stopping)) {
		pthread_rwlock_rdlock(&world);
		access_something((unsigned int)rand_r(&seed));
		pthread_rwlock_unlock(&world);
	}
	return NULL;
}

/* What the guest's slots tell is looked at, as the machine does. */
static void look(void)
{
	if (atomic_exchange(&guest.slot_changes, 0))
		vfio_slots_changed(bench.vfio);
	turn();
	usleep(200);
}

static void come_and_go(const char *path, const char *id, unsigned int timeout_ms)
{
	unsigned int before = guest.added;

	plug(path, "slot1");
	while (guest.added == before && !guest.refused)
		look();
	ck_assert_uint_eq(guest.refused, 0);
	for (int i = 0; i < 10; i++)
		look();
	/* It may be lost, or switched off, at any time; but not gone without being asked. */
	ck_assert_int_eq(unplug(id, timeout_ms), 0);
	while (vfio_device_count(bench.vfio) > 0)
		look();
}

static void with_processors(void (*work)(void))
{
	unsigned int seeds[PROCESSORS];
	pthread_t threads[PROCESSORS];
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&world, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	guest.world = &world;
	window = port_read(1, PCI_MEMORY_BASE, 2) << 16;
	for (unsigned int i = 0; i < PROCESSORS; i++) {
		seeds[i] = 7 * i + 1;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, processor, &seeds[i]), 0);
	}
	work();
	atomic_store(&stopping, true);
	for (unsigned int i = 0; i < PROCESSORS; i++)
		pthread_join(threads[i], NULL);
	guest.world = NULL;
	pthread_rwlock_destroy(&world);
}

static void many_come_and_go(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++)
		come_and_go(i % 2 ? "01:00.0" : "02:00.1", i % 2 ? FIRST : SECOND, i % 3 * 5);
}

START_TEST(they_come_and_go_under_a_busy_guest)
{
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < 2; i++)
		fake_vfio_poke(&kernel.devices[i], VFIO_PCI_CONFIG_REGION_INDEX, 0xa4, 4,
			       PCI_EXP_DEVCAP_FLR);
	with_processors(many_come_and_go);
	ck_assert_uint_eq(guest.parks, ROUNDS);
	is_empty();
}
END_TEST

/* The other one of the two goes on, and reaches no BAR that is gone. */
static void one_goes_beside_the_other(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		plug("02:00.1", "slot2");
		while (guest.added < 2 + i && !guest.refused)
			look();
		ck_assert_uint_eq(guest.refused, 0);
		guest_uses(2);
		ck_assert_int_eq(unplug(SECOND, 0), 0);
	}
}

START_TEST(one_goes_while_the_other_is_busy)
{
	log_set_level(LOG_ERROR);
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	with_processors(one_goes_beside_the_other);
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
}
END_TEST

static unsigned int begun, restarts; /* of additions; of the guest */

static void restart(void)
{
	guest_park(&guest);
	guest_restarts();
	guest_unpark(&guest);
	restarts++;
}

/* At whatever stage the others are. */
static void do_something(unsigned int what)
{
	static const char *const paths[] = {"01:00.0", "02:00.1", "01:00.3"};
	static const char *const ids[] = {FIRST, SECOND, "0000:01:00.3"};
	unsigned int which = what / 16 % 3;

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
		plug_begins(paths[which], NULL);
		begun++;
		break;
	case 3:
	case 4:
		(void)!unplug_begins(ids[which], what / 48 % 2 * 5);
		break;
	case 5:
		(void)fake_vfio_fire(&kernel.devices[which], VFIO_PCI_REQ_IRQ_INDEX, 0);
		break;
	case 6:
		if (what / 48 % 4 == 0)
			restart();
		break;
	default:
		look();
		break;
	}
}

static void whatever_comes(void)
{
	unsigned int seed = 11;

	/* On a busy machine few devices have come by then. */
	for (unsigned int i = 0; i < 60 * ROUNDS || guest.added <= 10 || restarts <= 10; i++)
		do_something((unsigned int)rand_r(&seed));
	settle();
	for (unsigned int i = 0; i < 3; i++)
		(void)!unplug_begins(i == 0 ? FIRST : i == 1 ? SECOND : "0000:01:00.3", 0);
	while (vfio_device_count(bench.vfio) > 0)
		look();
}

START_TEST(they_come_and_go_at_any_stage_of_others)
{
	log_set_level(LOG_ERROR);
	with_processors(whatever_comes);
	ck_assert_uint_eq(guest.added + guest.refused, begun);
	ck_assert_uint_gt(guest.added, 10);
	ck_assert_uint_gt(restarts, 10);
	guest.news[0] = '\0';
	is_empty();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup_way, teardown_guest);
	tcase_add_test(tests, they_come_and_go_under_a_busy_guest);
	tcase_add_test(tests, one_goes_while_the_other_is_busy);
	tcase_add_test(tests, they_come_and_go_at_any_stage_of_others);
}

int main(void)
{
	int status = run_suite("vfio slots threads by groups", add_tests);

	by_cdevs = true;
	return run_suite("vfio slots threads by iommufd", add_tests) || status;
}
