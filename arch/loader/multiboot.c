/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds a Multiboot header and loads the kernel that it is in. */

#include "arch/loader/multiboot.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/loader/elf.h"
#include "vmm/base/bits.h"

enum {
	HEADER_MAGIC = 0x1badb002,
	HEADER_ALIGNMENT = 4,
	HEADER_SIZE = 12,
	HEADER_SIZE_WITH_ADDRESSES = 32,
	FLAG_ADDRESSES = 1 << 16,
	/* Bits 0 to 15 must be understood; modules on pages, memory and video information are. */
	FLAGS_UNKNOWN = 0xfff8,
};

bool multiboot_find(const uint8_t *bytes, size_t size, struct multiboot_header *header)
{
	if (size > MULTIBOOT_SEARCH)
		size = MULTIBOOT_SEARCH;
	for (size_t at = 0; range_fits(at, HEADER_SIZE, size); at += HEADER_ALIGNMENT) {
		const uint8_t *found = bytes + at;
		uint32_t flags;

		if (load_le32(found) != HEADER_MAGIC)
			continue;
		flags = load_le32(found + 4);
		if (HEADER_MAGIC + flags + load_le32(found + 8) != 0)
			continue;
		*header = (struct multiboot_header){.offset = at, .flags = flags};
		if (!(flags & FLAG_ADDRESSES))
			return true;
		if (!range_fits(at, HEADER_SIZE_WITH_ADDRESSES, size))
			return false;
		header->has_addresses = true;
		header->header_address = load_le32(found + 12);
		header->load_address = load_le32(found + 16);
		header->load_end = load_le32(found + 20);
		header->bss_end = load_le32(found + 24);
		header->entry = load_le32(found + 28);
		return true;
	}
	return false;
}

static int multiboot_bad_addresses(const struct boot_file *file, struct err *err)
{
	return err_set(err, -ENOEXEC,
		       "boot: %s: not a kernel that can be loaded: the addresses in its Multiboot "
		       "header contradict each other",
		       file->path);
}

static int multiboot_load_by_addresses(struct loader *loader, const struct boot_file *file,
				       const struct multiboot_header *header, uint64_t *entry,
				       struct err *err)
{
	uint64_t load = header->load_address;
	uint64_t before = (uint64_t)header->header_address - load;
	uint64_t offset, size, memory;
	int rc;

	if (header->header_address < load || before > header->offset)
		return multiboot_bad_addresses(file, err);
	offset = header->offset - before;
	if (header->load_end != 0 && header->load_end <= load)
		return multiboot_bad_addresses(file, err);
	size = header->load_end != 0 ? header->load_end - load : file->size - offset;
	memory = size;
	if (header->bss_end != 0) {
		if (header->bss_end < load + size)
			return multiboot_bad_addresses(file, err);
		memory = header->bss_end - load;
	}
	if (header->entry < load || header->entry - load >= memory)
		return multiboot_bad_addresses(file, err);

	rc = loader_claim(loader, file, "the kernel", load, memory, err);
	if (!rc)
		rc = loader_read(loader, file, offset, load, size, err);
	if (rc)
		return rc;
	*entry = header->entry;
	rc = loader_zero(loader, load + size, memory - size);
	return rc ? err_set(err, rc, "boot: %s: the kernel's memory: %s", file->path, err_text(rc))
		  : 0;
}

static int multiboot_load_elf(struct loader *loader, const struct boot_file *file, uint64_t *entry,
			      struct err *err)
{
	struct elf_image *image = malloc(sizeof(*image));
	int rc;

	if (!image)
		return err_set(err, -ENOMEM, "boot: %s: out of memory", file->path);
	rc = elf_parse(file, image, err);
	if (!rc && (image->is_64 || image->machine != EM_386))
		rc = err_set(err, -ENOEXEC,
			     "boot: %s: a Multiboot kernel must be a 32-bit ELF file for the 386 "
			     "or have addresses in its header",
			     file->path);
	if (!rc)
		rc = elf_entry_address(file, image, image->entry, entry, err);
	if (!rc)
		rc = elf_load(loader, file, image, err);
	free(image);
	return rc;
}

int multiboot_load(struct loader *loader, const struct boot_file *file,
		   const struct multiboot_header *header, uint64_t *entry, struct err *err)
{
	if (header->flags & FLAGS_UNKNOWN)
		return err_set(err, -ENOEXEC,
			       "boot: %s: the Multiboot kernel asks for what is not offered: its "
			       "flags are 0x%x",
			       file->path, header->flags);
	if (header->has_addresses)
		return multiboot_load_by_addresses(loader, file, header, entry, err);
	return multiboot_load_elf(loader, file, entry, err);
}
