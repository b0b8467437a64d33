/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of a Multiboot kernel (Multiboot specification 0.6.96, 3.1), and loading it. */

#ifndef FERRY_ARCH_LOADER_MULTIBOOT_H
#define FERRY_ARCH_LOADER_MULTIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/load.h"
#include "vmm/base/err.h"

enum { MULTIBOOT_SEARCH = 8192 };

struct multiboot_header {
	uint64_t offset; /* in the file */
	uint32_t flags;
	bool has_addresses; /* the next five are there, instead of ELF segments */
	uint32_t header_address;
	uint32_t load_address;
	uint32_t load_end; /* 0: to the file's end */
	uint32_t bss_end;  /* 0: none */
	uint32_t entry;
};

/* Whether the file's first @size bytes hold a header, all of it, with its checksum right. */
bool multiboot_find(const uint8_t *bytes, size_t size, struct multiboot_header *header);

/* Loads the kernel, by its addresses or as ELF32; *@entry is its physical entry. */
int multiboot_load(struct loader *loader, const struct boot_file *file,
		   const struct multiboot_header *header, uint64_t *entry,
		   struct err *err) FERRY_MUST_CHECK;

#endif
