/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_DEVICE_SET_IRQS: any range of vectors, modes that exclude each other, as many as there are.
 */

#include <check.h>
#include <errno.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "vfio/pci/irq.h"
#include "vmm/base/fd.h"

static struct fake_vfio fake;
static unsigned int descriptors;

static void setup(void)
{
	fake_vfio_init(&fake);
	descriptors = count_descriptors();
}

static void teardown(void)
{
	ck_assert_uint_eq(count_descriptors(), descriptors);
	fake_vfio_release(&fake);
}

START_TEST(set_irqs_takes_any_range)
{
	int fds[2] = {fd_eventfd(), -1};

	ck_assert_int_eq(vfio_irq_trigger(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fds), 0);
	ck_assert_int_eq(vfio_irq_trigger(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 1, 1, fds), 0);
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][1], fds[0]);
	/* A mode is exclusive, and the kernel masks INTx only. */
	ck_assert_int_eq(vfio_irq_trigger(&fake.backend, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, fds),
			 -EINVAL);
	ck_assert_int_eq(vfio_irq_set(&fake.backend,
				      VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK,
				      VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, NULL),
			 -ENOTTY);
	ck_assert_int_eq(vfio_irq_set(&fake.backend,
				      VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
				      VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fds),
			 -ENOTTY);
	ck_assert_int_eq(vfio_irq_disable(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	fake.vectors_max = 1;
	ck_assert_int_eq(vfio_irq_trigger(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fds),
			 -ENOSPC);
	fd_close(&fds[0]);
}
END_TEST

START_TEST(how_many_there_are_is_asked_for)
{
	bool fixed = false;

	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].count = 5;
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].flags |= VFIO_IRQ_INFO_NORESIZE;
	ck_assert_uint_eq(vfio_irq_count(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, &fixed), 5);
	ck_assert(fixed);
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].flags &= ~(uint32_t)VFIO_IRQ_INFO_NORESIZE;
	ck_assert_uint_eq(vfio_irq_count(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, &fixed), 5);
	ck_assert(!fixed);
	fake.fail_at = fake.calls + 1;
	ck_assert_uint_eq(vfio_irq_count(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, NULL), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, set_irqs_takes_any_range);
	tcase_add_test(tests, how_many_there_are_is_asked_for);
}

int main(void)
{
	return run_suite("vfio irq", add_tests);
}
