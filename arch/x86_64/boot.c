/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads tables, kernel and initrds, and picks the boot protocol by what the kernel file is. */

#include "arch/x86_64/boot.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/loader/bzimage.h"
#include "arch/loader/initrd.h"
#include "arch/loader/kind.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/platform_x86.h"
#include "arch/x86_64/vm.h"
#include "vmm/base/bits.h"

enum { PAGE = 4096 };

int boot_write(struct x86_boot *boot, uint64_t gpa, const void *data, size_t size, struct err *err)
{
	int rc = ram_write(boot->loader.ram, gpa, data, size);

	if (rc)
		return err_set(err, rc, "boot: guest address 0x%llx cannot be written: %s",
			       (unsigned long long)gpa, err_text(rc));
	return 0;
}

const char *arch_serial_name(void)
{
	return "ttyS0";
}

bool arch_serial_is_default(void)
{
	return false;
}

/* A Linux that is told nothing would show nothing. */
static const char *boot_cmdline(const struct x86_boot *boot)
{
	if (boot->source->cmdline)
		return boot->source->cmdline;
	return boot->is_linux && boot->platform->serial ? "console=ttyS0" : "";
}

int boot_write_cmdline(struct x86_boot *boot, const char *prefix, uint64_t room, struct err *err)
{
	const char *cmdline = boot_cmdline(boot);
	size_t prefix_size = strlen(prefix), size = strlen(cmdline);
	size_t gap = prefix_size > 0 && size > 0 ? 1 : 0;
	uint64_t address = BOOT_CMDLINE;
	int rc;

	if (room > BOOT_CMDLINE_SIZE - 1)
		room = BOOT_CMDLINE_SIZE - 1;
	if (prefix_size + gap + size > room)
		return err_set(err, -E2BIG,
			       "boot: %s: the command line has %zu characters, the kernel takes at "
			       "most %llu: shorten it",
			       boot->source->kernel.path, prefix_size + gap + size,
			       (unsigned long long)room);
	rc = boot_write(boot, address, prefix, prefix_size, err);
	if (!rc)
		rc = boot_write(boot, address + prefix_size, " ", gap, err);
	if (!rc)
		rc = boot_write(boot, address + prefix_size + gap, cmdline, size + 1, err);
	return rc;
}

int boot_load_initrds(struct x86_boot *boot, uint64_t last, bool above_4g, struct ram_range *initrd,
		      struct err *err)
{
	uint64_t size = initrd_size(boot->source), base;

	if (last > 4 * GIB - 1)
		last = 4 * GIB - 1;
	if (above_4g && loader_find(&boot->loader, size, PAGE, last, &base) < 0)
		last = UINT64_MAX;
	return initrd_load(&boot->loader, boot->source, PAGE, last, initrd, err);
}

static int boot_write_tables(struct x86_boot *boot, struct err *err)
{
	uint64_t gdt[ENTRY_GDT_SLOTS];
	uint8_t *acpi = ram_host(boot->loader.ram, X86_ACPI_BASE, X86_ACPI_SIZE);
	uint8_t *pages = ram_host(boot->loader.ram, BOOT_PAGE_TABLES, ENTRY_PAGE_TABLES_SIZE);
	size_t size;
	int rc;

	if (!acpi || !pages)
		return err_set(err, -ENOSPC, "boot: the first MiB is not all memory");
	rc = loader_zero(&boot->loader, X86_ACPI_BASE, X86_ACPI_SIZE);
	if (rc < 0)
		return err_set(err, rc, "boot: ACPI tables: %s", err_text(rc));
	rc = acpi_build(boot->platform, X86_ACPI_BASE, acpi, X86_ACPI_SIZE, &size, &boot->rsdp,
			err);
	if (rc < 0)
		return rc;
	acpi_reset_vector(acpi + (ACPI_RESET_VECTOR - X86_ACPI_BASE));
	entry_page_tables_fill(pages, BOOT_PAGE_TABLES);
	entry_gdt_fill(gdt);
	boot->entry.gdt = BOOT_GDT;
	boot->entry.gdt_limit = sizeof(gdt) - 1;
	boot->entry.page_table = BOOT_PAGE_TABLES;
	return boot_write(boot, BOOT_GDT, gdt, sizeof(gdt), err);
}

