/* SPDX-License-Identifier: BSD-3-Clause */
/* The report of a vCPU: registers, code bytes across pages and the end of memory, cut to size. */

#include "arch/x86_64/vm.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

enum { RAM_SIZE = 4 * 1024 * 1024 };

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct mem_map *map;
static struct arch_vm arch;
static struct err err;
static char text[4096];

static struct {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	unsigned long refused;
	uint64_t mapped; /* linear addresses are physical ones of the other half, up to here */
} state;

static int vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	struct kvm_translation *translation = argument;

	(void)fd;
	if (request == state.refused)
		return -EINVAL;
	switch (request) {
	case KVM_GET_REGS:
		memcpy(argument, &state.regs, sizeof(state.regs));
		return 0;
	case KVM_GET_SREGS:
		memcpy(argument, &state.sregs, sizeof(state.sregs));
		return 0;
	default:
		ck_assert_uint_eq(request, KVM_TRANSLATE);
		translation->valid = translation->linear_address < state.mapped;
		translation->physical_address = translation->linear_address ^ RAM_SIZE / 2;
		return 0;
	}
}

static void set_up(void)
{
	static const struct ram_range piece = {0, RAM_SIZE};
	static const struct ram_config config = {0};
	uint8_t *host;

	fake_kvm_reset();
	fake.vcpu_ioctl = vcpu_ioctl;
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, 3, &err);
	map = mem_map_create("memory", 0, &err);
	arch.setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_ptr_nonnull(arch.setup.ram);
	host = ram_host(arch.setup.ram, 0, RAM_SIZE);
	for (size_t i = 0; i < RAM_SIZE / 2; i++)
		host[i] = (uint8_t)i;
	state.mapped = UINT64_MAX;
	state.sregs.cs.l = 1;
	state.sregs.cs.base = 0x123;
}

static void tear_down(void)
{
	ram_destroy(arch.setup.ram);
	mem_map_destroy(map);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

static void says(uint64_t rip, const char *line)
{
	state.regs.rip = rip;
	arch_vcpu_describe(&arch, vcpu, text, sizeof(text));
	ck_assert_msg(strstr(text, line), "no '%s' in:\n%s", line, text);
}

START_TEST(code_at_the_instruction_pointer)
{
	const uint64_t base = RAM_SIZE / 2;

	says(base + 0x10, "rip 0000000000200010");
	says(base + 0x10, "code at rip 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n");
	state.mapped = base + 0x1000;
	says(base + 0xffe, "code at rip fe ff\n");
	says(base + 0x1000, "code at rip is not in memory\n");
	state.mapped = UINT64_MAX;
	says(2 * base, "code at rip is not in memory\n");
	state.sregs.cs.l = 0;
	says(base, "code at rip 23 24");
	state.refused = KVM_TRANSLATE;
	says(base, "code at rip is not in memory\n");
}
END_TEST

START_TEST(registers_that_cannot_be_read)
{
	state.refused = KVM_GET_SREGS;
	says(0, "cannot be read\n");
}
END_TEST

/* Every mark of it has to be there. */
START_TEST(registers_that_are_lost)
{
	kvm_vcpu_run_page(vcpu)->exit_reason = KVM_EXIT_SHUTDOWN;
	state.sregs.cs = (struct kvm_segment){.selector = 0xf000, .base = 0xffff0000};
	state.sregs.cr0 = 0x60000010;
	says(0xfff0, "KVM on AMD has reset the processor");
	ck_assert_ptr_null(strstr(text, "rip"));
	says(0xfff2, "rip 000000000000fff2");
	state.sregs.cr0 |= 1;
	says(0xfff0, "rip 000000000000fff0");
	state.sregs.cr0 = 0x60000010;
	kvm_vcpu_run_page(vcpu)->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	says(0xfff0, "rip 000000000000fff0");
}
END_TEST

START_TEST(it_is_cut_to_size)
{
	char whole[sizeof(text)];

	arch_vcpu_describe(&arch, vcpu, whole, sizeof(whole));
	ck_assert_uint_lt(strlen(whole), 3000);
	for (size_t size = 1; size < strlen(whole) + 2; size += 7) {
		memset(text, '!', sizeof(text));
		arch_vcpu_describe(&arch, vcpu, text, size);
		ck_assert_uint_eq(strlen(text), size <= strlen(whole) ? size - 1 : strlen(whole));
		ck_assert_mem_eq(text, whole, strlen(text));
		ck_assert_int_eq(text[size], '!');
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, code_at_the_instruction_pointer);
	tcase_add_test(tests, registers_that_cannot_be_read);
	tcase_add_test(tests, registers_that_are_lost);
	tcase_add_test(tests, it_is_cut_to_size);
}

int main(void)
{
	return run_suite("describe", add_tests);
}
