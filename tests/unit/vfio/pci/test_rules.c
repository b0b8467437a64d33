/* SPDX-License-Identifier: BSD-3-Clause */
/* Who answers for which bit of config space, and which capabilities the guest is shown. */

#include <check.h>

#include "tests/unit/support/fault.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

START_TEST(msix_outside_its_bar_is_hidden)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x74, 4, 0x00010000);
	start();
	ck_assert(!bench.pci->has_msix);
	ck_assert_uint_eq(config_read(0x51, 1), 0xa0);
}
END_TEST

START_TEST(hidden_capabilities_are_unlinked)
{
	uint32_t header;

	start();
	header = config_read(0x100, 4);
	ck_assert_uint_eq(header >> 20, 0x180);
	ck_assert_uint_eq(config_read(0x180, 4), 0x00010003);
	ck_assert_uint_eq(config_read(0x140, 4), 0);
	ck_assert_uint_eq(config_read(0x148, 4), 0);
	config_write(0x148, 4, 1);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x148, 4), 0x5a5a5a5a);
}
END_TEST

START_TEST(a_hidden_first_capability_keeps_the_chain)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x100, 4, 0x1401000e);
	start();
	ck_assert_uint_eq(config_read(0x100, 4), 0x18010000);
}
END_TEST

START_TEST(nothing_but_hidden_capabilities_is_nothing)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x100, 4, 0x0001000e);
	start();
	ck_assert_uint_eq(config_read(0x100, 4), 0);
}
END_TEST

START_TEST(a_resizable_bar_capability_takes_only_its_own_bytes)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x140, 4, 0x14c10015);
	fake_vfio_poke(&bench.fake, CONFIG, 0x148, 4, 1 << 5);
	fake_vfio_poke(&bench.fake, CONFIG, 0x14c, 4, 0x18010003);
	fake_vfio_poke(&bench.fake, CONFIG, 0x180, 4, 0x00010004);
	start();
	ck_assert_uint_eq(config_read(0x100, 4) >> 20, 0x14c);
	ck_assert_uint_eq(config_read(0x14c, 4), 0x18010003);
	ck_assert_uint_eq(config_read(0x148, 4), 0);
}
END_TEST

/* Both hold addresses of the host's; the link declaration is as long as it says. */
START_TEST(capabilities_with_host_addresses_are_hidden)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x140, 4, 0x1a010012);
	fake_vfio_poke(&bench.fake, CONFIG, 0x148, 4, 0xfeb40000);
	fake_vfio_poke(&bench.fake, CONFIG, 0x1a0, 4, 0x20010005);
	fake_vfio_poke(&bench.fake, CONFIG, 0x1a4, 4, 0x00010200);
	fake_vfio_poke(&bench.fake, CONFIG, 0x1c8, 4, 0xfed1c000);
	fake_vfio_poke(&bench.fake, CONFIG, 0x1d0, 4, 0x77);
	fake_vfio_poke(&bench.fake, CONFIG, 0x200, 4, 0x00010003);
	start();
	ck_assert_uint_eq(config_read(0x100, 4) >> 20, 0x200);
	ck_assert_uint_eq(config_read(0x148, 4), 0);
	ck_assert_uint_eq(config_read(0x1c8, 4), 0);
	ck_assert_uint_eq(config_read(0x1d0, 4), 0x77);
	config_write(0x148, 4, 1);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x148, 4), 0xfeb40000);
}
END_TEST

/* Its entries are the host's places of the BARs: of 12 and 16 bytes here. */
START_TEST(enhanced_allocation_tells_no_address)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x71, 1, 0xe0);
	fake_vfio_poke(&bench.fake, CONFIG, 0xe0, 4, 0x00020014);
	fake_vfio_poke(&bench.fake, CONFIG, 0xe4, 4, 0x80000002);
	fake_vfio_poke(&bench.fake, CONFIG, 0xe8, 4, 0xfeb40000);
	fake_vfio_poke(&bench.fake, CONFIG, 0xf0, 4, 0x80000013);
	fake_vfio_poke(&bench.fake, CONFIG, 0xf8, 4, 0x12);
	fake_vfio_poke(&bench.fake, CONFIG, 0xfc, 4, 0xffff);
	start();
	ck_assert_uint_eq(config_read(0x71, 1), 0);
	for (unsigned int i = 0xe0; i < 0x100; i += 4)
		ck_assert_uint_eq(config_read(i, 4), 0);
	config_write(0xe8, 4, 0x1234);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xe8, 4), 0xfeb40000);
}
END_TEST

