/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel and initrd files, opened once for the machine's life. */

#ifndef FERRY_VMM_MACHINE_BOOTFILES_H
#define FERRY_VMM_MACHINE_BOOTFILES_H

#include "arch/arch.h"
#include "vmm/base/err.h"
#include "vmm/config.h"

/*
 * Opens what @config names into @boot; on failure nothing stays open and @err says which file. Of a
 * pipe that somebody else has opened all is read, and waited for, at most as much as guest memory
 * holds.
 */
int bootfiles_open(struct boot_source *boot, const struct config *config,
		   struct err *err) FERRY_MUST_CHECK;

/*
 * Before another boot: the same files, as large as they are by now. One that was written anew in
 * its place is taken whole; one that another took the name of is the old one still.
 */
int bootfiles_measure(struct boot_source *boot, struct err *err) FERRY_MUST_CHECK;

void bootfiles_close(struct boot_source *boot);

#endif
