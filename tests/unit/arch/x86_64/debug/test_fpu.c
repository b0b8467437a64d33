/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of floating point and vectors, by way of XSAVE or the FPU's own calls. */

#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/arch/x86_64/debug/test_registers.h"
#include "tests/unit/support/suite.h"

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
	tcase_add_test(tests, vectors_by_xsave);
	tcase_add_test(tests, initial_states);
	tcase_add_test(tests, vectors_by_fpu);
	tcase_add_test(tests, tags);
	tcase_add_test(tests, a_large_area);
}

int main(void)
{
	return run_suite("x86_64 debug fpu", add_tests);
}
