/* SPDX-License-Identifier: BSD-3-Clause */
/* A root port: each register by its rule, every gate for what is behind it, resets of its link. */

#include "devices/pci/port.h"

#include <errno.h>

#include "devices/pci/host.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

enum { EXPRESS = 0x48, MSI = 0x84, PM = 0x40, AER = 0x100, ACS = 0x148, PORT = 1 << 3 };

static struct kvm_irq irq;
static struct loop *loop;
static struct bench *bench;
static struct pci_port *port;
static struct toy *toy;

static uint32_t read_at(uint16_t bdf, unsigned int offset, unsigned int size)
{
	uint32_t value;

	ck_assert_int_eq(pci_host_config_read(bench->host, bdf, offset, size, &value), MEM_DONE);
	return value;
}

static void write_at(uint16_t bdf, unsigned int offset, unsigned int size, uint32_t value)
{
	ck_assert_int_eq(pci_host_config_write(bench->host, bdf, offset, size, value), MEM_DONE);
}

static uint32_t port_read(unsigned int offset, unsigned int size)
{
	return read_at(PORT, offset, size);
}

static void port_write(unsigned int offset, unsigned int size, uint32_t value)
{
	write_at(PORT, offset, size, value);
}

/* A toy with BARs of each kind behind a port in slot 1, all with addresses. */
static void setup(void)
{
	const struct pci_port_config config = {
		.name = "port 1",
		.link = {.speed_max = 3, .width_max = 4, .speed = 2, .width = 4, .payload_max = 1},
		.irq = &irq,
	};
	struct pci_port_config looped = config;
	struct err err = {0};

	fake_irq_init(&irq);
	loop = loop_create(&err);
	looped.loop = loop;
	bench = bench_create();
	port = pci_port_create(bench->host, &looped, &err);
	ck_assert_msg(port, "%s", err.text);
	toy = toy_create(bench, "a");
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(toy, 1, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(toy, 2, PCI_BAR_MEM64, 0x200000), 0);
	toy->pci.bars[2].prefetchable = true;
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
}

static void teardown(void)
{
	bench_destroy(bench);
	loop_destroy(loop);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(irq.attached, 0);
}

