/* SPDX-License-Identifier: BSD-3-Clause */
/* A device tree as it is written, node by node, over libfdt. */

#include "arch/fdt/tree.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

void dt_create(struct dt *dt, void *blob, size_t size)
{
	*dt = (struct dt){.blob = blob, .size = size < DT_SIZE_MAX ? size : DT_SIZE_MAX};
	dt->failure = fdt_create(blob, (int)dt->size);
	if (!dt->failure)
		dt->failure = fdt_finish_reservemap(blob);
}

int dt_finish(struct dt *dt, const char *cmdline, struct err *err)
{
	if (!dt->failure)
		dt->failure = fdt_finish(dt->blob);
	if (!dt->failure)
		return (int)fdt_totalsize(dt->blob);
	/* Anything else would be a fault of whoever wrote it. */
	assert(dt->failure == -FDT_ERR_NOSPACE);
	return err_set(err, -ENOSPC,
		       "device tree: a command line of %zu bytes: the tree does not fit the %zu "
		       "bytes that it may have: give a shorter command line",
		       cmdline ? strlen(cmdline) : 0, dt->size);
}

void dt_begin(struct dt *dt, const char *name)
{
	if (!dt->failure)
		dt->failure = fdt_begin_node(dt->blob, name);
}

void dt_begin_at(struct dt *dt, const char *name, uint64_t address)
{
	char text[64];

	snprintf(text, sizeof(text), "%s@%" PRIx64, name, address);
	dt_begin(dt, text);
}

void dt_end(struct dt *dt)
{
	if (!dt->failure)
		dt->failure = fdt_end_node(dt->blob);
}

void dt_bytes(struct dt *dt, const char *name, const void *bytes, size_t size)
{
	if (!dt->failure)
		dt->failure = size > DT_SIZE_MAX ? -FDT_ERR_NOSPACE
						 : fdt_property(dt->blob, name, bytes, (int)size);
}

void dt_flag(struct dt *dt, const char *name)
{
	dt_bytes(dt, name, NULL, 0);
}

void dt_string(struct dt *dt, const char *name, const char *string)
{
	dt_bytes(dt, name, string, strlen(string) + 1);
}

void dt_cells(struct dt *dt, const char *name, const uint32_t *cells, size_t count)
{
	uint32_t big[DT_CELLS_MAX];

	assert(count <= DT_CELLS_MAX);
	for (size_t i = 0; i < count; i++)
		big[i] = htobe32(cells[i]);
	dt_bytes(dt, name, big, count * sizeof(*big));
}

void dt_u32(struct dt *dt, const char *name, uint32_t value)
{
	dt_cells(dt, name, &value, 1);
}

void dt_u64(struct dt *dt, const char *name, uint64_t value)
{
	dt_list(dt, name, dt_high(value), dt_low(value));
}

void dt_reg(struct dt *dt, uint64_t base, uint64_t size)
{
	dt_list(dt, "reg", dt_high(base), dt_low(base), dt_high(size), dt_low(size));
}

void dt_sizes(struct dt *dt, uint32_t address_cells, uint32_t size_cells)
{
	dt_u32(dt, "#address-cells", address_cells);
	dt_u32(dt, "#size-cells", size_cells);
}
