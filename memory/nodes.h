/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's NUMA nodes, as far as this process may use their processors. */

#ifndef FERRY_MEMORY_NODES_H
#define FERRY_MEMORY_NODES_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

enum { NODES_MAX = 64 };

struct node {
	cpu_set_t cpus;
	unsigned int count; /* of them; never 0 */
};

struct nodes {
	struct node node[NODES_MAX];
	unsigned int count;     /* at least 1 */
	unsigned int cpu_count; /* of all of them together; at least 1 */
	bool bind;              /* there are others on this host: where a thread runs matters */
};

/*
 * The nodes of @sysfs/devices/system/node that have any of the @pin_count processors in @pins; with
 * none given, every node. Of each, the processors that this process may run on. A host that tells
 * nothing of nodes, or of whose processors too little is known, is one node.
 */
void nodes_read(struct nodes *nodes, const char *sysfs, const unsigned int *pins, size_t pin_count);

/* The node of processor number @index, 0 to cpu_count - 1, when all are counted node by node. */
const struct node *nodes_of_cpu(const struct nodes *nodes, unsigned int index);

#endif
