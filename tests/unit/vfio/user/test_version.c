/* SPDX-License-Identifier: BSD-3-Clause */
/* The first exchange with a server, and what each may make of it. */

#include <stdio.h>

#include "tests/unit/support/fake_user.h"

static const struct {
	enum server_command at;
	enum user_fault fault;
	const char *said;
	bool open; /* what came stays so: it is no memory */
} open_faults[] = {
	{COMMAND_VERSION, USER_FAULT_LATE, "has not answered VERSION within 1000 ms", false},
	{COMMAND_VERSION, USER_FAULT_SHORT, "has ended the connection at VERSION", false},
	{COMMAND_VERSION, USER_FAULT_DIES, "has ended the connection at VERSION", false},
	{COMMAND_VERSION, USER_FAULT_ID, "that is no answer to it", false},
	{COMMAND_VERSION, USER_FAULT_COMMAND, "that is no answer to it", false},
	{COMMAND_VERSION, USER_FAULT_SMALL, "text that does not end", false},
	{COMMAND_VERSION, USER_FAULT_HUGE, "of a size that no answer has", false},
	{COMMAND_VERSION, USER_FAULT_TINY, "of a size that no answer has", false},
	{COMMAND_VERSION, USER_FAULT_ERROR, "refuses version 0.1 of vfio-user", false},
	{COMMAND_VERSION, USER_FAULT_MAJOR, "speaks version 1.1 of vfio-user, Ferry 0.1", false},
	{COMMAND_VERSION, USER_FAULT_NONSENSE, "capabilities that are none", false},
	{COMMAND_VERSION, USER_FAULT_FD, "capabilities that are none", true},
	{COMMAND_INFO, USER_FAULT_LATE, "its server does not say what it is", false},
	{COMMAND_INFO, USER_FAULT_SMALL, "its server does not say what it is", false},
	{COMMAND_INFO, USER_FAULT_ERROR, "its server does not say what it is", false},
	{COMMAND_INFO, USER_FAULT_PLACE, "0 regions and no config space", false},
	{COMMAND_REGION_INFO, USER_FAULT_SHORT, "tells nothing of region 0", false},
	{COMMAND_REGION_INFO, USER_FAULT_ERROR, "tells nothing of region 0", false},
	{COMMAND_REGION_INFO, USER_FAULT_PLACE, "has answered for region 0 with one of 1", false},
	{COMMAND_REGION_INFO, USER_FAULT_SMALL, "tells nothing of region 0", false},
	{COMMAND_REGION_INFO, USER_FAULT_FD, "a descriptor with region 0, which cannot be", true},
};

START_TEST(a_server_that_begins_badly_is_refused)
{
	fake.server.at = open_faults[_i].at;
	fake.server.fault = open_faults[_i].fault;
	/* Time enough for those before the one that is late. */
	if (open_faults[_i].fault == USER_FAULT_LATE)
		fake.patience_ms = open_faults[_i].at == COMMAND_VERSION ? 1000 : 5000;
	ck_assert_ptr_null(fake_user_open());
	ck_assert_msg(strstr(fake.err.text, open_faults[_i].said), "%s", fake.err.text);
	ck_assert_ptr_nonnull(strstr(fake.err.text, "passthrough device user0: "));
	fake_user_leaves(open_faults[_i].open);
}
END_TEST

static const struct {
	enum user_fault fault;
	const char *said;
} map_faults[] = {
	{USER_FAULT_NO_FD, "no descriptor with region 4, which can be mapped"},
	{USER_FAULT_BEYOND, "would have region 4 mapped from 0x102000 on, 0x2000 bytes"},
};

START_TEST(what_cannot_be_mapped_is_refused)
{
	fake.server.at = COMMAND_REGION_INFO;
	fake.server.skip = 4;
	fake.server.fault = map_faults[_i].fault;
	ck_assert_ptr_null(fake_user_open());
	ck_assert_msg(strstr(fake.err.text, map_faults[_i].said), "%s", fake.err.text);
	fake_user_leaves(0);
}
END_TEST

/* A page of a file that is no memory may never come: the region is reached by messages. */
START_TEST(what_is_no_memory_is_not_mapped)
{
	const struct vfio_region_info *info;

	fake.server.at = COMMAND_REGION_INFO;
	fake.server.skip = 4;
	fake.server.fault = USER_FAULT_DEVICE;
	hear();
	fake_user_open_well();
	ck_assert_ptr_nonnull(strstr(heard(),
				     "region 4: its server has sent a descriptor that is no "
				     "file of memory"));
	info = fake_user_region(4);
	ck_assert_uint_eq(info->size, FAKE_FILE);
	ck_assert_uint_eq(info->flags & (VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS),
			  0);
	fake_user_leaves(1);
}
END_TEST

