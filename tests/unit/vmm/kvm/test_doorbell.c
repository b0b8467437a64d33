/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener that has KVM signal doorbells: where they are, as their region moves, refusals. */

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/kvm/test_vm.h"
#include "vmm/base/fd.h"
#include "vmm/kvm/doorbell.h"

enum { BELLS_MAX = 8 };

/* KVM's own account. */
static struct kvm_ioeventfd bells[BELLS_MAX];
static unsigned int bell_count, refuses_at;

static int take_ioctl(unsigned long request, void *argument)
{
	const struct kvm_ioeventfd *bell = argument;
	bool on = !(bell->flags & KVM_IOEVENTFD_FLAG_DEASSIGN);

	ck_assert_uint_eq(request, KVM_IOEVENTFD);
	if (on) {
		if (bell_count == refuses_at)
			return -ENOSPC;
		ck_assert_uint_lt(bell_count, BELLS_MAX);
		bells[bell_count++] = *bell;
		return 0;
	}
	for (unsigned int i = 0; i < bell_count; i++)
		if (bells[i].addr == bell->addr && bells[i].len == bell->len &&
		    bells[i].fd == bell->fd && bells[i].datamatch == bell->datamatch) {
			bells[i] = bells[--bell_count];
			return 0;
		}
	return -ENOENT;
}

static int looked_for;

static int look_ioctl(unsigned long request, void *argument)
{
	const struct kvm_ioeventfd *bell = argument;

	ck_assert_uint_eq(request, KVM_IOEVENTFD);
	ck_assert_uint_eq(bell->flags, KVM_IOEVENTFD_FLAG_DEASSIGN);
	if (bell->fd < 0)
		return -EBADF;
	return bell->fd == looked_for ? -ENOENT : -EINVAL;
}

static const struct mem_doorbell doorbells[] = {
	{.offset = 0, .eventfd = 10},
	{.offset = 4, .eventfd = 11},
	{.offset = 8, .width = 4, .matched = true, .match = 7, .eventfd = 12},
};

static struct mem_map *map;
static struct kvm_vm *vm;
static struct mem_region region;

static void set_up_doorbells(void)
{
	set_up();
	fake.vm_ioctl = take_ioctl;
	bell_count = 0;
	refuses_at = BELLS_MAX;
	map = mem_map_create("guest", 0, &err);
	region = (struct mem_region){
		.name = "bells",
		.kind = MEM_TRAP,
		.size = 4096,
		.doorbells = doorbells,
		.doorbell_count = ARRAY_SIZE(doorbells),
	};
}

static void begin(void)
{
	vm = create();
	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), 0);
}

static void tear_down(void)
{
	kvm_vm_unlisten(vm);
	ck_assert_uint_eq(bell_count, 0);
	kvm_vm_destroy(vm);
	mem_map_destroy(map);
}

START_TEST(they_follow_their_region)
{
	begin();
	ck_assert_int_eq(mem_map_add(map, &region, 0x10000, &err), 0);
	ck_assert_uint_eq(bell_count, 3);
	ck_assert_uint_eq(bells[0].addr, 0x10000);
	ck_assert_uint_eq(bells[0].len, 0);
	ck_assert_int_eq(bells[0].fd, 10);
	ck_assert_uint_eq(bells[0].flags, 0);
	ck_assert_uint_eq(bells[1].addr, 0x10004);
	ck_assert_uint_eq(bells[2].len, 4);
	ck_assert_uint_eq(bells[2].flags, KVM_IOEVENTFD_FLAG_DATAMATCH);
	ck_assert_uint_eq(bells[2].datamatch, 7);
	ck_assert_int_eq(mem_map_add(map, &region, 0x20000, &err), 0);
	ck_assert_uint_eq(bell_count, 3);
	ck_assert_uint_eq(bells[0].addr, 0x20000);
	mem_map_del(&region);
	ck_assert_uint_eq(bell_count, 0);
}
END_TEST

START_TEST(those_that_are_there_already_are_given)
{
	ck_assert_int_eq(mem_map_add(map, &region, 0x10000, &err), 0);
	begin();
	ck_assert_uint_eq(bell_count, 3);
}
END_TEST

/* One that is refused takes all of its region's with it; at the guest's request it is trapped. */
START_TEST(a_refusal_is_whole)
{
	struct mem_change change = {.region = &region, .base = 0x10000, .add = true};

	begin();
	refuses_at = 2;
	ck_assert_int_eq(mem_map_add(map, &region, 0x10000, &err), -ENOSPC);
	ck_assert_ptr_null(region.map);
	ck_assert_uint_eq(bell_count, 0);
	ck_assert_int_eq(mem_map_apply(map, &change, 1, MEM_BEST_EFFORT, &err), 0);
	ck_assert_ptr_eq(region.map, map);
	ck_assert_uint_eq(bell_count, 0);
	mem_map_del(&region);
}
END_TEST

START_TEST(an_old_kvm_has_none_of_any_width)
{
	fake.missing = KVM_CAP_IOEVENTFD_ANY_LENGTH;
	begin();
	ck_assert_int_eq(mem_map_add(map, &region, 0x10000, &err), -EOPNOTSUPP);
	region.doorbells = &doorbells[2];
	region.doorbell_count = 1;
	ck_assert_int_eq(mem_map_add(map, &region, 0x10000, &err), 0);
	ck_assert_uint_eq(bell_count, 1);
}
END_TEST

/* As KVM answers for what is one and what is none. */
START_TEST(an_eventfd_is_known)
{
	int event = fd_eventfd(), other = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin();
	fake.vm_ioctl = look_ioctl;
	looked_for = event;
	ck_assert(kvm_doorbell_is_event(vm, event));
	ck_assert(!kvm_doorbell_is_event(vm, other));
	ck_assert(!kvm_doorbell_is_event(vm, -1));
	close(other);
	close(event);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up_doorbells, tear_down);
	tcase_add_test(tests, an_eventfd_is_known);
	tcase_add_test(tests, they_follow_their_region);
	tcase_add_test(tests, those_that_are_there_already_are_given);
	tcase_add_test(tests, a_refusal_is_whole);
	tcase_add_test(tests, an_old_kvm_has_none_of_any_width);
}

int main(void)
{
	return run_suite("doorbell", add_tests);
}
