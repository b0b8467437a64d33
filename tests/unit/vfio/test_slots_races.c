/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that come and leave, where two things happen between two looks of the main thread. */

#include <check.h>
#include <errno.h>
#include <poll.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"
#include "vfio/iommufd/cdev.h"

enum { CONFIG = VFIO_PCI_CONFIG_REGION_INDEX, FLR_AT = 0xa8 };

static void setup_way(void)
{
	setup_guest_by(VFIO_VIA_GROUP);
}

static void guest_sets_and_is_seen(uint32_t power, uint32_t indicator)
{
	guest_sets(1, power, indicator);
	vfio_slots_changed(bench.vfio);
}

static void host_wants(void)
{
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_REQ_IRQ_INDEX, 0));
	turn();
}

/* Its time to say that it was switching the slot on is over. */
static void let_settle(void)
{
	usleep(1100 * 1000);
	turn();
}

/* Linux 6.1: no events of the link, a reset of it, DLLSC cleared, events of the link again. */
START_TEST(lost_while_the_guest_resets_the_slot)
{
	const uint32_t on = PCI_EXP_SLTCTL_PWR_ON | PCI_EXP_SLTCTL_PWR_IND_ON |
			    PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_ATTN_IND_OFF;

	plug_used("01:00.0");
	kernel.devices[0].dies_in_reset = true;
	port_write(1, SLOT_CONTROL, 2, on);
	while (port_write(1, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET) == MEM_NOT_YET)
		turn();
	wait_for(&guest.parks, 1);
	port_write(1, PCI_BRIDGE_CONTROL, 2, 0);
	port_write(1, SLOT_STATUS, 2, PCI_EXP_SLTSTA_DLLSC);
	port_write(1, SLOT_CONTROL, 2, on | PCI_EXP_SLTCTL_DLLSCE);
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
	is_empty();
}
END_TEST

START_TEST(the_host_wants_what_the_guest_has_just_kept)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 60000), 0);
	guest_takes_events(1);
	guest_sets_and_is_seen(PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	guest_sets_and_is_seen(PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	host_wants();
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_ABP);
	let_settle();
	guest_told("wanted " FIRST " " FIRST " slot1; ");
	ck_assert_int_eq(bench.vfio->slots[0].removal, VFIO_ASKED);
	guest_lets_go(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

START_TEST(switched_off_and_on_again_it_has_let_go)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 60000), 0);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	while (guest_sets(1, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_BLINK) == MEM_NOT_YET)
		turn();
	guest_sets_and_is_seen(PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	settle();
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
	/* What comes next is not taken for it. */
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 60000), 0);
	vfio_slots_changed(bench.vfio);
	guest_told("");
}
END_TEST

static int busy_map(struct vfio_space *space, const struct vfio_mapping *map)
{
	(void)space;
	(void)map;
	wait_in_map();
	return -EBUSY;
}

/* RAM could not be mapped for one that has gone since. */
START_TEST(why_ram_was_not_mapped_goes_with_who_came)
{
	hold_mapper();
	held.slow.map = busy_map;
	plug("01:00.0", NULL);
	let_mapper_go();
	while (!atomic_load(&hardware()->map_ended))
		usleep(1000);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	plug_refused(FIRST ": it was taken back before the guest had it");
	turn();
	kernel.space.space.ops = held.quick;
	plug_in("02:00.1", NULL);
}
END_TEST

static atomic_uint mappings;

static void count_mapping(void *machine, const struct err *err)
{
	(void)machine;
	must(!err);
	atomic_fetch_add(&mappings, 1);
}

START_TEST(the_end_of_the_mapping_is_told_once)
{
	const struct vfio_device_config first = {.path = "01:00.0",
						 .port = true,
						 .via = VFIO_VIA_GROUP};

	destroy();
	ram_destroy(guest.ram);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	start_guest_with(&first, 1, count_mapping);
	while (!vfio_ram_is_pinned(bench.vfio))
		turn();
	plug_in("02:00.1", NULL);
	ck_assert_uint_eq(atomic_load(&mappings), 1);
}
END_TEST

