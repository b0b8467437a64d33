/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers as a debugger sees them: the description, reading and writing, FPU and vectors. */

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

/* --- Description ------------------------------------------------------------------------------ */

/* The number of a register by its place in the description, and its size there. */
static unsigned int number_of(const char *name, size_t *size)
{
	const char *text = arch_debug_description(&arch, "target.xml");
	unsigned int number = 0;
	char wanted[40];

	snprintf(wanted, sizeof(wanted), "<reg name=\"%s\" bitsize=\"", name);
	for (text = strstr(text, "<reg "); text; text = strstr(text + 1, "<reg ")) {
		if (strncmp(text, wanted, strlen(wanted)) == 0) {
			*size = strtoul(text + strlen(wanted), NULL, 10) / 8;
			return number;
		}
		number++;
	}
	*size = 0;
	return number;
}

static unsigned int described(void)
{
	size_t size;

	return number_of("none", &size);
}

START_TEST(numbers_and_sizes)
{
	static const struct {
		const char *name;
		unsigned int number;
		size_t size;
	} registers[] = {
		{"rax", 0, 8},      {"rbx", 1, 8},     {"rip", 16, 8},       {"eflags", 17, 4},
		{"cs", 18, 4},      {"gs", 23, 4},     {"st0", 24, 10},      {"st7", 31, 10},
		{"fctrl", 32, 4},   {"fop", 39, 4},    {"xmm0", 40, 16},     {"xmm15", 55, 16},
		{"mxcsr", 56, 4},   {"ymm0h", 57, 16}, {"ymm15h", 72, 16},   {"fs_base", 73, 8},
		{"gs_base", 74, 8}, {"cr0", 75, 8},    {"gdt_limit", 84, 4}, {"apic_base", 97, 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		size_t size;

		ck_assert_uint_eq(number_of(registers[i].name, &size), registers[i].number);
		ck_assert_uint_eq(size, registers[i].size);
		ck_assert_uint_eq(arch_debug_register_size(&arch, registers[i].number), size);
	}
	ck_assert_uint_eq(described(), arch_debug_register_count(&arch));
	ck_assert_uint_eq(arch_debug_register_count(&arch), 98);
	ck_assert_uint_eq(arch_debug_general_count(&arch), 75);
	ck_assert_uint_eq(arch_debug_register_size(&arch, 98), 0);
	ck_assert_uint_eq(arch_debug_pc_register(&arch), 16);
	ck_assert_ptr_null(arch_debug_description(&arch, "other.xml"));
	ck_assert_ptr_nonnull(strstr(arch_debug_description(&arch, "target.xml"),
				     "<architecture>i386:x86-64</architecture>"));
}
END_TEST

static void has_no_avx(void)
{
	size_t size;

	debug_free(arch.debug);
	arch.debug = NULL;
	ck_assert_ptr_null(strstr(arch_debug_description(&arch, "target.xml"), "avx"));
	ck_assert_uint_eq(described(), 82);
	ck_assert_uint_eq(arch_debug_register_count(&arch), 82);
	ck_assert_uint_eq(arch_debug_general_count(&arch), 59);
	ck_assert_uint_eq(number_of("fs_base", &size), 57);
}

START_TEST(machines_without_avx)
{
	arch.cpuid.entries[0].ecx = 0;
	has_no_avx();
	arch.cpuid.entries[0].ecx = 1 << 28;
	arch.cpuid.entries[1].eax = 3;
	has_no_avx();
	arch.cpuid.entries[1].eax = 7;
	arch.cpuid.entries[2].ebx = 4096 - 255;
	has_no_avx();
	arch.cpuid.entries[2].ebx = 512;
	has_no_avx();
	arch.cpuid.entries[2].ebx = YMM_OFFSET;
	fake.missing = KVM_CAP_XSAVE;
	has_no_avx();
	arch.cpuid.count = 0;
	fake.missing = ~0u;
	has_no_avx();
}
END_TEST

/* --- Registers -------------------------------------------------------------------------------- */

static unsigned int by_name(const char *name)
{
	size_t size;

	return number_of(name, &size);
}

static void reads(const char *name, uint64_t value)
{
	unsigned int number = by_name(name);
	size_t size = arch_debug_register_size(&arch, number);
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX];

	memset(bytes, 0xee, sizeof(bytes));
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, number, bytes), 0);
	ck_assert_uint_eq(load_le(bytes, size > 8 ? 8 : (unsigned int)size), value);
	ck_assert_uint_eq(bytes[size], 0xee);
}

