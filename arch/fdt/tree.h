/* SPDX-License-Identifier: BSD-3-Clause */
/* A device tree as it is written, node by node, over libfdt. */

#ifndef FERRY_ARCH_FDT_TREE_H
#define FERRY_ARCH_FDT_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	DT_SIZE_MAX = 2 << 20, /* the most a kernel takes (Documentation/arm64/booting.rst) */
	DT_CELLS_MAX = 32,     /* in one dt_cells() */
};

/* The tree as it grows; after the first failure nothing is added any more. */
struct dt {
	void *blob;
	size_t size;
	int failure; /* of libfdt, negative */
};

/* Begins a tree in @blob, of which DT_SIZE_MAX bytes of @size at most are used. */
void dt_create(struct dt *dt, void *blob, size_t size);

/*
 * Ends it. The bytes used, or -ENOSPC with @err saying that @cmdline, the one thing in it of no
 * known size, is too long. NULL: there is none.
 */
int dt_finish(struct dt *dt, const char *cmdline, struct err *err) FERRY_MUST_CHECK;

/* A node, to be ended; the second with the @address that its first register has. */
void dt_begin(struct dt *dt, const char *name);
void dt_begin_at(struct dt *dt, const char *name, uint64_t address);
void dt_end(struct dt *dt);

/* Properties of the node that was begun last. */
void dt_bytes(struct dt *dt, const char *name, const void *bytes, size_t size);
void dt_flag(struct dt *dt, const char *name);
void dt_string(struct dt *dt, const char *name, const char *string);
void dt_cells(struct dt *dt, const char *name, const uint32_t *cells, size_t count);
void dt_u32(struct dt *dt, const char *name, uint32_t value);
void dt_u64(struct dt *dt, const char *name, uint64_t value);

/* "reg" of one range, where both are of two cells. */
void dt_reg(struct dt *dt, uint64_t base, uint64_t size);

/* "#address-cells" and "#size-cells". */
void dt_sizes(struct dt *dt, uint32_t address_cells, uint32_t size_cells);

/* Several strings in one property; each ends with a NUL, the last with that of the literal. */
#define dt_strings(dt, name, literal) dt_bytes(dt, name, literal, sizeof(literal))

#define dt_list(dt, name, ...)                                                                     \
	dt_cells(dt, name, (const uint32_t[]){__VA_ARGS__},                                        \
		 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static inline uint32_t dt_high(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static inline uint32_t dt_low(uint64_t value)
{
	return (uint32_t)value;
}

#endif
