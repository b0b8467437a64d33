/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that come while the guest runs: what they are refused for, and how they come in. */

#include <check.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"

static bool by_cdevs;

static void setup_way(void)
{
	if (by_cdevs)
		setup_guest_by_cdevs();
	else
		setup_guest();
}

static void refused_for(const char *path, const char *slot, int code, const char *sentence)
{
	plug(path, slot);
	plug_refused(sentence);
	ck_assert_int_eq(guest.err.code, code);
}

START_TEST(nothing_is_opened_for_empty_slots)
{
	ck_assert_uint_eq(vfio_port_count(bench.vfio), SLOTS);
	ck_assert_uint_eq(vfio_slot_count(bench.vfio), SLOTS);
	ck_assert(!slot_status(1).present && !slot_status(SLOTS).powered);
	ck_assert(!vfio_get_slot(bench.vfio, SLOTS, &(struct vfio_slot_status){0}));
	ck_assert_ptr_null(hardware()->provider);
	ck_assert_str_eq(kernel.events, "");
	/* An eventfd and a timer. */
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, NULL, 0), 2);
	is_empty();
}
END_TEST

static void see_port(void *owner, const struct pci_view *view)
{
	char name[16];

	if (!view->port)
		return;
	++*(unsigned int *)owner;
	snprintf(name, sizeof(name), "slot%u", view->port);
	ck_assert_str_eq(view->name, name);
}

/* Also once something is in them. */
START_TEST(ports_are_called_after_their_slots)
{
	unsigned int ports = 0;

	plug_in("01:00.0", NULL);
	pci_host_walk(bench.host, see_port, &ports);
	ck_assert_uint_eq(ports, SLOTS);
}
END_TEST

START_TEST(windows_have_room_for_what_may_come)
{
	uint64_t low, high;

	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low, SLOTS * 32 * MIB);
	ck_assert_uint_eq(high, SLOTS * 64 * MIB);
	bench.vfio->settings.slot_memory = 3 * MIB;
	bench.vfio->settings.slot_prefetch = 0;
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low, SLOTS * 4 * MIB);
	ck_assert_uint_eq(high, 0);
}
END_TEST

/* Nothing is said before all RAM is mapped, and then all of it at once. */
START_TEST(a_first_device_comes_when_all_ram_is_mapped)
{
	struct vfio_status status;

	hold_mapper();
	plug("01:00.0", NULL);
	ck_assert_uint_eq(guest.added + guest.refused, 0);
	ck_assert(slot_status(1).taken && !slot_status(1).present);
	ck_assert(!slot_status(2).taken);
	ck_assert_uint_eq(guest_takes_events(1), 0);
	let_mapper_go();
	wait_for(&guest.added, 1);
	guest_told("added " FIRST " " FIRST " slot1; ");
	ck_assert(vfio_ram_is_pinned(bench.vfio));
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert(slot_status(1).present && !slot_status(1).powered);
	ck_assert_uint_ne(guest_takes_events(1) & PCI_EXP_SLTSTA_PDC, 0);
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.id, FIRST);
	ck_assert_str_eq(status.host, FIRST);
	ck_assert_str_eq(status.guest, "01:00.0");
	ck_assert_uint_eq(status.slot, 1);
	ck_assert(!status.leaving);
	guest_uses(1);
	ck_assert(slot_status(1).powered);
	ck_assert_uint_eq(guest.parks, 0);
}
END_TEST

START_TEST(kvm_knows_before_it_is_opened)
{
	plug_in("01:00.0", NULL);
	ck_assert_str_eq(kernel.events, by_cdevs ? "ioas kvm kvm-add bind attach "
						 : "join set-iommu kvm kvm-add device ");
}
END_TEST

/* And itself. */
START_TEST(a_second_device_reaches_the_first)
{
	plug_in("01:00.0", "slot2");
	guest_uses(2);
	ck_assert_uint_eq(kernel.space.count, 4);
	plug_in("02:00.1", NULL);
	ck_assert_uint_eq(kernel.space.count, 4);
	guest_uses(1);
	ck_assert_uint_eq(kernel.space.count, 7);
	guest_told("added " FIRST " " FIRST " slot2; added " SECOND " " SECOND " slot1; ");
	/* A third finds all that there. */
	plug("01:00.3", NULL);
	ck_assert_uint_eq(guest.added, 3);
}
END_TEST

