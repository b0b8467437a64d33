/* SPDX-License-Identifier: BSD-3-Clause */
/* A tap by name or given: what it is told, and the sentence for each way that it is not had. */

#include "devices/virtio/tap.h"
#include "tests/unit/support/fake_vhost.h"
#include "tests/unit/support/suite.h"

static struct err err;
static int fds[4];

static void set_up(void)
{
	err = (struct err){0};
	fault_disarm();
	fake_vhost_begin();
	for (unsigned int i = 0; i < 4; i++)
		fds[i] = -1;
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < 4; i++)
		fd_close(&fds[i]);
}

static int open_tap(const char *name, unsigned int count)
{
	return tap_open(name, count, fds, &err);
}

static struct fake_vhost_file *tap(unsigned int index)
{
	return fake_vhost_file(FAKE_VHOST_TAP, index);
}

START_TEST(it_is_opened_once_for_each_queue)
{
	ck_assert_int_eq(open_tap("tap0", 1), 0);
	ck_assert_int_eq(tap(0)->flags, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	tear_down();
	set_up();
	ck_assert_int_eq(open_tap("tap0", 3), 0);
	ck_assert_uint_eq(fake_vhost.count, 3);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert(tap(i)->flags & IFF_MULTI_QUEUE);
}
END_TEST

START_TEST(it_is_told_of_its_reader)
{
	ck_assert_int_eq(open_tap("tap0", 2), 0);
	ck_assert_int_eq(tap_set_header(fds[0]), 0);
	ck_assert_uint_eq(tap(0)->header, 12);
	ck_assert_int_eq(tap_set_offloads(fds[0], TUN_F_CSUM | TUN_F_TSO4), 0);
	ck_assert_uint_eq(tap(0)->offloads, TUN_F_CSUM | TUN_F_TSO4);
	ck_assert_int_eq(tap_set_offloads(fds[0], 0x80), -EINVAL);
	ck_assert_int_eq(tap_set_queue(fds[1], false), 0);
	ck_assert(tap(1)->detached);
	ck_assert_int_eq(tap_set_queue(fds[1], true), 0);
	ck_assert(!tap(1)->detached);
}
END_TEST

static const struct {
	int error;
	unsigned int count;
	const char *says;
} refusals[] = {
	{-EPERM, 1, "tap tap0: it is another user's"},
	{-EBUSY, 1, "tap tap0: another program has it"},
	{-EINVAL, 1, "tap tap0: it is no tap of one queue: ip tuntap add dev NAME mode tap makes"},
	{-EINVAL, 2, "no tap of several queues: ip tuntap add dev NAME mode tap multi_queue makes"},
	{-ENOMEM, 1, "tap tap0: Cannot allocate memory"},
};

START_TEST(why_it_is_not_to_be_had)
{
	fake_vhost.tap_error = refusals[_i].error;
	ck_assert_int_eq(open_tap("tap0", refusals[_i].count), refusals[_i].error);
	ck_assert_msg(strstr(err.text, refusals[_i].says), "%s", err.text);
}
END_TEST

START_TEST(one_that_is_not_there_is_not_made)
{
	ck_assert_int_eq(open_tap("eth7", 1), -ENODEV);
	ck_assert_msg(strstr(err.text, "eth7: No such device: ip tuntap add dev eth7 mode tap"),
		      "%s", err.text);
	ck_assert_uint_eq(fake_vhost.count, 0);
	fake_vhost.absent = "/dev/net/tun";
	ck_assert_int_eq(open_tap("tap0", 1), -ENOENT);
	ck_assert_msg(strstr(err.text, "/dev/net/tun: No such file or directory: modprobe tun"),
		      "%s", err.text);
	fault_arm(2, FAULT_ERROR, -EACCES);
	ck_assert_int_eq(open_tap("tap0", 1), -EACCES);
	ck_assert_msg(strstr(err.text, "this user may not open it"), "%s", err.text);
}
END_TEST

START_TEST(one_that_is_given_must_be_one)
{
	char name[IFNAMSIZ] = "";

	ck_assert_int_eq(open_tap("tap0", 1), 0);
	ck_assert_int_eq(tap_check(fds[0], 1, name, &err), 0);
	ck_assert_str_eq(name, "tap0");
	ck_assert_int_eq(tap_check(fds[0], 1, (char[IFNAMSIZ]){"tap1"}, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "it is of another tap than the first"), "%s", err.text);
	ck_assert_int_eq(tap_check(fds[0], 2, name, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "IFF_VNET_HDR, and with IFF_MULTI_QUEUE"), "%s", err.text);
	tap(0)->flags = IFF_TAP | IFF_NO_PI;
	ck_assert_int_eq(tap_check(fds[0], 1, name, &err), -EINVAL);
	tap(0)->flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	ck_assert_int_eq(tap_check(fds[0], 1, name, &err), -EINVAL);
	tap(0)->flags = 0;
	ck_assert_int_eq(tap_check(fds[0], 1, name, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "it is no tap"), "%s", err.text);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_is_opened_once_for_each_queue);
	tcase_add_test(tests, it_is_told_of_its_reader);
	tcase_add_loop_test(tests, why_it_is_not_to_be_had, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tests, one_that_is_not_there_is_not_made);
	tcase_add_test(tests, one_that_is_given_must_be_one);
}

int main(void)
{
	return run_suite("tap", add_tests);
}
