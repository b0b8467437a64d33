/* SPDX-License-Identifier: BSD-3-Clause */
/* ELF executables of 32 and 64 bits: headers checked, segments loaded where they ask to be. */

#ifndef FERRY_ARCH_LOADER_ELF_H
#define FERRY_ARCH_LOADER_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/load.h"
#include "vmm/base/err.h"

enum { ELF_SEGMENTS_MAX = 64 };

/* A PT_LOAD segment that takes memory; file_size <= memory_size, and neither range wraps. */
struct elf_segment {
	uint64_t offset;
	uint64_t file_size;
	uint64_t physical;
	uint64_t virtual;
	uint64_t memory_size;
};

struct elf_image {
	bool is_64;
	uint16_t machine;     /* EM_* */
	uint64_t entry;       /* as the header has it: physical or virtual */
	bool is_linux;        /* a note says so */
	bool is_high;         /* a segment is linked into the upper half, where no program may be */
	bool has_interpreter; /* PT_INTERP, as programs have it, and the BSDs' kernels */
	bool has_pvh;         /* a note XEN_ELFNOTE_PHYS32_ENTRY is there */
	uint32_t pvh_entry;
	size_t count;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/* Whether @bytes, the file's first, begin as an ELF file does. */
bool elf_is_image(const uint8_t *bytes, size_t size);

/* Reads and checks the header, program headers and notes. -ENOEXEC, -ENODATA with @err set. */
int elf_parse(const struct boot_file *file, struct elf_image *image,
	      struct err *err) FERRY_MUST_CHECK;

/* Claims, reads and clears the segments at their physical addresses. */
int elf_load(struct loader *loader, const struct boot_file *file, const struct elf_image *image,
	     struct err *err) FERRY_MUST_CHECK;

/*
 * The physical address of an entry point: @entry itself where a segment has it, else by way of the
 * segment that has it as a virtual address. -ENOEXEC when none has.
 */
int elf_entry_address(const struct boot_file *file, const struct elf_image *image, uint64_t entry,
		      uint64_t *address, struct err *err) FERRY_MUST_CHECK;

#endif