/* Both wait for the same RAM. */
START_TEST(two_may_come_at_once)
{
	hold_mapper();
	plug("01:00.0", NULL);
	plug("02:00.1", NULL);
	ck_assert_uint_eq(guest.added + guest.refused, 0);
	let_mapper_go();
	wait_for(&guest.added, 2);
	ck_assert(slot_status(1).present && slot_status(2).present);
	ck_assert_ptr_nonnull(hardware()->peers.map);
	ck_assert_uint_eq(kernel.space.count, 1);
}
END_TEST

START_TEST(it_has_the_id_that_it_was_given)
{
	plug_config(&(struct vfio_device_config){.path = "01:00.0", .id = "net0"}, NULL);
	wait_for(&guest.added, 1);
	guest_told("added net0 " FIRST " slot1; ");
	plug_config(&(struct vfio_device_config){.path = "02:00.1", .id = "net0"}, NULL);
	plug_refused(SECOND ": id net0 is that of " FIRST ": choose another");
	plug_config(&(struct vfio_device_config){.path = "02:00.1", .id = FIRST}, NULL);
	plug_refused("id " FIRST " is that of " FIRST);
	ck_assert_int_eq(guest.err.code, -EEXIST);
}
END_TEST

/* As when an id is a UUID: the device of that name is another. */
START_TEST(an_address_is_no_others_id)
{
	plug_config(&(struct vfio_device_config){.path = "01:00.0", .id = SECOND}, NULL);
	wait_for(&guest.added, 1);
	refused_for("02:00.1", NULL, -EEXIST,
		    SECOND ": its address is the id of " FIRST ": remove that first");
}
END_TEST

/* Last of all: what else is wrong is said first, and nothing has to be read for it. */
START_TEST(the_first_must_find_memory)
{
	guest.no_memory = true;
	refused_for("03:00.0", NULL, -ENOENT, "03:00.0");
	refused_for("01:00.0", "slot9", -ENODEV, "slot9");
	ck_assert_uint_eq(guest.memory_checks, 0);
	refused_for("01:00.0", NULL, -ENOMEM, "guest memory: too little");
	is_empty();
	guest.no_memory = false;
	plug_in("01:00.0", NULL);
	plug_in("02:00.1", NULL);
	ck_assert_uint_eq(guest.memory_checks, 2);
}
END_TEST

