/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads ELF headers (System V gABI, chapters 4 and 5) from a file that may hold anything. */

#include "arch/loader/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

enum {
	NOTES_SIZE_MAX = 1 << 20,
	XEN_ELFNOTE_GUEST_OS = 6,
	XEN_ELFNOTE_PHYS32_ENTRY = 18,
};

/* One program header, of either class. */
struct program_header {
	uint32_t type;
	uint64_t alignment;
	struct elf_segment segment;
};

bool elf_is_image(const uint8_t *bytes, size_t size)
{
	return size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
}

static int elf_bad(const struct boot_file *file, const char *why, struct err *err)
{
	return err_set(err, -ENOEXEC, "boot: %s: not a kernel that can be loaded: %s", file->path,
		       why);
}

static void elf_decode_program_header(const uint8_t *bytes, bool is_64,
				      struct program_header *header)
{
	if (is_64) {
		Elf64_Phdr raw;

		memcpy(&raw, bytes, sizeof(raw));
		*header = (struct program_header){le32toh(raw.p_type),
						  le64toh(raw.p_align),
						  {le64toh(raw.p_offset), le64toh(raw.p_filesz),
						   le64toh(raw.p_paddr), le64toh(raw.p_vaddr),
						   le64toh(raw.p_memsz)}};
	} else {
		Elf32_Phdr raw;

		memcpy(&raw, bytes, sizeof(raw));
		*header = (struct program_header){le32toh(raw.p_type),
						  le32toh(raw.p_align),
						  {le32toh(raw.p_offset), le32toh(raw.p_filesz),
						   le32toh(raw.p_paddr), le32toh(raw.p_vaddr),
						   le32toh(raw.p_memsz)}};
	}
}

static int elf_add_segment(const struct boot_file *file, struct elf_image *image,
			   const struct elf_segment *segment, struct err *err)
{
	if (segment->memory_size == 0)
		return 0;
	if (segment->file_size > segment->memory_size)
		return elf_bad(file, "a segment is larger in the file than in memory", err);
	if (segment->physical > UINT64_MAX - segment->memory_size ||
	    segment->virtual > UINT64_MAX - segment->memory_size + 1)
		return elf_bad(file, "a segment goes past the end of the address space", err);
	if (!range_fits(segment->offset, segment->file_size, file->size))
		return err_set(err, -ENODATA,
			       "boot: %s: the file is truncated: it has %llu bytes, a segment of "
			       "%llu begins at %llu",
			       file->path, (unsigned long long)file->size,
			       (unsigned long long)segment->file_size,
			       (unsigned long long)segment->offset);
	image->is_high |= segment->virtual >> (image->is_64 ? 63 : 31);
	image->segments[image->count++] = *segment;
	return 0;
}

static void elf_take_note(struct elf_image *image, const char *name, uint32_t type,
			  const uint8_t *data, uint32_t size)
{
	if (strcmp(name, "Linux") == 0)
		image->is_linux = true;
	if (strcmp(name, "Xen") != 0)
		return;
	if (type == XEN_ELFNOTE_GUEST_OS && size >= 5 && memcmp(data, "linux", 5) == 0)
		image->is_linux = true;
	if (type == XEN_ELFNOTE_PHYS32_ENTRY && size >= 4) {
		image->has_pvh = true;
		image->pvh_entry = load_le32(data);
	}
}

/* Notes that do not hold together end the reading; what came before them counts. */
static void elf_take_notes(struct elf_image *image, const uint8_t *notes, uint64_t size,
			   uint64_t alignment)
{
	uint64_t at = 0;

	while (range_fits(at, sizeof(Elf64_Nhdr), size)) {
		uint64_t name_size = load_le32(notes + at);
		uint64_t data_size = load_le32(notes + at + 4);
		uint32_t type = load_le32(notes + at + 8);
		uint64_t name = at + sizeof(Elf64_Nhdr);
		uint64_t data = align_up(name + name_size, alignment);

		if (!range_fits(name, name_size, size) || !range_fits(data, data_size, size))
			return;
		if (name_size > 0 && notes[name + name_size - 1] == '\0')
			elf_take_note(image, (const char *)notes + name, type, notes + data,
				      (uint32_t)data_size);
		at = align_up(data + data_size, alignment);
	}
}

static int elf_read_notes(const struct boot_file *file, struct elf_image *image,
			  const struct program_header *header, struct err *err)
{
	uint64_t size = header->segment.file_size;
	uint8_t *notes;
	int rc;

	if (size == 0)
		return 0;
	if (size > NOTES_SIZE_MAX)
		return elf_bad(file, "its notes are larger than 1 MiB", err);
	notes = malloc(size);
	if (!notes)
		return err_set(err, -ENOMEM, "boot: %s: out of memory", file->path);
	rc = loader_read_header(file, header->segment.offset, notes, size, err);
	if (!rc)
		elf_take_notes(image, notes, size, header->alignment == 8 ? 8 : 4);
	free(notes);
	return rc;
}

