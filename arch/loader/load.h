/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting parts of files into guest RAM without two of them meeting. */

#ifndef FERRY_ARCH_LOADER_LOAD_H
#define FERRY_ARCH_LOADER_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "memory/ram.h"
#include "vmm/base/err.h"

enum { LOADER_CLAIMS_MAX = 160 };

/* The addresses that are taken; fill @ram and @fresh, the rest is the functions'. */
struct loader {
	struct ram *ram;
	bool fresh; /* RAM is as it was created, all zero: what is zero need not be cleared */
	size_t count;
	struct ram_range claims[LOADER_CLAIMS_MAX];
};

/*
 * Takes [@base, @base + @size) for one thing. -ENOSPC when it is not all in one piece of RAM,
 * -EBUSY when something has it already: @err says so of @what in @file. A size of 0 takes nothing.
 */
int loader_claim(struct loader *loader, const struct boot_file *file, const char *what,
		 uint64_t base, uint64_t size, struct err *err) FERRY_MUST_CHECK;

/* Whether loader_claim() would succeed. */
bool loader_is_free(const struct loader *loader, uint64_t base, uint64_t size);

/*
 * The highest free place for @size bytes at a multiple of @alignment (a power of two) whose last
 * byte is not above @last. -ENOSPC when there is none; nothing is claimed.
 */
int loader_find(const struct loader *loader, uint64_t size, uint64_t alignment, uint64_t last,
		uint64_t *base) FERRY_MUST_CHECK;

/* The most bytes that loader_find() could place; for messages. */
uint64_t loader_room(const struct loader *loader, uint64_t last);

/* Reads @size bytes of the file at @offset straight into RAM; @err says where the file is short. */
int loader_read(struct loader *loader, const struct boot_file *file, uint64_t offset, uint64_t gpa,
		uint64_t size, struct err *err) FERRY_MUST_CHECK;

/* Makes a claimed range zero, unless RAM is fresh. */
int loader_zero(struct loader *loader, uint64_t gpa, uint64_t size) FERRY_MUST_CHECK;

/* Reads a header from a file into the monitor's memory: all of @size bytes or an error. */
int loader_read_header(const struct boot_file *file, uint64_t offset, void *buffer, size_t size,
		       struct err *err) FERRY_MUST_CHECK;

#endif
