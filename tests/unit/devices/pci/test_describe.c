/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of a host bridge in words: who they are, what decodes where and what does not. */

#include "devices/pci/port.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

static struct bench *bench;
static struct toy *toy;
static char *text;

static void setup(void)
{
	bench = bench_create();
	toy = toy_create(bench, "0000:01:00.0");
	store_le32(toy->pci.config + PCI_CLASS_REVISION, 0x01080201);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(toy, 2, PCI_BAR_IO, 32), 0);
	ck_assert_int_eq(toy_bar(toy, PCI_ROM_BAR, PCI_BAR_ROM, 0x10000), 0);
	toy_add(toy, 5, 1);
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, WINDOW32);
	toy_write(toy, PCI_BASE_ADDRESS_2, 4, 0x2000);
}

static void teardown(void)
{
	free(text);
	text = NULL;
	bench_destroy(bench);
}

static void has(const char *part)
{
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
	pci_host_describe(bench->host, out);
	fclose(out);
	ck_assert_msg(strstr(text, part), "no '%s' in:\n%s", part, text);
}

/* Which BAR is there, or "none". */
static void is_at(bool ports, uint64_t address, const char *what)
{
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
	if (!pci_host_describe_address(bench->host, ports, address, out))
		fputs("none", out);
	fclose(out);
	ck_assert_str_eq(text, what);
}

START_TEST(functions_have_their_identity)
{
	has("bus 00\n  00:00.0  ");
	has("\n  00:05.1  1234:5678  NVMe controller         0000:01:00.0   I/O- memory- master-\n");
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	has("0000:01:00.0   I/O- memory+ master+\n");
	pci_host_lock(&toy->pci);
	pci_device_unmap(&toy->pci);
	pci_host_unlock(&toy->pci);
	has("master+, withdrawn\n");
}
END_TEST

static unsigned int seen;
static struct pci_view last, bridge;

static void see(void *owner, const struct pci_view *view)
{
	ck_assert_ptr_eq(owner, &seen);
	last = *view;
	if (view->bridge)
		bridge = *view;
	seen++;
}

START_TEST(a_walk_sees_every_function)
{
	seen = 0;
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_host_walk(bench->host, see, &seen);
	ck_assert_uint_ge(seen, 2);
	ck_assert_uint_eq(last.slot, 5);
	ck_assert_uint_eq(last.function, 1);
	ck_assert_uint_eq(last.vendor, 0x1234);
	ck_assert_uint_eq(last.device, 0x5678);
	ck_assert_uint_eq(last.class_code, 0x010802);
	ck_assert_str_eq(last.class_name, "NVMe controller");
	ck_assert_str_eq(last.name, "0000:01:00.0");
	ck_assert_int_eq(last.bars[0].kind, PCI_BAR_MEM32);
	ck_assert(last.bars[0].decodes);
	ck_assert_uint_eq(last.bars[0].size, 0x4000);
	ck_assert_uint_eq(last.bars[0].address, 0xc0000000);
	toy_write(toy, PCI_COMMAND, 2, 0);
	pci_host_walk(bench->host, see, &seen);
	ck_assert(!last.bars[0].decodes);
}
END_TEST

START_TEST(bars_tell_whether_they_decode)
{
	has("BAR 0 mem32              0x00000000c0000000   16 KiB  off: ");
	has("+0x0-0x3fff  not decoding; can be mapped\n");
	has("BAR 2 io ");
	has("ROM   rom ");
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	has("BAR 0 mem32              0x00000000c0000000   16 KiB  decodes\n");
	has("BAR 2 io                 0x0000000000002000 32 bytes  off: ");
	has("+0x0-0x1f  not decoding; trapped\n");
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_IO);
	map_read(bench->pio, 0x2000, 4);
	has("+0x0-0x1f  trapped; 1 accesses\n");
}
END_TEST