static int elf_read_program_headers(const struct boot_file *file, struct elf_image *image,
				    uint64_t offset, unsigned int count, struct err *err)
{
	size_t size = image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t bytes[ELF_SEGMENTS_MAX * sizeof(Elf64_Phdr)];
	int rc = loader_read_header(file, offset, bytes, count * size, err);

	for (unsigned int i = 0; i < count && rc == 0; i++) {
		struct program_header header;

		elf_decode_program_header(bytes + i * size, image->is_64, &header);
		if (header.type == PT_LOAD)
			rc = elf_add_segment(file, image, &header.segment, err);
		else if (header.type == PT_NOTE)
			rc = elf_read_notes(file, image, &header, err);
		else if (header.type == PT_INTERP)
			image->has_interpreter = true;
	}
	if (rc == 0 && image->count == 0)
		rc = elf_bad(file, "the ELF file has no segment to load", err);
	return rc;
}

/* The fields that both classes have, at the class's own places. */
struct file_header {
	uint16_t type;
	uint16_t program_header_size;
	uint16_t program_header_count;
	uint64_t program_header_offset;
};

static int elf_read_file_header(const struct boot_file *file, struct elf_image *image,
				struct file_header *header, struct err *err)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr elf32;
		Elf64_Ehdr elf64;
	} raw;
	int rc = loader_read_header(file, 0, &raw, sizeof(raw.elf32), err);

	if (rc)
		return rc;
	if (raw.ident[EI_DATA] != ELFDATA2LSB)
		return elf_bad(file, "the ELF file is big-endian", err);
	if (raw.ident[EI_CLASS] == ELFCLASS32) {
		image->machine = le16toh(raw.elf32.e_machine);
		image->entry = le32toh(raw.elf32.e_entry);
		*header = (struct file_header){le16toh(raw.elf32.e_type),
					       le16toh(raw.elf32.e_phentsize),
					       le16toh(raw.elf32.e_phnum),
					       le32toh(raw.elf32.e_phoff)};
		return 0;
	}
	if (raw.ident[EI_CLASS] != ELFCLASS64)
		return elf_bad(file, "the ELF file is of neither 32 nor 64 bits", err);
	rc = loader_read_header(file, 0, &raw, sizeof(raw.elf64), err);
	if (rc)
		return rc;
	image->is_64 = true;
	image->machine = le16toh(raw.elf64.e_machine);
	image->entry = le64toh(raw.elf64.e_entry);
	*header = (struct file_header){le16toh(raw.elf64.e_type), le16toh(raw.elf64.e_phentsize),
				       le16toh(raw.elf64.e_phnum), le64toh(raw.elf64.e_phoff)};
	return 0;
}

int elf_parse(const struct boot_file *file, struct elf_image *image, struct err *err)
{
	struct file_header header = {0};
	int rc;

	memset(image, 0, sizeof(*image));
	rc = elf_read_file_header(file, image, &header, err);
	if (rc)
		return rc;
	if (header.type != ET_EXEC && header.type != ET_DYN)
		return elf_bad(file, "the ELF file is no executable", err);
	if (header.program_header_size != (image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return elf_bad(file, "the ELF file's program headers have an odd size", err);
	if (header.program_header_count == 0 || header.program_header_count > ELF_SEGMENTS_MAX)
		return elf_bad(file, "the ELF file has no program headers or too many", err);
	return elf_read_program_headers(file, image, header.program_header_offset,
					header.program_header_count, err);
}

int elf_load(struct loader *loader, const struct boot_file *file, const struct elf_image *image,
	     struct err *err)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct elf_segment *segment = &image->segments[i];
		uint64_t rest = segment->memory_size - segment->file_size;
		int rc = loader_claim(loader, file, "a segment", segment->physical,
				      segment->memory_size, err);

		if (!rc)
			rc = loader_read(loader, file, segment->offset, segment->physical,
					 segment->file_size, err);
		if (rc)
			return rc;
		rc = loader_zero(loader, segment->physical + segment->file_size, rest);
		if (rc)
			return err_set(err, rc, "boot: %s: a segment cannot be cleared: %s",
				       file->path, err_text(rc));
	}
	return 0;
}

int elf_entry_address(const struct boot_file *file, const struct elf_image *image, uint64_t entry,
		      uint64_t *address, struct err *err)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (entry >= segment->physical &&
		    entry - segment->physical < segment->memory_size) {
			*address = entry;
			return 0;
		}
	}
	for (size_t i = 0; i < image->count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (entry >= segment->virtual && entry - segment->virtual < segment->memory_size) {
			*address = entry - segment->virtual + segment->physical;
			return 0;
		}
	}
	return err_set(err, -ENOEXEC,
		       "boot: %s: not a kernel that can be loaded: its entry, 0x%llx, is in none "
		       "of its segments",
		       file->path, (unsigned long long)entry);
}
