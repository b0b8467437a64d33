/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's RAM: host memory by the piece, huge pages, and copying in and out of it. */

#ifndef FERRY_MEMORY_RAM_H
#define FERRY_MEMORY_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/map.h"
#include "vmm/base/err.h"

enum { RAM_PIECES_MAX = 32 };

/* A range of guest-physical addresses. */
struct ram_range {
	uint64_t base;
	uint64_t size;
};

struct ram_config {
	uint64_t page_size; /* 0: the host's own with transparent huge pages; else 2 MiB or 1 GiB */
	bool prealloc;      /* populate before returning */
};

struct ram;

/*
 * Reserves host memory for @pieces (ascending, disjoint, sizes and bases multiples of the page size)
 * and puts one RAM region for each into @map. GPA, host address and offset agree modulo the huge
 * page size (at least 2 MiB). Private anonymous memory, never copied on fork (MADV_DONTFORK).
 * NULL with @err set: too few huge pages of the size asked (says how many are free and how to get
 * more), out of memory, overlap.
 */
struct ram *ram_create(struct mem_map *map, const struct ram_range *pieces, size_t count,
		       const struct ram_config *config, struct err *err);

/* Takes the regions out of their map and unmaps the memory. NULL is allowed. */
void ram_destroy(struct ram *ram);

size_t ram_piece_count(const struct ram *ram);
const struct mem_region *ram_piece(const struct ram *ram, size_t index);
uint64_t ram_total(const struct ram *ram);

/* The host address of [@gpa, @gpa + @size), or NULL when it is not wholly inside one piece. */
void *ram_host(const struct ram *ram, uint64_t gpa, uint64_t size);

/*
 * Copies into or out of guest RAM; -EFAULT, and nothing is copied, when the range is not all RAM. May
 * cross pieces that touch.
 */
int ram_write(struct ram *ram, uint64_t gpa, const void *data, size_t size) FERRY_MUST_CHECK;
int ram_read(const struct ram *ram, uint64_t gpa, void *data, size_t size) FERRY_MUST_CHECK;

/* Clears a range, likewise. */
int ram_clear(struct ram *ram, uint64_t gpa, uint64_t size) FERRY_MUST_CHECK;

/*
 * Populates the host pages of [@host, @host + @size) for writing with MADV_POPULATE_WRITE (Linux
 * 5.14; the guest may be running and writing: contents are kept), falling back to touching each page
 * with an atomic no-op. Whole pages that the range touches. Several threads may each do a part. 0 or
 * -errno (-ENOMEM, -EFAULT, -EHWPOISON, -EINVAL for memory that is not writable).
 */
int ram_populate(void *host, size_t size) FERRY_MUST_CHECK;

#endif