START_TEST(what_is_in_the_way_is_told)
{
	struct toy *other = toy_create(bench, "other");

	ck_assert_int_eq(toy_bar(other, 0, PCI_BAR_MEM32, 0x1000), 0);
	toy_add(other, 6, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	toy_write(other, PCI_BASE_ADDRESS_0, 4, WINDOW32 + 0x1000);
	toy_write(other, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	has("+0x0-0xfff  left out: something else is there\n");
}
END_TEST

START_TEST(addresses_are_found)
{
	is_at(false, WINDOW32, "none");
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	is_at(false, WINDOW32, "BAR 0 + 0x0 of 00:05.1 (0000:01:00.0)");
	is_at(false, WINDOW32 + 0x3fff, "BAR 0 + 0x3fff of 00:05.1 (0000:01:00.0)");
	is_at(false, WINDOW32 + 0x4000, "none");
	is_at(false, WINDOW32 - 1, "none");
	is_at(true, 0x201f, "BAR 2 + 0x1f of 00:05.1 (0000:01:00.0)");
	is_at(false, 0x2000, "none");
	toy_write(toy, PCI_ROM_ADDRESS, 4, (WINDOW32 + 0x100000) | PCI_ROM_ADDRESS_ENABLE);
	is_at(false, WINDOW32 + 0x100010, "ROM + 0x10 of 00:05.1 (0000:01:00.0)");
}
END_TEST

START_TEST(a_bus_below_a_port_is_told_too)
{
	static struct kvm_irq irq;
	const struct pci_port_config config = {.name = "port", .irq = &irq};
	struct toy *below = toy_create(bench, "0000:02:00.0");
	struct err err = {0};
	struct pci_port *port = pci_port_create(bench->host, &config, &err);

	ck_assert_int_eq(toy_bar(below, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(pci_port_add(port, &below->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	seen = 0;
	pci_host_walk(bench->host, see, &seen);
	ck_assert(!last.bridge);
	ck_assert_str_eq(last.name, "0000:02:00.0");
	ck_assert(bridge.bridge);
	ck_assert_uint_eq(bridge.secondary, 1);
	ck_assert_uint_eq(bridge.subordinate, 1);
	ck_assert_uint_eq(bridge.port, 1);
	ck_assert_uint_eq(bridge.windows[PCI_WINDOW_MEMORY].base, 0xc0000000);
	ck_assert_uint_eq(bridge.windows[PCI_WINDOW_MEMORY].last, 0xc00fffff);
	ck_assert_uint_gt(bridge.windows[PCI_WINDOW_IO].base, bridge.windows[PCI_WINDOW_IO].last);
	ck_assert(bridge.occupied && bridge.powered);
	ck_assert_uint_eq(last.port, 0);
	ck_assert_uint_eq(bridge.subsystem_vendor | bridge.subsystem, 0);
	has("\n  00:01.0  8086:3420  PCI bridge              port           I/O- memory- master-\n"
	    "      slot 1 occupied, on\n"
	    "      window memory       0x00000000c0000000-0x00000000c00fffff\n");
	has("bus 01\n  01:00.0  1234:5678  ");
	toy_write(below, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	has("off: memory is off in COMMAND of the port above\n");
	pci_host_config_write(bench->host, 1 << 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	is_at(false, WINDOW32, "BAR 0 + 0x0 of 01:00.0 (0000:02:00.0)");
	toy_write(below, PCI_BASE_ADDRESS_0, 4, WINDOW32 + 0x100000);
	has("off: it is outside the windows of the port above\n");
	pci_host_config_write(bench->host, 1 << 3, 0x44, 2, 3);
	has("off: the port above is not in D0\n");
	pci_host_config_write(bench->host, 1 << 3, 0x44, 2, 0);
	pci_host_config_write(bench->host, 1 << 3, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
	has("off: the link is down at the port above\n");
	pci_host_config_write(bench->host, 1 << 3, 0x48 + PCI_EXP_SLTCTL, 2,
			      PCI_EXP_SLTCTL_PWR_IND_BLINK | PCI_EXP_SLTCTL_PWR_OFF);
	has("off: the slot of the port above is switched off\n");
	has("      slot 1 occupied, off, its power indicator blinks\n");
	pci_port_eject(port);
	has("off: nothing is in the slot of the port above\n");
	has("      slot 1 empty, off, ");
	pci_host_walk(bench->host, see, &seen);
	ck_assert(!bridge.occupied && !bridge.powered);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, functions_have_their_identity);
	tcase_add_test(tests, a_walk_sees_every_function);
	tcase_add_test(tests, bars_tell_whether_they_decode);
	tcase_add_test(tests, what_is_in_the_way_is_told);
	tcase_add_test(tests, addresses_are_found);
	tcase_add_test(tests, a_bus_below_a_port_is_told_too);
}

int main(void)
{
	return run_suite("pci describe", add_tests);
}
