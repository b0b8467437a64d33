/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes ACPI Machine Language into a bounded buffer. */

#include "arch/x86_64/aml.h"

#include <assert.h>
#include <string.h>

#include "vmm/base/bits.h"

enum {
	AML_ZERO_OP = 0x00,
	AML_ONE_OP = 0x01,
	AML_NAME_OP = 0x08,
	AML_BYTE_PREFIX = 0x0a,
	AML_WORD_PREFIX = 0x0b,
	AML_DWORD_PREFIX = 0x0c,
	AML_STRING_PREFIX = 0x0d,
	AML_QWORD_PREFIX = 0x0e,
	AML_SCOPE_OP = 0x10,
	AML_BUFFER_OP = 0x11,
	AML_PACKAGE_OP = 0x12,
	AML_METHOD_OP = 0x14,
	AML_DUAL_NAME_PREFIX = 0x2e,
	AML_MULTI_NAME_PREFIX = 0x2f,
	AML_EXT_PREFIX = 0x5b,
	AML_EXT_REGION_OP = 0x80,
	AML_EXT_FIELD_OP = 0x81,
	AML_EXT_DEVICE_OP = 0x82,
	AML_IF_OP = 0xa0,
	AML_ELSE_OP = 0xa1,

	AML_METHOD_SERIALIZED = 1 << 3,
	AML_SPACE_SYSTEM_IO = 1,
	AML_FIELD_DWORD_ACCESS = 3,
	AML_FIELD_WRITE_AS_ZEROS = 2 << 5,
};

/* Resource descriptors: tag bytes (ACPI 6.5 tables 6.29 and 6.40) and their flags. */
enum {
	RESOURCE_IO = 0x47,
	RESOURCE_END = 0x79,
	RESOURCE_MEMORY32_FIXED = 0x86,
	RESOURCE_DWORD = 0x87,
	RESOURCE_WORD = 0x88,
	RESOURCE_INTERRUPT = 0x89,
	RESOURCE_QWORD = 0x8a,

	RESOURCE_TYPE_MEMORY = 0,
	RESOURCE_TYPE_IO = 1,
	RESOURCE_TYPE_BUS = 2,

	RESOURCE_CONSUMER = 1 << 0,
	RESOURCE_FIXED = 3 << 2, /* minimum and maximum address */
	RESOURCE_IO_ENTIRE_RANGE = 3,
	RESOURCE_MEMORY_WRITABLE = 1,
	RESOURCE_INTERRUPT_EDGE = 1 << 1,
	RESOURCE_INTERRUPT_WAKE = 1 << 4,
};

void aml_bytes(struct aml *aml, const void *bytes, size_t count)
{
	if (aml->overflow || count > aml->room - aml->size) {
		aml->overflow = true;
		return;
	}
	memcpy(aml->bytes + aml->size, bytes, count);
	aml->size += count;
}

void aml_raw(struct aml *aml, uint64_t value, unsigned int width)
{
	uint8_t bytes[8];

	store_le(bytes, width, value);
	aml_bytes(aml, bytes, width);
}

static void aml_byte(struct aml *aml, uint8_t value)
{
	aml_bytes(aml, &value, 1);
}

void aml_align(struct aml *aml, size_t alignment)
{
	while (!aml->overflow && !is_aligned(aml->size, alignment))
		aml_byte(aml, 0);
}

/* Puts bytes in at @where; what was there moves up. */
static void aml_insert(struct aml *aml, size_t where, const uint8_t *bytes, size_t count)
{
	if (aml->overflow || count > aml->room - aml->size) {
		aml->overflow = true;
		return;
	}
	memmove(aml->bytes + where + count, aml->bytes + where, aml->size - where);
	memcpy(aml->bytes + where, bytes, count);
	aml->size += count;
}

/* The length counts its own bytes, so each width holds a little less than its bits would. */
static size_t aml_package_length(uint8_t bytes[4], size_t content)
{
	size_t width = 1, length;

	if (content + 1 <= 0x3f) {
		bytes[0] = (uint8_t)(content + 1);
		return 1;
	}
	do {
		width++;
		length = content + width;
	} while (width < 4 && length >> (4 + 8 * (width - 1)) != 0);
	bytes[0] = (uint8_t)((width - 1) << 6 | (length & 0xf));
	for (size_t i = 1; i < width; i++)
		bytes[i] = (uint8_t)(length >> (4 + 8 * (i - 1)));
	return width;
}

void aml_end(struct aml *aml, size_t mark)
{
	uint8_t length[4];

	if (aml->overflow)
		return;
	if (aml->size - mark >= (size_t)1 << 28) {
		aml->overflow = true;
		return;
	}
	aml_insert(aml, mark, length, aml_package_length(length, aml->size - mark));
}

static void aml_segment(struct aml *aml, const char *segment, size_t length)
{
	char padded[4] = {'_', '_', '_', '_'};

	assert(length >= 1 && length <= sizeof(padded));
	memcpy(padded, segment, length);
	aml_bytes(aml, padded, sizeof(padded));
}

