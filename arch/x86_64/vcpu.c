/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU of x86_64: features and power-on state, reset, port I/O. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "arch/debug.h"
#include "arch/x86_64/cpuid.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/state.h"
#include "arch/x86_64/vm.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum {
	MSR_MISC_ENABLE = 0x1a0,
	MSR_MISC_ENABLE_FAST_STRING = 1 << 0,
	MSR_MTRR_DEFAULT_TYPE = 0x2ff,
	MTRR_ENABLE = 1 << 11,
	MTRR_WRITE_BACK = 6,
	HWCR_TSC_FREQUENCY_SELECT = 1 << 24,
	POWER_EDX_INVARIANT_TSC = 1 << 8,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_DELIVERY_NMI = 4 << 8,
};

#define MSR_HWCR UINT32_C(0xc0010015)

#define ENTRY_FAILURE_GUEST_STATE 0x80000021u
#define VMEXIT_INVALID            0xffffffffu

/*
 * Firmware may leave all of XCR0's features on, and here does: KVM then knows them even where the
 * guest's own XSETBV does not reach it, as in nested machines made of software. It is a help and no
 * need: what a host refuses, the guest turns on itself.
 */
static void vcpu_set_xcr0(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct cpuid_table *table)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = cpuid_xcr0(table)};
	int rc;

	if (xcrs.xcrs[0].value == 0 || kvm_vm_capability(arch->setup.vm, KVM_CAP_XCRS) <= 0)
		return;
	rc = kvm_vcpu_ioctl(vcpu, KVM_SET_XCRS, &xcrs);
	if (rc < 0)
		log_debug("vCPU %u: XCR0 stays as it is: %s", kvm_vcpu_id(vcpu), err_text(rc));
}

static int vcpu_set_cpuid(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	struct cpuid_config config = {
		.cpus = arch->setup.platform->cpus,
		.apic_id = kvm_vcpu_id(vcpu),
		.tsc_deadline = kvm_vm_capability(arch->setup.vm, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	struct cpuid_table *table = malloc(sizeof(*table));
	int rc;

	if (!table)
		return err_set(err, -ENOMEM, "processor features: out of memory");
	*table = arch->cpuid;
	rc = kvm_vcpu_ioctl(vcpu, KVM_GET_TSC_KHZ, NULL);
	if (rc > 0)
		config.tsc_khz = (uint64_t)rc;
	rc = cpuid_adjust(table, &config);
	if (rc == 0)
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_CPUID2, table);
	if (rc == 0)
		vcpu_set_xcr0(arch, vcpu, table);
	free(table);
	if (rc < 0)
		return err_set(err, rc, "processor features: vCPU %u: KVM_SET_CPUID2: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	return 0;
}

/*
 * AMD's firmware lets the time stamp counter count at the highest frequency, and Linux says that it
 * is broken where it counts always alike and the bit is off.
 */
static bool vcpu_needs_tsc_frequency(struct cpuid_table *table)
{
	const struct kvm_cpuid_entry2 *vendor = cpuid_find(table, 0, 0);
	const struct kvm_cpuid_entry2 *power = cpuid_find(table, 0x80000007, 0);

	return vendor && power && (power->edx & POWER_EDX_INVARIANT_TSC) &&
	       (memcmp(&vendor->ebx, "Auth", 4) == 0 || memcmp(&vendor->ebx, "Hygo", 4) == 0);
}

static int vcpu_set_firmware_msrs(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	int rc = msr_set_bits(vcpu, MSR_MTRR_DEFAULT_TYPE, UINT64_MAX,
			      MTRR_ENABLE | MTRR_WRITE_BACK);

	if (!rc)
		rc = msr_set_bits(vcpu, MSR_MISC_ENABLE, MSR_MISC_ENABLE_FAST_STRING,
				  MSR_MISC_ENABLE_FAST_STRING);
	if (!rc && vcpu_needs_tsc_frequency(&arch->cpuid))
		rc = msr_set_bits(vcpu, MSR_HWCR, HWCR_TSC_FREQUENCY_SELECT,
				  HWCR_TSC_FREQUENCY_SELECT);
	return rc;
}

/*
 * What firmware leaves behind: memory is write-back, string moves are fast, the time stamp
 * counter's frequency is known, LINT1 is the NMI.
 */
static int vcpu_set_firmware_state(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	struct kvm_lapic_state lapic;
	int rc = vcpu_set_firmware_msrs(arch, vcpu);

	if (rc < 0)
		return err_set(err, rc,
			       "processor state: vCPU %u: MSRs as firmware leaves them: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	mce_init(arch, vcpu);
	rc = kvm_vcpu_ioctl(vcpu, KVM_GET_LAPIC, &lapic);
	if (rc >= 0) {
		store_le32(lapic.regs + LAPIC_LVT_LINT1, LAPIC_DELIVERY_NMI);
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_LAPIC, &lapic);
	}
	if (rc < 0)
		return err_set(err, rc, "processor state: vCPU %u: LAPIC: %s", kvm_vcpu_id(vcpu),
			       err_text(rc));
	return 0;
}

int arch_vcpu_init(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	unsigned int id = kvm_vcpu_id(vcpu);
	int rc;

	if (id >= PLATFORM_CPUS_MAX)
		return err_set(err, -EINVAL, "processor: vCPU %u: there are at most %d", id,
			       PLATFORM_CPUS_MAX);
	rc = vcpu_set_cpuid(arch, vcpu, err);
	if (!rc)
		rc = vcpu_set_firmware_state(arch, vcpu, err);
	if (rc)
		return rc;
	arch->vcpus[id] = vcpu_state_save(arch->setup.vm, vcpu, arch->msrs, err);
	return !arch->vcpus[id] ? -EIO : 0;
}

static int vcpu_enter(const struct vcpu_entry *entry, struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);

	if (rc < 0)
		return rc;
	entry_apply(entry, &regs, &sregs);
	rc = kvm_vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
	return rc < 0 ? rc : kvm_vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
}

int arch_vcpu_reset(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err)
{
	unsigned int id = kvm_vcpu_id(vcpu);
	int rc = vcpu_state_restore(arch->vcpus[id], vcpu, err);

	arch_debug_reset(arch->debug, id);
	if (rc || id != 0)
		return rc;
	rc = vcpu_enter(&arch->entry, vcpu);
	if (rc)
		return err_set(err, rc, "processor state: vCPU 0: the entry state: %s",
			       err_text(rc));
	return 0;
}

static enum arch_exit vcpu_port_io(struct arch_vm *arch, struct kvm_run *run,
				   unsigned int *progress)
{
	struct mem_map *ports = arch->setup.pio;
	unsigned int size = run->io.size;

	for (; *progress < run->io.count; (*progress)++) {
		uint8_t *data = (uint8_t *)run + run->io.data_offset + (uint64_t)*progress * size;
		uint64_t value = all_ones(size);
		enum mem_result result;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			result = mem_map_write(ports, run->io.port, size, load_le(data, size));
		} else {
			result = mem_map_read(ports, run->io.port, size, &value);
			store_le(data, size, value);
		}
		if (result == MEM_NOT_YET)
			return ARCH_EXIT_NOT_YET;
	}
	return ARCH_EXIT_HANDLED;
}

