/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest RAM: alignment, huge pages and their shortage, copying across pieces. */

#include <check.h>
#include <errno.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/ram.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static struct mem_map *map;
static struct err err;
static const struct ram_config ordinary;

static void set_up(void)
{
	err = (struct err){0};
	map = mem_map_create("guest", 0, &err);
}

static void tear_down(void)
{
	mem_map_destroy(map);
}

/* Two that touch and one apart, none at a multiple of 2 MiB but the first. */
static const struct ram_range pieces[] = {
	{0, 0xa0000},
	{0xa0000, 3 * MIB},
	{4 * GIB + 0x3000, MIB},
};

static struct ram *create(void)
{
	struct ram *ram = ram_create(map, pieces, ARRAY_SIZE(pieces), &ordinary, &err);

	ck_assert_msg(ram, "%s", err.text);
	return ram;
}

START_TEST(a_part_ends_with_its_piece)
{
	struct ram *ram = create();
	uint64_t part = 0;

	ck_assert_ptr_eq(ram_part(ram, 0x9ff00, 0x200, &part), ram_host(ram, 0x9ff00, 1));
	ck_assert_uint_eq(part, 0x100);
	ck_assert_ptr_eq(ram_part(ram, 0xa0000, 0x100, &part), ram_host(ram, 0xa0000, 1));
	ck_assert_uint_eq(part, 0x100);
	ck_assert_ptr_nonnull(ram_part(ram, 0xa0000, UINT64_MAX, &part));
	ck_assert_uint_eq(part, 3 * MIB);
	ck_assert_ptr_null(ram_part(ram, 0xa0000 + 3 * MIB, 1, &part));
	ck_assert_ptr_null(ram_part(ram, UINT64_MAX, 1, &part));
	ram_destroy(ram);
}
END_TEST

START_TEST(host_addresses_are_found_again)
{
	struct ram *ram = create();
	const char *last = ram_host(ram, 4 * GIB + 0x3000 + MIB - 1, 1);
	uint64_t gpa;

	ck_assert_int_eq(ram_guest(ram, ram_host(ram, 0, 1), &gpa), 0);
	ck_assert_uint_eq(gpa, 0);
	ck_assert_int_eq(ram_guest(ram, ram_host(ram, 0xa0000, 1), &gpa), 0);
	ck_assert_uint_eq(gpa, 0xa0000);
	ck_assert_int_eq(ram_guest(ram, last, &gpa), 0);
	ck_assert_uint_eq(gpa, 4 * GIB + 0x3000 + MIB - 1);
	ck_assert_int_eq(ram_guest(ram, last + 1, &gpa), -ENOENT);
	ck_assert_int_eq(ram_guest(ram, &gpa, &gpa), -ENOENT);
	ram_destroy(ram);
}
END_TEST

START_TEST(host_and_guest_addresses_agree)
{
	struct ram *ram = create();

	ck_assert_uint_eq(ram_piece_count(ram), 3);
	ck_assert_uint_eq(ram_total(ram), 0xa0000 + 4 * MIB);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct mem_region *piece = ram_piece(ram, i);

		ck_assert_uint_eq(piece->base, pieces[i].base);
		ck_assert_uint_eq(piece->size, pieces[i].size);
		ck_assert_ptr_eq(piece->map, map);
		ck_assert_int_eq(piece->kind, MEM_RAM);
		ck_assert_uint_eq(((uintptr_t)piece->host - piece->base) % (2 * MIB), 0);
	}
	ck_assert_ptr_null(ram_piece(ram, 3));
	ram_destroy(ram);
	ram_destroy(NULL);
	ck_assert_int_eq(mem_map_demote(map, 0, UINT64_MAX), 0);
}
END_TEST

START_TEST(the_guest_reads_what_was_copied)
{
	struct ram *ram = create();
	uint64_t value = 0x1122334455667788;

	ck_assert_int_eq(ram_write(ram, 4 * GIB + 0x3008, &value, 8), 0);
	value = 0;
	ck_assert_int_eq(mem_map_read(map, 4 * GIB + 0x3008, 4, &value), MEM_DONE);
	ck_assert_uint_eq(value, 0x55667788);
	ram_destroy(ram);
}
END_TEST

