/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole boots into guest RAM: which protocol, where things go, what the guest is told. */

#include <asm/bootparam.h>
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum { FILES_MAX = 16 };

static struct mem_map *map;
static struct platform platform;
static struct boot *boot;
static struct boot_source source;
static struct err err;
static int files[FILES_MAX];
static size_t file_count;

static void make_machine(uint64_t ram_size)
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

static void teardown(void)
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

static struct boot_file make_file(const char *path, const void *data, size_t size)
{
	int fd = memfd_create(path, MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, size, 0), (ssize_t)size);
	files[file_count++] = fd;
	return (struct boot_file){path, fd, size};
}

static void add_initrd(const char *path, const void *data, size_t size)
{
	source.initrds[source.initrd_count++] = make_file(path, data, size);
}

static const uint8_t *guest(uint64_t gpa, uint64_t size)
{
	const uint8_t *host = ram_host(boot->loader.ram, gpa, size);

	ck_assert_ptr_nonnull(host);
	return host;
}

static void load(void)
{
	ck_assert_msg(boot_load(boot, &err) == 0, "%s", err.text);
}

static void refuse(int code, const char *word)
{
	ck_assert_int_eq(boot_load(boot, &err), code);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
}

/* --- Linux ------------------------------------------------------------------------------------ */

static uint8_t image[16384];

static void make_bzimage(uint64_t preferred, uint32_t init_size)
{
	memset(image, 0, sizeof(image));
	image[0x1f1] = 1;
	store_le32(image + 0x1f4, 4096 / 16);
	store_le16(image + 0x1fe, 0xaa55);
	image[0x201] = 0x6a;
	memcpy(image + 0x202, "HdrS", 4);
	store_le16(image + 0x206, 0x20f);
	image[0x211] = 1;
	store_le32(image + 0x22c, 0x7fffffff);
	store_le32(image + 0x230, 0x200000);
	store_le16(image + 0x236, 3);
	store_le32(image + 0x238, 100);
	store_le64(image + 0x258, preferred);
	store_le32(image + 0x260, init_size);
	memset(image + 1024, 0x90, 4096);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
}

static const struct boot_params *zero_page(void)
{
	ck_assert(boot->entry.long_mode);
	return (const struct boot_params *)(const void *)guest(boot->entry.rsi, 4096);
}

