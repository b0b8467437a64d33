/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A KVM made of nothing: takes the place of vmm/kvm/sys.c in the one test program that includes it.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_KVM_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_KVM_H

#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/sys.h"

/* What the fake is to answer, and what it was last asked. Set up, it refuses nothing. */
static struct fake_kvm {
	int system_fd, vm_fd, vcpu_fd;
	int open_fails;
	unsigned long fails_request; /* answered with `fails_code`, once `fails_after` went well */
	int fails_code;
	unsigned int fails_after;
	int version;
	int run_size;
	unsigned int missing; /* a capability that is 0 */
	int slots, routes, ipa_bits;
	int guest_debug; /* KVM_CAP_SET_GUEST_DEBUG2 */
	int xsave_size;  /* KVM_CAP_XSAVE2 */
	bool has_device_id, vm_capabilities;
	unsigned int on_vm; /* capabilities asked of the VM's descriptor */
	unsigned long vm_type;
	unsigned long created[64]; /* vCPUs' ids, in the order of their creation */
	unsigned int created_count;
	unsigned int calls; /* ioctls on the VM but for KVM_CHECK_EXTENSION */
	struct kvm_userspace_memory_region memory;
	unsigned int routing_calls;
	struct {
		uint32_t nr;
		struct kvm_irq_routing_entry entries[64];
	} routing;
	struct kvm_irqfd irqfd;
	struct kvm_irq_level level;
	struct kvm_device_attr attribute;
	struct kvm_run *run;
	int run_result;
	bool run_saw_immediate;
	void (*during_run)(void);
	/* When set, answers every ioctl on a vCPU's descriptor, in whatever thread it is made. */
	int (*vcpu_ioctl)(int fd, unsigned long request, void *argument);
	/* When set, answers what the fake does not know of the VM's requests. */
	int (*vm_ioctl)(unsigned long request, void *argument);
} fake;

/* Several vCPUs are created at once. */
static pthread_mutex_t fake_create_lock = PTHREAD_MUTEX_INITIALIZER;

static inline void fake_kvm_reset(void)
{
	fake = (struct fake_kvm){
		.system_fd = -1,
		.vm_fd = -1,
		.vcpu_fd = -1,
		.missing = ~0u,
		.version = KVM_API_VERSION,
		.run_size = (int)align_up(sizeof(struct kvm_run), 4096),
		.slots = 8,
		.routes = 64,
	};
}

int kvm_sys_open(const char *path)
{
	ck_assert_str_eq(path, "/dev/kvm");
	if (fake.open_fails)
		return fake.open_fails;
	fake.system_fd = memfd_create("system", MFD_CLOEXEC);
	return fake.system_fd;
}

static int fake_capability(int fd, unsigned long capability)
{
	fake.on_vm += fd == fake.vm_fd;
	if (capability == fake.missing)
		return 0;
	switch (capability) {
	case KVM_CAP_NR_MEMSLOTS:
		return fake.slots;
	case KVM_CAP_IRQ_ROUTING:
		return fake.routes;
	case KVM_CAP_MSI_DEVID:
		return fake.has_device_id;
	case KVM_CAP_ARM_VM_IPA_SIZE:
		return fake.ipa_bits;
	case KVM_CAP_CHECK_EXTENSION_VM:
		return fake.vm_capabilities;
	case KVM_CAP_SET_GUEST_DEBUG2:
		return fake.guest_debug;
	case KVM_CAP_XSAVE2:
		return fake.xsave_size;
	case KVM_CAP_MAX_VCPUS:
		return 4;
	case KVM_CAP_NR_VCPUS:
		return -EIO;
	default:
		return 1;
	}
}

static bool fake_refuses(unsigned long request)
{
	if (fake.fails_request != request)
		return false;
	if (fake.fails_after == 0)
		return true;
	fake.fails_after--;
	return false;
}

static int fake_create_vcpu(unsigned long id)
{
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, fake.run_size), 0);
	fake.vcpu_fd = fd;
	if (fake.created_count < ARRAY_SIZE(fake.created))
		fake.created[fake.created_count++] = id;
	return fd;
}

static int fake_vm_ioctl_value(int fd, unsigned long request, unsigned long argument);

int kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument)
{
	int result;

	if (request == KVM_CHECK_EXTENSION)
		return fake_capability(fd, argument);
	pthread_mutex_lock(&fake_create_lock);
	result = fake_vm_ioctl_value(fd, request, argument);
	pthread_mutex_unlock(&fake_create_lock);
	return result;
}

static int fake_vm_ioctl_value(int fd, unsigned long request, unsigned long argument)
{
	if (fake_refuses(request))
		return fake.fails_code;
	fake.calls += fd == fake.vm_fd;
	switch (request) {
	case KVM_GET_API_VERSION:
		return fake.version;
	case KVM_GET_VCPU_MMAP_SIZE:
		return fake.run_size;
	case KVM_CREATE_VM:
		fake.vm_type = argument;
		fake.vm_fd = memfd_create("vm", MFD_CLOEXEC);
		return fake.vm_fd;
	case KVM_CREATE_VCPU:
		ck_assert_int_eq(fd, fake.vm_fd);
		return fake_create_vcpu(argument);
	default:
		return -ENOTTY;
	}
}

static int fake_run(void)
{
	fake.run_saw_immediate = __atomic_load_n(&fake.run->immediate_exit, __ATOMIC_RELAXED);
	if (fake.during_run)
		fake.during_run();
	return fake.run_result;
}

static void fake_set_routing(const struct kvm_irq_routing *routing)
{
	ck_assert_uint_le(routing->nr, ARRAY_SIZE(fake.routing.entries));
	fake.routing.nr = routing->nr;
	memcpy(fake.routing.entries, routing->entries, routing->nr * sizeof(routing->entries[0]));
	fake.routing_calls++;
}

int kvm_sys_ioctl(int fd, unsigned long request, void *argument)
{
	if (fake.vcpu_ioctl && fd != fake.system_fd && fd != fake.vm_fd)
		return fake.vcpu_ioctl(fd, request, argument);
	if (fake_refuses(request))
		return fake.fails_code;
	fake.calls += fd == fake.vm_fd;
	switch (request) {
	case KVM_SET_USER_MEMORY_REGION:
		memcpy(&fake.memory, argument, sizeof(fake.memory));
		return 0;
	case KVM_SET_GSI_ROUTING:
		fake_set_routing(argument);
		return 0;
	case KVM_IRQFD:
		memcpy(&fake.irqfd, argument, sizeof(fake.irqfd));
		return 0;
	case KVM_IRQ_LINE:
		memcpy(&fake.level, argument, sizeof(fake.level));
		return 0;
	case KVM_CREATE_DEVICE:
		((struct kvm_create_device *)argument)->fd = 77;
		return 0;
	case KVM_SET_DEVICE_ATTR:
		memcpy(&fake.attribute, argument, sizeof(fake.attribute));
		return 0;
	case KVM_RUN:
		return fake_run();
	default:
		return fake.vm_ioctl ? fake.vm_ioctl(request, argument) : -ENOTTY;
	}
}

#endif