static void open_all(void)
{
	port_write(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	bench_take(bench);
}

static bool reached(unsigned int bar)
{
	return toy->slices[bar].region.map;
}

/* Bits that stay as written, bits that a written 1 clears, the rest as it was. */
static void follows(unsigned int offset, unsigned int size, uint32_t writable, uint32_t clears)
{
	struct pci_device *device = bench->host->root.devices[PORT];
	uint32_t old = port_read(offset, size), ones = (uint32_t)all_ones(size);

	port_write(offset, size, ones);
	ck_assert_msg(port_read(offset, size) == (old | writable), "0x%x: 0x%x", offset,
		      port_read(offset, size));
	port_write(offset, size, 0);
	ck_assert_msg(port_read(offset, size) == (old & ~writable), "0x%x: 0x%x", offset,
		      port_read(offset, size));
	store_le(device->config + offset, size, load_le(device->config + offset, size) | clears);
	port_write(offset, size, 0);
	ck_assert_uint_eq(port_read(offset, size) & clears, clears);
	port_write(offset, size, clears);
	ck_assert_uint_eq(port_read(offset, size) & clears, 0);
	port_write(offset, size, old);
}

/* Bridge 1.2 3.2.5, PCIe 5.0 7.5.1.3. */
START_TEST(the_header_is_of_type_1)
{
	ck_assert_uint_eq(port_read(PCI_CLASS_DEVICE, 2), 0x0604);
	ck_assert_uint_eq(port_read(PCI_HEADER_TYPE, 1), 1);
	follows(PCI_VENDOR_ID, 4, 0, 0);
	follows(PCI_COMMAND, 2, 0x0547, 0);
	follows(PCI_STATUS, 2, 0, 0xf900);
	follows(PCI_CLASS_REVISION, 4, 0, 0);
	follows(PCI_CACHE_LINE_SIZE, 1, 0xff, 0);
	follows(PCI_LATENCY_TIMER, 1, 0, 0);
	follows(PCI_HEADER_TYPE, 2, 0, 0);
	follows(PCI_BASE_ADDRESS_0, 4, 0, 0);
	follows(PCI_BASE_ADDRESS_1, 4, 0, 0);
	follows(PCI_PRIMARY_BUS, 4, 0xffffff, 0); /* the latency timer of PCI is none */
	follows(PCI_IO_BASE, 2, 0xf0f0, 0);
	follows(PCI_SEC_STATUS, 2, 0, 0xf900);
	follows(PCI_MEMORY_BASE, 4, 0xfff0fff0, 0);
	follows(PCI_PREF_MEMORY_BASE, 4, 0xfff0fff0, 0);
	ck_assert_uint_eq(port_read(PCI_PREF_MEMORY_BASE, 4) & 0xf000f, 0x10001); /* 64 bits */
	follows(PCI_PREF_BASE_UPPER32, 4, UINT32_MAX, 0);
	follows(PCI_PREF_LIMIT_UPPER32, 4, UINT32_MAX, 0);
	follows(PCI_IO_BASE_UPPER16, 4, 0, 0);
	follows(PCI_CAPABILITY_LIST, 4, 0, 0);
	follows(PCI_ROM_ADDRESS1, 4, 0, 0);
	follows(PCI_INTERRUPT_LINE, 2, 0xff, 0);
	follows(PCI_BRIDGE_CONTROL, 2, 0x47, 0);
}
END_TEST

/* PCI PM 1.2 3.2; PCIe 5.0 7.5.2: a port forwards PME from D0, D3hot and D3cold. */
START_TEST(it_sleeps_in_d3hot_alone)
{
	ck_assert_uint_eq(port_read(PCI_CAPABILITY_LIST, 1), PM);
	ck_assert_uint_eq(port_read(PM, 1), PCI_CAP_ID_PM);
	ck_assert_uint_eq(port_read(PM + PCI_PM_PMC, 2), 0xc803);
	follows(PM + PCI_PM_PMC, 2, 0, 0);
	follows(PM + PCI_PM_CTRL, 2, 0x103, 0x8000);
	for (unsigned int state = 1; state < 3; state++) {
		port_write(PM + PCI_PM_CTRL, 1, state);
		ck_assert_uint_eq(port_read(PM + PCI_PM_CTRL, 1) & 3, 0);
	}
	port_write(PM + PCI_PM_CTRL, 1, 3);
	port_write(PM + PCI_PM_CTRL, 1, 2);
	ck_assert_uint_eq(port_read(PM + PCI_PM_CTRL, 1) & 3, 3);
	pci_host_reset(bench->host);
	port_write(PM + PCI_PM_CTRL, 1, 1);
	ck_assert_uint_eq(port_read(PM + PCI_PM_CTRL, 1) & 3, 0);
}
END_TEST

/* PCIe 5.0 7.5.3. */
START_TEST(express_tells_of_link_and_slot)
{
	ck_assert_uint_eq(port_read(PM + 1, 1), EXPRESS);
	ck_assert_uint_eq(port_read(EXPRESS, 1), PCI_CAP_ID_EXP);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_FLAGS, 2), 0x142);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_DEVCAP, 4), 0x8001);
	follows(EXPRESS + PCI_EXP_DEVCTL, 2, 0x78ff, 0);
	follows(EXPRESS + PCI_EXP_DEVSTA, 2, 0, 0xf);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_LNKCAP, 4), 0x01300043);
	follows(EXPRESS + PCI_EXP_LNKCAP, 4, 0, 0);
	follows(EXPRESS + PCI_EXP_LNKCTL, 2, 0xcd3, 0);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_LNKSTA, 2), 0x3042);
	follows(EXPRESS + PCI_EXP_LNKSTA, 2, 0, 0xc000);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_SLTCAP, 4), 1 << 19 | 0x4007b);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_SLTCTL, 2), 0x1c0);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_SLTSTA, 2), 0x140); /* was disabled */
	port_write(EXPRESS + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_DLLSC);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_SLTSTA, 2), PCI_EXP_SLTSTA_PDS);
	follows(EXPRESS + PCI_EXP_SLTCTL, 2, 0x17e9, 0);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_SLTSTA, 2), 0x140); /* was off */
	port_write(EXPRESS + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_DLLSC);
	follows(EXPRESS + PCI_EXP_SLTSTA, 2, 0, 0x109);
	follows(EXPRESS + PCI_EXP_RTCTL, 4, 0xf, 0);
	follows(EXPRESS + PCI_EXP_RTSTA, 4, 0, 0x10000);
	follows(EXPRESS + PCI_EXP_DEVCTL2, 2, 0x10, 0);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_LNKCAP2, 4), 0xe);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_LNKCTL2, 2), 3);
	follows(EXPRESS + PCI_EXP_LNKCTL2, 2, 0xf, 0);
}
END_TEST

