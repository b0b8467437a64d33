/* SPDX-License-Identifier: BSD-3-Clause */
/* An address space of the guest: disjoint regions, transactions on them, listeners, dispatch. */

#ifndef FERRY_MEMORY_MAP_H
#define FERRY_MEMORY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "memory/region.h"
#include "vmm/base/err.h"

/*
 * Told of every change under the map lock: add in order of registration, del in the reverse. A pass
 * is all del, then all add. A callback must not call the map. `add` may refuse with a negative
 * errno: in an all-or-nothing pass everything is undone (the listener then sees del for what it had
 * accepted and add for what had been removed); in a best-effort pass the region stays in the map,
 * for RAM and ROM an error is logged, for DEVICE the slice is trapped, and a TRAP region's handlers
 * get the writes to its doorbells. del is called only for regions whose add this listener accepted,
 * where they were then. TRAP regions without doorbells concern dispatch alone.
 */
struct mem_listener {
	const char *name;
	bool doorbells; /* it is told of TRAP regions with doorbells; else of RAM, ROM and DEVICE */
	int (*add)(struct mem_listener *listener, struct mem_region *region, struct err *err);
	void (*del)(struct mem_listener *listener, struct mem_region *region);
	/*
	 * For views of a region that it accepted, map lock held for reading: its number with the
	 * one listener who lets the guest reach regions directly, -1: the guest cannot. NULL: this
	 * is another.
	 */
	int (*slot)(const struct mem_listener *listener, const struct mem_region *region);
	unsigned int bit; /* the map's */
};

enum { MEM_LISTENERS_MAX = 8 };

/* One step of a transaction: take @region away, or put it at @base. */
struct mem_change {
	struct mem_region *region;
	uint64_t base;
	bool add;
};

enum mem_policy {
	MEM_ALL_OR_NOTHING, /* set-up: checked whole before anything is removed */
	MEM_BEST_EFFORT,    /* the guest's doing: what does not fit stays out, the rest is done */
};

/*
 * @name is for logs and stays the caller's. @size: the number of addresses, 1 to 2^64 - 1 (0 stands
 * for all 2^64). NULL with @err set.
 */
struct mem_map *mem_map_create(const char *name, uint64_t size, struct err *err);

/* Regions still in it are taken out without telling anyone. NULL is allowed. */
void mem_map_destroy(struct mem_map *map);

/*
 * Applies @changes as one transaction: every deletion comes before every addition, whatever the
 * order in the array. Removing a region that is not in the map is no change; adding one that is
 * moves it; a region that ends where it was stays mapped throughout, whatever was asked in between.
 * With MEM_ALL_OR_NOTHING: 0, or -EBUSY (overlap, or in another map), -ERANGE (empty or past the
 * end of the space) or the listener's errno, @err naming both regions, and nothing has changed.
 * With MEM_BEST_EFFORT: a region that overlaps or does not fit is left out (region->map is NULL),
 * and 0. With either, -ENOMEM and nothing has changed. Takes the map lock; the caller may hold the
 * PCI host lock and a device lock.
 */
int mem_map_apply(struct mem_map *map, const struct mem_change *changes, size_t count,
		  enum mem_policy policy, struct err *err) FERRY_MUST_CHECK;

/* A transaction of one addition, all or nothing. */
int mem_map_add(struct mem_map *map, struct mem_region *region, uint64_t base,
		struct err *err) FERRY_MUST_CHECK;

/* A transaction of one deletion; no-op when @region is in no map. */
void mem_map_del(struct mem_region *region);

/*
 * Adds a listener (the caller's memory, to stay until mem_map_unlisten) and tells it of all that is
 * mapped. On failure what it had accepted is taken back and it is not registered.
 */
int mem_map_listen(struct mem_map *map, struct mem_listener *listener,
		   struct err *err) FERRY_MUST_CHECK;

/* Deletes everything the listener holds, then forgets it. */
void mem_map_unlisten(struct mem_map *map, struct mem_listener *listener);

/*
 * Carries out one access of @size 1, 2, 4 or 8 bytes by the guest. Unclaimed addresses, accesses
 * that leave their region, and other sizes read as all ones and swallow writes. *value and @value
 * carry no bits above @size. RAM and ROM are read and RAM is
 * written in place. Holds no lock of the map while a handler runs.
 */
enum mem_result mem_map_read(struct mem_map *map, uint64_t address, unsigned int size,
			     uint64_t *value);
enum mem_result mem_map_write(struct mem_map *map, uint64_t address, unsigned int size,
			      uint64_t value);

/* A region in its map, as it was at one moment. */
struct mem_view {
	const char *name;
	enum mem_kind kind;
	uint64_t base;
	uint64_t size;
	int slot;          /* -1: none, the monitor carries its accesses out */
	bool whole_pages;  /* of the host's, as a memslot needs them */
	uint64_t latch;    /* the region's */
	uint64_t accesses; /* that the monitor carried out since the region exists */
};

/*
 * Calls @visit for every region in order of address. With the map lock held, for reading: it must
 * not call the map.
 */
typedef void (*mem_visit)(void *owner, const struct mem_view *view);
void mem_map_walk(struct mem_map *map, mem_visit visit, void *owner);

/* The region that holds @address; false when there is none. */
bool mem_map_find(struct mem_map *map, uint64_t address, struct mem_view *view);

/* One that is in a map; the caller keeps it there. */
void mem_region_view(const struct mem_region *region, struct mem_view *view);

/*
 * After KVM_RUN failed with EFAULT: takes the mapping of the DEVICE regions that share a byte with
 * [@first, @last] away from the listeners, leaving them trapped until they are next added. Returns
 * how many were demoted.
 */
unsigned int mem_map_demote(struct mem_map *map, uint64_t first, uint64_t last);

/*
 * Likewise, of those alone whose handlers say that nothing is behind their mapping, or cannot tell.
 * A vCPU's thread, no lock held.
 */
unsigned int mem_map_demote_unbacked(struct mem_map *map);

#endif
