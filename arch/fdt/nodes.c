/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nodes that every machine with a device tree has, as Linux's bindings (Documentation/
 * devicetree) want them.
 */

#include "arch/fdt/nodes.h"

#include <inttypes.h>
#include <stdio.h>

enum { PVPANIC_SIZE = 2 }; /* of its registers */

void dt_begin_root(struct dt *dt, const char *compatible, uint32_t interrupt_parent)
{
	dt_begin(dt, "");
	dt_string(dt, "model", "Ferry");
	dt_string(dt, "compatible", compatible);
	dt_sizes(dt, 2, 2);
	dt_u32(dt, "interrupt-parent", interrupt_parent);
}

void dt_add_chosen(struct dt *dt, const struct platform *platform, const struct dt_boot *boot,
		   const char *console, uint64_t serial_base)
{
	char text[64];

	dt_begin(dt, "chosen");
	if (boot->cmdline) {
		dt_string(dt, "bootargs", boot->cmdline);
	} else if (platform->serial) {
		snprintf(text, sizeof(text), "console=%s", console);
		dt_string(dt, "bootargs", text);
	}
	if (boot->initrd_size) {
		dt_u64(dt, "linux,initrd-start", boot->initrd_base);
		dt_u64(dt, "linux,initrd-end", boot->initrd_base + boot->initrd_size);
	}
	if (boot->seeded) {
		dt_u64(dt, "kaslr-seed", boot->kaslr_seed);
		dt_bytes(dt, "rng-seed", boot->rng_seed, sizeof(boot->rng_seed));
	}
	if (platform->serial) {
		snprintf(text, sizeof(text), "/serial@%" PRIx64, serial_base);
		dt_string(dt, "stdout-path", text);
	}
	dt_end(dt);
}

/* One node for each piece, so that the holes between them are no memory. */
void dt_add_memory(struct dt *dt, const struct platform *platform)
{
	for (size_t i = 0; i < platform->ram_count; i++) {
		dt_begin_at(dt, "memory", platform->ram[i].base);
		dt_string(dt, "device_type", "memory");
		dt_reg(dt, platform->ram[i].base, platform->ram[i].size);
		dt_end(dt);
	}
}

void dt_add_pvpanic(struct dt *dt, uint64_t base)
{
	dt_begin_at(dt, "pvpanic", base);
	dt_string(dt, "compatible", "qemu,pvpanic-mmio");
	dt_reg(dt, base, PVPANIC_SIZE);
	dt_end(dt);
}
