/* SPDX-License-Identifier: BSD-3-Clause */
/* What a file that cannot be booted is said to be. */

#include "arch/loader/kind.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

static void is_kind(size_t size, const char *word)
{
	const char *what = kind_describe(bytes, size);

	ck_assert_msg(strstr(what, word), "'%s' is not in '%s'", word, what);
}

START_TEST(kinds)
{
	is_kind(0, "empty");
	is_kind(100, "no known kind");
	make_elf();
	is_kind(100, "for x86_64");
	header->e_machine = EM_AARCH64;
	is_kind(100, "for arm64, as vmlinux");
	header->e_machine = EM_RISCV;
	is_kind(100, "another processor");
	is_kind(19, "it is an ELF file");
	header->e_ident[EI_DATA] = ELFDATA2MSB;
	ck_assert_str_eq(kind_describe(bytes, 100), "it is an ELF file");
	make_zboot(bytes, "gzip", 0, 0);
	is_kind(64, "zboot");
	make_image(bytes, 64, 0, 0);
	is_kind(64, "for arm64");
	is_kind(63, "EFI program");
	memset(bytes, 0, sizeof(bytes));
	store_le16(bytes + 0x1fe, 0xaa55);
	memcpy(bytes + 0x202, "HdrS", 4);
	is_kind(KIND_SNIFF_SIZE, "bzImage");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, kinds);
}

int main(void)
{
	return run_suite("kind", add_tests);
}
