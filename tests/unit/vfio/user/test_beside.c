/* SPDX-License-Identifier: BSD-3-Clause */
/* Hardware and a program in one guest: neither knows of the other, nor pays for it. */

#include <stdatomic.h>

#include "tests/unit/support/user_way.h"

enum { HARDWARE_ID = 0x10d38086, MEMORY = 16 * MIB };

/* Where each is: hardware first, or the program. */
static struct {
	unsigned int hardware, program; /* slots of the root bus */
	atomic_uint mappings, failures; /* told to who began the mapping */
} both;

static void set_up(void)
{
	fake_user_set_up();
	setup_cdevs();
	memset(&both, 0, sizeof(both));
}

static void hear_mapping(void *machine, const struct err *err)
{
	(void)machine;
	atomic_fetch_add(err ? &both.failures : &both.mappings, 1);
}

static struct vfio_device_config describe(bool program, enum vfio_via via, bool port)
{
	struct vfio_device_config config = {.path = "01:00.0", .via = via, .port = port};

	if (program) {
		config.path = "fd=9";
		config.via = VFIO_VIA_USER;
		config.fd = fake_user_connect();
	}
	return config;
}

/* Both ways to hardware, each in both orders. */
enum { STARTS = 4 };

/* It has begun to be mapped. */
static void begin(int how, bool port)
{
	bool program_first = how & 1;
	enum vfio_via via = how & 2 ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP;
	const struct vfio_device_config devices[] = {
		describe(program_first, via, port),
		describe(!program_first, via, port),
	};

	both.hardware = program_first ? 2 : 1;
	both.program = program_first ? 1 : 2;
	start_guest_with_all(devices, 2, 0, hear_mapping);
}

static void wait_until(const atomic_uint *count)
{
	for (int i = 0; i < 10000 && !atomic_load(count); i++) {
		turn();
		usleep(1000);
	}
	ck_assert_uint_eq(atomic_load(count), 1);
}

static void start(int how, bool port)
{
	begin(how, port);
	wait_until(&both.mappings);
	vfio_join_mapper(bench.vfio);
}

static const struct vfio_entry *entry(unsigned int slot)
{
	return bench.vfio->entries[slot - 1];
}

static void enable(unsigned int slot)
{
	ck_assert_int_eq(port_write(slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
}

static void hardware_works(void)
{
	ck_assert_uint_eq(port_read(both.hardware, PCI_VENDOR_ID, 4), HARDWARE_ID);
	ck_assert(vfio_ram_is_pinned(bench.vfio));
	enable(both.hardware);
	/* With BARs, which come and go as the guest likes. */
	ck_assert_uint_gt(kernel.space.count, 1);
	port_write(both.hardware, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert_uint_eq(kernel.space.maps[0].size, MEMORY);
	ck_assert_ptr_eq(kernel.space.maps[0].host, ram_host(guest.ram, 0, MEMORY));
	enable(both.hardware);
}

/* What the server writes into guest memory is there. */
static void program_works(void)
{
	const struct pci_bar *bar = &entry(both.program)->pci->device.bars[0];
	uint64_t address = bar->slices[0].region.base;
	char bytes[16] = "";

	ck_assert_uint_eq(port_read(both.program, PCI_VENDOR_ID, 4), USER_ID);
	enable(both.program);
	ck_assert_int_eq(ram_write(guest.ram, 0x5000, "guest's memory!", 16), 0);
	address = bar->slices[0].region.base;
	fake.copy_from = 0x5000;
	fake.copy_to += 0x6000;
	ck_assert_int_eq(mem_map_write(bench.mmio, address, 4, 1), MEM_DONE);
	/* Which is not waited for: a read is, and comes behind it. */
	{
		uint64_t value;

		ck_assert_int_eq(mem_map_read(bench.mmio, address, 4, &value), MEM_DONE);
	}
	ck_assert_int_eq(fake.copied, 0);
	ck_assert_int_eq(ram_read(guest.ram, fake.copy_to, bytes, 16), 0);
	ck_assert_str_eq(bytes, "guest's memory!");
}

START_TEST(each_has_all_memory)
{
	struct vfio_status status;
	int fds[64];
	size_t count;
	bool open;

	start(_i, false);
	ck_assert_str_eq(way(), _i & 2 ? "iommufd" : "IOMMU groups");
	ck_assert_str_eq(programs()->provider->ops->name, "vfio-user");
	ck_assert_int_eq(vfio_way(bench.vfio, &open), _i & 2 ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP);
	ck_assert(open);
	vfio_get_status(bench.vfio, both.program - 1, &status);
	ck_assert_str_eq(status.host, "user0");
	vfio_get_status(bench.vfio, both.hardware - 1, &status);
	ck_assert_str_eq(status.host, FIRST);
	ck_assert_uint_eq(fake.server.window_count, 1);
	ck_assert_uint_eq(fake.server.windows[0].size, MEMORY);
	count = vfio_descriptors(bench.vfio, fds, ARRAY_SIZE(fds));
	ck_assert_uint_le(count, ARRAY_SIZE(fds));
	for (size_t i = 0; i < count; i++)
		ck_assert_int_ge(fcntl(fds[i], F_GETFD), 0);
	hardware_works();
	program_works();
	ck_assert_uint_eq(atomic_load(&both.mappings), 1);
	ck_assert_uint_eq(atomic_load(&both.failures), 0);
}
END_TEST

START_TEST(both_begin_anew)
{
	start(_i, false);
	hardware_works();
	program_works();
	guest_restarts();
	ck_assert_uint_eq(fake.resets, 1);
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert_uint_eq(fake.server.window_count, 1);
	hardware_works();
	program_works();
	guest_told("");
}
END_TEST

/* The server gets no piece of hardware, and the IOMMU none of the server's memory. */
START_TEST(bars_are_reached_by_their_own_kind)
{
	size_t maps;

	start(_i, false);
	enable(both.hardware);
	maps = kernel.space.count;
	ck_assert_uint_gt(maps, 1);
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_MAP), 1);
	enable(both.program);
	ck_assert_uint_eq(kernel.space.count, maps);
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_MAP), 2);
	ck_assert_uint_eq(fake.server.windows[1].size, FAKE_FILE / 2);
	port_write(both.hardware, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_UNMAP), 0);
	port_write(both.program, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_UNMAP), 1);
	ck_assert_uint_eq(kernel.space.count, 1);
}
END_TEST