START_TEST(an_empty_port_has_no_link)
{
	const struct pci_port_config config = {.name = "port 2", .irq = &irq};
	struct err err = {0};
	uint16_t bdf = 1 << 3;
	struct pci_port *empty;

	bench_destroy(bench);
	bench = bench_create();
	empty = pci_port_create(bench->host, &config, &err);
	ck_assert_ptr_nonnull(empty);
	ck_assert_uint_eq(read_at(bdf, EXPRESS + PCI_EXP_LNKSTA, 2), PCI_EXP_LNKSTA_SLC);
	ck_assert_uint_eq(read_at(bdf, EXPRESS + PCI_EXP_LNKCAP, 4) & 0x3ff, 0x11);
	ck_assert_uint_eq(read_at(bdf, EXPRESS + PCI_EXP_LNKCAP2, 4), 2);
	ck_assert_uint_eq(read_at(bdf, EXPRESS + PCI_EXP_SLTSTA, 2), 0);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), UINT32_MAX);
	/* Two buses there are, of which one is the root. */
	ck_assert_ptr_null(pci_port_create(bench->host, &config, &err));
	ck_assert_str_eq(err.text, "PCI port: port 2: all 2 buses are taken: pass fewer devices "
				   "behind ports");
	toy = toy_create(bench, "a");
	ck_assert_int_eq(pci_port_add(empty, &toy->pci, 8, &err), -EINVAL);
	ck_assert_int_eq(pci_port_add(empty, &toy->pci, 0, &err), 0);
	toy = toy_create(bench, "b");
	ck_assert_int_eq(pci_port_add(empty, &toy->pci, 0, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.text, "01:00.0 is taken by a"));
	ck_assert_int_eq(pci_port_add(empty, &toy->pci, 1, &err), 0);
	ck_assert_uint_eq(read_at(0x100, PCI_HEADER_TYPE, 1), UINT32_MAX);
	pci_port_insert(empty, NULL);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(read_at(0x100, PCI_HEADER_TYPE, 1), 0x80);
}
END_TEST

/* PCIe 5.0 7.8.4 and 7.7.8. */
START_TEST(extended_capabilities_follow_their_rules)
{
	ck_assert_uint_eq(port_read(AER, 4), 0x14820001);
	follows(AER + PCI_ERR_UNCOR_STATUS, 4, 0, 0x0077f010);
	follows(AER + PCI_ERR_UNCOR_MASK, 4, 0x0077f010, 0);
	ck_assert_uint_eq(port_read(AER + PCI_ERR_UNCOR_SEVER, 4), 0x00462010);
	follows(AER + PCI_ERR_UNCOR_SEVER, 4, 0x0037f010, 0);
	follows(AER + PCI_ERR_COR_STATUS, 4, 0, 0x31c1);
	ck_assert_uint_eq(port_read(AER + PCI_ERR_COR_MASK, 4), 0x2000);
	follows(AER + PCI_ERR_COR_MASK, 4, 0x31c1, 0);
	follows(AER + PCI_ERR_CAP, 4, 0, 0);
	follows(AER + PCI_ERR_HEADER_LOG, 4, 0, 0);
	follows(AER + PCI_ERR_ROOT_COMMAND, 4, 7, 0);
	follows(AER + PCI_ERR_ROOT_STATUS, 4, 0, 0x7f);
	follows(AER + PCI_ERR_ROOT_ERR_SRC, 4, 0, 0);
	ck_assert_uint_eq(port_read(ACS, 4), 0x0001000d);
	ck_assert_uint_eq(port_read(ACS + PCI_ACS_CAP, 2), 0x1f);
	follows(ACS + PCI_ACS_CTRL, 2, 0x1f, 0);
}
END_TEST

