/* SPDX-License-Identifier: BSD-3-Clause */
/* The MSI-X table that a guest sees: masks, messages, what is pending, odd accesses. */

#include <errno.h>

#include "devices/pci/msi.h"
#include "tests/unit/devices/pci/test_msi.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

static void put_msix(struct msi_bench *at, uint32_t table, uint32_t pba)
{
	uint8_t *config = at->toy->pci.config + CAPABILITY;

	config[0] = PCI_CAP_ID_MSIX;
	store_le16(config + PCI_MSIX_FLAGS, VECTORS - 1);
	store_le32(config + PCI_MSIX_TABLE, table);
	store_le32(config + PCI_MSIX_PBA, pba);
}

static struct msi_bench *msix_create(void)
{
	struct msi_bench *at = msi_bench_create();
	struct err err = {0};

	put_msix(at, TABLE, PBA);
	ck_assert_msg(pci_msix_init(&at->msix, &at->toy->pci, CAPABILITY, &at->vectors, &err) == 0,
		      "%s", err.text);
	return at;
}

/* The guest's write of the control word, as the owner's config_written would pass it on. */
static void msix_control(struct msi_bench *at, uint16_t value)
{
	toy_write(at->toy, FLAGS, 2, value);
	bench_take(at->bench);
	pci_msix_config_written(&at->msix);
}

static void table_write(struct msi_bench *at, unsigned int vector, unsigned int field,
			unsigned int size, uint64_t value)
{
	pci_msix_write(&at->msix, 0, TABLE + 16 * vector + field, size, value);
}

START_TEST(msix_is_read_from_the_capability)
{
	struct msi_bench *at = msix_create();

	ck_assert_uint_eq(at->msix.vectors, VECTORS);
	toy_write(at->toy, FLAGS, 2, 0xffff);
	ck_assert_uint_eq(toy_read(at->toy, FLAGS, 2), 0xc000 | (VECTORS - 1));
	toy_write(at->toy, CAPABILITY, 4, 0x40000000); /* as a dword with id and next */
	ck_assert_uint_eq(toy_read(at->toy, CAPABILITY, 4),
			  (0x4000u | (VECTORS - 1)) << 16 | PCI_CAP_ID_MSIX);
	for (unsigned int i = 0; i < VECTORS; i++)
		ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 16 * i + 12, 4), 1);
	ck_assert(pci_msix_covers(&at->msix, 0, TABLE, 1));
	ck_assert(pci_msix_covers(&at->msix, 0, TABLE - 4, 8));
	ck_assert(!pci_msix_covers(&at->msix, 0, TABLE - 4, 4));
	ck_assert(!pci_msix_covers(&at->msix, 0, TABLE + 16 * VECTORS, 4));
	ck_assert(!pci_msix_covers(&at->msix, 1, TABLE, 4));
	ck_assert(pci_msix_covers(&at->msix, 0, PBA + 15, 1));
	ck_assert(!pci_msix_covers(&at->msix, 0, PBA + 16, 1));
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msix_that_cannot_be_is_refused)
{
	static const struct {
		uint32_t table, pba;
		const char *says;
	} cases[] = {
		{TABLE | 1, PBA, "table is in BAR 1"},
		{TABLE | 2, PBA, "table is in BAR 2"},
		{0x4000 - 16 * (VECTORS - 1), PBA, "table of 0x460 bytes at 0x3bb0 leaves BAR 0"},
		{TABLE, TABLE + 16 * VECTORS - 8, "overlap"},
		{0xfffffff8, PBA, "leaves BAR 0"},
	};
	struct msi_bench *at = msi_bench_create();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = {0};

		put_msix(at, cases[i].table, cases[i].pba);
		ck_assert_int_eq(pci_msix_init(&at->msix, &at->toy->pci, CAPABILITY, &at->vectors,
					       &err),
				 -EINVAL);
		ck_assert_msg(strstr(err.text, cases[i].says), "%s", err.text);
	}
	ck_assert_int_eq(pci_msix_init(&at->msix, &at->toy->pci, 0xf8, &at->vectors, NULL),
			 -EINVAL);
	msi_bench_destroy(at);
}
END_TEST