START_TEST(chains_that_loop_or_end_in_garbage_are_cut)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa1, 1, 0x50);
	fake_vfio_poke(&bench.fake, CONFIG, 0x180, 4, 0x10010003);
	start();
	ck_assert_uint_eq(config_read(0xa1, 1), 0);
	ck_assert_uint_eq(config_read(0x180, 4) >> 20, 0);
	ck_assert(bench.pci->has_msi && bench.pci->has_msix);
}
END_TEST

START_TEST(a_chain_into_all_ones_is_cut)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x41, 1, 0xe0);
	fake_vfio_poke(&bench.fake, CONFIG, 0xe0, 4, UINT32_MAX);
	fake_vfio_poke(&bench.fake, CONFIG, 0x100, 4, UINT32_MAX);
	start();
	ck_assert_uint_eq(config_read(0x41, 1), 0);
	ck_assert_uint_eq(config_read(0x100, 4), 0);
	ck_assert(!bench.pci->has_msi && !bench.pci->has_msix);
}
END_TEST

START_TEST(whether_errors_are_reported_is_the_hosts_choice)
{
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, PCI_COMMAND_SERR);
	start();
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), PCI_COMMAND_SERR);
	config_write(PCI_COMMAND, 2, 0x0402);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0x0402);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0x0502);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	config_write(PCI_COMMAND, 4, 0x0102);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0x0102);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0x0002);
}
END_TEST

/* A guest's read-modify-write leaves alone what it did not mean. */
START_TEST(every_bit_of_command_is_kept)
{
	static const uint16_t bits[] = {PCI_COMMAND_SPECIAL, PCI_COMMAND_INVALIDATE,
					PCI_COMMAND_VGA_PALETTE, PCI_COMMAND_WAIT,
					PCI_COMMAND_FAST_BACK};

	start();
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		config_write(PCI_COMMAND, 2, bits[i]);
		ck_assert_uint_eq(config_read(PCI_COMMAND, 2), bits[i]);
		config_write(PCI_COMMAND, 2, config_read(PCI_COMMAND, 2) | PCI_COMMAND_MEMORY);
		ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2),
				  bits[i] | PCI_COMMAND_MEMORY);
		ck_assert_uint_eq(config_read(PCI_COMMAND, 2), bits[i] | PCI_COMMAND_MEMORY);
	}
}
END_TEST

/*
 * Express devices have most of them not: what the device did not take is not in the shadow either.
 */
START_TEST(bits_of_command_that_the_device_lacks_read_0)
{
	start();
	/*
	 * The first read is for the bits that stay the host's, the second looks at what was made of
	 * it.
	 */
	for (unsigned int size = 1; size <= 4; size *= 2) {
		fault_plan = (struct fault_plan){.at = size == 1 ? 1 : 2,
						 .onwards = true,
						 .fault = FAULT_NONSENSE,
						 .only = "read"};
		config_write(PCI_COMMAND, size, 0xfa1a & (uint32_t)all_ones(size));
		fault_disarm();
		ck_assert_uint_eq(config_read(PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	}
}
END_TEST

/* Whatever reaches the device and is read from the shadow is kept there. */
START_TEST(nothing_is_forwarded_that_the_shadow_forgets)
{
	start();
	for (unsigned int i = 0; i < PCIE_CONFIG_SIZE; i++)
		ck_assert_msg((bench.pci->emulated[i] & bench.pci->forwarded[i] &
			       ~bench.pci->device.write_mask[i]) == 0,
			      "at 0x%x", i);
}
END_TEST

/* PCIe 5.0 7.5.3: on the root bus it is the root complex's own endpoint, without a link. */
START_TEST(express_registers_tell_of_the_guests_topology)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa4, 4, 0x10008fe2);
	fake_vfio_poke(&bench.fake, CONFIG, 0xa8, 4, 0x00102810);
	fake_vfio_poke(&bench.fake, CONFIG, 0xac, 4, 0x00477c12);
	fake_vfio_poke(&bench.fake, CONFIG, 0xb0, 4, 0x10120040);
	fake_vfio_poke(&bench.fake, CONFIG, 0xc8, 4, 0x00000020);
	fake_vfio_poke(&bench.fake, CONFIG, 0xcc, 4, 0x0000000e);
	start();
	ck_assert_uint_eq(config_read(0xa2, 2), 0x0092);
	ck_assert_uint_eq(config_read(0xa4, 4), 0x10008fe2);
	ck_assert_uint_eq(config_read(0xac, 4), 0);
	ck_assert_uint_eq(config_read(0xb0, 4), 0);
	ck_assert_uint_eq(config_read(0xcc, 4), 0);
	ck_assert_uint_eq(config_read(0xc8, 2), 0);
	/* The payload size is a matter between guest and shadow, the rest is the device's. */
	config_write(0xa8, 2, 0x5030);
	ck_assert_uint_eq(config_read(0xa8, 2), 0x5030);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xa8, 2), 0x5010);
	config_write(0xc8, 2, 0x0420);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xc8, 2), 0x0420);
	ck_assert_uint_eq(config_read(0xc8, 2), 0x0400);
}
END_TEST