/* PCI 3.0 6.8.1: one vector, whose message has the port's own requester id. */
START_TEST(its_messages_are_routed)
{
	ck_assert_uint_eq(port_read(EXPRESS + 1, 1), MSI);
	ck_assert_uint_eq(port_read(MSI, 4), 0x00800005);
	port_write(MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	port_write(MSI + PCI_MSI_DATA_64, 2, 0x33);
	port_write(MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	ck_assert_uint_eq(irq.attached, 1);
	ck_assert_uint_eq(irq.message[FAKE_FIRST_MSI].data, 0x33);
	ck_assert_uint_eq(irq.message[FAKE_FIRST_MSI].device_id, PORT);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert_uint_eq(port_read(MSI + PCI_MSI_FLAGS, 2), PCI_MSI_FLAGS_64BIT);
	port_write(MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE); /* for its end */
	ck_assert_uint_eq(irq.attached, 1);
}
END_TEST

/* Bridge 1.2 3.1.2.1. */
START_TEST(config_accesses_follow_the_bus_numbers)
{
	ck_assert_uint_eq(port_read(PCI_PRIMARY_BUS, 4), 0x010100);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), 0x56781234);
	ck_assert_uint_eq(pci_device_requester(&toy->pci), 0x100);
	ck_assert_uint_eq(read_at(0x108, PCI_VENDOR_ID, 4), UINT32_MAX); /* no such device */
	port_write(PCI_SECONDARY_BUS, 2, 0x0805);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), UINT32_MAX);
	ck_assert_uint_eq(read_at(0x500, PCI_VENDOR_ID, 4), 0x56781234);
	ck_assert_uint_eq(pci_device_requester(&toy->pci), 0x500);
	ck_assert_uint_eq(read_at(0x600, PCI_VENDOR_ID, 4), UINT32_MAX); /* passed on to nobody */
	port_write(PCI_SUBORDINATE_BUS, 1, 4);
	ck_assert_uint_eq(read_at(0x500, PCI_VENDOR_ID, 4), UINT32_MAX);
	port_write(PCI_SECONDARY_BUS, 2, 0); /* as an unset bridge has it */
	ck_assert_uint_eq(read_at(0x000, PCI_VENDOR_ID, 4), 0x0d578086);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), UINT32_MAX);
	port_write(PCI_PRIMARY_BUS, 4, 0xffffffff);
	ck_assert_uint_eq(read_at(0xff00, PCI_VENDOR_ID, 4), 0x56781234);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), 0x56781234);
	ck_assert_uint_eq(pci_device_requester(&toy->pci), 0x100);
}
END_TEST

START_TEST(the_lowest_of_two_ports_has_the_bus)
{
	const struct pci_port_config config = {.name = "port", .irq = &irq};
	struct pci_host_config host;
	struct toy *toys[2];
	struct err err = {0};

	bench_destroy(bench);
	bench = bench_create();
	pci_host_destroy(bench->host);
	host = bench_config(bench);
	host.buses = 3;
	bench->host = pci_host_create(&host, &err);
	for (unsigned int i = 0; i < 2; i++) {
		toys[i] = toy_create(bench, i ? "b" : "a");
		store_le16(toys[i]->pci.config + PCI_DEVICE_ID, (uint16_t)i);
		port = pci_port_create(bench->host, &config, &err);
		ck_assert_int_eq(pci_port_add(port, &toys[i]->pci, 0, &err), 0);
		pci_port_insert(port, NULL);
	}
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	ck_assert_uint_eq(read_at(0x200, PCI_DEVICE_ID, 2), 1);
	write_at(2 << 3, PCI_SECONDARY_BUS, 2, 0x0101);
	ck_assert_uint_eq(read_at(0x100, PCI_DEVICE_ID, 2), 0);
	ck_assert_uint_eq(read_at(0x200, PCI_DEVICE_ID, 2), UINT32_MAX);
}
END_TEST

