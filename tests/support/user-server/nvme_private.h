/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of the NVMe controller share. */

#ifndef FERRY_TESTS_SUPPORT_USER_SERVER_NVME_PRIVATE_H
#define FERRY_TESTS_SUPPORT_USER_SERVER_NVME_PRIVATE_H

#include "tests/support/user-server/nvme.h"

enum { NVME_BLOCK = 512 };

/* A command (4.2) and its completion (4.6). */
struct nvme_command {
	uint8_t opcode, flags;
	uint16_t id;
	uint32_t space;
	uint64_t reserved, metadata;
	uint64_t prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

struct nvme_completion {
	uint32_t result, reserved;
	uint16_t head, queue;
	uint16_t id, status;
};

/* Status (4.6.1), as it is shifted over the phase. */
enum nvme_status {
	NVME_OK = 0,
	NVME_INVALID_OPCODE = 0x01,
	NVME_INVALID_FIELD = 0x02,
	NVME_DATA_ERROR = 0x04,
	NVME_INVALID_SPACE = 0x0b,
	NVME_BEYOND = 0x80,
	NVME_INVALID_QUEUE = 0x101,
	NVME_LATER = 0xffff, /* no completion, for now */
};

/* nvme_queues.c: what is submitted is done. */
void nvme_work(struct nvme *nvme);

/* nvme_manage.c: a command about the controller, from queue 0. */
enum nvme_status nvme_manage(struct nvme *nvme, const struct nvme_command *command,
			     uint32_t *result);

/* nvme_shadow.c: doorbells that are in memory are looked at. */
void nvme_look(struct nvme *nvme);

/* nvme_answers.c: queue @number's interrupt is about to be told; its doorbell has been rung. */
void nvme_await_answer(struct nvme *nvme, unsigned int number);
void nvme_take_answer(struct nvme *nvme, unsigned int number);

/* nvme.c: doorbell @index has @value (3.1.17). */
void nvme_ring(struct nvme *nvme, unsigned int index, uint32_t value);

/* nvme_data.c: @size bytes between the controller and where the PRPs say (4.3). */
enum nvme_status nvme_move(struct nvme *nvme, const struct nvme_command *command, uint8_t *data,
			   uint32_t size, bool to_guest);

#endif