START_TEST(a_server_that_ends_leaves_hardware_alone)
{
	start(_i, _i >= STARTS);
	if (_i >= STARTS) {
		fake_user_hang_up(entry(both.program)->pci->backend);
		wait_for_text("removed");
		guest_told(_i & 1 ? "lost user0 user0 slot1; removed user0 user0 slot1; "
				  : "lost user0 user0 slot2; removed user0 user0 slot2; ");
		ck_assert_uint_eq(kernel.space.count, 1);
		ck_assert(vfio_ram_is_pinned(bench.vfio));
		ck_assert_ptr_null(programs()->provider);
		ck_assert_uint_eq(device_read(both.hardware, 0, PCI_VENDOR_ID, 4), HARDWARE_ID);
		ck_assert_uint_eq(device_read(both.program, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
		return;
	}
	hardware_works();
	fake_user_hang_up(entry(both.program)->pci->backend);
	wait_for_text("removed");
	guest_told("lost user0 user0 -; removed user0 user0 -; ");
	ck_assert_ptr_null(programs()->provider);
	ck_assert_uint_eq(port_read(both.program, PCI_VENDOR_ID, 4), UINT32_MAX);
	hardware_works();
	guest_restarts();
	hardware_works();
	guest_told("");
}
END_TEST

/* With the last one its provider goes, its mapper and its BARs. */
START_TEST(hardware_that_the_host_takes_leaves_the_program_alone)
{
	char news[128];

	start(_i, false);
	hardware_works();
	ck_assert(fake_vfio_fire(find_device(FIRST), VFIO_PCI_REQ_IRQ_INDEX, 0));
	wait_for_text("removed");
	snprintf(news, sizeof(news), "wanted %s %s -; removed %s %s -; ", FIRST, FIRST, FIRST,
		 FIRST);
	guest_told(news);
	ck_assert_ptr_null(hardware()->provider);
	ck_assert(!vfio_ram_is_pinned(bench.vfio));
	notice_closed_iommufd();
	ck_assert_uint_eq(kernel.space.count, 0);
	program_works();
	guest_restarts();
	program_works();
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_MAP), 3);
}
END_TEST

START_TEST(hardware_that_dies_leaves_the_program_alone)
{
	start(_i, false);
	fake_vfio_kill(find_device(FIRST));
	ck_assert(fake_vfio_fire(find_device(FIRST), VFIO_PCI_REQ_IRQ_INDEX, 0));
	wait_for_text("removed");
	ck_assert_ptr_nonnull(strstr(guest.news, "lost " FIRST));
	program_works();
}
END_TEST

