/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the KVM under a whole machine (fake_machine_kvm.h) knows, and its guest: accesses to memory
 * and ports, interrupts. For the one program that includes that.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_GUEST_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/support/fake_cpu.h"
#include "tests/unit/support/fake_vfio_kernel.h"
#include "tests/unit/support/fault.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/page.h"
#include "vmm/kvm/sys.h"

enum {
	FAKE_SLOTS_MAX = 509,
	FAKE_ROUTES_MAX = 1024,
	FAKE_IRQFDS_MAX = 1024,
	FAKE_ZONES_MAX = 16,
	FAKE_DEVICES_MAX = 8,
	FAKE_NO_EXIT = 1,
};

/*
 * What a vCPU does next: fills its page by one of the fake_guest_*() below and returns what that
 * does, or a negative errno that KVM_RUN is to fail with. On the vCPU's thread, no lock held.
 */
typedef int (*fake_guest)(void *owner, struct fake_cpu *cpu);

struct fake_kvm_irqfd {
	unsigned int gsi;
	int eventfd, resample; /* -1: an edge */
};

static struct {
	fake_guest guest; /* NULL: it sits */
	void *owner;
	int vm; /* the machine's; another is a trial of the debugger's */
	int ring;
	struct fake_cpu cpus[FAKE_CPUS_MAX];
	unsigned int cpu_count;
	unsigned int serial;     /* of vCPUs */
	pthread_rwlock_t memory; /* read: the guest is at it */
	struct kvm_userspace_memory_region slots[FAKE_SLOTS_MAX];
	pthread_mutex_t lock; /* of all below, and of the tables above */
	struct kvm_coalesced_mmio_zone zones[FAKE_ZONES_MAX];
	unsigned int zone_count;
	struct fake_kvm_irqfd irqfds[FAKE_IRQFDS_MAX];
	unsigned int irqfd_count;
	struct kvm_irq_routing_entry routes[FAKE_ROUTES_MAX];
	unsigned int route_count;
	struct {
		int fd;
		uint32_t type;
	} devices[FAKE_DEVICES_MAX];
	unsigned int device_count;
	uint64_t interrupts; /* that the guest took */
} kvm = {
	.ring = -1,
	.memory = PTHREAD_RWLOCK_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

/* Before a machine is built: nothing of the one before is left. */
static inline void fake_kvm_open(void)
{
	kvm.guest = NULL;
	kvm.vm = -1;
	kvm.cpu_count = kvm.zone_count = kvm.irqfd_count = kvm.route_count = 0;
	kvm.device_count = 0;
	kvm.interrupts = 0;
	memset(kvm.slots, 0, sizeof(kvm.slots));
	kvm.ring = memfd_create("fake-ring", MFD_CLOEXEC);
	must(kvm.ring >= 0 && ftruncate(kvm.ring, (off_t)host_page_size()) == 0);
}

static inline void fake_kvm_close(void)
{
	fd_close(&kvm.ring);
}

static inline bool fake_cpu_is_kicked(const struct fake_cpu *cpu)
{
	return __atomic_load_n(&cpu->page->immediate_exit, __ATOMIC_SEQ_CST);
}

/* Stays in the guest until the monitor wants it out. */
static inline int fake_guest_sit(struct fake_cpu *cpu)
{
	sigset_t kick, old;

	sigemptyset(&kick);
	sigaddset(&kick, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &kick, &old);
	/* As KVM does it, a signal between the look and the wait is not lost. */
	if (!fake_cpu_is_kicked(cpu))
		ppoll(NULL, 0, NULL, &old);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -EINTR;
}

/* The memslot that has all of the range; the caller holds `memory`. */
static inline const struct kvm_userspace_memory_region *kvm_find_slot(uint64_t gpa, uint64_t size)
{
	for (unsigned int i = 0; i < FAKE_SLOTS_MAX; i++) {
		const struct kvm_userspace_memory_region *slot = &kvm.slots[i];

		if (slot->memory_size && gpa >= slot->guest_phys_addr &&
		    range_fits(gpa - slot->guest_phys_addr, size, slot->memory_size))
			return slot;
	}
	return NULL;
}

/* Memory that the guest has is the processor's own affair; false: the access is an exit. */
static inline bool kvm_access_slot(struct fake_cpu *cpu, uint64_t gpa, unsigned int size,
				   bool write, uint64_t value)
{
	const struct kvm_userspace_memory_region *slot;
	uint8_t bytes[8];
	bool done = false;

	pthread_rwlock_rdlock(&kvm.memory);
	slot = kvm_find_slot(gpa, size);
	if (slot && !(write && slot->flags & KVM_MEM_READONLY)) {
		/* volatile: several processors may be there at once, and a BAR is no memory. */
		volatile uint8_t *place = (uint8_t *)(uintptr_t)(slot->userspace_addr +
								 (gpa - slot->guest_phys_addr));

		store_le64(bytes, value);
		for (unsigned int i = 0; i < size; i++) {
			if (write)
				__atomic_store_n(&place[i], bytes[i], __ATOMIC_RELAXED);
			else
				bytes[i] = __atomic_load_n(&place[i], __ATOMIC_RELAXED);
		}
		if (!write)
			cpu->value = load_le(bytes, size);
		done = true;
	}
	pthread_rwlock_unlock(&kvm.memory);
	return done;
}

/* An access of 1 to 8 bytes at @gpa, whatever is there. */
static inline int fake_guest_access(struct fake_cpu *cpu, bool write, uint64_t gpa,
				    unsigned int size, uint64_t value)
{
	struct kvm_run *run = cpu->page;

	if (kvm_access_slot(cpu, gpa, size, write, value))
		return FAKE_NO_EXIT;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = size;
	run->mmio.is_write = write;
	store_le64(run->mmio.data, write ? value : 0);
	return 0;
}

/* Room for one more, as KVM keeps a free entry. */
static inline bool kvm_keep_write(struct fake_cpu *cpu, uint16_t port, unsigned int size,
				  const void *data)
{
	struct kvm_coalesced_mmio_ring *ring =
		(void *)((uint8_t *)cpu->page + FAKE_PAGE_RING * host_page_size());
	uint32_t room =
		(uint32_t)((host_page_size() - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]));
	uint32_t last = ring->last, next = (last + 1) % room;

	if (next == __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE))
		return false;
	ring->coalesced_mmio[last] =
		(struct kvm_coalesced_mmio){.phys_addr = port, .len = size, .pio = 1};
	memcpy(ring->coalesced_mmio[last].data, data, size);
	__atomic_store_n(&ring->last, next, __ATOMIC_RELEASE);
	return true;
}

