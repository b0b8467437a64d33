/* SPDX-License-Identifier: BSD-3-Clause */
/* The aarch64 machine around the vCPUs: address width, interrupt controller, boot and reset. */

#include "arch/aarch64/vm.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/aarch64/boot.h"
#include "arch/aarch64/gic.h"
#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/vcpu.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum {
	IPA_BITS_MOST = 52,    /* of the architecture; KVM gives what the processor has */
	IPA_BITS_DEFAULT = 40, /* of kernels that give no choice (api.rst, KVM_CREATE_VM) */
};

unsigned long arch_vm_type(const struct kvm_vm *vm)
{
	unsigned int bits = (unsigned int)kvm_vm_capability(vm, KVM_CAP_ARM_VM_IPA_SIZE);

	return KVM_VM_TYPE_ARM_IPA_SIZE(bits < IPA_BITS_MOST ? bits : IPA_BITS_MOST);
}

unsigned int arch_physical_bits(struct kvm_vm *vm)
{
	int bits = kvm_vm_capability(vm, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits > 0 ? (unsigned int)bits : IPA_BITS_DEFAULT;
}

/*
 * A load or store that KVM cannot decode (of a pair, of SIMD registers) comes here with the exit
 * KVM_EXIT_ARM_NISV instead of ending KVM_RUN with an error, where the kernel knows how.
 */
static void vm_enable_nisv(struct kvm_vm *vm)
{
	struct kvm_enable_cap capability = {.cap = KVM_CAP_ARM_NISV_TO_USER};
	int rc;

	if (kvm_vm_capability(vm, KVM_CAP_ARM_NISV_TO_USER) <= 0 ||
	    kvm_vm_capability(vm, KVM_CAP_ARM_INJECT_EXT_DABT) <= 0)
		return;
	rc = kvm_vm_ioctl(vm, KVM_ENABLE_CAP, &capability);
	if (rc < 0)
		log_warn("KVM: undecodable accesses stay fatal: KVM_CAP_ARM_NISV_TO_USER: %s",
			 err_text(rc));
}

static int vm_create_gsi_table(struct arch_vm *arch, struct err *err)
{
	int rc = 0;

	arch->irq = kvm_irq_create(arch->setup.vm, ARM_GSI_MSI, err);
	if (!arch->irq)
		return err && err->code < 0 ? err->code : -ENOMEM;
	for (unsigned int gsi = 0; gsi < ARM_GSI_MSI && !rc; gsi++)
		rc = kvm_irq_add_pin(arch->irq, gsi, 0, gsi);
	if (rc)
		return err_set(err, rc, "interrupt routes: the GIC's SPIs: %s", err_text(rc));
	return 0;
}

struct arch_vm *arch_vm_create(const struct arch_setup *setup, struct err *err)
{
	struct arch_vm *arch = calloc(1, sizeof(*arch));

	if (!arch) {
		err_set(err, -ENOMEM, "virtual machine: out of memory");
		return NULL;
	}
	arch->setup = *setup;
	vm_enable_nisv(setup->vm);
	arch->gic = gic_create(setup->vm, err);
	if (!arch->gic || vcpu_choose_features(arch, err) < 0 ||
	    vm_create_gsi_table(arch, err) < 0) {
		arch_vm_destroy(arch);
		return NULL;
	}
	return arch;
}

void arch_vm_destroy(struct arch_vm *arch)
{
	if (!arch)
		return;
	device_list_destroy(arch->devices);
	mem_map_del(&arch->pci_io);
	kvm_irq_destroy(arch->irq);
	gic_destroy(arch->gic);
	arch_debug_free(arch->debug);
	free(arch);
}

struct kvm_irq *arch_vm_irq(struct arch_vm *arch)
{
	return arch->irq;
}

/* Routes come after the GIC's initialisation, which replaces the whole table. */
int arch_irqchip_init(struct arch_vm *arch, struct err *err)
{
	unsigned int cpus = arch->setup.platform->cpus;
	int rc = gic_init(arch->gic, cpus, err);

	if (!rc)
		rc = vcpu_start_counter(arch->vcpus[0], err);
	for (unsigned int id = 0; id < cpus && !rc; id++)
		rc = vcpu_init_pmu(arch, arch->vcpus[id], err);
	if (rc)
		return rc;
	rc = kvm_irq_commit(arch->irq);
	if (rc)
		return err_set(err, rc, "interrupt routes: the GIC's SPIs: %s", err_text(rc));
	return 0;
}

/* What is no Linux but has its header is booted by Linux's protocol all the same. */
bool arch_boots_linux(const struct arch_vm *arch)
{
	(void)arch;
	return true;
}

int arch_boot(struct arch_vm *arch, const struct boot_source *source, struct err *err)
{
	struct boot *boot = calloc(1, sizeof(*boot));
	int rc;

	if (!boot)
		return err_set(err, -ENOMEM, "boot: out of memory");
	boot->loader.ram = arch->setup.ram;
	boot->loader.fresh = !arch->booted && ram_begins_zero(arch->setup.ram);
	boot->platform = arch->setup.platform;
	boot->source = source;
	boot->pmu = arch->pmu;
	arch->booted = true;
	rc = boot_load(boot, err);
	arch->entry = boot->entry;
	arch->size = boot->size;
	arch->fdt = boot->fdt;
	free(boot);
	return rc;
}

int arch_vm_reset(struct arch_vm *arch, struct err *err)
{
	device_list_reset(arch->devices);
	return gic_reset(arch->gic, arch->setup.platform->cpus, err);
}
