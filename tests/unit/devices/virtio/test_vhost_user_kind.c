/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of vhost-user devices: by name, by number, and what is made of each here. */

#include <check.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>

#include "devices/virtio/vhost_user_kind.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static struct vhost_user_kind numbered;

/* Each has queues, and a configuration that fits; its name is told. */
START_TEST(each_has_its_number)
{
	static const struct {
		const char *name;
		uint16_t id;
		unsigned int queues; /* with the least that can be chosen */
	} rows[] = {
		{"net", 1, 2},  {"blk", 2, 1}, {"scsi", 8, 3}, {"vsock", 19, 3},
		{"snd", 25, 4}, {"fs", 26, 2}, {"i2c", 34, 1}, {"gpio", 41, 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vhost_user_kind *kind = vhost_user_find_kind(rows[i].name, &numbered);
		char number[8];

		ck_assert_ptr_nonnull(kind);
		ck_assert_uint_eq(kind->id, rows[i].id);
		ck_assert_uint_eq(vhost_user_count_queues(kind, 0), rows[i].queues);
		ck_assert_uint_le(vhost_user_count_queues(kind, kind->most), VIRTIO_QUEUES_MAX);
		ck_assert_uint_le(kind->config_size, VIRTIO_CONFIG_MAX);
		ck_assert(kind->asks || kind->fill || !kind->config_size || kind->id == 1);
		ck_assert_ptr_nonnull(strstr(vhost_user_kind_names(), rows[i].name));
		(void)snprintf(number, sizeof(number), "%u", rows[i].id);
		ck_assert_ptr_eq(vhost_user_find_kind(number, &numbered), kind);
	}
}
END_TEST

START_TEST(others_go_by_their_number)
{
	ck_assert_ptr_eq(vhost_user_find_kind("52", &numbered), &numbered);
	ck_assert_uint_eq(numbered.id, 52);
	ck_assert_ptr_null(numbered.name);
	ck_assert_uint_eq(vhost_user_count_queues(&numbered, 5), 5);
	ck_assert_ptr_null(vhost_user_find_kind("0", &numbered));
	ck_assert_ptr_null(vhost_user_find_kind("64", &numbered));
	ck_assert_ptr_null(vhost_user_find_kind("5x", &numbered));
	ck_assert_ptr_null(vhost_user_find_kind(" 5", &numbered));
	ck_assert_ptr_null(vhost_user_find_kind("", &numbered));
	ck_assert_ptr_null(vhost_user_find_kind("disk", &numbered));
}
END_TEST

START_TEST(what_is_this_ends_is_filled_in)
{
	const struct vhost_user_choice choice = {.tag = "123456789012345678901234567890123456",
						 .queues = 2};
	const struct vhost_user_kind *kind = vhost_user_find_kind("fs", &numbered);
	struct virtio_device device = {.queue_count = 3, .config_size = kind->config_size};

	kind->fill(&device, &choice);
	ck_assert_mem_eq(device.config, choice.tag, VHOST_USER_TAG_MAX);
	ck_assert_uint_eq(load_le32(device.config + VHOST_USER_TAG_MAX), 2);
	kind = vhost_user_find_kind("scsi", &numbered);
	device = (struct virtio_device){.queue_count = 4, .config_size = kind->config_size};
	kind->fill(&device, &choice);
	ck_assert_uint_eq(load_le32(device.config), 2);
}
END_TEST

/* No server knows of them, so a driver is offered what the user has chosen. */
START_TEST(a_card_has_an_address_and_a_longest_packet)
{
	const struct vhost_user_kind *kind = vhost_user_find_kind("net", &numbered);
	struct vhost_user_choice choice = {.mac = {2, 3, 4, 5, 6, 7}, .mtu = 1400};
	struct virtio_device device = {.config_size = kind->config_size};

	kind->fill(&device, &choice);
	ck_assert_uint_eq(device.features, UINT64_C(1) << VIRTIO_NET_F_MTU);
	choice.has_mac = true;
	choice.mtu = 0;
	device.features = 0;
	kind->fill(&device, &choice);
	ck_assert_uint_eq(device.features, UINT64_C(1) << VIRTIO_NET_F_MAC);
	ck_assert_mem_eq(device.config, choice.mac, 6);
	ck_assert_uint_eq(load_le16(device.config + 10), 0);
	ck_assert_uint_eq(kind->withheld & UINT64_C(1) << VIRTIO_NET_F_MAC,
			  UINT64_C(1) << VIRTIO_NET_F_MAC);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, each_has_its_number);
	tcase_add_test(tests, others_go_by_their_number);
	tcase_add_test(tests, what_is_this_ends_is_filled_in);
	tcase_add_test(tests, a_card_has_an_address_and_a_longest_packet);
}

int main(void)
{
	return run_suite("vhost_user_kind", add_tests);
}
