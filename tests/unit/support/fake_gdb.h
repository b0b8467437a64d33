/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine of no-operations for the gdb server, in the place of vmm/debug/debug.c: x86-64
 * registers, a little memory, points.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_GDB_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_GDB_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/debug/gdb/target.h"

#define GDB_FAKE_MEMORY UINT64_C(0x10000)

enum {
	GDB_FAKE_CPUS = 3,
	GDB_FAKE_GENERAL = 40, /* rax to r15, rip, eflags, segments, x87 */
	GDB_FAKE_GENERAL_SIZE = 276,
	GDB_FAKE_RIP = 16,
	GDB_FAKE_ABSENT = 40,   /* no vCPU has it at the moment; 8 bytes */
	GDB_FAKE_CONSTANT = 41, /* cannot be written; 8 bytes */
	GDB_FAKE_WIDE = 42,     /* as wide as can be */
	GDB_FAKE_REGISTERS = 43,
	GDB_FAKE_MEMORY_SIZE = 0x10000,
	GDB_FAKE_POINTS = 4,
};

struct fake_gdb_point {
	enum gdb_point_kind kind;
	uint64_t address, length;
};

/* Zero-initialised, a guest that runs. */
struct debug {
	bool stands;
	bool halting;
	unsigned int halts, resumes, detaches, kills;
	unsigned int breaches;           /* calls that target.h does not allow */
	bool ran_on;                     /* as the last detach() said */
	int resume_status, point_status; /* what they return, when not 0 */
	const char *limits;
	unsigned int point_cpu, monitor_cpu;
	enum gdb_action actions[GDB_FAKE_CPUS];
	size_t point_count;
	struct fake_gdb_point points[GDB_FAKE_POINTS];
	char line[64];       /* what `monitor` was given last */
	size_t monitor_size; /* bytes of 'm' that it answers beside the line */
	uint8_t registers[GDB_FAKE_CPUS][GDB_FAKE_REGISTERS][GDB_REGISTER_MAX];
	uint8_t memory[GDB_FAKE_MEMORY_SIZE];
};

