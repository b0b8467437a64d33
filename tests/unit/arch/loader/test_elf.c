/* SPDX-License-Identifier: BSD-3-Clause */
/* ELF kernels, whole and hostile: headers, segments, notes, entry points. */

#include "arch/loader/elf.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

static struct elf_image image;

static int parse(void)
{
	write_file(ELF_SIZE);
	return elf_parse(&file, &image, &err);
}

START_TEST(elf_is_loaded)
{
	uint8_t *host = ram_host(loader.ram, MIB, 8192);
	uint64_t entry;

	make_elf();
	memset(host, 0xff, 8192);
	ck_assert_int_eq(parse(), 0);
	ck_assert(image.is_64 && !image.is_linux && !image.has_pvh);
	ck_assert_int_eq(elf_load(&loader, &file, &image, &err), 0);
	ck_assert_uint_eq(host[0], 0xab);
	ck_assert_uint_eq(host[255], 0xab);
	ck_assert_uint_eq(host[256], 0);
	ck_assert_uint_eq(host[4095], 0);
	ck_assert_uint_eq(host[4096], 0xff);
	ck_assert_int_eq(elf_entry_address(&file, &image, image.entry, &entry, &err), 0);
	ck_assert_uint_eq(entry, MIB + 16);
	ck_assert_int_eq(elf_entry_address(&file, &image, UINT64_C(0xffffffff81000020), &entry,
					   &err),
			 0);
	ck_assert_uint_eq(entry, MIB + 32);
	said(elf_entry_address(&file, &image, MIB + 4096, &entry, &err), -ENOEXEC, "entry");
	said(elf_entry_address(&file, &image, MIB - 1, &entry, &err), -ENOEXEC, "entry");
}
END_TEST

START_TEST(elf_of_32_bits)
{
	Elf32_Ehdr *header32 = (Elf32_Ehdr *)(void *)bytes;
	Elf32_Phdr *segment32 = (Elf32_Phdr *)(void *)(bytes + sizeof(*header32));

	make_elf();
	memset(bytes + EI_NIDENT, 0, DATA - EI_NIDENT);
	header32->e_ident[EI_CLASS] = ELFCLASS32;
	header32->e_type = ET_EXEC;
	header32->e_machine = EM_386;
	header32->e_entry = 0x200001;
	header32->e_phoff = sizeof(*header32);
	header32->e_phentsize = sizeof(*segment32);
	header32->e_phnum = 1;
	*segment32 = (Elf32_Phdr){.p_type = PT_LOAD,
				  .p_offset = DATA,
				  .p_vaddr = 0x200000,
				  .p_paddr = 0x200000,
				  .p_filesz = 8,
				  .p_memsz = 8};
	ck_assert_int_eq(parse(), 0);
	ck_assert(!image.is_64);
	ck_assert_uint_eq(image.entry, 0x200001);
	ck_assert_int_eq(elf_load(&loader, &file, &image, &err), 0);
	ck_assert_uint_eq(*(uint8_t *)ram_host(loader.ram, 0x200007, 1), 0xab);
}
END_TEST

START_TEST(elf_headers_that_lie)
{
	make_elf();
	header->e_ident[EI_DATA] = ELFDATA2MSB;
	said(parse(), -ENOEXEC, "big-endian");
	make_elf();
	header->e_ident[EI_CLASS] = 9;
	said(parse(), -ENOEXEC, "neither");
	make_elf();
	header->e_type = ET_REL;
	said(parse(), -ENOEXEC, "no executable");
	make_elf();
	header->e_phentsize = 1;
	said(parse(), -ENOEXEC, "odd size");
	make_elf();
	header->e_phnum = 0;
	said(parse(), -ENOEXEC, "too many");
	header->e_phnum = 0xffff;
	said(parse(), -ENOEXEC, "too many");
	make_elf();
	header->e_phoff = UINT64_MAX;
	said(parse(), -ENODATA, "truncated");
	header->e_phoff = ELF_SIZE - 1;
	said(parse(), -ENODATA, "truncated");
	make_elf();
	segments[0].p_type = PT_NULL;
	said(parse(), -ENOEXEC, "no segment");
	make_elf();
	segments[0].p_memsz = 0;
	said(parse(), -ENOEXEC, "no segment");
}
END_TEST

/* What a caller tells kernels from programs by. */
START_TEST(elf_marks)
{
	make_elf();
	ck_assert_int_eq(parse(), 0);
	ck_assert(image.is_high && !image.has_interpreter);
	segments[0].p_vaddr = INT64_MAX - 4096;
	header->e_phnum = 2;
	segments[1].p_type = PT_INTERP;
	ck_assert_int_eq(parse(), 0);
	ck_assert(!image.is_high && image.has_interpreter);
}
END_TEST

