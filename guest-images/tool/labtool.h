/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands of labtool share. */

#ifndef GUEST_IMAGES_TOOL_LABTOOL_H
#define GUEST_IMAGES_TOOL_LABTOOL_H

#include <stddef.h>
#include <stdint.h>

/* Each command takes its own arguments (argv[0] is its name) and returns an exit status. */
int edu_main(int argc, char **argv);
int peer_main(int argc, char **argv);
int disk_reads_main(int argc, char **argv);
int disk_cat_high_main(int argc, char **argv);
int measure_main(int argc, char **argv);
int as_user_main(int argc, char **argv);

/* Page-aligned, zeroed memory that is present and locked; ends the program when there is none. */
void *buffer_alloc(size_t size);

/* The physical address behind @address, which must be present; ends the program if it is hidden. */
uint64_t buffer_physical(const void *address);

#endif
