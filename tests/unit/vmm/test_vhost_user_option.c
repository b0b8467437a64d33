/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --vhost-user, and the sentence for each way to get one wrong. */

#include <check.h>
#include <string.h>

#include "tests/unit/vmm/test_option.h"
#include "vmm/vhost_user_option.h"

static struct vhost_user_config device;
static const char *given;

static int take_vhost_user(void)
{
	return vhost_user_option_parse(&device, &options, &given, &err);
}

START_TEST(each_part_is_taken)
{
	ck_assert_int_eq(parse("blk,socket=/run/a,,b"), 0);
	ck_assert_str_eq(device.kind->name, "blk");
	ck_assert_str_eq(device.path, "/run/a,b");
	ck_assert_ptr_null(given);
	ck_assert_uint_eq(device.choice.queues, 0);
	ck_assert_int_eq(parse("fs,fd=7,tag=home,queues=15"), 0);
	ck_assert_ptr_null(device.path);
	ck_assert_str_eq(given, "7");
	ck_assert_str_eq(device.choice.tag, "home");
	ck_assert_uint_eq(device.choice.queues, 15);
	ck_assert_int_eq(parse("52,fd=name,queues=2"), 0);
	ck_assert_uint_eq(device.kind->id, 52);
	ck_assert_ptr_eq(device.kind, &device.numbered);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	refused("", "'': it takes blk, fs, net");
	refused("disk,socket=a", "'disk': it takes blk, fs, net");
	refused("blk", "it takes one of socket=PATH");
	refused("blk,socket=a,fd=3", "it takes one of socket=PATH");
	refused("blk,socket=", "socket=: no path: give one");
	refused("blk,socket=a,queues=0", "queues=0: it takes a number from 1 to 16");
	refused("fs,socket=a,tag=b,queues=16", "it takes a number from 1 to 15");
	refused("i2c,socket=a,queues=1", "has as many as it has: leave it out");
	refused("blk,socket=a,tag=b", "tag=b: a file system (fs) has one alone");
	refused("fs,socket=a", "a file system needs tag=TEXT");
	refused("fs,socket=a,tag=", "tag=: it takes 1 to 36 bytes");
	refused("fs,socket=a,tag=1234567890123456789012345678901234567", "1 to 36 bytes");
	refused("blk,socket=a,readonly", "'readonly': unknown part: it takes socket=PATH or fd=N");
	refused("blk,path=a", "'path=': unknown part");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, each_part_is_taken);
	tcase_add_test(tests, what_is_wrong_is_said);
}

int main(void)
{
	take_options = take_vhost_user;
	return run_suite("vhost_user_option", add_tests);
}
