/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine that a fuzzed passed-through function is in, with who keeps the function. */

#ifndef FERRY_TESTS_FUZZ_PCI_BENCH_H
#define FERRY_TESTS_FUZZ_PCI_BENCH_H

#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "devices/pci/host.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/shape.h"
#include "tests/fuzz/windows.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_provider.h"
#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/fault.h"
#include "vfio/bus_reset.h"
#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"
#include "vmm/base/thread.h"

enum {
	CONFIG = VFIO_PCI_CONFIG_REGION_INDEX,
	SLOT = 3,
	PORT = 1, /* its slot */
	MAPPED_MAX = 256,
	STEPS_MAX = 256,
};

static struct {
	struct mem_map *mmio, *pio;
	struct mem_listener listener;
	struct mem_region *mapped[MAPPED_MAX];
	size_t mapped_count;
	struct pci_host *host;
	struct loop *loop;
	struct kvm_irq irq, port_irq;
	struct fake_vfio fake;
	struct vfio_dma dma;
	struct vfio_pci *pci;
	struct pci_port *port;       /* that it is behind; NULL: none */
	struct neighbour *neighbour; /* behind it too, at times */
	struct err err;
	uint64_t page_size;
	bool struck; /* a fault was planned: the device may be left as no guest wanted it */
} bench;

/* Another function of the device, which does nothing. */
struct neighbour {
	struct pci_device device;
	struct pci_slice slice;
};

uint64_t host_page_size(void)
{
	return bench.page_size;
}

int __wrap_thread_call(enum thread_kind kind, void *(*function)(void *), void *argument);
int __wrap_thread_create(pthread_t *thread, enum thread_kind kind, void *(*function)(void *),
			 void *argument);

/* There is no other thread. */
int __wrap_thread_call(enum thread_kind kind, void *(*function)(void *), void *argument)
{
	(void)kind;
	function(argument);
	return 0;
}

/* Resets are done at once, in the caller's thread, so that an input always does the same. */
int __wrap_thread_create(pthread_t *thread, enum thread_kind kind, void *(*function)(void *),
			 void *argument)
{
	(void)thread;
	(void)kind;
	(void)function;
	(void)argument;
	return -EAGAIN;
}

static struct vfio_bus_reset *bus_reset(void *keeper, struct vfio_pci *pci,
					enum vfio_reset_cause cause, struct err *err)
{
	(void)keeper;
	(void)cause;
	fake_provider.proof = bench.fake.memory;
	return vfio_bus_reset_prepare(&fake_provider.provider, pci->backend, pci->device.name, err);
}

static void bus_was_reset(void *keeper, const struct vfio_pci *pci,
			  const struct vfio_bus_reset *reset)
{
	(void)keeper;
	(void)vfio_bus_reset_hits(reset, pci->device.name);
}

static void give_back(void *keeper, struct vfio_pci *pci)
{
	(void)keeper;
	if (!vfio_pci_retire(pci))
		return;
	vfio_pci_release(pci, VFIO_RESET_REMOVAL);
	require(pci->state == VFIO_PCI_GONE);
}

static void wake(void *keeper)
{
	(void)keeper;
}

static inline const struct vfio_pci_keeper_ops *bench_keeper(void)
{
	static const struct vfio_pci_keeper_ops ops = {
		.bus_reset = bus_reset,
		.bus_was_reset = bus_was_reset,
		.wanted = give_back,
		.retired = give_back,
		.wake = wake,
	};

	return &ops;
}

/* As KVM does: what is not made of whole pages is trapped. */
static bool is_mappable(const struct mem_region *region)
{
	return is_aligned((uintptr_t)region->host | region->base | region->size, bench.page_size);
}

static int listener_add(struct mem_listener *listener, struct mem_region *region, struct err *err)
{
	(void)listener;
	(void)err;
	if (!is_mappable(region))
		return 0;
	require(region->host && bench.mapped_count < MAPPED_MAX);
	bench.mapped[bench.mapped_count++] = region;
	return 0;
}

static void listener_del(struct mem_listener *listener, struct mem_region *region)
{
	size_t i = 0;

	(void)listener;
	while (i < bench.mapped_count && bench.mapped[i] != region)
		i++;
	require((i < bench.mapped_count) == is_mappable(region));
	if (i == bench.mapped_count)
		return;
	bench.mapped[i] = bench.mapped[--bench.mapped_count];
}

static void create_machine(uint64_t page_size)
{
	struct pci_host_config config;

	memset(&bench, 0, sizeof(bench));
	bench.page_size = page_size;
	bench.mmio = mem_map_create("mmio", 0, &bench.err);
	bench.pio = mem_map_create("pio", 65536, &bench.err);
	bench.listener = (struct mem_listener){.add = listener_add, .del = listener_del};
	require(bench.mmio && bench.pio);
	require(mem_map_listen(bench.mmio, &bench.listener, &bench.err) == 0);
	config = windows_of_host(bench.mmio, bench.pio, 0x1000);
	bench.host = pci_host_create(&config, &bench.err);
	bench.loop = loop_create(&bench.err);
	require(bench.host && bench.loop);
	fake_irq_init(&bench.irq);
	fake_irq_init(&bench.port_irq);
	fake_vfio_init(&bench.fake);
}

static void destroy_machine(void)
{
	pci_host_destroy(bench.host);
	require(!bench.pci && bench.mapped_count == 0);
	require(bench.irq.attached == 0 && fake_irq_used(&bench.irq) == 0);
	require(bench.port_irq.attached == 0 && fake_irq_used(&bench.port_irq) == 0);
	mem_map_unlisten(bench.mmio, &bench.listener);
	mem_map_destroy(bench.pio);
	mem_map_destroy(bench.mmio);
	loop_destroy(bench.loop);
	fake_vfio_release(&bench.fake);
}

#endif
