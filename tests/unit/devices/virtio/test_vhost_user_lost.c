/* SPDX-License-Identifier: BSD-3-Clause */
/* A device whose server ends, comes again, stops in no time, or says that the device is another. */

#include "tests/unit/devices/virtio/test_vhost_user_device.h"

START_TEST(without_its_server_it_needs_a_reset)
{
	begin();
	drive();
	is_served(0, 1);
	fake_vhost_end(&server);
	await_need();
	/* A reset is over, and nobody is there all the same. */
	virtio_reset(bench);
	ck_assert(!needs_reset());
	drive();
	await_need();
	/* Which is told once, and nobody is told to reset it. */
	ck_assert(is_gone());
	hear();
	virtio_turn_loop(bench);
	ck_assert_ptr_nonnull(strstr(heard(), "vhost-user3: it is gone until the next run: its "
					      "server has ended"));
	virtio_reset(bench);
	drive();
	await_need();
	hear();
	virtio_turn_loop(bench);
	ck_assert_str_eq(heard(), "");
}
END_TEST

/* A name that leads nowhere in the run's own root folder is no way to another server. */
START_TEST(a_server_may_be_the_only_one)
{
	config.once = true;
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT;
	begin_by_name();
	drive();
	is_served(0, 1);
	fake_vhost_end(&server);
	await_need();
	ck_assert(is_gone());
	fake_vhost_begin_at(&next_server, listen_there());
	virtio_reset(bench);
	drive();
	await_need();
	ck_assert_uint_eq(fake_vhost_heard(&next_server, GET_FEATURES), 0);
}
END_TEST

START_TEST(a_server_that_dies_at_a_message_is_gone)
{
	static const enum vhost_user_request at[] = {SET_FEATURES, SET_MEM_TABLE, SET_VRING_NUM,
						     SET_VRING_KICK, SET_VRING_ENABLE};

	begin();
	server.at = at[_i];
	server.fault = FAKE_DIES;
	drive();
	await_need();
	virtio_reset(bench);
}
END_TEST

/* It dies, or says nothing. */
START_TEST(a_server_that_does_not_stop_is_gone)
{
	begin();
	drive();
	is_served(0, 1);
	of_bench()->user.patience_ms = 300;
	server.at = GET_VRING_BASE;
	server.fault = _i ? FAKE_LATE : FAKE_DIES;
	virtio_reset(bench);
	drive();
	await_need();
}
END_TEST

/* Each queue stops in time, all of them together do not. */
START_TEST(a_stop_has_one_deadline)
{
	config.choice.queues = 4;
	server.queues = 4;
	server.slow_ms = 100;
	begin();
	drive();
	for (unsigned int i = 0; i < 4; i++)
		is_served(i, 1);
	of_bench()->user.patience_ms = 300;
	virtio_reset(bench);
	drive();
	await_need();
	/* The next one has its own. */
	ck_assert_uint_lt(fake_vhost_heard(&server, GET_VRING_BASE), 5);
}
END_TEST

START_TEST(each_stop_has_its_time)
{
	patience_ms = 2000;
	server.slow_ms = 100;
	begin();
	for (unsigned int i = 0; i < 25; i++) {
		drive();
		is_served(0, 1);
		virtio_reset(bench);
	}
	drive();
	is_served(0, 1);
}
END_TEST

/* Who has taken its name would have the guest's memory. */
START_TEST(another_users_server_is_none)
{
	begin_by_name();
	drive();
	is_served(0, 1);
	ck_assert_uint_eq(of_bench()->user_id, geteuid());
	of_bench()->user_id = geteuid() + 1;
	fake_vhost_end(&server);
	await_need();
	fake_vhost_begin_at(&next_server, listen_there());
	virtio_reset(bench);
	hear();
	drive();
	await_need();
	virtio_turn_loop(bench);
	ck_assert_ptr_nonnull(strstr(heard(), "and the one before it was user"));
	ck_assert_uint_eq(fake_vhost_heard(&next_server, GET_FEATURES), 0);
}
END_TEST

START_TEST(after_a_reset_it_has_a_new_server)
{
	begin_by_name();
	drive();
	is_served(0, 1);
	fake_vhost_end(&server);
	await_need();
	ck_assert(!is_gone());
	hear();
	virtio_turn_loop(bench);
	ck_assert_ptr_nonnull(strstr(heard(), "vhost-user3: it stands still until the guest "
					      "resets it: its server has ended"));
	fake_vhost_begin_at(&next_server, listen_there());
	virtio_reset(bench);
	drive();
	is_served(0, 1);
	ck_assert_uint_eq(fake_vhost_heard(&next_server, SET_MEM_TABLE), 1);
}
END_TEST

