/* SPDX-License-Identifier: BSD-3-Clause */
/* One virtual processor of KVM's: its descriptor and the page it shares with the kernel. */

#include "vmm/kvm/vcpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/fd.h"
#include "vmm/kvm/sys.h"

struct kvm_vcpu {
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	bool kicked; /* what run->immediate_exit is to be outside kvm_vcpu_complete() */
};

static int vcpu_explain_create(struct kvm_vm *vm, unsigned int id, int code, struct err *err)
{
	int most = kvm_vm_capability(vm, KVM_CAP_MAX_VCPUS);

	if (code == -EINVAL && most > 0 && id >= (unsigned int)most)
		return err_set(err, code,
			       "KVM: creating vCPU %u: this kernel has %d at most: ask for fewer "
			       "with --cpus",
			       id, most);
	return err_set(err, code, "KVM: creating vCPU %u: %s", id, err_text(code));
}

struct kvm_vcpu *kvm_vcpu_create(struct kvm_vm *vm, unsigned int id, struct err *err)
{
	struct kvm_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	void *page;

	if (!vcpu) {
		err_set(err, -ENOMEM, "KVM: creating vCPU %u: out of memory", id);
		return NULL;
	}
	vcpu->id = id;
	vcpu->fd = kvm_vm_ioctl_value(vm, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0) {
		vcpu_explain_create(vm, id, vcpu->fd, err);
		goto fail;
	}
	vcpu->run_size = kvm_vm_run_size(vm);
	page = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (page == MAP_FAILED) {
		err_set(err, -errno, "KVM: mapping the run page of vCPU %u: %s", id,
			err_text(errno));
		goto fail;
	}
	vcpu->run = page;
	return vcpu;
fail:
	kvm_vcpu_destroy(vcpu);
	return NULL;
}

void kvm_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	if (!vcpu)
		return;
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	fd_close(&vcpu->fd);
	free(vcpu);
}

unsigned int kvm_vcpu_id(const struct kvm_vcpu *vcpu)
{
	return vcpu->id;
}

struct kvm_run *kvm_vcpu_run_page(struct kvm_vcpu *vcpu)
{
	return vcpu->run;
}

int kvm_vcpu_run(struct kvm_vcpu *vcpu)
{
	int rc = kvm_sys_ioctl(vcpu->fd, KVM_RUN, NULL);

	/* A processor that waited for its start-up message was woken without having run. */
	return rc == -EAGAIN ? -EINTR : rc;
}

bool kvm_vcpu_fault_range(struct kvm_vcpu *vcpu, uint64_t *first, uint64_t *last)
{
	/* As <linux/kvm.h> has it since Linux 6.8. */
	enum { REASON_MEMORY_FAULT = 39 };
	struct {
		uint64_t flags, address, size;
	} fault;

	if (vcpu->run->exit_reason != REASON_MEMORY_FAULT)
		return false;
	/*
	 * It stays in the page, where another -EFAULT of a kernel that names nothing would find it.
	 */
	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	memcpy(&fault, vcpu->run->padding, sizeof(fault));
	*first = fault.address;
	*last = fault.size && fault.size - 1 <= UINT64_MAX - fault.address
			? fault.address + (fault.size - 1)
			: fault.address;
	return true;
}

static void vcpu_store_immediate_exit(struct kvm_vcpu *vcpu, bool on)
{
	__atomic_store_n(&vcpu->run->immediate_exit, on, __ATOMIC_SEQ_CST);
}

int kvm_vcpu_complete(struct kvm_vcpu *vcpu)
{
	int rc;

	vcpu_store_immediate_exit(vcpu, true);
	rc = kvm_vcpu_run(vcpu);
	/* A kick notes itself before it writes the page, so one that this write undoes is seen. */
	vcpu_store_immediate_exit(vcpu, false);
	if (__atomic_load_n(&vcpu->kicked, __ATOMIC_SEQ_CST))
		vcpu_store_immediate_exit(vcpu, true);
	if (rc == -EINTR)
		return 0;
	return rc < 0 ? rc : -EAGAIN;
}

void kvm_vcpu_set_immediate_exit(struct kvm_vcpu *vcpu, bool on)
{
	__atomic_store_n(&vcpu->kicked, on, __ATOMIC_SEQ_CST);
	vcpu_store_immediate_exit(vcpu, on);
}

int kvm_vcpu_ioctl(struct kvm_vcpu *vcpu, unsigned long request, void *argument)
{
	return kvm_sys_ioctl(vcpu->fd, request, argument);
}

int kvm_vcpu_fd(const struct kvm_vcpu *vcpu)
{
	return vcpu->fd;
}
