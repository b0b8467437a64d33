/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel files, whole and hostile, read into guest RAM. */

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/loader/bzimage.h"
#include "arch/loader/elf.h"
#include "arch/loader/load.h"
#include "arch/loader/multiboot.h"
#include "vmm/base/bits.h"

#define RAM_SIZE  (16 * MIB)
#define HIGH_BASE (4 * GIB)

static struct mem_map *map;
static struct loader loader;
static struct boot_file file;
static uint8_t bytes[16384];
static struct err err;

static void setup(void)
{
	static const struct ram_range pieces[] = {{0, RAM_SIZE}, {HIGH_BASE, 2 * MIB}};
	static const struct ram_config config = {0};

	err = (struct err){0};
	map = mem_map_create("mmio", 0, &err);
	ck_assert_ptr_nonnull(map);
	memset(&loader, 0, sizeof(loader));
	loader.ram = ram_create(map, pieces, ARRAY_SIZE(pieces), &config, &err);
	ck_assert_msg(loader.ram != NULL, "%s", err.text);
	file = (struct boot_file){.path = "kernel", .fd = memfd_create("kernel", MFD_CLOEXEC)};
	ck_assert_int_ge(file.fd, 0);
	memset(bytes, 0, sizeof(bytes));
}

static void teardown(void)
{
	close(file.fd);
	ram_destroy(loader.ram);
	mem_map_destroy(map);
}

static void write_file(size_t size)
{
	ck_assert_int_eq(ftruncate(file.fd, 0), 0);
	ck_assert_int_eq(pwrite(file.fd, bytes, size, 0), (ssize_t)size);
	file.size = size;
}

static void said(int result, int code, const char *word)
{
	ck_assert_int_eq(result, code);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, word) != NULL, "'%s' is not in '%s'", word, err.text);
	ck_assert_msg(strstr(err.text, "kernel") != NULL, "no path in '%s'", err.text);
}

/* --- claims ----------------------------------------------------------------------------------- */

START_TEST(claims_do_not_meet)
{
	ck_assert_int_eq(loader_claim(&loader, &file, "one", 0x1000, 0x1000, &err), 0);
	ck_assert_int_eq(loader_claim(&loader, &file, "two", 0x2000, 0x1000, &err), 0);
	ck_assert_int_eq(loader_claim(&loader, &file, "none", 0x1800, 0, &err), 0);
	said(loader_claim(&loader, &file, "three", 0x2fff, 2, &err), -EBUSY, "three");
	said(loader_claim(&loader, &file, "four", 0xfff, 2, &err), -EBUSY, "overlaps");
	said(loader_claim(&loader, &file, "five", RAM_SIZE - 1, 2, &err), -ENOSPC, "18 MiB");
	said(loader_claim(&loader, &file, "six", 0x3000, UINT64_MAX, &err), -ENOSPC, "six");
	said(loader_claim(&loader, &file, "seven", UINT64_MAX, 1, &err), -ENOSPC, "seven");
	ck_assert(!loader_is_free(&loader, 0x1fff, 1));
	ck_assert(loader_is_free(&loader, 0x3000, RAM_SIZE - 0x3000));
}
END_TEST

START_TEST(claims_run_out)
{
	for (uint64_t i = 0; i < LOADER_CLAIMS_MAX; i++)
		ck_assert_int_eq(loader_claim(&loader, &file, "x", 16 * i, 1, &err), 0);
	ck_assert_int_eq(loader_claim(&loader, &file, "x", 16 * LOADER_CLAIMS_MAX, 1, &err),
			 -EBUSY);
}
END_TEST

START_TEST(the_highest_free_place)
{
	uint64_t base;

	ck_assert_int_eq(loader_find(&loader, 0x1001, 0x1000, UINT64_MAX, &base), 0);
	ck_assert_uint_eq(base, HIGH_BASE + 2 * MIB - 0x2000);
	ck_assert_int_eq(loader_find(&loader, 0x1000, 0x1000, 4 * GIB - 1, &base), 0);
	ck_assert_uint_eq(base, RAM_SIZE - 0x1000);
	ck_assert_int_eq(loader_find(&loader, 0x1000, 0x1000, 0x2ffe, &base), 0);
	ck_assert_uint_eq(base, 0x1000);
	ck_assert_int_eq(loader_claim(&loader, &file, "x", 0x800000, 0x1000, &err), 0);
	ck_assert_int_eq(loader_find(&loader, 0x800000, 0x1000, 4 * GIB - 1, &base), 0);
	ck_assert_uint_eq(base, 0);
	ck_assert_int_eq(loader_find(&loader, 0x800001, 1, UINT64_MAX, &base), -ENOSPC);
	ck_assert_int_eq(loader_find(&loader, 0, 1, UINT64_MAX, &base), -ENOSPC);
	ck_assert_int_eq(loader_find(&loader, UINT64_MAX, 1, UINT64_MAX, &base), -ENOSPC);
	ck_assert_uint_eq(loader_room(&loader, UINT64_MAX), 0x800000);
}
END_TEST

