/* SPDX-License-Identifier: BSD-3-Clause */
/* INTx, MSI and MSI-X over the fake peer: modes, masks, growth, and how each step is undone. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/fake_vfio_kvm.h"
#include "tests/unit/support/suite.h"
#include "vfio/pci/irq.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum { INTX_GSI = 17 };

static struct vfio_fake fake;
static struct kvm_irq irq;
static struct pci_device device;
static struct vfio_irqs irqs;
static struct err err;
static unsigned int descriptors;
static int gsi;

/* The bus is not part of this test. */
int pci_device_intx_gsi(const struct pci_device *function)
{
	(void)function;
	return gsi;
}

static void setup(void)
{
	gsi = INTX_GSI;
	snprintf(device.name, sizeof(device.name), "0000:01:00.0");
	vfio_fake_init(&fake);
	fake_irq_init(&irq);
	descriptors = count_descriptors();
	vfio_irqs_init(&irqs, &device, &fake.backend, &irq);
}

static void teardown(void)
{
	vfio_irqs_stop(&irqs);
	ck_assert_int_eq(kvm_irq_commit(&irq), 0);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	vfio_fake_release(&fake);
}

/* A table larger than one budget, with or without vectors that can be added one by one. */
static void set_msix(uint32_t count, bool noresize)
{
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].count = count;
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].flags =
		VFIO_IRQ_INFO_EVENTFD | (noresize ? VFIO_IRQ_INFO_NORESIZE : 0);
	vfio_irqs_init(&irqs, &device, &fake.backend, &irq);
}

static void arm(void)
{
	ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), 0);
	fake.log[0] = '\0';
}

static void enable(struct vfio_irq_side *side, unsigned int vectors)
{
	vfio_vector_ops.enable(side, vectors);
	vfio_vector_ops.flush(side);
}

static void unmask(struct vfio_irq_side *side, unsigned int vector)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 0x4000 + vector};

	vfio_vector_ops.unmask(side, vector, &message);
	vfio_vector_ops.flush(side);
}

static void mask(struct vfio_irq_side *side, unsigned int vector)
{
	vfio_vector_ops.mask(side, vector);
	vfio_vector_ops.flush(side);
}

static bool delivered(unsigned int vector)
{
	return fake_irq_delivered(&irq, (unsigned int)irqs.vectors[vector].gsi);
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
	ck_assert_int_eq(vfio_irq_mask(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0), -ENOTTY);
	ck_assert_int_eq(vfio_irq_unmask(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0), -ENOTTY);
	ck_assert_int_eq(vfio_irq_resample(&fake.backend, fds[0]), -ENOTTY);
	ck_assert_int_eq(vfio_irq_disable(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	fake.vectors_max = 1;
	ck_assert_int_eq(vfio_irq_trigger(&fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fds),
			 -ENOSPC);
	fd_close(&fds[0]);
}
END_TEST

START_TEST(intx_is_set_up_masked)
{
	ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), 0);
	ck_assert_str_eq(fake.log, "trigger0:0+1 mask0:0+1 unmask0:0+1 unmask0:0+1 ");
	ck_assert(!fake.intx_masked);
	ck_assert_int_eq(fake_irq_find(&irq, INTX_GSI)->eventfd, irqs.intx.trigger);
	ck_assert_int_eq(fake_irq_find(&irq, INTX_GSI)->resample, irqs.intx.resample);
	ck_assert_int_eq(fake.unmask_eventfd, irqs.intx.resample);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_INTX_IRQ_INDEX, 0));
	ck_assert(fake_irq_delivered(&irq, INTX_GSI));
	/* Once more does nothing. */
	ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), 0);
	ck_assert_uint_eq(irq.attached, 1);
}
END_TEST

START_TEST(every_step_of_intx_is_undone)
{
	static const char *const sentences[] = {"cannot be enabled", "cannot be masked",
						"no eventfd to unmask", "cannot be unmasked"};

	for (unsigned int i = 0; i < ARRAY_SIZE(sentences); i++) {
		fake.calls = 0;
		fake.fail_at = i + 1;
		ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), -EIO);
		ck_assert_msg(strstr(err.text, sentences[i]), "%s", err.text);
		ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
		ck_assert_uint_eq(irq.attached, 0);
		ck_assert_uint_eq(count_descriptors(), descriptors);
	}
	irq.fail_at = irq.calls + 1;
	ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), -EINVAL);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(a_device_without_intx_needs_none)
{
	fake.irqs[VFIO_PCI_INTX_IRQ_INDEX].count = 0;
	vfio_irqs_init(&irqs, &device, &fake.backend, &irq);
	ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), 0);
	ck_assert_uint_eq(irq.attached, 0);
	gsi = -1;
	fake.irqs[VFIO_PCI_INTX_IRQ_INDEX].count = 1;
	vfio_irqs_init(&irqs, &device, &fake.backend, &irq);
	ck_assert_int_eq(vfio_irqs_arm(&irqs, &err), 0);
	ck_assert_str_eq(fake.log, "");
}
END_TEST

