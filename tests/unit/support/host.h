/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel under a test really does; an emulator of user mode claims some of it only. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_HOST_H
#define FERRY_TESTS_UNIT_SUPPORT_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Whether madvise(2) heeds @advice, be it with a refusal. If not, says that @test is skipped. */
bool advice_is_heeded(int advice, const char *test);

/* Whether the kernel has io_uring, with what a walled ring needs. If not, says so of @test. */
bool rings_are_had(const char *test);

/* Whether the kernel has filters of system calls. If not, says so of @test. */
bool filters_are_had(const char *test);

/* Whether huge pages of 2 MiB are had, or refused for their shortage. If not, says so of @test. */
bool huge_pages_are_told_of(const char *test);

/*
 * Sends this thread what the kernel sends whoever meets memory that has failed: SIGBUS,
 * BUS_MCEERR_*.
 */
void send_memory_failure(int code, uintptr_t address);

/* Whether it arrives. If not, says that @test is skipped. */
bool memory_failures_are_told(const char *test);

/*
 * Whether recvmsg(2) tells of descriptors that there was no room for (MSG_CTRUNC). If not, says so
 * of @test.
 */
bool cut_descriptors_are_told(const char *test);

/*
 * Whether this process may lock @bytes of memory, or be given a limit that high. If not, says so of
 * @test.
 */
bool limit_reaches(uint64_t bytes, const char *test);

/* From now on this process has no capability. */
void drop_root(void);

/* Likewise, and these limits on locked memory, where limit_reaches() the second. */
void drop_root_and_limit(uint64_t soft, uint64_t hard);

#endif
