/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a device tree into a file, for a person and for dtc. */

#include "arch/fdt/dump.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/dump.h"
#include "arch/fdt/tree.h"

int dt_dump(const char *path, dt_build build, const void *config, struct err *err)
{
	void *blob = calloc(1, DT_SIZE_MAX);
	int rc;

	if (!blob)
		return err_set(err, -ENOMEM, "device tree dump: out of memory");
	rc = build(config, blob, DT_SIZE_MAX, err);
	if (rc >= 0)
		rc = dump_file("device tree dump", path, blob, (size_t)rc, err);
	free(blob);
	return rc;
}
