/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vCPU of aarch64: its features, power-on state, and the exits that only this architecture has.
 */

#include "arch/aarch64/vcpu.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "devices/device.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum {
	PSTATE_EL1H = 5,
	PSTATE_MASKED = 0x3c0, /* debug exceptions, SError, IRQ and FIQ: booting.rst */
	PPI_INTID = 16,
};

static const uint64_t mpidr_affinity = UINT64_C(0xff00ffffff);

int vcpu_get_register(struct kvm_vcpu *vcpu, uint64_t number, uint64_t *value)
{
	struct kvm_one_reg reg = {.id = number, .addr = (uintptr_t)value};
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_ONE_REG, &reg);

	return rc < 0 ? rc : 0;
}

int vcpu_set_register(struct kvm_vcpu *vcpu, uint64_t number, uint64_t value)
{
	struct kvm_one_reg reg = {.id = number, .addr = (uintptr_t)&value};
	int rc = kvm_vcpu_ioctl(vcpu, KVM_SET_ONE_REG, &reg);

	return rc < 0 ? rc : 0;
}

static void vcpu_add_feature(struct kvm_vcpu_init *init, unsigned int feature)
{
	init->features[feature / 32] |= 1U << feature % 32;
}

static bool vcpu_is_offered(const struct kvm_vcpu_init *init, unsigned int feature)
{
	return init->features[feature / 32] & 1U << feature % 32;
}

bool vcpu_has_feature(const struct arch_vm *arch, unsigned int feature)
{
	return vcpu_is_offered(&arch->init, feature);
}

