/* SPDX-License-Identifier: BSD-3-Clause */
/* A device of any shape: what an input makes of the fake one. */

#ifndef FERRY_TESTS_FUZZ_SHAPE_H
#define FERRY_TESTS_FUZZ_SHAPE_H

#include <errno.h>
#include <linux/pci_regs.h>

#include "tests/fuzz/input.h"
#include "tests/unit/support/fake_vfio.h"

enum { PATCHES_MAX = 16, TAIL_MAX = 96 };

/* From bytes to a whole gigabyte, and odd ones. */
static inline uint64_t take_size(struct input *input)
{
	uint8_t shift = take8(input);
	uint64_t size = (uint64_t)1 << (shift & 31);

	return shift & 0x80 ? size + take8(input) : size;
}

static inline void shape_region(struct input *input, struct fake_region *region)
{
	uint8_t bytes[TAIL_MAX];
	size_t size;

	region->flags = take8(input) & 0xf;
	region->size = take8(input) & 1 ? take_size(input) : take64(input);
	region->shy = take8(input) & 1;
	region->error = take8(input) == 0xff ? -EINVAL : 0;
	size = take8(input) % (TAIL_MAX + 1);
	take(input, bytes, size);
	if (size == 0)
		return;
	fake_vfio_tail(region, bytes, size);
	if (take8(input) & 1)
		region->first_offset = (uint32_t)take64(input);
}

static inline void shape_bus(struct input *input, struct fake_vfio *fake)
{
	fake->dependents = take8(input) % (FAKE_DEPENDENTS + 1);
	for (uint32_t i = 0; i < fake->dependents; i++)
		fake->dependent[i] = (struct vfio_pci_dependent_device){.group_id = take8(input),
									.devfn = (uint8_t)i};
}

static inline void shape_interrupts(struct input *input, struct fake_vfio *fake)
{
	static const uint16_t counts[FAKE_IRQS] = {1, 32, 2048, 1, 1};

	for (unsigned int i = 0; i < FAKE_IRQS; i++) {
		struct vfio_irq_info *info = &fake->irqs[i];

		info->flags = take8(input);
		info->count = take16(input) % (counts[i] + 1U);
	}
	fake->vectors_max = take8(input);
}

/* What the healthy device is like is kept where the input does not say otherwise. */
static inline void shape_device(struct input *input, struct fake_vfio *fake)
{
	uint8_t what = take8(input), patches;

	if (!(what & 1))
		fake->regions[VFIO_PCI_CONFIG_REGION_INDEX].size = PCI_CONFIG_SIZE;
	if (what & 2)
		fake->info.flags = take8(input);
	if (what & 4)
		fake->info.num_regions = take8(input);
	if (what & 8) {
		fake->dies_in_reset = take8(input) & 1;
		shape_bus(input, fake);
	}
	if (what & 16)
		shape_interrupts(input, fake);
	for (unsigned int i = 0; i < VFIO_PCI_CONFIG_REGION_INDEX && (what & 32); i++)
		if (take8(input) & 1)
			shape_region(input, &fake->regions[i]);
	patches = what & 64 ? take8(input) % PATCHES_MAX : 0;
	for (uint8_t i = 0; i < patches; i++) {
		unsigned int offset = take16(input) % PCIE_CONFIG_SIZE,
			     size = 1 << (take8(input) & 3);

		if (offset + size <= PCIE_CONFIG_SIZE)
			fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, offset, size,
				       take64(input));
	}
}

#endif
