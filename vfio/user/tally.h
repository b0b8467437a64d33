/* SPDX-License-Identifier: BSD-3-Clause */
/* How many messages went each way between Ferry and a vfio-user server, and what they took. */

#ifndef FERRY_VFIO_USER_TALLY_H
#define FERRY_VFIO_USER_TALLY_H

#include <stdint.h>
#include <stdio.h>

#include "vfio/user/message.h"

/* Of one kind; times in nanoseconds. */
struct vfio_user_tally {
	uint64_t count, total, longest;
};

/* By command; what there is no room for is counted with 0. */
enum { VFIO_USER_TALLIES = VFIO_USER_RESET + 1 };

struct vfio_user_tallies {
	struct vfio_user_tally asked[VFIO_USER_TALLIES];  /* to the answer, or its failure */
	struct vfio_user_tally posted[VFIO_USER_TALLIES]; /* to where the socket had it */
	struct vfio_user_tally
		served[VFIO_USER_TALLIES]; /* the server's, to where it is answered */
};

/* Nanoseconds since some moment before the run. */
int64_t vfio_user_now(void);

/* One more of @command in @tallies, which began at @since (vfio_user_now()). */
void vfio_user_count(struct vfio_user_tally tallies[VFIO_USER_TALLIES], unsigned int command,
		     int64_t since);

/* A line for each kind of which there were any, for `monitor vfio`. */
void vfio_user_print_tallies(const struct vfio_user_tallies *tallies, FILE *out);

#endif
