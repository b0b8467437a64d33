/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on sizes, addresses and little-endian bytes. */

#ifndef FERRY_BASE_BITS_H
#define FERRY_BASE_BITS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of @type whose member @member is at @pointer. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static inline bool is_power_of_2(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
	return (value & (alignment - 1)) == 0;
}

/* @alignment is a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

/* @alignment is a power of two; the caller knows that the sum does not wrap. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return align_down(value + alignment - 1, alignment);
}

/* The smallest power of two at or above @value, for 1 <= @value <= 2^63. */
static inline uint64_t round_up_power_of_2(uint64_t value)
{
	return value <= 1 ? 1 : (uint64_t)1 << (64 - __builtin_clzll(value - 1));
}

/* @value is not 0. */
static inline uint32_t round_down_power_of_2(uint32_t value)
{
	return UINT32_C(1) << (31 - __builtin_clz(value));
}

/* Whether [@offset, @offset + @length) lies inside [0, @size), safe against wrapping. */
static inline bool range_fits(uint64_t offset, uint64_t length, uint64_t size)
{
	return length <= size && offset <= size - length;
}

/* Whether [@a, @a + @a_length) and [@b, @b + @b_length) share a byte; neither range wraps. */
static inline bool ranges_overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
	return a_length != 0 && b_length != 0 && a <= b + (b_length - 1) && b <= a + (a_length - 1);
}

/* All ones in the low @size bytes, 1 <= @size <= 8: what an unclaimed read gives. */
static inline uint64_t all_ones(unsigned int size)
{
	return ~(uint64_t)0 >> (64 - 8 * size);
}

/* Little-endian access to unaligned bytes; @size is 1 to 8. */
static inline uint64_t load_le(const void *bytes, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, bytes, size);
	return le64toh(value);
}

static inline void store_le(void *bytes, unsigned int size, uint64_t value)
{
	value = htole64(value);
	memcpy(bytes, &value, size);
}

static inline uint16_t load_le16(const void *bytes)
{
	return (uint16_t)load_le(bytes, 2);
}

static inline uint32_t load_le32(const void *bytes)
{
	return (uint32_t)load_le(bytes, 4);
}

static inline uint64_t load_le64(const void *bytes)
{
	return load_le(bytes, 8);
}

static inline void store_le16(void *bytes, uint16_t value)
{
	store_le(bytes, 2, value);
}

static inline void store_le32(void *bytes, uint32_t value)
{
	store_le(bytes, 4, value);
}

static inline void store_le64(void *bytes, uint64_t value)
{
	store_le(bytes, 8, value);
}

#endif
