/* SPDX-License-Identifier: BSD-3-Clause */
/* INTx, MSI and MSI-X over the fake peer: modes, masks, growth, and how each step is undone. */

#include <check.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>

#include "devices/pci/host.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "vfio/pci/wires.h"
#include "vmm/base/bits.h"

enum { INTX_GSI = 17 };

static struct fake_vfio fake;
static struct kvm_irq irq;
static struct pci_device device;
static struct vfio_wires wires;
static struct err err;
static unsigned int descriptors;

/* A bus for the INTx pin's sake. */
static struct pci_host host = {.config = {.intx_gsi = INTX_GSI, .intx_count = 8}};

static void init(void)
{
	vfio_wires_release(&wires);
	ck_assert_int_eq(vfio_wires_init(&wires, &device, &fake.backend, &irq), 0);
}

static void setup(void)
{
	host.root.host = &host;
	device.bus = &host.root;
	device.config[PCI_INTERRUPT_PIN] = 1;
	snprintf(device.name, sizeof(device.name), "0000:01:00.0");
	fake_vfio_init(&fake);
	fake_irq_init(&irq);
	descriptors = count_descriptors();
	init();
}

static void teardown(void)
{
	vfio_wires_stop(&wires);
	vfio_wires_release(&wires);
	ck_assert_int_eq(kvm_irq_commit(&irq), 0);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	fake_vfio_release(&fake);
}

/* A table larger than one budget, with or without vectors that can be added one by one. */
static void set_msix(uint32_t count, bool noresize)
{
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].count = count;
	fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX].flags =
		VFIO_IRQ_INFO_EVENTFD | (noresize ? VFIO_IRQ_INFO_NORESIZE : 0);
	init();
}

static void arm(void)
{
	ck_assert_int_eq(vfio_wires_arm(&wires, &err), 0);
	fake.log[0] = '\0';
}

static void enable(enum pci_vectors_mode mode, unsigned int vectors)
{
	pci_vectors_enable(wires.vectors, mode, vectors);
	pci_vectors_flush(wires.vectors, mode);
}

static void unmask(enum pci_vectors_mode mode, unsigned int vector)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 0x4000 + vector};

	pci_vectors_unmask(wires.vectors, mode, vector, &message);
	pci_vectors_flush(wires.vectors, mode);
}

static void mask(enum pci_vectors_mode mode, unsigned int vector)
{
	pci_vectors_mask(wires.vectors, mode, vector);
	pci_vectors_flush(wires.vectors, mode);
}

static int gsi_of(unsigned int vector)
{
	return pci_vectors_state(wires.vectors, vector).gsi;
}

static bool delivered(unsigned int vector)
{
	return fake_irq_delivered(&irq, (unsigned int)gsi_of(vector));
}

START_TEST(intx_is_set_up_masked)
{
	ck_assert_int_eq(vfio_wires_arm(&wires, &err), 0);
	ck_assert_str_eq(fake.log, "trigger0:0+1 mask0:0+1 unmask0:0+1 unmask0:0+1 ");
	ck_assert(!fake.intx_masked);
	ck_assert_int_eq(fake_irq_find(&irq, INTX_GSI)->eventfd, wires.intx.trigger);
	ck_assert_int_eq(fake_irq_find(&irq, INTX_GSI)->resample, wires.intx.resample);
	ck_assert_int_eq(fake.unmask_eventfd, wires.intx.resample);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_INTX_IRQ_INDEX, 0));
	ck_assert(fake_irq_delivered(&irq, INTX_GSI));
	/* Once more does nothing. */
	ck_assert_int_eq(vfio_wires_arm(&wires, &err), 0);
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
		ck_assert_int_eq(vfio_wires_arm(&wires, &err), -EIO);
		ck_assert_msg(strstr(err.text, sentences[i]), "%s", err.text);
		ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
		ck_assert_uint_eq(irq.attached, 0);
		ck_assert_uint_eq(count_descriptors(), descriptors);
	}
	irq.fail_at = irq.calls + 1;
	ck_assert_int_eq(vfio_wires_arm(&wires, &err), -EINVAL);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(a_device_without_intx_needs_none)
{
	fake.irqs[VFIO_PCI_INTX_IRQ_INDEX].count = 0;
	init();
	ck_assert_int_eq(vfio_wires_arm(&wires, &err), 0);
	ck_assert_uint_eq(irq.attached, 0);
	device.config[PCI_INTERRUPT_PIN] = 0;
	fake.irqs[VFIO_PCI_INTX_IRQ_INDEX].count = 1;
	init();
	ck_assert_int_eq(vfio_wires_arm(&wires, &err), 0);
	ck_assert_str_eq(fake.log, "");
}
END_TEST

