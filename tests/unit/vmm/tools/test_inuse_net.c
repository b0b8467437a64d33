/* SPDX-License-Identifier: BSD-3-Clause */
/* Network cards that the host cannot do without: routes, bridges, addresses. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"
#include "vmm/tools/inuse.h"

static const char route_head[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";

static void write_routes(const char *first, const char *second)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "%s%s\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		 "%s\t%s\t00000000\t%s\t0\t0\t100\t%s\t0\t0\t0\n",
		 route_head, first, second ? second : first, second ? "00000000" : "0002A8C0",
		 second ? "0003" : "0001", second ? "00000000" : "00FFFFFF");
	fake_tree_write("proc/net/route", text);
}

static void add_interface(const char *address, const char *name)
{
	char path[256], target[512];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/net/%s", address, name);
	fake_tree_folder(path);
	fake_tree_folder("class/net");
	snprintf(target, sizeof(target), "../../%s", path);
	strcat(path, "/device");
	fake_tree_link(path, "../..");
	snprintf(path, sizeof(path), "class/net/%s", name);
	fake_tree_link(path, target);
}

START_TEST(the_only_way_into_the_network)
{
	add_interface(NIC, "eth0");
	write_routes("eth0", NULL);
	refused_unless_forced(NIC, "the only default route (IPv4) goes by eth0");
	tools_add("0000:05:00.0", 12, "igb", "8086:1533", "020000");
	add_interface("0000:05:00.0", "eth1");
	write_routes("eth0", "eth1");
	refused_unless_forced(NIC, "eth0 has a default route");
	has_not(tools_errors, "the only default route");
	ck_assert_int_eq(bind(NIC, "05:00.0", NULL), TOOL_FAILED); /* both at once: the only ones */
	has(tools_errors, "the only default route (IPv4)");
}
END_TEST

START_TEST(a_route_by_way_of_a_bridge)
{
	add_interface(NIC, "eth0");
	fake_tree_folder("class/net/br0");
	fake_tree_folder("class/net/tap0");
	fake_tree_link("class/net/br0/lower_eth0", "../eth0");
	fake_tree_link("class/net/br0/lower_tap0", "../tap0");
	write_routes("br0", NULL);
	refused_unless_forced(NIC, "the only default route (IPv4) goes by br0");
}
END_TEST

START_TEST(a_route_of_ipv6)
{
	add_interface(NIC, "eth0");
	fake_tree_write(
		"proc/net/ipv6_route",
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
	refused_unless_forced(NIC, "the only default route (IPv6) goes by eth0");
}
END_TEST

START_TEST(an_address_of_its_own)
{
	add_interface(NIC, "eth0");
	tools_address("eth1", "192.0.2.9/24");
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	tools_address("eth0", "192.0.2.5/32");
	refused_unless_forced(NIC, "eth0 has the address 192.0.2.5/32");
	tools_address("eth0", "2001:db8::5/64");
	refused(NIC, "eth0 has the address 192.0.2.5/32 and 1 more");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
}
END_TEST

START_TEST(an_address_of_what_is_above)
{
	add_interface(NIC, "eth0");
	fake_tree_folder("class/net/bond0");
	fake_tree_folder("class/net/bond0.7");
	fake_tree_link("class/net/bond0/lower_eth0", "../eth0");
	fake_tree_link("class/net/bond0.7/lower_bond0", "../bond0");
	tools_address("bond0.7", "2001:db8::5/64");
	refused_unless_forced(NIC, "bond0.7, which goes by eth0, has the address 2001:db8::5/64");
}
END_TEST

START_TEST(a_port_of_a_bridge)
{
	add_interface(NIC, "eth0");
	fake_tree_folder("class/net/br0");
	fake_tree_link("class/net/eth0/master", "../br0");
	refused_unless_forced(NIC, "eth0 is part of br0");
}
END_TEST

START_TEST(a_route_of_its_own)
{
	add_interface(NIC, "eth0");
	fake_tree_write("proc/net/route",
			"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
			"eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n");
	refused_unless_forced(NIC, "eth0 has the route to 10.0.0.0/8");
	fake_tree_unlink("proc/net/route");
	ck_assert_int_eq(bind(NIC, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	/* What every interface has that is up: link-local, multicast, its own address. */
	fake_tree_write(
		"proc/net/ipv6_route",
		"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n"
		"fe8000000000000000fc00fffe000001 80 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000000 00000002 00000000 80200001     eth0\n"
		"ff000000000000000000000000000000 08 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0\n");
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	fake_tree_write(
		"proc/net/ipv6_route",
		"20010db8000000000000000000000000 20 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n");
	refused_unless_forced(NIC, "eth0 has the route to 2001:db8::/32");
}
END_TEST

START_TEST(addresses_that_cannot_be_told)
{
	tools_addresses_answer(-EACCES);
	/* Which is nothing to a device without an interface. */
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	add_interface(NIC, "eth0");
	refused_unless_forced(NIC, "the host's network addresses cannot be told");
}
END_TEST

static void count_address(void *context, const char *interface, const char *address)
{
	unsigned int bits;

	ck_assert_int_gt((int)strlen(interface), 0);
	ck_assert_ptr_null(strchr(interface, ':'));
	ck_assert_ptr_nonnull(strchr(address, '/'));
	ck_assert_int_eq(sscanf(strchr(address, '/'), "/%u", &bits), 1);
	ck_assert_uint_le(bits, 128);
	ck_assert_str_ne(interface, "lo");
	ck_assert_int_ne(strncmp(address, "fe80", 4), 0);
	++*(unsigned int *)context;
}

/* Those of the host that the tests run on, whatever they are. */
START_TEST(addresses_of_this_host)
{
	unsigned int count = 0;

	ck_assert_int_eq(inuse_each_address(count_address, &count), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, the_only_way_into_the_network);
	tcase_add_test(tests, a_route_by_way_of_a_bridge);
	tcase_add_test(tests, a_route_of_ipv6);
	tcase_add_test(tests, an_address_of_its_own);
	tcase_add_test(tests, an_address_of_what_is_above);
	tcase_add_test(tests, a_port_of_a_bridge);
	tcase_add_test(tests, a_route_of_its_own);
	tcase_add_test(tests, addresses_that_cannot_be_told);
	tcase_add_test(tests, addresses_of_this_host);
}

int main(void)
{
	return run_suite("inuse net", add_tests);
}
