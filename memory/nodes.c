/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's NUMA nodes, as far as this process may use their processors. */

#include "memory/nodes.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/base/files.h"

/* A list as sysfs has them ("0-3,8"); numbers that no set can hold are left out. */
static bool node_read_list(const char *path, cpu_set_t *set)
{
	FILE *file = files_open(path);
	unsigned int first, last;

	CPU_ZERO(set);
	if (!file)
		return false;
	while (fscanf(file, "%u", &first) == 1) {
		if (fscanf(file, "-%u", &last) != 1)
			last = first;
		for (unsigned int i = first; i <= last && i < CPU_SETSIZE; i++)
			CPU_SET(i, set);
		if (fgetc(file) != ',')
			break;
	}
	fclose(file);
	return true;
}

static bool node_is_wanted(const cpu_set_t *cpus, const unsigned int *pins, size_t pin_count)
{
	for (size_t i = 0; i < pin_count; i++)
		if (pins[i] < CPU_SETSIZE && CPU_ISSET(pins[i], cpus))
			return true;
	return pin_count == 0;
}

static void node_take(struct nodes *nodes, const cpu_set_t *cpus)
{
	struct node *node = &nodes->node[nodes->count];

	node->cpus = *cpus;
	node->count = (unsigned int)CPU_COUNT(cpus);
	if (node->count == 0)
		return;
	nodes->cpu_count += node->count;
	nodes->count++;
}

/* How many nodes the host has; the wanted ones are taken. */
static unsigned int node_take_nodes(struct nodes *nodes, const char *sysfs,
				    const cpu_set_t *allowed, const unsigned int *pins,
				    size_t pin_count)
{
	cpu_set_t online, cpus, both;
	char path[PATH_MAX];
	unsigned int found;

	snprintf(path, sizeof(path), "%s/devices/system/node/online", sysfs);
	if (!node_read_list(path, &online))
		return 1;
	found = (unsigned int)CPU_COUNT(&online);
	for (unsigned int i = 0; found > 1 && i < CPU_SETSIZE && nodes->count < NODES_MAX; i++) {
		if (!CPU_ISSET(i, &online))
			continue;
		snprintf(path, sizeof(path), "%s/devices/system/node/node%u/cpulist", sysfs, i);
		if (!node_read_list(path, &cpus) || !node_is_wanted(&cpus, pins, pin_count))
			continue;
		CPU_AND(&both, &cpus, allowed);
		/* Processors may be pinned to that the process keeps off otherwise. */
		node_take(nodes, CPU_COUNT(&both) == 0 && pin_count > 0 ? &cpus : &both);
	}
	return found;
}

void nodes_read(struct nodes *nodes, const char *sysfs, const unsigned int *pins, size_t pin_count)
{
	cpu_set_t allowed;
	long processors;

	nodes->count = nodes->cpu_count = 0;
	nodes->bind = false;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
		nodes->bind = node_take_nodes(nodes, sysfs, &allowed, pins, pin_count) > 1 &&
			      nodes->count > 0;
		if (nodes->count == 0)
			node_take(nodes, &allowed);
	}
	if (nodes->count > 0)
		return;
	/* More processors than the set has bits. */
	processors = sysconf(_SC_NPROCESSORS_ONLN);
	nodes->count = 1;
	nodes->cpu_count = nodes->node[0].count = processors > 0 ? (unsigned int)processors : 1;
}

const struct node *nodes_of_cpu(const struct nodes *nodes, unsigned int index)
{
	const struct node *node = nodes->node;

	while (node < &nodes->node[nodes->count - 1] && index >= node->count)
		index -= node++->count;
	return node;
}
