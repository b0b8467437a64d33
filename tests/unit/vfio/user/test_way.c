/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is a program in a guest: from its socket to its place on the bus, and its loss. */

#include "tests/unit/support/user_way.h"

static void start(bool by_path, bool port)
{
	struct vfio_device_config config = {
		.path = by_path ? path : "fd=9",
		.via = VFIO_VIA_USER,
		.port = port,
	};

	if (by_path)
		listen_there();
	else
		config.fd = fake_user_connect();
	start_guest_with(&config, 0, no_mapping);
	while (!vfio_dma_mapped(&programs()->dma))
		turn();
}

START_TEST(without_a_server_it_is_refused)
{
	bench.via = VFIO_VIA_USER;
	ck_assert_int_eq(add(path), 0);
	ck_assert_int_lt(prepare(), 0);
	said("passthrough device user0: ");
	said(path);
	said("no server listens there: start it first");
}
END_TEST

START_TEST(what_is_no_socket_is_told)
{
	bench.via = VFIO_VIA_USER;
	ck_assert_int_eq(add("/dev/null"), 0);
	ck_assert_int_lt(prepare(), 0);
	said("passthrough device user0: /dev/null: it is no socket: give the path");
}
END_TEST

/* Its memory is the guest's RAM, in one piece, and nothing of it is pinned. */
START_TEST(it_is_on_the_bus)
{
	struct vfio_status status;

	start(_i, false);
	ck_assert_uint_eq(port_read(1, PCI_VENDOR_ID, 4), USER_ID);
	ck_assert_str_eq(programs()->provider->ops->name, "vfio-user");
	ck_assert_ptr_null(hardware()->provider);
	ck_assert(!vfio_ram_is_pinned(bench.vfio));
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.host, "user0");
	ck_assert_str_eq(status.state, "alive");
	ck_assert_uint_eq(fake.server.window_count, 1);
	ck_assert_ptr_nonnull(fake.server.windows[0].host);
	ck_assert_int_eq(ram_write(guest.ram, 0x5000, "guest", 6), 0);
	ck_assert_str_eq((char *)fake.server.windows[0].host + 0x5000, "guest");
	ck_assert_uint_eq(fake.resets, 0);
	guest_restarts();
	ck_assert_uint_eq(fake.resets, 1);
	guest_told("");
}
END_TEST

