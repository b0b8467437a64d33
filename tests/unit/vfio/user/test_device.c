/* SPDX-License-Identifier: BSD-3-Clause */
/* A device of vfio-user as the rest of the layer sees it: what it is, accesses, a reset. */

#include "tests/unit/support/fake_user.h"
#include "vfio/pci/region.h"

START_TEST(it_tells_what_it_is)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	fake_user_open_well();
	ck_assert_int_eq(fake.backend->ops->info(fake.backend, &info), 0);
	ck_assert_uint_eq(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	ck_assert_uint_eq(info.num_regions, VFIO_PCI_NUM_REGIONS);
	ck_assert_uint_ge(info.num_irqs, VFIO_PCI_NUM_IRQS);
	ck_assert_uint_eq(fake_user_region(0)->size, FAKE_REGISTERS);
	ck_assert_uint_eq(fake_user_region(1)->size, 0);
	ck_assert_uint_eq(fake_user_region(VFIO_PCI_CONFIG_REGION_INDEX)->size, 4096);
}
END_TEST

START_TEST(parts_of_a_file_may_be_mapped)
{
	struct vfio_region region;
	uint64_t offset = 1;
	int fd;

	fake_user_open_well();
	ck_assert_int_eq(vfio_region_load(fake.backend, 4, &region, &fake.err), 0);
	ck_assert(region.sparse);
	ck_assert_uint_eq(region.area_count, 1);
	ck_assert_uint_eq(region.areas[0].offset, FAKE_FILE / 2);
	fd = fake.backend->ops->region_fd(fake.backend, &region.info, &offset);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(offset, 0);
	ck_assert_int_eq(pwrite(fake.file, "both", 4, FAKE_FILE / 2), 4);
	{
		char *host = mmap(NULL, FAKE_FILE / 2, PROT_READ, MAP_SHARED, fd,
				  (off_t)(offset + region.areas[0].offset));

		ck_assert_ptr_ne(host, MAP_FAILED);
		ck_assert_mem_eq(host, "both", 4);
		munmap(host, FAKE_FILE / 2);
	}
	/* Without room for the capabilities nothing points to them. */
	region.info = (struct vfio_region_info){.argsz = sizeof(region.info), .index = 4};
	ck_assert_int_eq(fake.backend->ops->region_info(fake.backend, &region.info), 0);
	ck_assert_uint_gt(region.info.argsz, sizeof(region.info));
	ck_assert_uint_eq(region.info.cap_offset, 0);
	ck_assert_int_eq(fake.backend->ops->region_fd(fake.backend, fake_user_region(0), &offset),
			 -EBADF);
	region.info.index = VFIO_USER_REGIONS;
	ck_assert_int_eq(fake.backend->ops->region_info(fake.backend, &region.info), -EINVAL);
}
END_TEST

static int write_register(unsigned int bar, uint64_t offset, uint32_t value)
{
	return fake.backend->ops->write(fake.backend, fake_user_region(bar), offset, &value, 4);
}

static uint32_t read_register(unsigned int bar, uint64_t offset)
{
	uint32_t value = 0;

	ck_assert_int_eq(fake.backend->ops->read(fake.backend, fake_user_region(bar), offset,
						 &value, 4),
			 0);
	return value;
}

/* More than any socket's buffer holds, in order, and a read behind them. */
START_TEST(posted_writes_are_in_order)
{
	fake_user_open_well();
	for (uint32_t i = 1; i <= 5000; i++)
		ck_assert_int_eq(write_register(0, 8, i), 0);
	ck_assert_uint_eq(read_register(0, 8), 5000);
	ck_assert_uint_eq(fake_user_heard(COMMAND_WRITE), 5000);
}
END_TEST