/* Has the server say something of its own. */
static void say(const struct vhost_user_header *header, size_t size, unsigned int fd_count)
{
	fake_vhost_send(server.backend, header, size, (const int[]){STDERR_FILENO}, fd_count);
}

static const struct vhost_user_header changed = {BACKEND_CONFIG_CHANGE, HEADER_VERSION, 0};

static void begin_with_changes(void)
{
	server.protocol |= UINT64_C(1) << PROTOCOL_BACKEND_REQUESTS;
	store_le64(server.config, 100);
	begin();
	/* It is there when the device is. */
	await_heard(&server, SET_BACKEND_REQ_FD, 1);
}

static void set_capacity(uint64_t sectors)
{
	pthread_mutex_lock(&server.lock);
	store_le64(server.config, sectors);
	pthread_mutex_unlock(&server.lock);
}

static uint64_t capacity(void)
{
	return virtio_read(bench, FUNCTION_DEVICE, 8);
}

static void await_generation(unsigned int wanted)
{
	for (unsigned int i = 0; virtio_read(bench, COMMON_GENERATION, 1) != wanted; i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}

START_TEST(a_disk_that_has_grown_is_told_of)
{
	begin_with_changes();
	virtio_config_write(bench, 0x04, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	drive();
	is_served(0, 1);
	(void)virtio_read(bench, FUNCTION_ISR, 1);
	ck_assert_uint_eq(capacity(), 100);
	/* That it is as before is no news. */
	say(&changed, sizeof(changed), 0);
	await_heard(&server, GET_CONFIG, 2);
	set_capacity(200);
	say(&changed, sizeof(changed), 0);
	await_generation(1);
	ck_assert_uint_eq(capacity(), 200);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), ISR_CONFIG);
	/* What is this end's stays so. */
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 34, 2), 1);
	is_served(0, 2);
	/* Nobody is told who has not begun. */
	virtio_reset(bench);
	set_capacity(300);
	say(&changed, sizeof(changed), 0);
	await_generation(2);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), 0);
	ck_assert(!needs_reset());
}
END_TEST

/* Its driver has what it wants all the same, and the end of the run is one. */
START_TEST(a_server_may_change_whenever_it_is_asked)
{
	server.restless = true;
	begin_with_changes();
	drive();
	is_served(0, 1);
	await_heard(&server, GET_CONFIG, 5);
	set_capacity(200);
	await_generation(1);
	virtio_reset(bench);
	ck_assert(!server.rings[0].started);
	drive();
	is_served(0, 2);
}
END_TEST

START_TEST(a_server_hears_that_it_was_heard)
{
	const struct vhost_user_header asks = {BACKEND_CONFIG_CHANGE,
					       HEADER_VERSION | HEADER_NEED_REPLY, 0};
	struct fake_vhost_message answer;

	begin_with_changes();
	say(&asks, sizeof(asks), 0);
	ck_assert_int_eq(recv(server.backend, &answer, 20, MSG_WAITALL), 20);
	ck_assert_uint_eq(answer.header.request, BACKEND_CONFIG_CHANGE);
	ck_assert_uint_eq(answer.header.flags, HEADER_VERSION | HEADER_REPLY);
	ck_assert_uint_eq(answer.header.size, 8);
	ck_assert_uint_eq(answer.u64, 0);
}
END_TEST

static const struct {
	struct vhost_user_header header;
	size_t size;
	unsigned int fds;
} no_requests[] = {
	{{1, HEADER_VERSION, 0}, 12, 0},
	{{BACKEND_CONFIG_CHANGE, 2, 0}, 12, 0},
	{{BACKEND_CONFIG_CHANGE, HEADER_VERSION, 8}, 12, 0},
	{{BACKEND_CONFIG_CHANGE, HEADER_VERSION, 0}, 11, 0},
	{{BACKEND_CONFIG_CHANGE, HEADER_VERSION, 0}, 12, 1},
};

START_TEST(a_server_that_asks_for_more_is_gone)
{
	begin_with_changes();
	drive();
	is_served(0, 1);
	say(&no_requests[_i].header, no_requests[_i].size, no_requests[_i].fds);
	await_need();
	ck_assert_uint_eq(fake_vhost_heard(&server, GET_CONFIG), 1);
}
END_TEST

/* Nothing is lost but that. */
START_TEST(a_server_may_say_nothing_more)
{
	begin_with_changes();
	drive();
	pthread_mutex_lock(&server.lock);
	fd_close(&server.backend);
	pthread_mutex_unlock(&server.lock);
	for (unsigned int i = 0; i < 5; i++)
		is_served(0, i);
	ck_assert(!needs_reset());
}
END_TEST

