/* SPDX-License-Identifier: BSD-3-Clause */
/* What the x86_64 files share about one machine. */

#ifndef FERRY_ARCH_X86_64_VM_H
#define FERRY_ARCH_X86_64_VM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/x86_64/cpuid.h"
#include "arch/x86_64/entry.h"

struct arch_debug;
struct power;
struct serial;
struct vcpu_state;

enum { X86_IRQCHIPS = 3 }; /* PIC master and slave, IOAPIC */

struct arch_vm {
	struct arch_setup setup;
	struct kvm_irq *irq;

	/* arch_devices_create() fills these; arch_vm_destroy() destroys the list, first to last. */
	struct device *devices;
	struct serial *serial; /* NULL without a console */
	struct power *power;

	struct cpuid_table cpuid;                    /* what KVM supports, unchanged */
	struct kvm_msr_list *msrs;                   /* those that KVM keeps for a vCPU */
	struct kvm_irqchip irqchips[X86_IRQCHIPS];   /* at power-on */
	struct vcpu_state *vcpus[PLATFORM_CPUS_MAX]; /* at power-on; slot by vCPU id */
	struct vcpu_entry entry;                     /* of vCPU 0, from arch_boot() */
	struct arch_debug *debug;                    /* NULL before a debugger asks */
	bool booted;                                 /* RAM is no longer as it was created */
	bool is_linux;
};

#endif
