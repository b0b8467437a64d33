/* SPDX-License-Identifier: BSD-3-Clause */
/* A passed-through function over the fake peer: BARs, events, reset, giving back. */

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

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
	vfio_fake_poke(&bench.fake, CONFIG, PCI_HEADER_TYPE, 1, 1);
	refused_with("it is a bridge");
}
END_TEST

START_TEST(a_dead_device_is_refused)
{
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i += 4)
		vfio_fake_poke(&bench.fake, CONFIG, i, 4, UINT32_MAX);
	refused_with("does not answer config reads");
}
END_TEST

/* VFIO has just reset it: a second time would only take longer. */
START_TEST(a_device_fresh_from_the_host_is_quiet_and_not_reset)
{
	vfio_fake_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0x0007);
	start();
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
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
			vfio_pci_release(bench.pci, true);
		ck_assert(bench.fake.closed);
		ck_assert_uint_eq(bench.irq.attached, 0);
		pci_host_destroy(bench.host);
		ck_assert_ptr_null(bench.pci);
		ck_assert_uint_eq(count_descriptors(), before);
		create_host();
		last = bench.fake.calls;
	} while (last >= bench.fake.fail_at);
	ck_assert_uint_gt(last, 1000);
}
END_TEST

START_TEST(only_the_msix_pages_are_carved_out)
{
	uint64_t base;

	start();
	ck_assert_uint_eq(bench.mapped_count, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	base = bar(0);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mapped_at(base)->size, 0x3000);
	ck_assert_uint_eq(mapped_at(base + 0x5000)->size, 0xb000);
	ck_assert_uint_eq(mapped_at(bar(4))->size, 2 * MIB);
	ck_assert(is_aligned((uintptr_t)mapped_at(bar(4))->host, 2 * MIB));
	ck_assert_uint_ge(bar(4), WINDOW64);

	/* What the guest maps is the device, and DEVICE slices have handlers too. */
	*(volatile uint32_t *)mapped_at(base)->host = 0x1234;
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 0, 0, 4), 0x1234);
	ck_assert_uint_eq(guest_read(base, 2), 0x1234);
	ck_assert_uint_eq(bench.fake.last_size, 2);
	guest_write(base + 0x5008, 8, 0x1122334455667788);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 0, 0x5008, 8), 0x1122334455667788);

	/* Registers beside the table and the PBA are the device's, the table is not. */
	guest_write(base + 0x30a0, 4, 0xabcd);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 0, 0x30a0, 4), 0xabcd);
	guest_write(base + 0x3000, 4, 0xfee00000);
	ck_assert_uint_eq(guest_read(base + 0x3000, 4), 0xfee00000);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 0, 0x3000, 4), 0);
	ck_assert_uint_eq(guest_read(base + 0x4000, 4), 0);
	/* What the device holds back for a vector that nobody unmasked yet is seen too. */
	vfio_fake_poke(&bench.fake, 0, 0x4000, 4, 1 << 6);
	ck_assert_uint_eq(guest_read(base + 0x4000, 8), 1 << 6);
	vfio_fake_poke(&bench.fake, 0, 0x4000, 4, 0);
	ck_assert_uint_eq(guest_read(base + 0x3001, 1), 0xff);

	config_write(PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(bench.mapped_count, 0);
}
END_TEST

START_TEST(a_device_that_does_not_decode_reads_all_ones)
{
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vfio_fake_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(guest_read(bar(0) + 0x10, 4), UINT32_MAX);
	guest_write(bar(0) + 0x10, 4, 7);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 0, 0x10, 4), 0);
}
END_TEST

START_TEST(io_bars_are_trapped)
{
	uint64_t value, base;

	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_IO);
	base = config_read(PCI_BASE_ADDRESS_0 + 8, 4) & ~3U;
	ck_assert_int_eq(mem_map_write(bench.pio, base + 4, 2, 0xbeef), MEM_DONE);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 2, 4, 2), 0xbeef);
	ck_assert_int_eq(mem_map_read(bench.pio, base + 4, 1, &value), MEM_DONE);
	ck_assert_uint_eq(value, 0xef);
}
END_TEST

static void add_sparse(unsigned int region, const struct vfio_region_sparse_mmap_area *areas,
		       uint32_t count)
{
	struct vfio_region_info_cap_sparse_mmap cap = {
		.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1},
		.nr_areas = count,
	};

	vfio_fake_tail(&bench.fake.regions[region], &cap, sizeof(cap));
	vfio_fake_tail(&bench.fake.regions[region], areas, count * sizeof(*areas));
}

