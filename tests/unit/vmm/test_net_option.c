/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --net, and the sentence for each way to get one wrong. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/vmm/test_option.h"
#include "vmm/net_option.h"

static struct net_config net;

static int take_net(void)
{
	return net_option_parse(&net, &options, &err);
}

START_TEST(a_tap_alone_is_a_card)
{
	ck_assert_int_eq(parse("tap=tap0"), 0);
	ck_assert_str_eq(net.tap, "tap0");
	ck_assert_uint_eq(net.pairs, 1);
	ck_assert_uint_eq(net.mtu, 0);
	ck_assert(!net.has_mac);
}
END_TEST

START_TEST(each_part_is_taken)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 0xab, 0xCD, 0xef};

	ck_assert_int_eq(parse("tap=a-b.c_d@012345,mac=52:54:00:ab:CD:ef,queues=8,mtu=65535"), 0);
	ck_assert_mem_eq(net.mac, mac, sizeof(mac));
	ck_assert(net.has_mac);
	ck_assert_uint_eq(net.pairs, 8);
	ck_assert_uint_eq(net.mtu, 65535);
	ck_assert_int_eq(parse("tap=t,mtu=68"), 0);
}
END_TEST

START_TEST(descriptors_are_counted)
{
	ck_assert_int_eq(parse("fd=3"), 0);
	ck_assert_ptr_null(net.tap);
	ck_assert_uint_eq(net.pairs, 1);
	ck_assert_int_eq(parse("fd=3:4:5,queues=3"), 0);
	ck_assert_uint_eq(net.pairs, 3);
	refused("fd=3:4,queues=3", "queues=3: 2 descriptors are given: give one for each");
	refused("fd=1:2:3:4:5:6:7:8:9", "8 descriptors are the most");
}
END_TEST

START_TEST(what_is_wrong_is_told)
{
	static const char *const names[] = {
		"", "0123456789abcdef", "a/b", "a b", "a%d", "a:b", ".", "..", "a\tb"};
	char text[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "tap=%s", names[i]);
		refused(text, "no interface's name");
	}
	refused("tap0", "'tap0': it takes tap=NAME, fd=N or user");
	refused("", "it takes tap=NAME, fd=N or user");
	refused("tap=t,mac=1", "mac=1: not an address of six bytes");
	refused("tap=t,mac=52:54:00:12:34:5", "not an address");
	refused("tap=t,mac=52:54:00:12:34-56", "not an address");
	refused("tap=t,mac=52:54:00:12:34:5g", "not an address");
	refused("tap=t,mac=53:54:00:12:34:56", "it is no address of one card");
	refused("tap=t,mac=00:00:00:00:00:00", "it is no address of one card");
	refused("tap=t,queues=0", "queues=0: it takes a number from 1 to 8");
	refused("tap=t,queues=9", "from 1 to 8");
	refused("tap=t,mtu=67", "mtu=67: it takes a number from 68 to 65535");
	refused("tap=t,mtu=65536", "from 68 to 65535");
	refused("tap=t,vlan=1", "'vlan=1': unknown part: it takes mac=ADDRESS");
	refused("tap=t,mac", "'mac': unknown part");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_tap_alone_is_a_card);
	tcase_add_test(tests, each_part_is_taken);
	tcase_add_test(tests, descriptors_are_counted);
	tcase_add_test(tests, what_is_wrong_is_told);
}

int main(void)
{
	take_options = take_net;
	return run_suite("net_option", add_tests);
}
