/* SPDX-License-Identifier: BSD-3-Clause */
/* Initrds as one: as high as they go, padded, and refused when they fit nowhere. */

#include "arch/loader/initrd.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

static struct boot_source source;
static struct ram_range place;

static void add_file(const char *data)
{
	struct boot_file *initrd = &source.initrds[source.initrd_count++];

	*initrd = (struct boot_file){.path = "kernel's initrd",
				     .fd = memfd_create("initrd", MFD_CLOEXEC)};
	ck_assert_int_ge(initrd->fd, 0);
	initrd->size = strlen(data);
	ck_assert_int_eq(pwrite(initrd->fd, data, initrd->size, 0), (ssize_t)initrd->size);
}

static void set_up(void)
{
	setup();
	source = (struct boot_source){0};
}

static void tear_down(void)
{
	for (size_t i = 0; i < source.initrd_count; i++)
		close(source.initrds[i].fd);
	teardown();
}

START_TEST(none_is_none)
{
	place.size = 1;
	ck_assert_uint_eq(initrd_size(&source), 0);
	ck_assert_int_eq(initrd_load(&loader, &source, 4096, UINT32_MAX, &place, &err), 0);
	ck_assert_uint_eq(place.size, 0);
	ck_assert_uint_eq(loader.count, 0);
}
END_TEST

START_TEST(two_follow_each_other_at_multiples_of_four)
{
	add_file("first");
	add_file("second!");
	memset(ram_host(loader.ram, RAM_SIZE - 4096, 4096), 0xff, 4096);
	ck_assert_uint_eq(initrd_size(&source), 16);
	ck_assert_int_eq(initrd_load(&loader, &source, 4096, UINT32_MAX, &place, &err), 0);
	ck_assert_uint_eq(place.base, RAM_SIZE - 4096);
	ck_assert_uint_eq(place.size, 16);
	ck_assert_mem_eq(ram_host(loader.ram, place.base, 16), "first\0\0\0second!", 16);
	ck_assert_uint_eq(*(uint8_t *)ram_host(loader.ram, place.base + 16, 1), 0xff);
	/* And nothing else goes there. */
	ck_assert_int_eq(loader_claim(&loader, &file, "kernel", place.base, 1, &err), -EBUSY);
}
END_TEST

START_TEST(the_last_byte_may_be_bounded)
{
	add_file("data");
	ck_assert_int_eq(initrd_load(&loader, &source, 16, MIB + 2, &place, &err), 0);
	ck_assert_uint_eq(place.base, MIB - 16);
}
END_TEST

START_TEST(high_memory_is_used_where_it_may_be)
{
	add_file("data");
	ck_assert_int_eq(initrd_load(&loader, &source, 4096, UINT64_MAX, &place, &err), 0);
	ck_assert_uint_eq(place.base, HIGH_BASE + 2 * MIB - 4096);
}
END_TEST

START_TEST(too_large_is_refused)
{
	add_file("data");
	source.initrds[0].size = RAM_SIZE + 1;
	said(initrd_load(&loader, &source, 4096, UINT32_MAX, &place, &err), -ENOSPC,
	     "it needs 16385 KiB, the guest has room for 16384 KiB");
	source.initrds[0].size = UINT64_MAX;
	ck_assert_uint_eq(initrd_size(&source), UINT64_MAX / 2);
	said(initrd_load(&loader, &source, 4096, UINT32_MAX, &place, &err), -ENOSPC, "too large");
	ck_assert_uint_eq(place.size, 0);
}
END_TEST

/* The file became shorter since its size was asked for. */
START_TEST(a_file_that_ends_early_is_told)
{
	add_file("data");
	source.initrds[0].size = 100;
	said(initrd_load(&loader, &source, 4096, UINT32_MAX, &place, &err), -ENODATA, "truncated");
	ck_assert_uint_eq(place.size, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, none_is_none);
	tcase_add_test(tests, two_follow_each_other_at_multiples_of_four);
	tcase_add_test(tests, the_last_byte_may_be_bounded);
	tcase_add_test(tests, high_memory_is_used_where_it_may_be);
	tcase_add_test(tests, too_large_is_refused);
	tcase_add_test(tests, a_file_that_ends_early_is_told);
}

int main(void)
{
	return run_suite("initrd", add_tests);
}
