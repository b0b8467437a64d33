/* SPDX-License-Identifier: BSD-3-Clause */
/* Each message to a vhost-user server, and every way in which its answer can be none. */

#include <errno.h>

#include "devices/virtio/vhost_user.h"
#include "tests/unit/support/fake_vhost_user.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"

static struct fake_vhost server;
static struct vhost_user user;
static struct mem_map *map;
static struct ram *ram;
static struct err err;
static unsigned int descriptors;

static void set_up(void)
{
	err = (struct err){0};
	descriptors = count_descriptors();
	fake_vhost_init(&server);
	user = (struct vhost_user){.fd = -1};
	map = mem_map_create("guest", 0, &err);
}

static void tear_down(void)
{
	vhost_user_close(&user);
	fake_vhost_end(&server);
	ram_destroy(ram);
	ram = NULL;
	mem_map_destroy(map);
	ck_assert_uint_eq(count_descriptors(), descriptors);
}

static void make_ram(size_t count)
{
	struct ram_range pieces[RAM_PIECES_MAX];
	struct ram_config config = {.shared = true};

	for (size_t i = 0; i < count; i++)
		pieces[i] = (struct ram_range){2 * i * MIB, MIB};
	ram = ram_create(map, pieces, count, &config, &err);
	ck_assert_msg(ram, "%s", err.text);
}

static int begin(void)
{
	return vhost_user_open(&user, fake_vhost_begin(&server), &err);
}

static void begin_well(void)
{
	ck_assert_msg(begin() == 0, "%s", err.text);
}

START_TEST(it_learns_what_the_server_is)
{
	server.features |= 0x6;
	server.protocol |= UINT64_C(0xff) << 48;
	begin_well();
	ck_assert_uint_eq(user.features, UINT64_C(1) << VIRTIO_F_VERSION_1 | 0x6);
	ck_assert_uint_eq(user.protocol, UINT64_C(1) << PROTOCOL_MQ |
						 UINT64_C(1) << PROTOCOL_REPLY_ACK |
						 UINT64_C(1) << PROTOCOL_CONFIG);
	ck_assert_uint_eq(user.queues, 4);
	ck_assert_uint_eq(server.set_protocol, user.protocol);
	ck_assert_uint_eq(fake_vhost_heard(&server, SET_OWNER), 1);
	ck_assert(!vhost_user_tracks(&user));
}
END_TEST

/* Without features of the protocol nothing is asked but what has always been. */
START_TEST(an_old_server_will_do)
{
	uint8_t byte;

	server.features = UINT64_C(1) << VIRTIO_F_VERSION_1;
	begin_well();
	ck_assert_uint_eq(fake_vhost_heard(&server, GET_PROTOCOL_FEATURES), 0);
	ck_assert_uint_eq(user.queues, UINT32_MAX);
	ck_assert_int_eq(vhost_user_set_features(&user, 1, &err), 0);
	ck_assert_int_eq(vhost_user_get_config(&user, &byte, 1, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "tells nothing of the device's configuration"), "%s",
		      err.text);
}
END_TEST

START_TEST(the_configuration_is_the_servers)
{
	uint8_t config[60];

	for (unsigned int i = 0; i < sizeof(config); i++)
		server.config[i] = (uint8_t)i;
	begin_well();
	ck_assert_int_eq(vhost_user_get_config(&user, config, sizeof(config), &err), 0);
	ck_assert_mem_eq(config, server.config, sizeof(config));
	server.lies = true;
	ck_assert_int_eq(vhost_user_get_config(&user, config, sizeof(config), &err), -EPROTO);
	server.lies = false;
	/* An empty answer: it has no such. */
	server.config_size = 8;
	ck_assert_int_eq(vhost_user_get_config(&user, config, sizeof(config), &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "no 60 bytes of configuration"), "%s", err.text);
}
END_TEST

START_TEST(features_are_set_with_the_protocols)
{
	begin_well();
	ck_assert_int_eq(vhost_user_set_features(&user, 0x100000002, &err), 0);
	ck_assert_uint_eq(server.set_features, 0x100000002 | UINT64_C(1) << FEATURE_PROTOCOL);
}
END_TEST

