/* SPDX-License-Identifier: BSD-3-Clause */
/* The time in which writes are kept: who does them when no exit comes, and how it ends. */

#include <check.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "tests/unit/support/fake_ring.h"
#include "tests/unit/support/suite.h"
#include "vmm/machine/enumeration.h"

enum { LATCH = 0xcf8 };

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct mem_map *ports;
static struct mem_region latch;
static struct kvm_coalesced *coalesced;
static struct loop *loop;
static struct enumeration enumeration;
static struct err err;
static uint64_t value;
static unsigned int zones, calls;
static bool no_timer;
static struct itimerspec asked;

/* The library's, fifty times as fast. */
int timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old)
{
	const struct timespec soon = {.tv_nsec = time->it_interval.tv_nsec / 50};
	const struct itimerspec sooner = {.it_value = soon, .it_interval = soon};

	if (no_timer) {
		errno = EINVAL;
		return -1;
	}
	asked = *time;
	return (int)syscall(SYS_timerfd_settime, fd, flags, &sooner, old);
}

static int vm_ioctl(unsigned long request, void *argument)
{
	(void)argument;
	calls++;
	zones = request == KVM_REGISTER_COALESCED_MMIO ? 1 : 0;
	return 0;
}

/* A turn of the loop ends with the write, or with the timer. */
static enum mem_result latch_write(void *owner, uint64_t offset, unsigned int size, uint64_t what)
{
	(void)owner, (void)offset, (void)size;
	value = what;
	loop_stop(loop);
	return MEM_DONE;
}

static enum mem_result latch_read(void *owner, uint64_t offset, unsigned int size, uint64_t *got)
{
	(void)owner, (void)offset, (void)size;
	*got = value;
	return MEM_DONE;
}

static const struct mem_ops latch_ops = {.read = latch_read, .write = latch_write};

static void set_up(void)
{
	fake_kvm_reset();
	fake_ring_offer();
	fake.vm_ioctl = vm_ioctl;
	enumeration.timer = -1;
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	ports = mem_map_create("ports", 0x10000, &err);
	latch = (struct mem_region){
		.name = "latch", .kind = MEM_TRAP, .size = 4, .ops = &latch_ops, .latch = 4};
	ck_assert_int_eq(mem_map_add(ports, &latch, LATCH, &err), 0);
	coalesced = kvm_coalesced_create(vm, ports, &err);
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
}

static void tear_down(void)
{
	enumeration_end(&enumeration);
	ck_assert_uint_eq(zones, 0);
	kvm_coalesced_destroy(coalesced);
	mem_map_destroy(ports);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
	loop_destroy(loop);
}

static void begin(void)
{
	enumeration_begin(&enumeration, loop, coalesced, vcpu);
}

START_TEST(a_guest_that_only_writes_is_heard)
{
	begin();
	ck_assert_uint_eq(zones, 1);
	fake_ring_write(vcpu, LATCH, 4, 6);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(value, 6);
	ck_assert_uint_eq(zones, 1);
	ck_assert_int_eq(asked.it_interval.tv_nsec, 50000000);
	ck_assert_int_eq(asked.it_value.tv_nsec, 50000000);
}
END_TEST

static bool writes_on; /* the guest, all the time */

static void stop(void *owner, uint32_t events)
{
	(void)owner, (void)events;
	if (writes_on)
		fake_ring_write(vcpu, LATCH, 4, 1);
	if (enumeration.timer < 0)
		loop_stop(loop);
}

/* Looks are a millisecond apart here: until it is over. */
static void wait_for_the_end(void)
{
	int wake = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	const struct timespec often = {.tv_nsec = 500000};
	const struct itimerspec time = {.it_value = often, .it_interval = often};

	ck_assert_int_eq(syscall(SYS_timerfd_settime, wake, 0, &time, NULL), 0);
	ck_assert_int_eq(loop_add(loop, wake, EPOLLIN, stop, NULL, &err), 0);
	while (enumeration.timer >= 0)
		ck_assert_int_eq(loop_run(loop, &err), 0);
	loop_remove(loop, wake);
	close(wake);
}

START_TEST(it_is_over_when_the_guest_is_done)
{
	begin();
	ck_assert_uint_eq(enumeration.quiet, 1200); /* its start may take long */
	fake_ring_write(vcpu, LATCH, 4, 1);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_uint_eq(enumeration.quiet, 200);
	enumeration.quiet = 5;
	fake_ring_write(vcpu, LATCH, 4, 1);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	wait_for_the_end();
	ck_assert_uint_eq(enumeration.quiet, 0);
	ck_assert_uint_gt(enumeration.looks, 900);
	ck_assert_uint_le(enumeration.looks, 1200 - 202);
	ck_assert_uint_eq(zones, 0);
}
END_TEST

START_TEST(a_guest_that_never_is_does_not_prolong_it)
{
	begin();
	enumeration.looks = 50;
	writes_on = true;
	wait_for_the_end();
	ck_assert_uint_eq(enumeration.looks, 0);
	ck_assert_uint_eq(zones, 0);
	begin();
	enumeration.looks = 50;
	writes_on = false;
	wait_for_the_end();
	ck_assert_uint_eq(enumeration.looks, 0);
}
END_TEST

START_TEST(its_end_leaves_nothing_undone)
{
	begin();
	fake_ring_write(vcpu, LATCH, 4, 0x1234);
	enumeration_end(&enumeration);
	ck_assert_uint_eq(value, 0x1234);
	ck_assert_uint_eq(zones, 0);
	ck_assert_int_eq(enumeration.timer, -1);
}
END_TEST

START_TEST(a_restart_begins_it_anew)
{
	begin();
	enumeration.looks = 3;
	begin();
	ck_assert_uint_eq(enumeration.looks, 1200);
	ck_assert_uint_eq(zones, 1);
	ck_assert_uint_eq(calls, 1); /* KVM waits for all of its readers in each */
}
END_TEST

START_TEST(without_a_timer_nothing_is_kept)
{
	no_timer = true;
	begin();
	ck_assert_int_eq(enumeration.timer, -1);
	ck_assert_uint_eq(calls, 2);
	ck_assert_uint_eq(zones, 0);
}
END_TEST

START_TEST(a_kvm_that_cannot_costs_no_timer)
{
	kvm_coalesced_destroy(coalesced);
	fake.missing = KVM_CAP_COALESCED_PIO;
	coalesced = kvm_coalesced_create(vm, ports, &err);
	begin();
	ck_assert_int_eq(enumeration.timer, -1);
	ck_assert_uint_eq(calls, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_guest_that_only_writes_is_heard);
	tcase_add_test(tests, it_is_over_when_the_guest_is_done);
	tcase_add_test(tests, a_guest_that_never_is_does_not_prolong_it);
	tcase_add_test(tests, its_end_leaves_nothing_undone);
	tcase_add_test(tests, a_restart_begins_it_anew);
	tcase_add_test(tests, without_a_timer_nothing_is_kept);
	tcase_add_test(tests, a_kvm_that_cannot_costs_no_timer);
}

int main(void)
{
	return run_suite("enumeration", add_tests);
}
