/* SPDX-License-Identifier: BSD-3-Clause */
/* A passed-through function over the fake peer: BARs, events, reset, giving back. */

#include <check.h>
#include <errno.h>
#include <stdatomic.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

static void refused_with(const char *sentence)
{
	ck_assert_ptr_null(create());
	ck_assert_msg(strstr(bench.err.text, sentence), "%s", bench.err.text);
	ck_assert_int_lt(bench.err.code, 0);
	ck_assert(bench.fake.closed);
}

START_TEST(what_is_no_pci_device_is_refused)
{
	bench.fake.info.flags = VFIO_DEVICE_FLAGS_PLATFORM;
	refused_with("no PCI device");
}
END_TEST

START_TEST(a_device_without_config_region_is_refused)
{
	bench.fake.info.num_regions = VFIO_PCI_CONFIG_REGION_INDEX;
	refused_with("no config space");
}
END_TEST

START_TEST(a_device_without_msix_index_is_refused)
{
	bench.fake.info.num_irqs = VFIO_PCI_MSIX_IRQ_INDEX;
	refused_with("no MSI-X index");
}
END_TEST

START_TEST(a_region_that_cannot_be_asked_for_is_named)
{
	bench.fake.regions[4].error = -EFAULT;
	refused_with("0000:01:00.0: region 4: its information cannot be had");
}
END_TEST

START_TEST(a_bridge_is_refused)
{
	fake_vfio_poke(&bench.fake, CONFIG, PCI_HEADER_TYPE, 1, 1);
	refused_with("it is a bridge");
}
END_TEST

/* As nvgrace-gpu-vfio-pci fills in one of two BARs for each read. */
START_TEST(registers_of_bars_are_read_one_by_one)
{
	bench.fake.bars_apart = true;
	start();
	ck_assert_int_eq(bench.pci->device.bars[4].kind, PCI_BAR_MEM64);
	ck_assert_int_eq(bench.pci->device.bars[2].kind, PCI_BAR_IO);
}
END_TEST

START_TEST(a_dead_device_is_refused)
{
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i += 4)
		fake_vfio_poke(&bench.fake, CONFIG, i, 4, UINT32_MAX);
	refused_with("does not answer config reads");
}
END_TEST

/* VFIO has just reset it: a second time would only take longer. */
START_TEST(a_device_fresh_from_the_host_is_quiet_and_not_reset)
{
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0x0007);
	start();
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
}
END_TEST

/* Every call to the peer is refused once, at creation, attachment and release. */
START_TEST(every_refused_call_walks_back)
{
	unsigned int before = count_descriptors(), last;

	do {
		int status = 0;

		bench.fake.closed = false;
		bench.fake.calls = 0;
		bench.fake.fail_at++;
		bench.pci = create();
		ck_assert(bench.pci || bench.err.text[0]);
		if (bench.pci)
			status = vfio_pci_attach(bench.pci, bench.host, -1, 0, &bench.err);
		if (bench.pci)
			ck_assert_int_eq(status, 0);
		if (bench.pci)
			vfio_pci_release(bench.pci, VFIO_RESET_END);
		ck_assert(bench.fake.closed);
		ck_assert_uint_eq(bench.irq.attached, 0);
		pci_host_destroy(bench.host);
		ck_assert_ptr_null(bench.pci);
		ck_assert_uint_eq(count_descriptors(), before);
		create_host();
		last = bench.fake.calls;
	} while (last >= bench.fake.fail_at);
	ck_assert_uint_gt(last, 30);
}
END_TEST

START_TEST(a_guest_reset_quiets_and_resets_the_device)
{
	start();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, 0x0406);
	config_write(0x72, 2, 0x8000);
	bench.fake.log[0] = '\0';
	bench.fake.resets = 0;
	restart();
	ck_assert_uint_eq(bench.fake.resets, 1);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	ck_assert_uint_eq(config_read(0x72, 2), 9);
	ck_assert_ptr_nonnull(strstr(bench.fake.log, "off2:0+0 "));
	ck_assert(strstr(bench.fake.log, "reset") < strstr(bench.fake.log, "unmask0:0+1"));
}
END_TEST