static inline bool kvm_coalesces(struct fake_cpu *cpu, uint16_t port, unsigned int size,
				 const void *data)
{
	bool kept = false;

	pthread_mutex_lock(&kvm.lock);
	for (unsigned int i = 0; i < kvm.zone_count && !kept; i++)
		if (port >= kvm.zones[i].addr &&
		    range_fits(port - kvm.zones[i].addr, size, kvm.zones[i].size))
			kept = kvm_keep_write(cpu, port, size, data);
	pthread_mutex_unlock(&kvm.lock);
	return kept;
}

/* An access to a port; @count elements, of @data when it writes. */
static inline int fake_guest_port(struct fake_cpu *cpu, bool write, uint16_t port,
				  unsigned int size, unsigned int count, const void *data)
{
	if (write && count == 1 && kvm_coalesces(cpu, port, size, data))
		return FAKE_NO_EXIT;
	return fake_cpu_port(cpu, write, port, size, count, data);
}

/* The guest takes what was signalled, and ends what of that is a level. How many it had so far. */
static inline unsigned long fake_guest_take_interrupts(void)
{
	unsigned long had;

	pthread_mutex_lock(&kvm.lock);
	for (unsigned int i = 0; i < kvm.irqfd_count; i++) {
		/* Who closes it takes it off KVM before. */
		must(fcntl(kvm.irqfds[i].eventfd, F_GETFD) >= 0);
		if (!fd_take_shared(kvm.irqfds[i].eventfd))
			continue;
		kvm.interrupts++;
		if (kvm.irqfds[i].resample >= 0)
			fd_signal(kvm.irqfds[i].resample);
	}
	had = kvm.interrupts;
	pthread_mutex_unlock(&kvm.lock);
	return had;
}

/* The guest has seen the exit in the page; true when that brings up the next part of it. */
static inline bool kvm_finish(struct fake_cpu *cpu)
{
	struct kvm_run *run = cpu->page;

	if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write)
		cpu->value = load_le64(run->mmio.data);
	else if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN)
		cpu->value = load_le((uint8_t *)run + run->io.data_offset, run->io.size);
	cpu->finished++;
	if (cpu->parts) {
		cpu->parts--;
		return true;
	}
	cpu->unfinished = false;
	return false;
}

static inline int kvm_enter(struct fake_cpu *cpu)
{
	bool steps = cpu->debug.control & KVM_GUESTDBG_SINGLESTEP;
	int rc;

	if (cpu->unfinished && kvm_finish(cpu))
		return 0;
	if (fake_cpu_is_kicked(cpu))
		return -EINTR;
	if (cpu->vm != kvm.vm) {
		fake_cpu_fill_debug(cpu);
		return 0;
	}
	cpu->runs++;
	do {
		rc = kvm.guest ? kvm.guest(kvm.owner, cpu) : fake_guest_sit(cpu);
		if (rc >= 0)
			fake_cpu_advance(cpu);
	} while (rc == FAKE_NO_EXIT && !steps && !fake_cpu_is_kicked(cpu));
	if (rc == FAKE_NO_EXIT && steps) {
		fake_cpu_fill_debug(cpu);
		return 0;
	}
	cpu->unfinished = rc == 0 && (cpu->page->exit_reason == KVM_EXIT_MMIO ||
				      cpu->page->exit_reason == KVM_EXIT_IO);
	return rc == FAKE_NO_EXIT ? -EINTR : rc;
}

#endif