/* All of the toy's BARs are reached, then none; @undo opens again. */
static void shuts(unsigned int offset, unsigned int size, uint32_t shut, uint32_t undo)
{
	port_write(offset, size, shut);
	for (unsigned int bar = 0; bar < 3; bar++)
		ck_assert_msg(!reached(bar), "0x%x: BAR %u", offset, bar);
	ck_assert(!pci_device_is_passed_up(&toy->pci));
	ck_assert_ptr_nonnull(strstr(bench_take(bench), "path: "));
	port_write(offset, size, undo);
	ck_assert_ptr_nonnull(strstr(bench_take(bench), "path:downup "));
	for (unsigned int bar = 0; bar < 3; bar++)
		ck_assert_msg(reached(bar), "0x%x: BAR %u", offset, bar);
}

START_TEST(each_gate_shuts_what_is_behind_it)
{
	toy_write(toy, PCI_COMMAND, 2, 7);
	ck_assert(!reached(0) && !reached(1) && !reached(2));
	open_all();
	ck_assert(reached(0) && reached(1) && reached(2));
	ck_assert_uint_eq(map_read(bench->mmio, toy->slices[0].region.base, 4), 0);
	shuts(PCI_COMMAND, 2, 0, 7);
	shuts(PM + PCI_PM_CTRL, 2, 3, 0); /* PCI PM 1.2 5.6.1 */
	shuts(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET, 0);
	shuts(EXPRESS + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_LD, 0);
	shuts(EXPRESS + PCI_EXP_SLTCTL, 2, PCI_EXP_SLTCTL_PWR_OFF, 0);
	/* One kind alone. */
	port_write(PCI_COMMAND, 1, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	ck_assert(!reached(0) && reached(1) && !reached(2));
	ck_assert(pci_device_is_passed_up(&toy->pci));
	port_write(PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	ck_assert(reached(0) && !reached(1) && reached(2));
	ck_assert(!pci_device_is_passed_up(&toy->pci));
}
END_TEST

START_TEST(config_space_is_behind_the_gates_too)
{
	open_all();
	port_write(PCI_COMMAND, 2, 0); /* has nothing to do with it */
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), 0x56781234);
	port_write(PM + PCI_PM_CTRL, 2, 3);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), UINT32_MAX);
	write_at(0x100, PCI_COMMAND, 2, 0);
	port_write(PM + PCI_PM_CTRL, 2, 0);
	ck_assert_uint_eq(read_at(0x100, PCI_COMMAND, 2), 7);
	port_write(EXPRESS + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_LD);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), UINT32_MAX);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_LNKSTA, 2), PCI_EXP_LNKSTA_SLC);
	port_write(EXPRESS + PCI_EXP_LNKCTL, 2, 0);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), 0x56781234);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_LNKSTA, 2), 0x3042);
	port_write(EXPRESS + PCI_EXP_SLTCTL, 2, PCI_EXP_SLTCTL_PWR_OFF);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), UINT32_MAX);
	port_write(EXPRESS + PCI_EXP_SLTCTL, 2, 0);
	ck_assert_uint_eq(read_at(0x100, PCI_VENDOR_ID, 4), 0x56781234);
}
END_TEST

