/* SPDX-License-Identifier: BSD-3-Clause */
/* The BARs of a device of which sysfs tells none: sizes by its regions, kinds by their own bits. */

#include <check.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "vfio/pci/measure.h"
#include "vmm/base/bits.h"

static struct fake_vfio fake;
static struct vfio_resource resources[PCI_BAR_COUNT];
static struct err err;

static void setup(void)
{
	fake_vfio_init(&fake);
	memset(resources, 0, sizeof(resources));
}

static void teardown(void)
{
	ck_assert_uint_eq(fake.writes, 0);
	fake_vfio_release(&fake);
}

static void poke_bar(unsigned int bar, uint32_t value)
{
	fake_vfio_poke(&fake, VFIO_PCI_CONFIG_REGION_INDEX, PCI_BASE_ADDRESS_0 + 4 * bar, 4, value);
}

START_TEST(sizes_and_kinds_are_found)
{
	poke_bar(0, 0xfeb40000);
	poke_bar(2, 0xe001);
	poke_bar(4, 0xc000000c);
	ck_assert_msg(vfio_measure(&fake.backend, "name", resources, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(resources[0].size, 64 * KIB);
	ck_assert(!resources[0].io && !resources[0].wide && !resources[0].prefetchable);
	ck_assert(resources[2].io && !resources[2].wide && !resources[2].prefetchable);
	ck_assert_uint_eq(resources[4].size, 2 * MIB);
	ck_assert(resources[4].wide && resources[4].prefetchable && !resources[4].io);
	ck_assert_uint_eq(resources[1].size, 0);
}
END_TEST

START_TEST(what_cannot_be_asked_for_is_named)
{
	for (unsigned int at = 1; at < 20; at++) {
		fake.calls = 0;
		fake.fail_at = at;
		err = (struct err){0};
		if (vfio_measure(&fake.backend, "name", resources, &err) == 0)
			return;
		ck_assert_int_eq(err.code, -EIO);
		ck_assert_msg(strncmp(err.text, "passthrough device name: ", 25) == 0, "%s",
			      err.text);
	}
	ck_abort_msg("it never ends well");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sizes_and_kinds_are_found);
	tcase_add_test(tests, what_cannot_be_asked_for_is_named);
}

int main(void)
{
	return run_suite("vfio measure", add_tests);
}
