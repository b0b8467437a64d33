/* SPDX-License-Identifier: BSD-3-Clause */
/* The debugger's half of an architecture that has none yet: all of it is refused. */

#include <errno.h>

#include "arch/debug.h"

void arch_debug_free(struct arch_debug *debug)
{
	(void)debug;
}

void arch_debug_reset(struct arch_debug *debug, unsigned int cpu)
{
	(void)debug;
	(void)cpu;
}

int arch_debug_support(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       struct arch_debug_support *support)
{
	(void)arch;
	(void)vcpu;
	*support = (struct arch_debug_support){0};
	return -EOPNOTSUPP;
}

const char *arch_debug_description(struct arch_vm *arch, const char *annex)
{
	(void)arch;
	(void)annex;
	return NULL;
}

unsigned int arch_debug_register_count(struct arch_vm *arch)
{
	(void)arch;
	return 0;
}

unsigned int arch_debug_general_count(struct arch_vm *arch)
{
	(void)arch;
	return 0;
}

size_t arch_debug_register_size(struct arch_vm *arch, unsigned int number)
{
	(void)arch;
	(void)number;
	return 0;
}

int arch_debug_register_read(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			     uint8_t *bytes)
{
	(void)arch;
	(void)vcpu;
	(void)number;
	(void)bytes;
	return -ENOENT;
}

int arch_debug_register_write(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			      const uint8_t *bytes)
{
	(void)arch;
	(void)vcpu;
	(void)number;
	(void)bytes;
	return -ENOENT;
}

int arch_debug_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t *pc)
{
	(void)arch;
	(void)vcpu;
	(void)pc;
	return -EOPNOTSUPP;
}

unsigned int arch_debug_pc_register(struct arch_vm *arch)
{
	(void)arch;
	return 0;
}

int arch_debug_translate(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t address,
			 struct arch_translation *translation, struct text *steps)
{
	(void)arch;
	(void)vcpu;
	(void)address;
	(void)translation;
	(void)steps;
	return -EOPNOTSUPP;
}

int arch_debug_check_points(const struct arch_debug_support *support,
			    const struct arch_debug_point *points, size_t count)
{
	(void)support;
	(void)points;
	return count ? -EOPNOTSUPP : 0;
}

int arch_debug_control(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       const struct arch_debug_control *control)
{
	(void)arch;
	(void)vcpu;
	return control->software || control->step || control->count ? -EOPNOTSUPP : 0;
}

int arch_debug_stepped(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	(void)arch;
	(void)vcpu;
	return 0;
}

void arch_debug_decode(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct arch_debug_stop *stop)
{
	(void)arch;
	(void)vcpu;
	*stop = (struct arch_debug_stop){.event = ARCH_DEBUG_STEPPED};
}

const uint8_t *arch_debug_breakpoint(uint64_t length, size_t *size)
{
	(void)length;
	*size = 0;
	return NULL;
}

int arch_debug_reinject(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	(void)arch;
	(void)vcpu;
	return -EOPNOTSUPP;
}

int arch_debug_find_kernel(struct arch_vm *arch, struct kvm_vcpu *vcpu,
			   const struct boot_source *source, struct arch_kernel_place *place,
			   struct err *err)
{
	(void)arch;
	(void)vcpu;
	(void)source;
	(void)place;
	return err_set(err, -ENOENT, "kernel: how this architecture places it is not known");
}
