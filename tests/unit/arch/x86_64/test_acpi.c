/* SPDX-License-Identifier: BSD-3-Clause */
/* The x86_64 ACPI tables: their bytes, and what iasl says of them. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/aml.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/support/scratch.h"
#include "vmm/base/bits.h"

enum { ROOM = 128 * 1024 };

static uint8_t image[ROOM];

static struct platform make_platform(unsigned int cpus, bool mmio64, bool serial)
{
	struct platform platform = {
		.cpus = cpus,
		.ram = {{0, 256 * MIB}},
		.ram_count = 1,
		.ecam = {X86_HOLE_BASE, X86_ECAM_SIZE},
		.mmio32 = {X86_HOLE_BASE + X86_ECAM_SIZE,
			   X86_MMIO32_END - X86_HOLE_BASE - X86_ECAM_SIZE},
		.io = {X86_PORT_PCI_BASE, X86_PORT_PCI_END - X86_PORT_PCI_BASE},
		.intx_gsi = X86_GSI_INTX,
		.intx_count = X86_GSI_INTX_COUNT,
		.serial = serial,
	};

	if (mmio64)
		platform.mmio64 = (struct ram_range){UINT64_C(1) << 38, UINT64_C(1) << 38};
	return platform;
}

static uint8_t sum(const uint8_t *bytes, size_t count)
{
	uint8_t total = 0;

	while (count-- > 0)
		total = (uint8_t)(total + *bytes++);
	return total;
}

static size_t build(const struct platform *platform, uint64_t base)
{
	struct err err = {0};
	uint64_t rsdp = 0;
	size_t size = 0;

	memset(image, 0xcc, sizeof(image));
	ck_assert_msg(acpi_build(platform, base, image, sizeof(image), &size, &rsdp, &err) == 0,
		      "%s", err.text);
	ck_assert_uint_eq(rsdp, base);
	return size;
}

/* The table with @signature in the blob at @base, its length and checksum looked at. */
static const uint8_t *find(uint64_t base, size_t size, const char *signature)
{
	const uint8_t *xsdt = image + (load_le64(image + 24) - base);
	const uint8_t *found = NULL;

	for (size_t entry = 36; entry < load_le32(xsdt + 4); entry += 8) {
		uint64_t address = load_le64(xsdt + entry);
		const uint8_t *table;

		ck_assert_uint_ge(address, base);
		ck_assert_uint_lt(address, base + size);
		ck_assert(is_aligned(address, ACPI_ALIGNMENT));
		table = image + (address - base);
		ck_assert(range_fits(address - base, load_le32(table + 4), size));
		ck_assert_uint_eq(sum(table, load_le32(table + 4)), 0);
		if (memcmp(table, signature, 4) == 0)
			found = table;
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(rsdp_leads_to_every_table)
{
	struct platform platform = make_platform(4, true, true);
	size_t size = build(&platform, X86_ACPI_BASE);
	const uint8_t *xsdt = image + (load_le64(image + 24) - X86_ACPI_BASE);
	const uint8_t *fadt, *dsdt;

	ck_assert_mem_eq(image, "RSD PTR ", 8);
	ck_assert_uint_eq(image[15], 2);
	ck_assert_uint_eq(sum(image, 20), 0);
	ck_assert_uint_eq(sum(image, 36), 0);
	ck_assert_mem_eq(xsdt, "XSDT", 4);
	ck_assert_uint_eq(load_le32(xsdt + 4), 36 + 3 * 8);
	ck_assert_uint_eq(sum(xsdt, load_le32(xsdt + 4)), 0);
	find(X86_ACPI_BASE, size, "APIC");
	find(X86_ACPI_BASE, size, "MCFG");
	fadt = find(X86_ACPI_BASE, size, "FACP");
	dsdt = image + (load_le64(fadt + 140) - X86_ACPI_BASE);
	ck_assert_uint_eq(load_le32(fadt + 40), load_le64(fadt + 140));
	ck_assert_mem_eq(dsdt, "DSDT", 4);
	ck_assert_uint_eq(sum(dsdt, load_le32(dsdt + 4)), 0);
}
END_TEST

START_TEST(fadt_is_hardware_reduced)
{
	struct platform platform = make_platform(1, false, true);
	const uint8_t *fadt = find(X86_ACPI_BASE, build(&platform, X86_ACPI_BASE), "FACP");
	uint32_t flags = load_le32(fadt + 112);

	ck_assert_uint_eq(load_le32(fadt + 4), 276);
	ck_assert(flags & 1 << 20);
	ck_assert(flags & 1 << 10);
	ck_assert(flags & 1 << 8);
	ck_assert_uint_eq(load_le16(fadt + 109), 1 << 2);
	ck_assert_uint_eq(fadt[116], 1); /* system I/O */
	ck_assert_uint_eq(load_le64(fadt + 120), X86_PORT_RESET);
	ck_assert_uint_eq(fadt[128], X86_RESET_VALUE);
	ck_assert_uint_eq(load_le32(fadt + 76), X86_PORT_PM_TIMER);
	ck_assert_uint_eq(fadt[91], 4);
	ck_assert_uint_eq(fadt[208], 1);
	ck_assert_uint_eq(fadt[209], 32);
	ck_assert_uint_eq(load_le64(fadt + 212), X86_PORT_PM_TIMER);
	ck_assert_uint_eq(load_le64(fadt + 248), X86_PORT_SLEEP_CONTROL);
	ck_assert_uint_eq(load_le64(fadt + 260), X86_PORT_SLEEP_STATUS);
}
END_TEST

START_TEST(madt_lists_processors_and_the_ioapic)
{
	struct platform platform = make_platform(64, false, true);
	const uint8_t *madt = find(X86_ACPI_BASE, build(&platform, X86_ACPI_BASE), "APIC");
	unsigned int processors = 0, ioapics = 0, nmis = 0;

	ck_assert_uint_eq(load_le32(madt + 36), X86_LAPIC_BASE);
	for (const uint8_t *entry = madt + 44; entry < madt + load_le32(madt + 4);
	     entry += entry[1]) {
		ck_assert_uint_ge(entry[1], 2);
		if (entry[0] == 0) {
			ck_assert_uint_eq(entry[2], processors);
			ck_assert_uint_eq(entry[3], processors);
			ck_assert_uint_eq(load_le32(entry + 4), 1);
			processors++;
		} else if (entry[0] == 1) {
			ck_assert_uint_eq(load_le32(entry + 4), X86_IOAPIC_BASE);
			ck_assert_uint_eq(load_le32(entry + 8), 0);
			ioapics++;
		} else {
			ck_assert_uint_eq(entry[0], 4);
			ck_assert_uint_eq(entry[5], 1);
			nmis++;
		}
	}
	ck_assert_uint_eq(processors, 64);
	ck_assert_uint_eq(ioapics, 1);
	ck_assert_uint_eq(nmis, 1);
}
END_TEST

START_TEST(mcfg_covers_ecam)
{
	struct platform platform = make_platform(1, false, true);
	const uint8_t *mcfg;

	platform.ecam.size = 16 * MIB;
	mcfg = find(X86_ACPI_BASE, build(&platform, X86_ACPI_BASE), "MCFG");
	ck_assert_uint_eq(load_le32(mcfg + 4), 60);
	ck_assert_uint_eq(load_le64(mcfg + 44), X86_HOLE_BASE);
	ck_assert_uint_eq(load_le16(mcfg + 52), 0);
	ck_assert_uint_eq(mcfg[54], 0);
	ck_assert_uint_eq(mcfg[55], 15);
}
END_TEST

START_TEST(room_too_small_is_refused)
{
	struct platform platform = make_platform(64, true, true);
	size_t needed = build(&platform, X86_ACPI_BASE), size = 0;
	uint64_t rsdp;

	for (size_t room = 0; room < needed; room += room < 256 ? 1 : 97) {
		uint8_t *exact = malloc(room ? room : 1);
		struct err err = {0};

		ck_assert_int_eq(acpi_build(&platform, X86_ACPI_BASE, exact, room, &size, &rsdp,
					    &err),
				 -ENOSPC);
		ck_assert_ptr_nonnull(strstr(err.text, "too few"));
		free(exact);
	}
	ck_assert_int_eq(acpi_build(&platform, X86_ACPI_BASE, image, needed, &size, &rsdp, NULL),
			 0);
	ck_assert_uint_eq(size, needed);
	ck_assert_uint_le(needed, X86_ACPI_SIZE);
}
END_TEST

START_TEST(bad_bases_are_refused)
{
	struct platform platform = make_platform(1, true, true);
	struct err err = {0};
	uint64_t rsdp;
	size_t size;

	ck_assert_int_eq(acpi_build(&platform, X86_ACPI_BASE + 8, image, ROOM, &size, &rsdp, &err),
			 -EINVAL);
	ck_assert_int_eq(acpi_build(&platform, 4 * GIB, image, ROOM, &size, &rsdp, &err), -EINVAL);
	ck_assert_int_eq(acpi_build(&platform, 4 * GIB - 64, image, ROOM, &size, &rsdp, &err),
			 -EINVAL);
}
END_TEST

START_TEST(same_platform_gives_same_bytes)
{
	struct platform platform = make_platform(2, true, true);
	static uint8_t first[ROOM];
	size_t size = build(&platform, X86_ACPI_BASE);

	memcpy(first, image, size);
	ck_assert_uint_eq(build(&platform, X86_ACPI_BASE), size);
	ck_assert_mem_eq(first, image, size);
}
END_TEST

START_TEST(reset_vector_writes_the_reset_register)
{
	static const uint8_t expected[ACPI_RESET_VECTOR_SIZE] = {0xba, 0x02, 0x06, 0xb0, 0x01,
								 0xee, 0xf4, 0xeb, 0xfd};
	uint8_t code[ACPI_RESET_VECTOR_SIZE];

	memset(code, 0xcc, sizeof(code));
	acpi_reset_vector(code);
	ck_assert_mem_eq(code, expected, sizeof(code));
}
END_TEST

/* A buffer of each size round the steps of the package length, which is read back. */
START_TEST(package_lengths_at_every_width)
{
	static const size_t contents[] = {0,       1,       61,      62,     63,   64,
					  4092,    4093,    4094,    4095,   4096, 1048570,
					  1048571, 1048572, 1048573, 1048576};
	static uint8_t bytes[1100000], zeros[1048576];

	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		struct aml aml = {.bytes = bytes, .room = sizeof(bytes)};
		size_t mark, width, length;

		aml_raw(&aml, 0xa0, 1);
		mark = aml.size;
		aml_bytes(&aml, zeros, contents[i]);
		aml_end(&aml, mark);
		ck_assert(!aml.overflow);
		width = (size_t)(bytes[1] >> 6) + 1;
		length = width == 1 ? bytes[1] & 0x3f : bytes[1] & 0xf;
		for (size_t k = 1; k < width; k++)
			length |= (size_t)bytes[1 + k] << (4 + 8 * (k - 1));
		ck_assert_uint_eq(length, width + contents[i]);
		ck_assert_uint_eq(aml.size, 1 + length);
	}
}
END_TEST

START_TEST(overflow_is_kept_and_writes_nothing_past_the_room)
{
	uint8_t bytes[8];
	struct aml aml = {.bytes = bytes, .room = 4};

	memset(bytes, 0xee, sizeof(bytes));
	aml_raw(&aml, 1, 4);
	ck_assert(!aml.overflow);
	aml_raw(&aml, 1, 1);
	ck_assert(aml.overflow);
	aml_end(&aml, 0);
	aml_end_resources(&aml, 0);
	ck_assert(aml.overflow);
	ck_assert_uint_eq(aml.size, 4);
	ck_assert_uint_eq(bytes[4], 0xee);

	/* What just fits without its length does not with it. */
	aml = (struct aml){.bytes = bytes, .room = 4};
	aml_raw(&aml, 1, 4);
	aml_end(&aml, 0);
	ck_assert(aml.overflow);
	ck_assert_uint_eq(bytes[4], 0xee);
}
END_TEST

static void check_encoding(void (*write)(struct aml *aml), const char *expected, size_t size)
{
	uint8_t bytes[64];
	struct aml aml = {.bytes = bytes, .room = sizeof(bytes)};

	write(&aml);
	ck_assert(!aml.overflow);
	ck_assert_uint_eq(aml.size, size);
	ck_assert_mem_eq(bytes, expected, size);
}

static void write_names(struct aml *aml)
{
	aml_name_string(aml, "\\_SB.PCI0");
	aml_name_string(aml, "A");
	aml_name_string(aml, "A.B.C");
}

static void write_integers(struct aml *aml)
{
	static const uint64_t values[] = {0, 1, 2, 0xff, 0x100, 0x10000, UINT64_C(1) << 32};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		aml_integer(aml, values[i]);
}

static void write_ids(struct aml *aml)
{
	aml_eisa_id(aml, "PNP0A08");
	aml_uuid(aml, "33DB4D5B-1FF7-401C-9657-7441C03DD766");
}

START_TEST(terms_have_their_encodings)
{
	static const char names[] = "\\\x2e_SB_PCI0"
				    "A___"
				    "\x2f\x03"
				    "A___B___C___";
	static const char integers[] = "\x00\x01\x0a\x02\x0a\xff\x0b\x00\x01\x0c\x00\x00\x01\x00"
				       "\x0e\x00\x00\x00\x00\x01\x00\x00\x00";
	static const char ids[] =
		"\x0c\x41\xd0\x0a\x08\x11\x13\x0a\x10"
		"\x5b\x4d\xdb\x33\xf7\x1f\x1c\x40\x96\x57\x74\x41\xc0\x3d\xd7\x66";

	check_encoding(write_names, names, sizeof(names) - 1);
	check_encoding(write_integers, integers, sizeof(integers) - 1);
	check_encoding(write_ids, ids, sizeof(ids) - 1);
}
END_TEST

/*
 * iasl takes every table apart and puts it together again: with no error, no warning and no remark,
 * and the DSDT comes out as it went in.
 */
static void check_with_iasl(const struct platform *platform)
{
	static const char commands[] =
		"for table in *.aml; do iasl -d $table || exit 1; done; "
		"for source in *.dsl; do iasl -p again-${source%.dsl} $source || exit 1; done; "
		"test $(ls again-*.aml | wc -l) = 5 && cmp -i 36 dsdt.aml again-dsdt.aml";
	static const char complaints[] =
		"! grep -iE 'warning|remark|error|invalid|unknown|incorrect' log |"
		" grep -v '0 Errors, 0 Warnings, 0 Remarks'";
	char directory[] = "/tmp/ferry-acpi-XXXXXX";
	struct err err = {0};
	int made, clean;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_msg(arch_dump_acpi(platform, directory, &err) == 0, "%s", err.text);
	made = scratch_shell(directory, commands);
	clean = scratch_shell(directory, complaints);
	if (made != 0 || clean != 0)
		scratch_show_log(directory);
	scratch_remove(directory);
	ck_assert_int_eq(made, 0);
	ck_assert_int_eq(clean, 0);
}

START_TEST(iasl_has_nothing_to_say)
{
	static const unsigned int cpus[] = {1, 64};

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (unsigned int shape = 0; shape < 4; shape++) {
			struct platform platform = make_platform(cpus[i], shape & 1, shape & 2);

			check_with_iasl(&platform);
		}
	}
}
END_TEST

