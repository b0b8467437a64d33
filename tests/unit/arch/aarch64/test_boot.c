/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole boots of arm64 kernels into guest RAM: where things go, what the device tree is told. */

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/aarch64/boot.h"
#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/tree.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum { FILES_MAX = 32, IMAGE = 100000 };

#define RAM ARM_RAM_BASE

static struct mem_map *map;
static struct platform platform;
static struct boot *boot;
static struct boot_source source;
static struct err err;
static int files[FILES_MAX];
static size_t file_count;
static uint8_t image[IMAGE];
static uint8_t packed[IMAGE + 8192];

/* --- a device tree that only tells what it was asked for -------------------------------------- */

static struct tree_config asked;
static size_t asked_size;
static unsigned int trees;
static int tree_answer;

int tree_build(const struct tree_config *config, void *blob, size_t size, struct err *error)
{
	asked = *config;
	asked_size = size;
	trees++;
	if (tree_answer < 0)
		return err_set(error, tree_answer, "boot: no tree");
	/* All zero, but for an earlier tree where RAM is said to be fresh. */
	ck_assert(boot->loader.fresh || load_le32(blob) == 0);
	ck_assert(load_le32((uint8_t *)blob + 4) == 0 &&
		  memcmp((uint8_t *)blob + 4, (uint8_t *)blob + 8, size - 8) == 0);
	memcpy(blob, "tree", 4);
	return 4;
}

/* --- the machine ------------------------------------------------------------------------------ */

static void make_pieces(const struct ram_range *pieces, size_t count)
{
	static const struct ram_config config = {0};

	platform = (struct platform){.cpus = 1, .ram_count = count};
	memcpy(platform.ram, pieces, count * sizeof(*pieces));
	map = mem_map_create("mmio", 0, &err);
	ck_assert_ptr_nonnull(map);
	boot = calloc(1, sizeof(*boot));
	ck_assert_ptr_nonnull(boot);
	boot->loader.ram = ram_create(map, pieces, count, &config, &err);
	ck_assert_msg(boot->loader.ram, "%s", err.text);
	boot->loader.fresh = true;
	boot->platform = &platform;
	boot->source = &source;
}

static void make_machine(uint64_t size)
{
	const struct ram_range piece = {RAM, size};

	make_pieces(&piece, 1);
}

static void setup(void)
{
	err = (struct err){0};
	source = (struct boot_source){.cmdline = "console=ttyAMA0"};
	trees = 0;
	tree_answer = 0;
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
	ck_assert_uint_lt(file_count, FILES_MAX);
	files[file_count++] = fd;
	return (struct boot_file){path, fd, size};
}

static void add_initrd(const char *path, const void *data, size_t size)
{
	source.initrds[source.initrd_count++] = make_file(path, data, size);
}

static void make_kernel(uint64_t text_offset, uint64_t image_size)
{
	make_image(image, IMAGE, text_offset, image_size);
	source.kernel = make_file("Image", image, IMAGE);
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
	ck_assert_mem_eq(guest(boot->fdt, 4), "tree", 4);
	ck_assert_mem_eq(guest(boot->entry, IMAGE), image, IMAGE);
}

static void refuse(int code, const char *word)
{
	ck_assert_int_eq(boot_load(boot, &err), code);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
}

/* --- where things go -------------------------------------------------------------------------- */

START_TEST(an_image)
{
	make_machine(256 * MIB);
	make_kernel(0, 5 * MIB);
	add_initrd("one", "12345", 5);
	add_initrd("two", "abcd", 4);
	boot->pmu = true;
	load();
	ck_assert_uint_eq(boot->entry, RAM);
	ck_assert_uint_eq(boot->fdt, RAM + 6 * MIB);
	ck_assert_uint_eq(trees, 1);
	ck_assert_uint_eq(asked_size, 2 * MIB);
	ck_assert_ptr_eq(asked.platform, &platform);
	ck_assert(asked.pmu);
	ck_assert_str_eq(asked.boot.cmdline, "console=ttyAMA0");
	ck_assert_uint_eq(asked.boot.initrd_base, RAM + 256 * MIB - 64 * KIB);
	ck_assert_uint_eq(asked.boot.initrd_size, 12);
	ck_assert_mem_eq(guest(asked.boot.initrd_base, 12), "12345\0\0\0abcd", 12);
}
END_TEST

START_TEST(seeds_are_new_each_time)
{
	struct tree_config first;

	make_machine(64 * MIB);
	make_kernel(0, 5 * MIB);
	load();
	first = asked;
	load();
	ck_assert(first.boot.seeded && asked.boot.seeded);
	ck_assert_uint_ne(first.boot.kaslr_seed, asked.boot.kaslr_seed);
	ck_assert_mem_ne(first.boot.rng_seed, asked.boot.rng_seed, DT_RNG_SEED_SIZE);
	ck_assert_uint_eq(asked.boot.initrd_size, 0);
}
END_TEST

