/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose exit a thread handles is that thread's alone. */

#include <check.h>
#include <pthread.h>

#include "tests/unit/support/suite.h"
#include "vmm/kvm/origin.h"

static void *look_from_aside(void *known)
{
	struct kvm_origin origin;

	*(bool *)known = kvm_origin_get(&origin);
	return NULL;
}

START_TEST(it_is_the_threads_own)
{
	struct kvm_origin origin = {.vcpu = 2, .has_pc = true, .pc = 0x1000}, found;
	pthread_t thread;
	bool known = true;

	ck_assert(!kvm_origin_get(&found));
	kvm_origin_set(&origin);
	/* It was copied. */
	origin.vcpu = 3;
	ck_assert(kvm_origin_get(&found));
	ck_assert_uint_eq(found.vcpu, 2);
	ck_assert(found.has_pc);
	ck_assert_uint_eq(found.pc, 0x1000);
	ck_assert_int_eq(pthread_create(&thread, NULL, look_from_aside, &known), 0);
	pthread_join(thread, NULL);
	ck_assert(!known);
	kvm_origin_set(NULL);
	ck_assert(!kvm_origin_get(&found));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, it_is_the_threads_own);
}

int main(void)
{
	return run_suite("origin", add_tests);
}