static const char fake_description[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
	"<architecture>i386:x86-64</architecture><xi:include href=\"core.xml\"/>"
	"<xi:include href=\"other.xml\"/></target>";

static const char fake_core[] =
	"<?xml version=\"1.0\"?><!-- $#}* --><feature name=\"org.gnu.gdb.i386.core\">"
	"<reg name=\"rax\" bitsize=\"64\"/>"
	"<reg name=\"rbx\" bitsize=\"64\"/>"
	"<reg name=\"rcx\" bitsize=\"64\"/>"
	"<reg name=\"rdx\" bitsize=\"64\"/>"
	"<reg name=\"rsi\" bitsize=\"64\"/>"
	"<reg name=\"rdi\" bitsize=\"64\"/>"
	"<reg name=\"rbp\" bitsize=\"64\"/>"
	"<reg name=\"rsp\" bitsize=\"64\"/>"
	"<reg name=\"r8\" bitsize=\"64\"/>"
	"<reg name=\"r9\" bitsize=\"64\"/>"
	"<reg name=\"r10\" bitsize=\"64\"/>"
	"<reg name=\"r11\" bitsize=\"64\"/>"
	"<reg name=\"r12\" bitsize=\"64\"/>"
	"<reg name=\"r13\" bitsize=\"64\"/>"
	"<reg name=\"r14\" bitsize=\"64\"/>"
	"<reg name=\"r15\" bitsize=\"64\"/>"
	"<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\"/>"
	"<reg name=\"eflags\" bitsize=\"32\"/>"
	"<reg name=\"cs\" bitsize=\"32\"/>"
	"<reg name=\"ss\" bitsize=\"32\"/>"
	"<reg name=\"ds\" bitsize=\"32\"/>"
	"<reg name=\"es\" bitsize=\"32\"/>"
	"<reg name=\"fs\" bitsize=\"32\"/>"
	"<reg name=\"gs\" bitsize=\"32\"/>"
	"<reg name=\"st0\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st1\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st2\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st3\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st4\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st5\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st6\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st7\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"fctrl\" bitsize=\"32\"/>"
	"<reg name=\"fstat\" bitsize=\"32\"/>"
	"<reg name=\"ftag\" bitsize=\"32\"/>"
	"<reg name=\"fiseg\" bitsize=\"32\"/>"
	"<reg name=\"fioff\" bitsize=\"32\"/>"
	"<reg name=\"foseg\" bitsize=\"32\"/>"
	"<reg name=\"fooff\" bitsize=\"32\"/>"
	"<reg name=\"fop\" bitsize=\"32\"/>"
	"</feature>";

static const char fake_other[] = "<?xml version=\"1.0\"?><feature name=\"org.ferry.fake\">"
				 "<vector id=\"wide\" type=\"uint64\" count=\"8\"/>"
				 "<reg name=\"absent\" bitsize=\"64\"/>"
				 "<reg name=\"constant\" bitsize=\"64\"/>"
				 "<reg name=\"wide\" bitsize=\"512\" type=\"wide\"/>"
				 "</feature>";

/* What may be asked of a guest that stands only, and of a vCPU that there is. */
static inline void fake_use(struct debug *fake, unsigned int cpu)
{
	if (!fake->stands || cpu >= GDB_FAKE_CPUS)
		fake->breaches++;
}

const char *gdb_target_description(struct debug *fake, const char *annex)
{
	(void)fake;
	if (strcmp(annex, "target.xml") == 0)
		return fake_description;
	if (strcmp(annex, "core.xml") == 0)
		return fake_core;
	return strcmp(annex, "other.xml") == 0 ? fake_other : NULL;
}

unsigned int gdb_target_cpus(const struct debug *fake)
{
	(void)fake;
	return GDB_FAKE_CPUS;
}

unsigned int gdb_target_register_count(struct debug *fake)
{
	(void)fake;
	return GDB_FAKE_REGISTERS;
}

unsigned int gdb_target_general_count(struct debug *fake)
{
	(void)fake;
	return GDB_FAKE_GENERAL;
}

unsigned int gdb_target_pc_register(struct debug *fake)
{
	(void)fake;
	return GDB_FAKE_RIP;
}

size_t gdb_target_register_size(struct debug *fake, unsigned int number)
{
	(void)fake;
	if (number >= GDB_FAKE_REGISTERS)
		return 0;
	if (number == GDB_FAKE_WIDE)
		return GDB_REGISTER_MAX;
	if (number <= GDB_FAKE_RIP || number >= GDB_FAKE_GENERAL)
		return 8;
	return number >= 24 && number < 32 ? 10 : 4;
}

int gdb_target_register_read(struct debug *fake, unsigned int cpu, unsigned int number,
			     uint8_t *bytes)
{
	fake_use(fake, cpu);
	if (number == GDB_FAKE_ABSENT)
		return -ENODATA;
	memcpy(bytes, fake->registers[cpu][number], gdb_target_register_size(fake, number));
	return 0;
}

int gdb_target_register_write(struct debug *fake, unsigned int cpu, unsigned int number,
			      const uint8_t *bytes)
{
	fake_use(fake, cpu);
	if (number == GDB_FAKE_ABSENT || number == GDB_FAKE_CONSTANT)
		return number == GDB_FAKE_ABSENT ? -ENODATA : -EACCES;
	memcpy(fake->registers[cpu][number], bytes, gdb_target_register_size(fake, number));
	return 0;
}

int gdb_target_memory_read(struct debug *fake, unsigned int cpu, uint64_t address, uint8_t *bytes,
			   size_t size)
{
	uint64_t offset = address - GDB_FAKE_MEMORY;

	fake_use(fake, cpu);
	if (offset >= sizeof(fake->memory))
		return -EFAULT;
	if (size > sizeof(fake->memory) - offset)
		size = sizeof(fake->memory) - (size_t)offset;
	memcpy(bytes, fake->memory + offset, size);
	return (int)size;
}

int gdb_target_memory_write(struct debug *fake, unsigned int cpu, uint64_t address,
			    const uint8_t *bytes, size_t size)
{
	fake_use(fake, cpu);
	if (!range_fits(address - GDB_FAKE_MEMORY, size, sizeof(fake->memory)))
		return -EFAULT;
	memcpy(fake->memory + (address - GDB_FAKE_MEMORY), bytes, size);
	return 0;
}

static inline size_t fake_find_point(const struct debug *fake, const struct fake_gdb_point *point)
{
	size_t i = 0;

	while (i < fake->point_count &&
	       (fake->points[i].kind != point->kind || fake->points[i].address != point->address ||
		fake->points[i].length != point->length))
		i++;
	return i;
}

int gdb_target_point_insert(struct debug *fake, unsigned int cpu, enum gdb_point_kind kind,
			    uint64_t address, uint64_t length)
{
	const struct fake_gdb_point point = {kind, address, length};

	fake_use(fake, cpu);
	fake->point_cpu = cpu;
	if (fake->point_status)
		return fake->point_status;
	if (fake_find_point(fake, &point) < fake->point_count)
		return 0;
	if (fake->point_count == GDB_FAKE_POINTS)
		return -ENOSPC;
	fake->points[fake->point_count++] = point;
	return 0;
}

int gdb_target_point_remove(struct debug *fake, enum gdb_point_kind kind, uint64_t address,
			    uint64_t length)
{
	const struct fake_gdb_point point = {kind, address, length};
	size_t found = fake_find_point(fake, &point);

	fake_use(fake, 0);
	if (fake->point_status)
		return fake->point_status;
	if (found < fake->point_count)
		fake->points[found] = fake->points[--fake->point_count];
	return 0;
}

int gdb_target_resume(struct debug *fake, const enum gdb_action *actions)
{
	fake_use(fake, 0);
	if (fake->resume_status)
		return fake->resume_status;
	memcpy(fake->actions, actions, sizeof(fake->actions));
	fake->resumes++;
	fake->stands = false;
	return 0;
}

void gdb_target_halt(struct debug *fake)
{
	fake->halts++;
	fake->halting = !fake->stands;
}

bool gdb_target_stands(const struct debug *fake)
{
	return fake->stands;
}

void gdb_target_detach(struct debug *fake, bool run)
{
	fake->detaches++;
	fake->ran_on = run;
	fake->point_count = 0;
	if (!run)
		return;
	fake->stands = fake->halting = false;
	for (unsigned int i = 0; i < GDB_FAKE_CPUS; i++)
		fake->actions[i] = GDB_CONTINUE;
}

void gdb_target_kill(struct debug *fake)
{
	fake->kills++;
}

void gdb_target_monitor(struct debug *fake, unsigned int cpu, const char *line, FILE *out)
{
	fake->monitor_cpu = cpu;
	snprintf(fake->line, sizeof(fake->line), "%s", line);
	if (*line)
		fprintf(out, "you said %s\n", line);
	for (size_t i = 0; i < fake->monitor_size; i++)
		fputc('m', out);
}

const char *gdb_target_limits(const struct debug *fake)
{
	return fake->limits ? fake->limits : "";
}

static inline uint64_t fake_gdb_pc(const struct debug *fake, unsigned int cpu)
{
	return load_le(fake->registers[cpu][GDB_FAKE_RIP], 8);
}

static inline void fake_gdb_set_pc(struct debug *fake, unsigned int cpu, uint64_t pc)
{
	store_le(fake->registers[cpu][GDB_FAKE_RIP], 8, pc);
}

/* A guest that was let go stands again, for this reason. */
static inline struct gdb_stop fake_gdb_stop(struct debug *fake, enum gdb_stop_reason reason,
					    unsigned int cpu, int signal)
{
	fake->stands = true;
	fake->halting = false;
	return (struct gdb_stop){.reason = reason, .cpu = cpu, .signal = signal};
}

/*
 * One instruction of each vCPU that runs; true when the guest stands then: *@stop says why. Used as
 * the guest's time by those who want it to pass.
 */
static inline bool fake_gdb_run(struct debug *fake, struct gdb_stop *stop)
{
	if (fake->stands)
		return false;
	if (fake->halting) {
		*stop = fake_gdb_stop(fake, GDB_STOP_SIGNAL, 0, 2);
		return true;
	}
	for (unsigned int cpu = 0; cpu < GDB_FAKE_CPUS; cpu++) {
		uint64_t pc = fake_gdb_pc(fake, cpu) + 1;

		if (fake->actions[cpu] == GDB_HOLD)
			continue;
		fake_gdb_set_pc(fake, cpu, pc);
		for (size_t i = 0; i < fake->point_count; i++) {
			if (fake->points[i].kind > GDB_HARDWARE_BREAK ||
			    fake->points[i].address != pc)
				continue;
			*stop = fake_gdb_stop(fake,
					      fake->points[i].kind == GDB_HARDWARE_BREAK
						      ? GDB_STOP_HARDWARE
						      : GDB_STOP_SOFTWARE,
					      cpu, 5);
			return true;
		}
		if (fake->actions[cpu] == GDB_STEP) {
			*stop = fake_gdb_stop(fake, GDB_STOP_SIGNAL, cpu, 5);
			return true;
		}
	}
	return false;
}

#endif