/*
 * The guest brought itself into a state that the processor does not enter: a VM entry's basic
 * reason 33 (SDM 3C, 27.8), or VMEXIT_INVALID (APM 2, 15.5.1). Other reasons are KVM's or the
 * host's.
 */
static bool vcpu_is_guests_state(uint64_t reason)
{
	return reason == ENTRY_FAILURE_GUEST_STATE || (uint32_t)reason == VMEXIT_INVALID;
}

void arch_vcpu_tell_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	int sets = kvm_vm_capability(arch->setup.vm, KVM_CAP_SYNC_REGS);

	if (sets > 0 && ((unsigned int)sets & KVM_SYNC_X86_REGS))
		kvm_vcpu_run_page(vcpu)->kvm_valid_regs |= KVM_SYNC_X86_REGS;
}

bool arch_vcpu_pc(struct kvm_vcpu *vcpu, uint64_t *pc)
{
	const struct kvm_run *run = kvm_vcpu_run_page(vcpu);

	*pc = run->s.regs.regs.rip;
	return run->kvm_valid_regs & KVM_SYNC_X86_REGS;
}

void arch_vcpu_resumed(struct kvm_vcpu *vcpu)
{
	int rc = kvm_vcpu_ioctl(vcpu, KVM_KVMCLOCK_CTRL, NULL);

	if (rc < 0)
		log_debug("vCPU %u: its clock is not told of the pause: %s", kvm_vcpu_id(vcpu),
			  err_text(rc));
}

enum arch_exit arch_vcpu_exit(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int *progress)
{
	struct kvm_run *run = kvm_vcpu_run_page(vcpu);

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return vcpu_port_io(arch, run, progress);
	case KVM_EXIT_SHUTDOWN:
		return ARCH_EXIT_CRASHED;
	case KVM_EXIT_FAIL_ENTRY:
		return vcpu_is_guests_state(run->fail_entry.hardware_entry_failure_reason)
			       ? ARCH_EXIT_CRASHED
			       : ARCH_EXIT_UNKNOWN;
	default:
		return ARCH_EXIT_UNKNOWN;
	}
}
