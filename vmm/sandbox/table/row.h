/* SPDX-License-Identifier: BSD-3-Clause */
/* A row of the table of system calls: who may make which, with which arguments, and why. */

#ifndef FERRY_VMM_SANDBOX_TABLE_ROW_H
#define FERRY_VMM_SANDBOX_TABLE_ROW_H

#include <stdint.h>

#include "vmm/base/thread.h"

/* The kinds of threads of a row, as bits. */
enum sandbox_threads {
	SERVER = 1 << THREAD_SERVER, /* main, in a run with --control or --gdb */
	MAIN = 1 << THREAD_MAIN | SERVER,
	VCPU = 1 << THREAD_VCPU,
	MAPPER = 1 << THREAD_MAPPER,
	POPULATE = 1 << THREAD_POPULATE,
	RESET = 1 << THREAD_RESET,
	DEVICE = 1 << THREAD_DEVICE,
	FILES = 1 << THREAD_FILES,
	IO = 1 << THREAD_IO,
	VHOST = 1 << THREAD_VHOST,
	USER = 1 << THREAD_USER,
	STARTER = 1 << THREAD_STARTER,
	BESIDE = 1 << 29, /* what is refused to these others are let: so is the starter */
	FIRST = 1 << 30,  /* it is asked for most: compared before all others */
	/* Those that have messages. */
	TELLS = MAIN | VCPU | MAPPER | POPULATE | RESET | DEVICE | IO | VHOST | USER,
	ALL = TELLS | FILES,
};

/* What an argument is compared with, of its lower 32 bits but for a pointer. */
enum sandbox_test {
	ANY,     /* nothing */
	IS,      /* the value */
	LACKS,   /* none of the value's bits */
	MASKED,  /* the value, of the bits in the mask */
	IS_SELF, /* this process's number */
	IS_NULL, /* a pointer that is none: all 64 bits */
};

enum { SANDBOX_TESTS = 2 };

/*
 * Without pointers, so that the rows can be taken out of an object of another machine's. A call may
 * have several rows: each lets what it says. One with an errno lets nothing: what its threads are
 * refused they take for a failure, and go on.
 */
struct sandbox_row {
	char call[24];
	uint32_t threads;
	uint32_t refused; /* errno; 0: the call is let */
	struct {
		uint32_t argument, test, value, mask;
	} tests[SANDBOX_TESTS];
	char why[96];
} __attribute__((aligned(32)));

/* Compilers put large arrays where a multiple of 32 is: no gap of another size is between them. */
_Static_assert(sizeof(struct sandbox_row) == 160, "rows are of a multiple of 32 bytes");

/* Where the rows are, for who takes them out. */
#define SANDBOX_ROWS __attribute__((section(".sandbox"), used))

/* Stands for the number of the process, which is known when the filter is entered. */
enum { SANDBOX_SELF = 0x5afe0001 };

#endif
