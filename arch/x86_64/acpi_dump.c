/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the ACPI tables into files, one each, for a person and for iasl. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "arch/dump.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

enum {
	RSDP_SIZE = 36,
	RSDP_XSDT = 24,
	TABLE_LENGTH = 4,
	TABLE_HEADER_SIZE = 36,
	FADT_X_DSDT = 140,
};

static int acpi_dump_file(const char *directory, const char *name, const uint8_t *bytes,
			  size_t size, struct err *err)
{
	char path[4096];
	int rc = snprintf(path, sizeof(path), "%s/%s", directory, name);

	if (rc < 0 || (size_t)rc >= sizeof(path))
		return err_set(err, -ENAMETOOLONG, "ACPI dump: %s: the path is too long",
			       directory);
	return dump_file("ACPI dump", path, bytes, size, err);
}

/* A file named after the table's signature, in small letters as everywhere. */
static int acpi_dump_table(const char *directory, const uint8_t *table, struct err *err)
{
	char name[] = "xxxx.aml";

	for (size_t i = 0; i < 4; i++)
		name[i] = (char)tolower(table[i]);
	return acpi_dump_file(directory, name, table, load_le32(table + TABLE_LENGTH), err);
}

static int acpi_dump_image(const uint8_t *image, uint64_t rsdp, const char *directory,
			   struct err *err)
{
	const uint8_t *xsdt = image + (load_le64(image + RSDP_XSDT) - rsdp);
	size_t length = load_le32(xsdt + TABLE_LENGTH);
	/* The RSDP is no table: iasl, given all *.aml, would stumble over it. */
	int rc = acpi_dump_file(directory, "rsdp.bin", image, RSDP_SIZE, err);

	if (rc == 0)
		rc = acpi_dump_table(directory, xsdt, err);
	for (size_t entry = TABLE_HEADER_SIZE; rc == 0 && entry < length; entry += 8) {
		const uint8_t *table = image + (load_le64(xsdt + entry) - rsdp);

		rc = acpi_dump_table(directory, table, err);
		if (rc == 0 && memcmp(table, "FACP", 4) == 0)
			rc = acpi_dump_table(directory,
					     image + (load_le64(table + FADT_X_DSDT) - rsdp), err);
	}
	return rc;
}

int arch_dump_acpi(const struct platform *platform, const char *directory, struct err *err)
{
	uint8_t *image = calloc(1, X86_ACPI_SIZE);
	uint64_t rsdp;
	size_t size;
	int rc;

	if (!image)
		return err_set(err, -ENOMEM, "ACPI dump: out of memory");
	rc = dump_folder("ACPI dump", directory, err);
	if (!rc)
		rc = acpi_build(platform, X86_ACPI_BASE, image, X86_ACPI_SIZE, &size, &rsdp, err);
	if (!rc)
		rc = acpi_dump_image(image, rsdp, directory, err);
	free(image);
	return rc;
}

int arch_dump_fdt(const struct kvm_vm *vm, const struct platform *platform, const char *cmdline,
		  const char *path, struct err *err)
{
	(void)vm;
	(void)cmdline;
	(void)platform;
	return err_set(err, -ENOTSUP,
		       "device tree dump: %s: an x86_64 guest gets ACPI tables and no device tree: "
		       "use --dump-acpi",
		       path);
}
