/* SPDX-License-Identifier: BSD-3-Clause */
/* What this folder keeps of everything that is passed through. */

#ifndef FERRY_VFIO_VFIO_PRIVATE_H
#define FERRY_VFIO_VFIO_PRIVATE_H

#include <stdatomic.h>

#include "devices/pci/port.h"
#include "vfio/dma.h"
#include "vfio/pci/pci.h"
#include "vfio/peer.h"
#include "vfio/provider.h"

struct vfio_slot;

struct vfio_entry {
	struct vfio *vfio;
	struct vfio_sysfs_device sysfs;
	struct vfio_lease *lease;          /* NULL once it has left */
	struct vfio_device_config options; /* descriptors that are not 0 are the entry's */
	char *texts;                       /* the strings of the options */
	struct vfio_rom rom;
	struct vfio_backend *backend; /* opened already, before there is a function; else NULL */
	struct vfio_pci *pci;         /* NULL again when the PCI host has destroyed it */
	struct vfio_slot *slot;       /* that it is in, or will be; NULL: it is on the root bus */
	unsigned int function;        /* in that slot */
	bool anywhere;                /* any slot does, as long as it fits */
	/* Of one that comes while the guest runs, until it is there: who waits for that. */
	vfio_added done;
	void *owner;
	struct err refusal; /* why it does not come after all */
	bool asked;         /* somebody asked for its removal, and is to hear of that */
	bool lost;          /* it answers no more, which nobody was told yet */
};

/*
 * How a slot's devices leave it, all at once. What happens is drawn in slots.c. Main thread.
 */
enum vfio_removal {
	VFIO_STAYS,
	VFIO_ASKED, /* the guest is to let them go */
	VFIO_GOES,  /* it has them no longer; a reset may have to end first */
};

struct vfio_slot {
	struct vfio *vfio;
	struct pci_port *port; /* the PCI host's */
	unsigned int number;
	bool shown; /* the guest has seen what is in it */
	enum vfio_removal removal;
	bool forced;               /* by the host: a guest that cancels does not keep them */
	bool noticed;              /* the guest's indicator has blinked since it was asked */
	int64_t deadline;          /* of the guest's, milliseconds of the monotonic clock */
	int64_t settled;           /* when what looks like a cancellation is one; 0: nothing does */
	unsigned int switched_off; /* how often the guest had done that when it was asked */
};

struct vfio {
	char *sysfs, *dev, *proc;
	struct vfio_settings settings;         /* those strings */
	struct vfio_provider *provider;        /* of all entries; NULL before the first */
	const struct vfio_provider_ops *unfit; /* it served all but could open none; or NULL */
	bool lent; /* the iommufd of the settings came with a device: it goes with the provider */
	int kvm;   /* KVM's VFIO device; -1 before the first device */
	uint64_t ram_size; /* that was found to be allowed to be locked */
	struct vfio_entry **entries;
	size_t count;
	struct vfio_slot *slots; /* room for every port's, made at vfio_attach() */
	size_t slot_count;
	int turn;  /* eventfd: something is to be looked at; -1 without slots */
	int timer; /* timerfd: the next deadline of a slot's; likewise */
	struct vfio_dma dma;
	struct vfio_peers peers;
	struct vfio_attach to; /* what it was attached to; zeroed before */
	bool standing;         /* vCPUs are parked by others */
	struct ram *ram;
	vfio_mapped mapped; /* who else is told that RAM is mapped; NULL: nobody */
	void *machine;
	atomic_bool map_ended; /* the mapper's callback has come */
	struct err unmapped;   /* why RAM is not mapped; the mapper's, until it is joined */
};

/*
 * entry.c: one device, from its name to its end. What fails has set @err.
 *
 * Copies @config, whose descriptors are the entry's from then on, also when it fails; NULL then.
 */
struct vfio_entry *vfio_entry_create(struct vfio *vfio, const struct vfio_device_config *config,
				     struct err *err);