START_TEST(iasl_accepts_odd_windows)
{
	struct platform platform = make_platform(2, true, true);

	platform.ecam = (struct ram_range){UINT64_C(1) << 36, 256 * MIB};
	platform.io = (struct ram_range){0, 0};
	check_with_iasl(&platform);
	platform.ecam = (struct ram_range){2 * GIB, 1 * MIB};
	platform.io = (struct ram_range){0, 0x10000};
	platform.mmio32 = (struct ram_range){3 * GIB, 1 * GIB};
	platform.mmio64 = (struct ram_range){4 * GIB, 1 * MIB};
	check_with_iasl(&platform);
}
END_TEST

START_TEST(dump_refuses_what_it_cannot_write)
{
	struct platform platform = make_platform(1, false, true);
	char directory[] = "/tmp/ferry-acpi-XXXXXX";
	char path[64];
	struct err err = {0};

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/none/such", directory);
	ck_assert_int_eq(arch_dump_acpi(&platform, path, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	/* The last folder of the path is made. */
	snprintf(path, sizeof(path), "%s/none", directory);
	ck_assert_int_eq(arch_dump_acpi(&platform, path, &err), 0);
	strcat(path, "/dsdt.aml");
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(arch_dump_acpi(&platform, path, &err), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/none", directory);
	scratch_remove(path);
	snprintf(path, sizeof(path), "%s/rsdp.bin", directory);
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	ck_assert_int_eq(arch_dump_acpi(&platform, directory, &err), -ENOSPC);
	ck_assert_int_eq(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/tree", directory);
	ck_assert_int_eq(arch_dump_fdt(NULL, &platform, NULL, path, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.text, "use --dump-acpi"));
	ck_assert_int_ne(access(path, F_OK), 0);
	scratch_remove(directory);
}
END_TEST

static bool have_iasl(void)
{
	return system("command -v iasl >/dev/null 2>&1") == 0;
}

int main(void)
{
	Suite *suite = suite_create("x86_64_acpi");
	TCase *tables = tcase_create("tables"), *aml = tcase_create("aml"),
	      *iasl = tcase_create("iasl");
	SRunner *runner;
	int failed;

	tcase_add_test(tables, rsdp_leads_to_every_table);
	tcase_add_test(tables, fadt_is_hardware_reduced);
	tcase_add_test(tables, madt_lists_processors_and_the_ioapic);
	tcase_add_test(tables, mcfg_covers_ecam);
	tcase_add_test(tables, room_too_small_is_refused);
	tcase_add_test(tables, bad_bases_are_refused);
	tcase_add_test(tables, same_platform_gives_same_bytes);
	tcase_add_test(tables, reset_vector_writes_the_reset_register);
	tcase_add_test(tables, dump_refuses_what_it_cannot_write);
	tcase_add_test(aml, package_lengths_at_every_width);
	tcase_add_test(aml, overflow_is_kept_and_writes_nothing_past_the_room);
	tcase_add_test(aml, terms_have_their_encodings);
	tcase_set_timeout(iasl, 120);
	if (have_iasl()) {
		tcase_add_test(iasl, iasl_has_nothing_to_say);
		tcase_add_test(iasl, iasl_accepts_odd_windows);
	} else {
		puts("skip: tables through iasl: it is not installed");
	}
	suite_add_tcase(suite, tables);
	suite_add_tcase(suite, aml);
	suite_add_tcase(suite, iasl);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