START_TEST(reading_stops_at_the_end)
{
	memset(bytes, 7, 100);
	write_file(100);
	ck_assert_int_eq(loader_read(&loader, &file, 10, 0x1000, 90, &err), 0);
	said(loader_read(&loader, &file, 10, 0x1000, 91, &err), -ENODATA, "truncated");
	said(loader_read(&loader, &file, UINT64_MAX, 0x1000, 2, &err), -ENODATA, "truncated");
	said(loader_read(&loader, &file, 0, RAM_SIZE - 50, 100, &err), -EFAULT, "not memory");
	/* The file shrank after its size was taken. */
	file.size = 200;
	said(loader_read(&loader, &file, 10, 0x1000, 91, &err), -ENODATA, "truncated");
	close(file.fd);
	file.fd = -1;
	said(loader_read(&loader, &file, 0, 0x1000, 1, &err), -EBADF, "read");
}
END_TEST

START_TEST(fresh_memory_is_not_cleared)
{
	uint8_t *host = ram_host(loader.ram, 0x1000, 2);

	memset(host, 1, 2);
	loader.fresh = true;
	ck_assert_int_eq(loader_zero(&loader, 0x1000, 1), 0);
	ck_assert_uint_eq(host[0], 1);
	loader.fresh = false;
	ck_assert_int_eq(loader_zero(&loader, 0x1000, 1), 0);
	ck_assert_uint_eq(host[0], 0);
	ck_assert_uint_eq(host[1], 1);
}
END_TEST

/* --- ELF -------------------------------------------------------------------------------------- */

static Elf64_Ehdr *const header = (Elf64_Ehdr *)(void *)bytes;
static Elf64_Phdr *const segments = (Elf64_Phdr *)(void *)(bytes + sizeof(Elf64_Ehdr));
enum { ELF_SIZE = 8192, DATA = 4096 };
static struct elf_image image;

/* One segment of 256 bytes in the file, 4 KiB in memory, at 1 MiB; high in virtual space. */
static void make_elf(void)
{
	memset(bytes, 0, sizeof(bytes));
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_type = ET_EXEC;
	header->e_machine = EM_X86_64;
	header->e_entry = MIB + 16;
	header->e_phoff = sizeof(Elf64_Ehdr);
	header->e_phentsize = sizeof(Elf64_Phdr);
	header->e_phnum = 1;
	segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_offset = DATA,
				   .p_vaddr = UINT64_C(0xffffffff81000000),
				   .p_paddr = MIB,
				   .p_filesz = 256,
				   .p_memsz = 4096};
	memset(bytes + DATA, 0xab, 256);
}

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

/* --- bzImage ---------------------------------------------------------------------------------- */

static struct bzimage linux_image;

static void make_bzimage(void)
{
	memset(bytes, 0, sizeof(bytes));
	bytes[0x1f1] = 1;
	store_le32(bytes + 0x1f4, 2048 / 16);
	store_le16(bytes + 0x1fe, 0xaa55);
	bytes[0x200] = 0xeb;
	bytes[0x201] = 0x6a;
	memcpy(bytes + 0x202, "HdrS", 4);
	store_le16(bytes + 0x206, 0x20f);
	bytes[0x211] = 1;
	store_le32(bytes + 0x22c, 0x7fffffff);
	store_le32(bytes + 0x230, 0x200000);
	bytes[0x234] = 1;
	store_le16(bytes + 0x236, 3);
	store_le32(bytes + 0x238, 2047);
	store_le64(bytes + 0x258, 0x1000000);
	store_le32(bytes + 0x260, 0x300000);
}

static int parse_bzimage(size_t size)
{
	write_file(size);
	return bzimage_parse(&file, &linux_image, &err);
}