START_TEST(elf_segments_that_lie)
{
	make_elf();
	segments[0].p_filesz = 4097;
	said(parse(), -ENOEXEC, "larger in the file");
	make_elf();
	segments[0].p_offset = UINT64_MAX - 10;
	said(parse(), -ENODATA, "truncated");
	make_elf();
	segments[0].p_offset = ELF_SIZE - 255;
	said(parse(), -ENODATA, "truncated");
	make_elf();
	segments[0].p_paddr = UINT64_MAX - 100;
	said(parse(), -ENOEXEC, "end of the address space");
	make_elf();
	segments[0].p_vaddr = UINT64_MAX - 100;
	said(parse(), -ENOEXEC, "end of the address space");
	make_elf();
	segments[0].p_memsz = UINT64_MAX;
	said(parse(), -ENOEXEC, "end of the address space");
	/* As large as can be said, and not in RAM. */
	make_elf();
	segments[0].p_memsz = (uint64_t)1 << 62;
	segments[0].p_vaddr = 0;
	ck_assert_int_eq(parse(), 0);
	said(elf_load(&loader, &file, &image, &err), -ENOSPC, "not all memory");
	/* Its end is one byte too far. */
	make_elf();
	segments[0].p_paddr = RAM_SIZE - 4095;
	ck_assert_int_eq(parse(), 0);
	said(elf_load(&loader, &file, &image, &err), -ENOSPC, "give it more");
	make_elf();
	header->e_phnum = 2;
	segments[1] = segments[0];
	segments[1].p_paddr += 4095;
	ck_assert_int_eq(parse(), 0);
	said(elf_load(&loader, &file, &image, &err), -EBUSY, "overlaps");
}
END_TEST

START_TEST(elf_cut_anywhere)
{
	make_elf();
	write_file(ELF_SIZE);
	for (size_t size = 0; size < DATA + 256; size += size < 256 ? 1 : 97) {
		ck_assert_int_eq(ftruncate(file.fd, (off_t)size), 0);
		file.size = size;
		ck_assert_int_eq(elf_parse(&file, &image, &err), -ENODATA);
		write_file(ELF_SIZE);
	}
}
END_TEST

static size_t put_note(size_t at, const char *name, uint32_t type, const void *data, uint32_t size)
{
	uint32_t name_size = (uint32_t)strlen(name) + 1;

	store_le32(bytes + at, name_size);
	store_le32(bytes + at + 4, size);
	store_le32(bytes + at + 8, type);
	memcpy(bytes + at + 12, name, name_size);
	at += 12 + align_up(name_size, 4);
	memcpy(bytes + at, data, size);
	return at + align_up(size, 4);
}

START_TEST(elf_notes)
{
	uint32_t entry = 0x100040;
	size_t at = 6000;

	make_elf();
	header->e_phnum = 2;
	at = put_note(at, "Other", 18, &entry, 4);
	at = put_note(at, "Xen", 18, &entry, 4);
	segments[1] = (Elf64_Phdr){.p_type = PT_NOTE,
				   .p_offset = 6000,
				   .p_filesz = at - 6000,
				   .p_align = 4};
	ck_assert_int_eq(parse(), 0);
	ck_assert(image.has_pvh && !image.is_linux);
	ck_assert_uint_eq(image.pvh_entry, entry);

	segments[1].p_filesz = put_note(at, "Xen", 6, "linux", 6) - 6000;
	ck_assert_int_eq(parse(), 0);
	ck_assert(image.has_pvh && image.is_linux);

	/* Cut at every place: what is whole counts, nothing beyond the segment is read. */
	for (uint64_t size = 0; size < at - 6000; size++) {
		segments[1].p_filesz = size;
		ck_assert_int_eq(parse(), 0);
		ck_assert(!image.is_linux);
		ck_assert(!image.has_pvh || size >= at - 6000 - 3);
	}
	segments[1].p_filesz = at - 6000;
	for (size_t word = 0; word < at - 6000; word += 4) {
		uint32_t kept = load_le32(bytes + 6000 + word);

		store_le32(bytes + 6000 + word, UINT32_MAX);
		ck_assert_int_eq(parse(), 0);
		store_le32(bytes + 6000 + word, kept);
	}
	segments[1].p_filesz = 2 * MIB;
	said(parse(), -ENOEXEC, "notes");
	segments[1].p_filesz = ELF_SIZE;
	said(parse(), -ENODATA, "truncated");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, elf_is_loaded);
	tcase_add_test(tests, elf_of_32_bits);
	tcase_add_test(tests, elf_headers_that_lie);
	tcase_add_test(tests, elf_marks);
	tcase_add_test(tests, elf_segments_that_lie);
	tcase_add_test(tests, elf_cut_anywhere);
	tcase_add_test(tests, elf_notes);
}

int main(void)
{
	return run_suite("elf", add_tests);
}