START_TEST(writes_to_ports_and_config_space_are_answered)
{
	uint8_t command = PCI_COMMAND_MASTER;

	fake_user_open_well();
	ck_assert_int_eq(write_register(2, 4, 0x1234), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_WRITE), 1);
	ck_assert_uint_eq(read_register(2, 4), 0x1234);
	ck_assert_int_eq(fake.backend->ops->write(fake.backend,
						  fake_user_region(VFIO_PCI_CONFIG_REGION_INDEX),
						  PCI_COMMAND, &command, 1),
			 0);
	ck_assert_uint_eq(fake.server.config[PCI_COMMAND], PCI_COMMAND_MASTER);
}
END_TEST

/* In as many messages as the server wants. */
START_TEST(a_block_is_read_in_parts)
{
	uint8_t config[4096];

	fake.server.max_transfer = _i ? 8 : 0;
	fake_user_open_well();
	ck_assert_int_eq(fake.backend->ops->read(fake.backend,
						 fake_user_region(VFIO_PCI_CONFIG_REGION_INDEX), 0,
						 config, sizeof(config)),
			 0);
	ck_assert_mem_eq(config, fake.model.config, sizeof(config));
	ck_assert_uint_eq(atomic_load(&fake.server.largest), _i ? 8 : 4096);
}
END_TEST

START_TEST(a_reset_is_the_servers)
{
	fake_user_open_well();
	ck_assert_int_eq(write_register(0, 8, 1), 0);
	ck_assert_int_eq(fake.backend->ops->reset(fake.backend), 0);
	ck_assert_uint_eq(fake.resets, 1);
	ck_assert_uint_eq(read_register(0, 8), 0);
}
END_TEST

/* Before it has a thread, which another thread could end, and then. */
START_TEST(one_that_never_stops_to_talk_is_lost)
{
	uint32_t value;

	fake.server.at = _i ? COMMAND_READ : COMMAND_INFO;
	fake.server.fault = USER_FAULT_TALKS;
	/* Time enough for what it answers before that. */
	fake.patience_ms = _i ? FAKE_PATIENCE_MS : 2000;
	fake.running_ms = FAKE_SHORT_MS;
	fake.server.skip = _i ? 1000 : 0;
	hear();
	if (_i) {
		fake_user_open_well();
		fake.server.skip = 0;
		value = read_register(0, 8);
		ck_assert_uint_eq(value, UINT32_MAX);
		ck_assert_ptr_nonnull(strstr(heard(), "has not answered"));
	} else {
		ck_assert_ptr_null(fake_user_open());
		ck_assert_ptr_nonnull(strstr(heard(), "has not answered"));
	}
}
END_TEST

/* One device, on no bus. */
START_TEST(there_is_no_other_reset)
{
	struct vfio_pci_hot_reset_info info = {.argsz = sizeof(info)};

	fake_user_open_well();
	ck_assert_int_eq(fake.backend->ops->hot_reset_info(fake.backend, &info), -ENODEV);
}
END_TEST

START_TEST(a_sandbox_is_told_of_every_descriptor)
{
	int descriptors[16];
	size_t count;

	fake_user_open_well();
	count = vfio_user_descriptors(fake.backend, descriptors, ARRAY_SIZE(descriptors), 0);
	/* The event that ends it, a file; its connection is listed as any device's. */
	ck_assert_uint_eq(count, 2);
	ck_assert_int_ge(fake.backend->ops->descriptor(fake.backend), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_user_set_up, fake_user_tear_down);
	tcase_add_test(tests, it_tells_what_it_is);
	tcase_add_test(tests, parts_of_a_file_may_be_mapped);
	tcase_add_test(tests, posted_writes_are_in_order);
	tcase_add_test(tests, writes_to_ports_and_config_space_are_answered);
	tcase_add_loop_test(tests, a_block_is_read_in_parts, 0, 2);
	tcase_add_test(tests, a_reset_is_the_servers);
	tcase_add_loop_test(tests, one_that_never_stops_to_talk_is_lost, 0, 2);
	tcase_add_test(tests, there_is_no_other_reset);
	tcase_add_test(tests, a_sandbox_is_told_of_every_descriptor);
}

int main(void)
{
	return run_suite("a device of vfio-user", add_tests);
}
