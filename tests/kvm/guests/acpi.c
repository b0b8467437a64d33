/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI tables are where firmware leaves them and add up; the MADT has as many processors. */

#include "guest.h"

enum { SEARCH = 0xe0000, SEARCH_END = 0x100000, RSDP_SIZE = 36, HEADER_SIZE = 36, CPUS = 4 };

static uint8_t sum(const uint8_t *bytes, uint32_t size)
{
	uint8_t total = 0;

	while (size-- > 0)
		total = (uint8_t)(total + *bytes++);
	return total;
}

static uint32_t field(const uint8_t *table, unsigned int offset)
{
	return *(const uint32_t *)(const void *)(table + offset);
}

static unsigned int count_processors(const uint8_t *madt)
{
	unsigned int count = 0;

	for (uint32_t at = 44; at + 1 < field(madt, 4) && madt[at + 1] != 0; at += madt[at + 1])
		if (madt[at] == 0 && (field(madt, at + 4) & 1))
			count++;
	return count;
}

void guest_main(uint32_t magic, uintptr_t info)
{
	const uint8_t *rsdp = NULL, *xsdt;
	unsigned int seen = 0;

	(void)magic;
	(void)info;
	for (uintptr_t at = SEARCH; at < SEARCH_END && !rsdp; at += 16)
		if (same((const void *)at, "RSD PTR ", 8))
			rsdp = (const uint8_t *)at;
	check(rsdp, "RSDP", 0);
	check(sum(rsdp, 20) == 0 && sum(rsdp, RSDP_SIZE) == 0, "RSDP's sum", 0);
	xsdt = (const uint8_t *)field(rsdp, 24);
	check(same(xsdt, "XSDT", 4) && sum(xsdt, field(xsdt, 4)) == 0, "XSDT", field(xsdt, 4));
	for (uint32_t at = HEADER_SIZE; at < field(xsdt, 4); at += 8) {
		const uint8_t *table = (const uint8_t *)field(xsdt, at);

		check(sum(table, field(table, 4)) == 0, "table's sum", field(table, 0));
		if (same(table, "APIC", 4))
			check(count_processors(table) == CPUS, "processors", at);
		seen |= same(table, "APIC", 4) ? 1 : same(table, "FACP", 4) ? 2 : 0;
		seen |= same(table, "MCFG", 4) ? 4 : same(table, "SRAT", 4) ? 8 : 0;
	}
	check(seen == 15, "tables seen", seen);
	pass();
}
