/* SPDX-License-Identifier: BSD-3-Clause */
/* A small NVMe controller (NVM Express 1.2) with one namespace: its registers and queues. */

#include "tests/support/user-server/nvme.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/user-server/nvme_private.h"

/* BAR 0: registers, doorbells, the vectors' table and their pending bits, a page each. */
enum {
	BAR_DOORBELLS = 0x1000,
	BAR_TABLE = 0x2000,
	BAR_PENDING = 0x3000,
	BAR_SIZE = 0x4000,
	PAGE = 0x1000,
	POLL_US = 200,
};

/* Registers (3.1). */
enum {
	REG_CAP = 0x00,
	REG_VS = 0x08,
	REG_INTMS = 0x0c,
	REG_INTMC = 0x10,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_END = 0x38,
};

enum { CC_ENABLE = 1, CC_SHUTDOWN = 3 << 14, CSTS_READY = 1, CSTS_SHUT_DOWN = 2 << 2 };

/* So many entries, queues that are contiguous, 5 s to be ready, NVM commands, pages of 4 KiB. */
static const uint64_t capabilities =
	(NVME_ENTRIES - 1) | UINT64_C(1) << 16 | UINT64_C(10) << 24 | UINT64_C(1) << 37;

static void nvme_power_on(struct nvme *nvme)
{
	memset(nvme->submissions, 0, sizeof(nvme->submissions));
	memset(nvme->completions, 0, sizeof(nvme->completions));
	memset(nvme->doorbell, 0, PAGE);
	nvme->cc = nvme->csts = nvme->aqa = nvme->masked = 0;
	nvme->asq = nvme->acq = nvme->shadow = nvme->awaited = 0;
	nvme->asked_ns = 0;
}

static void nvme_enable(struct nvme *nvme)
{
	nvme->submissions[0] = (struct nvme_queue){
		.address = nvme->asq,
		.size = (nvme->aqa & 0xfff) + 1,
	};
	nvme->completions[0] = (struct nvme_queue){
		.address = nvme->acq,
		.size = (nvme->aqa >> 16 & 0xfff) + 1,
		.phase = 1,
	};
	nvme->csts |= CSTS_READY;
}

/* What the queues are stays as it is to the next start. */
static void nvme_disable(struct nvme *nvme)
{
	uint32_t aqa = nvme->aqa;
	uint64_t asq = nvme->asq, acq = nvme->acq;

	nvme_power_on(nvme);
	nvme->aqa = aqa;
	nvme->asq = asq;
	nvme->acq = acq;
}

static void nvme_write_cc(struct nvme *nvme, uint32_t value)
{
	bool was = nvme->cc & CC_ENABLE, is = value & CC_ENABLE;

	if (was && !is)
		nvme_disable(nvme);
	if (!was && is)
		nvme_enable(nvme);
	nvme->cc = value;
	if (value & CC_SHUTDOWN)
		nvme->csts |= CSTS_SHUT_DOWN;
}

/* All of them, as they would be read one after another. */
static void nvme_fill(const struct nvme *nvme, uint8_t registers[REG_END])
{
	const uint32_t version = 0x00010201;

	memset(registers, 0, REG_END);
	memcpy(registers + REG_CAP, &capabilities, sizeof(capabilities));
	memcpy(registers + REG_VS, &version, sizeof(version));
	memcpy(registers + REG_INTMS, &nvme->masked, sizeof(nvme->masked));
	memcpy(registers + REG_INTMC, &nvme->masked, sizeof(nvme->masked));
	memcpy(registers + REG_CC, &nvme->cc, sizeof(nvme->cc));
	memcpy(registers + REG_CSTS, &nvme->csts, sizeof(nvme->csts));
	memcpy(registers + REG_AQA, &nvme->aqa, sizeof(nvme->aqa));
	memcpy(registers + REG_ASQ, &nvme->asq, sizeof(nvme->asq));
	memcpy(registers + REG_ACQ, &nvme->acq, sizeof(nvme->acq));
}

static int nvme_read(void *owner, uint64_t offset, void *data, uint32_t size)
{
	const struct nvme *nvme = owner;
	uint8_t registers[REG_END];

	memset(data, 0, size);
	nvme_fill(nvme, registers);
	if (offset + size <= REG_END)
		memcpy(data, registers + offset, size);
	return 0;
}

/* A half of one of 64 bits at a time, or all of it. */
static void nvme_write_address(uint64_t *address, uint64_t at, const void *data, uint32_t size)
{
	if (size <= sizeof(*address) - at)
		memcpy((uint8_t *)address + at, data, size);
}

