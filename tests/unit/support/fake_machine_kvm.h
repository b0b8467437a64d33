/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A KVM under a whole machine: takes the place of vmm/kvm/sys.c in the one program that includes
 * this. What its guest does is a function's; every call may be struck by the test's fault_plan.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_MACHINE_KVM_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_MACHINE_KVM_H

#include "tests/unit/support/fake_guest.h"

static inline const char *kvm_request_name(unsigned long request)
{
	const char *name = fake_cpu_request_name(request);

	if (name)
		return name;
	switch (request) {
	case KVM_GET_API_VERSION:
		return "KVM_GET_API_VERSION";
	case KVM_CHECK_EXTENSION:
		return "KVM_CHECK_EXTENSION";
	case KVM_GET_VCPU_MMAP_SIZE:
		return "KVM_GET_VCPU_MMAP_SIZE";
	case KVM_CREATE_VM:
		return "KVM_CREATE_VM";
	case KVM_CREATE_VCPU:
		return "KVM_CREATE_VCPU";
	case KVM_CREATE_DEVICE:
		return "KVM_CREATE_DEVICE";
	case KVM_SET_USER_MEMORY_REGION:
		return "KVM_SET_USER_MEMORY_REGION";
	case KVM_SET_GSI_ROUTING:
		return "KVM_SET_GSI_ROUTING";
	case KVM_IRQFD:
		return "KVM_IRQFD";
	case KVM_IRQ_LINE:
		return "KVM_IRQ_LINE";
	case KVM_REGISTER_COALESCED_MMIO:
		return "KVM_REGISTER_COALESCED_MMIO";
	case KVM_UNREGISTER_COALESCED_MMIO:
		return "KVM_UNREGISTER_COALESCED_MMIO";
	case KVM_SET_DEVICE_ATTR:
		return "KVM_SET_DEVICE_ATTR";
	case KVM_GET_DEVICE_ATTR:
		return "KVM_GET_DEVICE_ATTR";
	case KVM_SET_GUEST_DEBUG:
		return "KVM_SET_GUEST_DEBUG";
	default:
		return "KVM ioctl";
	}
}

/* Entering the guest fails as its function says; what takes something back does not fail. */
static inline bool kvm_fails(unsigned long request, const void *argument, int *result)
{
	const struct kvm_irqfd *irqfd = argument;
	const struct kvm_userspace_memory_region *region = argument;

	if (request == KVM_RUN || request == KVM_UNREGISTER_COALESCED_MMIO ||
	    (request == KVM_IRQFD && irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN) ||
	    (request == KVM_SET_USER_MEMORY_REGION && !region->memory_size))
		return false;
	return fault_answers(kvm_request_name(request), NULL, NULL, 0, result);
}

/* @fd is new: what was open by that number is closed. Holds the lock. */
static inline int kvm_opened(int fd)
{
	must(fd >= 0);
	for (unsigned int i = 0; i < kvm.cpu_count; i++)
		if (kvm.cpus[i].fd == fd)
			kvm.cpus[i].fd = -1;
	for (unsigned int i = 0; i < kvm.device_count; i++)
		if (kvm.devices[i].fd == fd)
			kvm.devices[i].fd = -1;
	return opened(fd);
}

int kvm_sys_open(const char *path)
{
	int result;

	if (fault_answers("open", path, NULL, 0, &result))
		return result;
	pthread_mutex_lock(&kvm.lock);
	result = kvm_opened(memfd_create("fake-kvm", MFD_CLOEXEC));
	pthread_mutex_unlock(&kvm.lock);
	return result;
}

static inline int kvm_capability(unsigned long capability)
{
	int value = fake_cpu_capability(capability);

	if (value >= 0)
		return value;
	switch (capability) {
	case KVM_CAP_NR_MEMSLOTS:
		return FAKE_SLOTS_MAX;
	case KVM_CAP_IRQ_ROUTING:
		return FAKE_ROUTES_MAX;
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_NR_VCPUS:
		return FAKE_CPUS_MAX;
	case KVM_CAP_COALESCED_MMIO:
		return FAKE_PAGE_RING;
	default:
		return 1;
	}
}

static inline int kvm_create_vm(void)
{
	int fd;

	pthread_mutex_lock(&kvm.lock);
	fd = kvm_opened(memfd_create("fake-vm", MFD_CLOEXEC));
	if (kvm.vm < 0)
		kvm.vm = fd;
	pthread_mutex_unlock(&kvm.lock);
	return fd;
}

