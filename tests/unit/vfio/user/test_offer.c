/* SPDX-License-Identifier: BSD-3-Clause */
/* What a server of vfio-user is asked without a guest, and servers that cannot be asked. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "tests/unit/support/fake_user.h"
#include "vfio/user/offer.h"

static struct vfio_user_offer offer;

static int look(void)
{
	return vfio_user_look_at(fake_user_connect(), "a.sock", fake.patience_ms, &offer,
				 &fake.err);
}

START_TEST(it_tells_what_there_is)
{
	fake.server.max_fds = 3;
	hear();
	ck_assert_msg(look() == 0, "%s", fake.err.text);
	ck_assert(offer.is_pci);
	ck_assert(offer.resettable);
	ck_assert(!offer.twin);
	ck_assert_uint_eq(offer.vendor, 0x1234);
	ck_assert_uint_eq(offer.device, 0x5678);
	ck_assert_uint_eq(offer.class_code, 0x010802);
	ck_assert_uint_eq(offer.revision, 1);
	ck_assert_uint_eq(offer.limits.fds, 3);
	ck_assert_uint_eq(offer.limits.maps, 65535);
	ck_assert_uint_eq(offer.bars[0].size, FAKE_REGISTERS);
	ck_assert_uint_eq(offer.mapped[0], 0);
	ck_assert(offer.bars[2].io);
	ck_assert_uint_eq(offer.bars[4].size, FAKE_FILE);
	ck_assert(offer.bars[4].wide);
	ck_assert_uint_eq(offer.mapped[4], FAKE_FILE / 2);
	ck_assert_uint_eq(offer.bars[1].size, 0);
	ck_assert_uint_eq(offer.intx, 1);
	ck_assert_uint_eq(offer.msi, 0);
	ck_assert_uint_eq(offer.msix, FAKE_USER_VECTORS);
	ck_assert_str_eq(heard(), "");
	/* Nothing was done to it. */
	ck_assert_uint_eq(fake_user_heard(COMMAND_WRITE), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_RESET), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_SET_IRQS), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_DMA_MAP), 0);
}
END_TEST

START_TEST(a_second_socket_is_told)
{
	fake.server.twin = true;
	ck_assert_msg(look() == 0, "%s", fake.err.text);
	ck_assert(offer.twin);
}
END_TEST

START_TEST(a_file_is_mapped_as_a_whole)
{
	fake.model.regions[4].area_count = 0;
	ck_assert_msg(look() == 0, "%s", fake.err.text);
	ck_assert_uint_eq(offer.mapped[4], FAKE_FILE);
}
END_TEST

static const struct {
	enum server_command at;
	enum user_fault fault;
	unsigned int skip;
	const char *said;
} faults[] = {
	{COMMAND_VERSION, USER_FAULT_LATE, 0,
	 "a.sock: its server has not answered VERSION within 1000 ms"},
	{COMMAND_VERSION, USER_FAULT_NONSENSE, 0, "a.sock: its server has answered VERSION with"},
	{COMMAND_VERSION, USER_FAULT_DIES, 0, "a.sock: its server has ended the connection"},
	{COMMAND_VERSION, USER_FAULT_MAJOR, 0, "a.sock: its server speaks version 1.1"},
	{COMMAND_INFO, USER_FAULT_LATE, 0,
	 "a.sock: its server has not answered DEVICE_GET_INFO within 5000 ms"},
	{COMMAND_INFO, USER_FAULT_ID, 0, "a.sock: its server has answered DEVICE_GET_INFO, which"},
	{COMMAND_INFO, USER_FAULT_ERROR, 0, "a.sock: its server does not say what it is"},
	{COMMAND_REGION_INFO, USER_FAULT_HUGE, 3, "a.sock: its server has sent DEVICE_GET_REGION"},
	{COMMAND_IRQ_INFO, USER_FAULT_PLACE, 1, "a.sock: its server has answered for interrupts 1"},
	{COMMAND_READ, USER_FAULT_DIES, 3, "a.sock: its server has ended the connection"},
	{COMMAND_READ, USER_FAULT_COUNT, 3, "a.sock: its server has answered REGION_READ"},
	{COMMAND_READ, USER_FAULT_ERROR, 0, "a.sock: its server does not let config space be read"},
};

/* One sentence says why, and nothing is logged beside it. */
START_TEST(a_server_that_misbehaves_is_told_of)
{
	fake.server.at = faults[_i].at;
	fake.server.fault = faults[_i].fault;
	fake.server.skip = faults[_i].skip;
	/* Time enough for those before the one that is late. */
	if (faults[_i].fault == USER_FAULT_LATE)
		fake.patience_ms = faults[_i].at == COMMAND_VERSION ? 1000 : 5000;
	hear();
	ck_assert_int_lt(look(), 0);
	ck_assert_msg(strncmp(fake.err.text, faults[_i].said, strlen(faults[_i].said)) == 0, "%s",
		      fake.err.text);
	ck_assert_ptr_null(strstr(fake.err.text, "reads all ones"));
	ck_assert_str_eq(heard(), "");
}
END_TEST

/* Each answer comes in time, but there are many. */
START_TEST(a_slow_server_is_not_waited_for_without_end)
{
	fake.patience_ms = 1000;
	fake.server.slow_ms = 400;
	hear();
	ck_assert_int_lt(look(), 0);
	ck_assert_str_eq(fake.err.text,
			 "a.sock: its server has had more than 4000 ms, and is not opened yet");
	ck_assert_str_eq(heard(), "");
}
END_TEST

static char folder[] = "/tmp/ferry-offer-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void says(const char *path, int code, const char *said)
{
	fake.err = (struct err){0};
	ck_assert_int_eq(vfio_user_look(path, FAKE_PATIENCE_MS, &offer, &fake.err), code);
	ck_assert_ptr_eq(strstr(fake.err.text, path), fake.err.text);
	ck_assert_msg(strstr(fake.err.text, said), "%s", fake.err.text);
}

START_TEST(paths_where_nobody_listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char file[64];
	int left, more;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	says(in_folder("none.sock"), -ENOENT, "no server listens there: start it first");
	snprintf(file, sizeof(file), "%s", in_folder("file"));
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	says(file, -ENOTSOCK, "it is no socket");
	unlink(file);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in_folder("left.sock"));
	left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(left, (struct sockaddr *)&address, sizeof(address)), 0);
	says(address.sun_path, -ECONNREFUSED, "no server listens there: start it first");
	/* One waits, and there is room for no other. */
	ck_assert_int_eq(listen(left, 0), 0);
	more = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(more, (struct sockaddr *)&address, sizeof(address)), 0);
	says(address.sun_path, -EAGAIN, "its server takes no connection: it has another client");
	close(more);
	close(left);
	unlink(address.sun_path);
	rmdir(folder);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_user_set_up, fake_user_tear_down);
	tcase_add_test(tests, it_tells_what_there_is);
	tcase_add_test(tests, a_second_socket_is_told);
	tcase_add_test(tests, a_file_is_mapped_as_a_whole);
	tcase_add_loop_test(tests, a_server_that_misbehaves_is_told_of, 0, ARRAY_SIZE(faults));
	tcase_add_test(tests, a_slow_server_is_not_waited_for_without_end);
	tcase_add_test(tests, paths_where_nobody_listens);
}

int main(void)
{
	return run_suite("what a server of vfio-user offers", add_tests);
}
