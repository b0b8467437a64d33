/* SPDX-License-Identifier: BSD-3-Clause */
/* What the aarch64 files share about one machine. */

#ifndef FERRY_ARCH_AARCH64_VM_H
#define FERRY_ARCH_AARCH64_VM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "memory/region.h"
#include "vmm/base/log.h"

struct arch_debug;
struct gic;
struct pl011;
struct pl061;

struct arch_vm {
	struct arch_setup setup;
	struct kvm_irq *irq;
	struct gic *gic;

	/* arch_devices_create() fills these; arch_vm_destroy() destroys the list. */
	struct device *devices;
	struct pl011 *uart; /* NULL without a console */
	struct pl061 *gpio;
	struct mem_region pci_io; /* memory behind which PCI's I/O ports are */

	bool pmu; /* vCPUs have a performance monitor */
	struct kvm_vcpu_init init;
	struct log_limit limit;                    /* of what the guest can have said */
	struct kvm_vcpu *vcpus[PLATFORM_CPUS_MAX]; /* by vCPU id; their threads' */

	uint64_t entry; /* where vCPU 0 begins, from arch_boot(): the kernel's first byte */
	uint64_t fdt;   /* guest address of its device tree */
	uint64_t size;  /* bytes of memory that the kernel takes from its entry on */
	bool booted;    /* RAM is no longer as it was created */

	struct arch_debug *debug; /* NULL before a debugger asks */
};

#endif