/* A vCPU takes the place of one that is closed. */
static inline int kvm_create_vcpu(int vm, unsigned long index)
{
	unsigned int place = 0;
	char name[32];
	int fd;

	if (index >= FAKE_CPUS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&kvm.lock);
	snprintf(name, sizeof(name), "fake-vcpu-%u-", kvm.serial);
	fd = kvm_opened(memfd_create(name, MFD_CLOEXEC));
	must(ftruncate(fd, (off_t)(FAKE_RUN_PAGES * host_page_size())) == 0);
	while (place < kvm.cpu_count && kvm.cpus[place].fd >= 0)
		place++;
	must(place < FAKE_CPUS_MAX);
	if (place == kvm.cpu_count)
		kvm.cpu_count++;
	kvm.cpus[place] = (struct fake_cpu){
		.place = place,
		.index = (unsigned int)index,
		.fd = fd,
		.vm = vm,
		.serial = kvm.serial++,
	};
	fake_cpu_create(&kvm.cpus[place]);
	pthread_mutex_unlock(&kvm.lock);
	return fd;
}

int kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument)
{
	int result;

	if (kvm_fails(request, NULL, &result))
		return result;
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return kvm_capability(argument);
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_GET_VCPU_MMAP_SIZE:
		return (int)(FAKE_RUN_PAGES * host_page_size());
	case KVM_CREATE_VM:
		return kvm_create_vm();
	case KVM_CREATE_VCPU:
		return kvm_create_vcpu(fd, argument);
	default:
		return fake_cpu_vm_ioctl(request, NULL);
	}
}