START_TEST(modes_follow_each_other)
{
	arm();
	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_ptr_null(fake_irq_find(&irq, INTX_GSI));
	unmask(PCI_VECTORS_MSIX, 2);
	pci_vectors_mask(wires.vectors, PCI_VECTORS_MSIX, 2);
	pci_vectors_disable(wires.vectors, PCI_VECTORS_MSIX);
	pci_vectors_flush(wires.vectors, PCI_VECTORS_MSIX);
	/* INTx is back by itself. */
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(irq.staged, 0);
	enable(PCI_VECTORS_MSI, 4);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 4);
	/* Both at once is the guest's mistake: the later one counts. */
	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 0);
	ck_assert_uint_gt(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	unmask(PCI_VECTORS_MSI, 0);
	mask(PCI_VECTORS_MSI, 0);
	ck_assert(!pci_vectors_pending(wires.vectors, PCI_VECTORS_MSI, 0));
	pci_vectors_disable(wires.vectors, PCI_VECTORS_MSI);
	ck_assert_uint_gt(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
}
END_TEST

/* Nothing comes up that is to end. */
START_TEST(a_stop_turns_no_other_mode_on)
{
	arm();
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 2);
	fake.log[0] = '\0';
	vfio_wires_stop(&wires);
	ck_assert_str_eq(fake.log, "off2:0+0 ");
	pci_vectors_disable(wires.vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(fake.log, "off2:0+0 ");
}
END_TEST

static const struct vfio_backend_ops *unwatched;

static int turn_off_without_irqfds(struct vfio_backend *backend, struct vfio_irq_set *set)
{
	if (set->count == 0)
		ck_assert_uint_eq(irq.attached, 0);
	return unwatched->set_irqs(backend, set);
}

/* What VFIO still signals while it turns a mode off reaches the guest no more. */
START_TEST(irqfds_end_before_what_signals_them)
{
	struct vfio_backend_ops watched;

	arm();
	unwatched = fake.backend.ops;
	watched = *unwatched;
	watched.set_irqs = turn_off_without_irqfds;
	fake.backend.ops = &watched;
	enable(PCI_VECTORS_MSI, 2);
	unmask(PCI_VECTORS_MSI, 1);
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 2);
	pci_vectors_disable(wires.vectors, PCI_VECTORS_MSIX);
	ck_assert_uint_eq(irq.attached, 1);
	vfio_wires_stop(&wires);
	fake.backend.ops = unwatched;
}
END_TEST

START_TEST(vfio_may_have_fewer_than_the_guest_sees)
{
	set_msix(4, true);
	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_uint_eq(pci_vectors_count(wires.vectors), 4);
	unmask(PCI_VECTORS_MSIX, 3);
	unmask(PCI_VECTORS_MSIX, 4);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert(delivered(3));
}
END_TEST

START_TEST(enabled_with_nothing_unmasked_the_device_is_enabled)
{
	enable(PCI_VECTORS_MSIX, 10);
	/* Vector 0 had an eventfd while it was enabled, and has none now. */
	ck_assert_str_eq(fake.log, "trigger2:0+10 trigger2:0+1 ");
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 10);
	for (unsigned int i = 0; i < 10; i++)
		ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][i], -1);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	unmask(PCI_VECTORS_MSIX, 0);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	ck_assert(delivered(0));
}
END_TEST