START_TEST(windows_move_at_any_time)
{
	uint32_t memory = port_read(PCI_MEMORY_BASE, 4);
	uint64_t at;

	open_all();
	ck_assert_uint_eq(memory, 0xc000c000); /* one MiB of it */
	port_write(PCI_MEMORY_BASE, 4, 0x0000fff0);
	ck_assert(!reached(0) && reached(1) && reached(2));
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, WINDOW32 + 0x5000000);
	ck_assert(!reached(0));
	port_write(PCI_MEMORY_BASE, 4, 0xc500c500);
	ck_assert(reached(0));
	ck_assert_uint_eq(toy->slices[0].region.base, WINDOW32 + 0x5000000);
	/* Half of it inside does not do. */
	at = toy->slices[2].region.base;
	port_write(PCI_PREF_MEMORY_LIMIT, 2, (uint32_t)(at >> 16 & 0xfff0));
	ck_assert(!reached(2));
	port_write(PCI_PREF_MEMORY_LIMIT, 2, (uint32_t)(at >> 16 & 0xfff0) + 0x10);
	ck_assert(reached(2));
	port_write(PCI_PREF_LIMIT_UPPER32, 4, 0);
	ck_assert(!reached(2));
	/* Either window serves a BAR of either kind. */
	toy_write(toy, PCI_BASE_ADDRESS_2, 4, WINDOW32 + 0x6000000);
	toy_write(toy, PCI_BASE_ADDRESS_3, 4, 0);
	port_write(PCI_MEMORY_BASE, 4, 0xc610c500);
	ck_assert(reached(0) && reached(2));
	/* None outside the host bridge's, whatever the port says. */
	port_write(PCI_MEMORY_BASE, 4, 0xfff00000);
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, 0x10000000);
	ck_assert(!reached(0));
}
END_TEST

START_TEST(ports_of_isa_are_left_alone)
{
	open_all();
	toy_write(toy, PCI_BASE_ADDRESS_1, 4, 0x10e0);
	port_write(PCI_IO_BASE, 2, 0x1010);
	ck_assert(reached(1));
	port_write(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_ISA);
	ck_assert(reached(1));
	toy_write(toy, PCI_BASE_ADDRESS_1, 4, 0x1100);
	ck_assert(!reached(1));
	toy_write(toy, PCI_BASE_ADDRESS_1, 4, 0x1400);
	ck_assert(reached(1));
	toy_write(toy, PCI_BASE_ADDRESS_1, 4, 0x17e0);
	ck_assert(!reached(1));
	port_write(PCI_BRIDGE_CONTROL, 2, 0);
	ck_assert(reached(1));
}
END_TEST

/* Bridge 1.2 3.2.5.18; PCIe 5.0 7.5.3.7: a link that goes down resets what is at its other end. */
static void resets(unsigned int offset, uint32_t bit)
{
	struct err err = {0};
	struct toy *other = toy_create(bench, "b");

	ck_assert_int_eq(pci_port_add(port, &other->pci, 1, &err), 0);
	open_all();
	toy->not_reset = true;
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, offset, 2, bit), MEM_NOT_YET);
	ck_assert_str_eq(bench_take(bench), "link-reset link-reset ");
	ck_assert_uint_eq(port_read(offset, 2) & bit, 0);
	/* It comes again: the other one is done with. */
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, offset, 2, bit), MEM_NOT_YET);
	ck_assert_str_eq(bench_take(bench), "link-reset ");
	toy->not_reset = false;
	port_write(offset, 2, bit);
	ck_assert_str_eq(bench_take(bench), "link-reset -a2 -a0 path: path: ");
	/* It is down already. */
	port_write(offset, 2, bit);
	ck_assert_ptr_null(strstr(bench_take(bench), "link-reset"));
	port_write(offset, 2, 0);
	ck_assert_ptr_null(strstr(bench_take(bench), "link-reset"));
	/* Once more, which the restart of the machine forgets. */
	toy->not_reset = true;
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, offset, 2, bit), MEM_NOT_YET);
	pci_host_reset(bench->host);
	bench_take(bench);
	toy->not_reset = false;
	port_write(offset, 2, bit);
	ck_assert_ptr_nonnull(strstr(bench_take(bench), "link-reset link-reset "));
}

