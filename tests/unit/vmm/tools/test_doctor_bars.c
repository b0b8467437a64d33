/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` finds of BARs: held by the host, trapped for the size of the host's pages. */

#include <check.h>
#include <stdio.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_doctor.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

static uint64_t page;

uint64_t host_page_size(void)
{
	return page;
}

START_TEST(bars_that_the_host_holds)
{
	fake_tree_write("proc/iomem", "feb40000-feb4ffff : " NVME "\n"
				      "  feb40000-feb4ffff : vfio-pci\n"
				      "12c0000000-12c01fffff : " NVME "\n"
				      "  12c0000000-12c00fffff : efifb\n");
	finds("BAR 4 is held by efifb (0x12c0000000-0x12c00fffff), the display of the host's start, "
	      "so that VFIO does not get it",
	      "start the host with video=efifb:off");
}
END_TEST

/* MSI-X of so many vectors, with its table and its pending bits: BAR and offset. */
static void write_msix(unsigned int vectors, uint32_t table, uint32_t pba)
{
	unsigned char config[256] = {[6] = 0x10, [0x34] = 0x40, [0x40] = 0x11};
	FILE *file = fopen(fake_tree_path("bus/pci/devices/" NVME "/config"), "w");

	store_le(config + 0x42, 2, vectors - 1);
	store_le(config + 0x44, 4, table);
	store_le(config + 0x48, 4, pba);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(config, sizeof(config), 1, file), 1);
	fclose(file);
}

/* An NVMe disk's one BAR: registers, doorbells from 0x1000, the table. */
static void add_disk(void)
{
	tools_file(NVME, "resource", "0xfeb40000 0xfeb43fff 0x140204\n");
	write_msix(65, 0x2000, 0x3000);
}

static void all_is_well(void)
{
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has_not(tools_out, "trapped");
	has(tools_out, "warnings: 0");
}

START_TEST(doorbells_beside_the_table)
{
	add_disk();
	all_is_well();
	page = 16 * KIB;
	warns("warning  0000:01:00.0 BARs: the host's pages of 16 KiB have 8192 bytes of BAR 0 "
	      "trapped, as its MSI-X table is in one with other registers: each access there costs "
	      "the guest an exit\n");
	has(tools_out, "mend it: start the host with a kernel whose pages are of 4 KiB");
	page = 64 * KIB;
	warns("pages of 64 KiB have 8192 bytes of BAR 0 trapped, as its MSI-X table is");
	ck_assert_int_eq(tools_run(tool_doctor, "doctor", "--json", NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "\"bar\": 0");
	has(tools_out, "\"page_bytes\": 65536");
	has(tools_out, "\"trapped_bytes\": 8192");
}
END_TEST

START_TEST(a_table_apart)
{
	/* In a BAR of its own, and in a large one's whole pages. */
	tools_file(NVME, "resource",
		   "0xfeb40000 0xfeb5ffff 0x40200\n0x0 0x0 0x0\n0xe000 0xe01f "
		   "0x40101\n0xfeb60000 0xfeb63fff 0x40200\n");
	write_msix(5, 0x3, 0x2003);
	page = 16 * KIB;
	warns("have 8192 bytes of BAR 3 trapped");
	write_msix(1024, 0x3, 0x3);
	all_is_well();
	write_msix(2048, 0x8000, 0x10000);
	warns("have 12288 bytes of BAR 0 trapped");
	/* The pending bits are in the table's page, and are counted once. */
	write_msix(1024, 0x2000, 0x7000);
	warns("have 12288 bytes of BAR 0 trapped");
	write_msix(64, 0x4000, 0x5000);
	warns("have 8192 bytes of BAR 0 trapped");
}
END_TEST

/* The second begins a page of its own, the fourth is behind it; ports are trapped anyway. */
START_TEST(small_bars)
{
	write_msix(1, 0x5, 0x5);
	tools_file(NVME, "resource",
		   "0xfeb40000 0xfeb4ffff 0x40200\n0xfeb50000 0xfeb507ff 0x40200\n"
		   "0xe000 0xefff 0x40101\n0xfeb52000 0xfeb53fff 0x40200\n");
	all_is_well();
	page = 64 * KIB;
	warns("have 8192 bytes of BAR 3 trapped, as it has none to itself: ");
}
END_TEST

static void setup_pages(void)
{
	page = 4 * KIB;
	setup();
	/* Arm's, of whose vectors nobody keeps count. */
	fake_tree_write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
}

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_pages, tools_teardown);
	tcase_add_test(tests, bars_that_the_host_holds);
	tcase_add_test(tests, doorbells_beside_the_table);
	tcase_add_test(tests, a_table_apart);
	tcase_add_test(tests, small_bars);
}

int main(void)
{
	return run_suite("doctor bars", add_tests);
}
