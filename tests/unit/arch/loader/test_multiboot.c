/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiboot kernels: where the header is, addresses that lie, what is needed. */

#include "arch/loader/multiboot.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

static struct multiboot_header multiboot;

static void put_multiboot(size_t at, uint32_t flags)
{
	store_le32(bytes + at, 0x1badb002);
	store_le32(bytes + at + 4, flags);
	store_le32(bytes + at + 8, 0U - 0x1badb002U - flags);
}

START_TEST(multiboot_is_found)
{
	put_multiboot(8192 - 12, 3);
	ck_assert(multiboot_find(bytes, sizeof(bytes), &multiboot));
	ck_assert_uint_eq(multiboot.offset, 8192 - 12);
	ck_assert_uint_eq(multiboot.flags, 3);
	ck_assert(!multiboot_find(bytes, 8191, &multiboot));
	bytes[8191]++;
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	memset(bytes, 0, sizeof(bytes));
	put_multiboot(8192 - 8, 3);
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	memset(bytes, 0, sizeof(bytes));
	put_multiboot(2, 3);
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	memset(bytes, 0, sizeof(bytes));
	put_multiboot(8192 - 28, 1 << 16);
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	ck_assert(!multiboot_find(bytes, 0, &multiboot));
}
END_TEST

static void put_addresses(uint32_t head, uint32_t load, uint32_t load_end, uint32_t bss_end,
			  uint32_t entry)
{
	memset(bytes, 0x11, 4096);
	put_multiboot(64, 1 << 16);
	store_le32(bytes + 76, head);
	store_le32(bytes + 80, load);
	store_le32(bytes + 84, load_end);
	store_le32(bytes + 88, bss_end);
	store_le32(bytes + 92, entry);
	write_file(4096);
	loader.count = 0;
	ck_assert(multiboot_find(bytes, 4096, &multiboot));
}

static int load_multiboot(uint64_t *entry)
{
	return multiboot_load(&loader, &file, &multiboot, entry, &err);
}

START_TEST(multiboot_with_addresses)
{
	uint8_t *host = ram_host(loader.ram, MIB, 8192);
	uint64_t entry = 0;

	memset(host, 0xff, 8192);
	put_addresses(MIB + 32, MIB, MIB + 1024, MIB + 2048, MIB + 100);
	ck_assert_int_eq(load_multiboot(&entry), 0);
	ck_assert_uint_eq(entry, MIB + 100);
	ck_assert_uint_eq(load_le32(host + 32), 0x1badb002);
	ck_assert_uint_eq(host[1023], 0x11);
	ck_assert_uint_eq(host[1024], 0);
	ck_assert_uint_eq(host[2047], 0);
	ck_assert_uint_eq(host[2048], 0xff);
	/* To the end of the file, without a bss. */
	put_addresses(MIB + 64, MIB, 0, 0, MIB);
	ck_assert_int_eq(load_multiboot(&entry), 0);
	ck_assert_uint_eq(host[4095], 0x11);
	ck_assert_uint_eq(host[4096], 0xff);
}
END_TEST

START_TEST(multiboot_addresses_that_lie)
{
	static const struct {
		uint32_t head, load, load_end, bss_end, entry;
	} lies[] = {
		{MIB - 4, MIB, MIB + 1024, 0, MIB}, {MIB + 68, MIB, MIB + 1024, 0, MIB},
		{UINT32_MAX, 0, 0, 0, 0},           {MIB, MIB, MIB, 0, MIB},
		{MIB, MIB, MIB - 1, 0, MIB},        {MIB, MIB, MIB + 1024, MIB + 1023, MIB},
		{MIB, MIB, MIB + 1024, 0, MIB - 1}, {MIB, MIB, MIB + 1024, 0, MIB + 1024},
	};
	uint64_t entry;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		put_addresses(lies[i].head, lies[i].load, lies[i].load_end, lies[i].bss_end,
			      lies[i].entry);
		said(load_multiboot(&entry), -ENOEXEC, "contradict");
	}
	put_addresses(MIB, MIB, UINT32_MAX, 0, MIB);
	said(load_multiboot(&entry), -ENOSPC, "not all memory");
	put_addresses(MIB, MIB, MIB + 1024, UINT32_MAX, MIB);
	said(load_multiboot(&entry), -ENOSPC, "not all memory");
	put_addresses(MIB, MIB, MIB + 5000, 0, MIB);
	said(load_multiboot(&entry), -ENODATA, "truncated");
}
END_TEST

START_TEST(multiboot_needs_what_we_have)
{
	uint64_t entry;

	make_elf();
	put_multiboot(512, 1 << 3);
	write_file(ELF_SIZE);
	ck_assert(multiboot_find(bytes, ELF_SIZE, &multiboot));
	said(load_multiboot(&entry), -ENOEXEC, "flags are 0x8");
	put_multiboot(512, 3);
	write_file(ELF_SIZE);
	ck_assert(multiboot_find(bytes, ELF_SIZE, &multiboot));
	said(load_multiboot(&entry), -ENOEXEC, "32-bit ELF");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, multiboot_is_found);
	tcase_add_test(tests, multiboot_with_addresses);
	tcase_add_test(tests, multiboot_addresses_that_lie);
	tcase_add_test(tests, multiboot_needs_what_we_have);
}

int main(void)
{
	return run_suite("multiboot", add_tests);
}