/* By the way that serves it. */
int vfio_entry_join(struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
/* -EEXIST when the guest has that device already, or another of that name. */
int vfio_entry_check_new(const struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
/* Into the array of all. */
int vfio_entry_append(struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
void vfio_entry_remove(struct vfio_entry *entry);
/*
 * What is to be opened before its sizes are known, is; KVM learns of it before that. In *@no_way
 * whether it failed because the host has no such way to a device.
 */
int vfio_entry_open_early(struct vfio_entry *entry, struct kvm_vm *vm, bool *no_way,
			  struct err *err) FERRY_MUST_CHECK;
/* Opens it unless it is, and builds its function, which is on no bus yet. */
int vfio_entry_build(struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
/*
 * Nothing of it is held from the host any more. The function is closed by then. With the last one
 * the mapper is abandoned, and the provider goes, so that another may follow.
 */
void vfio_entry_leave(struct vfio_entry *entry);
/* It has no function any more, and is in no array. NULL is allowed. */
void vfio_entry_free(struct vfio_entry *entry);
/* How users write a slot, as "slot3". */
enum { VFIO_SLOT_NAME = 16 };

/* How many devices are had from the host. */
size_t vfio_count_leases(const struct vfio *vfio);
/* Closes what @config has of others' descriptors. */
void vfio_close_given(struct vfio_device_config *config);
/* Somebody outside hears of it. Main thread, no lock held. */
void vfio_tell(const struct vfio_entry *entry, enum vfio_news_kind kind);

/*
 * vfio.c: all devices leave the way that turned out to be none, and join the next that serves them;
 * @err tells why. Whether they may: the user left it open how each is had, and none is open yet.
 */
bool vfio_may_change_way(const struct vfio *vfio);
int vfio_change_way(struct vfio *vfio, struct err *err) FERRY_MUST_CHECK;
/* Starts the mapper over the RAM that vfio_map_ram() was given. */
int vfio_start_mapper(struct vfio *vfio, struct err *err) FERRY_MUST_CHECK;

/*
 * place.c: puts the device of @entry, which is open, where it is to be, and function 0 of its slot
 * before it. And the ports of empty slots. -errno with @err set.
 */
int vfio_place(struct vfio *vfio, struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
int vfio_place_empty(struct vfio *vfio, struct err *err) FERRY_MUST_CHECK;
/* What BAR @bar takes of a window, with the ROM that the user chose; 0: there is none. */
uint64_t vfio_place_size(const struct vfio_entry *entry, unsigned int bar);

/*
 * slots.c. Makes room for the slots of @count ports, and what watches them; nothing for none.
 */
int vfio_slots_open(struct vfio *vfio, size_t count, struct err *err) FERRY_MUST_CHECK;
void vfio_slots_close(struct vfio *vfio);
/* The slot of @port, which is new. */
struct vfio_slot *vfio_slots_add(struct vfio *vfio, struct pci_port *port);
/* Whether the guest sees something in it. */
bool vfio_slot_is_shown(const struct vfio_slot *slot);
/* All that is in it leaves, without asking the guest, which is told if it has seen it. */
void vfio_slot_empty(struct vfio_slot *slot);
/* The host wants a device back that is in a slot; one of these has answered its last. */
void vfio_slots_wanted(struct vfio_entry *entry);
void vfio_slots_lost(struct vfio_entry *entry);
/* Something is to be looked at, in a turn of the loop. */
void vfio_slots_wake(struct vfio *vfio);
/* The function of @entry, which the guest never saw, is closed: off its bus and freed. */
void vfio_slots_take_off(struct vfio_entry *entry);

/* plug.c: devices on their way into their slots go on as far as they can. */
void vfio_plug_advance(struct vfio *vfio);
/* None of them comes any more: the run ends. */
void vfio_plug_cancel(struct vfio *vfio);

/* What a function asks of the others, and of who brought it here; its keeper is its entry. */
extern const struct vfio_pci_keeper_ops vfio_keeper_ops;

#endif
