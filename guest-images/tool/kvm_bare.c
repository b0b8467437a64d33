/* SPDX-License-Identifier: BSD-3-Clause */
/* A monitor of nothing but KVM's own calls: what no monitor can be faster than. */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "guest-images/tool/kvm_bare.h"
#include "guest-images/tool/labtool.h"

int bare_ioctl(int fd, unsigned long request, const void *argument, const char *name)
{
	int value = ioctl(fd, request, argument);

	if (value < 0)
		err(1, "kvm-bare: %s", name);
	return value;
}

static void *map(size_t size, int flags, int fd, const char *what)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "kvm-bare: %s", what);
	return memory;
}

/* RAM in one memslot, untouched but for the guest's few bytes. */
static void add_ram(int vm, size_t size)
{
	uint8_t *ram =
		map(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, "the guest's RAM");
	const struct kvm_userspace_memory_region region = {
		.guest_phys_addr = bare_ram,
		.memory_size = size,
		.userspace_addr = (uintptr_t)ram,
	};

	memcpy(ram + bare_load, bare_guest, bare_guest_size);
	bare_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

/* Runs the tiny guest to its end, once. */
int kvm_bare_main(int argc, char **argv)
{
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t size;

	if (argc != 2 || strtoul(argv[1], NULL, 0) < 16)
		errx(2, "kvm-bare: GUEST-RAM-MIB, 16 at least");
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		err(1, "kvm-bare: /dev/kvm");
	vm = bare_ioctl(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	bare_prepare_vm(vm);
	add_ram(vm, strtoul(argv[1], NULL, 0) << 20);
	vcpu = bare_ioctl(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	bare_finish_vm(vm);
	size = (size_t)bare_ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
	run = map(size, MAP_SHARED, vcpu, "the vCPU's run page");
	bare_prepare_vcpu(kvm, vm, vcpu, bare_ram + bare_load + bare_entry);
	bare_ioctl(vcpu, KVM_RUN, NULL, "KVM_RUN");
	if (!bare_ended(run))
		errx(1, "kvm-bare: the guest left by exit reason %u", run->exit_reason);
	return 0;
}

/* Writes the same guest to standard output, for other monitors. */
int tiny_guest_main(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		errx(2, "tiny-guest: there are no arguments");
	if (fwrite(bare_guest, bare_guest_size, 1, stdout) != 1 || fflush(stdout) != 0)
		err(1, "tiny-guest: standard output");
	return 0;
}