/* Function 1 is unseen until function 0 comes. */
START_TEST(functions_of_one_slot_come_together)
{
	struct vfio_status status;

	plug_in("01:00.3", "slot2.1");
	ck_assert(slot_status(2).taken && !slot_status(2).present);
	guest_told("");
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert(status.unseen);
	plug_in("01:00.0", "slot2");
	guest_told("added " FIRST " " FIRST " slot2; added 0000:01:00.3 0000:01:00.3 slot2; ");
	ck_assert(slot_status(2).present);
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert(!status.unseen && !status.gone);
	guest_uses(2);
	ck_assert_uint_eq(device_read(2, 1, PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_ne(device_read(2, 0, PCI_HEADER_TYPE, 1) & 0x80, 0);
	plug("02:00.1", "slot2.2");
	plug_refused("slot2: 0000:01:00.3 is in it");
}
END_TEST

START_TEST(names_of_slots_are_checked)
{
	static const char *const wrong[] = {"",       "slot",     "slot0x1", "slot1.8", "slot01",
					    "slot1.", " slot1",   "1",       "slot1 ",  "slot1.1.1",
					    "slot-1", "slot1.01", "port1"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		refused_for("01:00.0", wrong[i], -EINVAL, "no slot's name: it is as slot3");
	refused_for("01:00.0", "slot4", -ENODEV,
		    "slot4: there is no such slot: they are slot1 to "
		    "slot3");
	refused_for("01:00.0", "slot999", -ENODEV, "there is no such slot");
	is_empty();
}
END_TEST

START_TEST(a_slot_is_taken_once)
{
	plug_in("01:00.0", "slot3");
	refused_for("02:00.1", "slot3", -EBUSY, "02:00.1: slot3: " FIRST " is in it: remove that");
	plug_in("02:00.1", NULL);
	plug_in("01:00.3", NULL);
	refused_for("01:00.0", NULL, -ENOSPC, "no slot is free: remove a device first");
}
END_TEST

START_TEST(a_device_is_had_once)
{
	plug_in("01:00.0", NULL);
	refused_for(FIRST, NULL, -EEXIST, FIRST ": the guest has it already");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
	guest_uses(1);
}
END_TEST

START_TEST(what_is_not_there_is_refused)
{
	refused_for("03:00.0", NULL, -ENOENT, "03:00.0");
	refused_for("nonsense", NULL, -EINVAL, "nonsense");
	plug_config(&(struct vfio_device_config){.path = "01:00.0", .vf_token = "secret"}, NULL);
	plug_refused("vf-token=secret: not a UUID");
	plug_config(&(struct vfio_device_config){.path = "01:00.0", .rom = "/nonexistent"}, NULL);
	plug_refused("/nonexistent");
	fake_tree_add_device("0000:03:00.0", 8, "nvme");
	refused_for("03:00.0", NULL, -EBUSY, "nvme");
	ck_assert_str_eq(kernel.events, "");
	is_empty();
}
END_TEST

START_TEST(a_trace_is_written_by_one)
{
	struct vfio_device_config config = {.path = "01:00.0", .trace = "/dev/null"};

	plug_config(&config, NULL);
	wait_for(&guest.added, 1);
	config.path = "02:00.1";
	plug_config(&config, NULL);
	plug_refused("trace=/dev/null: it is the trace of " FIRST);
}
END_TEST

/* Its group, or its node, was opened by then, and nothing else. */
START_TEST(it_must_fit_the_windows)
{
	fake_tree_write("bus/pci/devices/0000:01:00.0/resource",
			"0xfeb40000 0xfeb4ffff 0x40200\n"
			"0x0 0x0 0x0\n"
			"0xe000 0xe01f 0x40101\n"
			"0x0 0x0 0x0\n"
			"0x12c0000000 0x12c7ffffff 0x14220c\n");
	plug("01:00.0", "slot1");
	plug_refused(FIRST " does not fit into slot 1: its prefetchable BARs need 0x8000000");
	ck_assert_int_eq(guest.err.code, -ENOSPC);
	ck_assert_ptr_null(strstr(kernel.events, "kvm"));
	is_empty();
	plug_in("02:00.1", "slot1");
}
END_TEST

/* The BARs that a variant driver shows are known once it is open. */
START_TEST(what_a_variant_driver_shows_must_fit_too)
{
	fake_tree_unlink("bus/pci/devices/0000:01:00.0/driver");
	fake_tree_link("bus/pci/devices/0000:01:00.0/driver",
		       "../../../../bus/pci/drivers/nvgrace-gpu-vfio-pci");
	kernel.devices[0].regions[4].size = 128 * MIB;
	plug("01:00.0", "slot1");
	plug_refused(FIRST " does not fit into slot 1: its prefetchable BARs need 0x8000000");
	ck_assert_int_eq(guest.err.code, -ENOSPC);
	is_empty();
}
END_TEST

START_TEST(a_guest_without_slots_takes_none)
{
	destroy();
	ram_destroy(guest.ram);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	start_guest_with(NULL, 0, no_mapping);
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, NULL, 0), 0);
	refused_for("01:00.0", NULL, -ENOSPC, "the guest has no slots: start it with --hotplug N");
	refused_for("01:00.0", "slot1", -ENOSPC, "the guest has no slots");
}
END_TEST

/* RAM was laid out without a thought of this IOMMU. */
START_TEST(ram_must_be_where_the_iommu_maps)
{
	const struct ram_range piece = {.base = 0xfed00000, .size = 4 * MIB};
	const struct ram_config config = {0};
	struct ram *ram = ram_create(bench.mmio, &piece, 1, &config, &bench.err);

	ck_assert_msg(ram, "%s", bench.err.text);
	ck_assert_int_eq(vfio_map_ram(bench.vfio, ram, no_mapping, NULL, &bench.err), 0);
	refused_for("01:00.0", NULL, -ERANGE,
		    FIRST ": guest RAM at 0xfee00000 is where its IOMMU maps nothing: start the "
			  "guest with the device");
	ck_assert_ptr_null(strstr(kernel.events, "map"));
	is_empty();
	ck_assert_int_eq(vfio_map_ram(bench.vfio, guest.ram, no_mapping, NULL, &bench.err), 0);
	ram_destroy(ram);
	plug_in("01:00.0", NULL);
}
END_TEST

/* The kernel knows, of a second one, what is mapped for the first. */
START_TEST(it_must_go_with_what_is_mapped)
{
	plug_in("01:00.0", NULL);
	fail_ioctl(by_cdevs ? IOMMUFD_DEVICE_ATTACH : VFIO_GROUP_SET_CONTAINER,
		   by_cdevs ? -EADDRINUSE : -EINVAL);
	refused_for("02:00.1", NULL, by_cdevs ? -EADDRINUSE : -EINVAL,
		    "its IOMMU does not map where guest RAM is");
	fail_ioctl(0, 0);
	plug_in("02:00.1", NULL);
}
END_TEST

START_TEST(descriptors_must_be_left)
{
	struct rlimit limit = {.rlim_cur = 40, .rlim_max = 40};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	refused_for("01:00.0", NULL, -EMFILE, "too few descriptors are left for it");
	ck_assert_str_eq(kernel.events, "");
	is_empty();
}
END_TEST

/* All is taken back; the next one comes as if nothing had been. */
START_TEST(ram_that_cannot_be_mapped_is_told)
{
	kernel.space.fail_at = kernel.space.total + 1;
	kernel.space.fail_code = -ENOMEM;
	hold_mapper();
	plug("01:00.0", NULL);
	plug("02:00.1", NULL);
	let_mapper_go();
	wait_for(&guest.refused, 2);
	settle();
	kernel.space.space.ops = held.quick;
	ck_assert_ptr_nonnull(strstr(guest.err.text,
				     SECOND ": guest RAM 0x0-0xffffff: it cannot be "
					    "mapped for DMA"));
	ck_assert_int_eq(guest.err.code, -ENOMEM);
	guest_told("");
	ck_assert(!slot_status(1).present);
	ck_assert_uint_eq(guest_takes_events(1), 0);
	is_empty();
	guest.refused = 0;
	plug_in("01:00.0", NULL);
	guest_uses(1);
}
END_TEST

/* As who is about to open a device finds it. */
static void way_is(enum vfio_via via, bool shared)
{
	bool open;

	ck_assert_int_eq(vfio_way(bench.vfio, &open), via);
	ck_assert_int_eq(open, shared);
}

START_TEST(it_may_come_by_another_way_later)
{
	way_is(VFIO_VIA_ANY, false);
	plug_in("01:00.0", NULL);
	ck_assert_str_eq(way(), by_cdevs ? "iommufd" : "IOMMU groups");
	way_is(by_cdevs ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP, true);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	is_empty();
	way_is(VFIO_VIA_ANY, false);
	if (!by_cdevs)
		fake_tree_add_cdev("0000:01:00.0", 0);
	bench.via = by_cdevs ? VFIO_VIA_GROUP : VFIO_VIA_IOMMUFD;
	plug_in("01:00.0", NULL);
	ck_assert_str_eq(way(), by_cdevs ? "IOMMU groups" : "iommufd");
	bench.via = by_cdevs ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP;
	refused_for("02:00.1", NULL, -EINVAL, "one guest takes devices by one way");
	way_is(by_cdevs ? VFIO_VIA_GROUP : VFIO_VIA_IOMMUFD, true);
	guest_uses(1);
}
END_TEST

/* What the walls keep from a run is not a way that the device lacks. */
START_TEST(what_may_not_be_opened_is_to_be_added_by_others)
{
	bench.vfio->settings.sealed = true;
	plug_in("01:00.0", NULL);
	ck_assert_int_eq(chmod(fake_tree_path("dev/vfio/8"), 0), 0);
	if (by_cdevs)
		ck_assert_int_eq(chmod(fake_tree_path("dev/vfio/devices/vfio4"), 0), 0);
	drop_root();
	refused_for("02:00.1", NULL, -EACCES, "add it with ferry ctl add, which does");
}
END_TEST

/* As on Arm, where a host may give no MSI by iommufd. */
START_TEST(the_way_is_changed_where_it_is_none)
{
	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"0x0000000008000000 0x00000000080fffff msi\n");
	fail_ioctl(VFIO_DEVICE_SET_IRQS, -ENOSPC);
	plug("01:00.0", NULL);
	if (by_cdevs)
		ck_assert_str_eq(way(), "IOMMU groups");
	wait_for(&guest.added, 1);
	fail_ioctl(0, 0);
	guest_uses(1);
}
END_TEST

