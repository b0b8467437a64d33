/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine of no-operations for the gdb server: x86-64 registers, a little memory, points. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_GDB_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

struct gdb_fake_point {
	enum gdb_point_kind kind;
	uint64_t address, length;
};

/* Zero-initialised, a guest that runs. */
struct gdb_fake {
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
	struct gdb_fake_point points[GDB_FAKE_POINTS];
	char line[64];       /* what `monitor` was given last */
	size_t monitor_size; /* bytes of 'm' that it answers beside the line */
	uint8_t registers[GDB_FAKE_CPUS][GDB_FAKE_REGISTERS][GDB_REGISTER_MAX];
	uint8_t memory[GDB_FAKE_MEMORY_SIZE];
};

extern const struct gdb_target_ops gdb_fake_ops;

uint64_t gdb_fake_pc(const struct gdb_fake *fake, unsigned int cpu);
void gdb_fake_set_pc(struct gdb_fake *fake, unsigned int cpu, uint64_t pc);

/* A guest that was let go stands again, for this reason. */
struct gdb_stop gdb_fake_stop(struct gdb_fake *fake, enum gdb_stop_reason reason, unsigned int cpu,
			      int signal);

/*
 * One instruction of each vCPU that runs; true when the guest stands then: *@stop says why. Used as
 * the guest's time by those who want it to pass.
 */
bool gdb_fake_run(struct gdb_fake *fake, struct gdb_stop *stop);

#endif
