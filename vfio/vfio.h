/* SPDX-License-Identifier: BSD-3-Clause */
/* Passed-through PCI devices: what the machine sees of this layer, beside vfio/host. */

#ifndef FERRY_VFIO_VFIO_H
#define FERRY_VFIO_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "devices/device.h"
#include "devices/pci/pci.h"
#include "memory/ram.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/loop.h"
#include "vmm/kvm/irq.h"
#include "vmm/kvm/vm.h"

/*
 * Everything passed through to one VM: its devices and the ways they are had by (provider.h), one
 * for hardware and one for programs.
 */
struct vfio;

/* Which way to a device: by default the first of providers.c that serves it. */
enum vfio_via { VFIO_VIA_ANY, VFIO_VIA_IOMMUFD, VFIO_VIA_GROUP, VFIO_VIA_USER };

/*
 * One --vfio PATH|fd=N[,OPTION...], --vfio-user socket=PATH|fd=N[,OPTION...], or a device that is
 * added later; the strings are copied.
 */
struct vfio_device_config {
	/*
	 * 0000:01:00.0, 01:00.0, a mediated device's UUID, or any device's path in sysfs; by
	 * VFIO_VIA_USER the socket of its server. With @fd only for a sentence.
	 */
	const char *path;
	/*
	 * The device's character device, opened by somebody else, and bound to nothing but the
	 * iommufd of the settings; by VFIO_VIA_USER a connection to its server. 0: none.
	 */
	int fd;
	/*
	 * For the way by groups: the group's node and a container with no other group in it, opened
	 * by somebody else; the group leaves what it was put into. For iommufd: /dev/iommu, where
	 * the settings have none. 0: none. All are the layer's to close from then on, also when it
	 * fails, as @fd is.
	 */
	int group_fd, container_fd, iommufd;
	/* What `rom`, `trace` and `names` name, opened by somebody else, likewise. */
	int rom_fd, trace_fd, names_fd;
	const char *id;  /* by which it is removed and told of; NULL: the host's address */
	const char *rom; /* a file in the place of the option ROM; NULL: the device's own */
	bool no_rom;
	enum vfio_via via;
	unsigned int trapped; /* bit n: BAR n is trapped, not mapped into the guest */
	const char
		*vf_token; /* a UUID that a virtual function and its physical one share, or NULL */
	const char *trace; /* a file that every access and interrupt is told in; NULL: none */
	const char *names; /* a table of registers for the trace; NULL: none */
	bool port;         /* behind a root port of its own */
	bool ioeventfd;    /* by VFIO_VIA_USER: the server is asked for doorbells */
	/*
	 * Of one with @port that goes by VFIO_VIA_USER: lost, it is looked for as often, in
	 * milliseconds, and comes back into its slot; 0: it is not.
	 */
	unsigned int reconnect_ms;
	/* What it is called, and whose its server is (local_reach_server()); the layer's. */
	char name[VFIO_ADDRESS_SIZE];
	uid_t server_user;
};

enum { VFIO_GROUPS_MAX = 32 };

struct vfio_settings {
	const char *sysfs; /* NULL: "/sys" */
	const char *dev;   /* NULL: "/dev" */
	const char *proc;  /* NULL: "/proc" */
	int iommufd;       /* /dev/iommu, opened by somebody else; 0: none */
	/*
	 * For the way by groups: nodes of groups, and /dev/vfio/vfio, likewise. Each group's goes
	 * to the first device that is in it, the container to the first device of all.
	 */
	int groups[VFIO_GROUPS_MAX], container;
	size_t group_count;
	bool sealed; /* nodes are opened by others alone, once the guest runs */
	/* Empty slots, each behind a port, and the bytes of BARs that have room in each. */
	unsigned int slots;
	uint64_t slot_memory, slot_prefetch;
};

/* The descriptors of @settings are the layer's to close from then on, also when it fails. */
struct vfio *vfio_create(const struct vfio_settings *settings, struct err *err);

/*
 * Start-up, in this order. Each failure is one sentence; vfio_destroy() undoes what was done.
 *
 * 1. For each device: chooses the way to it, finds it and has it join the address space. No device
 *    is opened yet. The descriptor of @config, which goes by iommufd alone, is the layer's to close
 *    from then on, also when it fails.
 */
int vfio_add(struct vfio *vfio, const struct vfio_device_config *config,
	     struct err *err) FERRY_MUST_CHECK;

/* After all: whether each group of the settings is one, and without empty slots has a device. */
int vfio_check_lent(const struct vfio *vfio, struct err *err) FERRY_MUST_CHECK;

/*
 * 2. What the layout needs. Devices whose sizes sysfs does not tell are opened for that already,
 *    and KVM learns of them before ...
 */
