/* SPDX-License-Identifier: BSD-3-Clause */
/* kvm-bare's guest as an arm64 Image, and a machine with KVM's GICv3. */

#include "guest-images/tool/kvm_bare.h"

/*
 * The header (Documentation/arch/arm64/booting.rst): a branch over it, 4 KiB of memory, pages of 4
 * KiB, anywhere. Then PSCI's SYSTEM_OFF: movz w0, #0x8400, lsl #16; movk w0, #8; hvc #0; b to
 * itself.
 */
const uint8_t bare_guest[] = {0x10, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00,
			      0x00, 0x00, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00,
			      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x41, 0x52, 0x4d, 0x64,
			      0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0xb0, 0x52, 0x00, 0x01,
			      0x80, 0x72, 0x02, 0x00, 0x00, 0xd4, 0x00, 0x00, 0x00, 0x14};
const size_t bare_guest_size = sizeof(bare_guest);
const uint64_t bare_ram = 0x40000000, bare_load = 0x200000, bare_entry = 0;

enum { GICD = 0x08000000, GICR = 0x080a0000 };

static int gic;

static void gic_set(uint32_t group, uint64_t attribute, const uint64_t *value, const char *name)
{
	const struct kvm_device_attr attr = {.group = group,
					     .attr = attribute,
					     .addr = (uintptr_t)value};

	bare_ioctl(gic, KVM_SET_DEVICE_ATTR, &attr, name);
}

void bare_prepare_vm(int vm)
{
	struct kvm_create_device device = {.type = KVM_DEV_TYPE_ARM_VGIC_V3};
	const uint64_t distributor = GICD, redistributors = GICR;

	bare_ioctl(vm, KVM_CREATE_DEVICE, &device, "KVM_CREATE_DEVICE");
	gic = (int)device.fd;
	gic_set(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor,
		"the distributor's address");
	gic_set(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributors,
		"the redistributors' address");
}

void bare_finish_vm(int vm)
{
	(void)vm;
	gic_set(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "the GICv3");
}

void bare_prepare_vcpu(int kvm, int vm, int vcpu, uint64_t pc)
{
	const struct kvm_one_reg reg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      offsetof(struct kvm_regs, regs.pc) / sizeof(uint32_t),
		.addr = (uintptr_t)&pc,
	};
	struct kvm_vcpu_init init = {0};

	(void)kvm;
	bare_ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	bare_ioctl(vcpu, KVM_ARM_VCPU_INIT, &init, "KVM_ARM_VCPU_INIT");
	bare_ioctl(vcpu, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

bool bare_ended(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
	       run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN;
}