START_TEST(a_vector_gets_route_irqfd_and_eventfd)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 7);
	ck_assert_uint_eq(irq.message[gsi_of(7)].data, 0x4007);
	ck_assert_uint_eq(irq.commits, 1);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 7));
	ck_assert(delivered(7));
	ck_assert(!fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 6));
	/* Beyond the table there is nothing. */
	unmask(PCI_VECTORS_MSIX, 10);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
}
END_TEST

START_TEST(many_vectors_cost_one_commit_and_one_call)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 1};

	enable(PCI_VECTORS_MSIX, 10);
	fake.log[0] = '\0';
	for (unsigned int i = 2; i < 9; i++)
		pci_vectors_unmask(wires.vectors, PCI_VECTORS_MSIX, i, &message);
	pci_vectors_flush(wires.vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(fake.log, "trigger2:2+7 ");
	ck_assert_uint_eq(irq.commits, 1);
}
END_TEST

START_TEST(masked_vectors_are_owed_their_interrupt)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 3);
	mask(PCI_VECTORS_MSIX, 3);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert(!pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 3));
	fake.log[0] = '\0';
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert(pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 3));
	ck_assert(pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 3));
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert(!pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 3));
	ck_assert(delivered(3));
	ck_assert(!delivered(3));
	/* The hardware's side stayed as it was, and the same message needs no new route. */
	ck_assert_str_eq(fake.log, "");
	ck_assert_uint_eq(irq.commits, 1);
}
END_TEST

START_TEST(a_large_table_is_sized_by_the_budget)
{
	set_msix(2048, true);
	enable(PCI_VECTORS_MSIX, 2048);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
	unmask(PCI_VECTORS_MSIX, 63);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
}
END_TEST

START_TEST(growing_loses_no_interrupt)
{
	set_msix(2048, true);
	enable(PCI_VECTORS_MSIX, 2048);
	unmask(PCI_VECTORS_MSIX, 1);
	unmask(PCI_VECTORS_MSIX, 5);
	mask(PCI_VECTORS_MSIX, 5);
	fake.log[0] = '\0';
	unmask(PCI_VECTORS_MSIX, 100);
	ck_assert_str_eq(fake.log, "off2:0+0 trigger2:0+128 trigger2:0+1 ");
	ck_assert(delivered(1));
	ck_assert(pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 5));
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][1],
			 pci_vectors_eventfd(wires.vectors, 1));
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][5],
			 pci_vectors_eventfd(wires.vectors, 5));
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][100],
			 pci_vectors_eventfd(wires.vectors, 100));
	/* There is room for the next ones. */
	fake.log[0] = '\0';
	unmask(PCI_VECTORS_MSIX, 101);
	unmask(PCI_VECTORS_MSIX, 127);
	ck_assert_str_eq(fake.log, "trigger2:101+1 trigger2:127+1 ");
}
END_TEST

/* Vector 0 has an eventfd of its own just for the enabling: what it takes is the guest's. */
START_TEST(growing_takes_nothing_from_a_masked_vector_0)
{
	set_msix(2048, true);
	enable(PCI_VECTORS_MSIX, 2048);
	ck_assert(!fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	unmask(PCI_VECTORS_MSIX, 100);
	ck_assert(pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 0));
	unmask(PCI_VECTORS_MSIX, 0);
	ck_assert(delivered(0));
	ck_assert(!pci_vectors_pending(wires.vectors, PCI_VECTORS_MSIX, 0));
}
END_TEST

START_TEST(growing_in_vain_costs_no_vector)
{
	set_msix(2048, true);
	fake.vectors_max = 64;
	enable(PCI_VECTORS_MSIX, 2048);
	unmask(PCI_VECTORS_MSIX, 1);
	unmask(PCI_VECTORS_MSIX, 100);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][1],
			 pci_vectors_eventfd(wires.vectors, 1));
	unmask(PCI_VECTORS_MSIX, 2);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 2));
	ck_assert(delivered(2));
}
END_TEST

