/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that guest RAM is made of: one that others opened, or a memfd for others to map. */

#ifndef FERRY_MEMORY_RAM_FILE_H
#define FERRY_MEMORY_RAM_FILE_H

#include <stdint.h>

#include "vmm/base/err.h"

struct ram_file {
	uint64_t size;      /* bytes, all of which become RAM */
	uint64_t page_size; /* of hugetlbfs; 0: ordinary pages */
	uint64_t held;      /* bytes that it has pages for already */
};

/*
 * Whether open @fd will do, and what it is. -EINVAL with @err saying what is wrong with it and what
 * is wanted, without the option's name.
 */
int ram_file_check(int fd, struct ram_file *file, struct err *err) FERRY_MUST_CHECK;

/*
 * Has nobody shrink it from now on (F_SEAL_SHRINK): pages that vanish would end the run. A memfd
 * without seals and a file with a name take none, and are used all the same. -EINVAL with @err set
 * when it has less than the @size bytes that ram_file_check() found.
 */
int ram_file_seal(int fd, uint64_t size, struct err *err) FERRY_MUST_CHECK;

/*
 * A memfd of @size bytes, in pages of @page_size (0: ordinary ones), whose size nobody can change.
 * Its descriptor, or a negative errno.
 */
int ram_file_create(uint64_t size, uint64_t page_size) FERRY_MUST_CHECK;

#endif
