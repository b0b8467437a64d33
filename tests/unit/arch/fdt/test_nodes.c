/* SPDX-License-Identifier: BSD-3-Clause */
/* What every device tree has: the root, chosen, memory. */

#include <check.h>
#include <libfdt.h>
#include <string.h>

#include "arch/fdt/nodes.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static uint8_t blob[8192];
static struct platform platform;
static struct dt_boot boot;

static void set_up(void)
{
	boot = (struct dt_boot){0};
	platform = (struct platform){.ram = {{2 * GIB, MIB}, {8 * GIB, 2 * MIB}},
				     .ram_count = 2,
				     .serial = true};
}

static void build(void)
{
	struct err err = {0};
	struct dt dt;

	dt_create(&dt, blob, sizeof(blob));
	dt_begin_root(&dt, "riscv-virtio", 3);
	dt_add_chosen(&dt, &platform, &boot, "ttyS0", 0x10000000);
	dt_add_memory(&dt, &platform);
	dt_add_pvpanic(&dt, 0x101000);
	dt_end(&dt);
	ck_assert_msg(dt_finish(&dt, NULL, &err) > 0, "%s", err.text);
}

static const char *text(const char *path, const char *name)
{
	return fdt_getprop(blob, fdt_path_offset(blob, path), name, NULL);
}

START_TEST(the_serial_port_is_the_console_where_no_other_is_named)
{
	build();
	ck_assert_str_eq(text("/", "compatible"), "riscv-virtio");
	ck_assert_str_eq(text("/chosen", "bootargs"), "console=ttyS0");
	ck_assert_str_eq(text("/chosen", "stdout-path"), "/serial@10000000");
	ck_assert_ptr_null(text("/chosen", "linux,initrd-start"));
	ck_assert_ptr_null(text("/chosen", "rng-seed"));
	boot.cmdline = "quiet";
	build();
	ck_assert_str_eq(text("/chosen", "bootargs"), "quiet");
	boot.cmdline = NULL;
	platform.serial = false;
	build();
	ck_assert_ptr_null(text("/chosen", "bootargs"));
	ck_assert_ptr_null(text("/chosen", "stdout-path"));
}
END_TEST

START_TEST(each_piece_of_ram_is_a_node)
{
	build();
	ck_assert_str_eq(text("/memory@80000000", "device_type"), "memory");
	ck_assert_mem_eq(text("/memory@200000000", "reg"), "\0\0\0\2\0\0\0\0\0\0\0\0\0\x20\0\0",
			 16);
	ck_assert_str_eq(text("/pvpanic@101000", "compatible"), "qemu,pvpanic-mmio");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, the_serial_port_is_the_console_where_no_other_is_named);
	tcase_add_test(tests, each_piece_of_ram_is_a_node);
}

int main(void)
{
	return run_suite("fdt_nodes", add_tests);
}
