/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A debugger's breakpoints and watchpoints: those in the guest's memory, and those in its
 * processors.
 */

#include "vmm/debug/points.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum { PIECE = 4096 }; /* bytes of memory that are surely in one piece of RAM, or in none */

static enum arch_debug_kind point_processor_kind(enum gdb_point_kind kind)
{
	switch (kind) {
	case GDB_WATCH_WRITE:
		return ARCH_DEBUG_WRITE;
	case GDB_WATCH_READ:
		return ARCH_DEBUG_READ;
	case GDB_WATCH_ACCESS:
		return ARCH_DEBUG_ACCESS;
	case GDB_SOFTWARE_BREAK:
	case GDB_HARDWARE_BREAK:
		break;
	}
	return ARCH_DEBUG_BREAK;
}

static bool point_is_watch(const struct debug_point *point)
{
	return point_processor_kind(point->kind) != ARCH_DEBUG_BREAK;
}

static struct arch_debug_point point_processor(const struct debug_point *point)
{
	return (struct arch_debug_point){
		.kind = point_processor_kind(point->kind),
		.address = point->address,
		.length = point_is_watch(point) ? point->length : 1,
	};
}

size_t debug_points_hardware(const struct debug_points *points, struct arch_debug_point *list)
{
	size_t count = 0;

	for (size_t i = 0; i < points->count && count < ARCH_DEBUG_POINTS_MAX; i++) {
		if (!points->points[i].written)
			list[count++] = point_processor(&points->points[i]);
	}
	return count;
}

/* Whether the processors have room for @point beside what they watch. */
static int point_check_processors(const struct debug_points *points,
				  const struct debug_point *point)
{
	struct arch_debug_point list[ARCH_DEBUG_POINTS_MAX];
	size_t count = debug_points_hardware(points, list);

	if (count == ARCH_DEBUG_POINTS_MAX)
		return -ENOSPC;
	list[count++] = point_processor(point);
	return arch_debug_check_points(&points->support, list, count);
}

/* A range of RAM's bytes that the instruction of @point covers, or none. */
static bool point_covers(const struct debug_point *point, uint64_t gpa, size_t size, size_t *from,
			 size_t *to)
{
	uint64_t first = point->gpa > gpa ? point->gpa : gpa;
	uint64_t point_end = point->gpa + point->size, end = gpa + size;
	uint64_t last = point_end < end ? point_end : end;

	if (!point->written || first >= last)
		return false;
	*from = (size_t)(first - gpa);
	*to = (size_t)(last - gpa);
	return true;
}

/* Whether the guest has left the instruction of @point alone. */
static bool point_is_there(const struct debug_points *points, const struct debug_point *point)
{
	uint8_t there[DEBUG_BREAK_MAX];
	size_t size;
	const uint8_t *instruction = arch_debug_breakpoint(point->length, &size);

	return instruction && ram_read(points->ram, point->gpa, there, point->size) == 0 &&
	       memcmp(there, instruction, point->size) == 0;
}

int debug_points_read(const struct debug_points *points, uint64_t gpa, uint8_t *bytes, size_t size)
{
	int rc = ram_read(points->ram, gpa, bytes, size);
	size_t from, to;

	if (rc)
		return rc;
	for (size_t i = 0; i < points->count; i++) {
		const struct debug_point *point = &points->points[i];

		if (point_covers(point, gpa, size, &from, &to) && point_is_there(points, point))
			memcpy(bytes + from, point->saved + (gpa + from - point->gpa), to - from);
	}
	return 0;
}

/* What is written may be code, which a processor's instruction cache may hold already. */
static int point_write_code(struct debug_points *points, uint64_t gpa, const uint8_t *bytes,
			    size_t size)
{
	int rc = ram_write(points->ram, gpa, bytes, size);
	char *host = ram_host(points->ram, gpa, size);

	if (!rc && host)
		__builtin___clear_cache(host, host + size);
	return rc;
}

