/* SPDX-License-Identifier: BSD-3-Clause */
/* A passed-through function behind a port: its link, what the port keeps from it, resets by it. */

#include <check.h>
#include <linux/pci_regs.h>

#include "tests/unit/support/fault.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_busy.h"

enum { POWER = 0x40 + PCI_PM_CTRL, LINK_CONTROL = 0x48 + PCI_EXP_LNKCTL };

static void setup_ported(void)
{
	setup();
	bench.options.port = true;
}

static uint32_t port_read(unsigned int offset, unsigned int size)
{
	uint32_t value;

	pci_host_config_read(bench.host, 1 << 3, offset, size, &value);
	return value;
}

static uint32_t command(void)
{
	return (uint32_t)fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2);
}

/* A card of eight lanes in a slot of four, at the second of its three speeds. */
static void poke_link(void)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa4, 4, 0x10008fe2);
	fake_vfio_poke(&bench.fake, CONFIG, 0xa8, 4, 0x00102830);
	fake_vfio_poke(&bench.fake, CONFIG, 0xac, 4, 0x00477c83);
	fake_vfio_poke(&bench.fake, CONFIG, 0xb0, 4, 0x10420140);
	fake_vfio_poke(&bench.fake, CONFIG, 0xcc, 4, 0x0000000e);
	fake_vfio_poke(&bench.fake, CONFIG, 0xd0, 4, 0x00010003);
}

/* PCIe 5.0 7.5.3: an endpoint with its link, whose other end is the port. */
START_TEST(it_is_the_endpoint_that_it_is)
{
	poke_link();
	start();
	ck_assert_uint_eq(config_read(0xa2, 2), 0x0002);
	ck_assert_uint_eq(config_read(0xac, 4), 0x00477c83);
	ck_assert_uint_eq(config_read(0xb2, 2), 0x1042);
	ck_assert_uint_eq(config_read(0xcc, 4), 0xe);
	ck_assert_uint_eq(config_read(0xd0, 4), 0x00010003);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_LNKCAP, 4) & 0x3ff, 0x083);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_LNKSTA, 2), 0x3042);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_LNKCAP2, 4), 0xe);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_DEVCAP, 4) & 7, 2);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_DEVCTL, 2) & 0xe0, 0x20);
	/* The link is as it is now. */
	fake_vfio_poke(&bench.fake, CONFIG, 0xb2, 2, 0x1041);
	ck_assert_uint_eq(config_read(0xb2, 2), 0x1041);
}
END_TEST

START_TEST(the_host_runs_the_link)
{
	poke_link();
	start();
	ck_assert_uint_eq(config_read(0xb0, 2), 0);
	config_write(0xb0, 2, 0xffff);
	ck_assert_uint_eq(config_read(0xb0, 2), 0x03cb);
	config_write(0xb2, 2, 0xffff);
	config_write(0xd0, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(0xd0, 4), 0x0001000f);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xb0, 4), 0x10420140);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xd0, 4), 0x00010003);
}
END_TEST

/* One of the host's root complex has no link: here it has the least there is. */
START_TEST(an_integrated_endpoint_gets_a_link)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa2, 2, 0x0092);
	start();
	ck_assert_uint_eq(config_read(0xa2, 2), 0x0002);
	ck_assert_uint_eq(config_read(0xac, 4), 0x11);
	ck_assert_uint_eq(config_read(0xb2, 2), 0x11);
	ck_assert_uint_eq(config_read(0xcc, 4), 2);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_LNKSTA, 2), 0x3011);
}
END_TEST

/* Version 1 of such a one ends before: what follows is another's. */
START_TEST(an_integrated_endpoint_without_registers_for_it_stays)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa2, 2, 0x0091);
	fake_vfio_poke(&bench.fake, CONFIG, 0xac, 4, 0x12345678);
	start();
	ck_assert_uint_eq(config_read(0xa2, 2), 0x0091);
	ck_assert_uint_eq(config_read(0xac, 4), 0x12345678);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_LNKSTA, 2), 0x3011);
}
END_TEST

START_TEST(nothing_is_mapped_that_the_port_keeps_back)
{
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(guest_read(bar(0), 4), UINT32_MAX);
	port_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	port_write(PCI_MEMORY_BASE, 4, 0x0000fff0);
	ck_assert_uint_eq(bench.mapped_count, 1); /* the prefetchable one */
	port_write(PCI_PREF_LIMIT_UPPER32, 4, 0);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.left_late, 0);
}
END_TEST

