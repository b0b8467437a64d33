/* SPDX-License-Identifier: BSD-3-Clause */
/* vCPUs of a fake KVM that take given steps, then stay in the guest until they are kicked. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VCPUS_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VCPUS_H

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

#include "arch/debug.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/host.h"
#include "vmm/kvm/vcpu.h"

/* KVM_EXIT_MEMORY_FAULT, which headers before Linux 6.8 lack. */
enum { CPUS = 3, TRAPPED = 0x1000, MEMORY_FAULT = 39 };

/* What one KVM_RUN comes back with. */
struct step {
	int result;
	uint32_t reason;
	uint64_t address; /* or the suberror, or the hardware's reason */
	uint32_t length;
	bool write;
	bool again; /* the next step comes out of completing this one, as in a string instruction */
};

/* A vCPU that takes its steps, then stays in the guest until it is kicked. */
struct cpu {
	int fd;
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	const struct step *steps;
	size_t count;
	size_t next;
	bool endless;             /* begins anew */
	const struct step *taken; /* not completed yet */
	atomic_uint entered;      /* KVM_RUNs that went on in the guest */
	atomic_uint completed;
	atomic_uint sitting; /* how often it ran out of steps */
};

static struct cpu cpus[CPUS];
static inline void fill_page(struct kvm_run *page, const struct step *step)
{
	/* A failure that has no exit leaves the page as it was. */
	if (step->result && step->reason == KVM_EXIT_UNKNOWN)
		return;
	page->exit_reason = step->reason;
	if (step->reason == KVM_EXIT_MMIO) {
		page->mmio.phys_addr = step->address;
		page->mmio.len = step->length;
		page->mmio.is_write = step->write;
		store_le64(page->mmio.data, step->write ? UINT64_C(0x8877665544332211) : 0);
	} else if (step->reason == MEMORY_FAULT) {
		const uint64_t fault[] = {0, step->address, step->length};

		memcpy(page->padding, fault, sizeof(fault));
	} else if (step->reason == KVM_EXIT_DEBUG) {
		page->hw.hardware_exit_reason = step->address; /* no architecture's own */
	} else if (step->reason == KVM_EXIT_INTERNAL_ERROR) {
		page->internal.suberror = (uint32_t)step->address;
		page->internal.ndata = step->address == KVM_INTERNAL_ERROR_DELIVERY_EV ? 2 : 0;
		page->internal.data[0] = 0x80;
		page->internal.data[1] = 0x81;
	} else if (step->reason == KVM_EXIT_FAIL_ENTRY) {
		page->fail_entry.hardware_entry_failure_reason = step->address;
	} else if (step->reason == KVM_EXIT_UNKNOWN) {
		page->hw.hardware_exit_reason = step->address;
	}
}

void arch_debug_decode(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct arch_debug_stop *stop)
{
	(void)arch;
	*stop = (struct arch_debug_stop){
		.event = ARCH_DEBUG_HARDWARE,
		.address = kvm_vcpu_run_page(vcpu)->hw.hardware_exit_reason,
	};
}

static inline int take_step(struct cpu *cpu)
{
	const struct step *step = &cpu->steps[cpu->next++];

	if (cpu->endless && cpu->next == cpu->count)
		cpu->next = 0;
	fill_page(kvm_vcpu_run_page(cpu->vcpu), step);
	if (step->result == 0)
		cpu->taken = step;
	/* As KVM does when the guest touches a page of the host's that has failed. */
	if (step->result == -EHWPOISON) {
		send_memory_failure(BUS_MCEERR_AR, (uintptr_t)step->address);
		return -EINTR;
	}
	return step->result;
}

static inline bool kicked(struct cpu *cpu)
{
	return __atomic_load_n(&kvm_vcpu_run_page(cpu->vcpu)->immediate_exit, __ATOMIC_SEQ_CST);
}

/* As KVM does it, a signal that comes between the look at the page and the wait is not lost. */
static inline int sit(struct cpu *cpu)
{
	sigset_t kick, old;

	sigemptyset(&kick);
	sigaddset(&kick, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &kick, &old);
	atomic_fetch_add(&cpu->sitting, 1);
	if (!kicked(cpu))
		ppoll(NULL, 0, NULL, &old);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -EINTR;
}

static inline int cpu_ioctl(int fd, unsigned long request, void *argument)
{
	struct cpu *cpu = cpus;
	bool again;

	(void)argument;
	while (cpu->fd != fd)
		cpu++;
	ck_assert_uint_eq(request, KVM_RUN);
	ck_assert(pthread_equal(cpu->thread, pthread_self()));
	if (cpu->taken) {
		again = cpu->taken->again;
		cpu->taken = NULL;
		atomic_fetch_add(&cpu->completed, 1);
		if (again)
			return take_step(cpu);
	}
	if (kicked(cpu))
		return -EINTR;
	atomic_fetch_add(&cpu->entered, 1);
	return cpu->next < cpu->count ? take_step(cpu) : sit(cpu);
}

static inline int know_job(void *owner, struct kvm_vcpu *vcpu, struct err *unused)
{
	struct cpu *cpu = &cpus[kvm_vcpu_id(vcpu)];

	(void)owner;
	(void)unused;
	cpu->fd = kvm_vcpu_fd(vcpu);
	cpu->vcpu = vcpu;
	cpu->thread = pthread_self();
	return 0;
}

static inline void until(atomic_uint *counter, unsigned int value)
{
	for (unsigned int tries = 0; atomic_load(counter) < value; tries++) {
		ck_assert_msg(tries < 20000, "%u instead of %u", atomic_load(counter), value);
		usleep(1000);
	}
}

static inline void give(unsigned int cpu, const struct step *steps, size_t count)
{
	cpus[cpu].steps = steps;
	cpus[cpu].count = count;
	cpus[cpu].next = 0;
}

#define GIVE(cpu, ...)                                                                             \
	do {                                                                                       \
		static const struct step steps_given[] = {__VA_ARGS__};                            \
		give(cpu, steps_given, ARRAY_SIZE(steps_given));                                   \
	} while (0)
#define READ(offset, size)                                                                         \
	{                                                                                          \
		0, KVM_EXIT_MMIO, TRAPPED + (offset), size, false, false                           \
	}
#define WRITE(offset, size)                                                                        \
	{                                                                                          \
		0, KVM_EXIT_MMIO, TRAPPED + (offset), size, true, false                            \
	}
#define EXIT(why, detail)                                                                          \
	{                                                                                          \
		0, why, detail, 0, false, false                                                    \
	}
#define FAULT(code)                                                                                \
	{                                                                                          \
		code, KVM_EXIT_UNKNOWN, 0, 0, false, false                                         \
	}

#endif
