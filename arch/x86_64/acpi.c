/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI tables of a hardware-reduced x86_64 platform, as bytes. */

#include "arch/x86_64/acpi.h"

#include <errno.h>
#include <string.h>

#include "arch/x86_64/aml.h"
#include "arch/x86_64/dsdt.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

enum {
	HEADER_LENGTH_OFFSET = 4,
	HEADER_CHECKSUM_OFFSET = 9,
	RSDP_SIZE = 36,
	RSDP_V1_SIZE = 20, /* what the first checksum covers */
	RSDP_CHECKSUM_OFFSET = 8,
	RSDP_EXTENDED_CHECKSUM_OFFSET = 32,
	FADT_SIZE = 276,
};

/* Fixed ACPI Description Table: offsets and values (ACPI 6.5, tables 5.9 to 5.11). */
enum {
	FADT_DSDT = 40,
	FADT_PM_TIMER = 76,
	FADT_PM_TIMER_LENGTH = 91,
	FADT_C2_LATENCY = 96,
	FADT_C3_LATENCY = 98,
	FADT_CENTURY = 108,
	FADT_BOOT_FLAGS = 109,
	FADT_FLAGS = 112,
	FADT_RESET_REGISTER = 116,
	FADT_RESET_VALUE = 128,
	FADT_MINOR_VERSION = 131,
	FADT_X_DSDT = 140,
	FADT_X_PM_TIMER = 208,
	FADT_SLEEP_CONTROL = 244,
	FADT_SLEEP_STATUS = 256,
	FADT_HYPERVISOR = 268,

	FADT_BOOT_NO_VGA = 1 << 2, /* nor an 8042, whose bit stays clear */

	FADT_WBINVD = 1 << 0,
	FADT_C1 = 1 << 2,
	FADT_NO_FIXED_POWER_BUTTON = 1 << 4,
	FADT_NO_FIXED_SLEEP_BUTTON = 1 << 5,
	FADT_NO_FIXED_RTC_EVENT = 1 << 6,
	FADT_TIMER_32_BITS = 1 << 8,
	FADT_RESET_SUPPORTED = 1 << 10,
	FADT_HARDWARE_REDUCED = 1 << 20,
	FADT_FLAGS_VALUE = FADT_WBINVD | FADT_C1 | FADT_NO_FIXED_POWER_BUTTON |
			   FADT_NO_FIXED_SLEEP_BUTTON | FADT_NO_FIXED_RTC_EVENT |
			   FADT_TIMER_32_BITS | FADT_RESET_SUPPORTED | FADT_HARDWARE_REDUCED,

	FADT_NO_C2 = 101, /* worst-case latencies above which the state is not there */
	FADT_NO_C3 = 1001,
	FADT_CMOS_CENTURY = 0x32,

	GAS_SYSTEM_IO = 1,
	GAS_ACCESS_BYTE = 1,
	GAS_ACCESS_DWORD = 3,
};

enum {
	MADT_LOCAL_APIC = 0,
	MADT_IO_APIC = 1,
	MADT_LOCAL_APIC_NMI = 4,
	MADT_ENABLED = 1 << 0,
	MADT_ALL_PROCESSORS = 0xff,
};

enum {
	SRAT_LOCAL_APIC = 0,
	SRAT_MEMORY = 1,
	SRAT_ENABLED = 1 << 0,
};

static uint8_t acpi_checksum(const uint8_t *bytes, size_t count)
{
	unsigned int sum = 0;

	while (count-- > 0)
		sum += *bytes++;
	return (uint8_t)(0x100 - (sum & 0xff));
}

/* The header all tables but the RSDP have (5.2.6); acpi_end() puts length and checksum in. */
static size_t acpi_begin(struct aml *image, const char *signature, uint8_t revision)
{
	size_t table;

	aml_align(image, ACPI_ALIGNMENT);
	table = image->size;
	aml_bytes(image, signature, 4);
	aml_raw(image, 0, 4);
	aml_raw(image, revision, 1);
	aml_raw(image, 0, 1);
	aml_bytes(image, "FERRY ", 6);
	aml_bytes(image, "FERRYX86", 8);
	aml_raw(image, 1, 4);
	aml_bytes(image, "FRRY", 4);
	aml_raw(image, 1, 4);
	return table;
}

static void acpi_end(struct aml *image, size_t table)
{
	uint8_t *bytes = image->bytes + table;
	size_t length = image->size - table;

	if (image->overflow)
		return;
	store_le32(bytes + HEADER_LENGTH_OFFSET, (uint32_t)length);
	bytes[HEADER_CHECKSUM_OFFSET] = acpi_checksum(bytes, length);
}

