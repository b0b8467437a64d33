/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What debug-probe needs of an architecture (tool/ARCH): code to run, its registers, its
 * breakpoints.
 */

#ifndef GUEST_IMAGES_TOOL_DEBUG_PROBE_H
#define GUEST_IMAGES_TOOL_DEBUG_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

/* Guest-physical addresses; memory is there from 0 to PROBE_MEMORY_SIZE. */
enum {
	PROBE_MEMORY_SIZE = 0x10000,
	PROBE_CODE = 0x1000,
	PROBE_DATA = 0x2000,
	PROBE_TABLES = 0x3000,
	PROBE_OUTSIDE = 0x20000,
};

/*
 * Two instructions that do nothing, a store of four bytes to PROBE_DATA, a load of them, the end.
 */
enum { PROBE_FIRST, PROBE_SECOND, PROBE_STORE, PROBE_LOAD, PROBE_END, PROBE_INSTRUCTIONS };

extern const uint64_t probe_offsets[PROBE_INSTRUCTIONS]; /* each one's, from PROBE_CODE */
extern const uint8_t probe_code[];
extern const size_t probe_code_size;
extern const uint8_t probe_breakpoint[]; /* takes the place of the second instruction */
extern const size_t probe_breakpoint_size;

/* What else has to be in the guest's memory. */
void probe_fill(uint8_t *memory);

/* Readies the vCPU to begin at @pc; ends the program when it cannot. */
void probe_prepare(int vm, int vcpu, uint64_t pc);

uint64_t probe_pc(int vcpu);

/* Whether this exit is what PROBE_END does. */
bool probe_ended(const struct kvm_run *run);

enum probe_kind { PROBE_BREAK, PROBE_WRITE, PROBE_ACCESS };

/* Asks for one hardware breakpoint or a watchpoint of four bytes at @address. */
void probe_point(struct kvm_guest_debug *debug, enum probe_kind kind, uint64_t address);

/* Whether the exit for a watchpoint names the data at @address, or the point that watches it. */
bool probe_watched(const struct kvm_run *run, uint64_t address);

#endif