void aml_name_string(struct aml *aml, const char *name)
{
	size_t segments = 1;

	if (*name == '\\') {
		aml_byte(aml, '\\');
		name++;
	}
	for (const char *c = name; *c; c++)
		segments += *c == '.';
	if (segments == 2) {
		aml_byte(aml, AML_DUAL_NAME_PREFIX);
	} else if (segments > 2) {
		aml_byte(aml, AML_MULTI_NAME_PREFIX);
		aml_byte(aml, (uint8_t)segments);
	}
	for (;;) {
		size_t length = strcspn(name, ".");

		aml_segment(aml, name, length);
		if (!name[length])
			return;
		name += length + 1;
	}
}

void aml_name(struct aml *aml, const char *name)
{
	aml_byte(aml, AML_NAME_OP);
	aml_name_string(aml, name);
}

size_t aml_begin_scope(struct aml *aml, const char *name)
{
	size_t mark;

	aml_byte(aml, AML_SCOPE_OP);
	mark = aml->size;
	aml_name_string(aml, name);
	return mark;
}

size_t aml_begin_device(struct aml *aml, const char *name)
{
	size_t mark;

	aml_byte(aml, AML_EXT_PREFIX);
	aml_byte(aml, AML_EXT_DEVICE_OP);
	mark = aml->size;
	aml_name_string(aml, name);
	return mark;
}

size_t aml_begin_method(struct aml *aml, const char *name, unsigned int arguments)
{
	size_t mark;

	assert(arguments <= 7);
	aml_byte(aml, AML_METHOD_OP);
	mark = aml->size;
	aml_name_string(aml, name);
	aml_byte(aml, (uint8_t)(arguments | AML_METHOD_SERIALIZED));
	return mark;
}

size_t aml_begin_package(struct aml *aml, uint8_t elements)
{
	size_t mark;

	aml_byte(aml, AML_PACKAGE_OP);
	mark = aml->size;
	aml_byte(aml, elements);
	return mark;
}

size_t aml_begin_if(struct aml *aml)
{
	aml_byte(aml, AML_IF_OP);
	return aml->size;
}

size_t aml_begin_else(struct aml *aml)
{
	aml_byte(aml, AML_ELSE_OP);
	return aml->size;
}

/* An integer's shortest encoding; returns its bytes. */
static size_t aml_encode_integer(uint8_t bytes[9], uint64_t value)
{
	unsigned int width = value > UINT32_MAX ? 8 : value > UINT16_MAX ? 4 : value > 0xff ? 2 : 1;

	if (value <= 1) {
		bytes[0] = value ? AML_ONE_OP : AML_ZERO_OP;
		return 1;
	}
	bytes[0] = width == 8   ? AML_QWORD_PREFIX
		   : width == 4 ? AML_DWORD_PREFIX
		   : width == 2 ? AML_WORD_PREFIX
				: AML_BYTE_PREFIX;
	store_le(bytes + 1, width, value);
	return 1 + width;
}

void aml_integer(struct aml *aml, uint64_t value)
{
	uint8_t bytes[9];

	aml_bytes(aml, bytes, aml_encode_integer(bytes, value));
}

void aml_string(struct aml *aml, const char *text)
{
	aml_byte(aml, AML_STRING_PREFIX);
	aml_bytes(aml, text, strlen(text) + 1);
}