static int point_write_instruction(struct debug_points *points, const struct debug_point *point)
{
	size_t size;
	const uint8_t *instruction = arch_debug_breakpoint(point->length, &size);

	if (!instruction)
		return -EINVAL;
	return point_write_code(points, point->gpa, instruction, size);
}

int debug_points_write(struct debug_points *points, uint64_t gpa, const uint8_t *bytes, size_t size)
{
	int rc = point_write_code(points, gpa, bytes, size);
	size_t from, to;

	if (rc)
		return rc;
	for (size_t i = 0; i < points->count; i++) {
		struct debug_point *point = &points->points[i];

		if (!point_covers(point, gpa, size, &from, &to))
			continue;
		memcpy(point->saved + (gpa + from - point->gpa), bytes + from, to - from);
		rc = point_write_instruction(points, point);
		if (rc)
			return rc;
	}
	return 0;
}

/* The bytes from @address that lie in one page, and where. */
static int point_translate(const struct debug_points *points, struct kvm_vcpu *vcpu,
			   uint64_t address, size_t *size, uint64_t *gpa)
{
	struct arch_translation place;
	uint64_t left;
	int rc = arch_debug_translate(points->arch, vcpu, address, &place, NULL);

	if (rc)
		return rc;
	left = place.page_size - (address & (place.page_size - 1));
	/* RAM comes in pieces, at whose ends a larger page may stick out. */
	if (left > PIECE)
		left = PIECE - (address & (PIECE - 1));
	if (*size > left)
		*size = (size_t)left;
	*gpa = place.gpa;
	return 0;
}

size_t debug_points_read_virtual(const struct debug_points *points, struct kvm_vcpu *vcpu,
				 uint64_t address, uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = size - done;
		uint64_t gpa;

		if (address + done < address ||
		    point_translate(points, vcpu, address + done, &part, &gpa) ||
		    debug_points_read(points, gpa, bytes + done, part))
			break;
		done += part;
	}
	return done;
}

int debug_points_write_virtual(struct debug_points *points, struct kvm_vcpu *vcpu, uint64_t address,
			       const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = size - done;
		uint64_t gpa;

		if (address + done < address ||
		    point_translate(points, vcpu, address + done, &part, &gpa) ||
		    debug_points_write(points, gpa, bytes + done, part))
			return -EFAULT;
		done += part;
	}
	return 0;
}

/* Puts the instruction of @point into memory, if its page is there. */
static int point_write_new(struct debug_points *points, struct kvm_vcpu *vcpu,
			   struct debug_point *point)
{
	struct arch_translation place;
	int rc;

	if (!arch_debug_breakpoint(point->length, &point->size) || point->size > DEBUG_BREAK_MAX)
		return -EINVAL;
	/* One that is not would lie on two pages, of which only the first is looked up. */
	if (!is_aligned(point->address, point->size))
		return -EINVAL;
	if (!points->support.software_breakpoints)
		return -EOPNOTSUPP;
	rc = arch_debug_translate(points->arch, vcpu, point->address, &place, NULL);
	if (rc)
		return rc;
	point->gpa = place.gpa;
	rc = debug_points_read(points, point->gpa, point->saved, point->size);
	if (!rc)
		rc = point_write_instruction(points, point);
	point->written = rc == 0;
	return rc;
}

static struct debug_point *point_find(struct debug_points *points, enum gdb_point_kind kind,
				      uint64_t address, uint64_t length)
{
	for (size_t i = 0; i < points->count; i++) {
		struct debug_point *point = &points->points[i];

		if (point->kind == kind && point->address == address && point->length == length)
			return point;
	}
	return NULL;
}

int debug_points_insert(struct debug_points *points, struct kvm_vcpu *vcpu,
			enum gdb_point_kind kind, uint64_t address, uint64_t length)
{
	struct debug_point point = {.kind = kind, .address = address, .length = length};
	int rc = -EINVAL, processors;

