/* SPDX-License-Identifier: BSD-3-Clause */
/* Intel's own graphics in a guest: no address of the host's, none of its calls, all the rest. */

#include <check.h>
#include <stdlib.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"
#include "vfio/host/host.h"
#include "vfio/pci/igd.h"

/* Display @device with what firmware leaves in its registers; of its capabilities MSI-X alone. */
static void start_display(const char *name, uint16_t device)
{
	static const struct {
		uint16_t offset;
		uint32_t value;
	} left[] = {
		{0x50, 0xdeadf2c9}, {0x58, 0x8f800007}, {0x5c, 0x8b800001}, {0x60, 0x00010000},
		{0x68, 0x12345678}, {0xc0, 0x8b800001}, {0xc4, 0x00000012}, {0xc8, 0x8f800007},
		{0xcc, 0x00000012}, {0xe0, 0x0000ffff}, {0xe8, 0x00008000}, {0xfc, 0x7a2b1018},
	};

	bench.name = name;
	fake_vfio_poke(&bench.fake, CONFIG, PCI_VENDOR_ID, 4, (uint32_t)device << 16 | 0x8086);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_CLASS_REVISION, 4, 0x03000007);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_CAPABILITY_LIST, 1, 0x70);
	fake_vfio_poke(&bench.fake, CONFIG, 0x71, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		fake_vfio_poke(&bench.fake, CONFIG, left[i].offset, 4, left[i].value);
	bench.fake.regions[0].size = 4 * MIB;
	start();
}

/* The guest reads @shown of what is @left there, and does not change it. */
static void hidden(unsigned int offset, uint32_t left, uint32_t shown)
{
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, offset, 4), left);
	ck_assert_msg(config_read(offset, 4) == shown, "0x%x at 0x%x", config_read(offset, 4),
		      offset);
	for (unsigned int size = 1; size <= 4; size *= 2)
		config_write(offset, size, 0x55555555 & (uint32_t)all_ones(size));
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, offset, 4), left);
	ck_assert_uint_eq(config_read(offset, 4), shown);
}

START_TEST(config_space_tells_no_address_of_the_host)
{
	start_display("0000:00:02.0", 0x1912);
	/* The size of the GTT stays, in the lower half. */
	ck_assert_uint_eq(config_read(0x50, 2), 0x00c9);
	config_write(0x50, 2, 0xffff);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x50, 2), 0xf2c9);
	hidden(0x58, 0x8f800007, 0);
	hidden(0x5c, 0x8b800001, 0);
	hidden(0x60, 0x00010000, 0x00010000);
	hidden(0xfc, 0x7a2b1018, 0);
	ck_assert_uint_eq(config_read(0xe0, 2), 0);
	ck_assert_uint_eq(config_read(0xe8, 2), 0);
	config_write(0xe8, 2, 1);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xe8, 2), 0x8000);
	/* What lies there in this generation is not known to be an address. */
	ck_assert_uint_eq(config_read(0xc0, 4), 0x8b800001);
	/* The rest is the device's. */
	ck_assert_uint_eq(config_read(0x68, 4), 0x12345678);
	config_write(0x68, 4, 0x87654321);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x68, 4), 0x87654321);
	/* Nor after a reset. */
	pci_host_reset(bench.host);
	ck_assert_uint_eq(config_read(0x5c, 4), 0);
	ck_assert_uint_eq(config_read(0xfc, 4), 0);
}
END_TEST

