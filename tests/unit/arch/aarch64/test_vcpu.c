/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aarch64's vCPUs and GIC over a KVM made of nothing: what is asked for, in which order, and exits.
 */

#include "arch/aarch64/gic.h"
#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

enum { CALLS_MAX = 4096 };

/* The attributes set, in order, and what the fake vCPU was told. */
static struct {
	struct {
		uint32_t group;
		uint64_t attribute;
		uint64_t value;
	} calls[CALLS_MAX];
	unsigned int count;
	uint32_t refused_group;
	uint64_t refused_attribute;
	uint64_t control; /* ICC_CTLR_EL1 */
	uint64_t affinity;
	struct kvm_vcpu_init init;
	unsigned int inits, finalized;
	uint64_t pc, x0, pstate, counter;
	bool abort_pending;
	unsigned int enabled;          /* the capability */
	unsigned int routings_at_init; /* routes set before the GIC was initialised */
} seen;

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct arch_vm *arch;
static struct platform platform;
static struct err err;
static int event;

static int set_attribute(const struct kvm_device_attr *attr)
{
	/*
	 * The PMU, whose group has the number of VGIC_GRP_ADDR, takes an int; its attribute is 0.
	 */
	bool wide = (attr->group == KVM_DEV_ARM_VGIC_GRP_ADDR && attr->attr != 0) ||
		    attr->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	uint64_t value = 0;

	if (attr->addr)
		memcpy(&value, (void *)(uintptr_t)attr->addr, wide ? 8 : 4);
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_CTRL && attr->attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
		seen.routings_at_init += fake.routing_calls;
	ck_assert_uint_lt(seen.count, CALLS_MAX);
	seen.calls[seen.count].group = attr->group;
	seen.calls[seen.count].attribute = attr->attr;
	seen.calls[seen.count++].value = value;
	if (attr->group == seen.refused_group && attr->attr == seen.refused_attribute)
		return -ENXIO;
	return 0;
}

static int one_reg(unsigned long request, const struct kvm_one_reg *reg)
{
	uint64_t *value = (uint64_t *)(uintptr_t)reg->addr, *place = NULL;

	if (reg->id == ARM64_SYS_REG(3, 0, 0, 0, 5))
		place = &seen.affinity;
	else if (reg->id == VCPU_CORE_REGISTER(regs.pc))
		place = &seen.pc;
	else if (reg->id == VCPU_CORE_REGISTER(regs.regs[0]))
		place = &seen.x0;
	else if (reg->id == KVM_REG_ARM_TIMER_CNT)
		place = &seen.counter;
	else if (reg->id == VCPU_CORE_REGISTER(regs.pstate))
		place = &seen.pstate;
	if (!place)
		return request == KVM_GET_ONE_REG ? -ENOENT : -EINVAL;
	if (request == KVM_GET_ONE_REG)
		*value = *place;
	else
		*place = *value;
	return 0;
}

static int other_ioctl(int fd, unsigned long request, void *argument)
{
	struct kvm_vcpu_events *events = argument;

	(void)fd;
	switch (request) {
	case KVM_SET_DEVICE_ATTR:
		return set_attribute(argument);
	case KVM_GET_DEVICE_ATTR:
		memcpy((void *)(uintptr_t)((struct kvm_device_attr *)argument)->addr, &seen.control,
		       8);
		return 0;
	case KVM_ARM_VCPU_INIT:
		memcpy(&seen.init, argument, sizeof(seen.init));
		seen.inits++;
		return 0;
	case KVM_ARM_VCPU_FINALIZE:
		ck_assert_int_eq(*(int *)argument, KVM_ARM_VCPU_SVE);
		seen.finalized++;
		return 0;
	case KVM_GET_VCPU_EVENTS:
		*events = (struct kvm_vcpu_events){0};
		return 0;
	case KVM_SET_VCPU_EVENTS:
		seen.abort_pending = events->exception.ext_dabt_pending;
		return 0;
	default:
		return one_reg(request, argument);
	}
}

static int vm_ioctl(unsigned long request, void *argument)
{
	if (request == KVM_ENABLE_CAP) {
		seen.enabled = ((struct kvm_enable_cap *)argument)->cap;
		return 0;
	}
	ck_assert_uint_eq(request, KVM_ARM_PREFERRED_TARGET);
	*(struct kvm_vcpu_init *)argument = (struct kvm_vcpu_init){.target = 5};
	return 0;
}

