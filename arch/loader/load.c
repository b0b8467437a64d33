/* SPDX-License-Identifier: BSD-3-Clause */
/* Claims on guest RAM, and reading files into what was claimed. */

#include "arch/loader/load.h"

#include <errno.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

static const struct ram_range *load_claim_in_the_way(const struct loader *loader, uint64_t base,
						     uint64_t size)
{
	for (size_t i = 0; i < loader->count; i++)
		if (ranges_overlap(base, size, loader->claims[i].base, loader->claims[i].size))
			return &loader->claims[i];
	return NULL;
}

bool loader_is_free(const struct loader *loader, uint64_t base, uint64_t size)
{
	if (size == 0)
		return true;
	return ram_host(loader->ram, base, size) && !load_claim_in_the_way(loader, base, size);
}

int loader_claim(struct loader *loader, const struct boot_file *file, const char *what,
		 uint64_t base, uint64_t size, struct err *err)
{
	if (size == 0)
		return 0;
	if (!ram_host(loader->ram, base, size))
		return err_set(err, -ENOSPC,
			       "boot: %s: %s needs guest addresses 0x%llx to 0x%llx, which are not "
			       "all memory; the guest has %llu MiB: give it more",
			       file->path, what, (unsigned long long)base,
			       (unsigned long long)(base + (size - 1)),
			       (unsigned long long)(ram_total(loader->ram) / MIB));
	if (load_claim_in_the_way(loader, base, size) || loader->count == LOADER_CLAIMS_MAX)
		return err_set(err, -EBUSY,
			       "boot: %s: %s at guest address 0x%llx, %llu bytes, overlaps another "
			       "part or what the platform keeps there",
			       file->path, what, (unsigned long long)base,
			       (unsigned long long)size);
	loader->claims[loader->count++] = (struct ram_range){base, size};
	return 0;
}

/* The highest place in one piece of RAM; claims push the candidate down, each at most once. */
static bool load_find_in_piece(const struct loader *loader, struct ram_range piece, uint64_t size,
			       uint64_t alignment, uint64_t last, uint64_t *base)
{
	uint64_t end = piece.base + piece.size;

	if (last < end - 1)
		end = last + 1;
	while (end > piece.base && end - piece.base >= size) {
		uint64_t candidate = align_down(end - size, alignment);
		const struct ram_range *claim;

		if (candidate < piece.base)
			return false;
		claim = load_claim_in_the_way(loader, candidate, size);
		if (!claim) {
			*base = candidate;
			return true;
		}
		end = claim->base;
	}
	return false;
}

int loader_find(const struct loader *loader, uint64_t size, uint64_t alignment, uint64_t last,
		uint64_t *base)
{
	if (size == 0)
		return -ENOSPC;
	for (size_t i = ram_piece_count(loader->ram); i-- > 0;) {
		const struct mem_region *region = ram_piece(loader->ram, i);
		struct ram_range piece = {region->base, region->size};

		if (load_find_in_piece(loader, piece, size, alignment, last, base))
			return 0;
	}
	return -ENOSPC;
}

uint64_t loader_room(const struct loader *loader, uint64_t last)
{
	uint64_t fits = 0, base;

	for (uint64_t step = (uint64_t)1 << 47; step >= KIB; step /= 2)
		if (loader_find(loader, fits + step, 1, last, &base) == 0)
			fits += step;
	return fits;
}

/* The sentence for a file that could not be read as far as it must. */
static int load_read_failed(const struct boot_file *file, int rc, uint64_t offset, uint64_t size,
			    struct err *err)
{
	if (rc == -ENODATA)
		return err_set(
			err, rc,
			"boot: %s: the file is truncated: it has %llu bytes, %llu are needed",
			file->path, (unsigned long long)file->size,
			(unsigned long long)(offset > UINT64_MAX - size ? UINT64_MAX
									: offset + size));
	return err_set(err, rc, "boot: %s: cannot be read: %s", file->path, err_text(rc));
}

int loader_read(struct loader *loader, const struct boot_file *file, uint64_t offset, uint64_t gpa,
		uint64_t size, struct err *err)
{
	void *host;
	int rc;

	if (size == 0)
		return 0;
	host = ram_host(loader->ram, gpa, size);
	if (!host)
		return err_set(err, -EFAULT, "boot: %s: guest address 0x%llx is not memory",
			       file->path, (unsigned long long)gpa);
	if (!range_fits(offset, size, file->size))
		rc = -ENODATA;
	else
		rc = fd_read_at(file->fd, host, size, offset);
	return rc < 0 ? load_read_failed(file, rc, offset, size, err) : 0;
}

int loader_zero(struct loader *loader, uint64_t gpa, uint64_t size)
{
	if (loader->fresh || size == 0)
		return 0;
	return ram_clear(loader->ram, gpa, size);
}

int loader_read_header(const struct boot_file *file, uint64_t offset, void *buffer, size_t size,
		       struct err *err)
{
	int rc = -ENODATA;

	if (range_fits(offset, size, file->size))
		rc = fd_read_at(file->fd, buffer, size, offset);
	return rc < 0 ? load_read_failed(file, rc, offset, size, err) : 0;
}