START_TEST(sparse_areas_are_obeyed)
{
	const struct vfio_region_sparse_mmap_area areas[] = {
		{.offset = 0x8000, .size = 0x4000},
		{.offset = 0x1800, .size = 0x3000}, /* pages 2 and 3, of which 3 has the table */
		{.offset = 0xa000, .size = 0x2000}, /* inside the first */
		{.offset = 0xf000, .size = 0x2000}, /* leaves the region */
	};

	add_sparse(0, areas, ARRAY_SIZE(areas));
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mapped_at(bar(0) + 0x8000)->size, 0x4000);
	ck_assert_uint_eq(mapped_at(bar(0) + 0x2000)->size, 0x1000);
	/* The gaps are trapped: not one byte of the BAR is without an answer. */
	for (uint64_t i = 0; i < 64 * KIB; i += 0x800)
		vfio_fake_poke(&bench.fake, 0, i, 4, 0x100 + (uint32_t)i);
	for (uint64_t i = 0; i < 64 * KIB; i += 0x800)
		if (i != 0x3000 && i != 0x4000)
			ck_assert_uint_eq(guest_read(bar(0) + i, 4), 0x100 + i);
}
END_TEST

START_TEST(no_areas_at_all_means_no_mapping)
{
	add_sparse(4, NULL, 0);
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(mapped_at(bar(4)));
	vfio_fake_poke(&bench.fake, 4, 0x1000, 4, 77);
	ck_assert_uint_eq(guest_read(bar(4) + 0x1000, 4), 77);
}
END_TEST

/* It shares its host page with another device: the kernel does not let it be mapped. */
START_TEST(a_small_bar_that_shares_its_page_is_trapped)
{
	bench.fake.regions[4].size = 256;
	bench.fake.regions[4].flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(mapped_at(bar(4)));
	guest_write(bar(4) + 0xfc, 4, 5);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 4, 0xfc, 4), 5);
}
END_TEST

static void move_bar_4(uint64_t address)
{
	config_write(PCI_COMMAND, 2, 0);
	config_write(PCI_BASE_ADDRESS_4, 4, (uint32_t)address);
	config_write(PCI_BASE_ADDRESS_5, 4, (uint32_t)(address >> 32));
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

START_TEST(a_small_bar_fills_a_page_that_is_its_own)
{
	bench.fake.regions[4].size = 256;
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	/* As assigned: a page of its own. */
	ck_assert(is_aligned(bar(4), 4096));
	ck_assert_uint_eq(mapped_at(bar(4))->size, 4096);
	*(volatile uint32_t *)mapped_at(bar(4))->host = 0x4321;
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 4, 0, 4), 0x4321);
	/* Not at the start of a page, or beside another BAR in it: handled, not mapped. */
	move_bar_4(WINDOW32 + 2 * MIB + 256);
	ck_assert_uint_eq(mapped_at(bar(4))->size, 256);
	vfio_fake_poke(&bench.fake, 4, 0xfc, 4, 6);
	ck_assert_uint_eq(guest_read(bar(4) + 0xfc, 4), 6);
	ck_assert_uint_eq(guest_read(bar(4) + 0x100, 4), UINT32_MAX);
	move_bar_4(WINDOW32 + 2 * MIB);
	ck_assert_uint_eq(mapped_at(bar(4))->size, 4096);
}
END_TEST

/* The first try of its recovery is some time away. */
START_TEST(an_error_isolates_until_the_next_reset)
{
	start();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	ck_assert_uint_eq(config_read(0xa8, 1), 0xff);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert(!bench.fake.closed);

	restart();
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_eq(bench.irq.attached, 1);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
}
END_TEST

START_TEST(the_host_gets_its_device_back)
{
	uint64_t base;

	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	base = bar(0);
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert(bench.fake.closed);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
	for (uint32_t i = 0; i < FAKE_IRQS; i++)
		ck_assert_uint_eq(bench.fake.span[i], 0);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(guest_read(base, 4), UINT32_MAX);
	restart();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(vfio_pci_descriptors(bench.pci, NULL, 0, 0), 0);
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
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
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
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	/* The guest's shadow says D0, so nobody else would wake it. */
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, CONFIG, 0x44, 1), 0);
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
	vfio_fake_poke(&bench.fake, CONFIG, PCI_CAPABILITY_LIST, 1, 0);
	bench.pci = create();
	ck_assert_ptr_nonnull(bench.pci);
	ck_assert_int_eq(vfio_pci_attach(bench.pci, bench.host, -1, 0, &bench.err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "in-kernel interrupt controllers"));
}
END_TEST

