/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM's GICv3 with its ITS, by device attributes. */

#include "arch/aarch64/gic.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "arch/aarch64/platform_arm.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

struct gic {
	struct kvm_vm *vm;
	int vgic;
	int its;
};

/* Registers of GIC architecture specification IHI 0069: distributor (12.9). */
enum {
	GICD_CTLR = 0x0000,
	GICD_IGROUPR = 0x0080,
	GICD_ICENABLER = 0x0180,
	GICD_ISPENDR = 0x0200,
	GICD_ICACTIVER = 0x0380,
	GICD_IPRIORITYR = 0x0400,
	GICD_ICFGR = 0x0c00,
	GICD_IROUTER = 0x6000,
};

/*
 * Redistributor (12.11); its second frame has the private interrupts at the distributor's offsets.
 */
enum {
	GICR_CTLR = 0x0000,
	GICR_PROPBASER = 0x0070,
	GICR_PENDBASER = 0x0078,
	GICR_SGI_FRAME = 0x10000,
};

/* A system register as KVM numbers it in device attributes. */
#define ICC_REGISTER(op1, crn, crm, op2)                                                           \
	(UINT64_C(3) << 14 | (uint64_t)(op1) << 11 | (uint64_t)(crn) << 7 | (uint64_t)(crm) << 3 | \
	 (uint64_t)(op2))

enum {
	INTIDS_PER_BIT_REGISTER = 32,
	ICC_CTLR_WRITABLE = 3, /* CBPR and EOImode */
};

static const uint64_t icc_ctlr = ICC_REGISTER(0, 12, 12, 4);

struct gic *gic_create(struct kvm_vm *vm, struct err *err)
{
	struct gic *gic = calloc(1, sizeof(*gic));

	if (!gic) {
		err_set(err, -ENOMEM, "interrupt controller: out of memory");
		return NULL;
	}
	gic->vm = vm;
	gic->its = -1;
	gic->vgic = kvm_vm_create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3, "GICv3", err);
	if (gic->vgic >= 0)
		gic->its = kvm_vm_create_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, "ITS", err);
	if (gic->its >= 0)
		return gic;
	gic_destroy(gic);
	if (err && err->code == -ENODEV)
		err_prefix(err, "interrupt controller: a host with a GICv3 is needed");
	else
		err_prefix(err, "interrupt controller");
	return NULL;
}

void gic_destroy(struct gic *gic)
{
	if (!gic)
		return;
	fd_close(&gic->its);
	fd_close(&gic->vgic);
	free(gic);
}

struct setting {
	const char *what;
	int fd;
	uint32_t group;
	uint64_t attribute;
	const void *value;
};

static int gic_apply(const struct setting *settings, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct setting *setting = &settings[i];
		int rc = kvm_device_set_attribute(setting->fd, setting->group, setting->attribute,
						  setting->value);

		if (rc < 0)
			return err_set(err, rc, "interrupt controller: KVM: %s: %s", setting->what,
				       err_text(rc));
	}
	return 0;
}

int gic_init(struct gic *gic, unsigned int cpus, struct err *err)
{
	uint32_t intids = ARM_INTIDS;
	uint64_t distributor = ARM_GICD_BASE, its = ARM_ITS_BASE;
	/* Their number above bit 52, the address, index 0 (arm-vgic-v3.rst). */
	uint64_t redistributors = (uint64_t)cpus << 52 | ARM_GICR_BASE;
	const struct setting settings[] = {
		{"number of interrupts", gic->vgic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &intids},
		{"address of the distributor", gic->vgic, KVM_DEV_ARM_VGIC_GRP_ADDR,
		 KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor},
		{"address of the redistributors", gic->vgic, KVM_DEV_ARM_VGIC_GRP_ADDR,
		 KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &redistributors},
		{"initialising the GICv3", gic->vgic, KVM_DEV_ARM_VGIC_GRP_CTRL,
		 KVM_DEV_ARM_VGIC_CTRL_INIT, NULL},
		{"address of the ITS", gic->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE,
		 &its},
		{"initialising the ITS", gic->its, KVM_DEV_ARM_VGIC_GRP_CTRL,
		 KVM_DEV_ARM_VGIC_CTRL_INIT, NULL},
	};

	return gic_apply(settings, ARRAY_SIZE(settings), err);
}

/* One 32-bit register, of the distributor or of a redistributor. */
struct access {
	int fd;
	uint32_t group;
	uint64_t affinity;
};

static int gic_write_register(const struct access *access, uint32_t offset, uint32_t value)
{
	uint64_t attribute = access->affinity << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | offset;
	int rc = kvm_device_set_attribute(access->fd, access->group, attribute, &value);

	return rc < 0 ? rc : 0;
}

/*
 * The interrupts from @first, 32 of them, whose registers begin at @frame: disabled, neither
 * pending nor active, highest priority, level, group 1 (as KVM has them at first). KVM takes a
 * write of ISPENDR from here as the whole pending state.
 */
