/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a kernel that was moved: kinds of page tables, what is no Linux, kernel files. */

#include <elf.h>

#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

#define MAP UINT64_C(0xffffffff80000000)

enum {
	PML4 = 0x10000,      /* as without isolation, or the kernel's of two */
	USER_PML4 = 0x11000, /* beside it */
	PDPT = 0x12000,
	PMD = 0x13000,
	USER_PDPT = 0x14000,
	USER_PMD = 0x15000,
	PTES = 0x16000,
	TABLE = 0x67,
	PAGE = 0xe1,
	SLOT = 171, /* of 2 MiB: where the kernel was moved to */
};

static const uint64_t moved = MAP + SLOT * 2 * MIB;

static struct boot_source source;
static struct arch_kernel_place place;

static void put(uint64_t table, unsigned int index, uint64_t entry)
{
	ck_assert_int_eq(ram_write(arch.setup.ram, table + 8 * index, &entry, 8), 0);
}

static void put_text(uint64_t gpa, const char *text)
{
	ck_assert_int_eq(ram_write(arch.setup.ram, gpa, text, strlen(text)), 0);
}

static void set_file(const void *bytes, size_t size)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
	if (source.kernel.fd > 0)
		close(source.kernel.fd);
	source.kernel = (struct boot_file){"kernel", fd, size};
}

static void set_bzimage(uint64_t preferred)
{
	uint8_t bytes[8192] = {0};

	bytes[0x1f1] = 1;
	store_le32(bytes + 0x1f4, 4096 / 16);
	store_le16(bytes + 0x1fe, 0xaa55);
	bytes[0x201] = 0x6a;
	memcpy(bytes + 0x202, "HdrS", 4);
	store_le16(bytes + 0x206, 0x20f);
	bytes[0x211] = 1;
	store_le32(bytes + 0x230, 0x200000);
	store_le16(bytes + 0x236, 3);
	store_le64(bytes + 0x258, preferred);
	set_file(bytes, sizeof(bytes));
}

static void set_vmlinux(uint16_t machine)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[3];
	} file = {
		.header = {.e_ident = ELFMAG "\2\1\1",
			   .e_type = ET_EXEC,
			   .e_machine = machine,
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 3},
		.segments = {{.p_type = PT_LOAD, .p_vaddr = 0, .p_paddr = 0x3000000, .p_memsz = 64},
			     {.p_type = PT_LOAD,
			      .p_vaddr = MAP + 0x2000000,
			      .p_paddr = 0x2000000,
			      .p_memsz = 64},
			     {.p_type = PT_LOAD,
			      .p_vaddr = MAP + 0x1200000,
			      .p_paddr = 0x1200000,
			      .p_memsz = 64}},
	};
	uint8_t bytes[4096] = {0};

	memcpy(bytes, &file, sizeof(file));
	set_file(bytes, sizeof(bytes));
}

/* A running kernel of 4 MiB, with its first 2 MiB in RAM from 2 MiB on. */
static void start_kernel(void)
{
	set_up();
	state.sregs.cr0 = 0x80050033;
	state.sregs.cr3 = PML4;
	state.sregs.cr4 = 0x20;
	state.sregs.efer = 0xd01;
	put(PML4, 511, PDPT | TABLE);
	put(PDPT, 510, PMD | TABLE);
	put(PMD, SLOT, 2 * MIB | PAGE);
	put(PMD, SLOT + 1, UINT64_C(0x12400000) | PAGE);
	put_text(2 * MIB + 0x123456, "Linux version 6.1.0 (builder@host)");
	err = (struct err){0};
	set_bzimage(0x1000000);
}

static void end(void)
{
	close(source.kernel.fd);
	source.kernel.fd = -1;
	tear_down();
}

static void is_found(uint64_t runtime, uint64_t linked)
{
	ck_assert_msg(arch_debug_find_kernel(&arch, vcpu, &source, &place, &err) == 0, "%s",
		      err.text);
	ck_assert_uint_eq(place.runtime, runtime);
	ck_assert_uint_eq(place.linked, linked);
}

static void is_not_found(const char *word)
{
	ck_assert_int_eq(arch_debug_find_kernel(&arch, vcpu, &source, &place, &err), -ENOENT);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
}

START_TEST(a_kernel_that_was_moved)
{
	is_found(moved, MAP + 0x1000000);
	state.sregs.cr3 = PML4 | 0x801; /* a PCID */
	is_found(moved, MAP + 0x1000000);
	put(PMD, 8, 2 * MIB | PAGE);
	is_found(MAP + 0x1000000, MAP + 0x1000000);
}
END_TEST