/* A program is as much an ELF executable as a vmlinux is, and would only crash. */
static int boot_refuse_program(const struct boot_file *file, const struct elf_image *image,
			       struct err *err)
{
	return err_set(err, -ENOEXEC,
		       "boot: %s: not a kernel: it is an ELF file %s, as a program has that runs "
		       "under a kernel, with no PVH entry, no Multiboot header and no note of "
		       "Linux's: give a bzImage, an ELF vmlinux, or a PVH or Multiboot kernel",
		       file->path,
		       image->has_interpreter ? "with an interpreter" : "with low addresses");
}

/* Linux prefers its 64-bit entry; whoever else has the PVH note is entered by it. */
static int boot_load_elf(struct x86_boot *boot, struct err *err)
{
	const struct boot_file *file = &boot->source->kernel;
	struct elf_image *image = malloc(sizeof(*image));
	int rc;

	if (!image)
		return err_set(err, -ENOMEM, "boot: %s: out of memory", file->path);
	rc = elf_parse(file, image, err);
	if (rc)
		goto out;
	if (image->machine != (image->is_64 ? EM_X86_64 : EM_386))
		rc = err_set(err, -ENOEXEC,
			     "boot: %s: the ELF kernel is for another processor (machine %u): "
			     "give one for x86_64",
			     file->path, image->machine);
	else if (image->has_pvh && !(image->is_64 && image->is_linux))
		rc = boot_pvh(boot, image, err);
	else if (image->has_interpreter || (image->is_64 && !image->is_linux && !image->is_high))
		rc = boot_refuse_program(file, image, err);
	else if (image->is_64)
		rc = boot_linux_elf(boot, image, err);
	else
		rc = err_set(err, -ENOEXEC,
			     "boot: %s: the 32-bit ELF file has neither a Multiboot header nor a "
			     "PVH entry: give a kernel that has one",
			     file->path);
out:
	free(image);
	return rc;
}

static int boot_refuse(const struct boot_file *file, const uint8_t *bytes, size_t size,
		       struct err *err)
{
	return err_set(err, -ENOEXEC,
		       "boot: %s: not a kernel: %s: give a bzImage, an ELF vmlinux, or a PVH or "
		       "Multiboot kernel",
		       file->path, kind_describe(bytes, size));
}

static int boot_load_kernel(struct x86_boot *boot, struct err *err)
{
	const struct boot_file *file = &boot->source->kernel;
	uint8_t bytes[MULTIBOOT_SEARCH] = {0};
	size_t size = file->size < sizeof(bytes) ? (size_t)file->size : sizeof(bytes);
	struct multiboot_header header;
	int rc = loader_read_header(file, 0, bytes, size, err);

	if (rc)
		return rc;
	if (bzimage_is_image(bytes, size))
		return boot_linux_bzimage(boot, err);
	if (multiboot_find(bytes, size, &header))
		return boot_multiboot(boot, &header, err);
	if (elf_is_image(bytes, size))
		return boot_load_elf(boot, err);
	return boot_refuse(file, bytes, size, err);
}

int boot_load(struct x86_boot *boot, struct err *err)
{
	int rc;

	boot->loader.count = 0;
	boot->loader.claims[boot->loader.count++] =
		(struct ram_range){BOOT_AREA, BOOT_AREA_END - BOOT_AREA};
	rc = boot_write_tables(boot, err);
	return rc ? rc : boot_load_kernel(boot, err);
}

int arch_boot(struct arch_vm *arch, const struct boot_source *source, struct err *err)
{
	struct x86_boot *boot = calloc(1, sizeof(*boot));
	int rc;

	if (!boot)
		return err_set(err, -ENOMEM, "boot: out of memory");
	boot->loader.ram = arch->setup.ram;
	boot->loader.fresh = !arch->booted && ram_begins_zero(arch->setup.ram);
	boot->platform = arch->setup.platform;
	boot->source = source;
	arch->booted = true;
	rc = boot_load(boot, err);
	arch->entry = boot->entry;
	arch->is_linux = boot->is_linux;
	free(boot);
	return rc;
}

bool arch_boots_linux(const struct arch_vm *arch)
{
	return arch->is_linux;
}