START_TEST(growing_that_is_refused_puts_back_what_there_was)
{
	set_msix(2048, true);
	enable(PCI_VECTORS_MSIX, 2048);
	unmask(PCI_VECTORS_MSIX, 1);
	/* All that were asked for are needed: there is nothing less to try. */
	fake.fail_at = fake.calls + 2;
	unmask(PCI_VECTORS_MSIX, 127);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 64);
	ck_assert_int_eq(fake.triggers[VFIO_PCI_MSIX_IRQ_INDEX][1],
			 pci_vectors_eventfd(wires.vectors, 1));
	ck_assert(delivered(1));
	unmask(PCI_VECTORS_MSIX, 126);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 127));
	ck_assert(delivered(127));
}
END_TEST

START_TEST(vectors_are_added_one_by_one_where_they_can_be)
{
	set_msix(2048, false);
	enable(PCI_VECTORS_MSIX, 2048);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 1);
	fake.log[0] = '\0';
	unmask(PCI_VECTORS_MSIX, 1000);
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert_str_eq(fake.log, "trigger2:1000+1 trigger2:3+1 ");
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 1000));
	ck_assert(delivered(1000));
}
END_TEST

START_TEST(fewer_vectors_than_the_budget_will_do)
{
	set_msix(64, true);
	fake.vectors_max = 4;
	enable(PCI_VECTORS_MSIX, 64);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 1);
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 4);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert(delivered(3));
}
END_TEST

/* The guest has unmasked more than the host can give: the rest works. */
START_TEST(what_vectors_there_are_work)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 1};

	set_msix(64, true);
	fake.vectors_max = 4;
	pci_vectors_enable(wires.vectors, PCI_VECTORS_MSIX, 64);
	for (unsigned int i = 0; i < 10; i++)
		pci_vectors_unmask(wires.vectors, PCI_VECTORS_MSIX, i, &message);
	pci_vectors_flush(wires.vectors, PCI_VECTORS_MSIX);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 4);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
	/* More are asked for with the next. */
	fake.vectors_max = 0;
	unmask(PCI_VECTORS_MSIX, 10);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 9));
	ck_assert(delivered(9));
}
END_TEST

START_TEST(one_that_cannot_be_added_costs_no_other)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = 1};

	set_msix(64, false);
	enable(PCI_VECTORS_MSIX, 64);
	fake.vectors_max = 6;
	for (unsigned int i = 2; i < 10; i++)
		pci_vectors_unmask(wires.vectors, PCI_VECTORS_MSIX, i, &message);
	pci_vectors_unmask(wires.vectors, PCI_VECTORS_MSIX, 1, &message);
	pci_vectors_flush(wires.vectors, PCI_VECTORS_MSIX);
	for (unsigned int i = 1; i < 6; i++) {
		ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
	ck_assert(!fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 6));
}
END_TEST

/* They went to somebody else since they were counted. */
START_TEST(msi_with_fewer_vectors_than_enabled_has_those)
{
	fake.vectors_max = 3;
	enable(PCI_VECTORS_MSI, 4);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 2);
	for (unsigned int i = 0; i < 4; i++)
		unmask(PCI_VECTORS_MSI, i);
	ck_assert_ptr_null(strstr(fake.log, "off"));
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSI_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
}
END_TEST

START_TEST(the_hosts_vectors_for_msi_are_counted)
{
	static const uint32_t counts[] = {8, 1, 2, 2, 4, 4, 4, 4, 8};

	for (unsigned int i = 0; i < ARRAY_SIZE(counts); i++) {
		init();
		fake.vectors_max = i;
		vfio_wires_limit_msi(&wires);
		ck_assert_uint_eq(vfio_wires_count(&wires, PCI_VECTORS_MSI), counts[i]);
		ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 0);
	}
	/* A kernel that does not tell leaves it at what the device has. */
	init();
	fake.vectors_max = 0;
	fake.fail_at = fake.calls + 1;
	vfio_wires_limit_msi(&wires);
	ck_assert_uint_eq(vfio_wires_count(&wires, PCI_VECTORS_MSI), 8);
}
END_TEST