static int set(const char *name, uint64_t value)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	store_le64(bytes, value);
	return arch_debug_register_write(&arch, vcpu, by_name(name), bytes);
}

static void writes(const char *name, uint64_t value)
{
	ck_assert_int_eq(set(name, value), 0);
	reads(name, value);
}

START_TEST(general_registers)
{
	state.regs.rbx = 0x1122334455667788;
	state.regs.rflags = 0x246;
	state.regs.rip = 0xffffffff81000000;
	state.sregs.cs.selector = 0x10;
	state.sregs.gs.base = 0xffff888000001000;
	reads("rbx", 0x1122334455667788);
	reads("eflags", 0x246);
	reads("rip", 0xffffffff81000000);
	reads("cs", 0x10);
	reads("gs_base", 0xffff888000001000);
	writes("r15", 0x8877665544332211);
	ck_assert_uint_eq(state.regs.r15, 0x8877665544332211);
	ck_assert_uint_eq(state.regs.rbx, 0x1122334455667788);
	writes("eflags", 0x346);
	ck_assert_uint_eq(state.regs.rflags, 0x346);
	writes("fs_base", 0x7f0000001000);
	ck_assert_uint_eq(state.sregs.fs.base, 0x7f0000001000);
	ck_assert_uint_eq(state.sets, 3);
}
END_TEST

/* Elsewhere, as in a function that the debugger calls, nothing waits for an interrupt. */
START_TEST(who_has_halted_goes_where_it_is_sent)
{
	state.mp.mp_state = KVM_MP_STATE_HALTED;
	state.regs.rip = 0x1000;
	writes("rsp", 0x8000);
	writes("rip", 0x1000);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_HALTED);
	writes("rip", 0x2000);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_RUNNABLE);
	state.mp.mp_state = KVM_MP_STATE_HALTED;
	state.refused = KVM_SET_MP_STATE;
	ck_assert_int_eq(set("rip", 0x3000), -EINVAL);
}
END_TEST

START_TEST(system_registers)
{
	state.sregs.gdt.limit = 0x7f;
	state.sregs.tr.selector = 0x40;
	state.sregs.tr.limit = 0x4087;
	state.xcrs.xcrs[0].value = 7;
	state.msr = 0xffffffff81e00000;
	writes("cr3", 0x12345000);
	ck_assert_uint_eq(state.sregs.cr3, 0x12345000);
	writes("efer", 0xd01);
	reads("gdt_limit", 0x7f);
	reads("tr", 0x40);
	reads("tr_limit", 0x4087);
	reads("xcr0", 7);
	writes("xcr0", 3);
	ck_assert_uint_eq(state.xcrs.xcrs[0].value, 3);
	reads("lstar", 0xffffffff81e00000);
	ck_assert_uint_eq(state.msr_index, 0xc0000082);
	writes("kernel_gs_base", 0x1000);
	ck_assert_uint_eq(state.msr_index, 0xc0000102);
	ck_assert_uint_eq(state.msr, 0x1000);
}
END_TEST

START_TEST(what_cannot_be_written)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	state.sregs.cs.selector = 0x10;
	ck_assert_int_eq(set("cs", 0x18), -EACCES);
	ck_assert_int_eq(set("cs", 0x10010), -EINVAL);
	ck_assert_int_eq(set("gdt_limit", 0x10000), -EINVAL);
	ck_assert_int_eq(set("fctrl", 0x10000), -EINVAL);
	ck_assert_int_eq(set("cs", 0x10), 0);
	ck_assert_int_eq(set("rax", 0), 0);
	ck_assert_uint_eq(state.sets, 0);
	ck_assert_int_eq(arch_debug_register_write(&arch, vcpu, 98, bytes), -ENOENT);
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, 98, bytes), -ENOENT);
	state.refused = KVM_SET_SREGS;
	ck_assert_int_eq(set("cr4", 0xffff), -EINVAL);
	state.refused = KVM_GET_SREGS;
	ck_assert_int_eq(set("cr4", 0x20), -EINVAL);
	state.missing_msr = 0xc0000083;
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, by_name("cstar"), bytes), -ENODATA);
	ck_assert_int_eq(set("cstar", 1), -ENODATA);
	fake.missing = KVM_CAP_XCRS;
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, by_name("xcr0"), bytes), -ENODATA);
}
END_TEST