/* It is not asked of regions that it has not, and may be gone if it is. */
START_TEST(regions_beyond_its_own_are_not_asked_for)
{
	fake.server.regions = USER_CONFIG + 1;
	fake_user_open_well();
	ck_assert_uint_eq(atomic_load(&fake.server.heard[COMMAND_REGION_INFO]), USER_CONFIG + 1);
	ck_assert_uint_eq(fake_user_region(USER_CONFIG + 1)->size, 0);
	fake_user_leaves(0);
}
END_TEST

START_TEST(its_limits_are_heeded)
{
	fake.server.max_fds = 3;
	fake.server.max_transfer = 4096;
	fake_user_open_well();
	ck_assert_uint_eq(fake_user_client()->limits.fds, 3);
	ck_assert_uint_eq(fake_user_client()->limits.transfer, 4096);
	ck_assert_uint_eq(fake_user_client()->limits.maps, 65535);
	ck_assert_uint_eq(fake_user_client()->limits.pages, 4096);
	ck_assert_int_eq(fake_user_client()->twin.fd, -1);
	fake_user_leaves(0);
}
END_TEST

START_TEST(a_second_socket_is_taken)
{
	fake.server.twin = true;
	fake_user_open_well();
	ck_assert_int_ge(fake_user_client()->twin.fd, 0);
	fake_user_leaves(0);
}
END_TEST

/* An answer of the test's own, whose text is @json, all of it. */
static void answer_with(const char *json, size_t length)
{
	struct {
		struct vfio_user_header header;
		struct vfio_user_version version;
		char json[8192];
	} answer = {
		.header = {.command = VFIO_USER_VERSION, .flags = VFIO_USER_REPLY},
		.version = {.minor = VFIO_USER_MINOR},
	};
	const struct vfio_user_config config = {.name = "user0", .patience_ms = FAKE_PATIENCE_MS};
	struct vfio_user_client *client;
	int ends[2];

	answer.header.size = (uint32_t)(offsetof(__typeof__(answer), json) + length);
	memcpy(answer.json, json, length);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], &answer, answer.header.size), answer.header.size);
	fake.err = (struct err){0};
	client = vfio_user_open(ends[0], &config, &fake.err);
	vfio_user_close(client);
	close(ends[1]);
}

static void answer_with_text(const char *json)
{
	answer_with(json, strlen(json) + 1);
}

START_TEST(what_is_left_out_is_as_usual)
{
	answer_with("", 0);
	ck_assert_int_eq(fake.err.code, 0);
	answer_with_text("");
	ck_assert_int_eq(fake.err.code, 0);
	answer_with_text("{}");
	ck_assert_int_eq(fake.err.code, 0);
	answer_with_text("{\"capabilities\":{\"of later\":[1]},\"more\":{}}");
	ck_assert_int_eq(fake.err.code, 0);
	fake_user_leaves(0);
}
END_TEST

START_TEST(capabilities_that_are_none_are_refused)
{
	static const char *const texts[] = {
		"[",
		"[]",
		"{\"capabilities\":[]}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
		"{\"capabilities\":{\"max_data_xfer_size\":7}}",
		"{\"capabilities\":{\"max_dma_maps\":0}}",
		"{\"capabilities\":{\"pgsizes\":0}}",
		"{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}",
		"{\"capabilities\":{\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}",
		"{\"capabilities\":{\"twin_socket\":{\"supported\":true,\"fd_index\":1}}}",
		"{\"capabilities\":{},\"capabilities\":{}}",
	};
	static char many[8000];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		answer_with_text(texts[i]);
		ck_assert_msg(fake.err.code == -EPROTO, "%s: %s", texts[i], fake.err.text);
	}
	answer_with("{}", 2);
	ck_assert_ptr_nonnull(strstr(fake.err.text, "text that does not end"));
	answer_with(many, sizeof(many));
	ck_assert_ptr_nonnull(strstr(fake.err.text, "of a size that no answer has"));
	memset(many, '[', 4000);
	answer_with(many, 4001);
	ck_assert_int_eq(fake.err.code, -EPROTO);
	fake_user_leaves(0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_user_set_up, NULL);
	tcase_add_loop_test(tests, a_server_that_begins_badly_is_refused, 0,
			    ARRAY_SIZE(open_faults));
	tcase_add_loop_test(tests, what_cannot_be_mapped_is_refused, 0, ARRAY_SIZE(map_faults));
	tcase_add_test(tests, what_is_no_memory_is_not_mapped);
	tcase_add_test(tests, regions_beyond_its_own_are_not_asked_for);
	tcase_add_test(tests, its_limits_are_heeded);
	tcase_add_test(tests, a_second_socket_is_taken);
	tcase_add_test(tests, what_is_left_out_is_as_usual);
	tcase_add_test(tests, capabilities_that_are_none_are_refused);
}

int main(void)
{
	return run_suite("the version of vfio-user", add_tests);
}
