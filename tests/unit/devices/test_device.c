/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of a machine's devices: additions that failed, resets, an end in reverse order. */

#include <check.h>
#include <errno.h>

#include "devices/device.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

struct toy {
	struct device device;
	unsigned int resets, destroyed; /* destroyed: the how many-th */
};

static unsigned int destroyed;

static void toy_reset(struct device *device)
{
	container_of(device, struct toy, device)->resets++;
}

static void toy_destroy(struct device *device)
{
	container_of(device, struct toy, device)->destroyed = ++destroyed;
	/* Whoever comes after it in the list was taken note of before. */
	device->next = device;
}

static const struct device_ops with_reset = {.reset = toy_reset, .destroy = toy_destroy};
static const struct device_ops without_reset = {.destroy = toy_destroy};

START_TEST(all_are_reset_and_destroyed_last_first)
{
	struct toy toys[3] = {{.device.ops = &with_reset},
			      {.device.ops = &without_reset},
			      {.device.ops = &with_reset}};
	struct device *list = NULL;

	device_list_reset(list);
	device_list_destroy(list);
	for (size_t i = 0; i < ARRAY_SIZE(toys); i++)
		ck_assert_int_eq(device_list_add(&list, &toys[i].device, NULL), 0);
	device_list_reset(list);
	ck_assert(toys[0].resets == 1 && toys[1].resets == 0 && toys[2].resets == 1);
	device_list_destroy(list);
	for (unsigned int i = 0; i < ARRAY_SIZE(toys); i++)
		ck_assert_uint_eq(toys[i].destroyed, 3 - i);
}
END_TEST

START_TEST(one_that_was_not_made_says_why)
{
	const struct err busy = {.code = -EBUSY}, none = {0};
	struct device *list = NULL;

	ck_assert_int_eq(device_list_add(&list, NULL, &busy), -EBUSY);
	ck_assert_int_eq(device_list_add(&list, NULL, &none), -ENOMEM);
	ck_assert_int_eq(device_list_add(&list, NULL, NULL), -ENOMEM);
	ck_assert_ptr_null(list);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, all_are_reset_and_destroyed_last_first);
	tcase_add_test(tests, one_that_was_not_made_says_why);
}

int main(void)
{
	return run_suite("device", add_tests);
}
