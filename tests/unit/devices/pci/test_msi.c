/* SPDX-License-Identifier: BSD-3-Clause */
/* The MSI capability in its four shapes: what the guest writes, what is pending. */

#include <errno.h>

#include "devices/pci/msi.h"
#include "tests/unit/devices/pci/test_msi.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

static struct msi_bench *msi_create(uint16_t flags)
{
	struct msi_bench *at = msi_bench_create();
	uint8_t *config = at->toy->pci.config + CAPABILITY;
	struct err err = {0};

	config[0] = PCI_CAP_ID_MSI;
	store_le16(config + PCI_MSI_FLAGS, flags);
	ck_assert_int_eq(pci_msi_init(&at->msi, &at->toy->pci, CAPABILITY, &at->vectors, &err), 0);
	return at;
}

static void msi_write(struct msi_bench *at, unsigned int offset, unsigned int size, uint32_t value)
{
	toy_write(at->toy, CAPABILITY + offset, size, value);
	bench_take(at->bench);
	pci_msi_config_written(&at->msi);
}

START_TEST(msi_comes_in_four_shapes)
{
	static const struct {
		uint16_t flags;
		unsigned int size, data;
	} shapes[] = {{0, 10, 8}, {0x80, 14, 12}, {0x100, 20, 8}, {0x180, 24, 12}};

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct msi_bench *at = msi_create((uint16_t)(shapes[i].flags | 0x0a | 0x71));

		ck_assert_uint_eq(pci_msi_size(&at->msi), shapes[i].size);
		ck_assert_uint_eq(at->msi.vectors, 32);
		ck_assert_uint_eq(toy_read(at->toy, FLAGS, 2), shapes[i].flags | 0x0a);
		msi_write(at, 4, 4, UINT32_MAX);
		ck_assert_uint_eq(toy_read(at->toy, CAPABILITY + 4, 4), 0xfffffffc);
		msi_write(at, shapes[i].data, 4, UINT32_MAX);
		ck_assert_uint_eq(toy_read(at->toy, CAPABILITY + shapes[i].data, 4), 0xffff);
		msi_write(at, shapes[i].size, 4, UINT32_MAX); /* past its end */
		ck_assert_uint_eq(toy_read(at->toy, CAPABILITY + shapes[i].size + 2, 2), 0);
		msi_bench_destroy(at);
	}
}
END_TEST

START_TEST(msi_that_cannot_be_is_refused)
{
	struct msi_bench *at = msi_bench_create();
	struct err err = {0};

	store_le16(at->toy->pci.config + FLAGS, 0x0c);
	ck_assert_int_eq(pci_msi_init(&at->msi, &at->toy->pci, CAPABILITY, &at->vectors, &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "64 vectors"));
	store_le16(at->toy->pci.config + 0xf0 + 2, 0x180);
	ck_assert_int_eq(pci_msi_init(&at->msi, &at->toy->pci, 0xf0, &at->vectors, &err), -EINVAL);
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msi_vectors_follow_the_guest)
{
	struct msi_bench *at = msi_create(0x184); /* 64-bit, masks, 4 vectors */

	msi_write(at, 4, 4, 0xfee00000);
	msi_write(at, 8, 4, 1);
	msi_write(at, 12, 2, 0x4f);
	msi_write(at, 16, 4, 0xfffffffd); /* all but vector 1 masked */
	ck_assert_uint_eq(toy_read(at->toy, CAPABILITY + 16, 4), 0xd);
	ck_assert_str_eq(bench_take(at->bench), "");
	msi_write(at, 2, 2, 0x11);
	ck_assert_str_eq(bench_take(at->bench), "enable:2 unmask:1=1fee00000/4f@10 flush ");
	msi_write(at, 16, 4, 0);
	ck_assert_str_eq(bench_take(at->bench), "unmask:0=1fee00000/4e@10 flush ");
	msi_write(at, 12, 2, 0x61);
	ck_assert_str_eq(bench_take(at->bench),
			 "unmask:0=1fee00000/60@10 unmask:1=1fee00000/61@10 flush ");
	msi_write(at, 16, 4, 1);
	ck_assert_str_eq(bench_take(at->bench), "mask:0 flush ");
	msi_write(at, 4, 4, 0xfee01000);
	ck_assert_str_eq(bench_take(at->bench), "unmask:1=1fee01000/61@10 flush ");
	msi_write(at, 16, 4, 0);
	ck_assert_str_eq(bench_take(at->bench), "unmask:0=1fee01000/60@10 flush ");
	msi_write(at, 2, 2, 0x71); /* 128 vectors asked, 4 possible */
	ck_assert_str_eq(bench_take(at->bench),
			 "mask:0 mask:1 disable enable:4 unmask:0=1fee01000/60@10 "
			 "unmask:1=1fee01000/61@10 unmask:2=1fee01000/62@10 "
			 "unmask:3=1fee01000/63@10 flush ");
	msi_write(at, 2, 2, 0);
	ck_assert_str_eq(bench_take(at->bench), "mask:0 mask:1 mask:2 mask:3 disable flush ");
	msi_bench_destroy(at);
}
END_TEST

START_TEST(msi_may_be_reset_before_it_has_a_bus)
{
	struct msi_bench at = {.bench = bench_create()};
	struct err err = {0};

	at.vectors.bench = at.bench;
	at.toy = toy_create(at.bench, "a");
	store_le16(at.toy->pci.config + FLAGS, 0x80);
	ck_assert_int_eq(pci_msi_init(&at.msi, &at.toy->pci, CAPABILITY, &at.vectors, &err), 0);
	pci_msi_reset(&at.msi);
	toy_add(at.toy, 4, 0);
	msi_write(&at, 2, 2, 1);
	ck_assert_str_eq(bench_take(at.bench), "enable:1 unmask:0=0/0@20 flush ");
	bench_destroy(at.bench);
}
END_TEST

START_TEST(msi_pending_needs_masks)
{
	struct msi_bench *at = msi_create(0x104), *plain = msi_create(0x04);

	at->vectors.pending[0] = plain->vectors.pending[0] = 0xf2;
	ck_assert_uint_eq(pci_msi_pending(&at->msi), 2);
	ck_assert_uint_eq(pci_msi_pending(&plain->msi), 0);
	msi_bench_destroy(at);
	msi_bench_destroy(plain);
}
END_TEST

START_TEST(msi_reset_disables_and_forgets)
{
	struct msi_bench *at = msi_create(0x000);

	msi_write(at, 4, 4, 0xfee00000);
	msi_write(at, 8, 2, 0x33);
	msi_write(at, 2, 1, 1);
	ck_assert_str_eq(bench_take(at->bench), "enable:1 unmask:0=fee00000/33@10 flush ");
	pci_msi_reset(&at->msi);
	ck_assert_str_eq(bench_take(at->bench), "mask:0 disable flush ");
	ck_assert_uint_eq(toy_read(at->toy, CAPABILITY + 4, 4), 0);
	ck_assert_uint_eq(toy_read(at->toy, FLAGS, 2), 0);
	pci_msi_reset(&at->msi);
	ck_assert_str_eq(bench_take(at->bench), "");
	msi_bench_destroy(at);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, msi_comes_in_four_shapes);
	tcase_add_test(tests, msi_that_cannot_be_is_refused);
	tcase_add_test(tests, msi_vectors_follow_the_guest);
	tcase_add_test(tests, msi_may_be_reset_before_it_has_a_bus);
	tcase_add_test(tests, msi_pending_needs_masks);
	tcase_add_test(tests, msi_reset_disables_and_forgets);
}

int main(void)
{
	return run_suite("pci msi", add_tests);
}