int vfio_prepare(struct vfio *vfio, struct kvm_vm *vm, struct err *err) FERRY_MUST_CHECK;
/* ... usable IOVA ranges, which are hardware's (count 0: anything goes) ... */
size_t vfio_iova_ranges(const struct vfio *vfio, struct ram_range *ranges, size_t room);
/* ... and the room its memory BARs and the empty slots need, each BAR aligned to its size. */
void vfio_window_sizes(const struct vfio *vfio, uint64_t *mmio32, uint64_t *mmio64);
/* ... and how many ports there will be, those of empty slots too, each with a bus. */
unsigned int vfio_port_count(const struct vfio *vfio);

/*
 * 3. Computes the locked memory needed for @ram_size bytes of guest RAM, raises the soft limit
 *    where the hard one (or CAP_SYS_RESOURCE) allows, refuses otherwise saying need, limit and
 *    remedy.
 *    Nothing to do without devices.
 */
int vfio_check_memlock(struct vfio *vfio, uint64_t ram_size, struct err *err) FERRY_MUST_CHECK;

/* What happened to a device, for who watches from outside. */
enum vfio_news_kind {
	VFIO_ADDED,           /* it is in its slot, function 0 too, and the guest knows */
	VFIO_REMOVED,         /* it is given back to the host, and off its bus, if that has slots */
	VFIO_REMOVAL_REFUSED, /* the guest cancelled the removal */
	VFIO_LOST,            /* it answers no more; one in a slot is taken out */
	VFIO_WANTED_BACK,     /* the host asks for it */
	VFIO_FAILED,          /* it reported an uncorrectable error */
	VFIO_RECOVERED,       /* from that, or it answers again, on the root bus */
};

struct vfio_news {
	enum vfio_news_kind kind;
	const char *id, *host; /* its address there; the strings last as long as the call */
	const char *slot;      /* as "slot3"; NULL on the root bus */
};

/*
 * 4. Has KVM's VFIO device learn of every device, before any is opened, unless that was done; opens
 *    the devices, checks them, builds their PCI functions and adds them to @host (which owns the
 *    functions; vfio keeps the descriptors). @loop serves eventfds that the monitor itself reads.
 */
struct vfio_attach {
	struct kvm_vm *vm;
	struct mem_map *mmio; /* KVM is listening to it already; stays until vfio_destroy() */
	struct kvm_irq *irq;
	struct pci_host *host;
	struct loop *loop;
	/* Has accesses that were answered MEM_NOT_YET tried again; any lock. May be NULL. */
	void (*wake)(void *machine);
	/*
	 * The guest has changed a slot: vfio_slots_changed() is to be called on the main thread.
	 * Any thread, any lock. This and what follows may be NULL where there is no port.
	 */
	void (*slot_changed)(void *machine);
	/* All vCPUs stand between these two. Main thread, no lock held. */
	void (*park)(void *machine);
	void (*unpark)(void *machine);
	/*
	 * Whether the host has the memory for all of the guest's, which the first device that comes
	 * has pinned: 0, or -ENOMEM with @err set. Likewise. May be NULL.
	 */
	int (*check_memory)(void *machine, struct err *err);
	/* Main thread, no lock held; it must not call this layer. May be NULL. */
	void (*tell)(void *machine, const struct vfio_news *news);
	void *machine;
};
int vfio_attach(struct vfio *vfio, const struct vfio_attach *to, struct err *err) FERRY_MUST_CHECK;

/* Threads of devices begin that stay, before the guest runs. Main thread, no lock held. */
int vfio_begin(struct vfio *vfio, struct err *err) FERRY_MUST_CHECK;

/*
 * 5. Starts the mapper threads over a snapshot of @ram's pieces, one for hardware and one for
 *    programs: prefault where it is to be pinned, then map in parts. Until one is done a guest's
 *    bus-master write to a device of its kind answers MEM_NOT_YET. @done is called once from a
 *    mapper thread (without devices: before the return): @err NULL when the last has mapped all,
 *    else the sentence of the first that failed, which ends the run. @ram stays until
 *    vfio_destroy(): for a first device that comes later it is mapped then, so that without devices
 *    this is called where there are empty slots.
 */
typedef void (*vfio_mapped)(void *machine, const struct err *err);
int vfio_map_ram(struct vfio *vfio, struct ram *ram, vfio_mapped done, void *machine,
		 struct err *err) FERRY_MUST_CHECK;

/*
 * After @done: waits for the end of the mapper threads, which is at hand. What ending takes
 * is given back with the rest of set-up. Main thread.
 */
void vfio_join_mapper(struct vfio *vfio);

/*
 * Devices that come and go while the guest runs. All of it on the main thread, no lock held.
 *
 * Adds one, into an empty slot: "slot3", or NULL for the lowest. "slot3.1" is function 1 of it,
 * which the guest is told of once function 0 has come; that waits for those that were asked for
 * beside it by then. @done is called exactly once: with a refusal, perhaps before the return, or
 * once all RAM is mapped and the slot has told the guest. @err NULL: it is there. Otherwise nothing
 * of it is left, and the slot is empty. What the host's kernel takes its time for, a thread does;
 * those that are added meanwhile wait for their turn.
 */