START_TEST(modes_follow_each_other)
{
	arm();
	enable(&irqs.msix, 10);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_ptr_null(fake_irq_find(&irq, INTX_GSI));
	unmask(&irqs.msix, 2);
	vfio_vector_ops.mask(&irqs.msix, 2);
	vfio_vector_ops.disable(&irqs.msix);
	vfio_vector_ops.flush(&irqs.msix);
	/* INTx is back by itself. */
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(irq.staged, 0);
	enable(&irqs.msi, 4);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 4);
	/* Both at once is the guest's mistake: the later one counts. */
	enable(&irqs.msix, 10);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 0);
	ck_assert_uint_gt(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	unmask(&irqs.msi, 0);
	mask(&irqs.msi, 0);
	ck_assert(!vfio_vector_ops.pending(&irqs.msi, 0));
	vfio_vector_ops.disable(&irqs.msi);
	ck_assert_uint_gt(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
}
END_TEST

START_TEST(enabled_with_nothing_unmasked_the_device_is_enabled)
{
	enable(&irqs.msix, 10);
	/* Vector 0 had an eventfd while it was enabled, and has none now. */
	ck_assert_str_eq(fake.log, "trigger2:0+10 trigger2:0+1 ");
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 10);
	for (unsigned int i = 0; i < 10; i++)
		ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][i], -1);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	unmask(&irqs.msix, 0);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	ck_assert(delivered(0));
}
END_TEST

START_TEST(a_vector_gets_route_irqfd_and_eventfd)
{
	enable(&irqs.msix, 10);
	unmask(&irqs.msix, 7);
	ck_assert_uint_eq(irq.message[irqs.vectors[7].gsi].data, 0x4007);
	ck_assert_uint_eq(irq.commits, 1);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 7));
	ck_assert(delivered(7));
	ck_assert(!vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 6));
	/* Beyond the table there is nothing. */
	unmask(&irqs.msix, 10);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
}
END_TEST

START_TEST(many_vectors_cost_one_commit_and_one_call)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 1};

	enable(&irqs.msix, 10);
	fake.log[0] = '\0';
	for (unsigned int i = 2; i < 9; i++)
		vfio_vector_ops.unmask(&irqs.msix, i, &message);
	vfio_vector_ops.flush(&irqs.msix);
	ck_assert_str_eq(fake.log, "trigger2:2+7 ");
	ck_assert_uint_eq(irq.commits, 1);
}
END_TEST

START_TEST(masked_vectors_are_owed_their_interrupt)
{
	enable(&irqs.msix, 10);
	unmask(&irqs.msix, 3);
	mask(&irqs.msix, 3);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert(!vfio_vector_ops.pending(&irqs.msix, 3));
	fake.log[0] = '\0';
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert(vfio_vector_ops.pending(&irqs.msix, 3));
	ck_assert(vfio_vector_ops.pending(&irqs.msix, 3));
	unmask(&irqs.msix, 3);
	ck_assert(!vfio_vector_ops.pending(&irqs.msix, 3));
	ck_assert(delivered(3));
	ck_assert(!delivered(3));
	/* The hardware's side stayed as it was, and the same message needs no new route. */
	ck_assert_str_eq(fake.log, "");
	ck_assert_uint_eq(irq.commits, 1);
}
END_TEST

START_TEST(a_new_message_is_routed_anew)
{
	const struct kvm_msi_message moved = {.address = 0xfee01000, .data = 0x55};

	enable(&irqs.msix, 10);
	unmask(&irqs.msix, 3);
	vfio_vector_ops.unmask(&irqs.msix, 3, &moved);
	vfio_vector_ops.flush(&irqs.msix);
	ck_assert_uint_eq(irq.commits, 2);
	ck_assert_uint_eq(irq.attached, 1);
	ck_assert_uint_eq(irq.message[irqs.vectors[3].gsi].address, 0xfee01000);
}
END_TEST

