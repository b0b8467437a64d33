/* SPDX-License-Identifier: BSD-3-Clause */
/* Doorbells that a driver keeps in memory (NVM Express 1.3, 7.13), and rings when asked to. */

#include "tests/support/user-server/nvme_private.h"

static uint64_t shadow_place(uint64_t page, unsigned int index)
{
	return page + index * sizeof(uint32_t);
}

/*
 * It rings the next time that it changes from what was seen: it may have changed by then, which is
 * looked at once more.
 */
static void shadow_look(struct nvme *nvme, unsigned int index)
{
	uint32_t seen, value;

	if (user_server_read(nvme->server, shadow_place(nvme->shadow, index), &value,
			     sizeof(value)))
		return;
	do {
		seen = value;
		nvme_ring(nvme, index, seen);
		(void)!user_server_write(nvme->server, shadow_place(nvme->awaited, index), &seen,
					 sizeof(seen));
		__sync_synchronize();
		(void)!user_server_read(nvme->server, shadow_place(nvme->shadow, index), &value,
					sizeof(value));
	} while (value != seen);
}

/* Queue 0 has none: its driver writes them as before. */
void nvme_look(struct nvme *nvme)
{
	for (unsigned int i = 2; i < 2 * NVME_QUEUES && nvme->shadow; i++)
		if ((i % 2 ? nvme->completions : nvme->submissions)[i / 2].address)
			shadow_look(nvme, i);
}