START_TEST(what_was_refused_is_tried_again)
{
	enable(PCI_VECTORS_MSIX, 10);
	fake.fail_at = fake.calls + 1;
	unmask(PCI_VECTORS_MSIX, 4);
	ck_assert(!fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 4));
	mask(PCI_VECTORS_MSIX, 4);
	unmask(PCI_VECTORS_MSIX, 4);
	ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, 4));
	ck_assert(delivered(4));
}
END_TEST

/* With the first batch that the host takes, those of the batches before are there too. */
START_TEST(what_was_refused_from_the_start_is_made_up_for)
{
	set_msix(64, false);
	fake.fail_at = fake.calls + 1;
	enable(PCI_VECTORS_MSIX, 64);
	fake.fail_at = fake.calls + 1;
	unmask(PCI_VECTORS_MSIX, 2);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	unmask(PCI_VECTORS_MSIX, 4);
	for (unsigned int i = 2; i <= 4; i += 2) {
		ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSIX_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
}
END_TEST

START_TEST(msi_has_all_its_vectors_at_once)
{
	enable(PCI_VECTORS_MSI, 4);
	ck_assert_uint_eq(fake.span[VFIO_PCI_MSI_IRQ_INDEX], 4);
	for (unsigned int i = 0; i < 4; i++)
		unmask(PCI_VECTORS_MSI, i);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert(fake_vfio_fire(&fake, VFIO_PCI_MSI_IRQ_INDEX, i));
		ck_assert(delivered(i));
	}
	ck_assert_uint_eq(vfio_wires_descriptors(&wires, NULL, 0, 0), 4);
}
END_TEST

START_TEST(every_refusal_of_kvm_is_survived)
{
	for (unsigned int i = 1; i < 12; i++) {
		irq.calls = 0;
		irq.fail_at = i;
		enable(PCI_VECTORS_MSIX, 10);
		unmask(PCI_VECTORS_MSIX, 0);
		unmask(PCI_VECTORS_MSIX, 1);
		mask(PCI_VECTORS_MSIX, 0);
		unmask(PCI_VECTORS_MSIX, 0);
		vfio_wires_stop(&wires);
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
	tcase_add_test(tests, intx_is_set_up_masked);
	tcase_add_test(tests, every_step_of_intx_is_undone);
	tcase_add_test(tests, a_device_without_intx_needs_none);
	tcase_add_test(tests, modes_follow_each_other);
	tcase_add_test(tests, a_stop_turns_no_other_mode_on);
	tcase_add_test(tests, irqfds_end_before_what_signals_them);
	tcase_add_test(tests, vfio_may_have_fewer_than_the_guest_sees);
	tcase_add_test(tests, enabled_with_nothing_unmasked_the_device_is_enabled);
	tcase_add_test(tests, a_vector_gets_route_irqfd_and_eventfd);
	tcase_add_test(tests, many_vectors_cost_one_commit_and_one_call);
	tcase_add_test(tests, masked_vectors_are_owed_their_interrupt);
	tcase_add_test(tests, a_large_table_is_sized_by_the_budget);
	tcase_add_test(tests, growing_loses_no_interrupt);
	tcase_add_test(tests, growing_takes_nothing_from_a_masked_vector_0);
	tcase_add_test(tests, growing_in_vain_costs_no_vector);
	tcase_add_test(tests, growing_that_is_refused_puts_back_what_there_was);
	tcase_add_test(tests, vectors_are_added_one_by_one_where_they_can_be);
	tcase_add_test(tests, fewer_vectors_than_the_budget_will_do);
	tcase_add_test(tests, what_vectors_there_are_work);
	tcase_add_test(tests, one_that_cannot_be_added_costs_no_other);
	tcase_add_test(tests, msi_with_fewer_vectors_than_enabled_has_those);
	tcase_add_test(tests, the_hosts_vectors_for_msi_are_counted);
	tcase_add_test(tests, what_was_refused_is_tried_again);
	tcase_add_test(tests, what_was_refused_from_the_start_is_made_up_for);
	tcase_add_test(tests, msi_has_all_its_vectors_at_once);
	tcase_add_test(tests, every_refusal_of_kvm_is_survived);
}

int main(void)
{
	return run_suite("vfio wires", add_tests);
}
