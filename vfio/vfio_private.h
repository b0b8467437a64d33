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
#include "vfio/worker.h"
#include "vmm/base/log.h"

struct vfio_slot;

/*
 * What a device is of. All that are of one are had by one provider and share its address space;
 * those of the other neither know of it nor wait for it.
 */
enum vfio_kind {
	VFIO_HARDWARE, /* whose space pins RAM, and may have to be told where that can be */
	VFIO_PROGRAMS, /* whose space takes all RAM wherever it is */
	VFIO_KINDS,
};

/* All devices of one kind, and what is mapped for them. */
struct vfio_family {
	struct vfio *vfio;
	struct vfio_provider *provider;        /* of all of them; NULL before the first */
	const struct vfio_provider_ops *unfit; /* it served all but could open none; or NULL */
	struct vfio_dma dma;
	struct vfio_peers peers;
	bool awaited; /* vfio_map_ram() began the mapper; nobody changes it while that runs */
	atomic_bool map_ended; /* the mapper's callback has come */
	struct err unmapped;   /* why RAM is not mapped; the mapper's, until it is joined */
};

/*
 * How far a device is. What is marked * is a step of the worker's (worker.h): a thread has the
 * entry's `hold` to itself, and the main thread sees of the entry what was before.
 *
 *   QUEUED -> JOINS* -> OPENS* -> RESETS* -> COMES -----------------------> THERE
 *                ^        |       (by its    (behind its port, unseen;        |
 *                |        v        bus, if    all wait for RAM to be mapped)  | LEAVES: retired,
 *                +---- CHANGES*    need be)                                   | reset (a reset's
 *                                                                             | thread), queued
 *        refused, or its slot is emptied: after each                          v
 *        of these steps it goes on here at once, without LEAVES ----------> CLOSES* -> CLOSED
 *
 * One that was lost and is to come back is AWAY in the place of CLOSED, until it is QUEUED again.
 * One that is QUEUED is CLOSED without a step. The entry is freed then, and its slot empty; on the
 * root bus it stays with its function. Those that were there at the start begin as THERE.
 */
enum vfio_stage {
	VFIO_QUEUED,  /* for its turn to come */
	VFIO_JOINS,   /* its provider's address space */
	VFIO_OPENS,   /* it is opened, which has the kernel reset it, and its function is built */
	VFIO_CHANGES, /* it leaves the way that turned out to be none */
	VFIO_RESETS,
	VFIO_COMES,
	VFIO_THERE,
	VFIO_LEAVES, /* for its turn to be closed */
	VFIO_CLOSES,
	VFIO_CLOSED,
	VFIO_AWAY, /* looked for; its slot is empty, and nobody else's */
};

/* What is had of a device from the host. */
struct vfio_hold {
	struct vfio_sysfs_device sysfs;
	struct vfio_lease *lease;     /* NULL until it has joined, and once it has left */
	struct vfio_backend *backend; /* opened already, before there is a function; else NULL */
	struct vfio_pci *pci;         /* NULL again when the PCI host has destroyed it */
	struct err err;               /* of the last step */
	bool no_way;                  /* that failed as the host has no such way to a device */
	struct vfio_provider *last;   /* all others of its kind have left: it goes as well */
};

/*
 * Looks for one that is AWAY. @ops are of the way that it was had by; @fd, a descriptor by which it
 * is had again, is the thread's until @ended, which is true also where there is none.
 */
struct vfio_comeback {
	const struct vfio_provider_ops *ops;
	bool running;  /* there is a thread to be joined */
	int64_t since; /* when it came last; failures in a row, each of which doubles the pause */
	unsigned int failures;
	pthread_t thread;
	int stop, fd;
	atomic_bool ended;
	struct log_limit limit;
};