/* Version 1 without a link ends before the link's registers: they are somebody else's. */
START_TEST(rules_end_where_the_capability_does)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa0, 4, 0x00910010);
	fake_vfio_poke(&bench.fake, CONFIG, 0xac, 4, 0x12345678);
	start();
	ck_assert_uint_eq(config_read(0xa2, 2), 0x0091);
	ck_assert_uint_eq(config_read(0xac, 4), 0x12345678);
}
END_TEST

START_TEST(rules_end_where_the_next_capability_begins)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa0, 4, 0x0002ac10);
	fake_vfio_poke(&bench.fake, CONFIG, 0xac, 4, 0x12340009);
	start();
	ck_assert_uint_eq(config_read(0xac, 4), 0x12340009);
}
END_TEST

START_TEST(no_power_event_can_be_armed)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x40, 4, 0xc8235001);
	start();
	ck_assert_uint_eq(config_read(0x42, 2), 0x0023);
	config_write(0x44, 2, 0x8100);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 2), 0);
	ck_assert_uint_eq(config_read(0x44, 2), 0);
}
END_TEST

/* The host's event stays for the host: a write of what is beside it does not clear it. */
START_TEST(a_power_event_of_the_host_is_not_cleared)
{
	start();
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 2, 0x8108);
	config_write(0x44, 2, 0x0008);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 2), 0x0108);
}
END_TEST

START_TEST(msi_registers_are_not_forwarded)
{
	unsigned int writes;

	start();
	writes = bench.fake.writes;
	config_write(0x54, 4, 0xfee01000);
	config_write(0x5c, 4, 0x4021);
	config_write(0x50, 4, 0x00010000);
	ck_assert_uint_eq(bench.fake.writes, writes);
	ck_assert_str_eq(bench.fake.log, "off0:0+0 trigger1:0+1 ");
	config_write(0x52, 2, 0);
	ck_assert_uint_eq(bench.fake.writes, writes);
	config_write(0x72, 2, 0x8000);
	ck_assert_uint_eq(bench.fake.writes, writes);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 10);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, msix_outside_its_bar_is_hidden);
	tcase_add_test(tests, hidden_capabilities_are_unlinked);
	tcase_add_test(tests, a_hidden_first_capability_keeps_the_chain);
	tcase_add_test(tests, nothing_but_hidden_capabilities_is_nothing);
	tcase_add_test(tests, a_resizable_bar_capability_takes_only_its_own_bytes);
	tcase_add_test(tests, capabilities_with_host_addresses_are_hidden);
	tcase_add_test(tests, enhanced_allocation_tells_no_address);
	tcase_add_test(tests, chains_that_loop_or_end_in_garbage_are_cut);
	tcase_add_test(tests, a_chain_into_all_ones_is_cut);
	tcase_add_test(tests, whether_errors_are_reported_is_the_hosts_choice);
	tcase_add_test(tests, every_bit_of_command_is_kept);
	tcase_add_test(tests, bits_of_command_that_the_device_lacks_read_0);
	tcase_add_test(tests, nothing_is_forwarded_that_the_shadow_forgets);
	tcase_add_test(tests, express_registers_tell_of_the_guests_topology);
	tcase_add_test(tests, rules_end_where_the_capability_does);
	tcase_add_test(tests, rules_end_where_the_next_capability_begins);
	tcase_add_test(tests, no_power_event_can_be_armed);
	tcase_add_test(tests, a_power_event_of_the_host_is_not_cleared);
	tcase_add_test(tests, msi_registers_are_not_forwarded);
}

int main(void)
{
	return run_suite("vfio rules", add_tests);
}
