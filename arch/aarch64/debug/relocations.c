/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an arm64 Linux kernel was linked to be, from the relocations that its Image carries. */

#include "arch/aarch64/debug/relocations.h"

#include <stddef.h>

#include "vmm/base/bits.h"

enum {
	RELATIVE = 0x403, /* R_AARCH64_RELATIVE, with no symbol */
	ENTRY_SIZE = 24,  /* Elf64_Rela: where, what, what to add */
	ENTRY_INFO = 8,
	ENTRY_ADDEND = 16,
	WORD = 8,
	RUN_SHORTEST = 16,
	SAMPLES = 64,
	ALIGNMENT = 0x10000, /* of every kernel's first byte since 4.6 */
};

/* Consecutive entries, the lowest and the highest place that they are about. */
struct relocated_run {
	uint64_t offset; /* in the Image */
	uint64_t count;
	uint64_t low;
	uint64_t high;
};

static uint64_t relocation_run_length(const struct relocated_image *image, uint64_t offset)
{
	uint64_t count = 0;

	while (range_fits(offset, ENTRY_SIZE, image->size) &&
	       load_le64(image->bytes + offset + ENTRY_INFO) == RELATIVE) {
		count++;
		offset += ENTRY_SIZE;
	}
	return count;
}

/* The longest run, which is the section's: its entries are sorted by kind. */
static struct relocated_run relocation_find_run(const struct relocated_image *image)
{
	struct relocated_run run = {.low = UINT64_MAX};
	uint64_t offset = 0;

	while (range_fits(offset, ENTRY_SIZE, image->size)) {
		uint64_t count = relocation_run_length(image, offset);

		if (count > run.count) {
			run.offset = offset;
			run.count = count;
		}
		offset += count > 0 ? count * ENTRY_SIZE : WORD;
	}
	for (uint64_t i = 0; i < run.count; i++) {
		uint64_t place = load_le64(image->bytes + run.offset + i * ENTRY_SIZE);

		run.low = place < run.low ? place : run.low;
		run.high = place > run.high ? place : run.high;
	}
	return run;
}

/* How many of the samples have in memory what the relocation would have put there. */
static unsigned int relocation_count_matches(const struct relocated_image *image,
					     const struct relocated_run *run, uint64_t samples,
					     uint64_t linked)
{
	unsigned int matches = 0;

	for (uint64_t i = 0; i < samples; i++) {
		const uint8_t *entry =
			image->bytes + run->offset + run->count * i / samples * ENTRY_SIZE;
		uint64_t place = load_le64(entry) - linked, value;
		uint64_t expected = load_le64(entry + ENTRY_ADDEND) + image->runtime - linked;

		if (range_fits(place, WORD, image->memory_size) &&
		    image->read(image->memory, place, &value) && value == expected)
			matches++;
	}
	return matches;
}

uint64_t relocations_find_linked(const struct relocated_image *image)
{
	struct relocated_run run = relocation_find_run(image);
	uint64_t samples = run.count < SAMPLES ? run.count : SAMPLES;
	uint64_t candidate = align_down(run.low, ALIGNMENT), linked = 0;
	unsigned int most = 0;

	if (run.count < RUN_SHORTEST)
		return 0;
	/* Each is nearer to the lowest place than an Image is long, so there are not many. */
	while (candidate != 0 && run.high - candidate < image->memory_size) {
		unsigned int matches = relocation_count_matches(image, &run, samples, candidate);

		if (matches > most) {
			most = matches;
			linked = candidate;
		}
		candidate -= ALIGNMENT;
	}
	/*
	 * A kernel that runs has put other values in some, and what served only to start is gone.
	 */
	return most >= RUN_SHORTEST / 2 && most >= samples / 2 ? linked : 0;
}