static unsigned int aml_hex_digit(char c)
{
	assert((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
	return (unsigned int)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* ACPI 6.5 19.6.34: five bits a letter, four a digit, the most significant byte first. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	uint32_t value = 0;

	assert(strlen(id) == 7);
	for (unsigned int i = 0; i < 3; i++)
		value = value << 5 | ((uint32_t)id[i] - 0x40);
	for (unsigned int i = 3; i < 7; i++)
		value = value << 4 | aml_hex_digit(id[i]);
	aml_byte(aml, AML_DWORD_PREFIX);
	aml_raw(aml, __builtin_bswap32(value), 4);
}

/* ACPI 6.5 19.6.142: the first three groups are little-endian. */
void aml_uuid(struct aml *aml, const char *uuid)
{
	static const uint8_t digits[16] = {6,  4,  2,  0,  11, 9,  16, 14,
					   19, 21, 24, 26, 28, 30, 32, 34};
	size_t mark;

	assert(strlen(uuid) == 36);
	aml_byte(aml, AML_BUFFER_OP);
	mark = aml->size;
	aml_integer(aml, sizeof(digits));
	for (size_t i = 0; i < sizeof(digits); i++) {
		unsigned int high = aml_hex_digit(uuid[digits[i]]);

		aml_byte(aml, (uint8_t)(high << 4 | aml_hex_digit(uuid[digits[i] + 1])));
	}
	aml_end(aml, mark);
}

void aml_op(struct aml *aml, enum aml_op op)
{
	aml_byte(aml, (uint8_t)op);
}

void aml_no_target(struct aml *aml)
{
	aml_byte(aml, 0);
}

void aml_io_region(struct aml *aml, const char *name, uint16_t port, uint8_t length)
{
	aml_byte(aml, AML_EXT_PREFIX);
	aml_byte(aml, AML_EXT_REGION_OP);
	aml_name_string(aml, name);
	aml_byte(aml, AML_SPACE_SYSTEM_IO);
	aml_integer(aml, port);
	aml_integer(aml, length);
}

void aml_dword_field(struct aml *aml, const char *region, const char *field)
{
	size_t mark;

	aml_byte(aml, AML_EXT_PREFIX);
	aml_byte(aml, AML_EXT_FIELD_OP);
	mark = aml->size;
	aml_name_string(aml, region);
	aml_byte(aml, AML_FIELD_DWORD_ACCESS | AML_FIELD_WRITE_AS_ZEROS);
	aml_segment(aml, field, strlen(field));
	aml_byte(aml, 32); /* bits, as a package length of one byte */
	aml_end(aml, mark);
}

size_t aml_begin_resources(struct aml *aml)
{
	aml_byte(aml, AML_BUFFER_OP);
	return aml->size;
}

void aml_end_resources(struct aml *aml, size_t mark)
{
	uint8_t size[9];

	aml_byte(aml, RESOURCE_END);
	aml_byte(aml, 0); /* a checksum of 0 stands for none */
	if (aml->overflow)
		return;
	aml_insert(aml, mark, size, aml_encode_integer(size, aml->size - mark));
	aml_end(aml, mark);
}

void aml_resource_io(struct aml *aml, uint16_t port, uint8_t count)
{
	aml_byte(aml, RESOURCE_IO);
	aml_byte(aml, 1); /* 16 address bits are decoded */
	aml_raw(aml, port, 2);
	aml_raw(aml, port, 2);
	aml_byte(aml, 1); /* alignment */
	aml_byte(aml, count);
}

/* An address space descriptor of @width bytes an address (6.4.3.5.1 to 6.4.3.5.3). */
static void aml_address_space(struct aml *aml, unsigned int width, uint8_t type, uint8_t flags,
			      uint8_t type_flags, uint64_t base, uint64_t size)
{
	aml_byte(aml, width == 2 ? RESOURCE_WORD : width == 4 ? RESOURCE_DWORD : RESOURCE_QWORD);
	aml_raw(aml, 3 + 5 * width, 2);
	aml_byte(aml, type);
	aml_byte(aml, flags);
	aml_byte(aml, type_flags);
	aml_raw(aml, 0, width); /* granularity */
	aml_raw(aml, base, width);
	aml_raw(aml, base + (size - 1), width);
	aml_raw(aml, 0, width); /* translation */
	aml_raw(aml, size, width);
}

static bool aml_below_4g(uint64_t base, uint64_t size)
{
	return range_fits(base, size, 4 * GIB) && size <= UINT32_MAX;
}

void aml_resource_memory(struct aml *aml, uint64_t base, uint64_t size)
{
	if (!aml_below_4g(base, size)) {
		aml_address_space(aml, 8, RESOURCE_TYPE_MEMORY, RESOURCE_FIXED | RESOURCE_CONSUMER,
				  RESOURCE_MEMORY_WRITABLE, base, size);
		return;
	}
	aml_byte(aml, RESOURCE_MEMORY32_FIXED);
	aml_raw(aml, 9, 2);
	aml_byte(aml, RESOURCE_MEMORY_WRITABLE);
	aml_raw(aml, base, 4);
	aml_raw(aml, size, 4);
}

static void aml_interrupt(struct aml *aml, uint32_t gsi, unsigned int flags)
{
	aml_byte(aml, RESOURCE_INTERRUPT);
	aml_raw(aml, 6, 2);
	aml_byte(aml, (uint8_t)(RESOURCE_CONSUMER | flags));
	aml_byte(aml, 1); /* interrupts that follow */
	aml_raw(aml, gsi, 4);
}

void aml_resource_interrupt(struct aml *aml, uint32_t gsi, bool level)
{
	aml_interrupt(aml, gsi, level ? 0 : RESOURCE_INTERRUPT_EDGE);
}

void aml_resource_wake_interrupt(struct aml *aml, uint32_t gsi)
{
	aml_interrupt(aml, gsi, RESOURCE_INTERRUPT_WAKE);
}

void aml_window_bus(struct aml *aml, uint16_t first, uint16_t count)
{
	aml_address_space(aml, 2, RESOURCE_TYPE_BUS, RESOURCE_FIXED, 0, first, count);
}

void aml_window_io(struct aml *aml, uint16_t base, uint32_t size)
{
	/* A word cannot hold the size of all 64 Ki ports. */
	aml_address_space(aml, size > UINT16_MAX ? 4 : 2, RESOURCE_TYPE_IO, RESOURCE_FIXED,
			  RESOURCE_IO_ENTIRE_RANGE, base, size);
}

void aml_window_memory(struct aml *aml, uint64_t base, uint64_t size)
{
	aml_address_space(aml, aml_below_4g(base, size) ? 4 : 8, RESOURCE_TYPE_MEMORY,
			  RESOURCE_FIXED, RESOURCE_MEMORY_WRITABLE, base, size);
}
