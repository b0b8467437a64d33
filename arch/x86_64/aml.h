/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes ACPI Machine Language (ACPI 6.5 chapter 20) and other table bytes into a bounded buffer.
 */

#ifndef FERRY_ARCH_X86_64_AML_H
#define FERRY_ARCH_X86_64_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The caller gives @bytes and @room and clears the rest. What does not fit is dropped and recorded
 * in @overflow, once and for all: the caller asks at the end. No locks, no allocation.
 */
struct aml {
	uint8_t *bytes;
	size_t room; /* bytes */
	size_t size; /* bytes written, at most @room */
	bool overflow;
};

/* Raw bytes, and a little-endian number of @width 1, 2, 4 or 8 bytes. */
void aml_bytes(struct aml *aml, const void *bytes, size_t count);
void aml_raw(struct aml *aml, uint64_t value, unsigned int width);

/* Pads with zeros to a multiple of @alignment, a power of two. */
void aml_align(struct aml *aml, size_t alignment);

/*
 * Terms that hold others begin with one of these and end with aml_end(), innermost first; the mark
 * that begin returns goes to its end, which puts the package length in (20.2.4).
 */
size_t aml_begin_scope(struct aml *aml, const char *name);
size_t aml_begin_device(struct aml *aml, const char *name);
size_t aml_begin_package(struct aml *aml, uint8_t elements);
size_t aml_begin_if(struct aml *aml); /* the predicate follows */
size_t aml_begin_else(struct aml *aml);
void aml_end(struct aml *aml, size_t mark);

/* A serialized method: it may create named objects. @arguments is 0 to 7. */
size_t aml_begin_method(struct aml *aml, const char *name, unsigned int arguments);

/* A resource template, resources in between; its end also writes the end tag and the size. */
size_t aml_begin_resources(struct aml *aml);
void aml_end_resources(struct aml *aml, size_t mark);

/*
 * A name is segments of one to four characters with '.' between, '\' before them for the root; a
 * short segment is filled with '_'. aml_name_string() is the name as a term, aml_name() the
 * beginning of a Name term, whose value follows.
 */
void aml_name_string(struct aml *aml, const char *name);
void aml_name(struct aml *aml, const char *name);

/* Values. An EISA id is three capitals and four hexadecimal digits ("PNP0A08"). */
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
void aml_eisa_id(struct aml *aml, const char *id);
void aml_uuid(struct aml *aml, const char *uuid); /* the Buffer that ToUUID gives */

/* Opcodes that stand alone (20.2.5); operands are written after them. */
enum aml_op {
	AML_LOCAL0 = 0x60,
	AML_ARG0 = 0x68,
	AML_ARG1 = 0x69,
	AML_ARG3 = 0x6b,
	AML_STORE = 0x70,
	AML_AND = 0x7b,
	AML_OR = 0x7d,
	AML_NOTIFY = 0x86,
	AML_CREATE_DWORD_FIELD = 0x8a,
	AML_LNOT = 0x92,
	AML_EQUAL = 0x93,
	AML_RETURN = 0xa4,
};

void aml_op(struct aml *aml, enum aml_op op);

/* No target for an operator: a null name. */
void aml_no_target(struct aml *aml);

/* An operation region in I/O space, and in it one field of 32 bits at its start. */
void aml_io_region(struct aml *aml, const char *name, uint16_t port, uint8_t length);
void aml_dword_field(struct aml *aml, const char *region, const char *field);

/* Resource descriptors (6.4). Ranges are given as base and size, size at least 1. */
void aml_resource_io(struct aml *aml, uint16_t port, uint8_t count);
void aml_resource_memory(struct aml *aml, uint64_t base, uint64_t size);
void aml_resource_interrupt(struct aml *aml, uint32_t gsi, bool level);
/* Level, and it wakes the guest from sleep. */
void aml_resource_wake_interrupt(struct aml *aml, uint32_t gsi);

/* Windows that a bridge hands on to what is below it. */
void aml_window_bus(struct aml *aml, uint16_t first, uint16_t count);
void aml_window_io(struct aml *aml, uint16_t base, uint32_t size);
void aml_window_memory(struct aml *aml, uint64_t base, uint64_t size);

#endif
