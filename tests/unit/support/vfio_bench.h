/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passed-through function over the fake peer on a host bridge, for the one program including
 * this.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_BENCH_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_BENCH_H

#include <check.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_host.h"
#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

static struct {
	struct mem_map *mmio, *pio;
	struct mem_listener listener;
	struct mem_region *mapped[16];
	size_t mapped_count;
	size_t left_late; /* mapped slices that were there after the device stopped decoding */
	struct pci_host *host;
	struct loop *loop;
	struct kvm_irq irq, port_irq; /* the port's own, counted by itself */
	struct fake_vfio fake;
	struct vfio_dma dma;
	struct vfio_pci *pci;
	struct pci_port *port; /* above it, where the options say so */
	const struct vfio_pci_keeper_ops *keeper_ops;
	struct vfio_device_config options;
	const char *name; /* NULL: 0000:01:00.0 */
	const char *sysfs;
	const struct vfio_rom *rom;
	struct err err;
	unsigned int descriptors;
} bench;

static inline int listener_add(struct mem_listener *listener, struct mem_region *region,
			       struct err *err)
{
	(void)listener;
	(void)err;
	if (!region->host)
		ck_abort_msg("%s has no host address", region->name);
	bench.mapped[bench.mapped_count++] = region;
	return 0;
}

static inline void listener_del(struct mem_listener *listener, struct mem_region *region)
{
	(void)listener;
	if (region->kind == MEM_DEVICE && !bench.fake.closed &&
	    !(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		bench.left_late++;
	for (size_t i = 0; i < bench.mapped_count; i++)
		if (bench.mapped[i] == region)
			bench.mapped[i] = bench.mapped[--bench.mapped_count];
}

static inline void create_host(void)
{
	bench.host = vfio_host_create(bench.mmio, bench.pio);
}

static inline void setup(void)
{
	memset(&bench, 0, sizeof(bench));
	bench.descriptors = count_descriptors();
	bench.mmio = mem_map_create("mmio", 0, &bench.err);
	bench.pio = mem_map_create("pio", 65536, &bench.err);
	bench.listener = (struct mem_listener){.add = listener_add, .del = listener_del};
	ck_assert_int_eq(mem_map_listen(bench.mmio, &bench.listener, &bench.err), 0);
	create_host();
	bench.loop = loop_create(&bench.err);
	fake_irq_init(&bench.irq);
	fake_irq_init(&bench.port_irq);
	fake_vfio_init(&bench.fake);
}

static inline void teardown(void)
{
	pci_host_destroy(bench.host);
	ck_assert_ptr_null(bench.pci);
	mem_map_unlisten(bench.mmio, &bench.listener);
	mem_map_destroy(bench.pio);
	mem_map_destroy(bench.mmio);
	loop_destroy(bench.loop);
	fake_vfio_release(&bench.fake);
	ck_assert_uint_eq(count_descriptors(), bench.descriptors);
}

static inline struct vfio_pci *create(void)
{
	const struct vfio_pci_config config = {
		.name = bench.name ? bench.name : "0000:01:00.0",
		.sysfs = bench.sysfs,
		.dma = &bench.dma,
		.irq = &bench.irq,
		.loop = bench.loop,
		.owner = &bench.pci,
		.keeper_ops = bench.keeper_ops,
		.options = &bench.options,
		.rom = bench.rom,
	};

	return vfio_pci_create(&bench.fake.backend, &config, &bench.err);
}

/* In slot 3; one behind a port has that in slot 1. */
static inline int attach(void)
{
	struct pci_port_config config = {.name = "port",
					 .irq = &bench.port_irq,
					 .loop = bench.loop};

	if (!bench.options.port)
		return vfio_pci_attach(bench.pci, bench.host, 3, 0, &bench.err);
	config.link = vfio_pci_link(bench.pci);
	bench.port = pci_port_create(bench.host, &config, &bench.err);
	ck_assert_msg(bench.port, "%s", bench.err.text);
	return vfio_pci_attach_below(bench.pci, bench.port, 0, &bench.err);
}

static inline void start(void)
{
	bench.pci = create();
	ck_assert_msg(bench.pci, "%s", bench.err.text);
	ck_assert_int_eq(attach(), 0);
	if (bench.port)
		pci_port_insert(bench.port, NULL);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	bench.fake.log[0] = '\0';
}

/* The machine restarts; the interrupt controllers are nobody's here. */
static inline void restart(void)
{
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
}

/* The reset's own thread may be changing it. */
static inline bool pci_state_is(enum vfio_pci_state state)
{
	bool is;

	pci_host_lock(&bench.pci->device);
	is = bench.pci->state == state;
	pci_host_unlock(&bench.pci->device);
	return is;
}

static inline uint16_t place(void)
{
	return bench.options.port ? 1 << 8 : 3 << 3;
}

static inline uint32_t config_read(unsigned int offset, unsigned int size)
{
	uint32_t value;

	ck_assert_int_eq(pci_host_config_read(bench.host, place(), offset, size, &value), MEM_DONE);
	return value;
}

static inline enum mem_result config_write(unsigned int offset, unsigned int size, uint32_t value)
{
	return pci_host_config_write(bench.host, place(), offset, size, value);
}

/* To the port above. */
static inline enum mem_result port_write(unsigned int offset, unsigned int size, uint32_t value)
{
	return pci_host_config_write(bench.host, 1 << 3, offset, size, value);
}

static inline void open_port(void)
{
	port_write(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static inline uint64_t bar(unsigned int index)
{
	uint64_t low = config_read(PCI_BASE_ADDRESS_0 + 4 * index, 4);

	if (index == 4)
		low |= (uint64_t)config_read(PCI_BASE_ADDRESS_0 + 20, 4) << 32;
	return low & ~(uint64_t)0xf;
}

static inline uint64_t guest_read(uint64_t address, unsigned int size)
{
	uint64_t value;

	ck_assert_int_eq(mem_map_read(bench.mmio, address, size, &value), MEM_DONE);
	return value;
}

static inline void guest_write(uint64_t address, unsigned int size, uint64_t value)
{
	ck_assert_int_eq(mem_map_write(bench.mmio, address, size, value), MEM_DONE);
}

static inline void stop_loop(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	loop_stop(bench.loop);
}

/* Whatever is ready is handled, then the loop ends. */
static inline void run_loop_once(void)
{
	int stopper = fd_eventfd();

	ck_assert_int_eq(loop_add(bench.loop, stopper, EPOLLIN, stop_loop, NULL, &bench.err), 0);
	fd_signal(stopper);
	ck_assert_int_eq(loop_run(bench.loop, &bench.err), 0);
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
}

static inline void run_loop_until_closed(void)
{
	for (int i = 0; i < 60000 && !bench.fake.closed; i++) {
		run_loop_once();
		usleep(1000);
	}
	ck_assert(bench.fake.closed);
}

static inline const struct mem_region *mapped_at(uint64_t address)
{
	for (size_t i = 0; i < bench.mapped_count; i++)
		if (bench.mapped[i]->base == address)
			return bench.mapped[i];
	return NULL;
}

#endif
