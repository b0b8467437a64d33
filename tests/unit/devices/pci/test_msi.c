/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's side of MSI and MSI-X: what the owner is told when, masks, pending bits, refusals. */

#include <errno.h>
#include <stdarg.h>

#include "devices/pci/msi.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

enum {
	CAPABILITY = 0x50,
	FLAGS = CAPABILITY + 2,
	TABLE = 0x1000, /* in BAR 0 */
	PBA = 0x2000,
	VECTORS = 70,
};

/* In the place of vectors.c: writes down what it is told. */
struct pci_vectors {
	struct bench *bench;
	uint64_t pending[2];
};

static void told(struct pci_vectors *vectors, const char *format, ...) FERRY_PRINTF(2, 3);

static void told(struct pci_vectors *vectors, const char *format, ...)
{
	char text[80];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	bench_note(vectors->bench, text);
}

void pci_vectors_enable(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int count)
{
	(void)mode;
	told(vectors, "enable:%u", count);
}

void pci_vectors_disable(struct pci_vectors *vectors, enum pci_vectors_mode mode)
{
	(void)mode;
	told(vectors, "disable");
}

void pci_vectors_unmask(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			unsigned int vector, const struct kvm_msi_message *message)
{
	(void)mode;
	told(vectors, "unmask:%u=%" PRIx64 "/%x@%x", vector, message->address, message->data,
	     message->device_id);
}

void pci_vectors_mask(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int vector)
{
	(void)mode;
	told(vectors, "mask:%u", vector);
}

bool pci_vectors_pending(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			 unsigned int vector)
{
	(void)mode;
	return vectors->pending[vector / 64] >> (vector % 64) & 1;
}

void pci_vectors_flush(struct pci_vectors *vectors, enum pci_vectors_mode mode)
{
	(void)mode;
	told(vectors, "flush");
}

struct msi_bench {
	struct bench *bench;
	struct toy *toy;
	struct pci_vectors vectors;
	struct pci_msix msix;
	struct pci_msi msi;
};

static struct msi_bench *msi_bench_create(void)
{
	struct msi_bench *at = calloc(1, sizeof(*at));

	at->bench = bench_create();
	at->vectors.bench = at->bench;
	at->toy = toy_create(at->bench, "a");
	ck_assert_int_eq(toy_bar(at->toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(at->toy, 1, PCI_BAR_IO, 0x100), 0);
	toy_add(at->toy, 2, 0);
	return at;
}

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

static void msi_bench_destroy(struct msi_bench *at)
{
	pci_msix_release(&at->msix);
	bench_destroy(at->bench);
	free(at);
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
		{TABLE, PBA | 7, "PBA is in BAR 7"},
		{0x4000 - 16 * (VECTORS - 1), PBA, "table of 0x460 bytes at 0x3bb0 leaves BAR 0"},
		{TABLE, 0x3ff8, "PBA of 0x10 bytes at 0x3ff8 leaves BAR 0"},
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
	tcase_add_test(tests, msix_is_read_from_the_capability);
	tcase_add_test(tests, msix_that_cannot_be_is_refused);
	tcase_add_test(tests, msix_vectors_live_when_nothing_masks_them);
	tcase_add_test(tests, msix_messages_of_live_vectors_may_change);
	tcase_add_test(tests, msix_odd_accesses_do_not_count);
	tcase_add_test(tests, msix_pba_shows_what_is_pending);
	tcase_add_test(tests, msix_reset_masks_and_forgets);
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