/* By one message where it fits, or piece by piece. */
START_TEST(it_gets_all_memory)
{
	const size_t count = _i ? 9 : 3;

	make_ram(count);
	server.protocol |= (uint64_t)_i << PROTOCOL_MEMORY_SLOTS;
	begin_well();
	ck_assert_int_eq(vhost_user_set_memory(&user, ram, &err), 0);
	ck_assert_uint_eq(server.region_count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(server.regions[i].guest, 2 * i * MIB);
		ck_assert_uint_eq(server.regions[i].size, MIB);
		ck_assert_int_eq(ram_write(ram, 2 * i * MIB + 7, "guest", 5), 0);
		ck_assert_mem_eq(fake_vhost_at(&server, server.regions[i].user + 7), "guest", 5);
	}
}
END_TEST

START_TEST(memory_in_too_many_pieces_is_refused)
{
	make_ram(9);
	server.slots = 8;
	server.protocol |= (uint64_t)_i << PROTOCOL_MEMORY_SLOTS;
	begin_well();
	ck_assert_int_eq(vhost_user_set_memory(&user, ram, &err), -ENOSPC);
	ck_assert_msg(strstr(err.text, "takes 8 pieces of guest memory, which has 9"), "%s",
		      err.text);
}
END_TEST

START_TEST(a_queue_is_started_and_stopped)
{
	const struct vhost_user_queue queue = {
		.index = 1,
		.place = {.size = 16, .descriptors = 0x1000, .driver = 0x2000, .device = 0x3000},
		.base = 5,
		.kick = fd_eventfd(),
		.call = fd_eventfd(),
	};
	const struct fake_vhost_ring *ring = &server.rings[1];
	int kick = queue.kick, call = queue.call;
	uint16_t base = 0;
	uint64_t user_base;

	make_ram(1);
	begin_well();
	ck_assert_int_eq(vhost_user_set_memory(&user, ram, &err), 0);
	ck_assert_int_eq(vhost_user_start_queue(&user, &queue, &err), 0);
	user_base = server.regions[0].user;
	ck_assert_uint_eq(ring->size, 16);
	ck_assert_uint_eq(ring->base, 5);
	ck_assert_uint_eq(ring->enabled, 1);
	ck_assert(ring->started);
	ck_assert_uint_eq(ring->addresses.desc_user_addr, user_base + 0x1000);
	ck_assert_uint_eq(ring->addresses.avail_user_addr, user_base + 0x2000);
	ck_assert_uint_eq(ring->addresses.used_user_addr, user_base + 0x3000);
	ck_assert_int_eq(vhost_user_stop_queue(&user, 1, 0, &base, &err), 0);
	ck_assert_uint_eq(base, 5);
	ck_assert(!ring->started);
	fd_close(&kick);
	fd_close(&call);
}
END_TEST

START_TEST(a_base_that_is_none_is_refused)
{
	uint16_t base;

	begin_well();
	server.rings[0].base = 0x10000;
	ck_assert_int_eq(vhost_user_stop_queue(&user, 0, 0, &base, &err), -EPROTO);
	ck_assert_msg(strstr(err.text, "has stopped queue 0 at 65536"), "%s", err.text);
}
END_TEST

START_TEST(requests_are_noted_in_a_file)
{
	struct vhost_user_inflight inflight = {.fd = -1};

	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT;
	begin_well();
	ck_assert(vhost_user_tracks(&user));
	ck_assert_int_eq(vhost_user_get_inflight(&user, 3, 256, &inflight, &err), 0);
	ck_assert_int_ge(inflight.fd, 0);
	ck_assert_uint_eq(inflight.size, FAKE_INFLIGHT);
	ck_assert_uint_eq(server.inflight_queues, 3);
	ck_assert_uint_eq(server.inflight_size, 256);
	ck_assert_int_eq(vhost_user_set_inflight(&user, &inflight, &err), 0);
	ck_assert_uint_eq(fake_vhost_heard(&server, SET_INFLIGHT_FD), 1);
	fd_close(&inflight.fd);
}
END_TEST

START_TEST(a_reset_is_told_to_who_knows_it)
{
	server.protocol |= (uint64_t)_i << PROTOCOL_RESET_DEVICE;
	begin_well();
	ck_assert_int_eq(vhost_user_reset(&user, &err), 0);
	ck_assert_uint_eq(fake_vhost_heard(&server, RESET_DEVICE), (unsigned int)_i);
}
END_TEST

START_TEST(what_is_refused_is_told)
{
	begin_well();
	server.refusal = 22;
	ck_assert_int_eq(vhost_user_set_features(&user, 0, &err), -EREMOTEIO);
	ck_assert_msg(strstr(err.text, "its server has refused SET_FEATURES (22)"), "%s", err.text);
}
END_TEST