static size_t acpi_build_dsdt(struct aml *image, const struct platform *platform)
{
	size_t table = acpi_begin(image, "DSDT", 2);

	dsdt_build(image, platform);
	acpi_end(image, table);
	return table;
}

/* A Generic Address Structure in I/O space (5.2.3.2). */
static void acpi_store_port(uint8_t *address, uint16_t port, uint8_t bits, uint8_t access)
{
	address[0] = GAS_SYSTEM_IO;
	address[1] = bits;
	address[3] = access;
	store_le64(address + 4, port);
}

static size_t acpi_build_fadt(struct aml *image, uint64_t dsdt)
{
	size_t table = acpi_begin(image, "FACP", 6), header = image->size - table;
	uint8_t fadt[FADT_SIZE] = {0};

	store_le32(fadt + FADT_DSDT, (uint32_t)dsdt);
	store_le32(fadt + FADT_PM_TIMER, X86_PORT_PM_TIMER);
	fadt[FADT_PM_TIMER_LENGTH] = 4;
	store_le16(fadt + FADT_C2_LATENCY, FADT_NO_C2);
	store_le16(fadt + FADT_C3_LATENCY, FADT_NO_C3);
	fadt[FADT_CENTURY] = FADT_CMOS_CENTURY;
	store_le16(fadt + FADT_BOOT_FLAGS, FADT_BOOT_NO_VGA);
	store_le32(fadt + FADT_FLAGS, FADT_FLAGS_VALUE);
	acpi_store_port(fadt + FADT_RESET_REGISTER, X86_PORT_RESET, 8, GAS_ACCESS_BYTE);
	fadt[FADT_RESET_VALUE] = X86_RESET_VALUE;
	fadt[FADT_MINOR_VERSION] = 5;
	store_le64(fadt + FADT_X_DSDT, dsdt);
	/* Linux takes the timer from here even where the platform is hardware-reduced. */
	acpi_store_port(fadt + FADT_X_PM_TIMER, X86_PORT_PM_TIMER, 32, GAS_ACCESS_DWORD);
	acpi_store_port(fadt + FADT_SLEEP_CONTROL, X86_PORT_SLEEP_CONTROL, 8, GAS_ACCESS_BYTE);
	acpi_store_port(fadt + FADT_SLEEP_STATUS, X86_PORT_SLEEP_STATUS, 8, GAS_ACCESS_BYTE);
	memcpy(fadt + FADT_HYPERVISOR, "FERRY", 5);
	aml_bytes(image, fadt + header, sizeof(fadt) - header);
	acpi_end(image, table);
	return table;
}

/* APIC ids are vCPU ids, below 255: no x2APIC structures are needed (5.2.12.2). */
static size_t acpi_build_madt(struct aml *image, const struct platform *platform)
{
	size_t table = acpi_begin(image, "APIC", 5);

	aml_raw(image, X86_LAPIC_BASE, 4);
	aml_raw(image, 0, 4); /* no interrupt reaches a PIC */
	for (unsigned int cpu = 0; cpu < platform->cpus; cpu++) {
		aml_raw(image, MADT_LOCAL_APIC, 1);
		aml_raw(image, 8, 1);
		aml_raw(image, cpu, 1);
		aml_raw(image, cpu, 1);
		aml_raw(image, MADT_ENABLED, 4);
	}
	aml_raw(image, MADT_IO_APIC, 1);
	aml_raw(image, 12, 1);
	aml_raw(image, 0, 2); /* id */
	aml_raw(image, X86_IOAPIC_BASE, 4);
	aml_raw(image, 0, 4); /* its first GSI */
	aml_raw(image, MADT_LOCAL_APIC_NMI, 1);
	aml_raw(image, 6, 1);
	aml_raw(image, MADT_ALL_PROCESSORS, 1);
	aml_raw(image, 0, 2); /* polarity and trigger mode of the bus */
	aml_raw(image, 1, 1); /* LINT1 */
	acpi_end(image, table);
	return table;
}

static size_t acpi_build_mcfg(struct aml *image, const struct platform *platform)
{
	size_t table = acpi_begin(image, "MCFG", 1);

	aml_raw(image, 0, 8);
	aml_raw(image, platform->ecam.base, 8);
	aml_raw(image, 0, 2); /* segment */
	aml_raw(image, 0, 1); /* first and last bus */
	aml_raw(image, platform->ecam.size / MIB - 1, 1);
	aml_raw(image, 0, 4);
	acpi_end(image, table);
	return table;
}

/*
 * All in one proximity domain (5.2.16). Linux without this table asks every slot of bus 0 whether
 * an AMD northbridge is there to tell it of memory (arch/x86/mm/amdtopology.c): 64 exits.
 */
