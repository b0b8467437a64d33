/* SPDX-License-Identifier: BSD-3-Clause */
/* The doorbells of a device of vfio-user: eventfds in the place of messages that write. */

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/user/device_private.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/wire.h"
#include "vmm/kvm/doorbell.h"

/* Of a region with more none is taken. */
enum { DOORBELLS_MAX = 64 };

/* Of an access: 1, 2, 4 and 8 bytes. */
enum { WIDTHS = 4, WIDTH_MOST = 8 };

/* An answer, as long as it may be. */
struct doorbells_answer {
	struct vfio_user_io_fds head;
	struct vfio_user_io_fd entries[DOORBELLS_MAX];
};

/* -ENOTSUP and the like: it has none of these. */
static int doorbells_ask(struct vfio_user_device *device, uint32_t index,
			 struct doorbells_answer *answer, struct vfio_user_doorbells *to,
			 uint32_t *came)
{
	const struct vfio_user_io_fds asked = {.argsz = sizeof(*answer), .index = index};
	struct vfio_user_request request = {
		.command = VFIO_USER_GET_REGION_IO_FDS,
		.payload = &asked,
		.size = sizeof(asked),
		.answer = answer,
		.least = sizeof(answer->head),
		.room = sizeof(*answer),
		.answer_fds = to->fds,
		.fd_room = VFIO_USER_FDS,
	};
	int rc = vfio_user_ask(device->client, &request);

	*came = request.came;
	return rc;
}

/* A server that has more than there is room for tells how many there are, and no more. */
static bool doorbells_are_too_many(const struct vfio_user_device *device, uint32_t index,
				   const struct doorbells_answer *answer, uint32_t came)
{
	if (came != sizeof(answer->head) || answer->head.argsz <= sizeof(*answer))
		return false;
	log_notice("passthrough device %s: region %" PRIu32 " has %" PRIu32
		   " doorbells, and %d are the most: they are reached by messages",
		   device->name, index, answer->head.count, DOORBELLS_MAX);
	return true;
}

static int doorbells_check_answer(struct doorbells_answer *answer, uint32_t index, uint32_t came,
				  struct err *err)
{
	const struct vfio_user_io_fds *head = &answer->head;
	uint32_t size = came - (uint32_t)sizeof(*head);

	if (head->index != index || head->argsz != came ||
	    size != head->count * sizeof(answer->entries[0]))
		return err_set(err, -EPROTO,
			       "its server has told of %" PRIu32 " doorbells of region %" PRIu32
			       " in %" PRIu32 " of %" PRIu32 " bytes",
			       head->count, head->index, came, head->argsz);
	return 0;
}

/* What is none is let go at once: whatever is kept is closed one day, which must not wait. */
static int doorbells_check_fds(struct vfio_user_doorbells *doorbells, struct kvm_vm *vm,
			       uint32_t index, struct err *err)
{
	bool good = true;

	for (unsigned int i = 0; i < VFIO_USER_FDS; i++) {
		if (doorbells->fds[i] < 0 || kvm_doorbell_is_event(vm, doorbells->fds[i]))
			continue;
		wire_drop(&doorbells->fds[i]);
		good = false;
	}
	return good ? 0
		    : err_set(err, -EPROTO,
			      "its server has sent a descriptor that is no eventfd for doorbells "
			      "of region %" PRIu32,
			      index);
}

/* KVM takes no two that one write could ring (api.rst, KVM_IOEVENTFD). */
static bool doorbells_collide(const struct mem_doorbell *one, const struct mem_doorbell *other)
{
	return one->offset == other->offset &&
	       (!one->width || !other->width ||
		(one->width == other->width &&
		 (!one->matched || !other->matched || one->match == other->match)));
}

static bool doorbells_has(const struct vfio_user_doorbells *doorbells,
			  const struct mem_doorbell *doorbell)
{
	for (size_t i = 0; i < doorbells->count; i++)
		if (doorbells_collide(&doorbells->bells[i], doorbell))
			return true;
	return false;
}

/*
 * One of any width (0) is one of each: KVM does not tell reads of such a one from writes where it
 * is fast, and a register that can be written can be read.
 */
static void doorbells_add(struct vfio_user_doorbells *doorbells, struct mem_doorbell doorbell,
			  uint64_t room)
{
	unsigned int least = doorbell.width ? doorbell.width : 1;
	unsigned int most = doorbell.width ? doorbell.width : WIDTH_MOST;

	for (doorbell.width = least; doorbell.width <= most && doorbell.width <= room;
	     doorbell.width *= 2)
		doorbells->bells[doorbells->count++] = doorbell;
}