/* Every register takes what it is given and keeps it apart from all others. */
START_TEST(each_register_is_its_own)
{
	unsigned int count = arch_debug_register_count(&arch);
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX], expected[ARCH_DEBUG_REGISTER_MAX];

	memset(&state.fpu_area[XSTATE_BV], 7, 1);
	for (unsigned int number = 0; number < count; number++) {
		const struct debug_register *reg = &arch.debug->description.registers[number];

		if (reg->source == DEBUG_SELECTOR || reg->source == DEBUG_FXSAVE_TAG ||
		    reg->source == DEBUG_MSR)
			continue;
		memset(bytes, 0, sizeof(bytes));
		memset(bytes, (int)number + 1, reg->width);
		ck_assert_int_eq(arch_debug_register_write(&arch, vcpu, number, bytes), 0);
	}
	for (unsigned int number = 0; number < count; number++) {
		const struct debug_register *reg = &arch.debug->description.registers[number];

		if (reg->source == DEBUG_SELECTOR || reg->source == DEBUG_FXSAVE_TAG ||
		    reg->source == DEBUG_MSR)
			continue;
		memset(expected, 0, sizeof(expected));
		memset(expected, (int)number + 1, reg->width);
		ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, number, bytes), 0);
		ck_assert_mem_eq(bytes, expected, reg->size);
	}
}
END_TEST

/* --- Floating point and vectors --------------------------------------------------------------- */

START_TEST(vectors_by_xsave)
{
	uint8_t *area = state.fpu_area;
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX];

	for (unsigned int i = 0; i < 512; i++)
		area[i] = (uint8_t)i;
	memset(area + YMM_OFFSET, 0x5a, 256);
	store_le32(area + FXSAVE_MXCSR, 0x1f80);
	area[XSTATE_BV] = 7;
	reads("xmm1", 0xb7b6b5b4b3b2b1b0);
	reads("st2", 0x4746454443424140);
	reads("ymm3h", 0x5a5a5a5a5a5a5a5a);
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, by_name("st2"), bytes), 0);
	ck_assert_uint_eq(bytes[9], 0x49);
	reads("mxcsr", 0x1f80);
	reads("fctrl", 0x0100);
	reads("fop", 0x0706);
	reads("fioff", 0x0b0a0908);
	reads("fiseg", 0x0f0e0d0c);
	reads("fooff", 0x13121110);
	reads("foseg", 0x17161514);
	writes("ymm3h", 0x42);
	ck_assert_uint_eq(area[YMM_OFFSET + 48], 0x42);
	ck_assert_uint_eq(area[YMM_OFFSET + 64], 0x5a);
	state.refused = KVM_GET_XSAVE;
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, by_name("st2"), bytes), -EINVAL);
	ck_assert_int_eq(set("st2", 1), -EINVAL);
	state.refused = KVM_SET_XSAVE;
	ck_assert_int_eq(set("mxcsr", 1), -EINVAL);
}
END_TEST

/* What XSTATE_BV says is in its initial state may hold anything; a write of one makes all valid. */
START_TEST(initial_states)
{
	uint8_t *area = state.fpu_area;

	memset(area, 0xa5, sizeof(state.fpu_area));
	store_le32(area + FXSAVE_MXCSR, 0x1f80);
	memset(area + XSTATE_BV, 0, 64);
	reads("fctrl", 0x37f);
	reads("fstat", 0);
	reads("ftag", 0xffff);
	reads("st0", 0);
	reads("xmm15", 0);
	reads("ymm15h", 0);
	reads("mxcsr", 0x1f80);
	writes("xmm0", 0x77);
	ck_assert_uint_eq(area[XSTATE_BV], 7);
	ck_assert_uint_eq(load_le16(area), 0x37f);
	ck_assert_uint_eq(area[YMM_OFFSET], 0);
	ck_assert_uint_eq(area[YMM_OFFSET + 255], 0);
	ck_assert_uint_eq(area[YMM_OFFSET + 256], 0xa5);
}
END_TEST

