/* SPDX-License-Identifier: BSD-3-Clause */
/* Which NUMA nodes a made-up host has, and how many of their processors are this process's. */

#include <check.h>
#include <sched.h>
#include <stdio.h>

#include "memory/nodes.h"
#include "tests/unit/memory/test_node_tree.h"
#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"

static struct nodes nodes;

static void setup(void)
{
	fake_tree_create();
	find_processors();
}

static void read_nodes(const unsigned int *pins, size_t count)
{
	nodes_read(&nodes, fake_tree_path(""), pins, count);
	ck_assert_uint_ge(nodes.count, 1);
	ck_assert_uint_ge(nodes.cpu_count, 1);
}

static void every_processor_and_no_binding(void)
{
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	read_nodes(NULL, 0);
	ck_assert(!nodes.bind);
	ck_assert_uint_eq(nodes.count, 1);
	ck_assert_uint_eq(nodes.cpu_count, (unsigned int)CPU_COUNT(&all));
}

START_TEST(a_host_that_tells_nothing_is_one_node)
{
	every_processor_and_no_binding();
	set_online("");
	every_processor_and_no_binding();
	set_online("none\n");
	every_processor_and_no_binding();
}
END_TEST

START_TEST(one_node_needs_no_binding)
{
	set_online("0\n");
	every_processor_and_no_binding();
	/* Not even looked at. */
	add_node(0, "nonsense\n");
	every_processor_and_no_binding();
}
END_TEST

START_TEST(each_node_has_its_processors)
{
	two_nodes();
	add_node(2, "\n"); /* memory only */
	add_node(9, "1000000-1000003\n");
	set_online("0-2,4,9\n");
	read_nodes(NULL, 0);
	ck_assert(nodes.bind);
	ck_assert_uint_eq(nodes.count, 2);
	ck_assert_uint_eq(nodes.cpu_count, 2);
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_uint_eq(nodes.node[i].count, 1);
		ck_assert(CPU_ISSET(cpu[i], &nodes.node[i].cpus));
	}
}
END_TEST

START_TEST(processors_that_are_not_ours_are_left_out)
{
	char list[64];

	snprintf(list, sizeof(list), "%u,1000-1023\n", cpu[0]);
	add_node(0, list);
	add_node(1, "900-901\n");
	set_online("0-1\n");
	read_nodes(NULL, 0);
	ck_assert(nodes.bind);
	ck_assert_uint_eq(nodes.count, 1);
	ck_assert_uint_eq(nodes.cpu_count, 1);
}
END_TEST

START_TEST(pins_choose_the_nodes)
{
	unsigned int pin = cpu[1];

	if (cpu[0] == cpu[1])
		return;
	two_nodes();
	read_nodes(&pin, 1);
	ck_assert(nodes.bind);
	ck_assert_uint_eq(nodes.count, 1);
	ck_assert(CPU_ISSET(cpu[1], &nodes.node[0].cpus));
	read_nodes(cpu, 2);
	ck_assert_uint_eq(nodes.count, 2);
	/* A vCPU may be pinned where the process itself is not. */
	add_node(2, "900-901\n");
	set_online("0-2\n");
	pin = 901;
	read_nodes(&pin, 1);
	ck_assert_uint_eq(nodes.count, 1);
	ck_assert_uint_eq(nodes.cpu_count, 2);
	/* Of one that no node has, nothing is known. */
	pin = 5000;
	read_nodes(&pin, 1);
	ck_assert(!nodes.bind);
	ck_assert_uint_eq(nodes.cpu_count, 2);
}
END_TEST

/* Sixty-four threads for nodes of 96, 32 and 64 processors: 32, 11 and 21. */
START_TEST(shares_go_by_processors)
{
	unsigned int share[3] = {0};

	nodes = (struct nodes){.node = {{.count = 96}, {.count = 32}, {.count = 64}},
			       .count = 3,
			       .cpu_count = 192};
	for (unsigned int i = 0; i < 64; i++)
		share[nodes_of_cpu(&nodes, i * 192 / 64) - nodes.node]++;
	ck_assert_uint_eq(share[0], 32);
	ck_assert_uint_eq(share[1], 11);
	ck_assert_uint_eq(share[2], 21);
	ck_assert_ptr_eq(nodes_of_cpu(&nodes, 500), &nodes.node[2]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, a_host_that_tells_nothing_is_one_node);
	tcase_add_test(tests, one_node_needs_no_binding);
	tcase_add_test(tests, each_node_has_its_processors);
	tcase_add_test(tests, processors_that_are_not_ours_are_left_out);
	tcase_add_test(tests, pins_choose_the_nodes);
	tcase_add_test(tests, shares_go_by_processors);
}

int main(void)
{
	return run_suite("nodes", add_tests);
}