START_TEST(a_reset_of_the_bus_waits_for_all)
{
	resets(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
}
END_TEST

START_TEST(a_disabled_link_resets_too)
{
	resets(EXPRESS + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
}
END_TEST

START_TEST(a_slot_that_is_switched_off_resets_too)
{
	resets(EXPRESS + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PWR_OFF);
}
END_TEST

/* Bridge 1.2 9.1. */
START_TEST(pins_are_swizzled)
{
	toy->pci.config[PCI_INTERRUPT_PIN] = 2;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 18); /* slot 1, (0 + 1) % 4 */
	toy->pci.devfn = 3 << 3;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 17); /* slot 1, (3 + 1) % 4 */
	toy->pci.devfn = 0;
	ck_assert_int_eq(pci_device_intx_gsi(bench->host->root.devices[PORT]), 17);
}
END_TEST

/* A guest that writes anything anywhere, with what must hold after each write. */
START_TEST(no_write_opens_what_is_shut)
{
	uint32_t random = (uint32_t)_i * 2654435761U + 1;

	open_all();
	for (unsigned int i = 0; i < 4000; i++) {
		const struct pci_device *device = bench->host->root.devices[PORT];
		uint64_t base, last;
		bool inside;

		random = random * 1664525 + 1013904223;
		if (random >> 30 == 0)
			write_at(pci_device_requester(&toy->pci), random >> 8 & 0x3c, 4,
				 random * 2654435761U);
		else
			port_write(random >> 20 & 3 ? random >> 8 & 0xfc : random >> 8 & 0xffc, 4,
				   random >> 28 & 1 ? 0xc100c000 : random * 2654435761U);
		inside = false;
		for (unsigned int window = PCI_WINDOW_MEMORY; window < PCI_WINDOWS; window++)
			inside = inside || (pci_port_range(port, window, &base, &last) &&
					    toy->slices[0].region.base >= base &&
					    toy->slices[0].region.base + 0x3fff <= last);
		ck_assert(!reached(0) ||
			  (inside && device->config[PCI_COMMAND] & PCI_COMMAND_MEMORY &&
			   (device->config[PM + PCI_PM_CTRL] & 3) == 0 &&
			   !(device->config[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_BUS_RESET) &&
			   !(device->config[EXPRESS + PCI_EXP_LNKCTL] & PCI_EXP_LNKCTL_LD) &&
			   !(device->config[EXPRESS + PCI_EXP_SLTCTL + 1] & 4)));
		ck_assert(!pci_device_is_passed_up(&toy->pci) ||
			  device->config[PCI_COMMAND] & PCI_COMMAND_MASTER);
		ck_assert_uint_eq(pci_device_requester(&toy->pci) >> 8,
				  device->config[PCI_SECONDARY_BUS]);
		bench_take(bench);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_header_is_of_type_1);
	tcase_add_test(tests, it_sleeps_in_d3hot_alone);
	tcase_add_test(tests, express_tells_of_link_and_slot);
	tcase_add_test(tests, an_empty_port_has_no_link);
	tcase_add_test(tests, extended_capabilities_follow_their_rules);
	tcase_add_test(tests, its_messages_are_routed);
	tcase_add_test(tests, config_accesses_follow_the_bus_numbers);
	tcase_add_test(tests, the_lowest_of_two_ports_has_the_bus);
	tcase_add_test(tests, each_gate_shuts_what_is_behind_it);
	tcase_add_test(tests, config_space_is_behind_the_gates_too);
	tcase_add_test(tests, windows_move_at_any_time);
	tcase_add_test(tests, ports_of_isa_are_left_alone);
	tcase_add_test(tests, a_reset_of_the_bus_waits_for_all);
	tcase_add_test(tests, a_disabled_link_resets_too);
	tcase_add_test(tests, a_slot_that_is_switched_off_resets_too);
	tcase_add_test(tests, pins_are_swizzled);
	tcase_add_loop_test(tests, no_write_opens_what_is_shut, 0, 8);
}

int main(void)
{
	return run_suite("pci port", add_tests);
}
