/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener that has KVM itself signal the eventfds of a memory map's doorbells. */

#include "vmm/kvm/doorbell.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

struct kvm_doorbells {
	struct mem_listener listener;
	struct kvm_vm *vm;
	struct mem_map *map;
	bool any_width; /* KVM_CAP_IOEVENTFD_ANY_LENGTH */
};

static int doorbell_set(struct kvm_doorbells *doorbells, const struct mem_region *region,
			const struct mem_doorbell *doorbell, bool on)
{
	struct kvm_ioeventfd ioeventfd = {
		.datamatch = doorbell->match,
		.addr = region->base + doorbell->offset,
		.len = doorbell->width,
		.fd = doorbell->eventfd,
		.flags = (doorbell->matched ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0U) |
			 (on ? 0U : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};
	int rc;

	if (doorbell->width == 0 && !doorbells->any_width)
		return -EOPNOTSUPP;
	rc = kvm_vm_ioctl(doorbells->vm, KVM_IOEVENTFD, &ioeventfd);
	return rc < 0 ? rc : 0;
}

/* KVM looks for the eventfd before it looks for the doorbell, of which there is none. */
bool kvm_doorbell_is_event(struct kvm_vm *vm, int fd)
{
	struct kvm_ioeventfd none = {
		.addr = UINT64_MAX - 3,
		.len = 4,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return kvm_vm_ioctl(vm, KVM_IOEVENTFD, &none) == -ENOENT;
}

/* The first @count of them. */
static void doorbell_take_back(struct kvm_doorbells *doorbells, const struct mem_region *region,
			       size_t count)
{
	while (count-- > 0) {
		int rc = doorbell_set(doorbells, region, &region->doorbells[count], false);

		if (rc)
			log_error("KVM: removing the doorbell of %s at 0x%" PRIx64 ": %s",
				  region->name, region->base + region->doorbells[count].offset,
				  err_text(rc));
	}
}

static int doorbell_add(struct mem_listener *listener, struct mem_region *region, struct err *err)
{
	struct kvm_doorbells *doorbells = container_of(listener, struct kvm_doorbells, listener);

	for (size_t i = 0; i < region->doorbell_count; i++) {
		int rc = doorbell_set(doorbells, region, &region->doorbells[i], true);

		if (!rc)
			continue;
		doorbell_take_back(doorbells, region, i);
		return err_set(err, rc, "KVM: doorbell of %s at 0x%" PRIx64 ": %s", region->name,
			       region->base + region->doorbells[i].offset, err_text(rc));
	}
	return 0;
}

static void doorbell_del(struct mem_listener *listener, struct mem_region *region)
{
	doorbell_take_back(container_of(listener, struct kvm_doorbells, listener), region,
			   region->doorbell_count);
}

struct kvm_doorbells *kvm_doorbells_create(struct kvm_vm *vm, struct mem_map *map, struct err *err)
{
	struct kvm_doorbells *doorbells = calloc(1, sizeof(*doorbells));

	if (!doorbells) {
		err_set(err, -ENOMEM, "KVM: doorbells: out of memory");
		return NULL;
	}
	doorbells->listener.name = "KVM's doorbells";
	doorbells->listener.doorbells = true;
	doorbells->listener.add = doorbell_add;
	doorbells->listener.del = doorbell_del;
	doorbells->vm = vm;
	doorbells->map = map;
	doorbells->any_width = kvm_vm_capability(vm, KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0;
	if (!mem_map_listen(map, &doorbells->listener, err))
		return doorbells;
	free(doorbells);
	return NULL;
}

void kvm_doorbells_destroy(struct kvm_doorbells *doorbells)
{
	if (!doorbells)
		return;
	mem_map_unlisten(doorbells->map, &doorbells->listener);
	free(doorbells);
}