static void machine_event(void *machine, enum machine_event which, uint32_t argument)
{
	ck_assert_ptr_eq(machine, &event);
	ck_assert_uint_eq(argument, 0);
	event = (int)which;
}

static void create(unsigned int id)
{
	const struct arch_setup setup = {
		.vm = vm,
		.platform = &platform,
		.sink = {.event = machine_event, .machine = &event},
	};

	vcpu = kvm_vcpu_create(vm, id, &err);
	ck_assert_ptr_nonnull(vcpu);
	arch = arch_vm_create(&setup, &err);
	ck_assert_msg(arch, "%s", err.text);
}

static void set_up(void)
{
	fake_kvm_reset();
	memset(&seen, 0, sizeof(seen));
	seen.refused_group = UINT32_MAX;
	event = -1;
	platform = (struct platform){.cpus = 1};
	fake.vcpu_ioctl = other_ioctl;
	fake.vm_ioctl = vm_ioctl;
	vm = kvm_vm_create(arch_vm_type, &err);
	ck_assert_ptr_nonnull(vm);
}

static void tear_down(void)
{
	arch_vm_destroy(arch);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
	arch = NULL;
	vcpu = NULL;
}

static bool has(unsigned int feature)
{
	return seen.init.features[0] & 1U << feature;
}

/* The place of a write in the order, or -1. */
static int find(uint32_t group, uint64_t attribute)
{
	for (unsigned int i = 0; i < seen.count; i++)
		if (seen.calls[i].group == group && seen.calls[i].attribute == attribute)
			return (int)i;
	return -1;
}

START_TEST(address_width_is_what_kvm_offers)
{
	fake.ipa_bits = 44;
	ck_assert_uint_eq(arch_physical_bits(vm), 44);
	ck_assert_uint_eq(arch_vm_type(vm), 44);
	fake.ipa_bits = 0;
	ck_assert_uint_eq(arch_physical_bits(vm), 40);
	ck_assert_uint_eq(arch_vm_type(vm), 0);
}
END_TEST

START_TEST(first_vcpu_is_on_with_every_feature)
{
	create(0);
	ck_assert_uint_eq(seen.enabled, KVM_CAP_ARM_NISV_TO_USER);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(has(KVM_ARM_VCPU_PSCI_0_2) && has(KVM_ARM_VCPU_SVE) && has(KVM_ARM_VCPU_PMU_V3));
	ck_assert(has(KVM_ARM_VCPU_PTRAUTH_ADDRESS) && has(KVM_ARM_VCPU_PTRAUTH_GENERIC));
	ck_assert(!has(KVM_ARM_VCPU_POWER_OFF));
	ck_assert_uint_eq(seen.finalized, 1);
	arch->entry = 0x40200000;
	arch->fdt = 0x48000000;
	ck_assert_int_eq(arch_vcpu_reset(arch, vcpu, &err), 0);
	ck_assert_uint_eq(seen.inits, 2);
	ck_assert_uint_eq(seen.finalized, 1);
	ck_assert_uint_eq(seen.pc, 0x40200000);
	ck_assert_uint_eq(seen.x0, 0x48000000);
	ck_assert_uint_eq(seen.pstate, 0x3c5);
}
END_TEST

START_TEST(other_vcpus_are_off_until_psci)
{
	seen.affinity = UINT64_C(0x80000101);
	create(17);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(has(KVM_ARM_VCPU_POWER_OFF));
	seen.pc = 1;
	ck_assert_int_eq(arch_vcpu_reset(arch, vcpu, &err), 0);
	ck_assert_uint_eq(seen.pc, 1);
}
END_TEST

START_TEST(features_that_kvm_lacks_are_left_out)
{
	fake.missing = KVM_CAP_ARM_PTRAUTH_GENERIC;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(!has(KVM_ARM_VCPU_PTRAUTH_ADDRESS) && !has(KVM_ARM_VCPU_PTRAUTH_GENERIC));
	ck_assert(has(KVM_ARM_VCPU_SVE));
}
END_TEST

START_TEST(a_processor_without_extras_does_without)
{
	fake.missing = KVM_CAP_ARM_SVE;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(!has(KVM_ARM_VCPU_SVE));
	ck_assert_uint_eq(seen.finalized, 0);
	arch_vm_destroy(arch);
	kvm_vcpu_destroy(vcpu);
	fake.missing = KVM_CAP_ARM_PMU_V3;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(!has(KVM_ARM_VCPU_PMU_V3) && !arch->pmu);
	seen.count = 0;
	ck_assert_int_eq(arch_irqchip_init(arch, &err), 0);
	ck_assert_uint_eq(seen.count, 6); /* the GIC's alone */
}
END_TEST