/* As Chelsio's virtual functions have theirs. */
START_TEST(msix_lives_without_its_pba)
{
	static const uint32_t places[] = {PBA | 7, 0x3ff8, 0x8000, PBA | 1};
	struct msi_bench *at = msi_bench_create();

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		put_msix(at, TABLE, places[i]);
		ck_assert_int_eq(pci_msix_init(&at->msix, &at->toy->pci, CAPABILITY, &at->vectors,
					       NULL),
				 0);
		for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
			ck_assert(!pci_msix_is_pba(&at->msix, bar, places[i] & ~7U, 8));
			ck_assert(!pci_msix_covers(&at->msix, bar, places[i] & ~7U, 8));
		}
		ck_assert(pci_msix_covers(&at->msix, 0, TABLE, 4));
		ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 12, 4), 1);
		pci_msix_release(&at->msix);
	}
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msix_vectors_live_when_nothing_masks_them)
{
	struct msi_bench *at = msix_create();

	table_write(at, 3, 0, 8, 0x1fee00000);
	table_write(at, 3, 8, 4, 0x41);
	table_write(at, 3, 12, 4, 0);
	ck_assert_str_eq(bench_take(at->bench), "");
	msix_control(at, 0xc000);
	ck_assert_str_eq(bench_take(at->bench), "enable:70 flush ");
	msix_control(at, 0x8000);
	ck_assert_str_eq(bench_take(at->bench), "unmask:3=1fee00000/41@10 flush ");
	msix_control(at, 0x8000);
	ck_assert_str_eq(bench_take(at->bench), "");
	table_write(at, 3, 12, 4, 1);
	ck_assert_str_eq(bench_take(at->bench), "mask:3 flush ");
	table_write(at, 3, 8, 4, 0x42);
	ck_assert_str_eq(bench_take(at->bench), "");
	table_write(at, 3, 12, 4, 0xfffffffe);
	ck_assert_str_eq(bench_take(at->bench), "unmask:3=1fee00000/42@10 flush ");
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 16 * 3 + 12, 4), 0);
	msix_control(at, 0xc000);
	ck_assert_str_eq(bench_take(at->bench), "mask:3 flush ");
	msix_control(at, 0x8000);
	ck_assert_str_eq(bench_take(at->bench), "unmask:3=1fee00000/42@10 flush ");
	msix_control(at, 0);
	ck_assert_str_eq(bench_take(at->bench), "mask:3 disable flush ");
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msix_messages_of_live_vectors_may_change)
{
	struct msi_bench *at = msix_create();

	msix_control(at, 0x8000);
	bench_take(at->bench);
	table_write(at, 0, 0, 4, 0xfee01003);
	table_write(at, 0, 8, 8, 0x31); /* data and control in one */
	ck_assert_str_eq(bench_take(at->bench), "unmask:0=fee01000/31@10 flush ");
	table_write(at, 0, 8, 4, 0x31);
	ck_assert_str_eq(bench_take(at->bench), "");
	table_write(at, 0, 4, 4, 1);
	ck_assert_str_eq(bench_take(at->bench), "unmask:0=1fee01000/31@10 flush ");
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE, 8), 0x1fee01000);
	table_write(at, 0, 8, 8, 0x100000032); /* masked and changed at once */
	ck_assert_str_eq(bench_take(at->bench), "mask:0 flush ");
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msix_odd_accesses_do_not_count)
{
	struct msi_bench *at = msix_create();

	msix_control(at, 0x8000);
	bench_take(at->bench);
	table_write(at, 0, 12, 1, 0);
	table_write(at, 0, 12, 2, 0);
	table_write(at, 0, 4, 8, 0);
	table_write(at, 0, 10, 4, 0);
	table_write(at, VECTORS, 12, 4, 0);
	pci_msix_write(&at->msix, 1, TABLE + 12, 4, 0);
	pci_msix_write(&at->msix, 0, PBA, 4, UINT32_MAX);
	pci_msix_write(&at->msix, 0, UINT64_MAX - 3, 4, 0);
	ck_assert_str_eq(bench_take(at->bench), "");
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 12, 1), 0xff);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 2, 4), UINT32_MAX);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 4, 8), UINT64_MAX);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 16 * VECTORS, 4), UINT32_MAX);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 12, 4), 1);
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msix_pba_shows_what_is_pending)
{
	struct msi_bench *at = msix_create();

	at->vectors.pending[0] = 0x8000000000000005;
	at->vectors.pending[1] = 0xff; /* bits 6 and 7 are past the last vector */
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, PBA, 8), 0x8000000000000005);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, PBA, 4), 5);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, PBA + 4, 4), 0x80000000);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, PBA + 8, 8), 0x3f);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, PBA + 1, 4), UINT32_MAX);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, PBA + 16, 4), UINT32_MAX);
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msix_reset_masks_and_forgets)
{
	struct msi_bench *at = msix_create();

	msix_control(at, 0x8000);
	table_write(at, 5, 0, 4, 0xfee00000);
	table_write(at, 5, 12, 4, 0);
	bench_take(at->bench);
	pci_msix_reset(&at->msix);
	ck_assert_str_eq(bench_take(at->bench), "mask:5 disable flush ");
	ck_assert_uint_eq(toy_read(at->toy, FLAGS, 2), VECTORS - 1);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 16 * 5, 8), 0);
	ck_assert_uint_eq(pci_msix_read(&at->msix, 0, TABLE + 16 * 5 + 12, 4), 1);
	pci_msix_reset(&at->msix);
	ck_assert_str_eq(bench_take(at->bench), "");
	msi_bench_destroy(at);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, msix_is_read_from_the_capability);
	tcase_add_test(tests, msix_that_cannot_be_is_refused);
	tcase_add_test(tests, msix_lives_without_its_pba);
	tcase_add_test(tests, msix_vectors_live_when_nothing_masks_them);
	tcase_add_test(tests, msix_messages_of_live_vectors_may_change);
	tcase_add_test(tests, msix_odd_accesses_do_not_count);
	tcase_add_test(tests, msix_pba_shows_what_is_pending);
	tcase_add_test(tests, msix_reset_masks_and_forgets);
}

int main(void)
{
	return run_suite("pci msix", add_tests);
}
