/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's RAM: host memory by the piece, huge pages, and copying in and out of it. */

#include "memory/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/hugepages.h"
#include "memory/nodes.h"
#include "memory/ram_file.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/page.h"

struct ram {
	size_t count;
	uint64_t total;
	uint64_t huge_page_size; /* 0: ordinary pages */
	int file;                /* that it is made of, kept to be shared; negative: none */
	bool zero;               /* nothing else was in it */
	struct populate_place place;
	struct nodes nodes;
	struct mem_region pieces[RAM_PIECES_MAX];
};

static int ram_check_pieces(const struct ram_range *pieces, size_t count, uint64_t page_size,
			    struct err *err)
{
	if (count == 0 || count > RAM_PIECES_MAX)
		return err_set(err, -EINVAL, "guest memory: %zu pieces: 1 to %d are possible",
			       count, RAM_PIECES_MAX);
	for (size_t i = 0; i < count; i++) {
		uint64_t base = pieces[i].base, size = pieces[i].size;

		if (size == 0 || !is_aligned(base, page_size) || !is_aligned(size, page_size))
			return err_set(err, -EINVAL,
				       "guest memory: 0x%" PRIx64 " bytes at 0x%" PRIx64
				       ": not a multiple of the page size of %" PRIu64
				       " KiB: choose a size that is",
				       size, base, page_size / KIB);
		if (base > UINT64_MAX - (size - 1) || size > SIZE_MAX / 2)
			return err_set(err, -ERANGE,
				       "guest memory: 0x%" PRIx64 " bytes at 0x%" PRIx64
				       ": past the end of the address space",
				       size, base);
		if (i > 0 && (base < pieces[i - 1].base ||
			      ranges_overlap(base, size, pieces[i - 1].base, pieces[i - 1].size)))
			return err_set(err, -EINVAL,
				       "guest memory: the piece at 0x%" PRIx64
				       ": it does not follow the one at 0x%" PRIx64,
				       base, pieces[i - 1].base);
	}
	return 0;
}

/*
 * Ordinary pages, at an address that agrees with @base modulo a huge page, so that one entry of a
 * page table can map all of it on both sides; and modulo @page_size, if that is more. NULL with
 * errno set.
 */
static void *ram_map_aligned(uint64_t base, size_t size, uint64_t page_size)
{
	/* What one page table of the host's maps: its entries have 8 bytes. */
	uint64_t table = host_page_size() / 8 * host_page_size();
	uint64_t alignment = page_size > table ? page_size : table;
	size_t reserved = size + alignment, before, after;
	char *start =
		mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	before = (base - (uintptr_t)start) & (alignment - 1);
	after = reserved - before - size;
	if (before > 0)
		munmap(start, before);
	if (after > 0)
		munmap(start + before + size, after);
	return start + before;
}

/*
 * Huge pages: the kernel aligns the mapping itself. It sets them aside now (no MAP_NORESERVE), so
 * that a shortage is an error here and not a SIGBUS later. NULL with errno set.
 */
static void *ram_map_huge(size_t size, uint64_t page_size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		    (__builtin_ctzll(page_size) << MAP_HUGE_SHIFT);
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	return start == MAP_FAILED ? NULL : start;
}

/*
 * A part of a file, shared with whoever else has it. At an address as of ordinary pages, and a
 * multiple of a huge page of the file's. NULL with errno set.
 */
static void *ram_map_file(const struct ram *ram, const struct ram_range *range, uint64_t offset)
{
	void *start = ram_map_aligned(range->base, range->size, ram->huge_page_size), *shared;

	if (!start)
		return NULL;
	shared = mmap(start, range->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram->file,
		      (off_t)offset);
	if (shared != MAP_FAILED)
		return shared;
	munmap(start, range->size);
	return NULL;
}

static uint64_t ram_held_bytes(const struct ram *ram)
{
	uint64_t held = 0;

	for (size_t i = 0; i < ram->count; i++)
		held += ram->pieces[i].size;
	return held;
}

static void *ram_map_range(const struct ram *ram, const struct ram_range *range)
{
	if (ram->file >= 0)
		return ram_map_file(ram, range, ram_held_bytes(ram));
	if (ram->huge_page_size)
		return ram_map_huge(range->size, ram->huge_page_size);
	return ram_map_aligned(range->base, range->size, 0);
}