	if (point_find(points, kind, address, length))
		return 0;
	if (points->count == DEBUG_POINTS_MAX)
		return -ENOSPC;
	if (kind == GDB_SOFTWARE_BREAK) {
		rc = point_write_new(points, vcpu, &point);
		if (rc == -EINVAL)
			return rc;
	}
	if (!point.written) {
		processors = point_check_processors(points, &point);
		/* For one that could be in memory the reason why it is not says more. */
		if (processors)
			return kind == GDB_SOFTWARE_BREAK && rc != -EOPNOTSUPP ? rc : processors;
	}
	points->points[points->count++] = point;
	return 0;
}

/*
 * Puts the code back, unless another breakpoint shares the place, or the guest has put something
 * else there meanwhile.
 */
static int point_write_back(struct debug_points *points, const struct debug_point *gone)
{
	for (size_t i = 0; i < points->count; i++) {
		if (points->points[i].written && points->points[i].gpa == gone->gpa)
			return 0;
	}
	return point_is_there(points, gone)
		       ? point_write_code(points, gone->gpa, gone->saved, gone->size)
		       : 0;
}

int debug_points_remove(struct debug_points *points, enum gdb_point_kind kind, uint64_t address,
			uint64_t length)
{
	struct debug_point *point = point_find(points, kind, address, length);
	struct debug_point gone;

	if (!point)
		return 0;
	gone = *point;
	*point = points->points[--points->count];
	return gone.written ? point_write_back(points, &gone) : 0;
}

void debug_points_clear(struct debug_points *points)
{
	while (points->count) {
		struct debug_point last = points->points[--points->count];

		if (last.written && point_write_back(points, &last))
			log_warn("gdb: breakpoint at 0x%llx: its code cannot be put back",
				 (unsigned long long)last.address);
	}
}

/* The breakpoint is left out when this returns false. */
static bool point_reload(struct debug_points *points, struct debug_point *point)
{
	uint8_t there[DEBUG_BREAK_MAX];

	/* One that shares the place may be there again already. */
	if (point->written && debug_points_read(points, point->gpa, there, point->size) == 0 &&
	    memcmp(there, point->saved, point->size) == 0 &&
	    point_write_instruction(points, point) == 0)
		return true;
	point->written = false;
	return point_check_processors(points, point) == 0;
}

void debug_points_reload(struct debug_points *points)
{
	struct debug_point old[DEBUG_POINTS_MAX];
	size_t count = points->count;

	memcpy(old, points->points, count * sizeof(old[0]));
	points->count = 0;
	/* What was in the processors before keeps its room. */
	for (size_t i = 0; i < count; i++) {
		if (!old[i].written)
			points->points[points->count++] = old[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (!old[i].written)
			continue;
		if (point_reload(points, &old[i]))
			points->points[points->count++] = old[i];
		else
			log_warn(
				"gdb: breakpoint at 0x%llx: the guest rebooted, its code is not there "
				"yet, and the processors have no room for one more: it is not set",
				(unsigned long long)old[i].address);
	}
}

bool debug_points_is_software(const struct debug_points *points, uint64_t address)
{
	for (size_t i = 0; i < points->count; i++) {
		if (points->points[i].written && points->points[i].address == address)
			return true;
	}
	return false;
}

const struct debug_point *debug_points_break(const struct debug_points *points, uint64_t address)
{
	for (size_t i = 0; i < points->count; i++) {
		const struct debug_point *point = &points->points[i];

		if (!point_is_watch(point) && point->address == address)
			return point;
	}
	return NULL;
}

bool debug_points_any_software(const struct debug_points *points)
{
	for (size_t i = 0; i < points->count; i++) {
		if (points->points[i].written)
			return true;
	}
	return false;
}

const struct debug_point *debug_points_watch(const struct debug_points *points, uint64_t address)
{
	const struct debug_point *best = NULL;

	for (size_t i = 0; i < points->count; i++) {
		const struct debug_point *point = &points->points[i];

		if (!point_is_watch(point) || address < point->address)
			continue;
		if (address - point->address < point->length &&
		    (!best || point->address > best->address))
			best = point;
	}
	return best;
}