START_TEST(copies_cross_pieces_or_do_nothing)
{
	struct ram *ram = create();
	char out[8] = "abcdefg", in[8] = "";

	ck_assert_int_eq(ram_write(ram, 0xa0000 - 3, out, sizeof(out)), 0);
	ck_assert_int_eq(ram_read(ram, 0xa0000 - 3, in, sizeof(in)), 0);
	ck_assert_str_eq(in, out);
	ck_assert_mem_eq(ram_host(ram, 0xa0000, 4), "defg", 4);
	ck_assert_int_eq(ram_clear(ram, 0xa0000 - 1, 2), 0);
	ck_assert_int_eq(ram_read(ram, 0xa0000 - 3, in, sizeof(in)), 0);
	ck_assert_mem_eq(in, "ab\0\0efg", 8);
	/* The last bytes before a hole: the part that is RAM stays as it was. */
	ck_assert_int_eq(ram_write(ram, 0xa0000 + 3 * MIB - 4, out, sizeof(out)), -EFAULT);
	ck_assert_int_eq(ram_read(ram, 0xa0000 + 3 * MIB - 4, in, 4), 0);
	ck_assert_mem_eq(in, "\0\0\0\0", 4);
	ck_assert_int_eq(ram_read(ram, 0xa0000 + 3 * MIB, in, 1), -EFAULT);
	ck_assert_int_eq(ram_clear(ram, 4 * GIB + 0x3000, MIB + 1), -EFAULT);
	ck_assert_int_eq(ram_read(ram, UINT64_MAX, in, 8), -EFAULT);
	ck_assert_int_eq(ram_clear(ram, 0, UINT64_MAX), -EFAULT);
	ck_assert_int_eq(ram_write(ram, 5 * GIB, out, 0), 0);
	ram_destroy(ram);
}
END_TEST

START_TEST(a_host_address_is_within_one_piece)
{
	struct ram *ram = create();

	ck_assert_ptr_eq(ram_host(ram, 0x1000, 0x9f000), (char *)ram_piece(ram, 0)->host + 0x1000);
	ck_assert_ptr_null(ram_host(ram, 0x1000, 0x9f001));
	ck_assert_ptr_null(ram_host(ram, 4 * GIB, 1));
	ck_assert_ptr_null(ram_host(ram, 0x1000, UINT64_MAX));
	ck_assert_ptr_null(ram_host(ram, UINT64_MAX, 1));
	ram_destroy(ram);
}
END_TEST

static void expect_refusal(const struct ram_range *ranges, size_t count, uint64_t page_size,
			   int code, const char *text)
{
	struct ram_config config = {.page_size = page_size};

	err = (struct err){0};
	ck_assert_ptr_null(ram_create(map, ranges, count, &config, &err));
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, text), "%s", err.text);
}

START_TEST(bad_pieces_are_refused)
{
	struct ram_range many[RAM_PIECES_MAX + 1] = {{0}};
	struct ram_range odd = {0, 0x1800}, askew = {0x800, 0x1000}, empty = {0, 0};
	struct ram_range wraps = {UINT64_MAX - 0xfff, 0x2000}, huge = {0, (uint64_t)1 << 63};
	struct ram_range overlap[] = {{0, 0x2000}, {0x1000, 0x1000}};
	struct ram_range backwards[] = {{0x8000, 0x1000}, {0, 0x1000}};

	expect_refusal(many, 0, 0, -EINVAL, "0 pieces");
	expect_refusal(many, ARRAY_SIZE(many), 0, -EINVAL, "33 pieces");
	expect_refusal(&odd, 1, 0, -EINVAL, "not a multiple of the page size");
	expect_refusal(&askew, 1, 0, -EINVAL, "not a multiple of the page size");
	expect_refusal(&empty, 1, 0, -EINVAL, "not a multiple of the page size");
	expect_refusal(&wraps, 1, 0, -ERANGE, "past the end");
	expect_refusal(&huge, 1, 0, -ERANGE, "past the end");
	expect_refusal(overlap, 2, 0, -EINVAL, "does not follow the one at 0x0");
	expect_refusal(backwards, 2, 0, -EINVAL, "does not follow the one at 0x8000");
	expect_refusal(pieces, 1, 2 * MIB, -EINVAL, "page size of 2048 KiB");
	expect_refusal(pieces, 1, 4096, -EINVAL, "they can be of 2 MiB or 1 GiB");
}
END_TEST

START_TEST(too_much_is_refused_with_advice)
{
	struct ram_range ranges[] = {{0, MIB}, {GIB, (uint64_t)1 << 50}};

	expect_refusal(ranges, 2, 0, -ENOMEM,
		       "1073741824 MiB at 0x40000000: Cannot allocate memory"
		       ": ask for less with --memory");
}
END_TEST