static int ram_map_piece(struct ram *ram, const struct ram_range *range, struct err *err)
{
	struct mem_region *piece = &ram->pieces[ram->count];
	bool huge = ram->huge_page_size != 0;
	void *host = ram_map_range(ram, range);

	if (!host)
		return huge ? hugepages_explain(ram->huge_page_size, ram->total,
						ram_held_bytes(ram), -errno, err)
			    : err_set(err, -errno,
				      "guest memory: %" PRIu64 " MiB at 0x%" PRIx64
				      ": %s: ask for less with --memory, or free some",
				      range->size / MIB, range->base, err_text(errno));
	piece->name = "RAM";
	piece->kind = MEM_RAM;
	piece->host = host;
	piece->size = range->size;
	ram->count++;
	if (madvise(host, range->size, MADV_DONTFORK) < 0)
		return err_set(err, -errno, "guest memory: keeping it from child processes: %s",
			       err_text(errno));
	/* Both are wishes: a kernel without transparent huge pages or core dumps refuses them. */
	madvise(host, range->size, MADV_DONTDUMP);
	if (!huge)
		madvise(host, range->size, MADV_HUGEPAGE);
	return 0;
}

static int ram_populate_all(struct ram *ram, struct err *err)
{
	for (size_t i = 0; i < ram->count; i++) {
		int rc = ram_populate(ram, i, NULL);

		if (rc)
			return err_set(err, rc,
				       "guest memory: populating %" PRIu64
				       " MiB: %s: ask for less with --memory, or free some",
				       ram->total / MIB, err_text(rc));
	}
	return 0;
}

static int ram_put_in_map(struct ram *ram, struct mem_map *map, const struct ram_range *pieces,
			  struct err *err)
{
	struct mem_change changes[RAM_PIECES_MAX];

	for (size_t i = 0; i < ram->count; i++)
		changes[i] = (struct mem_change){.region = &ram->pieces[i],
						 .base = pieces[i].base,
						 .add = true};
	return mem_map_apply(map, changes, ram->count, MEM_ALL_OR_NOTHING, err);
}

/* The one that was given, or one for others to have; negative: it needs none. */
static int ram_open_file(struct ram *ram, const struct ram_config *config, struct err *err)
{
	if (!config->fd && !config->shared)
		return 0;
	if (config->fd)
		ram->file = fcntl(config->fd, F_DUPFD_CLOEXEC, 0);
	else
		ram->file = ram_file_create(ram->total, ram->huge_page_size);
	if (config->fd && ram->file < 0)
		ram->file = -errno;
	if (ram->file >= 0)
		return 0;
	return err_set(err, ram->file, "guest memory: a file of %" PRIu64 " MiB: %s",
		       ram->total / MIB, err_text(ram->file));
}

struct ram *ram_create(struct mem_map *map, const struct ram_range *pieces, size_t count,
		       const struct ram_config *config, struct err *err)
{
	uint64_t page_size = config->page_size != 0 ? config->page_size : host_page_size();
	struct ram *ram;

	if (!config->fd && config->page_size != 0 && config->page_size != 2 * MIB &&
	    config->page_size != GIB) {
		err_set(err, -EINVAL,
			"guest memory: pages of %" PRIu64 " bytes: they can be of 2 MiB or 1 GiB",
			config->page_size);
		return NULL;
	}
	if (ram_check_pieces(pieces, count, page_size, err) < 0)
		return NULL;
	ram = calloc(1, sizeof(*ram));
	if (!ram) {
		err_set(err, -ENOMEM, "guest memory: out of memory");
		return NULL;
	}
	ram->huge_page_size = config->page_size;
	ram->file = -1;
	ram->zero = !config->fd;
	ram->place = config->place;
	populate_find_nodes(&ram->place, &ram->nodes);
	ram->place.nodes = &ram->nodes;
	for (size_t i = 0; i < count; i++)
		ram->total += pieces[i].size;
	if (ram_open_file(ram, config, err) < 0)
		goto fail;
	for (size_t i = 0; i < count; i++)
		if (ram_map_piece(ram, &pieces[i], err) < 0)
			goto fail;
	/* It stays for who comes later. */
	if (!config->shared)
		fd_close(&ram->file);
	if (config->prealloc && ram_populate_all(ram, err) < 0)
		goto fail;
	if (ram_put_in_map(ram, map, pieces, err) < 0)
		goto fail;
	return ram;
fail:
	ram_destroy(ram);
	return NULL;
}

