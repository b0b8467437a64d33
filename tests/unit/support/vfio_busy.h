/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passed-through function at work, with a keeper that knows group 7, for the one program
 * including this.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_BUSY_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_BUSY_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/support/fake_provider.h"
#include "tests/unit/support/vfio_bench.h"
#include "vfio/bus_reset.h"

static unsigned int wakes, spared, gone;

static inline struct vfio_bus_reset *bus_reset(void *keeper, struct vfio_pci *pci,
					       enum vfio_reset_cause cause, struct err *err)
{
	(void)keeper;
	(void)cause;
	return vfio_bus_reset_prepare(&fake_provider.provider, pci->backend, pci->device.name, err);
}

static inline void bus_was_reset(void *keeper, const struct vfio_pci *pci,
				 const struct vfio_bus_reset *reset)
{
	(void)keeper;
	ck_assert(vfio_bus_reset_hits(reset, pci->device.name));
	ck_assert(!vfio_bus_reset_hits(reset, "0000:01:00.7"));
	spared++;
}

/* At once, or when the reset that is in the way has ended. */
static inline void give_back(void *keeper, struct vfio_pci *pci)
{
	(void)keeper;
	if (!vfio_pci_retire(pci))
		return;
	vfio_pci_release(pci, VFIO_RESET_REMOVAL);
	ck_assert_ptr_null(pci->backend);
	gone++;
}

static inline void wake(void *keeper)
{
	(void)keeper;
	wakes++;
}

static const struct vfio_pci_keeper_ops keeper = {
	.bus_reset = bus_reset,
	.bus_was_reset = bus_was_reset,
	.wanted = give_back,
	.retired = give_back,
	.wake = wake,
};

/* A device that says it has FLR, RAM all mapped, in use with decode, mastering and MSI-X. */
static inline void start_busy(void)
{
	static const int pauses_ms[] = {1, 1, 1, 0}, retries_ms[] = {1, 1, 0};

	fake_provider.proof = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bench.keeper_ops = &keeper;
	fake_vfio_poke(&bench.fake, CONFIG, 0xa4, 4, PCI_EXP_DEVCAP_FLR);
	start();
	bench.pci->reset.pauses_ms = pauses_ms;
	bench.pci->reset.retries_ms = retries_ms;
	atomic_store(&bench.dma.mapped, true);
	if (bench.options.port)
		open_port();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	config_write(0x72, 2, 0x8000);
	ck_assert_uint_eq(bench.mapped_count, 3);
	bench.fake.log[0] = '\0';
}

static inline void stop_busy(void)
{
	pci_host_destroy(bench.host);
	create_host();
	fd_close(&fake_provider.proof);
}

static sem_t resets_go_on;

/* No reset ends before let_resets_go(). */
static inline void hold_resets(void)
{
	sem_init(&resets_go_on, 0, 0);
	bench.fake.reset_held = &resets_go_on;
}

static inline void let_resets_go(void)
{
	sem_post(&resets_go_on);
}

static inline void run_loop_while(enum vfio_pci_state state)
{
	for (int i = 0; i < 60000 && pci_state_is(state); i++) {
		run_loop_once();
		usleep(1000);
	}
	ck_assert(!pci_state_is(state));
}

static inline void is_as_after_power_on(void)
{
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(config_read(0x72, 2), 9);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	ck_assert_uint_eq(bench.mapped_count, 0);
}

/* Where it was, and decoding, for a guest that knows of nothing; but without a say in memory. */
static inline void is_as_after_recovery(uint64_t address)
{
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(bar(0), address);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(config_read(0x72, 2), 9);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
}

static inline void set_dependents(uint32_t count, uint32_t group)
{
	bench.fake.info.flags = VFIO_DEVICE_FLAGS_PCI;
	bench.fake.dependents = count;
	for (uint32_t i = 0; i < count; i++)
		bench.fake.dependent[i] = (struct vfio_pci_dependent_device){
			.group_id = i ? group : 7, .segment = 0, .bus = 1, .devfn = (uint8_t)i};
}

#endif