START_TEST(a_device_lost_in_its_reset_stays_out_of_reach)
{
	start();
	bench.fake.dies_in_reset = true;
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
}
END_TEST

START_TEST(without_a_reset_it_is_quiet_and_awake)
{
	bench.fake.info.flags = VFIO_DEVICE_FLAGS_PCI;
	start();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	config_write(0x44, 2, 3);
	restart();
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	/* The guest's shadow says D0, so nobody else would wake it. */
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 1), 0);
	ck_assert_uint_eq(config_read(0x44, 1), 0);
}
END_TEST

START_TEST(intx_that_fails_is_done_without_where_there_is_msi)
{
	bench.irq.fail_at = 1;
	start();
	ck_assert_uint_eq(config_read(PCI_INTERRUPT_PIN, 1), 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	restart();
	ck_assert_uint_eq(config_read(PCI_INTERRUPT_PIN, 1), 0);
}
END_TEST

START_TEST(intx_that_fails_is_a_refusal_where_there_is_nothing_else)
{
	bench.irq.fail_at = 1;
	fake_vfio_poke(&bench.fake, CONFIG, PCI_CAPABILITY_LIST, 1, 0);
	bench.pci = create();
	ck_assert_ptr_nonnull(bench.pci);
	ck_assert_int_eq(vfio_pci_attach(bench.pci, bench.host, -1, 0, &bench.err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "in-kernel interrupt controllers"));
}
END_TEST

START_TEST(descriptors_are_listed_with_their_number)
{
	int fds[8];

	start();
	/* The device, ERR, REQ, a reset's end, stop and deadline, INTx trigger and resample. */
	ck_assert_uint_eq(vfio_pci_descriptors(bench.pci, NULL, 0, 0), 8);
	ck_assert_uint_eq(vfio_pci_descriptors(bench.pci, fds, 2, 0), 8);
	ck_assert_uint_eq(vfio_pci_descriptors(bench.pci, fds, 8, 0), 8);
	ck_assert_int_eq(fds[0], bench.fake.memory);
	ck_assert_int_eq(fds[7], bench.pci->wires.intx.resample);
}
END_TEST

/* Eight the device has; what it is refused it would get none of. */
START_TEST(the_guest_is_offered_the_msi_vectors_that_the_host_has)
{
	bench.fake.vectors_max = 3;
	start();
	ck_assert_uint_eq(config_read(0x52, 2), PCI_MSI_FLAGS_64BIT | 1 << 1);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	config_write(0x52, 2, PCI_MSI_FLAGS_ENABLE | 3 << 4);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSI_IRQ_INDEX], 2);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_MSI_IRQ_INDEX, 1));
	ck_assert(fake_irq_delivered(
		&bench.irq, (unsigned int)pci_vectors_state(bench.pci->wires.vectors, 1).gsi));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_guest_is_offered_the_msi_vectors_that_the_host_has);
	tcase_add_test(tests, what_is_no_pci_device_is_refused);
	tcase_add_test(tests, a_device_without_config_region_is_refused);
	tcase_add_test(tests, a_device_without_msix_index_is_refused);
	tcase_add_test(tests, a_region_that_cannot_be_asked_for_is_named);
	tcase_add_test(tests, a_bridge_is_refused);
	tcase_add_test(tests, registers_of_bars_are_read_one_by_one);
	tcase_add_test(tests, a_dead_device_is_refused);
	tcase_add_test(tests, a_device_fresh_from_the_host_is_quiet_and_not_reset);
	tcase_add_test(tests, every_refused_call_walks_back);
	tcase_add_test(tests, a_guest_reset_quiets_and_resets_the_device);
	tcase_add_test(tests, a_device_lost_in_its_reset_stays_out_of_reach);
	tcase_add_test(tests, without_a_reset_it_is_quiet_and_awake);
	tcase_add_test(tests, intx_that_fails_is_done_without_where_there_is_msi);
	tcase_add_test(tests, intx_that_fails_is_a_refusal_where_there_is_nothing_else);
	tcase_add_test(tests, descriptors_are_listed_with_their_number);
}

int main(void)
{
	return run_suite("vfio pci", add_tests);
}
