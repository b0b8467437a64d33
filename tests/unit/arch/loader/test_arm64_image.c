/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arm64 kernel files: the Image's header, gzip and zstd data into RAM, EFI zboot images, other
 * kinds.
 */

#include "arch/loader/arm64_image.h"
#include "arch/loader/gzip.h"
#include "arch/loader/kind.h"
#include "arch/loader/zboot.h"
#include "arch/loader/zstd.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

enum { PLAIN = 300000, GPA = 0x10000 };

static uint8_t plain[PLAIN];
static uint8_t packed[PLAIN + 1024];

/* --- the header ------------------------------------------------------------------------------- */

static struct arm64_image image;

static int parse(uint64_t file_size)
{
	return arm64_image_parse("kernel", plain, 64, file_size, &image, &err);
}

START_TEST(header_fields)
{
	make_image(plain, 64, 0x80000, 4 * MIB);
	ck_assert(arm64_image_is_image(plain, 64));
	ck_assert(!arm64_image_is_image(plain, 63));
	ck_assert_int_eq(parse(3 * MIB), 0);
	ck_assert_uint_eq(image.text_offset, 0x80000);
	ck_assert_uint_eq(image.memory_size, 4 * MIB);
	/* Pages of every size, and a kernel that has to be low: it is placed alike. */
	for (uint32_t flags = 0; flags < 16; flags += 2) {
		store_le64(plain + 24, flags);
		ck_assert_int_eq(parse(0), 0);
		ck_assert_uint_eq(image.text_offset, 0x80000);
	}
	ck_assert_int_eq(parse(4 * MIB), 0);
}
END_TEST

START_TEST(headers_of_old_kernels)
{
	make_image(plain, 64, 0x123, 0);
	store_le64(plain + 24, 0);
	ck_assert_int_eq(parse(0), 0);
	ck_assert_uint_eq(image.text_offset, 0x80000);
	ck_assert_uint_eq(image.memory_size, 32 * MIB);
	ck_assert_int_eq(parse(100 * MIB), 0);
	ck_assert_uint_eq(image.memory_size, 108 * MIB);
	said(parse(UINT64_MAX), -ENOEXEC, "damaged");
}
END_TEST

START_TEST(headers_refused)
{
	make_image(plain, 64, 0, 4 * MIB);
	said(parse(4 * MIB + 1), -ENOEXEC, "4194304 bytes, the file alone has 4194305");
	make_image(plain, 64, 2 * MIB, 4 * MIB);
	said(parse(0), -ENOEXEC, "text_offset is 0x200000");
	make_image(plain, 64, UINT64_MAX, 4 * MIB);
	said(parse(0), -ENOEXEC, "text_offset");
	make_image(plain, 64, 8, 4 * MIB);
	said(parse(0), -ENOEXEC, "text_offset");
	make_image(plain, 64, 0, GIB + 1);
	said(parse(0), -ENOEXEC, "at most");
	make_image(plain, 64, 0, UINT64_MAX);
	said(parse(0), -ENOEXEC, "at most");
	make_image(plain, 64, 0, 63);
	said(parse(0), -ENOEXEC, "image_size is 63");
	make_image(plain, 64, 0, 4 * MIB);
	plain[24] |= 1;
	said(parse(0), -ENOEXEC, "big-endian");
	plain[56] = 0;
	said(parse(0), -ENOEXEC, "not an arm64 Image");
}
END_TEST

/* An EFI header at 64 whose second and last section ends at @end. */
static void make_efi_header(uint64_t end)
{
	enum { HEADER = 64, OPTIONAL = 160, SECTION = HEADER + 24 + OPTIONAL };

	memset(plain, 0, 1024);
	make_image(plain, 64, 0, 4 * MIB);
	store_le32(plain + 60, HEADER);
	memcpy(plain + HEADER, "PE", 2);
	plain[HEADER + 6] = 2;
	plain[HEADER + 20] = OPTIONAL;
	store_le32(plain + SECTION + 16, 4096);
	store_le32(plain + SECTION + 20, 65536);
	store_le32(plain + SECTION + 40 + 16, 4096);
	store_le32(plain + SECTION + 40 + 20, (uint32_t)end - 4096);
}