/* What the one before had taken and not given back the next one does. */
START_TEST(with_a_note_of_requests_none_is_lost)
{
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT;
	next_server.protocol = server.protocol;
	begin_by_name();
	drive();
	is_served(0, 1);
	server.holds = true;
	send_chain(0, 2);
	hear();
	fake_vhost_end(&server);
	usleep(100000);
	ck_assert(!needs_reset());
	fake_vhost_begin_at(&next_server, listen_there());
	ck_assert_uint_eq(virtio_await(bench, 0, &(uint32_t){0}), 2);
	is_served(0, 3);
	ck_assert_uint_eq(fake_vhost_heard(&next_server, SET_INFLIGHT_FD), 1);
	ck_assert_uint_eq(fake_vhost_heard(&next_server, GET_INFLIGHT_FD), 0);
	ck_assert_msg(strstr(heard(), "requests wait until it is there again"), "%s", heard());
	virtio_reset(bench);
}
END_TEST

/* The disk may have grown while nobody served it; with a note of requests, and without. */
START_TEST(a_server_that_comes_again_is_asked_what_it_is)
{
	server.protocol |= _i ? UINT64_C(1) << PROTOCOL_INFLIGHT : 0;
	next_server.protocol = server.protocol;
	store_le64(server.config, 100);
	store_le64(next_server.config, 200);
	begin_by_name();
	drive();
	is_served(0, 1);
	fake_vhost_end(&server);
	if (!_i) {
		await_need();
		virtio_reset(bench);
	}
	fake_vhost_begin_at(&next_server, listen_there());
	if (!_i)
		drive();
	await_generation(1);
	ck_assert_uint_eq(capacity(), 200);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 34, 2), 1);
	is_served(0, 2);
}
END_TEST

/* One that has none of what the guest knows is told nothing of memory. */
START_TEST(a_server_that_comes_again_as_another_is_not_taken)
{
	next_server.config_size = 8;
	begin_by_name();
	drive();
	is_served(0, 1);
	fake_vhost_end(&server);
	await_need();
	fake_vhost_begin_at(&next_server, listen_there());
	virtio_reset(bench);
	drive();
	await_heard(&next_server, GET_CONFIG, 1);
	await_need();
	ck_assert_uint_eq(fake_vhost_heard(&next_server, SET_MEM_TABLE), 0);
}
END_TEST

/* Not even when the first server that comes again fails before it has heard of the new driver. */
START_TEST(the_next_driver_has_none_of_the_last_ones_requests)
{
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT;
	next_server.protocol = server.protocol;
	begin_by_name();
	/* A queue alone could not be reset: the note has its requests too. */
	ck_assert(!(virtio_offered(bench) >> VIRTIO_F_RING_RESET & 1));
	drive();
	is_served(0, 1);
	server.holds = true;
	send_chain(0, 2);
	fake_vhost_end(&server);
	virtio_reset(bench);
	next_server.at = SET_FEATURES;
	next_server.fault = FAKE_DIES;
	fake_vhost_begin_at(&next_server, listen_there());
	drive();
	await_heard(&next_server, SET_FEATURES, 1);
	fake_vhost_end(&next_server);
	fake_vhost_init(&next_server);
	next_server.features = server.features;
	next_server.protocol = server.protocol;
	fake_vhost_begin_at(&next_server, listen_there());
	is_served(0, 3);
	ck_assert_uint_eq(fake_vhost_heard(&next_server, GET_INFLIGHT_FD), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, without_its_server_it_needs_a_reset);
	tcase_add_test(tests, a_server_may_be_the_only_one);
	tcase_add_test(tests, a_disk_that_has_grown_is_told_of);
	tcase_add_test(tests, a_server_may_change_whenever_it_is_asked);
	tcase_add_test(tests, a_server_hears_that_it_was_heard);
	tcase_add_loop_test(tests, a_server_that_asks_for_more_is_gone, 0, ARRAY_SIZE(no_requests));
	tcase_add_test(tests, a_server_may_say_nothing_more);
	tcase_add_test(tests, a_stop_has_one_deadline);
	tcase_add_test(tests, each_stop_has_its_time);
	tcase_add_test(tests, another_users_server_is_none);
	tcase_add_loop_test(tests, a_server_that_dies_at_a_message_is_gone, 0, 5);
	tcase_add_loop_test(tests, a_server_that_does_not_stop_is_gone, 0, 2);
	tcase_add_test(tests, after_a_reset_it_has_a_new_server);
	tcase_add_test(tests, with_a_note_of_requests_none_is_lost);
	tcase_add_loop_test(tests, a_server_that_comes_again_is_asked_what_it_is, 0, 2);
	tcase_add_test(tests, a_server_that_comes_again_as_another_is_not_taken);
	tcase_add_test(tests, the_next_driver_has_none_of_the_last_ones_requests);
}

int main(void)
{
	return run_suite("vhost_user_lost", add_tests);
}