typedef void (*vfio_added)(void *owner, const struct err *err);
void vfio_plug(struct vfio *vfio, const struct vfio_device_config *config, const char *slot,
	       vfio_added done, void *owner);

/*
 * Begins the removal of the device @id, which may be the host's address too, with all others in its
 * slot: the guest is asked, and after @timeout_ms (0: at once) it is told that they are gone.
 * VFIO_REMOVED is the end of it, VFIO_REMOVAL_REFUSED another. -ENOENT, -EBUSY (it is under way,
 * and @timeout_ms is not 0), -EOPNOTSUPP (it is on the root bus), with @err set. One that is being
 * opened goes when that has ended. A thread gives them back to the host.
 */
int vfio_unplug(struct vfio *vfio, const char *id, unsigned int timeout_ms,
		struct err *err) FERRY_MUST_CHECK;

/*
 * The guest stands for somebody, or goes on. The time that it is given to let devices go stands
 * with it; the host's wish to have one back does not wait for that. Main thread.
 */
void vfio_stand(struct vfio *vfio, bool stands);

/* What vfio_attach.slot_changed asks for. */
void vfio_slots_changed(struct vfio *vfio);

/* Before pci_host_reset(): removals that are under way come to their end. vCPUs parked. */
void vfio_restart(struct vfio *vfio);

/*
 * The descriptors that a sandbox must keep: devices, the providers', eventfds, timers, traces.
 * Returns how many there are; fills at most @room. No device comes or goes meanwhile.
 */
size_t vfio_descriptors(const struct vfio *vfio, int *descriptors, size_t room);

size_t vfio_device_count(const struct vfio *vfio);

/*
 * The way that hardware is had by, ANY where the first is to choose. In *@open whether what they
 * share is there already: /dev/iommu, or a container.
 */
enum vfio_via vfio_way(const struct vfio *vfio, bool *open);

/* A device as it is, for who asks from outside. */
struct vfio_status {
	const char *host;  /* its address there, or what it was asked for by; the layer's */
	const char *id;    /* the layer's too */
	const char *stage; /* "being opened" and the like; NULL: it is there, or given back */
	unsigned int slot; /* 0: it is on the root bus */
	bool leaving;      /* its removal is under way */
	bool gone;         /* given back to the host, from the root bus */
	bool unseen;       /* its slot does not show it yet: RAM is being mapped, or function 0
			      is not there */
	bool program;      /* it is none of the host's hardware, and nothing is pinned for it */
	char guest[16];    /* as 00:03.0; "": it is on no bus */
	uint16_t vendor, device;
	const char *state; /* "alive", "being reset", "isolated", "given back to the host", ... */
	const char *mode;  /* "MSI-X", "MSI", "INTx", "no interrupts" */
	unsigned int vectors, unmasked; /* that the guest has of MSI or MSI-X, and may be hit by */
	unsigned int errors;            /* uncorrectable ones that it reported */
};

/* Of device @index of vfio_device_count(). Main thread, no lock held. */
void vfio_get_status(struct vfio *vfio, size_t index, struct vfio_status *status);

/* A slot that devices can be put into and taken out of, behind a port. */
struct vfio_slot_status {
	unsigned int number; /* as in "slot3" */
	bool taken;          /* a device is in it, or comes, or is about to leave */
	bool present;        /* a device is in it, as the guest sees it */
	bool powered;        /* by the guest */
};

/* Every slot, those of the devices at the start too; false beyond the last. Likewise. */
size_t vfio_slot_count(const struct vfio *vfio);
bool vfio_get_slot(struct vfio *vfio, size_t index, struct vfio_slot_status *status);

/* Whether all RAM is pinned, and mapped for hardware. */
bool vfio_ram_is_pinned(const struct vfio *vfio);

/*
 * For a person, on the main thread with no lock held: a line for each device; all about the one at
 * @address, the host's (0000:01:00.0, 01:00.0) or, where the host's has none, the guest's
 * (00:03.0), -ENOENT without one; and what is delivered at @gsi (false: nothing of this layer's).
 */
void vfio_list_devices(struct vfio *vfio, FILE *out);
int vfio_describe(struct vfio *vfio, const char *address, FILE *out) FERRY_MUST_CHECK;
bool vfio_describe_gsi(struct vfio *vfio, unsigned int gsi, FILE *out);

/*
 * The run ends, before pci_host_destroy(): no device comes or goes any more. One that is being
 * opened or closed is waited for, as long as the host's kernel takes; whoever waits for one that
 * was to be added is told an error. Main thread, no lock held. NULL is allowed; a second call does
 * nothing.
 */
void vfio_stop(struct vfio *vfio);

/*
 * After vfio_stop(). Gives every device back (guest mappings, interrupts, bus mastering, BARs,
 * descriptor; the kernel resets it at the close), joins the mappers, unmaps RAM, then leaves their
 * providers. Before or after pci_host_destroy(): a function still on its host stays there, all
 * ones, and is freed with it. Main thread, vCPUs gone. NULL is allowed.
 */
void vfio_destroy(struct vfio *vfio);

#endif