struct vfio_entry {
	struct vfio *vfio;
	struct vfio_sysfs_device sysfs; /* these four as in `hold` after the last step */
	struct vfio_lease *lease;
	struct vfio_backend *backend;
	struct vfio_pci *pci;
	enum vfio_stage stage;
	struct vfio_work work;
	struct vfio_hold hold;
	struct vfio_family *family;        /* that it is of, by its options */
	bool provided;                     /* a provider was looked for, and not left since */
	struct vfio_device_config options; /* descriptors that are not 0 are the entry's */
	char *texts;                       /* the strings of the options */
	struct vfio_rom rom;
	struct vfio_slot *slot; /* that it is in, or will be; NULL: it is on the root bus */
	unsigned int function;  /* in that slot */
	bool anywhere;          /* any slot does, as long as it fits */
	/* Of one that comes while the guest runs, until it is there: who waits for that. */
	vfio_added done;
	void *owner;
	struct err refusal; /* why it does not come after all */
	struct err why;     /* why it had to change its way; code 0: it had not */
	bool asked;         /* somebody asked for its removal, and is to hear of that */
	bool lost;          /* it answers no more, which nobody was told yet */
	bool returns;       /* it was lost, and is to come back */
	struct vfio_comeback comeback;
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
	int64_t deadline;          /* of the guest, milliseconds of its clock; INT64_MAX: none */
	int64_t host_deadline;     /* after which the host waits no longer, of the monotonic one */
	int64_t settled;           /* by the guest's clock what looks like a cancellation is one,
				      from then on; 0: nothing does */
	unsigned int switched_off; /* how often the guest had done that when it was asked */
};

struct vfio {
	char *sysfs, *dev, *proc;
	struct vfio_settings settings; /* those strings */
	struct vfio_family families[VFIO_KINDS];
	bool lent; /* the iommufd of the settings came with a device: it goes with the provider */
	int kvm;   /* KVM's VFIO device; -1 before the first device */
	unsigned int programs; /* so far: each has a name of its own, for as long as it is known */
	uint64_t ram_size;     /* that was found to be allowed to be locked */
	struct vfio_entry **entries;
	size_t count;
	struct vfio_slot *slots; /* room for every port's, made at vfio_attach() */
	size_t slot_count;
	int turn;  /* eventfd: something is to be looked at; -1 before the first device or slot */
	int timer; /* timerfd: the next deadline of a slot's; -1 without slots */
	struct vfio_worker worker; /* its steps alone touch a provider's space */
	struct vfio_attach to;     /* what it was attached to; zeroed before */
	bool standing;             /* vCPUs are parked by others */
	/* The guest's clock is the monotonic one without the time for which it stood. */
	int64_t stands_since; /* milliseconds of the monotonic clock; 0: the guest runs */
	int64_t stood_ms;     /* before */
	struct ram *ram;
	vfio_mapped mapped; /* who is told that RAM is mapped */
	void *machine;
	atomic_int awaits; /* families that it is still to be mapped for; below 1: that was told */
};

/*
 * entry.c: one device, from its name to its end. What fails has set @err.
 *
 * Copies @config, whose descriptors are the entry's from then on, also when it fails; NULL then.
 */
struct vfio_entry *vfio_entry_create(struct vfio *vfio, const struct vfio_device_config *config,
				     struct err *err);
