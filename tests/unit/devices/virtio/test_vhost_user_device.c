/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that another process serves, as a driver has it: queues, resets, its server's end. */

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <sys/un.h>

#include "devices/virtio/vhost_user_device_private.h"
#include "tests/unit/support/fake_vhost_user.h"
#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"

enum { RING_SIZE = 16 };

static const uint64_t offered = UINT64_C(1) << VIRTIO_F_VERSION_1 |
				UINT64_C(1) << FEATURE_PROTOCOL | UINT64_C(1) << VIRTIO_BLK_F_MQ |
				UINT64_C(1) << VIRTIO_BLK_F_FLUSH;

static char folder[] = "/tmp/ferry-vhost-XXXXXX";
static char path[sizeof(folder) + 8];
static struct fake_vhost server, next_server;
static struct vhost_user_config config;
static struct virtio_bench *bench;
static struct err err;

static void choose(const char *kind)
{
	config.kind = vhost_user_find_kind(kind, &config.numbered);
	ck_assert_ptr_nonnull(config.kind);
}

static void set_up(void)
{
	err = (struct err){0};
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	fake_vhost_init(&server);
	fake_vhost_init(&next_server);
	server.features = next_server.features = offered;
	config = (struct vhost_user_config){.fd = -1};
	choose("blk");
}

static void tear_down(void)
{
	if (bench)
		virtio_bench_destroy(bench);
	bench = NULL;
	fake_vhost_end(&server);
	fake_vhost_end(&next_server);
	unlink(path);
	rmdir(folder);
}

static int listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* Of each answer; 0: as it is. */
static int64_t patience_ms;

static void begin_device(void)
{
	struct virtio_device *device = vhost_user_create(&config, 3, &err);

	ck_assert_msg(device, "%s", err.text);
	container_of(device, struct vhost_user_device, device)->user.patience_ms = patience_ms;
	bench = virtio_bench_create(device);
	ck_assert_msg(device->ops->begin(device, &err) == 0, "%s", err.text);
}

/* With a connection that somebody else has made, or by its name. */
static void begin(void)
{
	config.fd = fake_vhost_begin(&server);
	begin_device();
}

static void begin_by_name(void)
{
	fake_vhost_begin_at(&server, listen_there());
	config.path = path;
	begin_device();
}

static void drive(void)
{
	virtio_drive(bench, virtio_offered(bench), RING_SIZE);
}

/* Offers a chain of one buffer, which the server gives back as it is. */
static void send_chain(unsigned int queue, unsigned int head)
{
	driver_describe(&bench->queues[queue], head, DRIVER_TABLES, 16, VRING_DESC_F_WRITE, 0);
	driver_offer(&bench->queues[queue], head);
	virtio_kick(bench, queue);
}

static void is_served(unsigned int queue, unsigned int head)
{
	uint32_t written;

	send_chain(queue, head);
	ck_assert_uint_eq(virtio_await(bench, queue, &written), head);
	ck_assert_uint_eq(written, 1);
}

static bool needs_reset(void)
{
	return virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static struct vhost_user_device *of_bench(void)
{
	return container_of(bench->device, struct vhost_user_device, device);
}

static bool is_gone(void)
{
	return atomic_load(&bench->device->gone);
}

static void await_need(void)
{
	for (unsigned int i = 0; !needs_reset(); i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}

/* Whether the server has heard that so often, in a while. */
static void await_heard(struct fake_vhost *of, enum vhost_user_request request, unsigned int count)
{
	for (unsigned int i = 0; fake_vhost_heard(of, request) < count; i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}

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
	patience_ms = 300;
	begin();
	drive();
	is_served(0, 1);
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
	patience_ms = 300;
	config.choice.queues = 4;
	server.queues = 4;
	server.slow_ms = 100;
	begin();
	drive();
	for (unsigned int i = 0; i < 4; i++)
		is_served(i, 1);
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
	refused("its server has 4 queues, and 5 are wanted: give fewer with queues=N");
	fake_vhost_end(&server);
	config.fd = fake_vhost_begin(&next_server);
	config.choice.queues = 1;
	next_server.config_size = 8;
	refused("has no 60 bytes of configuration");
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
	server.config_size = _i ? VIRTIO_CONFIG_MAX : 4;
	begin();
	ck_assert_uint_eq(virtio_config_read(bench, PCI_DEVICE_ID, 2), 0x1040 + 52);
	ck_assert_uint_eq(bench->device->config_size, _i ? VIRTIO_CONFIG_MAX : 0);
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
	tcase_add_test(tests, one_queue_is_reset_alone);
	tcase_add_test(tests, a_queue_that_is_none_is_refused);
	tcase_add_test(tests, without_its_server_it_needs_a_reset);
	tcase_add_test(tests, a_server_may_be_the_only_one);
	tcase_add_test(tests, a_disk_that_has_grown_is_told_of);
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
	tcase_add_test(tests, the_next_driver_has_none_of_the_last_ones_requests);
	tcase_add_test(tests, another_kind_of_server_is_not_taken);
	tcase_add_test(tests, a_server_makes_nobody_wait);
	tcase_add_test(tests, a_machines_reset_waits_for_it);
	tcase_add_test(tests, what_it_cannot_begin_with_is_said);
	tcase_add_test(tests, a_legacy_server_is_refused);
	tcase_add_loop_test(tests, a_kind_is_known_by_its_number, 0, 2);
}

int main(void)
{
	return run_suite("vhost_user_device", add_tests);
}
