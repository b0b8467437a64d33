/* SPDX-License-Identifier: BSD-3-Clause */
/* The GICv3 with its ITS: made, set up and reset in KVM's order. */

#include "arch/aarch64/gic.h"
#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/vm.h"
#include "tests/unit/arch/aarch64/test_vcpu.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

/* The place of a write in the order, or -1. */
static int find(uint32_t group, uint64_t attribute)
{
	for (unsigned int i = 0; i < seen.count; i++)
		if (seen.calls[i].group == group && seen.calls[i].attribute == attribute)
			return (int)i;
	return -1;
}

START_TEST(a_host_without_a_gicv3_is_said)
{
	const struct arch_setup setup = {.vm = vm, .platform = &platform};

	fake.fails_request = KVM_CREATE_DEVICE;
	fake.fails_code = -ENODEV;
	ck_assert_ptr_null(arch_vm_create(&setup, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "a host with a GICv3 is needed"));
	fake.fails_code = -EMFILE;
	ck_assert_ptr_null(arch_vm_create(&setup, &err));
	ck_assert_ptr_null(strstr(err.text, "a host with a GICv3 is needed"));
	/* The ITS comes second. */
	fake.fails_after = 1;
	ck_assert_ptr_null(arch_vm_create(&setup, &err));
}
END_TEST

START_TEST(gic_is_initialised_before_the_routes)
{
	int region, init, its;

	platform.cpus = 1;
	seen.counter = 4711;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert_uint_eq(seen.counter, 4711);
	ck_assert_int_eq(arch_irqchip_init(arch, &err), 0);
	/* One for all vCPUs, whatever their creation made of it. */
	ck_assert_uint_eq(seen.counter, 0);
	region = find(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION);
	init = find(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT);
	its = find(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE);
	ck_assert(0 <= region && region < init && init < its);
	ck_assert_uint_eq(seen.calls[region].value, UINT64_C(1) << 52 | ARM_GICR_BASE);
	/* The performance monitor's interrupt: it comes after the GIC's initialisation. */
	ck_assert_uint_eq(seen.calls[seen.count - 2].value, 16 + ARM_PPI_PMU);
	/* KVM puts its own routes in the table at the initialisation. */
	ck_assert_uint_eq(seen.routings_at_init, 0);
	ck_assert_uint_eq(fake.routing_calls, 1);
	ck_assert_uint_eq(fake.routing.nr, ARM_SPIS);
	ck_assert_uint_eq(fake.routing.entries[5].gsi, 5);
	ck_assert_uint_eq(fake.routing.entries[5].u.irqchip.pin, 5);
}
END_TEST

START_TEST(reset_turns_lpis_off_before_their_tables)
{
	uint64_t last = UINT64_C(0x100) << 32; /* vCPU 16 */
	int off, table;

	platform.cpus = 17;
	seen.control = 0x8c03;
	create(0);
	ck_assert_int_eq(gic_reset(arch->gic, 17, &err), 0);
	ck_assert_uint_eq(seen.calls[0].attribute, KVM_DEV_ARM_ITS_CTRL_RESET);
	off = find(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, last);
	table = find(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, last | 0x70);
	ck_assert(0 < off && off < table);
	/* ICC_CTLR_EL1 keeps what tells of the implementation. */
	off = find(KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, last | 0xc664);
	ck_assert_int_ge(off, 0);
	ck_assert_uint_eq(seen.calls[off].value, 0x8c00);
}
END_TEST

START_TEST(reset_does_without_optional_registers_only)
{
	create(0);
	seen.refused_group = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	seen.refused_attribute = 0xc645; /* ICC_AP0R1_EL1 */
	ck_assert_int_eq(gic_reset(arch->gic, 1, &err), 0);
	seen.refused_attribute = 0xc230; /* ICC_PMR_EL1 */
	ck_assert_int_eq(gic_reset(arch->gic, 1, &err), -ENXIO);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_host_without_a_gicv3_is_said);
	tcase_add_test(tests, gic_is_initialised_before_the_routes);
	tcase_add_test(tests, reset_turns_lpis_off_before_their_tables);
	tcase_add_test(tests, reset_does_without_optional_registers_only);
}

int main(void)
{
	return run_suite("aarch64 gic", add_tests);
}