START_TEST(a_place_that_is_taken_is_refused)
{
	struct mem_region trap = {.name = "trap", .kind = MEM_TRAP, .size = 0x1000};
	struct ram_range ranges[] = {{0, MIB}, {GIB, MIB}};

	ck_assert_int_eq(mem_map_add(map, &trap, GIB + 0x1000, &err), 0);
	expect_refusal(ranges, 2, 0, -EBUSY, "it overlaps trap");
	mem_map_del(&trap);
	ranges[0] = (struct ram_range){0, MIB};
	ram_destroy(ram_create(map, ranges, 2, &ordinary, &err));
}
END_TEST

static uint64_t pool_counter(uint64_t kib, const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/%s",
		 (unsigned long long)kib, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	ck_assert_int_eq(fscanf(file, "%llu", &value), 1);
	fclose(file);
	return value;
}

START_TEST(a_shortage_of_huge_pages_is_explained)
{
	uint64_t reserved = pool_counter(2048, "resv_hugepages");
	uint64_t unused = pool_counter(2048, "free_hugepages") - reserved;
	struct ram_range range = {0, (unused + 16) * 2 * MIB};
	char text[64];

	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) != 0) {
		expect_refusal(&range, 1, 2 * MIB, -ENOMEM, "this host has none of that size");
		return;
	}
	snprintf(text, sizeof(text), "%llu huge pages of 2 MiB: only %llu are free",
		 (unsigned long long)unused + 16, (unsigned long long)unused);
	expect_refusal(&range, 1, 2 * MIB, -ENOMEM, text);
	snprintf(text, sizeof(text), "`echo %llu > /sys/kernel/mm/hugepages/hugepages-2048kB",
		 (unsigned long long)pool_counter(2048, "nr_hugepages") + 16);
	expect_refusal(&range, 1, 2 * MIB, -ENOMEM, text);
	ck_assert_uint_eq(pool_counter(2048, "resv_hugepages"), reserved);
}
END_TEST

static size_t resident(void *host, size_t size)
{
	unsigned char pages[1024];
	size_t count = 0;

	ck_assert_int_eq(mincore(host, size, pages), 0);
	for (size_t i = 0; i < size / 4096; i++)
		count += pages[i] & 1;
	return count;
}

START_TEST(preallocated_memory_is_there)
{
	struct ram_config config = {.prealloc = true};
	struct ram_range range = {0x100000, 4 * MIB};
	struct ram *ram = ram_create(map, &range, 1, &config, &err);

	ck_assert_msg(ram, "%s", err.text);
	ck_assert_uint_eq(resident(ram_host(ram, 0x100000, 1), 4 * MIB), 4 * MIB / 4096);
	ram_destroy(ram);
}
END_TEST

START_TEST(a_child_process_does_not_see_it)
{
	struct ram *ram = create();
	char *host = ram_host(ram, 0, 1);
	unsigned char page;
	int status;
	pid_t child;

	*host = 1;
	child = fork();
	if (child == 0)
		_exit(mincore(host, 4096, &page) < 0 && errno == ENOMEM ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ram_destroy(ram);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_part_ends_with_its_piece);
	tcase_add_test(tests, host_and_guest_addresses_agree);
	tcase_add_test(tests, host_addresses_are_found_again);
	tcase_add_test(tests, the_guest_reads_what_was_copied);
	tcase_add_test(tests, copies_cross_pieces_or_do_nothing);
	tcase_add_test(tests, a_host_address_is_within_one_piece);
	tcase_add_test(tests, bad_pieces_are_refused);
	tcase_add_test(tests, too_much_is_refused_with_advice);
	tcase_add_test(tests, a_place_that_is_taken_is_refused);
	if (huge_pages_are_told_of("a_shortage_of_huge_pages_is_explained"))
		tcase_add_test(tests, a_shortage_of_huge_pages_is_explained);
	if (advice_is_heeded(MADV_POPULATE_WRITE, "preallocated_memory_is_there"))
		tcase_add_test(tests, preallocated_memory_is_there);
	if (advice_is_heeded(MADV_DONTFORK, "a_child_process_does_not_see_it"))
		tcase_add_test(tests, a_child_process_does_not_see_it);
}

int main(void)
{
	return run_suite("ram", add_tests);
}