void ram_destroy(struct ram *ram)
{
	if (!ram)
		return;
	for (size_t i = ram->count; i-- > 0;) {
		mem_map_del(&ram->pieces[i]);
		munmap(ram->pieces[i].host, ram->pieces[i].size);
	}
	fd_close(&ram->file);
	free(ram);
}

size_t ram_piece_count(const struct ram *ram)
{
	return ram->count;
}

const struct mem_region *ram_piece(const struct ram *ram, size_t index)
{
	return index < ram->count ? &ram->pieces[index] : NULL;
}

uint64_t ram_total(const struct ram *ram)
{
	return ram->total;
}

bool ram_begins_zero(const struct ram *ram)
{
	return ram->zero;
}

int ram_file(const struct ram *ram, size_t index, uint64_t *offset)
{
	*offset = 0;
	for (size_t i = 0; i < index; i++)
		*offset += ram->pieces[i].size;
	return ram->file;
}

uint64_t ram_page_size(const struct ram *ram)
{
	return ram->huge_page_size ? ram->huge_page_size : host_page_size();
}

static const struct mem_region *ram_piece_at(const struct ram *ram, uint64_t gpa)
{
	for (size_t i = 0; i < ram->count; i++)
		if (gpa >= ram->pieces[i].base && gpa - ram->pieces[i].base < ram->pieces[i].size)
			return &ram->pieces[i];
	return NULL;
}

void *ram_host(const struct ram *ram, uint64_t gpa, uint64_t size)
{
	const struct mem_region *piece = ram_piece_at(ram, gpa);

	if (!piece || !range_fits(gpa - piece->base, size, piece->size))
		return NULL;
	return (char *)piece->host + (gpa - piece->base);
}

int ram_guest(const struct ram *ram, const void *host, uint64_t *gpa)
{
	for (size_t i = 0; i < ram_piece_count(ram); i++) {
		const struct mem_region *piece = ram_piece(ram, i);
		uintptr_t offset = (uintptr_t)host - (uintptr_t)piece->host;

		if ((uintptr_t)host >= (uintptr_t)piece->host && offset < piece->size) {
			*gpa = piece->base + offset;
			return 0;
		}
	}
	return -ENOENT;
}

void *ram_part(const struct ram *ram, uint64_t gpa, uint64_t size, uint64_t *part)
{
	const struct mem_region *piece = ram_piece_at(ram, gpa);
	uint64_t rest;

	if (!piece)
		return NULL;
	rest = piece->size - (gpa - piece->base);
	*part = size < rest ? size : rest;
	return (char *)piece->host + (gpa - piece->base);
}

static int ram_check_range(const struct ram *ram, uint64_t gpa, uint64_t size)
{
	uint64_t part = 0;

	if (size > ram->total || (size > 0 && gpa > UINT64_MAX - (size - 1)))
		return -EFAULT;
	for (; size > 0; gpa += part, size -= part)
		if (!ram_part(ram, gpa, size, &part))
			return -EFAULT;
	return 0;
}

int ram_write(struct ram *ram, uint64_t gpa, const void *data, size_t size)
{
	const char *from = data;
	uint64_t part = 0;

	if (ram_check_range(ram, gpa, size) < 0)
		return -EFAULT;
	for (; size > 0; gpa += part, from += part, size -= part) {
		char *to = ram_part(ram, gpa, size, &part);

		memcpy(to, from, part);
	}
	return 0;
}

int ram_read(const struct ram *ram, uint64_t gpa, void *data, size_t size)
{
	char *to = data;
	uint64_t part = 0;

	if (ram_check_range(ram, gpa, size) < 0)
		return -EFAULT;
	for (; size > 0; gpa += part, to += part, size -= part) {
		const char *from = ram_part(ram, gpa, size, &part);

		memcpy(to, from, part);
	}
	return 0;
}

int ram_clear(struct ram *ram, uint64_t gpa, uint64_t size)
{
	uint64_t part = 0;

	if (ram_check_range(ram, gpa, size) < 0)
		return -EFAULT;
	for (; size > 0; gpa += part, size -= part) {
		char *to = ram_part(ram, gpa, size, &part);

		memset(to, 0, part);
	}
	return 0;
}

int ram_populate(const struct ram *ram, size_t index, const struct populate_watch *watch)
{
	const struct mem_region *piece = &ram->pieces[index];

	return populate_spread(&ram->place, piece->host, piece->size, ram->huge_page_size, watch);
}