START_TEST(truncated_by_the_efi_header)
{
	make_efi_header(2 * MIB);
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 2 * MIB, &image, &err), 0);
	ck_assert_uint_eq(image.stored_size, 2 * MIB);
	/* A signature may follow. */
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 2 * MIB + 1472, &image, &err), 0);
	said(arm64_image_parse("kernel", plain, 1024, 2 * MIB - 1, &image, &err), -ENODATA,
	     "truncated: it has 2097151 bytes, 2097152 are needed");
	/* Compressed, its size is not known before. */
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 0, &image, &err), 0);
	/* What is not seen of the header is not judged. */
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 64, 1 * MIB, &image, &err), 0);
	store_le32(plain + 60, UINT32_MAX);
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 1 * MIB, &image, &err), 0);
}
END_TEST

/* --- compressed data -------------------------------------------------------------------------- */

static void store(const uint8_t *data, size_t size)
{
	ck_assert_int_eq(ftruncate(file.fd, 0), 0);
	ck_assert_int_eq(pwrite(file.fd, data, size, 0), (ssize_t)size);
	file.size = size;
}

static const struct {
	const struct unpack_format *format;
	size_t (*compress)(const void *data, size_t size, uint8_t *to, size_t room);
	size_t checksum; /* bytes of it and what follows, at the end */
	const char *wrong;
} forms[] = {
	{&gzip_format, compress_gzip, 8, "incorrect data check"},
	{&zstd_format, compress_zstd, 4, "checksum"},
};

/* Hard to compress, so that there is more than one piece of input. */
static size_t pack(int form)
{
	uint32_t state = 1;

	for (size_t i = 0; i < PLAIN; i++) {
		state = state * 1664525 + 1013904223;
		plain[i] = (uint8_t)(state >> 24);
	}
	return forms[form].compress(plain, PLAIN, packed, sizeof(packed));
}

static int load(int form, uint64_t room, uint64_t *size)
{
	const struct unpack_part part = {&file, 0, file.size, forms[form].format};

	return unpack_load(&loader, &part, GPA, room, size, &err);
}

static void load_fails(int form, int code, const char *word)
{
	uint64_t size;

	said(load(form, MIB, &size), code, word);
}

