/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine with RAM, kernel files made up in memory, and what booting them says. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_TEST_BOOT_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_TEST_BOOT_H

#include <asm/bootparam.h>
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

enum { FILES_MAX = 16 };

static struct mem_map *map;
static struct platform platform;
static struct x86_boot *boot;
static struct boot_source source;
static struct err err;
static int files[FILES_MAX];
static size_t file_count;

static inline void make_machine(uint64_t ram_size)
{
	static const struct ram_config config = {0};
	const struct arch_layout_request request = {.cpus = 2,
						    .ram_size = ram_size,
						    .page_size = 4096,
						    .buses = 1,
						    .physical_bits = 40};

	err = (struct err){0};
	ck_assert_int_eq(arch_layout(&request, &platform, &err), 0);
	map = mem_map_create("mmio", 0, &err);
	ck_assert_ptr_nonnull(map);
	boot = calloc(1, sizeof(*boot));
	ck_assert_ptr_nonnull(boot);
	boot->loader.ram = ram_create(map, platform.ram, platform.ram_count, &config, &err);
	ck_assert_msg(boot->loader.ram, "%s", err.text);
	boot->loader.fresh = true;
	boot->platform = &platform;
	boot->source = &source;
	source = (struct boot_source){.cmdline = ""};
	file_count = 0;
}

static inline void teardown(void)
{
	while (file_count > 0)
		close(files[--file_count]);
	if (boot)
		ram_destroy(boot->loader.ram);
	free(boot);
	mem_map_destroy(map);
	boot = NULL;
	map = NULL;
}

static inline struct boot_file make_file(const char *path, const void *data, size_t size)
{
	int fd = memfd_create(path, MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, size, 0), (ssize_t)size);
	files[file_count++] = fd;
	return (struct boot_file){path, fd, size};
}

static inline void add_initrd(const char *path, const void *data, size_t size)
{
	source.initrds[source.initrd_count++] = make_file(path, data, size);
}

static inline const uint8_t *guest(uint64_t gpa, uint64_t size)
{
	const uint8_t *host = ram_host(boot->loader.ram, gpa, size);

	ck_assert_ptr_nonnull(host);
	return host;
}

static inline void load(void)
{
	ck_assert_msg(boot_load(boot, &err) == 0, "%s", err.text);
}

static inline void refuse(int code, const char *word)
{
	ck_assert_int_eq(boot_load(boot, &err), code);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
}

static uint8_t image[16384];

static inline const struct boot_params *zero_page(void)
{
	ck_assert(boot->entry.long_mode);
	return (const struct boot_params *)(const void *)guest(boot->entry.rsi, 4096);
}

static Elf64_Ehdr *const header = (Elf64_Ehdr *)(void *)image;
static Elf64_Phdr *const segments = (Elf64_Phdr *)(void *)(image + sizeof(Elf64_Ehdr));

static inline size_t put_note(size_t at, const char *name, uint32_t type, const void *data,
			      uint32_t size)
{
	store_le32(image + at, (uint32_t)strlen(name) + 1);
	store_le32(image + at + 4, size);
	store_le32(image + at + 8, type);
	strcpy((char *)image + at + 12, name);
	at += 12 + align_up(strlen(name) + 1, 4);
	memcpy(image + at, data, size);
	return at + align_up(size, 4);
}

/* One segment at 1 MiB with a bss, linked where Linux is; notes as asked. */
static inline void make_elf(bool pvh, bool is_linux)
{
	uint32_t entry = MIB + 0x40;
	size_t at = 8192;

	memset(image, 0, sizeof(image));
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_type = ET_EXEC;
	header->e_machine = EM_X86_64;
	header->e_entry = MIB + 16;
	header->e_phoff = sizeof(Elf64_Ehdr);
	header->e_phentsize = sizeof(Elf64_Phdr);
	header->e_phnum = 2;
	segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_offset = 4096,
				   .p_vaddr = UINT64_C(0xffffffff81000000),
				   .p_paddr = MIB,
				   .p_filesz = 4096,
				   .p_memsz = 8192};
	memset(image + 4096, 0xcc, 4096);
	if (pvh)
		at = put_note(at, "Xen", 18, &entry, 4);
	if (is_linux)
		at = put_note(at, "Linux", 0x100, &entry, 4);
	segments[1] = (Elf64_Phdr){.p_type = PT_NOTE,
				   .p_offset = 8192,
				   .p_filesz = at - 8192,
				   .p_align = 4};
	source.kernel = make_file("vmlinux", image, sizeof(image));
}

#endif
