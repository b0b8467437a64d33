/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * KVM's GICv3 with its ITS: created before the vCPUs, initialised after them, reset with the
 * machine.
 */

#ifndef FERRY_ARCH_AARCH64_GIC_H
#define FERRY_ARCH_AARCH64_GIC_H

#include "vmm/base/err.h"
#include "vmm/kvm/vm.h"

struct gic;

/*
 * Creates both devices (kvm/devices/arm-vgic-v3.rst, arm-vgic-its.rst). NULL with @err set: a host
 * whose interrupt controller cannot serve guests as a GICv3 is said in one sentence.
 */
struct gic *gic_create(struct kvm_vm *vm, struct err *err);

/* NULL is allowed. */
void gic_destroy(struct gic *gic);

/*
 * Places distributor, a redistributor for each of @cpus vCPUs, and ITS, and initialises them. After
 * every vCPU was created and initialised, before one runs. KVM puts its own routes in the GSI
 * table.
 */
int gic_init(struct gic *gic, unsigned int cpus, struct err *err) FERRY_MUST_CHECK;

/*
 * Back to power-on, which no single call of KVM's does: every register that a guest may have left
 * otherwise. All vCPUs parked.
 */
int gic_reset(struct gic *gic, unsigned int cpus, struct err *err) FERRY_MUST_CHECK;

#endif
