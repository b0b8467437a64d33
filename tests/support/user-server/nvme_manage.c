/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about an NVMe controller (NVM Express 1.2, 5): what it is, its queues, features. */

#include <stdio.h>
#include <string.h>

#include "tests/support/user-server/nvme_private.h"

enum {
	MANAGE_DELETE_SUBMISSIONS = 0x00,
	MANAGE_CREATE_SUBMISSIONS = 0x01,
	MANAGE_LOG = 0x02,
	MANAGE_DELETE_COMPLETIONS = 0x04,
	MANAGE_CREATE_COMPLETIONS = 0x05,
	MANAGE_IDENTIFY = 0x06,
	MANAGE_ABORT = 0x08,
	MANAGE_SET_FEATURES = 0x09,
	MANAGE_GET_FEATURES = 0x0a,
	MANAGE_EVENT = 0x0c,
	MANAGE_DOORBELLS = 0x7c,
};

enum { IDENTIFY_SPACE = 0, IDENTIFY_CONTROLLER = 1, IDENTIFY_SPACES = 2, FEATURE_QUEUES = 7 };

/* Text in a field that blanks fill. */
static void manage_store_text(uint8_t *at, const char *text, size_t size)
{
	memset(at, ' ', size);
	memcpy(at, text, strlen(text));
}

static void manage_fill_controller(const struct nvme *nvme, uint8_t data[4096])
{
	data[0] = 0x34;
	data[1] = 0x12;
	manage_store_text(data + 4, "user-server", 20);
	manage_store_text(data + 24, "A small NVMe controller", 40);
	manage_store_text(data + 64, "1", 8);
	data[77] = 5;                   /* 128 KiB for a command */
	memcpy(data + 80, "\1\2\1", 3); /* version 1.2.1 */
	data[111] = 1;                  /* a controller with blocks */
	data[257] = nvme->rung >= 0;    /* doorbells may be in memory */
	data[259] = 3;                  /* events that may be asked for */
	data[512] = 0x66;               /* entries of 64 bytes */
	data[513] = 0x44;               /* of 16 */
	data[516] = 1;                  /* one namespace */
	snprintf((char *)data + 768, 256, "nqn.2014-08.org.nvmexpress:user-server");
}

static void manage_fill_space(const struct nvme *nvme, uint8_t data[4096])
{
	for (unsigned int i = 0; i < 3; i++)
		memcpy(data + 8 * i, &nvme->count, sizeof(nvme->count));
	data[130] = 9; /* blocks of 2^9 bytes */
}

static enum nvme_status manage_identify(struct nvme *nvme, const struct nvme_command *command)
{
	uint8_t data[4096] = {0};

	switch (command->cdw10 & 0xff) {
	case IDENTIFY_CONTROLLER:
		manage_fill_controller(nvme, data);
		break;
	case IDENTIFY_SPACE:
		if (command->space != 1)
			return NVME_INVALID_SPACE;
		manage_fill_space(nvme, data);
		break;
	case IDENTIFY_SPACES:
		data[0] = command->space < 1;
		break;
	default:
		return NVME_INVALID_FIELD;
	}
	return nvme_move(nvme, command, data, sizeof(data), true);
}

static enum nvme_status manage_create(struct nvme *nvme, const struct nvme_command *command,
				      bool completions)
{
	uint32_t number = command->cdw10 & 0xffff, size = (command->cdw10 >> 16) + 1;
	struct nvme_queue queue = {.address = command->prp1, .size = size};
	uint16_t other = (uint16_t)(command->cdw11 >> 16);

	/* One in pieces is not offered. */
	if (!number || number >= NVME_QUEUES || !(command->cdw11 & 1) || size < 2 ||
	    size > NVME_ENTRIES)
		return NVME_INVALID_QUEUE;
	if (other >= NVME_QUEUES || (!completions && !nvme->completions[other].address))
		return NVME_INVALID_QUEUE;
	if (completions) {
		queue.phase = 1;
		queue.vector = other;
		nvme->completions[number] = queue;
	} else {
		queue.completion = other;
		nvme->submissions[number] = queue;
	}
	nvme->doorbell[2 * number + completions] = 0;
	return NVME_OK;
}

static enum nvme_status manage_delete(struct nvme *nvme, const struct nvme_command *command,
				      struct nvme_queue *queues)
{
	uint32_t number = command->cdw10 & 0xffff;

	(void)nvme;
	if (!number || number >= NVME_QUEUES || !queues[number].address)
		return NVME_INVALID_QUEUE;
	queues[number] = (struct nvme_queue){0};
	return NVME_OK;
}

static enum nvme_status manage_log(struct nvme *nvme, const struct nvme_command *command)
{
	uint8_t data[4096] = {0};
	uint32_t size = 4 * ((command->cdw10 >> 16) + 1);

	return nvme_move(nvme, command, data, size < sizeof(data) ? size : sizeof(data), true);
}

/* So many queues of each kind beside queue 0, less one. */
static enum nvme_status manage_feature(const struct nvme_command *command, uint32_t *result)
{
	if ((command->cdw10 & 0xff) == FEATURE_QUEUES)
		*result = (NVME_QUEUES - 2) | (NVME_QUEUES - 2) << 16;
	return NVME_OK;
}

/* What is to be looked at is there from now on, and the queues too. */
static enum nvme_status manage_doorbells(struct nvme *nvme, const struct nvme_command *command)
{
	if (nvme->rung < 0)
		return NVME_INVALID_OPCODE;
	if (!command->prp1 || !command->prp2 || (command->prp1 | command->prp2) & 0xfff)
		return NVME_INVALID_FIELD;
	nvme->shadow = command->prp1;
	nvme->awaited = command->prp2;
	nvme_look(nvme);
	return NVME_OK;
}

enum nvme_status nvme_manage(struct nvme *nvme, const struct nvme_command *command,
			     uint32_t *result)
{
	switch (command->opcode) {
	case MANAGE_IDENTIFY:
		return manage_identify(nvme, command);
	case MANAGE_CREATE_COMPLETIONS:
	case MANAGE_CREATE_SUBMISSIONS:
		return manage_create(nvme, command, command->opcode == MANAGE_CREATE_COMPLETIONS);
	case MANAGE_DELETE_COMPLETIONS:
		return manage_delete(nvme, command, nvme->completions);
	case MANAGE_DELETE_SUBMISSIONS:
		return manage_delete(nvme, command, nvme->submissions);
	case MANAGE_SET_FEATURES:
	case MANAGE_GET_FEATURES:
		return manage_feature(command, result);
	case MANAGE_DOORBELLS:
		return manage_doorbells(nvme, command);
	case MANAGE_LOG:
		return manage_log(nvme, command);
	case MANAGE_EVENT:
		return NVME_LATER;
	case MANAGE_ABORT:
		*result = 1; /* it was not aborted */
		return NVME_OK;
	default:
		return NVME_INVALID_OPCODE;
	}
}
