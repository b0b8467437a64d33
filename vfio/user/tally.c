/* SPDX-License-Identifier: BSD-3-Clause */
/* How many messages went each way between Ferry and a vfio-user server, and what they took. */

#include "vfio/user/tally.h"

#include <inttypes.h>
#include <time.h>

enum { NS_PER_US = 1000 };

int64_t vfio_user_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void vfio_user_count(struct vfio_user_tally tallies[VFIO_USER_TALLIES], unsigned int command,
		     int64_t since)
{
	struct vfio_user_tally *tally = &tallies[command < VFIO_USER_TALLIES ? command : 0];
	uint64_t took = (uint64_t)(vfio_user_now() - since);

	tally->count++;
	tally->total += took;
	if (took > tally->longest)
		tally->longest = took;
}

static void tally_print(const struct vfio_user_tally *tallies, const char *what, FILE *out)
{
	for (unsigned int i = 0; i < VFIO_USER_TALLIES; i++) {
		const struct vfio_user_tally *tally = &tallies[i];

		if (tally->count)
			fprintf(out,
				"    %-23s %-13s %8" PRIu64 " %11" PRIu64 " us %10" PRIu64 " us\n",
				vfio_user_name(i), what, tally->count, tally->total / NS_PER_US,
				tally->longest / NS_PER_US);
	}
}

void vfio_user_print_tallies(const struct vfio_user_tallies *tallies, FILE *out)
{
	fprintf(out, "  %-25s %-13s %8s %14s %13s\n", "messages", "", "count", "together",
		"longest");
	tally_print(tallies->asked, "answered", out);
	tally_print(tallies->posted, "posted", out);
	tally_print(tallies->served, "the server's", out);
}