START_TEST(a_large_table_is_sized_by_the_budget)
{
	set_msix(2048, true);
	enable(&irqs.msix, 2048);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
	unmask(&irqs.msix, 63);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
}
END_TEST

START_TEST(growing_loses_no_interrupt)
{
	set_msix(2048, true);
	enable(&irqs.msix, 2048);
	unmask(&irqs.msix, 1);
	unmask(&irqs.msix, 5);
	mask(&irqs.msix, 5);
	fake.log[0] = '\0';
	unmask(&irqs.msix, 100);
	ck_assert_str_eq(fake.log, "off2:0+0 trigger2:0+128 trigger2:0+1 ");
	ck_assert(delivered(1));
	ck_assert(vfio_vector_ops.pending(&irqs.msix, 5));
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][1], irqs.vectors[1].eventfd);
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][5], irqs.vectors[5].eventfd);
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][100], irqs.vectors[100].eventfd);
	/* There is room for the next ones. */
	fake.log[0] = '\0';
	unmask(&irqs.msix, 101);
	unmask(&irqs.msix, 127);
	ck_assert_str_eq(fake.log, "trigger2:101+1 trigger2:127+1 ");
}
END_TEST

/* Vector 0 has an eventfd of its own just for the enabling: what it takes is the guest's. */
START_TEST(growing_takes_nothing_from_a_masked_vector_0)
{
	set_msix(2048, true);
	enable(&irqs.msix, 2048);
	ck_assert(!vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	unmask(&irqs.msix, 100);
	ck_assert(vfio_vector_ops.pending(&irqs.msix, 0));
	unmask(&irqs.msix, 0);
	ck_assert(delivered(0));
	ck_assert(!vfio_vector_ops.pending(&irqs.msix, 0));
}
END_TEST

START_TEST(growing_in_vain_costs_no_vector)
{
	set_msix(2048, true);
	fake.vectors_max = 64;
	enable(&irqs.msix, 2048);
	unmask(&irqs.msix, 1);
	unmask(&irqs.msix, 100);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][1], irqs.vectors[1].eventfd);
	unmask(&irqs.msix, 2);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 2));
	ck_assert(delivered(2));
}
END_TEST

START_TEST(vectors_are_added_one_by_one_where_they_can_be)
{
	set_msix(2048, false);
	enable(&irqs.msix, 2048);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 1);
	fake.log[0] = '\0';
	unmask(&irqs.msix, 1000);
	unmask(&irqs.msix, 3);
	ck_assert_str_eq(fake.log, "trigger2:1000+1 trigger2:3+1 ");
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 1000));
	ck_assert(delivered(1000));
}
END_TEST

START_TEST(fewer_vectors_than_the_budget_will_do)
{
	set_msix(64, true);
	fake.vectors_max = 4;
	enable(&irqs.msix, 64);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 1);
	unmask(&irqs.msix, 3);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 4);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert(delivered(3));
}
END_TEST

/* The guest has unmasked more than the host can give: the rest works. */
START_TEST(what_vectors_there_are_work)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 1};

	set_msix(64, true);
	fake.vectors_max = 4;
	vfio_vector_ops.enable(&irqs.msix, 64);
	for (unsigned int i = 0; i < 10; i++)
		vfio_vector_ops.unmask(&irqs.msix, i, &message);
	vfio_vector_ops.flush(&irqs.msix);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 4);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
	/* More are asked for with the next. */
	fake.vectors_max = 0;
	unmask(&irqs.msix, 10);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 9));
	ck_assert(delivered(9));
}
END_TEST

START_TEST(one_that_cannot_be_added_costs_no_other)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 1};

	set_msix(64, false);
	enable(&irqs.msix, 64);
	fake.vectors_max = 6;
	for (unsigned int i = 2; i < 10; i++)
		vfio_vector_ops.unmask(&irqs.msix, i, &message);
	vfio_vector_ops.unmask(&irqs.msix, 1, &message);
	vfio_vector_ops.flush(&irqs.msix);
	for (unsigned int i = 1; i < 6; i++) {
		ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
	ck_assert(!vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 6));
}
END_TEST

