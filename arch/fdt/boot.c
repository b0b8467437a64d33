/* SPDX-License-Identifier: BSD-3-Clause */
/* The device tree's part in a boot: its place in RAM, seeds, the command line that it carries. */

#include "arch/fdt/boot.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/random.h"

/* The tree's place; the small one where RAM is scarce. */
#define BOOT_PLACE       (2 * MIB)
#define BOOT_PLACE_SMALL (64 * KIB)
#define BOOT_RAM_SMALL   (64 * MIB)

int dt_check_cmdline(const struct boot_source *source, size_t most, struct err *err)
{
	size_t size = source->cmdline ? strlen(source->cmdline) : 0;

	if (size > most)
		return err_set(err, -E2BIG,
			       "boot: %s: the command line has %zu characters, the kernel takes at "
			       "most %zu: shorten it",
			       source->kernel.path, size, most);
	return 0;
}

int dt_place(struct loader *loader, const struct boot_file *kernel, uint64_t end,
	     struct ram_range *place, struct err *err)
{
	uint64_t total = ram_total(loader->ram);

	place->size = total < BOOT_RAM_SMALL ? BOOT_PLACE_SMALL : BOOT_PLACE;
	place->base = align_up(end, place->size);
	if (!loader_is_free(loader, place->base, place->size) &&
	    loader_find(loader, place->size, place->size, UINT64_MAX, &place->base))
		return err_set(err, -ENOSPC,
			       "boot: %s: beside the kernel there is no room for the device tree, "
			       "%llu KiB, the guest has %llu MiB of memory: give it more",
			       kernel->path, (unsigned long long)(place->size / KIB),
			       (unsigned long long)(total / MIB));
	return loader_claim(loader, kernel, "the device tree", place->base, place->size, err);
}

void dt_seed(struct dt_boot *boot)
{
	struct {
		uint64_t kaslr;
		uint8_t rng[DT_RNG_SEED_SIZE];
	} seeds;

	if (!random_fill(&seeds, sizeof(seeds)))
		return;
	boot->seeded = true;
	boot->kaslr_seed = seeds.kaslr;
	memcpy(boot->rng_seed, seeds.rng, sizeof(boot->rng_seed));
}

void *dt_room(struct loader *loader, const struct ram_range *place, struct err *err)
{
	void *host = ram_host(loader->ram, place->base, place->size);

	if (host && !loader_zero(loader, place->base, place->size))
		return host;
	err_set(err, -EFAULT, "boot: guest address 0x%llx cannot be written",
		(unsigned long long)place->base);
	return NULL;
}
