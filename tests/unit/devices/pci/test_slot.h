/* SPDX-License-Identifier: BSD-3-Clause */
/* A port in slot 1 of the root bus, and a toy with BARs of each kind to put behind it. */

#ifndef FERRY_TESTS_UNIT_DEVICES_PCI_TEST_SLOT_H
#define FERRY_TESTS_UNIT_DEVICES_PCI_TEST_SLOT_H

#include "devices/pci/host.h"
#include "devices/pci/port.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"

enum {
	PORT = 1 << 3,
	BELOW = 1 << 8,
	LINK_CAPABILITIES = 0x48 + PCI_EXP_LNKCAP,
	LINK_CONTROL = 0x48 + PCI_EXP_LNKCTL,
	LINK_STATUS = 0x48 + PCI_EXP_LNKSTA,
	SLOT_CONTROL = 0x48 + PCI_EXP_SLTCTL,
	SLOT_STATUS = 0x48 + PCI_EXP_SLTSTA,
	MSI = 0x84,
	EVENTS = PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC,
	LISTENING = PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_DLLSCE,
	OFF = PCI_EXP_SLTCTL_PWR_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_ATTN_IND_OFF,
	ON = PCI_EXP_SLTCTL_PWR_ON | PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_ATTN_IND_OFF,
};

static struct kvm_irq irq;
static struct loop *loop;
static struct bench *bench;
static struct pci_port *port;
static struct toy *toy;
static unsigned int changes; /* that slot_changed told of */

static inline uint32_t read_at(uint16_t bdf, unsigned int offset, unsigned int size)
{
	uint32_t value;

	ck_assert_int_eq(pci_host_config_read(bench->host, bdf, offset, size, &value), MEM_DONE);
	return value;
}

static inline uint32_t port_read(unsigned int offset)
{
	return read_at(PORT, offset, 2);
}

static inline void port_write(unsigned int offset, uint32_t value)
{
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, offset, 2, value), MEM_DONE);
}

/* The slot's events, which are then cleared. */
static inline uint32_t take_events(void)
{
	uint32_t events = port_read(SLOT_STATUS) & EVENTS;

	port_write(SLOT_STATUS, events);
	ck_assert_uint_eq(port_read(SLOT_STATUS) & EVENTS, 0);
	return events;
}

static inline void note_change(void *owner)
{
	ck_assert_ptr_eq(owner, &changes);
	changes++;
}

static inline struct toy *create_toy(const char *name)
{
	struct toy *made = toy_create(bench, name);

	ck_assert_int_eq(toy_bar(made, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(made, 1, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(made, 2, PCI_BAR_MEM64, 0x200000), 0);
	made->pci.bars[2].prefetchable = true;
	return made;
}

static inline void create_port(const struct pci_port_config *from)
{
	struct pci_port_config config = *from;
	struct err err = {0};

	config.name = "port";
	config.irq = &irq;
	config.loop = loop;
	config.slot_changed = note_change;
	config.owner = &changes;
	port = pci_port_create(bench->host, &config, &err);
	ck_assert_msg(port, "%s", err.text);
}

static inline void add(void)
{
	struct err err = {0};

	toy = create_toy("a");
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
}

static inline void setup_host(void)
{
	struct err err = {0};

	changes = 0;
	fake_irq_init(&irq);
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
	bench = bench_create();
}

/* Nothing is in the slot. */
static inline void setup_empty(void)
{
	struct err err = {0};

	setup_host();
	create_port(&(struct pci_port_config){
		.room = {0x1000, 0x2000000, 0x4000000},
	});
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
}

static inline void teardown(void)
{
	bench_destroy(bench);
	loop_destroy(loop);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(irq.attached, 0);
}

/* In place of the empty slot, one with a toy in it from the start. */
static inline void start_occupied(void)
{
	struct err err = {0};

	teardown();
	setup_host();
	create_port(&(struct pci_port_config){.link = {.speed_max = 3, .width_max = 4}});
	add();
	pci_port_insert(port, NULL);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
}

#endif
