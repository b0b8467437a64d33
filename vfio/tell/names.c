/* SPDX-License-Identifier: BSD-3-Clause */
/* Telling an access by a table of names: which registers it touches, what their bits are called. */

#include "vfio/tell/names.h"

#include <inttypes.h>
#include <stdlib.h>

#include "vfio/tell/decode.h"
#include "vfio/tell/names_private.h"
#include "vmm/base/bits.h"

void vfio_names_free(struct vfio_names *names)
{
	if (!names)
		return;
	free(names->values);
	free(names->bits);
	free(names->registers);
	free(names);
}

/* The part of an access' value that lies at @at and above, its lowest byte first. */
static uint64_t names_align(uint64_t value, uint64_t offset, uint64_t at)
{
	uint64_t distance = at >= offset ? at - offset : offset - at;

	if (distance >= 8)
		return 0;
	return at >= offset ? value >> 8 * distance : value << 8 * distance;
}

void vfio_names_learn(struct vfio_names *names, unsigned int bar, uint64_t offset,
		      unsigned int size, uint64_t value)
{
	for (size_t i = 0; i < names->value_count; i++) {
		struct names_value *known = &names->values[i];
		uint64_t first = known->offset + (unsigned int)__builtin_ctzll(known->mask) / 8;
		uint64_t last =
			known->offset + (63 - (unsigned int)__builtin_clzll(known->mask)) / 8;

		if (known->bar != bar || first < offset || last - offset >= size)
			continue;
		known->value =
			(names_align(value, offset, known->offset) & known->mask) >> known->shift;
		/* A device that is gone tells anything. */
		known->known = known->value <= NAMES_OFFSET_MOST;
	}
}

static void names_tell_bits(const struct vfio_names *names, const struct names_register *reg,
			    uint64_t own, uint64_t touched, char *text)
{
	const char *separator = ": ";

	for (size_t i = 0; i < reg->bits; i++) {
		const struct names_bit *bit = &names->bits[reg->first_bit + i];
		unsigned int width = bit->high - bit->low + 1;
		uint64_t mask = (width < 64 ? ((uint64_t)1 << width) - 1 : UINT64_MAX) << bit->low;

		if (!(own & mask & touched))
			continue;
		vfio_decode_append(text, "%s%s", separator, bit->name);
		if (width > 1)
			vfio_decode_append(text, "=0x%" PRIx64, (own & mask & touched) >> bit->low);
		separator = " ";
	}
}

static void names_tell_one(const struct vfio_names *names, const struct names_register *reg,
			   uint64_t at, uint64_t offset, unsigned int size, uint64_t value,
			   char *text)
{
	uint64_t touched = names_align(all_ones(size), offset, at);

	if (offset > at)
		vfio_decode_append(text, "+0x%" PRIx64, offset - at);
	names_tell_bits(names, reg, names_align(value, offset, at), touched, text);
}

/* The elements that the access may touch, from the first one on. */
static void names_tell_register(const struct vfio_names *names, const struct names_register *reg,
				uint64_t start, uint64_t count, uint64_t offset, unsigned int size,
				uint64_t value, char *text)
{
	uint64_t index = offset > start ? (offset - start) / reg->stride : 0;

	for (; index < count && start + index * reg->stride < offset + size; index++) {
		uint64_t at = start + index * reg->stride;

		if (!ranges_overlap(offset, size, at, reg->size))
			continue;
		vfio_decode_append(text, "%s%s", *text ? ", " : "", reg->name);
		if (reg->array)
			vfio_decode_append(text, "[%" PRIu64 "]", index);
		names_tell_one(names, reg, at, offset, size, value, text);
	}
}

void vfio_names_tell(const struct vfio_names *names, unsigned int bar, uint64_t offset,
		     unsigned int size, uint64_t value, char *text)
{
	for (size_t i = 0; i < names->register_count; i++) {
		const struct names_register *reg = &names->registers[i];
		const struct names_value *base =
			reg->base == NO_VALUE ? NULL : &names->values[reg->base];
		const struct names_value *counter =
			reg->counter == NO_VALUE ? NULL : &names->values[reg->counter];

		if (reg->bar != bar || (base && !base->known) || (counter && !counter->known))
			continue;
		names_tell_register(names, reg, (base ? base->value : 0) + reg->offset,
				    counter ? counter->value : reg->count, offset, size, value,
				    text);
	}
}
