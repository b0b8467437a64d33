/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's RAM: host memory by the piece, huge pages, and copying in and out of it. */

#ifndef FERRY_MEMORY_RAM_H
#define FERRY_MEMORY_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/map.h"
#include "memory/populate.h"
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
	/*
	 * The file that it is made of, which ram_file_check() has looked at: the pieces one behind
	 * the other from its beginning on, in pages of @page_size where that is not 0. It stays the
	 * caller's, and is not needed for longer. 0: memory of its own.
	 */
	int fd;
	bool shared; /* another process is to have it: ram_file() has a file of it */
	struct populate_place place; /* its pins stay the caller's as long as the RAM */
};

struct ram;

/*
 * Reserves host memory for @pieces (ascending, disjoint, sizes and bases multiples of the page
 * size) and puts one RAM region for each into @map. GPA, host address and offset agree modulo the
 * huge page size (at least 2 MiB). Private anonymous memory, or a shared file's, never copied on
 * fork (MADV_DONTFORK). NULL with @err set: too few huge pages of the size asked (says how many are
 * free and how to get more), out of memory, overlap.
 */
struct ram *ram_create(struct mem_map *map, const struct ram_range *pieces, size_t count,
		       const struct ram_config *config, struct err *err);

/* Takes the regions out of their map and unmaps the memory. NULL is allowed. */
void ram_destroy(struct ram *ram);

size_t ram_piece_count(const struct ram *ram);
const struct mem_region *ram_piece(const struct ram *ram, size_t index);
uint64_t ram_total(const struct ram *ram);
/*
 * The file that piece @index lies in, from *@offset on, as another process maps it; it stays the
 * RAM's. -1 unless it was asked to be shared.
 */
int ram_file(const struct ram *ram, size_t index, uint64_t *offset);
/* Whether it was created with nothing but zeros in it. A file may hold anything. */
bool ram_begins_zero(const struct ram *ram);
/* Of the host's pages that hold it, bytes. */
uint64_t ram_page_size(const struct ram *ram);

/* The host address of [@gpa, @gpa + @size), or NULL when it is not wholly inside one piece. */
void *ram_host(const struct ram *ram, uint64_t gpa, uint64_t size);

/*
 * The host address of the longest part of [@gpa, @gpa + @size) that starts there and lies in one
 * piece, its length in *@part; NULL when @gpa is not RAM.
 */
void *ram_part(const struct ram *ram, uint64_t gpa, uint64_t size, uint64_t *part);

/* The guest's address of @host, the other way round; -ENOENT when it is not of its RAM. */
int ram_guest(const struct ram *ram, const void *host, uint64_t *gpa) FERRY_MUST_CHECK;

/*
 * Copies into or out of guest RAM; -EFAULT, and nothing is copied, when the range is not all RAM.
 * May cross pieces that touch.
 */
int ram_write(struct ram *ram, uint64_t gpa, const void *data, size_t size) FERRY_MUST_CHECK;
int ram_read(const struct ram *ram, uint64_t gpa, void *data, size_t size) FERRY_MUST_CHECK;

/* Clears a range, likewise. */
int ram_clear(struct ram *ram, uint64_t gpa, uint64_t size) FERRY_MUST_CHECK;

/*
 * Populates piece @index by populate_spread(), near to the processors named at creation; the guest
 * may be running. 0, also when @watch (which may be NULL) stopped it, or a negative errno.
 */
int ram_populate(const struct ram *ram, size_t index,
		 const struct populate_watch *watch) FERRY_MUST_CHECK;

#endif