static void nvme_write_register(struct nvme *nvme, uint64_t offset, const void *data, uint32_t size)
{
	uint32_t value = 0;

	memcpy(&value, data, size < sizeof(value) ? size : sizeof(value));
	if (offset == REG_INTMS)
		nvme->masked |= value;
	else if (offset == REG_INTMC)
		nvme->masked &= ~value;
	else if (offset == REG_CC)
		nvme_write_cc(nvme, value);
	else if (offset == REG_AQA)
		nvme->aqa = value;
	else if (offset >= REG_ASQ && offset < REG_ACQ)
		nvme_write_address(&nvme->asq, offset - REG_ASQ, data, size);
	else if (offset >= REG_ACQ && offset < REG_END)
		nvme_write_address(&nvme->acq, offset - REG_ACQ, data, size);
}

/* Two for each queue: a submission queue's tail, a completion queue's head. */
void nvme_ring(struct nvme *nvme, unsigned int index, uint32_t value)
{
	unsigned int number = index / 2;
	struct nvme_queue *submissions, *completions;

	if (number >= NVME_QUEUES || !(nvme->csts & CSTS_READY))
		return;
	submissions = &nvme->submissions[number];
	completions = &nvme->completions[number];
	if (index % 2 && value < completions->size) {
		completions->head = value;
		nvme_take_answer(nvme, number);
	} else if (index % 2 == 0 && value < submissions->size) {
		submissions->tail = value;
	}
}

static int nvme_write(void *owner, uint64_t offset, const void *data, uint32_t size)
{
	struct nvme *nvme = owner;

	if (offset < BAR_DOORBELLS) {
		nvme_write_register(nvme, offset, data, size);
	} else if (offset < BAR_TABLE && size == 4 && offset % 4 == 0) {
		unsigned int index = (unsigned int)(offset - BAR_DOORBELLS) / 4;

		memcpy(&nvme->doorbell[index], data, size);
		nvme_ring(nvme, index, nvme->doorbell[index]);
	}
	/* A client that knows no eventfds rings them so, and only those that are awaited. */
	nvme_look(nvme);
	nvme_work(nvme);
	return 0;
}

static void nvme_poll(void *owner)
{
	struct nvme *nvme = owner;

	for (unsigned int i = 0; i < 2 * NVME_QUEUES; i++)
		nvme_ring(nvme, i, __atomic_load_n(&nvme->doorbell[i], __ATOMIC_ACQUIRE));
	nvme_work(nvme);
}

static void nvme_rung(void *owner)
{
	struct nvme *nvme = owner;

	nvme_look(nvme);
	nvme_work(nvme);
}

/* Those of queues 1 and above; one eventfd for all. */
static int nvme_open_bells(struct nvme *nvme, struct user_region *bar)
{
	nvme->rung = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (nvme->rung < 0)
		return -errno;
	nvme->model.poll = nvme_rung;
	for (unsigned int i = 0; i < 2 * (NVME_QUEUES - 1); i++)
		bar->bells[bar->bell_count++] = (struct user_bell){
			nvme->rung,
			{.offset = BAR_DOORBELLS + 4 * (i + 2), .size = 4, .fd = i},
		};
	return 0;
}

static void nvme_reset(void *owner)
{
	nvme_power_on(owner);
}

static int nvme_open_doorbells(struct nvme *nvme, struct user_region *bar, bool mapped)
{
	void *page;

	nvme->doorbells = memfd_create("doorbells", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (nvme->doorbells < 0 || ftruncate(nvme->doorbells, BAR_SIZE))
		return -errno;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, nvme->doorbells, BAR_DOORBELLS);
	if (page == MAP_FAILED)
		return -errno;
	nvme->doorbell = page;
	if (!mapped)
		return 0;
	bar->fd = nvme->doorbells;
	bar->area_count = 1;
	bar->areas[0].offset = BAR_DOORBELLS;
	bar->areas[0].size = PAGE;
	nvme->model.poll = nvme_poll;
	nvme->model.poll_us = POLL_US;
	return 0;
}

int nvme_init(struct nvme *nvme, struct user_server *server, void *blocks, uint64_t bytes,
	      enum nvme_bells bells)
{
	struct user_region bar = {.size = BAR_SIZE, .read = nvme_read, .write = nvme_write};
	int rc;

	memset(nvme, 0, sizeof(*nvme));
	nvme->server = server;
	nvme->blocks = blocks;
	nvme->count = bytes / NVME_BLOCK;
	nvme->rung = -1;
	rc = nvme_open_doorbells(nvme, &bar, bells == NVME_MAPPED);
	if (!rc && bells == NVME_BY_EVENTFD)
		rc = nvme_open_bells(nvme, &bar);
	if (rc)
		return rc;
	nvme->model.owner = nvme;
	nvme->model.reset = nvme_reset;
	user_model_identify(&nvme->model, 0x1234, 0x4e56, 0x01080201);
	user_model_add_bar(&nvme->model, 0, USER_BAR_64, &bar);
	user_model_add_express(&nvme->model);
	user_model_add_msix(&nvme->model, NVME_QUEUES, 0, BAR_TABLE, BAR_PENDING);
	nvme_power_on(nvme);
	user_server_init(server, &nvme->model);
	return 0;
}
