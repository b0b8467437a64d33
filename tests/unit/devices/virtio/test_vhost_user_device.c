/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that another process serves, as a driver has it: queues, resets. */

#include "tests/unit/devices/virtio/test_vhost_user_device.h"

START_TEST(it_is_what_the_server_is)
{
	server.features |= UINT64_C(1) << VIRTIO_BLK_F_CONFIG_WCE | UINT64_C(1) << 34;
	for (unsigned int i = 0; i < 60; i++)
		server.config[i] = (uint8_t)(i + 1);
	config.choice.queues = 3;
	begin();
	ck_assert_uint_eq(virtio_offered(bench), (offered & ~(UINT64_C(1) << FEATURE_PROTOCOL)) |
							 UINT64_C(1) << VIRTIO_F_RING_RESET);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_COUNT, 2), 3);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE, 8), 0x0807060504030201);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 34, 2), 3);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 58, 2), 0x3c3b);
}
END_TEST

START_TEST(a_file_system_is_told_of_here)
{
	choose("fs");
	server.protocol = 0;
	config.choice = (struct vhost_user_choice){.tag = "shared", .queues = 2};
	begin();
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_COUNT, 2), 3);
	ck_assert_mem_eq(bench->device->config, "shared\0", 8);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 36, 4), 2);
	ck_assert_uint_eq(fake_vhost_heard(&server, GET_CONFIG), 0);
}
END_TEST

START_TEST(chains_are_served_and_told_of)
{
	begin();
	drive();
	is_served(0, 3);
	is_served(0, 4);
	for (unsigned int i = 0; !(virtio_read(bench, FUNCTION_ISR, 1) & ISR_QUEUE); i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
	ck_assert_uint_eq(server.set_features,
			  (bench->features & ~(UINT64_C(1) << VIRTIO_F_RING_RESET)) |
				  UINT64_C(1) << FEATURE_PROTOCOL);
	ck_assert(!needs_reset());
}
END_TEST

/* Memory is told once, features each time; a queue begins at its beginning. */
START_TEST(a_reset_stops_its_queues)
{
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT | UINT64_C(1) << PROTOCOL_RESET_DEVICE;
	config.choice.queues = 2;
	begin();
	for (unsigned int i = 1; i <= 3; i++) {
		drive();
		is_served(0, 5);
		is_served(1, 6);
		virtio_reset(bench);
		ck_assert_uint_eq(fake_vhost_heard(&server, GET_VRING_BASE), 2 * i);
		ck_assert(!server.rings[0].started && !server.rings[1].started);
		ck_assert_uint_eq(fake_vhost_heard(&server, SET_FEATURES), i);
		ck_assert_uint_eq(fake_vhost_heard(&server, GET_INFLIGHT_FD), i);
		ck_assert_uint_eq(fake_vhost_heard(&server, RESET_DEVICE), i - 1);
	}
	ck_assert_uint_eq(fake_vhost_heard(&server, SET_MEM_TABLE), 1);
}
END_TEST

START_TEST(without_bus_mastering_it_stands)
{
	begin();
	drive();
	is_served(0, 1);
	while (virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY) == MEM_NOT_YET)
		usleep(1000);
	ck_assert(!server.rings[0].started);
	send_chain(0, 2);
	usleep(10000);
	ck_assert_uint_eq(server.rings[0].served, 1);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	/* It goes on behind what it had done. */
	ck_assert_uint_eq(virtio_await(bench, 0, &(uint32_t){0}), 2);
	ck_assert_uint_gt(atomic_load(&bench->wakes), 0);
}
END_TEST

/* A vCPU that waits until it stands is told as well when it goes on instead. */
START_TEST(who_waits_is_told_that_it_goes_on)
{
	server.slow_ms = 500;
	begin();
	drive();
	is_served(0, 1);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY),
			 MEM_NOT_YET);
	usleep(50000);
	ck_assert_uint_eq(atomic_load(&bench->wakes), 0);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	for (unsigned int i = 0; atomic_load(&bench->wakes) == 0; i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}
END_TEST

START_TEST(one_queue_is_reset_alone)
{
	config.choice.queues = 2;
	begin();
	drive();
	is_served(0, 1);
	is_served(1, 2);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 1);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	for (unsigned int i = 0; virtio_read(bench, COMMON_QUEUE_RESET, 2); i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
	ck_assert(!server.rings[1].started && server.rings[0].started);
	is_served(0, 3);
	bench->queues[1] = driver_queue(&bench->memory, 1, RING_SIZE, bench->features);
	virtio_place_queue(bench, 1);
	is_served(1, 4);
	ck_assert_uint_eq(fake_vhost_heard(&server, SET_FEATURES), 1);
}
END_TEST

/* What lies outside of memory the server is never told of. */
START_TEST(a_queue_that_is_none_is_refused)
{
	begin();
	virtio_negotiate(bench, virtio_offered(bench));
	bench->queues[0] = driver_queue(&bench->memory, 0, RING_SIZE, bench->features);
	bench->queues[0].place.device = DRIVER_END - 4;
	virtio_place_queue(bench, 0);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert(needs_reset());
	usleep(10000);
	ck_assert_uint_eq(fake_vhost_heard(&server, SET_VRING_ADDR), 0);
	virtio_reset(bench);
	drive();
	is_served(0, 1);
}
END_TEST