/* What is no ioeventfd of memory is left to messages. */
static int doorbells_take(struct vfio_user_doorbells *doorbells,
			  const struct vfio_region_info *region,
			  const struct vfio_user_io_fd *entry, struct err *err)
{
	const uint32_t known = KVM_IOEVENTFD_FLAG_DATAMATCH;
	struct mem_doorbell doorbell = {
		.offset = entry->offset,
		.width = (unsigned int)entry->size,
		.matched = entry->flags & KVM_IOEVENTFD_FLAG_DATAMATCH,
		.match = entry->match,
	};

	if (entry->type != VFIO_USER_IOEVENTFD || entry->flags & ~known)
		return 0;
	if (entry->size > WIDTH_MOST || entry->size & (entry->size - 1) ||
	    (doorbell.matched && !entry->size) ||
	    !range_fits(entry->offset, entry->size ? entry->size : 1, region->size) ||
	    entry->fd >= VFIO_USER_FDS || doorbells->fds[entry->fd] < 0 ||
	    doorbells_has(doorbells, &doorbell))
		return err_set(err, -EPROTO,
			       "its server has told of a doorbell of region %u that there cannot "
			       "be: at 0x%" PRIx64 ", of 0x%" PRIx64
			       " bytes, by descriptor %" PRIu32,
			       region->index, (uint64_t)entry->offset, (uint64_t)entry->size,
			       entry->fd);
	doorbell.eventfd = doorbells->fds[entry->fd];
	doorbells_add(doorbells, doorbell, region->size - entry->offset);
	return 0;
}

static int doorbells_take_all(struct vfio_user_device *device, uint32_t index,
			      struct doorbells_answer *answer, uint32_t came, struct err *err)
{
	struct vfio_user_doorbells *doorbells = &device->doorbells[index];
	int rc = doorbells_check_fds(doorbells, device->client->config.doorbells, index, err);

	if (!rc && doorbells_are_too_many(device, index, answer, came))
		return 0;
	if (!rc)
		rc = doorbells_check_answer(answer, index, came, err);
	if (rc || !answer->head.count)
		return rc;
	doorbells->bells = calloc(answer->head.count, WIDTHS * sizeof(*doorbells->bells));
	if (!doorbells->bells)
		return err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < answer->head.count && !rc; i++)
		rc = doorbells_take(doorbells, device->regions[index].info, &answer->entries[i],
				    err);
	return rc;
}

static int doorbells_load(struct vfio_user_device *device, uint32_t index,
			  struct doorbells_answer *answer, struct err *err)
{
	uint32_t came;
	int rc;

	if (!device->regions[index].info->size)
		return 0;
	rc = doorbells_ask(device, index, answer, &device->doorbells[index], &came);
	if (rc && vfio_user_is_lost(device->client))
		return err_set(err, rc,
			       "its server has not told of doorbells: leave ioeventfd out");
	return rc ? 0 : doorbells_take_all(device, index, answer, came, err);
}

int vfio_user_load_doorbells(struct vfio_user_device *device, struct err *err)
{
	struct doorbells_answer *answer = malloc(sizeof(*answer));
	int rc = 0;

	if (!answer)
		return err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i <= VFIO_PCI_BAR5_REGION_INDEX && !rc; i++)
		rc = doorbells_load(device, i, answer, err);
	free(answer);
	return rc;
}

size_t vfio_user_doorbells(const struct vfio_backend *backend, uint32_t region,
			   const struct mem_doorbell **doorbells)
{
	const struct vfio_user_device *device = vfio_user_of(backend);

	if (region > VFIO_PCI_BAR5_REGION_INDEX)
		return 0;
	*doorbells = device->doorbells[region].bells;
	return device->doorbells[region].count;
}

void vfio_user_init_doorbells(struct vfio_user_device *device)
{
	for (uint32_t i = 0; i < VFIO_USER_BARS; i++)
		for (unsigned int j = 0; j < VFIO_USER_FDS; j++)
			device->doorbells[i].fds[j] = -1;
}

void vfio_user_release_doorbells(struct vfio_user_device *device)
{
	for (uint32_t i = 0; i < VFIO_USER_BARS; i++) {
		for (unsigned int j = 0; j < VFIO_USER_FDS; j++)
			fd_close(&device->doorbells[i].fds[j]);
		free(device->doorbells[i].bells);
	}
}
