/* SPDX-License-Identifier: BSD-3-Clause */
/* One virtual machine of KVM's: its descriptor, capabilities, memslots and devices. */

#include "vmm/kvm/vm.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/kvm/doorbell.h"
#include "vmm/kvm/memslot.h"
#include "vmm/kvm/sys.h"

static const char kvm_path[] = "/dev/kvm";

struct kvm_vm {
	char name[16]; /* of the node, for a sentence */
	int system_fd;
	int fd;
	bool vm_capabilities; /* KVM_CHECK_EXTENSION works on `fd` */
	size_t run_size;
	struct kvm_memslots *memslots;
	struct kvm_doorbells *doorbells;
};

/* What Ferry cannot do without, as api.rst names it. */
static const struct {
	unsigned long capability;
	const char *name;
} required[] = {
	{KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
	{KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
	{KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
	{KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING"},
	{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

static int vm_explain_open(int code, struct err *err)
{
	const char *advice = "";

	if (code == -EACCES || code == -EPERM)
		advice = ": join the group kvm (usermod -aG kvm USER) and log in again";
	return err_set(err, code, "KVM: opening %s: %s%s", kvm_path, err_text(code), advice);
}

static int vm_check_version(const struct kvm_vm *vm, struct err *err)
{
	int version = kvm_sys_ioctl_value(vm->system_fd, KVM_GET_API_VERSION, 0);

	if (version < 0)
		return err_set(err, version, "KVM: %s: it does not answer as KVM does: %s",
			       vm->name, err_text(version));
	if (version != KVM_API_VERSION)
		return err_set(err, -EPROTO, "KVM: %s: API version %d, not %d: use a newer kernel",
			       vm->name, version, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if (kvm_sys_ioctl_value(vm->system_fd, KVM_CHECK_EXTENSION,
					required[i].capability) <= 0)
			return err_set(err, -EOPNOTSUPP,
				       "KVM: %s: it lacks %s: use a kernel that has it", vm->name,
				       required[i].name);
	return 0;
}

static int vm_find_run_size(struct kvm_vm *vm, struct err *err)
{
	int size = kvm_sys_ioctl_value(vm->system_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < 0)
		return err_set(err, size, "KVM: %s: size of a vCPU's run page: %s", vm->name,
			       err_text(size));
	if ((size_t)size < sizeof(struct kvm_run))
		return err_set(err, -EPROTO,
			       "KVM: %s: a vCPU's run page of %d bytes: at least %zu are needed",
			       vm->name, size, sizeof(struct kvm_run));
	vm->run_size = (size_t)size;
	return 0;
}

static int vm_open_machine(struct kvm_vm *vm, unsigned long type, struct err *err)
{
	int fd = kvm_sys_ioctl_value(vm->system_fd, KVM_CREATE_VM, type);

	if (fd < 0)
		return err_set(err, fd, "KVM: %s: creating a virtual machine: %s%s", vm->name,
			       err_text(fd),
			       fd == -EBUSY ? ": stop the other hypervisor that uses the processor"
					    : "");
	vm->fd = fd;
	vm->vm_capabilities = kvm_sys_ioctl_value(vm->system_fd, KVM_CHECK_EXTENSION,
						  KVM_CAP_CHECK_EXTENSION_VM) > 0;
	return 0;
}

/* @fd is the VM's from here on, and closed when it fails. */
static struct kvm_vm *vm_create_on(int fd, const char *name, kvm_vm_type type, struct err *err)
{
	struct kvm_vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		fd_close(&fd);
		err_set(err, -ENOMEM, "KVM: out of memory");
		return NULL;
	}
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	vm->fd = -1;
	vm->system_fd = fd;
	if (!vm_check_version(vm, err) && !vm_find_run_size(vm, err) &&
	    !vm_open_machine(vm, type ? type(vm) : 0, err))
		return vm;
	kvm_vm_destroy(vm);
	return NULL;
}

struct kvm_vm *kvm_vm_create(kvm_vm_type type, struct err *err)
{
	int fd = kvm_sys_open(kvm_path);

	if (fd >= 0)
		return vm_create_on(fd, kvm_path, type, err);
	vm_explain_open(fd, err);
	return NULL;
}

/* What is no device at all is not asked: another kind's ioctls may have the same numbers. */
struct kvm_vm *kvm_vm_create_given(int fd, kvm_vm_type type, struct err *err)
{
	struct stat status;
	char name[16];

	snprintf(name, sizeof(name), "fd=%d", fd);
	if (fstat(fd, &status))
		err_set(err, -errno, "KVM: %s: what it is cannot be had: %s", name,
			err_text(errno));
	else if (S_ISCHR(status.st_mode))
		return vm_create_on(fd, name, type, err);
	else
		err_set(err, -ENOTTY, "KVM: %s: it is not open on %s", name, kvm_path);
	fd_close(&fd);
	return NULL;
}

void kvm_vm_destroy(struct kvm_vm *vm)
{
	if (!vm)
		return;
	assert(!vm->memslots);
	fd_close(&vm->fd);
	fd_close(&vm->system_fd);
	free(vm);
}

int kvm_vm_capability(const struct kvm_vm *vm, unsigned int capability)
{
	int fd = vm->vm_capabilities ? vm->fd : vm->system_fd;
	int value = kvm_sys_ioctl_value(fd, KVM_CHECK_EXTENSION, capability);

	return value > 0 ? value : 0;
}

int kvm_vm_ioctl(struct kvm_vm *vm, unsigned long request, void *argument)
{
	return kvm_sys_ioctl(vm->fd, request, argument);
}

int kvm_vm_ioctl_value(struct kvm_vm *vm, unsigned long request, unsigned long argument)
{
	return kvm_sys_ioctl_value(vm->fd, request, argument);
}

int kvm_vm_system_ioctl(struct kvm_vm *vm, unsigned long request, void *argument)
{
	return kvm_sys_ioctl(vm->system_fd, request, argument);
}

size_t kvm_vm_run_size(const struct kvm_vm *vm)
{
	return vm->run_size;
}

int kvm_vm_listen(struct kvm_vm *vm, struct mem_map *map, struct err *err)
{
	struct err why = {0};

	assert(!vm->memslots);
	vm->memslots = kvm_memslots_create(vm, map, &why);
	if (vm->memslots)
		vm->doorbells = kvm_doorbells_create(vm, map, &why);
	if (vm->doorbells)
		return 0;
	kvm_vm_unlisten(vm);
	return err_set(err, why.code, "%s", why.text);
}

void kvm_vm_unlisten(struct kvm_vm *vm)
{
	kvm_doorbells_destroy(vm->doorbells);
	vm->doorbells = NULL;
	kvm_memslots_destroy(vm->memslots);
	vm->memslots = NULL;
}

int kvm_vm_create_device(struct kvm_vm *vm, uint32_t type, const char *name, struct err *err)
{
	struct kvm_create_device device = {.type = type};
	int rc = kvm_sys_ioctl(vm->fd, KVM_CREATE_DEVICE, &device);

	if (rc < 0)
		return err_set(err, rc, "KVM: creating the device %s: %s%s", name, err_text(rc),
			       rc == -ENODEV ? ": use a kernel that has it" : "");
	return (int)device.fd;
}

int kvm_device_set_attribute(int fd, uint32_t group, uint64_t attribute, const void *value)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = attribute,
		.addr = (uintptr_t)value,
	};

	return kvm_sys_ioctl(fd, KVM_SET_DEVICE_ATTR, &attr);
}

int kvm_device_get_attribute(int fd, uint32_t group, uint64_t attribute, void *value)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = attribute,
		.addr = (uintptr_t)value,
	};

	return kvm_sys_ioctl(fd, KVM_GET_DEVICE_ATTR, &attr);
}