/* They went to somebody else since they were counted. */
START_TEST(msi_with_fewer_vectors_than_enabled_has_those)
{
	fake.vectors_max = 3;
	enable(&irqs.msi, 4);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 2);
	for (unsigned int i = 0; i < 4; i++)
		unmask(&irqs.msi, i);
	ck_assert_ptr_null(strstr(fake.log, "off"));
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSI_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
}
END_TEST

START_TEST(the_hosts_vectors_for_msi_are_counted)
{
	static const uint32_t counts[] = {8, 1, 2, 2, 4, 4, 4, 4, 8};

	for (unsigned int i = 0; i < ARRAY_SIZE(counts); i++) {
		vfio_irqs_init(&irqs, &device, &fake.backend, &irq);
		fake.vectors_max = i;
		vfio_irqs_limit_msi(&irqs);
		ck_assert_uint_eq(irqs.msi.count, counts[i]);
		ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 0);
	}
	/* A kernel that does not tell leaves it at what the device has. */
	vfio_irqs_init(&irqs, &device, &fake.backend, &irq);
	fake.vectors_max = 0;
	fake.fail_at = fake.calls + 1;
	vfio_irqs_limit_msi(&irqs);
	ck_assert_uint_eq(irqs.msi.count, 8);
}
END_TEST

START_TEST(what_was_refused_is_tried_again)
{
	enable(&irqs.msix, 10);
	fake.fail_at = fake.calls + 1;
	unmask(&irqs.msix, 4);
	ck_assert(!vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 4));
	mask(&irqs.msix, 4);
	unmask(&irqs.msix, 4);
	ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 4));
	ck_assert(delivered(4));
}
END_TEST

START_TEST(msi_has_all_its_vectors_at_once)
{
	enable(&irqs.msi, 4);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 4);
	for (unsigned int i = 0; i < 4; i++)
		unmask(&irqs.msi, i);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert(vfio_fake_fire(&fake, VFIO_PCI_MSI_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
	ck_assert_uint_eq(vfio_irqs_descriptors(&irqs, NULL, 0, 0), 4);
}
END_TEST

START_TEST(every_refusal_of_kvm_is_survived)
{
	for (unsigned int i = 1; i < 12; i++) {
		irq.calls = 0;
		irq.fail_at = i;
		enable(&irqs.msix, 10);
		unmask(&irqs.msix, 0);
		unmask(&irqs.msix, 1);
		mask(&irqs.msix, 0);
		unmask(&irqs.msix, 0);
		vfio_irqs_stop(&irqs);
		ck_assert_uint_eq(irq.attached, 0);
		ck_assert_uint_eq(fake_irq_used(&irq), 0);
		ck_assert_uint_eq(count_descriptors(), descriptors);
	}
	irq.fail_at = 0;
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, set_irqs_takes_any_range);
	tcase_add_test(tests, intx_is_set_up_masked);
	tcase_add_test(tests, every_step_of_intx_is_undone);
	tcase_add_test(tests, a_device_without_intx_needs_none);
	tcase_add_test(tests, modes_follow_each_other);
	tcase_add_test(tests, enabled_with_nothing_unmasked_the_device_is_enabled);
	tcase_add_test(tests, a_vector_gets_route_irqfd_and_eventfd);
	tcase_add_test(tests, many_vectors_cost_one_commit_and_one_call);
	tcase_add_test(tests, masked_vectors_are_owed_their_interrupt);
	tcase_add_test(tests, a_new_message_is_routed_anew);
	tcase_add_test(tests, a_large_table_is_sized_by_the_budget);
	tcase_add_test(tests, growing_loses_no_interrupt);
	tcase_add_test(tests, growing_takes_nothing_from_a_masked_vector_0);
	tcase_add_test(tests, growing_in_vain_costs_no_vector);
	tcase_add_test(tests, vectors_are_added_one_by_one_where_they_can_be);
	tcase_add_test(tests, fewer_vectors_than_the_budget_will_do);
	tcase_add_test(tests, what_vectors_there_are_work);
	tcase_add_test(tests, one_that_cannot_be_added_costs_no_other);
	tcase_add_test(tests, msi_with_fewer_vectors_than_enabled_has_those);
	tcase_add_test(tests, the_hosts_vectors_for_msi_are_counted);
	tcase_add_test(tests, what_was_refused_is_tried_again);
	tcase_add_test(tests, msi_has_all_its_vectors_at_once);
	tcase_add_test(tests, every_refusal_of_kvm_is_survived);
}

int main(void)
{
	return run_suite("vfio irq", add_tests);
}