/* What a person calls it: its id or, until it has joined, what it was asked for by. */
const char *vfio_entry_id(const struct vfio_entry *entry);
/* The host's address of it, likewise. */
const char *vfio_entry_name(const struct vfio_entry *entry);
/* Chooses the way that serves it, which is there then. */
int vfio_entry_provide(struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
/* That, and joins it. */
int vfio_entry_join(struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
/* The hold is filled for a step, and what the step has made of it is the entry's. */
void vfio_entry_lend(struct vfio_entry *entry);
void vfio_entry_take(struct vfio_entry *entry);
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
 * Nothing of it is held from the host any more. With the last one of its kind their mapper is
 * abandoned, and their provider goes, so that another may follow.
 */
void vfio_entry_leave(struct vfio_entry *entry);
/* The same where another thread does vfio_hold_close() in between: before that, and thereafter. */
void vfio_entry_begin_leave(struct vfio_entry *entry);
void vfio_entry_left(struct vfio_entry *entry);
/* It has no function any more, and is in no array. NULL is allowed. */
void vfio_entry_free(struct vfio_entry *entry);
/* How users write a slot, as "slot3". */
enum { VFIO_SLOT_NAME = 16 };

/* Closes what @config has of others' descriptors. */
void vfio_close_given(struct vfio_device_config *config);

/* Gives @config what the settings have for its group. */
void vfio_lend(struct vfio *vfio, struct vfio_device_config *config);

/* Closes what nobody was given. */
void vfio_close_lent(struct vfio_settings *settings);
/* Somebody outside hears of it. Main thread, no lock held. */
void vfio_tell(const struct vfio_entry *entry, enum vfio_news_kind kind);

/*
 * hold.c: the steps, each on what @hold has. Any thread, no lock held; what fails has set `err`.
 */
void vfio_hold_join(struct vfio_hold *hold, struct vfio_entry *entry,
		    struct vfio_provider *provider);
/* What is to be opened before its sizes are known, is; KVM learns of it before that. */
void vfio_hold_open_early(struct vfio_hold *hold, const struct vfio_entry *entry,
			  struct kvm_vm *vm);
/* Opens it unless it is, and builds its function, which is on no bus yet. */
void vfio_hold_build(struct vfio_hold *hold, struct vfio_entry *entry);
/* What is to be there while the guest runs, which does already. */
void vfio_hold_begin(struct vfio_hold *hold);
/* Closed, and left; with the last one of @family its provider goes, too. */
void vfio_hold_close(struct vfio_hold *hold, struct vfio_family *family);

/*
 * vfio.c: whether all devices of a kind may leave the way that turned out to be none, and join the
 * next that serves them: the user left it open how each is had, and none is open yet.
 */
bool vfio_may_change_way(const struct vfio_family *family);
/* Of vfio_check_memlock(), for one of its devices. */
int vfio_family_check_memlock(struct vfio_family *family, uint64_t ram_size,
			      struct err *err) FERRY_MUST_CHECK;
/* Something is to be looked at, in a turn of the loop. Any thread. */
void vfio_wake_up(struct vfio *vfio);
/* Starts the family's mapper over the RAM that vfio_map_ram() was given. */
int vfio_start_mapper(struct vfio_family *family, struct err *err) FERRY_MUST_CHECK;

/*
 * place.c: puts the device of @entry, which is open, where it is to be, and function 0 of its slot
 * before it. And the ports of empty slots. -errno with @err set.
 */
int vfio_place(struct vfio *vfio, struct vfio_entry *entry, struct err *err) FERRY_MUST_CHECK;
int vfio_place_empty(struct vfio *vfio, struct err *err) FERRY_MUST_CHECK;
/* What BAR @bar takes of a window, with the ROM that the user chose; 0: there is none. */
uint64_t vfio_place_size(const struct vfio_entry *entry, unsigned int bar);

/* slots.c. Makes room for the slots of @count ports, and their timer; nothing for none. */
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
/* What was left for a turn of the loop. */
void vfio_slots_settle(struct vfio *vfio);
/* Its function, if it has one, is closed and nobody sees it: off its bus and freed. */
void vfio_slots_take_off(struct vfio_entry *entry);

/*
 * steps.c. The entry's works: one that comes, and one that is there (or COMES), has retired and is
 * clean: it is closed when its turn comes.
 */
void vfio_steps_come(struct vfio_entry *entry);
void vfio_steps_leave(struct vfio_entry *entry);
/* From one step to the next of what is not the thread's any more; false: it has no other. */
bool vfio_steps_close(struct vfio_entry *entry);
/* Waits for the step that is being carried out; all others are forgotten. */
void vfio_steps_stop(struct vfio *vfio);

/*
 * comeback.c: one that has been closed is looked for in the place of being forgotten, if it is to
 * come back. That ends, false: not yet, vfio_slots_settle() is called again. Those that were found
 * come, in a turn of the loop. And the end of all, which waits for them.
 */
bool vfio_comeback_begin(struct vfio_entry *entry);
bool vfio_comeback_end(struct vfio_entry *entry);
void vfio_comebacks_settle(struct vfio *vfio);
void vfio_comebacks_stop(struct vfio *vfio);

/* plug.c: devices on their way into their slots go on as far as they can. */
void vfio_plug_advance(struct vfio *vfio);
/* After a step, or before the first: whether there is another, which the entry's stage tells. */
bool vfio_plug_step(struct vfio_entry *entry);
/* One that was refused is closed: who asked is told. */
void vfio_plug_refused(struct vfio_entry *entry);
/* None of them comes any more: the run ends. */
void vfio_plug_cancel(struct vfio *vfio);

/* What a function asks of the others, and of who brought it here; its keeper is its entry. */
extern const struct vfio_pci_keeper_ops vfio_keeper_ops;

#endif