/* Everything that has an answer, in the order in which it is asked. */
static const struct {
	enum vhost_user_request request;
	const char *name;
} answered[] = {
	{GET_FEATURES, "GET_FEATURES"},
	{GET_PROTOCOL_FEATURES, "GET_PROTOCOL_FEATURES"},
	{SET_OWNER, "SET_OWNER"},
	{GET_QUEUE_NUM, "GET_QUEUE_NUM"},
	{GET_CONFIG, "GET_CONFIG"},
	{SET_FEATURES, "SET_FEATURES"},
	{GET_INFLIGHT_FD, "GET_INFLIGHT_FD"},
	{SET_INFLIGHT_FD, "SET_INFLIGHT_FD"},
	{GET_MAX_MEM_SLOTS, "GET_MAX_MEM_SLOTS"},
	{ADD_MEM_REG, "ADD_MEM_REG"},
	{SET_VRING_NUM, "SET_VRING_NUM"},
	{SET_VRING_BASE, "SET_VRING_BASE"},
	{SET_VRING_ADDR, "SET_VRING_ADDR"},
	{SET_VRING_CALL, "SET_VRING_CALL"},
	{SET_VRING_KICK, "SET_VRING_KICK"},
	{SET_VRING_ENABLE, "SET_VRING_ENABLE"},
	{GET_VRING_BASE, "GET_VRING_BASE"},
	{RESET_DEVICE, "RESET_DEVICE"},
};

static int ask_all(void)
{
	struct vhost_user_inflight inflight = {.fd = -1};
	struct vhost_user_queue queue = {
		.place = {.size = 16, .descriptors = 0x1000, .driver = 0x2000, .device = 0x3000},
		.kick = fd_eventfd(),
		.call = fd_eventfd(),
	};
	uint8_t config[60];
	uint16_t base;
	int rc = begin();

	if (!rc)
		rc = vhost_user_get_config(&user, config, sizeof(config), &err);
	if (!rc)
		rc = vhost_user_set_features(&user, 0, &err);
	if (!rc)
		rc = vhost_user_get_inflight(&user, 1, 16, &inflight, &err);
	if (!rc)
		rc = vhost_user_set_inflight(&user, &inflight, &err);
	if (!rc)
		rc = vhost_user_set_memory(&user, ram, &err);
	if (!rc)
		rc = vhost_user_start_queue(&user, &queue, &err);
	if (!rc)
		rc = vhost_user_stop_queue(&user, 0, 0, &base, &err);
	if (!rc)
		rc = vhost_user_reset(&user, &err);
	fd_close(&inflight.fd);
	fd_close(&queue.kick);
	fd_close(&queue.call);
	return rc;
}

static const struct {
	int rc; /* 0: any */
	const char *said;
} faults[FAKE_FAULTS] = {
	[FAKE_LATE] = {-ETIMEDOUT, "has not answered"},
	[FAKE_DIES] = {-ECONNRESET, "has ended the connection"},
	[FAKE_SHORT] = {-ECONNRESET, "has ended the connection"},
	[FAKE_SMALL] = {0, "bytes"},
	[FAKE_LARGE] = {-EPROTO, "with 4294967295 bytes"},
	[FAKE_OTHER] = {-EPROTO, "that is no answer to it"},
	[FAKE_NO_REPLY] = {-EPROTO, "that is no answer to it"},
	[FAKE_VERSION] = {-EPROTO, "that is no answer to it"},
	[FAKE_FDS] = {-EPROTO, "descriptors"},
};

/* To close it could take for ever: it stays open. */
START_TEST(a_note_of_requests_is_in_memory)
{
	struct vhost_user_inflight inflight = {.fd = -1};

	make_ram(1);
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT;
	server.slow_file = true;
	begin_well();
	ck_assert_int_eq(vhost_user_get_inflight(&user, 2, 128, &inflight, &err), -EPROTO);
	ck_assert_msg(strstr(err.text, "with no descriptor of a file in memory"), "%s", err.text);
	ck_assert_int_eq(inflight.fd, -1);
	descriptors++;
}
END_TEST

static void serve_all(void)
{
	fake_vhost_init(&server);
	server.protocol |= UINT64_C(1) << PROTOCOL_INFLIGHT | UINT64_C(1) << PROTOCOL_RESET_DEVICE |
			   UINT64_C(1) << PROTOCOL_MEMORY_SLOTS;
}