START_TEST(bzimage)
{
	const struct boot_params *params;

	make_machine(64 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	source.cmdline = "console=ttyS0";
	add_initrd("one", "12345", 5);
	add_initrd("two", "abcd", 4);
	load();
	params = zero_page();
	ck_assert_uint_eq(boot->entry.rip, 16 * MIB + 0x200);
	ck_assert_uint_eq(*guest(16 * MIB, 4096), 0x90);
	ck_assert_uint_eq(params->hdr.type_of_loader, 0xff);
	ck_assert_uint_eq(params->hdr.version, 0x20f);
	ck_assert_str_eq((const char *)guest(params->hdr.cmd_line_ptr, 100), "console=ttyS0");
	ck_assert_uint_eq(params->hdr.ramdisk_size, 12);
	ck_assert_uint_eq(params->hdr.ramdisk_image, 64 * MIB - 4096);
	ck_assert_mem_eq(guest(params->hdr.ramdisk_image, 12), "12345\0\0\0abcd", 12);
	ck_assert_uint_eq(params->ext_ramdisk_image, 0);
	ck_assert_mem_eq(guest(params->acpi_rsdp_addr, 8), "RSD PTR ", 8);
	ck_assert_uint_eq(params->e820_table[0].addr, 0);
	ck_assert_uint_eq(params->e820_table[0].type, 1);
	ck_assert_uint_gt(params->e820_entries, 3);
	ck_assert_uint_eq(params->hdr.setup_data, BOOT_SETUP_DATA);
	ck_assert_uint_eq(load_le32(guest(BOOT_SETUP_DATA, 16) + 8), SETUP_RNG_SEED);
	ck_assert_uint_eq(load_le64(guest(boot->entry.gdt, 48) + 0x10), 0xaf9b000000ffff);
	ck_assert_uint_eq(params->sentinel, 0);
}
END_TEST

START_TEST(bzimage_moves_when_it_may)
{
	make_machine(16 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	refuse(-ENOSPC, "not all memory");
	image[0x234] = 1;
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	load();
	ck_assert_uint_eq(boot->entry.rip, 8 * MIB + 0x200);
	store_le32(image + 0x260, 16 * MIB);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	refuse(-ENOSPC, "needs 16 MiB");
}
END_TEST

START_TEST(initrd_above_4_gib)
{
	const struct boot_params *params;
	uint8_t *large = calloc(1, 3 * MIB);

	ck_assert_ptr_nonnull(large);
	make_machine(5 * GIB);
	make_bzimage(16 * MIB, 8 * MIB);
	add_initrd("initrd", large, 3 * MIB);
	/* Below 4 GiB as long as there is room. */
	load();
	params = zero_page();
	ck_assert_uint_eq(params->hdr.ramdisk_image, 2 * GIB - 3 * MIB);
	store_le32(image + 0x22c, 2 * MIB);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	load();
	params = zero_page();
	ck_assert_uint_eq(params->hdr.ramdisk_image | (uint64_t)params->ext_ramdisk_image << 32,
			  6 * GIB - 3 * MIB);
	store_le16(image + 0x236, 1);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	refuse(-ENOSPC, "room for");
	free(large);
}
END_TEST

START_TEST(initrd_too_large)
{
	make_machine(32 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	add_initrd("initrd", "", 0);
	load();
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_size, 0);
	source.initrds[0].size = 16 * MIB;
	refuse(-ENOSPC, "initrd: too large: it needs 16384 KiB, the guest has room for 15360 KiB");
	source.initrds[0].size = UINT64_MAX;
	add_initrd("second", "", 0);
	source.initrds[1].size = UINT64_MAX;
	refuse(-ENOSPC, "too large");
	source.initrds[0].size = 100;
	source.initrds[1].size = 0;
	refuse(-ENODATA, "initrd: the file is truncated");
}
END_TEST

START_TEST(cmdline_length)
{
	char text[102];

	make_machine(64 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	memset(text, 'x', sizeof(text));
	text[100] = '\0';
	source.cmdline = text;
	load();
	text[100] = 'x';
	text[101] = '\0';
	refuse(-E2BIG, "101 characters, the kernel takes at most 100");
	source.cmdline = "";
	load();
	ck_assert_uint_eq(*guest(zero_page()->hdr.cmd_line_ptr, 1), 0);
	source.cmdline = NULL;
	platform.serial = false;
	load();
	ck_assert_uint_eq(*guest(zero_page()->hdr.cmd_line_ptr, 1), 0);
	platform.serial = true;
	load();
	ck_assert_str_eq((const char *)guest(zero_page()->hdr.cmd_line_ptr, 14), "console=ttyS0");
}
END_TEST

/* --- ELF -------------------------------------------------------------------------------------- */

static Elf64_Ehdr *const header = (Elf64_Ehdr *)(void *)image;
static Elf64_Phdr *const segments = (Elf64_Phdr *)(void *)(image + sizeof(Elf64_Ehdr));

static size_t put_note(size_t at, const char *name, uint32_t type, const void *data, uint32_t size)
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
static void make_elf(bool pvh, bool is_linux)
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

START_TEST(pvh_start_info)
{
	const uint8_t *info, *module, *memory;

	make_machine(5 * GIB);
	make_elf(true, false);
	source.cmdline = "a b";
	add_initrd("one", "12345", 5);
	load();
	info = guest(boot->entry.rbx, 56);
	ck_assert_uint_eq(load_le32(info), 0x336ec578);
	ck_assert_uint_eq(load_le32(info + 4), 1);
	ck_assert_uint_eq(load_le32(info + 12), 1);
	module = guest(load_le64(info + 16), 32);
	ck_assert_uint_eq(load_le64(module), 3 * GIB - 4096);
	ck_assert_uint_eq(load_le64(module + 8), 8);
	ck_assert_str_eq((const char *)guest(load_le64(info + 24), 4), "a b");
	ck_assert_mem_eq(guest(load_le64(info + 32), 8), "RSD PTR ", 8);
	memory = guest(load_le64(info + 40), 24);
	ck_assert_uint_eq(load_le64(memory + 8), X86_LOW_RAM_END);
	ck_assert_uint_eq(load_le32(memory + 16), 1);
	ck_assert_uint_ge(load_le32(info + 48), 5);
	/* It is not known to be Linux: nothing is made up for it. */
	source.cmdline = NULL;
	load();
	ck_assert(!boot->is_linux);
	info = guest(boot->entry.rbx, 56);
	ck_assert_str_eq((const char *)guest(load_le64(info + 24), 1), "");
}
END_TEST

START_TEST(a_second_boot_clears_the_bss)
{
	uint8_t *bss;

	make_machine(16 * MIB);
	make_elf(false, false);
	load();
	bss = ram_host(boot->loader.ram, MIB + 4096, 4096);
	bss[0] = 1;
	bss[4095] = 1;
	boot->loader.fresh = false;
	load();
	ck_assert(bss[0] == 0 && bss[4095] == 0);
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

/* --- Multiboot -------------------------------------------------------------------------------- */

static void make_multiboot(void)
{
	static const uint32_t words[] = {0x1badb002, 1 << 16, 0U - 0x1badb002U - (1 << 16),
					 MIB,        MIB,     0,
					 0,          MIB + 32};

	memset(image, 0, sizeof(image));
	memcpy(image, words, sizeof(words));
	source.kernel = make_file("/path/guest", image, 4096);
}

START_TEST(multiboot)
{
	const uint8_t *info, *modules, *memory;

	make_machine(5 * GIB);
	make_multiboot();
	source.cmdline = "x=1 y";
	add_initrd("/m/one", "12345", 5);
	add_initrd("two", "", 0);
	load();
	ck_assert(!boot->entry.long_mode);
	ck_assert_uint_eq(boot->entry.rax, 0x2badb002);
	ck_assert_uint_eq(boot->entry.rip, MIB + 32);
	info = guest(boot->entry.rbx, 88);
	ck_assert_uint_eq(load_le32(info), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	ck_assert_uint_eq(load_le32(info + 4), 639);
	ck_assert_uint_eq(load_le32(info + 8), 3 * 1024 * 1024 - 1024);
	ck_assert_str_eq((const char *)guest(load_le32(info + 16), 20), "/path/guest x=1 y");
	ck_assert_uint_eq(load_le32(info + 20), 2);
	modules = guest(load_le32(info + 24), 32);
	ck_assert_uint_eq(load_le32(modules + 4) - load_le32(modules), 5);
	ck_assert_mem_eq(guest(load_le32(modules), 5), "12345", 5);
	ck_assert_str_eq((const char *)guest(load_le32(modules + 8), 8), "/m/one");
	ck_assert_uint_eq(load_le32(modules + 16), load_le32(modules + 20));
	ck_assert_str_eq((const char *)guest(load_le32(modules + 24), 8), "two");
	memory = guest(load_le32(info + 48), 24);
	ck_assert_uint_eq(load_le32(memory), 20);
	ck_assert_uint_eq(load_le64(memory + 12), X86_LOW_RAM_END);
	ck_assert_uint_eq(load_le32(info + 44) % 24, 0);
}
END_TEST

START_TEST(multiboot_refusals)
{
	static char path[BOOT_STRINGS_SIZE + 1];

	make_machine(16 * MIB);
	make_multiboot();
	add_initrd("one", "1", 1);
	source.initrds[0].size = 20 * MIB;
	refuse(-ENOSPC, "one: too large");
	source.initrds[0].size = 1;
	memset(path, 'p', sizeof(path) - 1);
	source.initrds[0].path = path;
	refuse(-E2BIG, "give shorter ones");
}
END_TEST

/* --- what is no kernel ------------------------------------------------------------------------ */

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
	tcase_add_test(tests, bzimage);
	tcase_add_test(tests, bzimage_moves_when_it_may);
	tcase_add_test(tests, initrd_above_4_gib);
	tcase_add_test(tests, initrd_too_large);
	tcase_add_test(tests, cmdline_length);
	tcase_add_test(tests, elf_protocols);
	tcase_add_test(tests, elf_programs);
	tcase_add_test(tests, pvh_start_info);
	tcase_add_test(tests, a_second_boot_clears_the_bss);
	tcase_add_test(tests, elf_on_the_platforms_own);
	tcase_add_test(tests, multiboot);
	tcase_add_test(tests, multiboot_refusals);
	tcase_add_test(tests, no_kernels);
}

int main(void)
{
	return run_suite("boot", add_tests);
}