/* On the root bus it stays, and reads all ones. */
START_TEST(one_whose_server_ends_is_lost)
{
	start(false, false);
	hear();
	ck_assert_int_eq(port_write(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	fake_user_hang_up(bench.vfio->entries[0]->pci->backend);
	wait_for_text("removed");
	guest_told("lost user0 user0 -; removed user0 user0 -; ");
	ck_assert_uint_eq(port_read(1, PCI_VENDOR_ID, 4), UINT32_MAX);
	guest_restarts();
	ck_assert_uint_eq(port_read(1, PCI_VENDOR_ID, 4), UINT32_MAX);
	{
		const char *text = heard();

		ck_assert_ptr_nonnull(strstr(text, "has ended the connection: the device is lost"));
		ck_assert_ptr_null(strstr(strchr(text, '\n') + 1, "ferry: "));
	}
}
END_TEST

/* Behind a port it is pulled out. */
START_TEST(one_behind_a_port_is_taken_out)
{
	start(false, true);
	ck_assert_uint_ne(port_read(1, PCI_VENDOR_ID, 4), USER_ID);
	fake_user_hang_up(bench.vfio->entries[0]->pci->backend);
	wait_for_text("removed");
	guest_told("lost user0 user0 slot1; removed user0 user0 slot1; ");
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
	ck_assert(guest_takes_events(1) & PCI_EXP_SLTSTA_DLLSC);
}
END_TEST

/* The guest meets a page that is not there any more. */
START_TEST(one_that_takes_its_memory_away_is_lost)
{
	const struct pci_bar *bar;
	unsigned int mapped = 0;

	start(false, false);
	hear();
	bar = &bench.vfio->entries[0]->pci->device.bars[4];
	for (size_t i = 0; i < bar->slice_count; i++) {
		const struct mem_region *region = &bar->slices[i].region;

		if (region->kind != MEM_DEVICE)
			continue;
		mapped++;
		ck_assert(region->backed(region->owner));
		ck_assert_int_eq(ftruncate(fake.file, FAKE_FILE - 0x1000), 0);
		if (!advice_is_heeded(MADV_POPULATE_READ, "test_way"))
			return;
		ck_assert(!region->backed(region->owner));
		ck_assert(!region->backed(region->owner));
	}
	ck_assert_uint_eq(mapped, 1);
	wait_for_text("removed");
	ck_assert_ptr_nonnull(strstr(heard(), "has taken memory away that the guest has mapped"));
}
END_TEST

START_TEST(they_are_called_in_their_order)
{
	bench.via = VFIO_VIA_USER;
	ck_assert_int_eq(add(path), 0);
	ck_assert_int_eq(add(path), 0);
	ck_assert_str_eq(bench.vfio->entries[0]->sysfs.address, "user0");
	ck_assert_str_eq(bench.vfio->entries[1]->sysfs.address, "user1");
}
END_TEST

/* Behind the vectors' table, and in it. */
enum { BELL = 0xc00, TABLE = 0x400 };

/* Not where every access is told, or is to be trapped; nor in the table, which is the guest's. */
static const struct {
	bool asked, traced;
	unsigned int trapped;
	size_t count;
} ringers[] = {
	{true, false, 0, 5}, {false, false, 0, 0}, {true, true, 0, 0},
	{true, false, 1, 0}, {true, false, 2, 5},
};

START_TEST(a_guest_rings_doorbells)
{
	struct user_region *registers = &fake.model.regions[0];
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct vfio_device_config config = {
		.path = "fd=9",
		.via = VFIO_VIA_USER,
		.ioeventfd = ringers[_i].asked,
		.trapped = ringers[_i].trapped,
		.trace = ringers[_i].traced ? "/dev/null" : NULL,
	};
	const struct mem_region *region;

	registers->bells[0] = (struct user_bell){event, {.offset = BELL}};
	registers->bells[1] = (struct user_bell){event, {.offset = TABLE, .size = 4, .fd = 1}};
	registers->bells[2] = (struct user_bell){event, {.offset = 4, .size = 4, .fd = 2}};
	registers->bell_count = 3;
	config.fd = fake_user_connect();
	bench.vm = fake_user_vm();
	start_guest_with(&config, 0, no_mapping);
	region = &bench.vfio->entries[0]->pci->device.bars[0].slices[0].region;
	ck_assert_uint_eq(region->doorbell_count, ringers[_i].count);
	if (ringers[_i].count) {
		ck_assert_uint_eq(region->doorbells[0].offset, BELL);
		ck_assert_uint_eq(region->doorbells[4].offset, 4);
	}
	while (!vfio_dma_mapped(&programs()->dma))
		turn();
	close(event);
}
END_TEST

/* In a part that is mapped none is needed; behind that it is where its part begins. */
START_TEST(doorbells_lie_in_their_parts)
{
	struct user_region *file = &fake.model.regions[4];
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct vfio_device_config config = {
		.path = "fd=9",
		.via = VFIO_VIA_USER,
		.ioeventfd = true,
	};
	const struct pci_slice *slices;

	file->areas[0].offset = file->areas[0].size = 0x1000;
	for (unsigned int i = 0; i < 3; i++)
		file->bells[i] =
			(struct user_bell){event,
					   {.offset = 0x1000 * (2 - i) + 0x10, .size = 4, .fd = i}};
	file->bell_count = 3;
	config.fd = fake_user_connect();
	bench.vm = fake_user_vm();
	start_guest_with(&config, 0, no_mapping);
	slices = bench.vfio->entries[0]->pci->device.bars[4].slices;
	ck_assert_uint_eq(bench.vfio->entries[0]->pci->device.bars[4].slice_count, 3);
	ck_assert_int_eq(slices[1].region.kind, MEM_DEVICE);
	ck_assert_uint_eq(slices[1].region.doorbell_count, 0);
	for (unsigned int i = 0; i < 3; i += 2) {
		ck_assert_uint_eq(slices[i].region.doorbell_count, 1);
		ck_assert_uint_eq(slices[i].region.doorbells[0].offset, 0x10);
	}
	while (!vfio_dma_mapped(&programs()->dma))
		turn();
	close(event);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, way_set_up, way_tear_down);
	tcase_add_test(tests, without_a_server_it_is_refused);
	tcase_add_test(tests, what_is_no_socket_is_told);
	tcase_add_loop_test(tests, it_is_on_the_bus, 0, 2);
	tcase_add_test(tests, one_whose_server_ends_is_lost);
	tcase_add_test(tests, one_behind_a_port_is_taken_out);
	tcase_add_test(tests, one_that_takes_its_memory_away_is_lost);
	tcase_add_test(tests, they_are_called_in_their_order);
	tcase_add_test(tests, doorbells_lie_in_their_parts);
	tcase_add_loop_test(tests, a_guest_rings_doorbells, 0, ARRAY_SIZE(ringers));
}

int main(void)
{
	return run_suite("the way of vfio-user", add_tests);
}
