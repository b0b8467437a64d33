/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sanitizers' own libraries call beside rows.c: in builds that look for faults alone. */

#include <sys/mman.h>

#include "vmm/sandbox/table/row.h"

SANDBOX_ROWS static const struct sandbox_row sanitizers[] = {
	{"mprotect", ALL, .tests = {{2, LACKS, PROT_EXEC}}, .why = "shadow memory"},
	{"sigaltstack", ALL | STARTER, .why = "a stack for reports"},
	{"sched_getaffinity", ALL | STARTER, .why = "the stack of a thread"},
	{"sched_yield", ALL | STARTER, .why = "locks"},
	{"getuid", ALL | STARTER, .why = "reports"},
	{"gettid", ALL | STARTER, .why = "reports, locks"},
	{"getpid", ALL | STARTER, .why = "reports"},
	{"prlimit64", ALL | STARTER, .why = "the size of a stack"},
	{"openat", ALL | STARTER, .why = "maps, for leaks and reports"},
	{"read", ALL | STARTER, .why = "likewise"},
	{"close", ALL | STARTER, .why = "likewise"},
	{"fcntl", ALL | STARTER, .why = "likewise"},
	{"newfstatat", ALL | STARTER, .why = "likewise"},
	{"readlinkat", ALL | STARTER, .why = "likewise"},
	{"getdents64", ALL | STARTER, .why = "threads, for leaks"},
	{"lseek", ALL | STARTER, .why = "likewise"},
	{"clone", MAIN, .why = "a thread that looks for leaks"},
	{"wait4", MAIN, .why = "likewise"},
	{"ptrace", MAIN, .why = "likewise"},
	{"prctl", ALL | STARTER, .why = "likewise"},
	{"getppid", MAIN, .why = "likewise"},
	{"kill", MAIN, .why = "likewise"},
	{"tgkill", MAIN, .why = "likewise"},
	{"open", MAIN, .why = "likewise"},
	{"getdents", MAIN, .why = "likewise"},
	{"readlink", ALL | STARTER, .why = "likewise"},
	{"stat", ALL | STARTER, .why = "likewise"},
	{"process_vm_readv", MAIN, .why = "likewise"},
	{"pipe2", ALL, .why = "whether memory can be read, for reports"},
	{"rt_sigaction", ALL, .why = "likewise"},
	{"set_robust_list", ALL, .why = "likewise"},
	{"exit_group", ALL, .why = "a report ends the process"},
	{"nanosleep", ALL | STARTER, .why = "waits for late reports, at an end"},
};