static size_t acpi_build_srat(struct aml *image, const struct platform *platform)
{
	size_t table = acpi_begin(image, "SRAT", 3);

	aml_raw(image, 1, 4);
	aml_raw(image, 0, 8);
	for (unsigned int cpu = 0; cpu < platform->cpus; cpu++) {
		aml_raw(image, SRAT_LOCAL_APIC, 1);
		aml_raw(image, 16, 1);
		aml_raw(image, 0, 1); /* the domain's low byte */
		aml_raw(image, cpu, 1);
		aml_raw(image, SRAT_ENABLED, 4);
		aml_raw(image, 0, 8); /* SAPIC EID, the domain's rest, clock domain */
	}
	for (size_t i = 0; i < platform->ram_count; i++) {
		aml_raw(image, SRAT_MEMORY, 1);
		aml_raw(image, 40, 1);
		aml_raw(image, 0, 6); /* domain, reserved */
		aml_raw(image, platform->ram[i].base, 8);
		aml_raw(image, platform->ram[i].size, 8);
		aml_raw(image, 0, 4);
		aml_raw(image, SRAT_ENABLED, 4);
		aml_raw(image, 0, 8);
	}
	acpi_end(image, table);
	return table;
}

static void acpi_build_rsdp(struct aml *image, uint64_t xsdt)
{
	uint8_t rsdp[RSDP_SIZE] = "RSD PTR ";

	memcpy(rsdp + 9, "FERRY ", 6);
	rsdp[15] = 2; /* revision */
	store_le32(rsdp + 20, sizeof(rsdp));
	store_le64(rsdp + 24, xsdt);
	rsdp[RSDP_CHECKSUM_OFFSET] = acpi_checksum(rsdp, RSDP_V1_SIZE);
	rsdp[RSDP_EXTENDED_CHECKSUM_OFFSET] = acpi_checksum(rsdp, sizeof(rsdp));
	aml_bytes(image, rsdp, sizeof(rsdp));
}

/* The RSDP comes first in the image; it is written last, into the room left for it. */
static void acpi_build_tables(struct aml *image, const struct platform *platform, uint64_t base)
{
	static const uint8_t rsdp[RSDP_SIZE];
	struct aml head = {.bytes = image->bytes, .room = RSDP_SIZE};
	size_t tables[4], xsdt, dsdt;

	aml_bytes(image, rsdp, sizeof(rsdp));
	aml_align(image, ACPI_ALIGNMENT);
	dsdt = acpi_build_dsdt(image, platform);
	tables[0] = acpi_build_fadt(image, base + dsdt);
	tables[1] = acpi_build_madt(image, platform);
	tables[2] = acpi_build_mcfg(image, platform);
	tables[3] = acpi_build_srat(image, platform);
	xsdt = acpi_begin(image, "XSDT", 1);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		aml_raw(image, base + tables[i], 8);
	acpi_end(image, xsdt);
	if (!image->overflow)
		acpi_build_rsdp(&head, base + xsdt);
}

int acpi_build(const struct platform *platform, uint64_t base, uint8_t *image, size_t room,
	       size_t *size, uint64_t *rsdp, struct err *err)
{
	struct aml bytes = {.bytes = image, .room = room};

	if (!is_aligned(base, ACPI_ALIGNMENT) || base >= 4 * GIB)
		return err_set(err, -EINVAL,
			       "ACPI tables: at 0x%llx: not a multiple of %d below 4 GiB",
			       (unsigned long long)base, ACPI_ALIGNMENT);
	acpi_build_tables(&bytes, platform, base);
	if (bytes.overflow)
		return err_set(err, -ENOSPC, "ACPI tables: at 0x%llx: %zu bytes are too few",
			       (unsigned long long)base, room);
	if (!range_fits(base, bytes.size, 4 * GIB))
		return err_set(err, -EINVAL, "ACPI tables: at 0x%llx: they end above 4 GiB",
			       (unsigned long long)base);
	*size = bytes.size;
	*rsdp = base;
	return 0;
}

void acpi_reset_vector(uint8_t code[ACPI_RESET_VECTOR_SIZE])
{
	/* mov dx, register; mov al, value; out dx, al; and hlt for ever. */
	static const uint8_t instructions[] = {0xba,
					       X86_PORT_RESET & 0xff,
					       X86_PORT_RESET >> 8,
					       0xb0,
					       X86_RESET_VALUE,
					       0xee,
					       0xf4,
					       0xeb,
					       0xfd};

	memset(code, 0, ACPI_RESET_VECTOR_SIZE);
	memcpy(code, instructions, sizeof(instructions));
}