/* Where this process has mapped the file of that name; 0: nowhere. */
static inline uintptr_t kvm_find_mapping(const char *name)
{
	static char text[1 << 20];
	size_t used = 0;
	ssize_t count;
	char *line;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	while ((count = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)count;
	close(fd);
	text[used] = '\0';
	line = strstr(text, name);
	while (line && line > text && line[-1] != '\n')
		line--;
	return line ? (uintptr_t)strtoull(line, NULL, 16) : 0;
}

/*
 * All vCPUs of a VM have one ring of coalesced writes, so its page is mapped over what is the
 * vCPU's own.
 */
static inline void kvm_find_page(struct fake_cpu *cpu)
{
	uintptr_t place;
	char name[32];
	long ring;

	if (cpu->page)
		return;
	snprintf(name, sizeof(name), "fake-vcpu-%u-", cpu->serial);
	place = kvm_find_mapping(name);
	must(place);
	ring = syscall(SYS_mmap, place + FAKE_PAGE_RING * host_page_size(), host_page_size(),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, kvm.ring, 0L);
	must(ring != -1);
	cpu->page = (struct kvm_run *)place;
}

static inline struct fake_cpu *kvm_find_cpu(int fd)
{
	struct fake_cpu *found = NULL;

	pthread_mutex_lock(&kvm.lock);
	for (unsigned int i = 0; i < kvm.cpu_count && !found; i++)
		if (kvm.cpus[i].fd == fd)
			found = &kvm.cpus[i];
	if (found)
		kvm_find_page(found);
	pthread_mutex_unlock(&kvm.lock);
	return found;
}

static inline int kvm_on_cpu(struct fake_cpu *cpu, unsigned long request, void *argument)
{
	switch (request) {
	case KVM_RUN:
		return kvm_enter(cpu);
	case KVM_SET_GUEST_DEBUG:
		memcpy(&cpu->debug, argument, sizeof(cpu->debug));
		return 0;
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
		return fake_cpu_attribute(request, argument);
	default:
		return fake_cpu_ioctl(cpu, request, argument);
	}
}

/*
 * What __kvm_set_memory_region() refuses, the monitor never asks for: it knows what there is. @slot
 * is what it has been.
 */
static inline void kvm_check_slot(const struct kvm_userspace_memory_region *region,
				  const struct kvm_userspace_memory_region *slot)
{
	must(region->slot < FAKE_SLOTS_MAX);
	must(is_aligned(region->guest_phys_addr | region->memory_size | region->userspace_addr,
			host_page_size()));
	must(!slot->memory_size != !region->memory_size);
	for (unsigned int i = 0; i < FAKE_SLOTS_MAX && region->memory_size; i++)
		must(!kvm.slots[i].memory_size ||
		     !ranges_overlap(kvm.slots[i].guest_phys_addr, kvm.slots[i].memory_size,
				     region->guest_phys_addr, region->memory_size));
}

/* Once a memslot is gone nothing of the guest is in it any more. */
static inline int kvm_set_slot(const struct kvm_userspace_memory_region *region)
{
	pthread_rwlock_wrlock(&kvm.memory);
	kvm_check_slot(region, &kvm.slots[region->slot % FAKE_SLOTS_MAX]);
	kvm.slots[region->slot] = *region;
	pthread_rwlock_unlock(&kvm.memory);
	return 0;
}

static inline int kvm_set_irqfd(const struct kvm_irqfd *irqfd)
{
	bool gone = irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN;

	for (unsigned int i = 0; i < kvm.irqfd_count; i++) {
		struct fake_kvm_irqfd *had = &kvm.irqfds[i];

		if (had->eventfd != (int)irqfd->fd || (gone && had->gsi != irqfd->gsi))
			continue;
		/* Nor is one signalled by two. */
		must(gone);
		*had = kvm.irqfds[--kvm.irqfd_count];
		return 0;
	}
	if (gone)
		return 0;
	if (kvm.irqfd_count == FAKE_IRQFDS_MAX)
		return -ENOSPC;
	kvm.irqfds[kvm.irqfd_count++] = (struct fake_kvm_irqfd){
		.gsi = irqfd->gsi,
		.eventfd = (int)irqfd->fd,
		.resample = irqfd->flags & KVM_IRQFD_FLAG_RESAMPLE ? (int)irqfd->resamplefd : -1,
	};
	/* What came before is fired now. */
	kvm.interrupts += fd_is_signalled((int)irqfd->fd);
	return 0;
}

static inline int kvm_set_routing(const struct kvm_irq_routing *routing)
{
	if (routing->nr > FAKE_ROUTES_MAX)
		return -EINVAL;
	memcpy(kvm.routes, routing->entries, routing->nr * sizeof(routing->entries[0]));
	kvm.route_count = routing->nr;
	return 0;
}

static inline int kvm_set_zone(const struct kvm_coalesced_mmio_zone *zone, bool adds)
{
	unsigned int i = 0;

	if (adds) {
		if (kvm.zone_count == FAKE_ZONES_MAX)
			return -ENOSPC;
		kvm.zones[kvm.zone_count++] = *zone;
		return 0;
	}
	while (i < kvm.zone_count &&
	       (kvm.zones[i].addr != zone->addr || kvm.zones[i].size != zone->size))
		i++;
	if (i < kvm.zone_count)
		kvm.zones[i] = kvm.zones[--kvm.zone_count];
	return 0;
}

static inline int kvm_create_device(struct kvm_create_device *device)
{
	int fd = device->type == KVM_DEV_TYPE_VFIO ? kernel_create_kvm_device()
						   : open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int i = 0;

	if (fd < 0)
		return fd;
	kvm_opened(fd);
	while (i < kvm.device_count && kvm.devices[i].fd >= 0)
		i++;
	must(i < FAKE_DEVICES_MAX);
	if (i == kvm.device_count)
		kvm.device_count++;
	kvm.devices[i].fd = fd;
	kvm.devices[i].type = device->type;
	device->fd = (uint32_t)fd;
	return 0;
}

static inline int kvm_on_attribute(int fd, unsigned long request,
				   const struct kvm_device_attr *attribute)
{
	uint32_t type = 0;

	for (unsigned int i = 0; i < kvm.device_count; i++)
		if (kvm.devices[i].fd == fd)
			type = kvm.devices[i].type;
	must(type);
	if (type != KVM_DEV_TYPE_VFIO)
		return fake_cpu_attribute(request, attribute);
	must(attribute->group == KVM_DEV_VFIO_GROUP);
	return kernel_tell_kvm(*(const int *)(uintptr_t)attribute->addr,
			       attribute->attr == KVM_DEV_VFIO_GROUP_ADD);
}

static inline int kvm_on_vm(int fd, unsigned long request, void *argument)
{
	switch (request) {
	case KVM_IRQFD:
		return kvm_set_irqfd(argument);
	case KVM_SET_GSI_ROUTING:
		return kvm_set_routing(argument);
	case KVM_IRQ_LINE:
		return 0;
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		return kvm_set_zone(argument, request == KVM_REGISTER_COALESCED_MMIO);
	case KVM_CREATE_DEVICE:
		return kvm_create_device(argument);
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
		return kvm_on_attribute(fd, request, argument);
	default:
		return fake_cpu_vm_ioctl(request, argument);
	}
}

int kvm_sys_ioctl(int fd, unsigned long request, void *argument)
{
	struct fake_cpu *cpu;
	int result;

	if (kvm_fails(request, argument, &result))
		return result;
	cpu = kvm_find_cpu(fd);
	if (cpu)
		return kvm_on_cpu(cpu, request, argument);
	/* A trial's memory is not the machine's. */
	if (request == KVM_SET_USER_MEMORY_REGION)
		return fd == kvm.vm ? kvm_set_slot(argument) : 0;
	pthread_mutex_lock(&kvm.lock);
	result = kvm_on_vm(fd, request, argument);
	pthread_mutex_unlock(&kvm.lock);
	return result;
}

#endif
