/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the kernel of an arm64 Linux guest by its page tables, exception vectors and Image. */

#include "arch/aarch64/boot.h"
#include "tests/unit/arch/aarch64/debug/test_debug.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/support/suite.h"

#define LINKED  UINT64_C(0xffffffc008000000)
#define RUNTIME UINT64_C(0xffffffd212200000)
#define TABLES  (MACHINE_RAM_BASE + MACHINE_RAM - MIB)

enum {
	IMAGE = 0x40000,
	IMAGE_MEMORY = 0x100000,
	RELOCATIONS = 0x20000,
	PLACES = 0x30000,
	COUNT = 100,
	VECTORS_OFFSET = 0x11800,
};

static uint8_t image[IMAGE], packed[IMAGE];
static struct boot_source source;
static struct arch_kernel_place place;

static void write_word(uint64_t gpa, uint64_t value)
{
	uint8_t bytes[8];

	store_le64(bytes, value);
	ck_assert_int_eq(ram_write(arch->setup.ram, gpa, bytes, sizeof(bytes)), 0);
}

static void boot_image(const void *data, size_t size)
{
	int fd = memfd_create("Image", MFD_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, data, size, 0), (ssize_t)size);
	source = (struct boot_source){.kernel = {"Image", fd, size}, .cmdline = ""};
	platform = (struct platform){
		.cpus = 1,
		.ram_count = 1,
		.ram = {{MACHINE_RAM_BASE, MACHINE_RAM}},
		.intx_count = 4,
	};
	ck_assert_msg(arch_boot(arch, &source, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(arch->entry, MACHINE_RAM_BASE);
	ck_assert_uint_eq(arch->size, IMAGE_MEMORY);
}

static void make_kernel(void)
{
	make_image(image, IMAGE, 0, IMAGE_MEMORY);
	for (unsigned int i = 0; i < COUNT; i++) {
		store_le64(image + RELOCATIONS + 24 * i, LINKED + PLACES + 8 * i);
		store_le64(image + RELOCATIONS + 24 * i + 8, 0x403);
		store_le64(image + RELOCATIONS + 24 * i + 16, LINKED + 0x100 * i);
	}
}

/*
 * The kernel has moved itself, uses the relocations' memory for other things, and is in its own
 * code.
 */
static void start_kernel(void)
{
	for (unsigned int i = 0; i < COUNT; i++)
		write_word(MACHINE_RAM_BASE + PLACES + 8 * i, RUNTIME + 0x100 * i);
	ck_assert_int_eq(ram_clear(arch->setup.ram, MACHINE_RAM_BASE + RELOCATIONS, 24 * COUNT), 0);
	/* 39 bits: levels 1 to 3, and a block where all of the kernel is. */
	write_word(TABLES + 8 * (RUNTIME >> 30 & 511), (TABLES + 0x1000) | 3);
	write_word(TABLES + 0x1000 + 8 * (RUNTIME >> 21 & 511), MACHINE_RAM_BASE | 0x401);
	machine_set(DEBUG_SCTLR_EL1, 1);
	machine_set(DEBUG_TCR_EL1, UINT64_C(5) << 32 | UINT64_C(2) << 30 | 25 << 16 | 25);
	machine_set(DEBUG_TTBR1_EL1, TABLES);
	machine_set(DEBUG_TTBR0_EL1, TABLES + 0x8000);
	machine_set(DEBUG_VBAR_EL1, RUNTIME + VECTORS_OFFSET);
	machine_set(CORE_PC, RUNTIME + 0x12344);
}

static int find(void)
{
	err = (struct err){0};
	return arch_debug_find_kernel(arch, vcpu, &source, &place, &err);
}

static void expect_unknown(const char *reason)
{
	ck_assert_int_eq(find(), -ENOENT);
	ck_assert_msg(strstr(err.text, reason), "%s", err.text);
	ck_assert_uint_eq(place.runtime, 0);
}

static void expect_found(uint64_t linked)
{
	ck_assert_msg(find() == 0, "%s", err.text);
	ck_assert_uint_eq(place.runtime, RUNTIME);
	ck_assert_uint_eq(place.linked, linked);
}

START_TEST(a_kernel_is_found_by_what_it_runs)
{
	make_kernel();
	boot_image(image, IMAGE);
	start_kernel();
	expect_found(LINKED);
	/* In a module; the vectors are still the kernel's. */
	machine_set(CORE_PC, 0xffffffd200000000);
	expect_found(LINKED);
	/*
	 * The vectors of user programs' kernels are at another address, when they are not in use.
	 */
	machine_set(CORE_PC, RUNTIME + 4);
	machine_set(DEBUG_VBAR_EL1, 0);
	expect_found(LINKED);
	/* And from a user program. */
	machine_set(CORE_PC, 0x400000);
	machine_set(CORE_PSTATE, 0);
	machine_set(DEBUG_VBAR_EL1, RUNTIME + VECTORS_OFFSET);
	expect_found(LINKED);
	close(source.kernel.fd);
}
END_TEST

START_TEST(a_compressed_kernel_is_read_again)
{
	size_t size;

	make_kernel();
	size = compress_gzip(image, IMAGE, packed, sizeof(packed));
	boot_image(packed, size);
	start_kernel();
	expect_found(LINKED);
	close(source.kernel.fd);
}
END_TEST

START_TEST(without_relocations_only_the_place_is_known)
{
	make_image(image, IMAGE, 0, IMAGE_MEMORY);
	boot_image(image, IMAGE);
	start_kernel();
	expect_found(0);
	/* Nor where the file cannot be read again. */
	close(source.kernel.fd);
	expect_found(0);
}
END_TEST

START_TEST(why_it_is_not_found_is_said)
{
	expect_unknown("none was loaded");
	make_kernel();
	boot_image(image, IMAGE);
	expect_unknown("vCPU 0: it has not turned on its page tables");
	start_kernel();
	machine_set(CORE_PC, 0x40010000);
	machine_set(DEBUG_VBAR_EL1, 0);
	expect_unknown("(VBAR_EL1 0x0)");
	machine_set(DEBUG_VBAR_EL1, 0xffffffd200000000);
	expect_unknown("(VBAR_EL1 0xffffffd200000000)");
	close(source.kernel.fd);
}
END_TEST

START_TEST(a_kernel_that_hides_is_not_taken_for_another)
{
	const uint64_t alias = 0xfffffffeffc00000;

	make_kernel();
	boot_image(image, IMAGE);
	start_kernel();
	/* A page of other things and one with the vectors, at addresses of their own, are all. */
	ck_assert_int_eq(ram_clear(arch->setup.ram, TABLES, 0x4000), 0);
	write_word(TABLES + 8 * (alias >> 30 & 511), (TABLES + 0x1000) | 3);
	write_word(TABLES + 0x1000 + 8 * (alias >> 21 & 511), (TABLES + 0x2000) | 3);
	write_word(TABLES + 0x2000, (MACHINE_RAM_BASE + 0x40000) | 0x403);
	write_word(TABLES + 0x2008, (MACHINE_RAM_BASE + 0x11000) | 0x403);
	machine_set(DEBUG_VBAR_EL1, alias + 0x1800);
	machine_set(CORE_PC, 0x400000);
	machine_set(CORE_PSTATE, 0);
	expect_unknown("the kernel hides");
	close(source.kernel.fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, machine_set_up, machine_tear_down);
	tcase_add_test(tests, a_kernel_is_found_by_what_it_runs);
	tcase_add_test(tests, a_compressed_kernel_is_read_again);
	tcase_add_test(tests, without_relocations_only_the_place_is_known);
	tcase_add_test(tests, why_it_is_not_found_is_said);
	tcase_add_test(tests, a_kernel_that_hides_is_not_taken_for_another);
}

int main(void)
{
	return run_suite("aarch64 debug kernel", add_tests);
}
