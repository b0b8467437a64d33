/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of kernel files share: a guest's RAM, a file to load, a small ELF image. */

#ifndef FERRY_TESTS_UNIT_ARCH_LOADER_TEST_LOAD_H
#define FERRY_TESTS_UNIT_ARCH_LOADER_TEST_LOAD_H

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/loader/load.h"
#include "vmm/base/bits.h"

#define RAM_SIZE  (16 * MIB)
#define HIGH_BASE (4 * GIB)

static struct mem_map *map;
static struct loader loader;
static struct boot_file file;
static uint8_t bytes[16384];
static struct err err;

static inline void setup(void)
{
	static const struct ram_range pieces[] = {{0, RAM_SIZE}, {HIGH_BASE, 2 * MIB}};
	static const struct ram_config config = {0};

	err = (struct err){0};
	map = mem_map_create("mmio", 0, &err);
	ck_assert_ptr_nonnull(map);
	memset(&loader, 0, sizeof(loader));
	loader.ram = ram_create(map, pieces, ARRAY_SIZE(pieces), &config, &err);
	ck_assert_msg(loader.ram, "%s", err.text);
	file = (struct boot_file){.path = "kernel", .fd = memfd_create("kernel", MFD_CLOEXEC)};
	ck_assert_int_ge(file.fd, 0);
	memset(bytes, 0, sizeof(bytes));
}

static inline void teardown(void)
{
	close(file.fd);
	ram_destroy(loader.ram);
	mem_map_destroy(map);
}

static inline void write_file(size_t size)
{
	ck_assert_int_eq(ftruncate(file.fd, 0), 0);
	ck_assert_int_eq(pwrite(file.fd, bytes, size, 0), (ssize_t)size);
	file.size = size;
}

static inline void said(int result, int code, const char *word)
{
	ck_assert_int_eq(result, code);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
	ck_assert_msg(strstr(err.text, "kernel"), "no path in '%s'", err.text);
}

static Elf64_Ehdr *const header = (Elf64_Ehdr *)(void *)bytes;
static Elf64_Phdr *const segments = (Elf64_Phdr *)(void *)(bytes + sizeof(Elf64_Ehdr));
enum { ELF_SIZE = 8192, DATA = 4096 };

/* One segment of 256 bytes in the file, 4 KiB in memory, at 1 MiB; high in virtual space. */
static inline void make_elf(void)
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

#endif