/* The shadow is the guest's, what the device has is what the port lets through. */
START_TEST(it_masters_when_the_port_does)
{
	start();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	port_write(PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	port_write(POWER, 1, 3);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY);
	port_write(POWER, 1, 0);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	port_write(PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY);
	/* Any write of it meanwhile, of either width. */
	config_write(PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	ck_assert_uint_eq(command(), 0);
	config_write(PCI_COMMAND, 4, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY);
	port_write(PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	config_write(PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(command(), 0);
	port_write(PCI_COMMAND, 1, 0);
	port_write(PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	ck_assert_uint_eq(command(), 0);
}
END_TEST

START_TEST(mastering_waits_for_all_of_ram_behind_a_port_too)
{
	start();
	open_port();
	ck_assert_int_eq(config_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER), MEM_NOT_YET);
	port_write(PCI_COMMAND, 1, 0);
	ck_assert_int_eq(config_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER), MEM_NOT_YET);
	open_port();
	ck_assert_uint_eq(command(), 0);
}
END_TEST

/* Its requester id goes with the bus number. */
START_TEST(messages_have_the_bus_of_the_port)
{
	start();
	open_port();
	port_write(PCI_SECONDARY_BUS, 2, 0x0909);
	pci_host_config_write(bench.host, 0x900, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_host_config_write(bench.host, 0x900, 0x54, 4, 0xfee00000);
	pci_host_config_write(bench.host, 0x900, 0x52, 2, PCI_MSI_FLAGS_ENABLE);
	ck_assert_uint_eq(bench.irq.message[FAKE_FIRST_MSI].device_id, 0x900);
}
END_TEST

/* PCI 3.0 6.2.5.2: it decodes from the moment on that the port lets it. */
START_TEST(the_rom_is_copied_when_the_port_opens)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ;

	bench.fake.regions[VFIO_PCI_ROM_REGION_INDEX] =
		(struct fake_region){.flags = rw, .size = 4 * KIB};
	start();
	config_write(PCI_ROM_ADDRESS, 4, config_read(PCI_ROM_ADDRESS, 4) | 1);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert(!bench.pci->rom_copied);
	open_port();
	ck_assert(bench.pci->rom_copied);
}
END_TEST

static void is_reset_by(unsigned int offset, uint32_t bit, unsigned int resets)
{
	start_busy();
	ck_assert_int_eq(port_write(offset, 2, bit), MEM_NOT_YET);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(wakes, 1);
	ck_assert_uint_eq(bench.fake.resets + bench.fake.hot_resets, resets);
	ck_assert_int_eq(port_write(offset, 2, bit), MEM_DONE);
	/* Held in reset until the link is up again. */
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	port_write(offset, 2, 0);
	ck_assert_uint_eq(bench.fake.resets + bench.fake.hot_resets, resets);
	is_as_after_power_on();
	ck_assert_uint_eq(config_read(PCI_BASE_ADDRESS_0, 4), 0);
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	stop_busy();
}

START_TEST(a_reset_of_the_secondary_bus_is_one_of_the_function)
{
	is_reset_by(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 1);
}
END_TEST

START_TEST(a_disabled_link_is_one_too)
{
	is_reset_by(LINK_CONTROL, PCI_EXP_LNKCTL_LD, 1);
}
END_TEST

START_TEST(a_function_without_a_reset_is_reset_by_its_bus)
{
	set_dependents(1, 7);
	is_reset_by(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 1);
	ck_assert_uint_eq(spared, 2); /* and at the end */
}
END_TEST

/* It is quiet then, and the guest sees registers as after a reset. */
START_TEST(one_that_nothing_resets_is_quieted)
{
	bench.fake.info.flags = VFIO_DEVICE_FLAGS_PCI;
	bench.fake.dependents = 0;
	is_reset_by(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 0);
}
END_TEST

START_TEST(the_restart_finds_the_port_as_firmware_left_it)
{
	start_busy();
	port_write(PCI_SECONDARY_BUS, 2, 0x0707);
	port_write(PCI_MEMORY_BASE, 4, 0x0000fff0);
	if (_i)
		port_write(POWER, 1, 3);
	restart();
	run_loop_once();
	ck_assert_uint_eq(command(), 0);
	is_as_after_power_on();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(bench.mapped_count, 0);
	open_port();
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	stop_busy();
}
END_TEST

/* The write that waited for the first one finds nobody when it is done again. */
START_TEST(a_reset_that_was_answered_to_nobody_is_not_the_next)
{
	start_busy();
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	port_write(POWER, 1, 3);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	port_write(POWER, 1, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(bench.fake.resets, 1);
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(bench.fake.resets, 2);
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET), MEM_DONE);
	port_write(PCI_BRIDGE_CONTROL, 2, 0);
	stop_busy();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_ported, teardown);
	tcase_add_test(tests, it_is_the_endpoint_that_it_is);
	tcase_add_test(tests, the_host_runs_the_link);
	tcase_add_test(tests, an_integrated_endpoint_gets_a_link);
	tcase_add_test(tests, an_integrated_endpoint_without_registers_for_it_stays);
	tcase_add_test(tests, nothing_is_mapped_that_the_port_keeps_back);
	tcase_add_test(tests, it_masters_when_the_port_does);
	tcase_add_test(tests, mastering_waits_for_all_of_ram_behind_a_port_too);
	tcase_add_test(tests, messages_have_the_bus_of_the_port);
	tcase_add_test(tests, the_rom_is_copied_when_the_port_opens);
	tcase_add_test(tests, a_reset_of_the_secondary_bus_is_one_of_the_function);
	tcase_add_test(tests, a_disabled_link_is_one_too);
	tcase_add_test(tests, a_function_without_a_reset_is_reset_by_its_bus);
	tcase_add_test(tests, one_that_nothing_resets_is_quieted);
	tcase_add_loop_test(tests, the_restart_finds_the_port_as_firmware_left_it, 0, 2);
	tcase_add_test(tests, a_reset_that_was_answered_to_nobody_is_not_the_next);
}

int main(void)
{
	return run_suite("vfio pci ported", add_tests);
}