START_TEST(vectors_by_fpu)
{
	fake.missing = KVM_CAP_XSAVE;
	state.fpu.fcw = 0x37f;
	state.fpu.fsw = 7 << 11; /* the top is register 7 */
	state.fpu.ftwx = 0x80;
	state.fpu.last_ip = 0xffffffff81234567;
	state.fpu.mxcsr = 0x1f80;
	memset(state.fpu.fpr[0], 0x11, 10);
	state.fpu.fpr[0][7] = 0x91; /* a mantissa that begins with a one */
	memset(state.fpu.xmm[15], 0x22, 16);
	reads("fctrl", 0x37f);
	reads("ftag", 0x3fff);
	reads("fioff", 0x81234567);
	reads("fiseg", 0xffffffff);
	reads("xmm15", 0x2222222222222222);
	reads("mxcsr", 0x1f80);
	writes("xmm15", 0x99);
	ck_assert_uint_eq(state.fpu.xmm[15][0], 0x99);
	ck_assert_uint_eq(state.fpu.ftwx, 0x80);
	writes("st1", 0x1234);
	ck_assert_uint_eq(load_le16(state.fpu.fpr[1]), 0x1234);
	ck_assert_uint_eq(state.fpu.last_ip, 0xffffffff81234567);
	state.refused = KVM_GET_FPU;
	ck_assert_int_eq(set("st1", 1), -EINVAL);
}
END_TEST

START_TEST(tags)
{
	static const struct {
		uint16_t exponent;
		uint64_t mantissa;
		unsigned int tag;
	} values[] = {
		{0x3fff, 0x8000000000000000, 0},
		{0, 0, 1},
		{0x8000, 0, 1},
		{0x7fff, 0x8000000000000000, 2},
		{0x3fff, 0x4000000000000000, 2},
		{0, 0x8000000000000000, 2},
	};
	uint8_t fxsave[512];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		for (unsigned int top = 0; top < 8; top++) {
			memset(fxsave, 0, sizeof(fxsave));
			store_le16(fxsave + FXSAVE_STATUS, (uint16_t)(top << 11 | 0x4700));
			fxsave[FXSAVE_TAG] = 0x20; /* register 5 */
			store_le64(fxsave + FXSAVE_ST + 16 * ((5 - top) & 7), values[i].mantissa);
			store_le16(fxsave + FXSAVE_ST + 16 * ((5 - top) & 7) + 8,
				   values[i].exponent);
			ck_assert_uint_eq(debug_fpu_tag(fxsave),
					  (0xffff & ~(3 << 10)) | values[i].tag << 10);
		}
	debug_fpu_set_tag(fxsave, 0xffff);
	ck_assert_uint_eq(fxsave[FXSAVE_TAG], 0);
	debug_fpu_set_tag(fxsave,
			  0x3bdc); /* 0: valid, 1: empty, 2: zero, 3 and 4: empty and so on */
	ck_assert_uint_eq(fxsave[FXSAVE_TAG], 0xa5);
}
END_TEST

START_TEST(a_large_area)
{
	state.area_size = 2 * sizeof(struct kvm_xsave);
	fake.xsave_size = (int)state.area_size;
	arch.cpuid.entries[2].ebx = 4096;
	state.fpu_area[XSTATE_BV] = 7;
	state.fpu_area[sizeof(state.fpu_area) - 1] = 0xab;
	state.fpu_area[4096 + 16] = 0x42;
	reads("ymm1h", 0x42);
	writes("ymm1h", 0x43);
	ck_assert_uint_eq(state.fpu_area[4096 + 16], 0x43);
	ck_assert_uint_eq(state.fpu_area[sizeof(state.fpu_area) - 1], 0xab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, numbers_and_sizes);
	tcase_add_test(tests, machines_without_avx);
	tcase_add_test(tests, general_registers);
	tcase_add_test(tests, who_has_halted_goes_where_it_is_sent);
	tcase_add_test(tests, system_registers);
	tcase_add_test(tests, what_cannot_be_written);
	tcase_add_test(tests, each_register_is_its_own);
	tcase_add_test(tests, vectors_by_xsave);
	tcase_add_test(tests, initial_states);
	tcase_add_test(tests, vectors_by_fpu);
	tcase_add_test(tests, tags);
	tcase_add_test(tests, a_large_area);
}

int main(void)
{
	return run_suite("debug registers", add_tests);
}
