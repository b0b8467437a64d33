/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of an NVMe controller: commands are taken, blocks read and written, completions given. */

#include <string.h>

#include "tests/support/user-server/nvme_private.h"

enum { OPCODE_FLUSH = 0, OPCODE_WRITE = 1, OPCODE_READ = 2 };

static enum nvme_status queue_move_blocks(struct nvme *nvme, const struct nvme_command *command)
{
	uint64_t first = command->cdw10 | (uint64_t)command->cdw11 << 32;
	uint32_t count = (command->cdw12 & 0xffff) + 1;
	bool reads = command->opcode == OPCODE_READ;

	if (first > nvme->count || count > nvme->count - first)
		return NVME_BEYOND;
	if (!reads)
		nvme->writes += count;
	return nvme_move(nvme, command, nvme->blocks + first * NVME_BLOCK, count * NVME_BLOCK,
			 reads);
}

static enum nvme_status queue_do(struct nvme *nvme, const struct nvme_command *command)
{
	if (command->space != 1)
		return NVME_INVALID_SPACE;
	switch (command->opcode) {
	case OPCODE_FLUSH:
		return NVME_OK;
	case OPCODE_WRITE:
	case OPCODE_READ:
		return queue_move_blocks(nvme, command);
	default:
		return NVME_INVALID_OPCODE;
	}
}

static void queue_complete(struct nvme *nvme, unsigned int number, uint16_t id, uint32_t result,
			   enum nvme_status status)
{
	const struct nvme_queue *submissions = &nvme->submissions[number];
	struct nvme_queue *completions = &nvme->completions[submissions->completion];
	const struct nvme_completion completion = {
		.result = result,
		.head = (uint16_t)submissions->head,
		.queue = (uint16_t)number,
		.id = id,
		.status = (uint16_t)(status << 1 | completions->phase),
	};

	(void)!user_server_write(nvme->server,
				 completions->address + completions->tail * sizeof(completion),
				 &completion, sizeof(completion));
	if (++completions->tail == completions->size) {
		completions->tail = 0;
		completions->phase ^= 1;
	}
	nvme_await_answer(nvme, submissions->completion);
	user_server_interrupt(nvme->server, USER_MSIX, completions->vector);
}

/* A completion more would be taken for one that was there before. */
static bool queue_is_full(const struct nvme_queue *completions)
{
	return (completions->tail + 1) % completions->size == completions->head;
}

/* Whether there was one. */
static bool queue_take(struct nvme *nvme, unsigned int number)
{
	struct nvme_queue *submissions = &nvme->submissions[number];
	struct nvme_command command;
	enum nvme_status status;
	uint32_t result = 0;

	if (!submissions->address || submissions->head == submissions->tail ||
	    queue_is_full(&nvme->completions[submissions->completion]))
		return false;
	if (user_server_read(nvme->server,
			     submissions->address + submissions->head * sizeof(command), &command,
			     sizeof(command)))
		return false;
	submissions->head = (submissions->head + 1) % submissions->size;
	status = number ? queue_do(nvme, &command) : nvme_manage(nvme, &command, &result);
	if (status != NVME_LATER)
		queue_complete(nvme, number, command.id, result, status);
	return true;
}

void nvme_work(struct nvme *nvme)
{
	bool more = true;

	while (more) {
		more = false;
		for (unsigned int i = 0; i < NVME_QUEUES && !more; i++)
			more = queue_take(nvme, i);
	}
}