/* Who waits for it hears of the end. */
START_TEST(the_end_comes_before_it)
{
	hold_mapper();
	plug("01:00.0", NULL);
	let_mapper_go();
	destroy();
	plug_refused(FIRST ": the run ended before the guest had it");
	ck_assert_uint_eq(guest.added, 0);
}
END_TEST

START_TEST(it_is_taken_back_before_it_was_seen)
{
	hold_mapper();
	plug_config(&(struct vfio_device_config){.path = "01:00.0", .id = "a"}, NULL);
	let_mapper_go();
	ck_assert_int_eq(unplug("a", 30000), 0);
	kernel.space.space.ops = held.quick;
	plug_refused(FIRST ": it was taken back before the guest had it");
	guest_told("removed a " FIRST " slot1; ");
	ck_assert_uint_eq(guest.parks, 0);
	ck_assert_uint_eq(guest_takes_events(1), 0);
	is_empty();
	plug_in("01:00.0", NULL);
}
END_TEST

static void *wake_mapper(void *argument)
{
	(void)argument;
	usleep(50000);
	let_mapper_go();
	return NULL;
}

/* The mapper is waited for, which is at a part of RAM meanwhile. */
START_TEST(the_host_wants_it_before_it_was_seen)
{
	pthread_t waker;

	hold_mapper();
	plug("01:00.0", NULL);
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_REQ_IRQ_INDEX, 0));
	ck_assert_int_eq(pthread_create(&waker, NULL, wake_mapper, NULL), 0);
	turn();
	pthread_join(waker, NULL);
	settle();
	plug_refused("it was taken back before the guest had it");
	guest_told("wanted " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* Behind what the start brought: its port has a slot as well. */
START_TEST(it_comes_beside_those_of_the_start)
{
	const struct vfio_device_config first = {.path = "01:00.0", .port = true};
	uint64_t low, high;

	destroy();
	ram_destroy(guest.ram);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	start_guest_with(&first, 2, no_mapping);
	ck_assert_uint_eq(vfio_slot_count(bench.vfio), 3);
	ck_assert(slot_status(1).present && slot_status(1).powered && !slot_status(2).present);
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low, MIB + 2 * 32 * MIB);
	plug_in("02:00.1", NULL);
	guest_told("added " SECOND " " SECOND " slot2; ");
	guest_uses(2);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	plug_in("01:00.0", "slot1");
	guest_uses(1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup_way, teardown_guest);
	tcase_add_test(tests, nothing_is_opened_for_empty_slots);
	tcase_add_test(tests, ports_are_called_after_their_slots);
	tcase_add_test(tests, windows_have_room_for_what_may_come);
	tcase_add_test(tests, a_first_device_comes_when_all_ram_is_mapped);
	tcase_add_test(tests, kvm_knows_before_it_is_opened);
	tcase_add_test(tests, a_second_device_reaches_the_first);
	tcase_add_test(tests, two_may_come_at_once);
	tcase_add_test(tests, it_has_the_id_that_it_was_given);
	tcase_add_test(tests, an_address_is_no_others_id);
	tcase_add_test(tests, the_first_must_find_memory);
	tcase_add_test(tests, functions_of_one_slot_come_together);
	tcase_add_test(tests, names_of_slots_are_checked);
	tcase_add_test(tests, a_slot_is_taken_once);
	tcase_add_test(tests, a_device_is_had_once);
	tcase_add_test(tests, what_is_not_there_is_refused);
	tcase_add_test(tests, a_trace_is_written_by_one);
	tcase_add_test(tests, it_must_fit_the_windows);
	tcase_add_test(tests, what_a_variant_driver_shows_must_fit_too);
	tcase_add_test(tests, a_guest_without_slots_takes_none);
	tcase_add_test(tests, ram_must_be_where_the_iommu_maps);
	tcase_add_test(tests, it_must_go_with_what_is_mapped);
	tcase_add_test(tests, descriptors_must_be_left);
	tcase_add_test(tests, ram_that_cannot_be_mapped_is_told);
	tcase_add_test(tests, it_may_come_by_another_way_later);
	tcase_add_test(tests, what_may_not_be_opened_is_to_be_added_by_others);
	tcase_add_test(tests, the_way_is_changed_where_it_is_none);
	tcase_add_test(tests, the_end_comes_before_it);
	tcase_add_test(tests, it_is_taken_back_before_it_was_seen);
	tcase_add_test(tests, the_host_wants_it_before_it_was_seen);
	tcase_add_test(tests, it_comes_beside_those_of_the_start);
}

int main(void)
{
	int status = run_suite("vfio plug by groups", add_tests);

	by_cdevs = true;
	return run_suite("vfio plug by iommufd", add_tests) || status;
}