/* Those before that answer are in time on a host that is busy, too, when there is time enough. */
static int ask_all_of(enum fake_fault fault, size_t at)
{
	int rc;

	for (user.patience_ms = fault == FAKE_LATE ? 50 : 0;; user.patience_ms *= 2) {
		serve_all();
		server.fault = fault;
		server.at = answered[at].request;
		rc = ask_all();
		if (rc != -ETIMEDOUT || strstr(err.text, answered[at].name) ||
		    user.patience_ms > VHOST_USER_WAIT_MS)
			return rc;
		vhost_user_close(&user);
		fake_vhost_end(&server);
	}
}

START_TEST(an_answer_that_is_none_is_told)
{
	enum fake_fault fault = (enum fake_fault)(1 + _i % (FAKE_FAULTS - 1));
	size_t at = (size_t)_i / (FAKE_FAULTS - 1);
	int rc;

	make_ram(9);
	rc = ask_all_of(fault, at);
	ck_assert_msg(rc < 0 && (!faults[fault].rc || rc == faults[fault].rc), "%s, %d: %d %s",
		      answered[at].name, fault, rc, err.text);
	ck_assert_msg(strstr(err.text, faults[fault].said), "%s, %d: %s", answered[at].name, fault,
		      err.text);
	ck_assert_msg(strstr(err.text, answered[at].name) || fault == FAKE_SMALL, "%s, %d: %s",
		      answered[at].name, fault, err.text);
}
END_TEST

START_TEST(all_of_it_goes_well)
{
	make_ram(9);
	serve_all();
	ck_assert_msg(ask_all() == 0, "%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++)
		ck_assert_msg(fake_vhost_heard(&server, answered[i].request) > 0, "%s",
			      answered[i].name);
}
END_TEST

/* What a server sends by itself there is no place for. */
START_TEST(what_comes_unasked_is_an_error)
{
	begin_well();
	fake_vhost_send(server.fd, "x", 1, NULL, 0);
	ck_assert_int_eq(vhost_user_hear(&user, &err), -EPROTO);
	fake_vhost_end(&server);
	ck_assert_int_eq(vhost_user_hear(&user, &err), -ECONNRESET);
}
END_TEST

static unsigned int calls_heard;

static void hear_call(void *owner)
{
	ck_assert(fd_take(*(const int *)owner));
	calls_heard++;
}

/* A queue's requests are given back while its stop is waited for. */
START_TEST(others_are_heard_meanwhile)
{
	int call = fd_eventfd();

	begin_well();
	user.watch = (struct vhost_user_watch){call, hear_call, &call};
	user.patience_ms = 1000;
	server.fault = FAKE_LATE;
	server.at = SET_FEATURES;
	fd_signal(call);
	ck_assert_int_eq(vhost_user_set_features(&user, 0, &err), -ETIMEDOUT);
	ck_assert_uint_eq(calls_heard, 1);
	fd_close(&call);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_note_of_requests_is_in_memory);
	tcase_add_test(tests, it_learns_what_the_server_is);
	tcase_add_test(tests, an_old_server_will_do);
	tcase_add_test(tests, the_configuration_is_the_servers);
	tcase_add_test(tests, features_are_set_with_the_protocols);
	tcase_add_loop_test(tests, it_gets_all_memory, 0, 2);
	tcase_add_loop_test(tests, memory_in_too_many_pieces_is_refused, 0, 2);
	tcase_add_test(tests, a_queue_is_started_and_stopped);
	tcase_add_test(tests, a_base_that_is_none_is_refused);
	tcase_add_test(tests, requests_are_noted_in_a_file);
	tcase_add_loop_test(tests, a_reset_is_told_to_who_knows_it, 0, 2);
	tcase_add_test(tests, what_is_refused_is_told);
	if (cut_descriptors_are_told("an_answer_that_is_none_is_told"))
		tcase_add_loop_test(tests, an_answer_that_is_none_is_told, 0,
				    (FAKE_FAULTS - 1) * ARRAY_SIZE(answered));
	tcase_add_test(tests, all_of_it_goes_well);
	tcase_add_test(tests, what_comes_unasked_is_an_error);
	tcase_add_test(tests, others_are_heard_meanwhile);
}

int main(void)
{
	return run_suite("vhost_user", add_tests);
}
