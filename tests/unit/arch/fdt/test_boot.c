/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a device tree goes in a guest's RAM, and what a boot may put into it. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/fdt/boot.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

#define RAM (2 * GIB)

static struct mem_map *map;
static struct loader *loader;
static struct err err;
static const struct boot_file kernel = {.path = "Image"};

static void make_ram(uint64_t size)
{
	const struct ram_range piece = {RAM, size};
	static const struct ram_config config = {0};

	err = (struct err){0};
	map = mem_map_create("memory", 0, &err);
	loader = calloc(1, sizeof(*loader));
	ck_assert_ptr_nonnull(loader);
	loader->ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_msg(loader->ram, "%s", err.text);
}

static void tear_down(void)
{
	if (loader)
		ram_destroy(loader->ram);
	free(loader);
	mem_map_destroy(map);
	loader = NULL;
	map = NULL;
}

START_TEST(it_is_right_behind_the_kernel_and_clear)
{
	struct ram_range place;
	uint8_t *host;

	make_ram(64 * MIB);
	ck_assert_int_eq(dt_place(loader, &kernel, RAM + 3 * MIB, &place, &err), 0);
	ck_assert_uint_eq(place.base, RAM + 4 * MIB);
	ck_assert_uint_eq(place.size, 2 * MIB);
	host = ram_host(loader->ram, place.base, place.size);
	host[5] = 1;
	ck_assert_ptr_eq(dt_room(loader, &place, &err), host);
	ck_assert_uint_eq(host[5], 0);
	/* What is claimed is not given again. */
	ck_assert_int_eq(dt_place(loader, &kernel, RAM + 3 * MIB, &place, &err), 0);
	ck_assert_uint_ne(place.base, RAM + 4 * MIB);
}
END_TEST

START_TEST(it_is_small_where_ram_is_and_refused_without_room)
{
	struct ram_range place;

	make_ram(4 * MIB);
	ck_assert_int_eq(dt_place(loader, &kernel, RAM + MIB + 1, &place, &err), 0);
	ck_assert_uint_eq(place.base, RAM + MIB + 64 * KIB);
	ck_assert_uint_eq(place.size, 64 * KIB);
	ck_assert_int_eq(loader_claim(loader, &kernel, "a", RAM, MIB + 64 * KIB, &err), 0);
	ck_assert_int_eq(loader_claim(loader, &kernel, "b", RAM + MIB + 128 * KIB,
				      3 * MIB - 128 * KIB, &err),
			 0);
	ck_assert_int_eq(dt_place(loader, &kernel, RAM + MIB + 1, &place, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "boot: Image: beside the kernel there is no room for the device "
				   "tree, 64 KiB, the guest has 4 MiB of memory: give it more");
	place = (struct ram_range){RAM + 8 * MIB, 64 * KIB};
	ck_assert_ptr_null(dt_room(loader, &place, &err));
	ck_assert_int_eq(err.code, -EFAULT);
}
END_TEST

START_TEST(a_command_line_has_an_end)
{
	struct boot_source source = {.kernel = kernel, .cmdline = "12345"};

	ck_assert_int_eq(dt_check_cmdline(&source, 5, &err), 0);
	ck_assert_int_eq(dt_check_cmdline(&source, 4, &err), -E2BIG);
	ck_assert_str_eq(err.text, "boot: Image: the command line has 5 characters, the kernel "
				   "takes at most 4: shorten it");
	source.cmdline = NULL;
	ck_assert_int_eq(dt_check_cmdline(&source, 0, &err), 0);
}
END_TEST

START_TEST(seeds_differ)
{
	struct dt_boot first = {0}, second = {0};

	dt_seed(&first);
	dt_seed(&second);
	ck_assert(first.seeded && second.seeded);
	ck_assert_mem_ne(first.rng_seed, second.rng_seed, DT_RNG_SEED_SIZE);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, tear_down);
	tcase_add_test(tests, it_is_right_behind_the_kernel_and_clear);
	tcase_add_test(tests, it_is_small_where_ram_is_and_refused_without_room);
	tcase_add_test(tests, a_command_line_has_an_end);
	tcase_add_test(tests, seeds_differ);
}

int main(void)
{
	return run_suite("fdt_boot", add_tests);
}
