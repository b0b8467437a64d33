/* SPDX-License-Identifier: BSD-3-Clause */
/* ACPI tables: how they lead to each other, what they say of the platform, what is refused. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_acpi.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum { ROOM = 128 * 1024 };

static uint8_t image[ROOM];

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
	ck_assert_uint_eq(load_le32(xsdt + 4), 36 + 4 * 8);
	ck_assert_uint_eq(sum(xsdt, load_le32(xsdt + 4)), 0);
	find(X86_ACPI_BASE, size, "APIC");
	find(X86_ACPI_BASE, size, "MCFG");
	find(X86_ACPI_BASE, size, "SRAT");
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

START_TEST(srat_has_all_in_one_domain)
{
	struct platform platform = make_platform(3, false, true);
	const uint8_t *srat, *entry;

	platform.ram[1] = (struct ram_range){4 * GIB, 5 * GIB};
	platform.ram_count = 2;
	srat = find(X86_ACPI_BASE, build(&platform, X86_ACPI_BASE), "SRAT");
	ck_assert_uint_eq(load_le32(srat + 4), 48 + 3 * 16 + 2 * 40);
	ck_assert_uint_eq(load_le32(srat + 36), 1);
	entry = srat + 48;
	for (unsigned int cpu = 0; cpu < 3; cpu++, entry += 16) {
		ck_assert_uint_eq(load_le32(entry), cpu << 24 | 16 << 8);
		ck_assert_uint_eq(load_le32(entry + 4), 1);
		ck_assert_uint_eq(load_le64(entry + 8), 0);
	}
	for (unsigned int i = 0; i < 2; i++, entry += 40) {
		ck_assert_uint_eq(load_le64(entry), 40 << 8 | 1);
		ck_assert_uint_eq(load_le64(entry + 8), platform.ram[i].base);
		ck_assert_uint_eq(load_le64(entry + 16), platform.ram[i].size);
		ck_assert_uint_eq(load_le64(entry + 24), UINT64_C(1) << 32);
	}
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

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, rsdp_leads_to_every_table);
	tcase_add_test(tests, fadt_is_hardware_reduced);
	tcase_add_test(tests, madt_lists_processors_and_the_ioapic);
	tcase_add_test(tests, mcfg_covers_ecam);
	tcase_add_test(tests, srat_has_all_in_one_domain);
	tcase_add_test(tests, room_too_small_is_refused);
	tcase_add_test(tests, bad_bases_are_refused);
	tcase_add_test(tests, same_platform_gives_same_bytes);
	tcase_add_test(tests, reset_vector_writes_the_reset_register);
}

int main(void)
{
	return run_suite("x86_64 acpi", add_tests);
}
