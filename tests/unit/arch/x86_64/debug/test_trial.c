/* SPDX-License-Identifier: BSD-3-Clause */
/* The trial of what a host's KVM can do for a debugger, over a fake that does more or less. */

#include <stdlib.h>

#include "arch/x86_64/debug/trial.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

/* What the fake KVM stops for: bits of KVM_GUESTDBG_*, a watchpoint apart. */
static uint32_t does;
static bool watches;
static unsigned int runs, interruptions;
static struct kvm_guest_debug control;

static bool stops(void)
{
	bool watchpoint =
		control.control & KVM_GUESTDBG_USE_HW_BP && control.arch.debugreg[7] & 0xf0000;

	return watchpoint ? watches
			  : (control.control & does & ~(uint32_t)KVM_GUESTDBG_ENABLE) != 0;
}

static int vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	struct kvm_run *page;

	switch (request) {
	case KVM_GET_SREGS:
		*(struct kvm_sregs *)argument = (struct kvm_sregs){0};
		return 0;
	case KVM_SET_SREGS:
	case KVM_SET_REGS:
		return 0;
	case KVM_SET_GUEST_DEBUG:
		control = *(struct kvm_guest_debug *)argument;
		ck_assert(control.control & KVM_GUESTDBG_ENABLE);
		return 0;
	default:
		break;
	}
	ck_assert_uint_eq(request, KVM_RUN);
	runs++;
	if (interruptions) {
		interruptions--;
		return -EINTR;
	}
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page->exit_reason = stops() ? KVM_EXIT_DEBUG : KVM_EXIT_HLT;
	munmap(page, sizeof(*page));
	return 0;
}

static struct arch_debug_support support;

static void set_up(void)
{
	fake_kvm_reset();
	fake.vcpu_ioctl = vcpu_ioctl;
	runs = 0;
	support = (struct arch_debug_support){.software_breakpoints = true,
					      .step = true,
					      .breakpoints = 4,
					      .watchpoints = 4};
}

START_TEST(all_of_it)
{
	does = ~0u;
	watches = true;
	interruptions = 3;
	debug_trial(&support);
	ck_assert(support.software_breakpoints && support.step);
	ck_assert_uint_eq(support.breakpoints, 4);
	ck_assert_uint_eq(support.watchpoints, 4);
	ck_assert_uint_eq(runs, 7);
}
END_TEST

START_TEST(nothing_of_it)
{
	debug_trial(&support);
	ck_assert(!support.software_breakpoints && !support.step);
	ck_assert_uint_eq(support.breakpoints + support.watchpoints, 0);
	/* What was not there before is not tried. */
	runs = 0;
	debug_trial(&support);
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(some_of_it)
{
	does = KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP;
	debug_trial(&support);
	ck_assert(!support.software_breakpoints && support.step);
	ck_assert_uint_eq(support.breakpoints, 4);
	ck_assert_uint_eq(support.watchpoints, 0);
}
END_TEST

START_TEST(endless_interruptions_end)
{
	does = ~0u;
	interruptions = 1000;
	debug_trial(&support);
	ck_assert(!support.step);
}
END_TEST

START_TEST(no_trial_no_verdict)
{
	fake.fails_request = KVM_SET_USER_MEMORY_REGION;
	fake.fails_code = -ENOMEM;
	debug_trial(&support);
	fake.open_fails = -EACCES;
	debug_trial(&support);
	ck_assert(support.step && support.software_breakpoints);
	ck_assert_uint_eq(runs, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, all_of_it);
	tcase_add_test(tests, nothing_of_it);
	tcase_add_test(tests, some_of_it);
	tcase_add_test(tests, endless_interruptions_end);
	tcase_add_test(tests, no_trial_no_verdict);
}

int main(void)
{
	return run_suite("x86_64_debug_trial", add_tests);
}