/* A way that a device of before could not go. */
START_TEST(the_way_that_was_asked_for_is_tried)
{
	const struct vfio_device_config by_iommufd = {.path = "01:00.0", .via = VFIO_VIA_IOMMUFD};

	hardware()->unfit = &vfio_iommufd_provider;
	vfio_plug(bench.vfio, &by_iommufd, NULL, guest_added, &guest);
	wait_for(&guest.added, 1);
	ck_assert_str_eq(hardware()->provider->ops->name, "iommufd");
	hardware()->unfit = &vfio_iommufd_provider;
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	ck_assert_ptr_null(hardware()->unfit);
}
END_TEST

/* Of the first device, which is dead in between. */
static uint32_t config[PCI_CONFIG_SIZE / 4];

static void keep_config(void)
{
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE / 4; i++)
		config[i] = (uint32_t)fake_vfio_peek(&kernel.devices[0], CONFIG, i * 4, 4);
}

static void give_back_config(void)
{
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE / 4; i++)
		fake_vfio_poke(&kernel.devices[0], CONFIG, i * 4, 4, config[i]);
}

static void wait_for_reset(const struct vfio_pci *pci)
{
	struct pollfd done = {.fd = pci->reset.done, .events = POLLIN};

	ck_assert_int_eq(poll(&done, 1, 30000), 1);
	ck_assert(fd_take(pci->reset.done));
	fd_signal(pci->reset.done);
}

/* Its own reset in the guest ends with silence, that of the machine behind it does not. */
START_TEST(one_that_came_back_stays)
{
	plug_used("01:00.0");
	keep_config();
	kernel.devices[0].dies_in_reset = true;
	device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR);
	wait_for_reset(bench.vfio->entries[0]->pci);
	kernel.devices[0].dies_in_reset = false;
	give_back_config();
	guest_restarts();
	ck_assert(bench.vfio->entries[0]->lost);
	ck_assert_int_eq(bench.vfio->entries[0]->pci->state, VFIO_PCI_ALIVE);
	turn();
	guest_told("");
	ck_assert_int_eq(bench.vfio->slots[0].removal, VFIO_STAYS);
	ck_assert(!bench.vfio->entries[0]->lost);
}
END_TEST

/* The host's kernel has taken the driver away, and waits, as its request says. */
static void host_takes(void)
{
	fake_tree_unlink("bus/pci/devices/" FIRST "/driver");
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_REQ_IRQ_INDEX, 0));
	turn();
}

/* What was said, of which nothing is about resets. */
static void no_reset_is_told_of(void)
{
	const char *text = heard();

	ck_assert_msg(!strstr(text, "reset") && !strstr(text, "bus"), "%s", text);
}

/* By its function, by its link, after an error: the kernel would refuse. */
START_TEST(what_the_host_takes_is_not_reset)
{
	plug_used("01:00.0");
	hear();
	host_takes();
	if (_i == 0)
		ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	else if (_i == 1)
		ck_assert_int_eq(port_write(1, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET),
				 MEM_DONE);
	else
		ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_ERR_IRQ_INDEX, 0));
	turn();
	ck_assert_int_eq(bench.vfio->entries[0]->pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(kernel.devices[0].resets + kernel.devices[0].hot_resets, 0);
	no_reset_is_told_of();
	guest_told(_i == 2 ? "wanted " FIRST " " FIRST " slot1; failed " FIRST " " FIRST " slot1; "
			   : "wanted " FIRST " " FIRST " slot1; ");
}
END_TEST

static void await_resets(struct fake_vfio *device, unsigned int count)
{
	unsigned int resets = 0;

	for (int i = 0; i < 60000 && resets < count; i++) {
		usleep(1000);
		pthread_mutex_lock(&device_lock);
		resets = device->resets;
		pthread_mutex_unlock(&device_lock);
	}
	ck_assert_uint_eq(resets, count);
}