static int gic_reset_interrupts(const struct access *access, uint32_t frame, uint32_t first)
{
	uint32_t word = frame + first / INTIDS_PER_BIT_REGISTER * 4;
	int rc = gic_write_register(access, GICD_ICENABLER + word, UINT32_MAX);

	if (!rc)
		rc = gic_write_register(access, GICD_ISPENDR + word, 0);
	if (!rc)
		rc = gic_write_register(access, GICD_ICACTIVER + word, UINT32_MAX);
	if (!rc)
		rc = gic_write_register(access, GICD_IGROUPR + word, UINT32_MAX);
	for (uint32_t i = 0; i < INTIDS_PER_BIT_REGISTER && !rc; i += 4)
		rc = gic_write_register(access, frame + GICD_IPRIORITYR + first + i, 0);
	for (uint32_t i = 0; i < 2 && !rc; i++)
		rc = gic_write_register(access, frame + GICD_ICFGR + first / 16 * 4 + i * 4, 0);
	return rc;
}

static int gic_reset_distributor(const struct gic *gic)
{
	struct access access = {.fd = gic->vgic, .group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS};
	int rc = gic_write_register(&access, GICD_CTLR, 0);

	for (uint32_t first = ARM_SPI_INTID; first < ARM_INTIDS && !rc;
	     first += INTIDS_PER_BIT_REGISTER)
		rc = gic_reset_interrupts(&access, 0, first);
	for (uint32_t intid = ARM_SPI_INTID; intid < ARM_INTIDS && !rc; intid++)
		rc = gic_write_register(&access, GICD_IROUTER + intid * 8, 0);
	return rc;
}

/* LPIs first: while they are on, their tables' addresses cannot be changed. */
static int gic_reset_redistributor(const struct gic *gic, uint64_t affinity)
{
	static const uint32_t cleared[] = {
		GICR_CTLR, GICR_PROPBASER, GICR_PROPBASER + 4, GICR_PENDBASER, GICR_PENDBASER + 4,
	};
	struct access access = {
		.fd = gic->vgic,
		.group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
		.affinity = affinity,
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cleared) && !rc; i++)
		rc = gic_write_register(&access, cleared[i], 0);
	return rc ? rc : gic_reset_interrupts(&access, GICR_SGI_FRAME, 0);
}

static int gic_reset_cpu_interface(const struct gic *gic, uint64_t affinity)
{
	static const struct {
		uint64_t number;
		bool optional; /* there with more than 32 priorities */
	} registers[] = {
		{ICC_REGISTER(0, 12, 12, 6), false}, /* ICC_IGRPEN0_EL1 */
		{ICC_REGISTER(0, 12, 12, 7), false}, /* ICC_IGRPEN1_EL1 */
		{ICC_REGISTER(0, 4, 6, 0), false},   /* ICC_PMR_EL1 */
		{ICC_REGISTER(0, 12, 8, 3), false},  /* ICC_BPR0_EL1 */
		{ICC_REGISTER(0, 12, 12, 3), false}, /* ICC_BPR1_EL1 */
		{ICC_REGISTER(0, 12, 8, 4), false},  /* ICC_AP0R<n>_EL1 */
		{ICC_REGISTER(0, 12, 8, 5), true},
		{ICC_REGISTER(0, 12, 8, 6), true},
		{ICC_REGISTER(0, 12, 8, 7), true},
		{ICC_REGISTER(0, 12, 9, 0), false}, /* ICC_AP1R<n>_EL1 */
		{ICC_REGISTER(0, 12, 9, 1), true},
		{ICC_REGISTER(0, 12, 9, 2), true},
		{ICC_REGISTER(0, 12, 9, 3), true},
	};
	uint64_t base = affinity << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
	uint64_t value;
	int rc = kvm_device_get_attribute(gic->vgic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
					  base | icc_ctlr, &value);

	if (rc < 0)
		return rc;
	/* The rest of it tells what there is, and KVM insists on that. */
	value &= ~(uint64_t)ICC_CTLR_WRITABLE;
	rc = kvm_device_set_attribute(gic->vgic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, base | icc_ctlr,
				      &value);
	value = 0;
	for (size_t i = 0; i < ARRAY_SIZE(registers) && rc >= 0; i++) {
		rc = kvm_device_set_attribute(gic->vgic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
					      base | registers[i].number, &value);
		if (rc < 0 && registers[i].optional)
			rc = 0;
	}
	return rc < 0 ? rc : 0;
}

int gic_reset(struct gic *gic, unsigned int cpus, struct err *err)
{
	const struct setting its = {"resetting the ITS", gic->its, KVM_DEV_ARM_VGIC_GRP_CTRL,
				    KVM_DEV_ARM_ITS_CTRL_RESET, NULL};
	int rc = gic_apply(&its, 1, err);

	if (rc)
		return rc;
	rc = gic_reset_distributor(gic);
	for (unsigned int id = 0; id < cpus && !rc; id++) {
		rc = gic_reset_redistributor(gic, arm_vcpu_affinity(id));
		if (!rc)
			rc = gic_reset_cpu_interface(gic, arm_vcpu_affinity(id));
	}
	if (rc)
		return err_set(err, rc, "interrupt controller: KVM: resetting the GICv3: %s",
			       err_text(rc));
	return 0;
}