/* Generations differ in where the size is and how wide the base. */
START_TEST(each_generation_has_its_layout)
{
	static const struct {
		uint16_t device, control;
		uint32_t base;
	} rows[] = {
		{0x0046, 0xf2c9, 0x8b800001}, /* Ironlake: not its register */
		{0x0126, 0xf201, 0x8b800001}, /* Sandy Bridge */
		{0x0412, 0xf201, 0x8b800001}, /* Haswell */
		{0x22b0, 0xf201, 0x8b800001}, /* Cherry Trail */
		{0x1616, 0x00c9, 0x8b800001}, /* Broadwell */
		{0x3e92, 0x00c9, 0x8b800001}, /* Coffee Lake */
		{0x8a52, 0x00c9, 0},          /* Ice Lake */
		{0xa780, 0x00c9, 0},          /* Raptor Lake */
		{0xfd80, 0x00c9, 0},          /* to come */
	};

	start_display("0000:00:02.0", rows[_i].device);
	ck_assert_uint_eq(config_read(0x50, 2), rows[_i].control);
	ck_assert_uint_eq(config_read(0x5c, 4), 0);
	ck_assert_uint_eq(config_read(0xfc, 4), 0);
	ck_assert_uint_eq(config_read(0xc0, 4), rows[_i].base);
	ck_assert_uint_eq(config_read(0xc4, 4), rows[_i].base ? 0x12 : 0);
}
END_TEST

/* The registers' images in BAR 0: their page is trapped, its others work. */
START_TEST(the_mirror_tells_none_either)
{
	uint64_t base;

	fake_vfio_poke(&bench.fake, 0, 0x108040, 4, 0xdeadf2c9);
	fake_vfio_poke(&bench.fake, 0, 0x1080c0, 8, 0x128b800001);
	fake_vfio_poke(&bench.fake, 0, 0x1082c0, 8, 0x128fc00063);
	fake_vfio_poke(&bench.fake, 0, 0x108100, 4, 0x1234);
	start_display("0000:00:02.0", 0x9a49);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	base = bar(0);
	ck_assert_ptr_nonnull(mapped_at(base + 0x5000));
	ck_assert_uint_eq(mapped_at(base + 0x5000)->size, 0x108000 - 0x5000);
	ck_assert_ptr_null(mapped_at(base + 0x108000));
	ck_assert_ptr_nonnull(mapped_at(base + 0x109000));
	ck_assert_uint_eq(guest_read(base + 0x108040, 4), 0xdead00c9);
	ck_assert_uint_eq(guest_read(base + 0x108041, 1), 0);
	ck_assert_uint_eq(guest_read(base + 0x1080c0, 8), 0);
	ck_assert_uint_eq(guest_read(base + 0x1080c4, 4), 0);
	ck_assert_uint_eq(guest_read(base + 0x1082c0, 8), 0);
	guest_write(base + 0x1080c0, 4, 0x1000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0x1080c0, 8), 0x128b800001);
	ck_assert_uint_eq(guest_read(base + 0x108100, 4), 0x1234);
	guest_write(base + 0x108100, 4, 0x4321);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0x108100, 4), 0x4321);
}
END_TEST

/* A card of Intel's has its own memory; another's display in that place other registers. */
START_TEST(other_displays_are_left_alone)
{
	start_display("0000:03:00.0", 0x56a0);
	ck_assert_uint_eq(config_read(0x5c, 4), 0x8b800001);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(mapped_at(bar(0) + 0x5000)->size, 4 * MIB - 0x5000);
	ck_assert(vfio_host_is_igd("0000:00:02.0", 0x8086, 0x030000));
	ck_assert(vfio_host_is_igd("0000:00:02.1", 0x8086, 0x038000));
	ck_assert(!vfio_host_is_igd("0000:00:02.0", 0x1002, 0x030000));
	ck_assert(!vfio_host_is_igd("0000:00:02.0", 0x8086, 0x020000));
	ck_assert(!vfio_host_is_igd("0001:00:02.0", 0x8086, 0x030000));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, config_space_tells_no_address_of_the_host);
	tcase_add_loop_test(tests, each_generation_has_its_layout, 0, 9);
	tcase_add_test(tests, the_mirror_tells_none_either);
	tcase_add_test(tests, other_displays_are_left_alone);
}

int main(void)
{
	return run_suite("vfio igd", add_tests);
}