/* The host's request comes while the kernel is being asked, which refuses from then on. */
START_TEST(what_the_host_takes_in_a_reset_goes_without)
{
	static const int retries_ms[] = {5, 3600 * 1000, 0};
	struct vfio_pci *pci;

	plug_used("01:00.0");
	pci = bench.vfio->entries[0]->pci;
	pci->reset.retries_ms = retries_ms;
	kernel.devices[0].refusals = UINT_MAX;
	ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	await_resets(&kernel.devices[0], 2);
	host_takes();
	hear();
	wait_for_reset(pci);
	turn();
	ck_assert_uint_eq(kernel.devices[0].resets, 2);
	ck_assert_int_eq(pci->state, VFIO_PCI_ISOLATED);
	no_reset_is_told_of();
	ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
}
END_TEST

/* Nobody reset it but, perhaps, the host's kernel: it is given time. */
START_TEST(one_that_was_not_reset_here_is_waited_for)
{
	static const int pauses_ms[] = {1, 1, 300, 300, 300, 300, 300, 0};
	struct vfio_pci *pci;

	plug_used("01:00.0");
	pci = bench.vfio->entries[0]->pci;
	pci->reset.by_function = false;
	pci->reset.pauses_ms = pauses_ms;
	keep_config();
	fake_vfio_kill(&kernel.devices[0]);
	ck_assert_int_eq(port_write(1, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET),
			 MEM_NOT_YET);
	for (int i = 0; i < 60000 && pci->reset.way != VFIO_RESET_BY_NOTHING; i++) {
		turn();
		usleep(1000);
	}
	give_back_config();
	while (port_write(1, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET) == MEM_NOT_YET)
		turn();
	ck_assert_int_eq(pci->state, VFIO_PCI_ALIVE);
	guest_told("");
}
END_TEST

START_TEST(one_that_does_not_answer_is_not_reset_as_it_leaves)
{
	plug_used("01:00.0");
	fake_vfio_kill(&kernel.devices[0]);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	ck_assert_uint_eq(kernel.devices[0].resets, 0);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* The first one had a port as narrow as it is. */
START_TEST(it_comes_where_it_fits)
{
	const struct vfio_device_config first = {.path = "01:00.3",
						 .port = true,
						 .via = VFIO_VIA_GROUP};

	fake_tree_write("bus/pci/devices/0000:02:00.1/resource",
			"0xfeb40000 0xfeb4ffff 0x40200\n"
			"0x0 0x0 0x0\n"
			"0xe000 0xe01f 0x40101\n"
			"0x0 0x0 0x0\n"
			"0x12c0000000 0x12c3ffffff 0x14220c\n");
	destroy();
	ram_destroy(guest.ram);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	start_guest_with(&first, 2, no_mapping);
	while (!vfio_ram_is_pinned(bench.vfio))
		turn();
	ck_assert_int_eq(unplug("0000:01:00.3", 0), 0);
	turn();
	guest.news[0] = '\0';
	plug_in("02:00.1", NULL);
	guest_told("added " SECOND " " SECOND " slot2; ");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup_way, teardown_guest);
	tcase_add_test(tests, lost_while_the_guest_resets_the_slot);
	tcase_add_test(tests, the_host_wants_what_the_guest_has_just_kept);
	tcase_add_test(tests, switched_off_and_on_again_it_has_let_go);
	tcase_add_test(tests, why_ram_was_not_mapped_goes_with_who_came);
	tcase_add_test(tests, the_end_of_the_mapping_is_told_once);
	tcase_add_test(tests, the_way_that_was_asked_for_is_tried);
	tcase_add_test(tests, one_that_came_back_stays);
	tcase_add_test(tests, one_that_was_not_reset_here_is_waited_for);
	tcase_add_loop_test(tests, what_the_host_takes_is_not_reset, 0, 3);
	tcase_add_test(tests, what_the_host_takes_in_a_reset_goes_without);
	tcase_add_test(tests, one_that_does_not_answer_is_not_reset_as_it_leaves);
	tcase_add_test(tests, it_comes_where_it_fits);
}

int main(void)
{
	return run_suite("vfio slots races", add_tests);
}