/* Where per-CPU data is goes by the version; what only looks like a banner is none. */
START_TEST(versions)
{
	static const struct {
		const char *text;
		bool found, at_zero;
	} kernels[] = {
		{"Linux version 5.10.0-1", true, true},  {"Linux version 6.14.11", true, true},
		{"Linux version 6.15.0", true, false},   {"Linux version 7.3.0", true, false},
		{"Linux version %s (%s)", false, false}, {"Linux version 6", false, false},
		{"Linux version 6.", false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		ck_assert_int_eq(ram_clear(arch.setup.ram, 2 * MIB + 0x123456, 64), 0);
		put_text(2 * MIB + 0x123456, kernels[i].text);
		if (!kernels[i].found) {
			is_not_found("is not Linux");
			continue;
		}
		is_found(moved, MAP + 0x1000000);
		ck_assert_int_eq(place.percpu_at_zero, kernels[i].at_zero);
	}
	put_text(2 * MIB + 0x123480, "Linux version 6.2.0");
	is_found(moved, MAP + 0x1000000);
}
END_TEST

/* The first 2 MiB in small pages, as when parts have other rights. */
START_TEST(small_pages)
{
	put(PMD, SLOT, PTES | TABLE);
	for (unsigned int i = 0; i < 512; i++)
		put(PTES, i, (2 * MIB + 0x1000 * i) | TABLE);
	is_found(moved, MAP + 0x1000000);
	put(PTES, 0x123, 0); /* where the banner is */
	is_not_found("is not Linux");
	put_text(2 * MIB + 0x121ff8, "Linux version 6.15.2 ");
	is_found(moved, MAP + 0x1000000);
	put(PTES, 0, 0);
	is_not_found("is not Linux");
}
END_TEST

START_TEST(a_process_with_isolation)
{
	put(USER_PML4, 511, USER_PDPT | TABLE);
	put(USER_PDPT, 510, USER_PMD | TABLE);
	put(USER_PMD, SLOT + 1, UINT64_C(0x12400000) | PAGE);
	state.sregs.cr3 = USER_PML4 | 0x803;
	is_found(moved, MAP + 0x1000000);
	put(USER_PMD, SLOT + 1, 0); /* nothing at all: the one beside has to do */
	is_found(moved, MAP + 0x1000000);
}
END_TEST

/* A page beside that is no table of this kernel's must not be believed. */
START_TEST(a_process_without_isolation)
{
	put(USER_PML4, 511, USER_PDPT | TABLE);
	put(USER_PDPT, 510, USER_PMD | TABLE);
	put(USER_PMD, SLOT + 1, 2 * MIB | PAGE);
	state.sregs.cr3 = USER_PML4;
	is_found(moved + 2 * MIB, MAP + 0x1000000);
	put(PML4, 511, UINT64_MAX);
	is_found(moved + 2 * MIB, MAP + 0x1000000);
}
END_TEST

START_TEST(no_kernel)
{
	state.sregs.efer = 0;
	is_not_found("not in 64-bit mode yet");
	state.sregs.cr0 = 1;
	is_not_found("not in 64-bit mode yet");
	state.sregs.cr0 = 0x80000001;
	state.sregs.efer = 0x500;
	put(PDPT, 510, 0);
	is_not_found("map nothing where Linux has its kernel");
	put(PDPT, 511, PMD | TABLE); /* above: modules and fixed addresses */
	is_not_found("map nothing where Linux has its kernel");
	put(PDPT, 510, PMD | TABLE);
	put_text(2 * MIB + 0x123456, "Minix");
	is_not_found("is not Linux");
	state.refused = KVM_GET_SREGS;
	ck_assert_int_eq(arch_debug_find_kernel(&arch, vcpu, &source, &place, &err), -EINVAL);
}
END_TEST

START_TEST(kernel_files)
{
	static const uint8_t noise[4096] = {1, 2, 3};

	set_bzimage(0x1200000);
	is_found(moved, MAP + 0x1200000);
	set_bzimage(UINT64_MAX);
	is_found(moved, 0);
	set_vmlinux(EM_X86_64);
	is_found(moved, MAP + 0x1200000);
	set_vmlinux(EM_AARCH64);
	is_found(moved, 0);
	set_file(noise, sizeof(noise));
	is_found(moved, 0);
	set_file(noise, 5);
	is_found(moved, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, start_kernel, end);
	tcase_add_test(tests, a_kernel_that_was_moved);
	tcase_add_test(tests, versions);
	tcase_add_test(tests, small_pages);
	tcase_add_test(tests, a_process_with_isolation);
	tcase_add_test(tests, a_process_without_isolation);
	tcase_add_test(tests, no_kernel);
	tcase_add_test(tests, kernel_files);
}

int main(void)
{
	return run_suite("kernel's place", add_tests);
}