START_TEST(packed_whole)
{
	uint64_t size;
	size_t length = pack(_i);
	uint8_t *host = ram_host(loader.ram, GPA, PLAIN + 1);

	ck_assert_uint_gt(length, 128 * KIB);
	store(packed, length);
	host[PLAIN] = 0x55;
	ck_assert_msg(load(_i, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(host, plain, PLAIN);
	ck_assert_uint_eq(host[PLAIN], 0x55);
	ck_assert_int_eq(load(_i, MIB, &size), 0);
	ck_assert_uint_eq(size, PLAIN);
	said(load(_i, PLAIN - 1, &size), -EFBIG, "more than the 299999 bytes");
	ck_assert_uint_eq(host[PLAIN], 0x55);
	said(load(_i, RAM_SIZE, &size), -EFAULT, "not memory");
}
END_TEST

START_TEST(packed_first_bytes)
{
	size_t got, length = pack(_i);
	uint8_t first[1024];
	struct unpack_part part = {&file, 0, length, forms[_i].format};

	store(packed, length);
	ck_assert_int_eq(unpack_peek(&part, first, sizeof(first), &got, &err), 0);
	ck_assert_uint_eq(got, sizeof(first));
	ck_assert_mem_eq(first, plain, sizeof(first));
	part.size = 15;
	said(unpack_peek(&part, first, sizeof(first), &got, &err), -ENODATA, "ends after 15 bytes");
	part.size = forms[_i].compress("abc", 3, packed, sizeof(packed));
	store(packed, part.size);
	ck_assert_int_eq(unpack_peek(&part, first, sizeof(first), &got, &err), 0);
	ck_assert_uint_eq(got, 3);
}
END_TEST

/* Whichever byte is the last; the trailer has eight. */
START_TEST(packed_truncated)
{
	static const size_t cuts[] = {1, 3, 4, 8, 9, 100, 100000};
	size_t length = pack(_i);

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		store(packed, length - cuts[i]);
		load_fails(_i, -ENODATA, "truncated");
	}
	store(packed, 0);
	load_fails(_i, -ENODATA, "truncated");
	store(packed, length);
	ck_assert_int_eq(ftruncate(file.fd, 100000), 0);
	load_fails(_i, -ENODATA, "truncated");
}
END_TEST

START_TEST(packed_truncated_when_full)
{
	uint64_t size;
	size_t length = pack(_i);

	store(packed, length - 3);
	said(load(_i, PLAIN, &size), -ENODATA, "truncated");
}
END_TEST

START_TEST(packed_corrupt)
{
	size_t length = pack(_i);

	packed[length - forms[_i].checksum] ^= 1;
	store(packed, length);
	load_fails(_i, -ENOEXEC, forms[_i].wrong);
	packed[length - forms[_i].checksum] ^= 1;
	packed[length - 4] ^= 1;
	store(packed, length);
	load_fails(_i, -ENOEXEC, "check");
	packed[length - 4] ^= 1;
	packed[length / 2] ^= 1;
	store(packed, length);
	load_fails(_i, -ENOEXEC, "corrupt");
	store((const uint8_t *)"no gzip at all", 14);
	load_fails(_i, -ENOEXEC, "corrupt");
}
END_TEST

START_TEST(packed_followed)
{
	uint64_t size;
	size_t length = pack(_i);

	memset(packed + length, 0, 100);
	store(packed, length);
	ck_assert_int_eq(ftruncate(file.fd, (off_t)length + 200000), 0);
	file.size = length + 200000;
	ck_assert_int_eq(load(_i, MIB, &size), 0);
	ck_assert_int_eq(pwrite(file.fd, "x", 1, (off_t)file.size - 1), 1);
	load_fails(_i, -ENOEXEC, "follows");
	packed[length] = 0x1f;
	store(packed, length + 1);
	load_fails(_i, -ENOEXEC, "follows");
}
END_TEST

/* A thousand times its size; RAM behind the place stays as it was. */
START_TEST(packed_bomb)
{
	uint8_t *zeros = calloc(1, 8 * MIB), *host = ram_host(loader.ram, GPA, MIB);
	uint64_t size;

	ck_assert_ptr_nonnull(zeros);
	store(packed, forms[_i].compress(zeros, 8 * MIB, packed, sizeof(packed)));
	ck_assert_uint_lt(file.size, 16384);
	memset(host, 0x55, MIB);
	said(load(_i, 4096, &size), -EFBIG, "more than the 4096 bytes");
	ck_assert_uint_eq(host[4095], 0);
	ck_assert_uint_eq(host[4096], 0x55);
	ck_assert_int_eq(memcmp(host + 4096, host + 4097, MIB - 4097), 0);
	free(zeros);
}
END_TEST

START_TEST(packed_unreadable)
{
	struct boot_file closed = {"kernel", -1, 1000};
	struct unpack_part part = {&closed, 0, 1000, forms[_i].format};
	uint64_t size;

	said(unpack_load(&loader, &part, GPA, MIB, &size, &err), -EBADF, "cannot be read");
}
END_TEST

START_TEST(formats_are_known)
{
	ck_assert_ptr_eq(unpack_find((const uint8_t *)"\x1f\x8b\x08", 3), &gzip_format);
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x1f\x8b\x08", 2));
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x1f\x8b\x07", 3));
	ck_assert_ptr_eq(unpack_find((const uint8_t *)"\x28\xb5\x2f\xfd", 4), &zstd_format);
	ck_assert_ptr_eq(unpack_find((const uint8_t *)"\x5f\x2a\x4d\x18", 4), &zstd_format);
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x28\xb5\x2f\xfd", 3));
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x27\xb5\x2f\xfd", 4));
}
END_TEST

/* As `cat` makes of several, and programs that compress on many processors. */
START_TEST(packed_in_frames)
{
	uint8_t *host = ram_host(loader.ram, GPA, PLAIN);
	size_t length = 0;
	uint64_t size;

	(void)pack(_i);
	for (size_t at = 0; at < PLAIN; at += PLAIN / 4)
		length += forms[_i].compress(plain + at, PLAIN / 4, packed + length,
					     sizeof(packed) - length);
	memset(packed + length, 0, 8);
	store(packed, length + 8);
	ck_assert_msg(load(_i, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(host, plain, PLAIN);
	said(load(_i, PLAIN - 1, &size), -EFBIG, "more than");
	said(load(_i, PLAIN / 4, &size), -EFBIG, "more than");
	store(packed, length - 1);
	load_fails(_i, -ENODATA, "truncated");
}
END_TEST

/* Before, between and after; one longer than a piece of input. */
START_TEST(zstd_skippable_frames)
{
	static uint8_t all[2 * PLAIN];
	size_t length = pack(1), at = 0;
	uint64_t size;

	for (uint32_t i = 0; i < 3; i++) {
		store_le32(all + at, 0x184d2a50 + i * 7);
		store_le32(all + at + 4, i == 0 ? 100000 : i);
		memset(all + at + 8, 0xee, i == 0 ? 100000 : i);
		at += 8 + (i == 0 ? 100000 : i);
		memcpy(all + at, packed, i == 1 ? length : 0);
		at += i == 1 ? length : 0;
	}
	store(all, at);
	ck_assert_msg(load(1, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(ram_host(loader.ram, GPA, PLAIN), plain, PLAIN);
	store(all, 50000);
	load_fails(1, -ENODATA, "truncated");
	store(all, at - 1);
	load_fails(1, -ENODATA, "truncated");
}
END_TEST

/* The frame says how large its window is; nobody's memory is taken on its word. */
START_TEST(zstd_windows)
{
	/* A window of 2^(10 + exponent) bytes, then one raw block, the last, of three bytes. */
	uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 3 << 3 | 1, 0, 0, 'a', 'b', 'c'};
	uint64_t size;

	store(frame, sizeof(frame));
	ck_assert_msg(load(1, MIB, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, 3);
	frame[5] = 18 << 3;
	store(frame, sizeof(frame));
	load_fails(1, -ENOEXEC, "a window of more than 128 MiB");
	frame[4] = 8; /* a reserved bit */
	store(frame, sizeof(frame));
	load_fails(1, -ENOEXEC, "corrupt");
}
END_TEST

/* --- zboot ------------------------------------------------------------------------------------ */

START_TEST(zboot_packed)
{
	static const char *const names[][2] = {{"gzip", "gzip"}, {"zstd", "zstd22"}};
	size_t length = pack(_i / 2);
	uint64_t size;
	struct unpack_part part;

	make_zboot(bytes, names[_i / 2][_i % 2], 4096, (uint32_t)length);
	memset(bytes + 64, 0xee, sizeof(bytes) - 64);
	store(bytes, 4096);
	ck_assert_int_eq(pwrite(file.fd, packed, length, 4096), (ssize_t)length);
	/* What follows the payload is the EFI program's. */
	ck_assert_int_eq(pwrite(file.fd, "code", 4, 4096 + (off_t)length), 4);
	file.size = 4096 + length + 4;
	ck_assert(zboot_is_image(bytes, 64));
	ck_assert(!zboot_is_image(bytes, 63));
	ck_assert_int_eq(zboot_parse(&file, bytes, &part, &err), 0);
	ck_assert_int_eq(unpack_load(&loader, &part, GPA, MIB, &size, &err), 0);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(ram_host(loader.ram, GPA, PLAIN), plain, PLAIN);
}
END_TEST

START_TEST(zboot_refused)
{
	struct unpack_part part;

	file.size = 8192;
	make_zboot(bytes, "zstd2", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "'zstd2', only gzip and zstd");
	make_zboot(bytes, "lzma", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "CONFIG_KERNEL_ZSTD");
	make_zboot(bytes, "\033[2J", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "'?[2J'");
	make_zboot(bytes, "01234567890123456789012345678901", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "8901'");
	make_zboot(bytes, "gzip", 4096, 4097);
	said(zboot_parse(&file, bytes, &part, &err), -ENODATA, "has 8192 bytes, 8193 are needed");
	make_zboot(bytes, "gzip", UINT32_MAX, UINT32_MAX);
	said(zboot_parse(&file, bytes, &part, &err), -ENODATA, "truncated");
}
END_TEST

/* --- other kinds ------------------------------------------------------------------------------ */

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
	tcase_add_test(tests, header_fields);
	tcase_add_test(tests, headers_of_old_kernels);
	tcase_add_test(tests, headers_refused);
	tcase_add_test(tests, truncated_by_the_efi_header);
	tcase_add_test(tests, formats_are_known);
	tcase_add_test(tests, zstd_skippable_frames);
	tcase_add_test(tests, zstd_windows);
	tcase_add_test(tests, zboot_refused);
	tcase_add_test(tests, kinds);
	tcase_add_loop_test(tests, packed_whole, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_first_bytes, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_truncated, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_truncated_when_full, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_corrupt, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_followed, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_in_frames, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_bomb, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_unreadable, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, zboot_packed, 0, 4);
}

int main(void)
{
	return run_suite("arm64_image", add_tests);
}