START_TEST(text_offset_and_alignment)
{
	const struct ram_range piece = {RAM + 64 * KIB, 64 * MIB};

	make_pieces(&piece, 1);
	make_kernel(0x80000, 4 * MIB);
	load();
	ck_assert_uint_eq(boot->entry, RAM + 2 * MIB + 0x80000);
	ck_assert_uint_eq(boot->fdt, RAM + 8 * MIB);
}
END_TEST

START_TEST(an_old_kernel)
{
	make_machine(64 * MIB);
	make_kernel(0, 0);
	load();
	ck_assert_uint_eq(boot->entry, RAM + 0x80000);
	ck_assert_uint_eq(boot->fdt, RAM + 34 * MIB);
}
END_TEST

START_TEST(little_memory)
{
	make_machine(16 * MIB);
	make_kernel(0, 16 * MIB - 128 * KIB);
	add_initrd("initrd", "1234", 4);
	load();
	ck_assert_uint_eq(boot->fdt, RAM + 16 * MIB - 128 * KIB);
	ck_assert_uint_eq(asked_size, 64 * KIB);
	ck_assert_uint_eq(asked.boot.initrd_base, RAM + 16 * MIB - 64 * KIB);
	source.initrds[0].size = 65 * KIB;
	refuse(-ENOSPC, "initrd: too large: it needs 65 KiB, the guest has room for 64 KiB");
	make_kernel(0, 16 * MIB);
	refuse(-ENOSPC, "no room for the device tree, 64 KiB");
	make_kernel(0x1000, 16 * MIB);
	refuse(-ENOSPC, "needs 17 MiB in one piece to start, the guest has 16 MiB");
}
END_TEST

START_TEST(memory_in_pieces)
{
	const struct ram_range pieces[] = {{RAM, 4 * MIB},
					   {2 * GIB, 64 * MIB},
					   {40 * GIB, 4 * MIB}};

	make_pieces(pieces, ARRAY_SIZE(pieces));
	make_kernel(0, 8 * MIB);
	add_initrd("initrd", "1234", 4);
	load();
	ck_assert_uint_eq(boot->entry, 2 * GIB);
	ck_assert_uint_eq(boot->fdt, 2 * GIB + 8 * MIB);
	/* Not above 2 GiB + 32 GiB. */
	ck_assert_uint_eq(asked.boot.initrd_base, 2 * GIB + 64 * MIB - 64 * KIB);
}
END_TEST

START_TEST(initrd_below_the_kernel)
{
	const struct ram_range pieces[] = {{RAM, 4 * MIB}, {32 * GIB, 8 * MIB}};
	const struct ram_range apart[] = {{RAM, 4 * MIB}, {33 * GIB, 8 * MIB}};
	static uint8_t large[3 * MIB];

	make_pieces(pieces, ARRAY_SIZE(pieces));
	make_kernel(0, 7 * MIB);
	add_initrd("initrd", large, sizeof(large));
	load();
	ck_assert_uint_eq(boot->entry, 32 * GIB);
	ck_assert_uint_eq(boot->fdt, 32 * GIB + 7 * MIB);
	ck_assert_uint_eq(asked.boot.initrd_base, RAM + MIB);
	ram_destroy(boot->loader.ram);
	free(boot);
	mem_map_destroy(map);
	make_pieces(apart, ARRAY_SIZE(apart));
	refuse(-ENOSPC, "within 32 GiB");
}
END_TEST

START_TEST(a_second_boot_clears)
{
	uint8_t *ram;

	make_machine(64 * MIB);
	make_kernel(0, MIB);
	add_initrd("initrd", "123", 3);
	ram = ram_host(boot->loader.ram, RAM, 64 * MIB);
	memset(ram, 0x55, 64 * MIB);
	boot->loader.fresh = false;
	load();
	ck_assert_uint_eq(ram[IMAGE], 0);
	ck_assert_uint_eq(ram[MIB - 1], 0);
	ck_assert_uint_eq(ram[MIB], 0x55);
	ck_assert_mem_eq(guest(asked.boot.initrd_base, 5), "123\0\x55", 5);
	load();
	ck_assert_uint_eq(trees, 2);
}
END_TEST

/* --- compressed kernels ----------------------------------------------------------------------- */