START_TEST(an_old_kernel_keeps_undecodable_accesses)
{
	fake.missing = KVM_CAP_ARM_INJECT_EXT_DABT;
	create(0);
	ck_assert_uint_eq(seen.enabled, 0);
}
END_TEST

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

START_TEST(an_unexpected_affinity_is_said)
{
	seen.affinity = 2;
	create(1);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), -EPROTO);
	ck_assert_ptr_nonnull(strstr(err.text, "vCPU 1"));
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

static enum arch_exit exit_with(uint32_t reason, uint32_t type)
{
	struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	unsigned int progress = 0;

	page->exit_reason = reason;
	if (reason == KVM_EXIT_SYSTEM_EVENT)
		page->system_event.type = type;
	return arch_vcpu_exit(arch, vcpu, &progress);
}

START_TEST(an_access_beyond_decoding_is_an_external_abort)
{
	create(0);
	ck_assert_int_eq(exit_with(KVM_EXIT_ARM_NISV, 0), ARCH_EXIT_HANDLED);
	ck_assert(seen.abort_pending);
}
END_TEST

/* The guest hears of memory that failed, and of its own alone. */
START_TEST(failed_memory_is_an_external_abort)
{
	static const struct ram_range piece = {0x40000000, 0x200000};
	static const struct ram_config config = {0};
	struct mem_map *map = mem_map_create("memory", 0, &err);
	uint64_t gpa;

	create(0);
	arch->setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_ptr_nonnull(arch->setup.ram);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu, &gpa, &gpa), -ENOENT);
	ck_assert(!seen.abort_pending);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu,
						 ram_host(arch->setup.ram, 0x40001000, 1), &gpa),
			 0);
	ck_assert_uint_eq(gpa, 0x40001000);
	ck_assert(seen.abort_pending);
	ram_destroy(arch->setup.ram);
	mem_map_destroy(map);
}
END_TEST

START_TEST(psci_ends_and_resets_the_machine)
{
	create(0);
	ck_assert_int_eq(exit_with(KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_SHUTDOWN),
			 ARCH_EXIT_HANDLED);
	ck_assert_int_eq(event, MACHINE_POWER_OFF);
	ck_assert_int_eq(exit_with(KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_RESET),
			 ARCH_EXIT_HANDLED);
	ck_assert_int_eq(event, MACHINE_RESET);
	event = -1;
	ck_assert_int_eq(exit_with(KVM_EXIT_SYSTEM_EVENT, 4711), ARCH_EXIT_UNKNOWN);
	ck_assert_int_eq(exit_with(KVM_EXIT_HYPERV, 0), ARCH_EXIT_UNKNOWN);
	ck_assert_int_eq(event, -1);
}
END_TEST

START_TEST(registers_are_told_as_far_as_they_can_be_read)
{
	char text[4096], cut[16];

	create(0);
	seen.pc = 0xffff800008010000;
	arch_vcpu_describe(arch, vcpu, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "ffff800008010000"));
	ck_assert_ptr_nonnull(strstr(text, "cannot be read"));
	arch_vcpu_describe(arch, vcpu, cut, sizeof(cut));
	ck_assert_uint_eq(strlen(cut), sizeof(cut) - 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, address_width_is_what_kvm_offers);
	tcase_add_test(tests, first_vcpu_is_on_with_every_feature);
	tcase_add_test(tests, other_vcpus_are_off_until_psci);
	tcase_add_test(tests, features_that_kvm_lacks_are_left_out);
	tcase_add_test(tests, a_processor_without_extras_does_without);
	tcase_add_test(tests, an_old_kernel_keeps_undecodable_accesses);
	tcase_add_test(tests, a_host_without_a_gicv3_is_said);
	tcase_add_test(tests, an_unexpected_affinity_is_said);
	tcase_add_test(tests, gic_is_initialised_before_the_routes);
	tcase_add_test(tests, reset_turns_lpis_off_before_their_tables);
	tcase_add_test(tests, reset_does_without_optional_registers_only);
	tcase_add_test(tests, an_access_beyond_decoding_is_an_external_abort);
	tcase_add_test(tests, failed_memory_is_an_external_abort);
	tcase_add_test(tests, psci_ends_and_resets_the_machine);
	tcase_add_test(tests, registers_are_told_as_far_as_they_can_be_read);
}

int main(void)
{
	return run_suite("aarch64 vcpu", add_tests);
}
