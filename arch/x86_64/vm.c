/* SPDX-License-Identifier: BSD-3-Clause */
/* The x86_64 machine around the vCPUs: KVM's irqchip, its hidden pages, the IOAPIC's pins. */

#include "arch/x86_64/vm.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/debug.h"
#include "arch/x86_64/platform_x86.h"
#include "arch/x86_64/state.h"
#include "devices/power.h"
#include "vmm/base/bits.h"

enum { MSRS_MAX = 1024 };

unsigned long arch_vm_type(const struct kvm_vm *vm)
{
	(void)vm;
	return 0;
}

static int vm_read_supported_cpuid(struct kvm_vm *vm, struct cpuid_table *table, struct err *err)
{
	int rc;

	table->count = CPUID_ENTRIES_MAX;
	rc = kvm_vm_system_ioctl(vm, KVM_GET_SUPPORTED_CPUID, table);
	if (rc < 0)
		return err_set(err, rc, "processor features: KVM_GET_SUPPORTED_CPUID: %s",
			       err_text(rc));
	return 0;
}

unsigned int arch_physical_bits(struct kvm_vm *vm)
{
	struct cpuid_table table = {0};

	if (vm_read_supported_cpuid(vm, &table, NULL) < 0)
		table.count = 0;
	return cpuid_physical_bits(&table);
}

static int vm_read_msr_list(struct arch_vm *arch, struct err *err)
{
	int rc;

	arch->msrs = calloc(1, sizeof(*arch->msrs) + MSRS_MAX * sizeof(arch->msrs->indices[0]));
	if (!arch->msrs)
		return err_set(err, -ENOMEM, "processor state: out of memory");
	arch->msrs->nmsrs = MSRS_MAX;
	rc = kvm_vm_system_ioctl(arch->setup.vm, KVM_GET_MSR_INDEX_LIST, arch->msrs);
	if (rc < 0)
		return err_set(err, rc, "processor state: KVM_GET_MSR_INDEX_LIST: %s",
			       err_text(rc));
	return 0;
}

/* Intel processors without unrestricted guest mode run real mode with the help of these pages. */
static int vm_set_hidden_pages(struct kvm_vm *vm, struct err *err)
{
	uint64_t identity = X86_IDENTITY_BASE;
	int rc = kvm_vm_ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);

	if (rc < 0)
		return err_set(err, rc, "virtual machine: KVM_SET_IDENTITY_MAP_ADDR: %s",
			       err_text(rc));
	rc = kvm_vm_ioctl_value(vm, KVM_SET_TSS_ADDR, X86_TSS_BASE);
	if (rc < 0)
		return err_set(err, rc, "virtual machine: KVM_SET_TSS_ADDR: %s", err_text(rc));
	return 0;
}

static int vm_create_irqchip(struct arch_vm *arch, struct err *err)
{
	int rc = kvm_vm_ioctl_value(arch->setup.vm, KVM_CREATE_IRQCHIP, 0);

	if (rc < 0)
		return err_set(err, rc,
			       "interrupt controller: /dev/kvm: the kernel makes no irqchip (%s): "
			       "use a host kernel built with CONFIG_KVM_IOAPIC",
			       err_text(rc));
	for (unsigned int i = 0; i < X86_IRQCHIPS; i++) {
		arch->irqchips[i].chip_id = i;
		rc = kvm_vm_ioctl(arch->setup.vm, KVM_GET_IRQCHIP, &arch->irqchips[i]);
		if (rc < 0)
			return err_set(err, rc, "interrupt controller: KVM_GET_IRQCHIP: %s",
				       err_text(rc));
	}
	return 0;
}

/*
 * GSI n is pin n of the IOAPIC. The PIC gets no pin: a kernel that was told of hardware-reduced
 * ACPI never masks it, and an edge on it would then arrive as one of the low vectors.
 */
static int vm_create_gsi_table(struct arch_vm *arch, struct err *err)
{
	int rc = 0;

	arch->irq = kvm_irq_create(arch->setup.vm, X86_GSI_MSI, err);
	if (!arch->irq)
		return err && err->code < 0 ? err->code : -ENOMEM;
	for (unsigned int gsi = 0; gsi < X86_GSI_MSI && !rc; gsi++)
		rc = kvm_irq_add_pin(arch->irq, gsi, KVM_IRQCHIP_IOAPIC, gsi);
	if (!rc)
		rc = kvm_irq_commit(arch->irq);
	if (rc)
		return err_set(err, rc, "interrupt routes: the IOAPIC's pins: %s", err_text(rc));
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
	if (vm_set_hidden_pages(setup->vm, err) < 0 || vm_create_irqchip(arch, err) < 0 ||
	    vm_read_supported_cpuid(setup->vm, &arch->cpuid, err) < 0 ||
	    vm_read_msr_list(arch, err) < 0 || vm_create_gsi_table(arch, err) < 0) {
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
	for (size_t i = 0; i < ARRAY_SIZE(arch->vcpus); i++)
		vcpu_state_free(arch->vcpus[i]);
	arch_debug_free(arch->debug);
	kvm_irq_destroy(arch->irq);
	free(arch->msrs);
	free(arch);
}

struct kvm_irq *arch_vm_irq(struct arch_vm *arch)
{
	return arch->irq;
}

/* The irqchip is made before the vCPUs here. */
int arch_irqchip_init(struct arch_vm *arch, struct err *err)
{
	(void)arch;
	(void)err;
	return 0;
}

int arch_vm_reset(struct arch_vm *arch, struct err *err)
{
	device_list_reset(arch->devices);
	for (unsigned int i = 0; i < X86_IRQCHIPS; i++) {
		int rc = kvm_vm_ioctl(arch->setup.vm, KVM_SET_IRQCHIP, &arch->irqchips[i]);

		if (rc < 0)
			return err_set(err, rc, "interrupt controller: KVM_SET_IRQCHIP: %s",
				       err_text(rc));
	}
	return 0;
}
