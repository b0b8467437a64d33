/* SPDX-License-Identifier: BSD-3-Clause */
/* What the gdb server asks of the machine: registers, memory, breakpoints, the monitor. */

#include <errno.h>

#include "vmm/debug/debug_private.h"

enum { CHUNK = 4096 }; /* bytes of memory that are surely in one piece of RAM, or in none */

static unsigned int target_cpus(void *target)
{
	const struct debug *debug = target;

	return debug->cpu_count;
}

static const char *target_description(void *target, const char *annex)
{
	return arch_debug_description(debug_arch(target), annex);
}

static unsigned int target_register_count(void *target)
{
	return arch_debug_register_count(debug_arch(target));
}

static unsigned int target_general_count(void *target)
{
	return arch_debug_general_count(debug_arch(target));
}

static size_t target_register_size(void *target, unsigned int number)
{
	return arch_debug_register_size(debug_arch(target), number);
}

static unsigned int target_pc_register(void *target)
{
	return arch_debug_pc_register(debug_arch(target));
}

static int target_register_read(void *target, unsigned int cpu, unsigned int number, uint8_t *bytes)
{
	return arch_debug_register_read(debug_arch(target), debug_vcpu(target, cpu), number, bytes);
}

static int target_register_write(void *target, unsigned int cpu, unsigned int number,
				 const uint8_t *bytes)
{
	struct debug *debug = target;

	/* What KVM still has to complete would land on the new registers. */
	if (!run_is_settled(debug->setup.parts.run, cpu))
		return -EBUSY;
	return arch_debug_register_write(debug_arch(debug), debug_vcpu(debug, cpu), number, bytes);
}

/* The bytes from @address that lie in one page, and where. */
static int target_translate(struct debug *debug, unsigned int cpu, uint64_t address, size_t *size,
			    uint64_t *gpa)
{
	struct arch_translation place;
	uint64_t left;
	int rc = arch_debug_translate(debug_arch(debug), debug_vcpu(debug, cpu), address, &place,
				      NULL);

	if (rc)
		return rc;
	left = place.page_size - (address & (place.page_size - 1));
	/* RAM comes in pieces, at whose ends a larger page may stick out. */
	if (left > CHUNK)
		left = CHUNK - (address & (CHUNK - 1));
	if (*size > left)
		*size = (size_t)left;
	*gpa = place.gpa;
	return 0;
}

static int target_memory_read(void *target, unsigned int cpu, uint64_t address, uint8_t *bytes,
			      size_t size)
{
	struct debug *debug = target;
	size_t done = 0;

	while (done < size) {
		size_t part = size - done;
		uint64_t gpa;

		if (address + done < address ||
		    target_translate(debug, cpu, address + done, &part, &gpa) ||
		    debug_points_read(&debug->points, gpa, bytes + done, part))
			break;
		done += part;
	}
	return done || !size ? (int)done : -EFAULT;
}

static int target_memory_write(void *target, unsigned int cpu, uint64_t address,
			       const uint8_t *bytes, size_t size)
{
	struct debug *debug = target;
	size_t done = 0;

	while (done < size) {
		size_t part = size - done;
		uint64_t gpa;

		if (address + done < address ||
		    target_translate(debug, cpu, address + done, &part, &gpa) ||
		    debug_points_write(&debug->points, gpa, bytes + done, part))
			return -EFAULT;
		done += part;
	}
	return 0;
}

static int target_point_insert(void *target, unsigned int cpu, enum gdb_point_kind kind,
			       uint64_t address, uint64_t length)
{
	struct debug *debug = target;

	return debug_points_insert(&debug->points, debug_vcpu(debug, cpu), kind, address, length);
}

static int target_point_remove(void *target, unsigned int cpu, enum gdb_point_kind kind,
			       uint64_t address, uint64_t length)
{
	struct debug *debug = target;

	(void)cpu;
	return debug_points_remove(&debug->points, kind, address, length);
}

static bool target_stands(void *target)
{
	return debug_stands(target);
}

static int target_resume(void *target, const enum gdb_action *actions)
{
	return debug_resume(target, actions);
}

static void target_halt(void *target)
{
	debug_halt(target);
}

static void target_detach(void *target, bool go)
{
	debug_detach(target, go);
}

static void target_kill(void *target)
{
	struct debug *debug = target;

	debug->setup.owner.end(debug->setup.owner.machine);
}

static void target_monitor(void *target, unsigned int cpu, const char *line, FILE *out)
{
	struct debug *debug = target;
	struct monitor monitor = debug->setup.parts;

	monitor.points = &debug->points;
	monitor.cpu = cpu;
	monitor.stands = debug_stands(debug);
	monitor_command(&monitor, line, out);
}

static const char *target_limits(void *target)
{
	const struct debug *debug = target;

	return debug->limits;
}

const struct gdb_target_ops debug_target_ops = {
	.cpus = target_cpus,
	.description = target_description,
	.register_count = target_register_count,
	.general_count = target_general_count,
	.register_size = target_register_size,
	.pc_register = target_pc_register,
	.register_read = target_register_read,
	.register_write = target_register_write,
	.memory_read = target_memory_read,
	.memory_write = target_memory_write,
	.point_insert = target_point_insert,
	.point_remove = target_point_remove,
	.resume = target_resume,
	.halt = target_halt,
	.stands = target_stands,
	.detach = target_detach,
	.kill = target_kill,
	.monitor = target_monitor,
	.limits = target_limits,
};
