/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up host with NUMA nodes, of the processors that this process may use. */

#ifndef FERRY_TESTS_UNIT_MEMORY_TEST_NODE_TREE_H
#define FERRY_TESTS_UNIT_MEMORY_TEST_NODE_TREE_H

#include <check.h>
#include <sched.h>
#include <stdio.h>

#include "memory/nodes.h"
#include "tests/unit/support/fake_sysfs.h"

/* Two processors that this process may use; the same one twice if it must. */
static unsigned int cpu[2];

static inline void find_processors(void)
{
	cpu_set_t set;
	unsigned int found = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned int i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[found++] = i;
	ck_assert_uint_gt(found, 0);
	if (found == 1)
		cpu[1] = cpu[0];
}

static inline void add_node(unsigned int number, const char *cpus)
{
	char path[64];

	snprintf(path, sizeof(path), "devices/system/node/node%u", number);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "devices/system/node/node%u/cpulist", number);
	fake_tree_write(path, cpus);
}

static inline void set_online(const char *list)
{
	fake_tree_folder("devices/system/node");
	fake_tree_write("devices/system/node/online", list);
}

/* One of the two processors in each of two nodes. */
static inline void two_nodes(void)
{
	char list[32];

	for (unsigned int i = 0; i < 2; i++) {
		snprintf(list, sizeof(list), "%u\n", cpu[i]);
		add_node(i, list);
	}
	set_online("0-1\n");
}

#endif