START_TEST(bzimage_header)
{
	make_bzimage();
	ck_assert(bzimage_is_image(bytes, 0x206));
	ck_assert(!bzimage_is_image(bytes, 0x205));
	ck_assert_int_eq(parse_bzimage(1024 + 2048), 0);
	ck_assert_uint_eq(linux_image.kernel_offset, 1024);
	ck_assert_uint_eq(linux_image.kernel_size, 2048);
	ck_assert_uint_eq(linux_image.memory_size, 0x300000);
	ck_assert_uint_eq(linux_image.preferred_address, 0x1000000);
	ck_assert_uint_eq(linux_image.cmdline_size, 2047);
	ck_assert(linux_image.relocatable && linux_image.above_4g);
	ck_assert_uint_eq(linux_image.header_size, 0x26c - 0x1f1);
	ck_assert_mem_eq(linux_image.header, bytes + 0x1f1, linux_image.header_size);
	/* A signature behind it is no part of it; the last paragraph may be short. */
	ck_assert_int_eq(parse_bzimage(1024 + 4096), 0);
	ck_assert_uint_eq(linux_image.kernel_size, 2048);
	ck_assert_int_eq(parse_bzimage(1024 + 2048 - 15), 0);
	ck_assert_uint_eq(linux_image.kernel_size, 2048 - 15);
	said(parse_bzimage(1024 + 2048 - 16), -ENODATA, "3072 are needed");
	bytes[0x1f1] = 0;
	ck_assert_int_eq(parse_bzimage(5 * 512 + 2048), 0);
	ck_assert_uint_eq(linux_image.kernel_offset, 5 * 512);
	bytes[0x201] = 0xff;
	ck_assert_int_eq(parse_bzimage(5 * 512 + 2048), 0);
	ck_assert_uint_eq(linux_image.header_size, 0x290 - 0x1f1);
	bytes[0x201] = 0;
	ck_assert_int_eq(parse_bzimage(5 * 512 + 2048), 0);
	ck_assert_uint_eq(linux_image.header_size, 0x264 - 0x1f1);
}
END_TEST

START_TEST(bzimage_refusals)
{
	make_bzimage();
	store_le16(bytes + 0x206, 0x20b);
	said(parse_bzimage(8192), -ENOEXEC, "2.11");
	make_bzimage();
	store_le16(bytes + 0x236, 0);
	said(parse_bzimage(8192), -ENOEXEC, "64-bit entry");
	make_bzimage();
	bytes[0x211] = 0;
	said(parse_bzimage(8192), -ENOEXEC, "zImage");
	make_bzimage();
	store_le32(bytes + 0x230, 0);
	said(parse_bzimage(8192), -ENOEXEC, "alignment");
	store_le32(bytes + 0x230, 0x300000);
	said(parse_bzimage(8192), -ENOEXEC, "alignment");
	make_bzimage();
	store_le32(bytes + 0x1f4, UINT32_MAX);
	said(parse_bzimage(8192), -ENODATA, "truncated");
	store_le32(bytes + 0x1f4, 0);
	said(parse_bzimage(8192), -ENODATA, "truncated");
	make_bzimage();
	bytes[0x1f1] = 255;
	said(parse_bzimage(8192), -ENODATA, "truncated");
	make_bzimage();
	said(parse_bzimage(0x28f), -ENODATA, "truncated");
	said(parse_bzimage(0x290), -ENODATA, "truncated");
	/* init_size smaller than the kernel itself. */
	store_le32(bytes + 0x260, 1);
	ck_assert_int_eq(parse_bzimage(8192), 0);
	ck_assert_uint_eq(linux_image.memory_size, 2048);
}
END_TEST

/* --- Multiboot -------------------------------------------------------------------------------- */

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

int main(void)
{
	Suite *suite = suite_create("loader");
	TCase *tests = tcase_create("loader");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, claims_do_not_meet);
	tcase_add_test(tests, claims_run_out);
	tcase_add_test(tests, the_highest_free_place);
	tcase_add_test(tests, reading_stops_at_the_end);
	tcase_add_test(tests, fresh_memory_is_not_cleared);
	tcase_add_test(tests, elf_is_loaded);
	tcase_add_test(tests, elf_of_32_bits);
	tcase_add_test(tests, elf_headers_that_lie);
	tcase_add_test(tests, elf_segments_that_lie);
	tcase_add_test(tests, elf_cut_anywhere);
	tcase_add_test(tests, elf_notes);
	tcase_add_test(tests, bzimage_header);
	tcase_add_test(tests, bzimage_refusals);
	tcase_add_test(tests, multiboot_is_found);
	tcase_add_test(tests, multiboot_with_addresses);
	tcase_add_test(tests, multiboot_addresses_that_lie);
	tcase_add_test(tests, multiboot_needs_what_we_have);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
