/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds room for all initrds together and reads them there, one behind the other. */

#include "arch/loader/initrd.h"

#include <errno.h>

#include "vmm/base/bits.h"

enum { PADDING = 4 };

uint64_t initrd_size(const struct boot_source *source)
{
	uint64_t size = 0;

	for (size_t i = 0; i < source->initrd_count; i++) {
		uint64_t one = source->initrds[i].size;

		if (one > UINT64_MAX / (2 * BOOT_INITRDS_MAX))
			return UINT64_MAX / 2;
		size += align_up(one, PADDING);
	}
	return size;
}

static int initrd_read_all(struct loader *loader, const struct boot_source *source, uint64_t gpa,
			   struct err *err)
{
	for (size_t i = 0; i < source->initrd_count; i++) {
		const struct boot_file *file = &source->initrds[i];
		uint64_t padded = align_up(file->size, PADDING);
		int rc = loader_read(loader, file, 0, gpa, file->size, err);

		if (rc)
			return rc;
		rc = loader_zero(loader, gpa + file->size, padded - file->size);
		if (rc)
			return err_set(err, rc, "boot: %s: its padding: %s", file->path,
				       err_text(rc));
		gpa += padded;
	}
	return 0;
}

int initrd_load(struct loader *loader, const struct boot_source *source, uint64_t alignment,
		uint64_t last, struct ram_range *place, struct err *err)
{
	uint64_t size = initrd_size(source), base;
	int rc;

	*place = (struct ram_range){0};
	if (size == 0)
		return 0;
	rc = loader_find(loader, size, alignment, last, &base);
	if (rc)
		return err_set(err, rc,
			       "boot: initrd: %s%s: too large: it needs %llu KiB, the guest has "
			       "room for %llu KiB beside the kernel: give the guest more memory",
			       source->initrds[0].path,
			       source->initrd_count > 1 ? " and others" : "",
			       (unsigned long long)((size + KIB - 1) / KIB),
			       (unsigned long long)(loader_room(loader, last) / KIB));
	rc = loader_claim(loader, &source->initrds[0], "the initrd", base, size, err);
	if (!rc)
		rc = initrd_read_all(loader, source, base, err);
	if (!rc)
		*place = (struct ram_range){base, size};
	return rc;
}