/* Guest memory is a file already; the first of the hardware pins it, and the last lets it go. */
START_TEST(hardware_comes_and_goes_beside_a_program)
{
	const struct vfio_device_config program = describe(true, VFIO_VIA_USER, _i);

	both.program = 1;
	start_guest_with_all(&program, 1, _i ? SLOTS - 1 : SLOTS, hear_mapping);
	wait_until(&both.mappings);
	vfio_join_mapper(bench.vfio);
	ck_assert(!vfio_ram_is_pinned(bench.vfio));
	for (unsigned int i = 1; i <= 2; i++) {
		bench.via = i == 1 ? VFIO_VIA_GROUP : VFIO_VIA_IOMMUFD;
		guest.news[0] = '\0';
		plug_in("01:00.0", NULL);
		ck_assert_uint_eq(guest.memory_checks, i);
		ck_assert(vfio_ram_is_pinned(bench.vfio));
		ck_assert_uint_eq(kernel.space.count, 1);
		ck_assert_int_eq(vfio_unplug(bench.vfio, FIRST, 0, &bench.err), 0);
		settle();
		ck_assert_ptr_nonnull(strstr(guest.news, "removed " FIRST));
		ck_assert_ptr_null(hardware()->provider);
		notice_closed_iommufd();
		ck_assert_uint_eq(kernel.space.count, 0);
	}
	ck_assert_uint_eq(atomic_load(&both.mappings), 1);
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_MAP), 1);
	if (!_i)
		program_works();
}
END_TEST

/* Into a slot, where hardware is in another or none; its memory is told by messages. */
START_TEST(a_program_comes_and_goes)
{
	bool beside = _i;

	start_guest_with_all(NULL, 0, SLOTS, hear_mapping);
	bench.via = VFIO_VIA_GROUP;
	if (beside)
		plug_in("01:00.0", "slot2");
	guest.news[0] = '\0';
	{
		const struct vfio_device_config program = describe(true, VFIO_VIA_USER, false);

		bench.via = VFIO_VIA_USER;
		guest.added = 0;
		plug_config(&program, "slot1");
		ck_assert_msg(guest.refused == 0, "%s", guest.err.text);
		wait_for(&guest.added, 1);
	}
	guest_told("added user0 user0 slot1; ");
	ck_assert_uint_eq(guest.memory_checks, beside);
	ck_assert_uint_eq(kernel.space.count, beside);
	ck_assert_uint_eq(fake.server.window_count, 1);
	ck_assert_uint_eq(fake.server.windows[0].size, MEMORY);
	ck_assert(slot_status(1).present);
	ck_assert_int_eq(guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON), MEM_DONE);
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), USER_ID);
	ck_assert_int_eq(device_write(1, PCI_COMMAND, 2, PCI_COMMAND_MASTER), MEM_DONE);
	guest_restarts();
	ck_assert_uint_eq(fake.resets, 1);
	ck_assert_int_eq(vfio_unplug(bench.vfio, "user0", 0, &bench.err), 0);
	settle();
	guest_told("removed user0 user0 slot1; ");
	ck_assert_ptr_null(programs()->provider);
	ck_assert_uint_eq(kernel.space.count, beside);
	ck_assert(!slot_status(1).taken);
}
END_TEST

START_TEST(a_program_that_comes_may_be_lost)
{
	start_guest_with_all(NULL, 0, SLOTS, hear_mapping);
	bench.via = VFIO_VIA_USER;
	{
		const struct vfio_device_config program = describe(true, VFIO_VIA_USER, false);

		plug_config(&program, NULL);
	}
	wait_for(&guest.added, 1);
	guest.news[0] = '\0';
	fake_user_hang_up(bench.vfio->entries[0]->pci->backend);
	wait_for_text("removed");
	guest_told("lost user0 user0 slot1; removed user0 user0 slot1; ");
	ck_assert(!slot_status(1).taken);
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 0);
}
END_TEST

