/* SPDX-License-Identifier: BSD-3-Clause */
/* Which protocol a kernel is booted by, and what is no kernel. */

#include <asm/bootparam.h>
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_boot.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

START_TEST(elf_protocols)
{
	make_machine(16 * MIB);
	make_elf(false, false);
	load();
	ck_assert(boot->entry.long_mode);
	ck_assert_uint_eq(boot->entry.rip, MIB + 16);
	ck_assert_uint_eq(zero_page()->hdr.header, 0x53726448);
	make_elf(true, true);
	load();
	ck_assert(boot->entry.long_mode);
	make_elf(true, false);
	load();
	ck_assert(!boot->entry.long_mode);
	ck_assert_uint_eq(boot->entry.rip, MIB + 0x40);
	header->e_machine = EM_AARCH64;
	source.kernel = make_file("vmlinux", image, sizeof(image));
	refuse(-ENOEXEC, "another processor");
}
END_TEST

/*
 * Whatever else the file says, a PVH entry or Linux's marks make a kernel, and nothing else does.
 */
START_TEST(elf_programs)
{
	make_machine(16 * MIB);
	make_elf(false, true);
	segments[0].p_vaddr = MIB;
	source.kernel = make_file("vmlinux", image, sizeof(image));
	load();
	ck_assert(boot->entry.long_mode);
	make_elf(false, false);
	segments[0].p_vaddr = MIB;
	source.kernel = make_file("program", image, sizeof(image));
	refuse(-ENOEXEC, "not a kernel: it is an ELF file with low addresses");
	header->e_type = ET_DYN;
	segments[0].p_vaddr = segments[0].p_paddr = 0;
	source.kernel = make_file("program", image, sizeof(image));
	refuse(-ENOEXEC, "not a kernel");
	make_elf(true, false);
	header->e_phnum = 3;
	segments[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 4096, .p_filesz = 13};
	source.kernel = make_file("kernel", image, sizeof(image));
	load();
	ck_assert_uint_eq(boot->entry.rip, MIB + 0x40);
	make_elf(false, false);
	header->e_phnum = 3;
	segments[2].p_type = PT_INTERP;
	source.kernel = make_file("kernel", image, sizeof(image));
	refuse(-ENOEXEC, "an ELF file with an interpreter");
}
END_TEST

START_TEST(elf_on_the_platforms_own)
{
	make_machine(16 * MIB);
	make_elf(false, false);
	segments[0].p_paddr = X86_ACPI_BASE;
	header->e_entry = X86_ACPI_BASE;
	source.kernel = make_file("vmlinux", image, sizeof(image));
	refuse(-EBUSY, "platform");
	segments[0].p_paddr = BOOT_AREA - 8191;
	header->e_entry = BOOT_AREA - 8191;
	source.kernel = make_file("vmlinux", image, sizeof(image));
	refuse(-EBUSY, "platform");
	segments[0].p_paddr = 4 * GIB;
	header->e_entry = 4 * GIB;
	source.kernel = make_file("vmlinux", image, sizeof(image));
	refuse(-ENOEXEC, "below 4 GiB");
}
END_TEST

START_TEST(no_kernels)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *says;
	} rows[] = {
		{"", 0, "empty"},
		{"\x7f", 1, "no known kind"},
		{"\x1f\x8b\x08", 3, "gzip"},
		{"\x28\xb5\x2f\xfd", 4, "zstd"},
		{"070701", 6, "initrd"},
		{"MZ", 2, "EFI"},
		{"#!/bin/sh\n", 10, "script"},
		{"some text\n", 10, "no known kind"},
	};
	uint8_t arm[64] = "MZ";

	make_machine(16 * MIB);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		source.kernel = make_file("file", rows[i].bytes, rows[i].size);
		refuse(-ENOEXEC, rows[i].says);
		ck_assert_ptr_nonnull(strstr(err.text, "not a kernel"));
		close(files[--file_count]);
	}
	memcpy(arm + 0x38, "ARM\x64", 4);
	source.kernel = make_file("file", arm, sizeof(arm));
	refuse(-ENOEXEC, "arm64");
	source.kernel = make_file("file", ELFMAG, 4);
	refuse(-ENODATA, "truncated");
	source.kernel.fd = -1;
	refuse(-EBADF, "cannot be read");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, elf_protocols);
	tcase_add_test(tests, elf_programs);
	tcase_add_test(tests, elf_on_the_platforms_own);
	tcase_add_test(tests, no_kernels);
}

int main(void)
{
	return run_suite("boot", add_tests);
}
