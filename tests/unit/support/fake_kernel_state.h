/* SPDX-License-Identifier: BSD-3-Clause */
/* What a made-up kernel (fake_vfio_kernel.h) knows, for the one test program that includes that. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_KERNEL_STATE_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_KERNEL_STATE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/fake_vfio.h"
#include "vfio/iommufd/abi.h"
#include "vfio/token.h"

enum { NODES_MAX = 64, EVENTS_SIZE = 4096 };

/* A group, a device or a character device that is open, by its descriptor. */
struct fake_node {
	int fd;
	unsigned int group;
	char name[32];            /* of the group, for a sentence */
	struct fake_vfio *device; /* NULL: the group itself, or a device that is not bound */
	bool is_cdev;
	bool known_to_kvm;
	bool stays;        /* somebody else has it open as well */
	bool bound;        /* by that one */
	bool foreign;      /* to another iommufd */
	uint32_t attached; /* to that address space, or 0 */
};

static struct {
	_Atomic int container, iommufd;
	struct fake_node nodes[NODES_MAX];
	unsigned int nodes_used;
	struct fake_vfio devices[4]; /* by their names, as they were first opened */
	unsigned int devices_used;
	_Atomic unsigned int joined; /* groups in the container */
	struct fake_vfio_space space;
	int version;
	bool has_type1;
	uint32_t group_flags;
	unsigned long fails_request;
	int fails_code;
	int open_fails; /* of group nodes */
	int kvm_create_fails, kvm_add_fails;
	bool lies_about_ranges, more_ranges;
	bool counts_for_process;   /* iommufd counts what is pinned so */
	char events[EVENTS_SIZE];  /* what happened, in order */
	_Atomic unsigned int ioas; /* address spaces of iommufd's, a bit for each */
	bool is_one_group;         /* of all character devices */
	bool has_same_numbers;     /* another iommufd has address spaces of these numbers */
	bool knows_tokens;         /* of iommufd's */
	int token_answer;
	uint8_t token[VFIO_TOKEN_SIZE]; /* that was shown last */
	bool has_dma_buf;
	struct iommufd_feature_dma_buf dma_buf; /* what was asked last */
} kernel;

/* A call that takes the kernel as long as a test wants. */
static struct {
	_Atomic unsigned long request; /* 0: none */
	sem_t entered, go_on;
} standing;

static inline void stand_at(unsigned long request)
{
	sem_init(&standing.entered, 0, 0);
	sem_init(&standing.go_on, 0, 0);
	standing.request = request;
}

/* Somebody is there. */
static inline void wait_for_stand(void)
{
	while (sem_wait(&standing.entered) < 0)
		;
}

static inline void let_go_on(void)
{
	standing.request = 0;
	sem_post(&standing.go_on);
}

static inline void stand(unsigned long request)
{
	if (request != standing.request)
		return;
	sem_post(&standing.entered);
	while (sem_wait(&standing.go_on) < 0)
		;
}

/* Of the table of nodes, and of the events: a device may come while another is at work. */
static pthread_mutex_t kernel_lock = PTHREAD_MUTEX_INITIALIZER;

/* Of the devices: what one is asked comes from any thread, and it may raise an interrupt then. */
static pthread_mutex_t device_lock __attribute__((unused)) = PTHREAD_MUTEX_INITIALIZER;

/* As ck_assert(), which allocates and so cannot be used while memory is made to run out. */
static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* Of the name, with room for it when it was never open before. */
static inline struct fake_vfio *find_device(const char *name)
{
	unsigned int i = 0;

	pthread_mutex_lock(&kernel_lock);
	while (i < kernel.devices_used && strcmp(kernel.devices[i].name, name) != 0)
		i++;
	must(i < sizeof(kernel.devices) / sizeof(kernel.devices[0]));
	if (i == kernel.devices_used) {
		kernel.devices_used++;
		snprintf(kernel.devices[i].name, sizeof(kernel.devices[i].name), "%s", name);
	}
	pthread_mutex_unlock(&kernel_lock);
	return &kernel.devices[i];
}

/* What is open by a number that is new: what had it before is closed. */
static inline void add_node(const struct fake_node *node)
{
	unsigned int i = 0;

	pthread_mutex_lock(&kernel_lock);
	while (i < kernel.nodes_used && kernel.nodes[i].fd != node->fd)
		i++;
	must(i < NODES_MAX);
	if (i == kernel.nodes_used)
		kernel.nodes_used++;
	kernel.nodes[i] = *node;
	pthread_mutex_unlock(&kernel_lock);
}

static inline void happened(const char *what)
{
	size_t used;

	pthread_mutex_lock(&kernel_lock);
	used = strlen(kernel.events);
	snprintf(kernel.events + used, sizeof(kernel.events) - used, "%s ", what);
	pthread_mutex_unlock(&kernel_lock);
}

#endif