/* At the version, at its regions, at guest RAM: nothing of it is left, hardware stays. */
START_TEST(a_program_that_does_not_come_leaves_nothing)
{
	static const enum server_command steps[] = {
		COMMAND_VERSION, COMMAND_INFO,     COMMAND_REGION_INFO,
		COMMAND_READ,    COMMAND_SET_IRQS, COMMAND_DMA_MAP,
	};
	unsigned int descriptors;

	start_guest_with_all(NULL, 0, SLOTS, hear_mapping);
	bench.via = VFIO_VIA_GROUP;
	plug_in("01:00.0", "slot2");
	descriptors = count_descriptors();
	fake.server.fault = _i % 2 ? USER_FAULT_DIES : USER_FAULT_ERROR;
	fake.server.at = steps[_i / 2];
	bench.via = VFIO_VIA_USER;
	{
		const struct vfio_device_config program = describe(true, VFIO_VIA_USER, false);

		plug_config(&program, "slot1");
	}
	for (int i = 0; i < 5000 && vfio_device_count(bench.vfio) > 1; i++) {
		turn();
		usleep(1000);
	}
	if (vfio_device_count(bench.vfio) == 1) {
		ck_assert_ptr_null(programs()->provider);
		ck_assert(!slot_status(1).taken);
		pthread_join(fake.thread, NULL);
		fake.running = false;
		ck_assert_uint_eq(count_descriptors(), descriptors);
	} else {
		/* One without this is one with less. */
		ck_assert_uint_eq(fake.server.fault, USER_FAULT_ERROR);
	}
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert_uint_eq(device_read(2, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
	ck_assert_int_eq(guest_sets(2, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON), MEM_DONE);
	ck_assert_uint_eq(device_read(2, 0, PCI_VENDOR_ID, 4), HARDWARE_ID);
}
END_TEST

static int add_one(bool program, enum vfio_via via)
{
	struct vfio_device_config config = {.path = program ? "/nonexistent/server" : "01:00.0",
					    .via = program ? VFIO_VIA_USER : via};

	return vfio_add(bench.vfio, &config, &bench.err);
}

/* What has joined, or is open already, is given back. */
START_TEST(without_its_server_nothing_starts)
{
	enum vfio_via via = _i & 2 ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP;

	ck_assert_int_eq(add_one(_i & 1, via), 0);
	ck_assert_int_eq(add_one(!(_i & 1), via), 0);
	ck_assert_int_lt(prepare(), 0);
	said("passthrough device user0: /nonexistent/server: ");
	said("no server listens there: start it first");
}
END_TEST

START_TEST(hardware_that_does_not_open_ends_the_connection)
{
	const struct vfio_device_config program = describe(true, VFIO_VIA_USER, false);

	if (_i)
		ck_assert_int_eq(add_one(false, VFIO_VIA_GROUP), 0);
	ck_assert_int_eq(vfio_add(bench.vfio, &program, &bench.err), 0);
	if (!_i)
		ck_assert_int_eq(add_one(false, VFIO_VIA_GROUP), 0);
	fail_ioctl(VFIO_GROUP_GET_DEVICE_FD, -EBUSY);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), -EBUSY);
	said("0000:01:00.0");
}
END_TEST

/* The program is opened before that turns out, and once. */
START_TEST(hardware_changes_its_way_alone)
{
	const struct vfio_device_config program = describe(true, VFIO_VIA_USER, false);

	/* Where an MSI is tried. */
	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"0x0000000008000000 0x00000000080fffff msi\n");
	if (_i)
		ck_assert_int_eq(add_one(false, VFIO_VIA_ANY), 0);
	ck_assert_int_eq(vfio_add(bench.vfio, &program, &bench.err), 0);
	if (!_i)
		ck_assert_int_eq(add_one(false, VFIO_VIA_ANY), 0);
	ck_assert_str_eq(way(), "iommufd");
	fail_ioctl(VFIO_DEVICE_SET_IRQS, -ENOSPC);
	ck_assert_msg(prepare() == 0, "%s", bench.err.text);
	ck_assert_str_eq(way(), "IOMMU groups");
	fail_ioctl(0, 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_VERSION), 1);
}
END_TEST

/* Groups that others have opened are hardware's, whoever is named first. */
START_TEST(what_is_lent_goes_to_hardware)
{
	const struct vfio_device_config program = {.path = "/run/server", .via = VFIO_VIA_USER};
	struct vfio_settings settings = {
		.groups = {open_group_as_other(7, "/dev/full")},
		.group_count = 1,
		.container = open_container_as_other(),
	};

	settings.sysfs = fake_tree_path("");
	settings.dev = fake_tree_path("dev");
	/* They are in a container already. */
	kernel.joined = 1;
	vfio_destroy(bench.vfio);
	bench.vfio = vfio_create(&settings, &bench.err);
	ck_assert_int_eq(vfio_add(bench.vfio, &program, &bench.err), 0);
	ck_assert_msg(add_one(false, VFIO_VIA_GROUP) == 0, "%s", bench.err.text);
	ck_assert_int_eq(vfio_check_lent(bench.vfio, &bench.err), 0);
	ck_assert_int_eq(bench.vfio->settings.container, 0);
}
END_TEST

