/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is a program in a guest: from its socket to its place on the bus, and its loss. */

#include <stdio.h>
#include <sys/un.h>

#include "tests/unit/support/fake_user.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/vfio_slots.h"

enum { USER_ID = 0x56781234 };

static char path[sizeof((struct sockaddr_un){0}.sun_path)];
static int listener;

static void set_up(void)
{
	fake_user_set_up();
	setup();
	snprintf(path, sizeof(path), "/tmp/ferry-test-way-%d", getpid());
}

/* The server ends with the guest. */
static void tear_down(void)
{
	vfio_stop(bench.vfio);
	pci_host_destroy(bench.host);
	vfio_destroy(bench.vfio);
	bench.host = NULL;
	bench.vfio = NULL;
	fake_user_close();
	ram_destroy(guest.ram);
	guest.ram = NULL;
	no_leaks();
	teardown();
	close(fake.file);
	unlink(path);
}

static void *listen_main(void *argument)
{
	(void)argument;
	user_server_run(&fake.server, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	close(listener);
	return NULL;
}

/* A server that listens at the path. */
static void listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, sizeof(path));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, listen_main, NULL), 0);
	fake.running = true;
}

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

static void wait_for_text(const char *text)
{
	for (int i = 0; i < 10000 && !strstr(guest.news, text); i++) {
		turn();
		usleep(1000);
	}
	ck_assert_msg(strstr(guest.news, text), "%s", guest.news);
}

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
	ck_assert_str_eq(bench.vfio->entries[1]->sysfs.address, "user1");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, without_a_server_it_is_refused);
	tcase_add_test(tests, what_is_no_socket_is_told);
	tcase_add_loop_test(tests, it_is_on_the_bus, 0, 2);
	tcase_add_test(tests, one_whose_server_ends_is_lost);
	tcase_add_test(tests, one_behind_a_port_is_taken_out);
	tcase_add_test(tests, one_that_takes_its_memory_away_is_lost);
	tcase_add_test(tests, they_are_called_in_their_order);
}

int main(void)
{
	return run_suite("the way of vfio-user", add_tests);
}