START_TEST(another_kind_of_server_is_not_taken)
{
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT;
	next_server.protocol = server.protocol;
	next_server.features &= ~(UINT64_C(1) << VIRTIO_BLK_F_FLUSH);
	begin_by_name();
	drive();
	is_served(0, 1);
	fake_vhost_end(&server);
	fake_vhost_begin_at(&next_server, listen_there());
	await_heard(&next_server, GET_QUEUE_NUM, 1);
	usleep(10000);
	ck_assert_uint_eq(fake_vhost_heard(&next_server, SET_MEM_TABLE), 0);
	virtio_reset(bench);
}
END_TEST

/* The eventfds are the server's, too. */
START_TEST(a_server_makes_nobody_wait)
{
	begin();
	drive();
	is_served(0, 1);
	pthread_mutex_lock(&server.lock);
	ck_assert_int_eq(fcntl(server.rings[0].call, F_SETFL, 0), 0);
	ck_assert_int_eq(fcntl(server.rings[0].kick, F_SETFL, 0), 0);
	ck_assert_int_eq(write(server.rings[0].kick, &(uint64_t){UINT64_MAX - 1}, 8), 8);
	virtio_kick(bench, 0);
	usleep(20000);
	pthread_mutex_unlock(&server.lock);
	is_served(0, 2);
	virtio_reset(bench);
}
END_TEST

/* The machine begins anew, or ends, while all is under way. */
START_TEST(a_machines_reset_waits_for_it)
{
	begin();
	drive();
	is_served(0, 1);
	pci_host_reset(bench->pci->host);
	ck_assert(!server.rings[0].started);
}
END_TEST

static void refused(const char *said)
{
	ck_assert_ptr_null(vhost_user_create(&config, 0, &err));
	ck_assert_msg(strstr(err.text, said), "%s", err.text);
}

START_TEST(what_it_cannot_begin_with_is_said)
{
	config.path = path;
	refused("--vhost-user: socket=/tmp/ferry-vhost-");
	ck_assert_msg(strstr(err.text, "no server listens there: start it first"), "%s", err.text);
	config.path = "/dev/null";
	refused("--vhost-user: socket=/dev/null: it is no socket: give the path that its server");
	config.server = "virtiofsd";
	refused("virtiofsd: it is no socket");
	config.server = config.path = NULL;
	config.fd = fake_vhost_begin(&server);
	config.choice.queues = 5;
	refused("its server has 4 queues, and 5 are wanted: give queues=4 or fewer, or start the "
		"server with more");
	fake_vhost_end(&server);
	config.fd = fake_vhost_begin(&next_server);
	config.choice.queues = 1;
	next_server.config_size = 8;
	refused("has no 60 bytes of configuration");
}
END_TEST

static const struct {
	const char *kind;
	unsigned int queues, has;
	const char *said;
} too_few[] = {
	{"fs", 4, 4, "its server has 4 queues, and 5 are wanted: give queues=3 or fewer, or start"},
	{"scsi", 2, 3, "its server has 3 queues, and 4 are wanted: give queues=1, or start"},
	{"fs", 0, 1,
	 "its server has 1 queue, and such a device has 2 at least: start the server with more"},
	{"fs", 3, 1, "its server has 1 queue, and such a device has 2 at least: start"},
	{"net", 0, 1,
	 "its server has 1 queue, and such a device has 2 at least: start the server with more, or "
	 "take another server"},
	{"snd", 0, 3, "its server has 3 queues, and such a device has 4 at least: start"},
	{"52", 0, 0, "its server has 0 queues, and such a device has 1 at least: start"},
};

/* What is advised can be followed. */
START_TEST(a_server_with_too_few_queues_is_refused)
{
	choose(too_few[_i].kind);
	config.choice.queues = too_few[_i].queues;
	server.queues = too_few[_i].has;
	config.fd = fake_vhost_begin(&server);
	refused(too_few[_i].said);
}
END_TEST

START_TEST(a_legacy_server_is_refused)
{
	server.features &= ~(UINT64_C(1) << VIRTIO_F_VERSION_1);
	config.fd = fake_vhost_begin(&server);
	refused("its server is of before VIRTIO 1.0");
}
END_TEST

/* One that is not known by name may have a configuration or none. */
START_TEST(a_kind_is_known_by_its_number)
{
	choose("52");
	server.config_size = _i == 1 ? VIRTIO_CONFIG_MAX : 4;
	server.says_none = _i == 2;
	begin();
	ck_assert_uint_eq(virtio_config_read(bench, PCI_DEVICE_ID, 2), 0x1040 + 52);
	ck_assert_uint_eq(bench->device->config_size, _i == 1 ? VIRTIO_CONFIG_MAX : 0);
	drive();
	is_served(0, 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_is_what_the_server_is);
	tcase_add_test(tests, a_file_system_is_told_of_here);
	tcase_add_test(tests, chains_are_served_and_told_of);
	tcase_add_test(tests, a_reset_stops_its_queues);
	tcase_add_test(tests, without_bus_mastering_it_stands);
	tcase_add_test(tests, who_waits_is_told_that_it_goes_on);
	tcase_add_test(tests, one_queue_is_reset_alone);
	tcase_add_test(tests, a_queue_that_is_none_is_refused);
	tcase_add_test(tests, another_kind_of_server_is_not_taken);
	tcase_add_test(tests, a_server_makes_nobody_wait);
	tcase_add_test(tests, a_machines_reset_waits_for_it);
	tcase_add_test(tests, what_it_cannot_begin_with_is_said);
	tcase_add_loop_test(tests, a_server_with_too_few_queues_is_refused, 0, ARRAY_SIZE(too_few));
	tcase_add_test(tests, a_legacy_server_is_refused);
	tcase_add_loop_test(tests, a_kind_is_known_by_its_number, 0, 3);
}

int main(void)
{
	return run_suite("vhost_user_device", add_tests);
}