START_TEST(compressed_kernels)
{
	size_t length;

	make_machine(64 * MIB);
	make_image(image, IMAGE, 0x1000, MIB);
	length = compress_gzip(image, IMAGE, packed, sizeof(packed));
	source.kernel = make_file("Image.gz", packed, length);
	load();
	ck_assert_uint_eq(boot->entry, RAM + 0x1000);
	memmove(packed + 4096, packed, length);
	make_zboot(packed, "gzip", 4096, (uint32_t)length);
	source.kernel = make_file("vmlinuz.efi", packed, 4096 + length);
	load();
	source.kernel = make_file("vmlinuz.efi", packed, 4096 + length - 1);
	refuse(-ENODATA, "vmlinuz.efi: the file is truncated");
	make_zboot(packed, "lzma", 4096, (uint32_t)length);
	source.kernel = make_file("vmlinuz.efi", packed, 4096 + length);
	refuse(-ENOEXEC, "lzma");
	length = compress_zstd(image, IMAGE, packed, sizeof(packed));
	source.kernel = make_file("Image.zst", packed, length);
	load();
	ck_assert_uint_eq(boot->entry, RAM + 0x1000);
	memmove(packed + 64, packed, length);
	make_zboot(packed, "zstd22", 64, (uint32_t)length);
	source.kernel = make_file("vmlinuz.efi", packed, 64 + length);
	load();
	ck_assert_mem_eq(guest(RAM + 0x1000, IMAGE), image, IMAGE);
}
END_TEST

START_TEST(compressed_refusals)
{
	size_t length;

	make_machine(64 * MIB);
	make_image(image, IMAGE, 0, IMAGE - 1);
	length = compress_gzip(image, IMAGE, packed, sizeof(packed));
	source.kernel = make_file("Image.gz", packed, length);
	refuse(-EFBIG, "more than the 99999 bytes");
	source.kernel = make_file("Image.gz", packed, length - 1);
	refuse(-EFBIG, "more than");
	make_image(image, IMAGE, 0, MIB);
	length = compress_gzip(image, IMAGE, packed, sizeof(packed));
	source.kernel = make_file("Image.gz", packed, length - 1);
	refuse(-ENODATA, "truncated");
	length = compress_gzip("070701 and so on", 16, packed, sizeof(packed));
	source.kernel = make_file("initrd.gz", packed, length);
	refuse(-ENOEXEC, "decompressed, it is a cpio archive");
	length = compress_gzip("", 0, packed, sizeof(packed));
	source.kernel = make_file("empty.gz", packed, length);
	refuse(-ENOEXEC, "decompressed, it is empty");
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

START_TEST(cmdline_length)
{
	char text[2049];

	make_machine(64 * MIB);
	make_kernel(0, MIB);
	memset(text, 'x', sizeof(text));
	text[2047] = '\0';
	source.cmdline = text;
	load();
	text[2047] = 'x';
	text[2048] = '\0';
	refuse(-E2BIG, "2048 characters, the kernel takes at most 2047");
	source.cmdline = NULL;
	load();
	ck_assert_ptr_null(asked.boot.cmdline);
	tree_answer = -ENOSPC;
	refuse(-ENOSPC, "no tree");
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
		{"\xfd"
		 "7zXZ",
		 5, "xz"},
		{"070701", 6, "initrd"},
		{"MZ", 2, "EFI program"},
		{"#!/bin/sh\n", 10, "script"},
		{"some text\n", 10, "no known kind"},
	};
	Elf64_Ehdr elf = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
			  .e_machine = EM_AARCH64};

	make_machine(16 * MIB);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		source.kernel = make_file("file", rows[i].bytes, rows[i].size);
		refuse(-ENOEXEC, rows[i].says);
		ck_assert_ptr_nonnull(strstr(err.text, "file: not a kernel for arm64"));
	}
	source.kernel = make_file("vmlinux", &elf, sizeof(elf));
	refuse(-ENOEXEC, "as vmlinux is: give an arm64 Image");
	elf.e_machine = EM_X86_64;
	source.kernel = make_file("vmlinux", &elf, sizeof(elf));
	refuse(-ENOEXEC, "an ELF file for x86_64");
	memset(image, 0, sizeof(image));
	store_le16(image + 0x1fe, 0xaa55);
	memcpy(image + 0x202, "HdrS", 4);
	source.kernel = make_file("bzImage", image, sizeof(image));
	refuse(-ENOEXEC, "a bzImage, a kernel for x86_64");
	make_kernel(0, MIB);
	source.kernel.fd = -1;
	refuse(-EBADF, "cannot be read");
	ck_assert_uint_eq(trees, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_image);
	tcase_add_test(tests, seeds_are_new_each_time);
	tcase_add_test(tests, text_offset_and_alignment);
	tcase_add_test(tests, an_old_kernel);
	tcase_add_test(tests, little_memory);
	tcase_add_test(tests, memory_in_pieces);
	tcase_add_test(tests, initrd_below_the_kernel);
	tcase_add_test(tests, a_second_boot_clears);
	tcase_add_test(tests, compressed_kernels);
	tcase_add_test(tests, compressed_refusals);
	tcase_add_test(tests, cmdline_length);
	tcase_add_test(tests, no_kernels);
}

int main(void)
{
	return run_suite("aarch64_boot", add_tests);
}