int vcpu_choose_features(struct arch_vm *arch, struct err *err)
{
	struct kvm_vm *vm = arch->setup.vm;
	struct kvm_vcpu_init *init = &arch->init;
	int rc = kvm_vm_ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);

	if (rc < 0)
		return err_set(err, rc, "processor features: KVM_ARM_PREFERRED_TARGET: %s",
			       err_text(rc));
	vcpu_add_feature(init, KVM_ARM_VCPU_PSCI_0_2);
	/* Both keys or none: KVM takes nothing else. */
	if (kvm_vm_capability(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
	    kvm_vm_capability(vm, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0) {
		vcpu_add_feature(init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		vcpu_add_feature(init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	if (kvm_vm_capability(vm, KVM_CAP_ARM_SVE) > 0)
		vcpu_add_feature(init, KVM_ARM_VCPU_SVE);
	arch->pmu = kvm_vm_capability(vm, KVM_CAP_ARM_PMU_V3) > 0;
	if (arch->pmu)
		vcpu_add_feature(init, KVM_ARM_VCPU_PMU_V3);
	return 0;
}

int vcpu_init_pmu(const struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	int interrupt = PPI_INTID + ARM_PPI_PMU;
	int rc;

	if (!arch->pmu)
		return 0;
	rc = kvm_device_set_attribute(kvm_vcpu_fd(vcpu), KVM_ARM_VCPU_PMU_V3_CTRL,
				      KVM_ARM_VCPU_PMU_V3_IRQ, &interrupt);
	if (rc >= 0)
		rc = kvm_device_set_attribute(kvm_vcpu_fd(vcpu), KVM_ARM_VCPU_PMU_V3_CTRL,
					      KVM_ARM_VCPU_PMU_V3_INIT, NULL);
	if (rc < 0)
		return err_set(err, rc, "processor: vCPU %u: its performance monitor: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	return 0;
}

int vcpu_start_counter(struct kvm_vcpu *vcpu, struct err *err)
{
	int rc = vcpu_set_register(vcpu, KVM_REG_ARM_TIMER_CNT, 0);

	if (rc)
		return err_set(err, rc, "processor: vCPU %u: its counter: %s", kvm_vcpu_id(vcpu),
			       err_text(rc));
	return 0;
}

/* KVM_ARM_VCPU_INIT is power-on and reset in one; those that PSCI is to start are off after it. */
static int vcpu_power_on(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	struct kvm_vcpu_init init = arch->init;
	int rc;

	if (kvm_vcpu_id(vcpu) != 0)
		vcpu_add_feature(&init, KVM_ARM_VCPU_POWER_OFF);
	rc = kvm_vcpu_ioctl(vcpu, KVM_ARM_VCPU_INIT, &init);
	if (rc < 0)
		return err_set(err, rc, "processor: vCPU %u: KVM_ARM_VCPU_INIT: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	return 0;
}

/* The device tree names vCPUs by an affinity that KVM alone decides. */
static int vcpu_check_affinity(struct kvm_vcpu *vcpu, struct err *err)
{
	uint64_t expected = arm_vcpu_affinity(kvm_vcpu_id(vcpu)), value;
	int rc = vcpu_get_register(vcpu, ARM64_SYS_REG(3, 0, 0, 0, 5), &value);

	if (rc)
		return err_set(err, rc, "processor: vCPU %u: MPIDR_EL1: %s", kvm_vcpu_id(vcpu),
			       err_text(rc));
	if ((value & mpidr_affinity) != expected)
		return err_set(err, -EPROTO,
			       "processor: vCPU %u: KVM gives it the affinity 0x%llx, not 0x%llx: "
			       "please report this kernel",
			       kvm_vcpu_id(vcpu), (unsigned long long)(value & mpidr_affinity),
			       (unsigned long long)expected);
	return 0;
}

int arch_vcpu_init(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	unsigned int id = kvm_vcpu_id(vcpu);
	int sve = KVM_ARM_VCPU_SVE;
	int rc;

	if (id >= PLATFORM_CPUS_MAX)
		return err_set(err, -EINVAL, "processor: vCPU %u: there are at most %d", id,
			       PLATFORM_CPUS_MAX);
	arch->vcpus[id] = vcpu;
	rc = vcpu_power_on(arch, vcpu, err);
	if (rc == 0)
		rc = vcpu_check_affinity(vcpu, err);
	if (rc < 0 || !vcpu_is_offered(&arch->init, KVM_ARM_VCPU_SVE))
		return rc;
	rc = kvm_vcpu_ioctl(vcpu, KVM_ARM_VCPU_FINALIZE, &sve);
	if (rc < 0)
		return err_set(err, rc, "processor: vCPU %u: its vector extension (SVE): %s", id,
			       err_text(rc));
	return 0;
}

/* The entry state of Documentation/arm64/booting.rst: the tree in x0, at EL1 with all masked. */
int arch_vcpu_reset(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	const struct {
		uint64_t number;
		uint64_t value;
	} entry[] = {
		{VCPU_CORE_REGISTER(regs.pstate), PSTATE_MASKED | PSTATE_EL1H},
		{VCPU_CORE_REGISTER(regs.regs[0]), arch->fdt},
		{VCPU_CORE_REGISTER(regs.pc), arch->entry},
	};
	int rc = vcpu_power_on(arch, vcpu, err);

	arch_debug_reset(arch->debug, kvm_vcpu_id(vcpu));
	if (rc || kvm_vcpu_id(vcpu) != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(entry) && !rc; i++)
		rc = vcpu_set_register(vcpu, entry[i].number, entry[i].value);
	if (rc)
		return err_set(err, rc, "processor: vCPU 0: the entry state: %s", err_text(rc));
	return 0;
}

/* An access that nothing can carry out: the bus answers with an error, as hardware may. */
static int vcpu_give_external_abort(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events events;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_VCPU_EVENTS, &events);

	if (rc >= 0) {
		events.exception.ext_dabt_pending = 1;
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_VCPU_EVENTS, &events);
	}
	return rc < 0 ? rc : 0;
}

/* A synchronous external abort, as of memory that answers with an error (Arm ARM, D1.13). */
int arch_vcpu_memory_failed(struct arch_vm *arch, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa)
{
	int rc = ram_guest(arch->setup.ram, host, gpa);

	return rc ? rc : vcpu_give_external_abort(vcpu);
}

static enum arch_exit vcpu_external_abort(struct kvm_vcpu *vcpu)
{
	int rc = vcpu_give_external_abort(vcpu);

	if (!rc)
		return ARCH_EXIT_HANDLED;
	log_error("vCPU %u: no external abort can be given to the guest: %s", kvm_vcpu_id(vcpu),
		  err_text(rc));
	return ARCH_EXIT_UNKNOWN;
}

static enum arch_exit vcpu_undecodable(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	const struct kvm_run *run = kvm_vcpu_run_page(vcpu);

	log_guest(&arch->limit, LOG_WARN,
		  "vCPU %u: guest address 0x%llx was accessed by an instruction that cannot be "
		  "emulated (syndrome 0x%llx): it gets an external abort",
		  kvm_vcpu_id(vcpu), (unsigned long long)run->arm_nisv.fault_ipa,
		  (unsigned long long)run->arm_nisv.esr_iss);
	return vcpu_external_abort(vcpu);
}

/* PSCI's calls that concern the whole machine. */
static enum arch_exit vcpu_system_event(struct arch_vm *arch, uint32_t type)
{
	static const enum machine_event events[] = {
		[KVM_SYSTEM_EVENT_SHUTDOWN] = MACHINE_POWER_OFF,
		[KVM_SYSTEM_EVENT_RESET] = MACHINE_RESET,
		[KVM_SYSTEM_EVENT_CRASH] = MACHINE_PANICKED,
	};

	if (type == 0 || type >= ARRAY_SIZE(events))
		return ARCH_EXIT_UNKNOWN;
	arch->setup.sink.event(arch->setup.sink.machine, events[type], 0);
	return ARCH_EXIT_HANDLED;
}

/* It would take an ioctl for each exit. */
void arch_vcpu_tell_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	(void)arch;
	(void)vcpu;
}

bool arch_vcpu_pc(struct kvm_vcpu *vcpu, uint64_t *pc)
{
	(void)vcpu;
	(void)pc;
	return false;
}

/* The counter that Linux keeps time by goes on while a vCPU is stopped: none is to be told. */
void arch_vcpu_resumed(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
}

enum arch_exit arch_vcpu_exit(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int *progress)
{
	struct kvm_run *run = kvm_vcpu_run_page(vcpu);

	(void)progress;
	switch (run->exit_reason) {
	case KVM_EXIT_ARM_NISV:
		return vcpu_undecodable(arch, vcpu);
	case KVM_EXIT_SYSTEM_EVENT:
		return vcpu_system_event(arch, run->system_event.type);
	default:
		return ARCH_EXIT_UNKNOWN;
	}
}