/* A guest that waits for one of them does not wait for the other. */
START_TEST(pinning_holds_up_hardware_alone)
{
	stand_at(_i & 2 ? IOMMUFD_IOAS_MAP : VFIO_IOMMU_MAP_DMA);
	begin(_i, false);
	wait_for_stand();
	while (!vfio_dma_mapped(&programs()->dma))
		usleep(1000);
	program_works();
	ck_assert_int_eq(port_write(both.hardware, PCI_COMMAND, 2, PCI_COMMAND_MASTER),
			 MEM_NOT_YET);
	ck_assert_uint_eq(atomic_load(&both.mappings), 0);
	let_go_on();
	wait_until(&both.mappings);
	vfio_join_mapper(bench.vfio);
	ck_assert_uint_eq(guest.wakes, 1);
	hardware_works();
}
END_TEST

/* Nor for a server that does not answer, whose device is lost when its time is over. */
START_TEST(a_late_server_holds_up_its_own_device_alone)
{
	fake.server.fault = USER_FAULT_LATE;
	fake.server.at = COMMAND_DMA_MAP;
	begin(_i, false);
	while (!vfio_ram_is_pinned(bench.vfio))
		usleep(1000);
	hardware_works();
	ck_assert_int_eq(port_write(both.program, PCI_COMMAND, 2, PCI_COMMAND_MASTER), MEM_NOT_YET);
	fake_user_hang_up(entry(both.program)->pci->backend);
	wait_for_text("removed");
	guest_told("lost user0 user0 -; removed user0 user0 -; ");
	wait_until(&both.mappings);
	hardware_works();
}
END_TEST

/* One of them, or both: who began it hears of that once. */
START_TEST(ram_that_cannot_be_mapped_is_told_once)
{
	int who = _i / STARTS;

	if (who != 1) {
		kernel.space.fail_at = 1;
		kernel.space.fail_code = -ENOMEM;
	}
	if (who != 0) {
		fake.server.fault = USER_FAULT_ERROR;
		fake.server.at = COMMAND_DMA_MAP;
	}
	begin(_i % STARTS, false);
	for (size_t i = 0; i < VFIO_KINDS; i++)
		while (!atomic_load(&bench.vfio->families[i].map_ended))
			usleep(1000);
	ck_assert_uint_eq(atomic_load(&both.failures), 1);
	ck_assert_uint_eq(atomic_load(&both.mappings), 0);
	ck_assert_uint_eq(kernel.space.count, who == 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, way_tear_down);
	tcase_add_loop_test(tests, each_has_all_memory, 0, STARTS);
	tcase_add_loop_test(tests, both_begin_anew, 0, STARTS);
	tcase_add_loop_test(tests, bars_are_reached_by_their_own_kind, 0, STARTS);
	tcase_add_loop_test(tests, a_server_that_ends_leaves_hardware_alone, 0, 2 * STARTS);
	tcase_add_loop_test(tests, hardware_that_the_host_takes_leaves_the_program_alone, 0,
			    STARTS);
	tcase_add_loop_test(tests, hardware_that_dies_leaves_the_program_alone, 0, STARTS);
	tcase_add_loop_test(tests, hardware_comes_and_goes_beside_a_program, 0, 2);
	tcase_add_loop_test(tests, a_program_comes_and_goes, 0, 2);
	tcase_add_test(tests, a_program_that_comes_may_be_lost);
	tcase_add_loop_test(tests, a_program_that_does_not_come_leaves_nothing, 0, 12);
	tcase_add_loop_test(tests, without_its_server_nothing_starts, 0, STARTS);
	tcase_add_loop_test(tests, hardware_that_does_not_open_ends_the_connection, 0, 2);
	tcase_add_loop_test(tests, hardware_changes_its_way_alone, 0, 2);
	tcase_add_test(tests, what_is_lent_goes_to_hardware);
	tcase_add_loop_test(tests, pinning_holds_up_hardware_alone, 0, STARTS);
	tcase_add_loop_test(tests, a_late_server_holds_up_its_own_device_alone, 0, STARTS);
	tcase_add_loop_test(tests, ram_that_cannot_be_mapped_is_told_once, 0, 3 * STARTS);
}

int main(void)
{
	return run_suite("hardware beside a program", add_tests);
}