START_TEST(events_that_do_not_exist_are_done_without)
{
	bench.fake.irqs[VFIO_PCI_ERR_IRQ_INDEX].count = 0;
	bench.fake.irqs[VFIO_PCI_REQ_IRQ_INDEX].flags = 0;
	start();
	ck_assert_int_eq(bench.pci->error_event, -1);
	ck_assert_int_eq(bench.pci->request_event, -1);
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

static atomic_bool guest_stops;

/* A guest that turns decode on and off, programs MSI-X and reads registers. */
static void *busy_guest(void *argument)
{
	uint64_t base = *(const uint64_t *)argument, value;

	for (uint32_t i = 0; !atomic_load(&guest_stops); i++) {
		config_write(PCI_COMMAND, 2, i % 8 ? PCI_COMMAND_MEMORY : 0);
		config_write(0x72, 2, i % 16 ? 0x8000 : 0);
		mem_map_write(bench.mmio, base + 0x3000 + i % 10 * 16 + 12, 4, i % 3 == 0);
		mem_map_write(bench.mmio, base + 0x3000 + i % 10 * 16 + 8, 4, i);
		mem_map_read(bench.mmio, base + 0x4000, 8, &value);
		mem_map_read(bench.mmio, base + 8, 4, &value);
		config_read(PCI_STATUS, 2);
	}
	return NULL;
}

START_TEST(the_device_is_taken_away_under_a_busy_guest)
{
	pthread_t guests[2];
	uint64_t base;

	start();
	base = bar(0);
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		ck_assert_int_eq(pthread_create(&guests[i], NULL, busy_guest, &base), 0);
	usleep(20000);
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	usleep(5000);
	/* The recovery that has begun is ended first. */
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_until_closed();
	ck_assert_uint_eq(bench.mapped_count, 0);
	usleep(5000);
	atomic_store(&guest_stops, true);
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		pthread_join(guests[i], NULL);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
}
END_TEST

/* KVM_RUN failed and KVM does not say where: slices of devices that are there stay mapped. */
START_TEST(a_device_tells_whether_it_backs_its_slices)
{
	vfio_fake_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 0);
	ck_assert_uint_eq(bench.mapped_count, 3);
	/* Asleep, without memory, gone from the bus: without the monitor's doing. */
	vfio_fake_poke(&bench.fake, CONFIG, 0x44, 1, 8 | 3);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 3);
	ck_assert_uint_eq(bench.mapped_count, 0);
	vfio_fake_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	/* Decoding anew brings them back. */
	config_write(PCI_COMMAND, 2, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	vfio_fake_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 3);
	pci_host_reset(bench.host);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	vfio_fake_kill(&bench.fake);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 3);
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
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_MSI_IRQ_INDEX, 1));
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
	tcase_add_test(tests, a_dead_device_is_refused);
	tcase_add_test(tests, a_device_fresh_from_the_host_is_quiet_and_not_reset);
	tcase_add_test(tests, every_refused_call_walks_back);
	tcase_add_test(tests, only_the_msix_pages_are_carved_out);
	tcase_add_test(tests, a_device_that_does_not_decode_reads_all_ones);
	tcase_add_test(tests, io_bars_are_trapped);
	tcase_add_test(tests, sparse_areas_are_obeyed);
	tcase_add_test(tests, no_areas_at_all_means_no_mapping);
	tcase_add_test(tests, a_small_bar_that_shares_its_page_is_trapped);
	tcase_add_test(tests, a_small_bar_fills_a_page_that_is_its_own);
	tcase_add_test(tests, an_error_isolates_until_the_next_reset);
	tcase_add_test(tests, the_host_gets_its_device_back);
	tcase_add_test(tests, a_guest_reset_quiets_and_resets_the_device);
	tcase_add_test(tests, a_device_lost_in_its_reset_stays_out_of_reach);
	tcase_add_test(tests, without_a_reset_it_is_quiet_and_awake);
	tcase_add_test(tests, intx_that_fails_is_done_without_where_there_is_msi);
	tcase_add_test(tests, intx_that_fails_is_a_refusal_where_there_is_nothing_else);
	tcase_add_test(tests, events_that_do_not_exist_are_done_without);
	tcase_add_test(tests, descriptors_are_listed_with_their_number);
	tcase_add_test(tests, the_device_is_taken_away_under_a_busy_guest);
	tcase_add_test(tests, a_device_tells_whether_it_backs_its_slices);
}

int main(void)
{
	return run_suite("vfio pci", add_tests);
}
