/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole layer by character devices and iommufd, over a made-up kernel. */

#include <check.h>
#include <errno.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/bus_reset.h"
#include "vfio/vfio_private.h"
#include "vmm/base/log.h"

START_TEST(it_is_taken_where_both_nodes_are)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_str_eq(way(), "iommufd");
}
END_TEST

START_TEST(the_group_is_taken_without_iommufd)
{
	fake_tree_unlink("dev/iommu");
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_str_eq(way(), "IOMMU groups");
}
END_TEST

START_TEST(the_group_is_taken_without_a_node)
{
	fake_tree_unlink("dev/vfio/devices/vfio0");
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_str_eq(way(), "IOMMU groups");
}
END_TEST

START_TEST(the_user_says_which)
{
	bench.via = VFIO_VIA_GROUP;
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_str_eq(way(), "IOMMU groups");
	bench.via = VFIO_VIA_IOMMUFD;
	ck_assert_int_eq(add("02:00.1"), -EINVAL);
	said("02:00.1: it is had by iommufd, those before it by IOMMU groups");
}
END_TEST

START_TEST(why_not_is_told_once)
{
	static const char why[] = "device 0000:02:00.1: not by iommufd";
	const char *told;

	ck_assert_int_eq(add("01:00.0"), 0);
	fake_tree_unlink("dev/vfio/devices/vfio4");
	log_set_level(LOG_INFO);
	hear();
	ck_assert_int_eq(add("02:00.1"), -EINVAL);
	said("02:00.1: it is had by IOMMU groups, those before it by iommufd");
	told = strstr(heard(), why);
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_null(strstr(told + 1, why));
}
END_TEST

/* Not that it would be had by another way than the first. */
START_TEST(a_second_that_is_not_there)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("05:00.0"), -ENOENT);
	said("0000:05:00.0: this host has none there");
}
END_TEST

START_TEST(no_iommufd)
{
	bench.via = VFIO_VIA_IOMMUFD;
	fake_tree_unlink("dev/iommu");
	add_refused(-ENOENT, "dev/iommu: No such file or directory: load the driver");
	said("via=group");
}
END_TEST

START_TEST(no_character_device)
{
	fake_tree_add_device("0000:03:00.0", 9, "vfio-pci");
	bench.via = VFIO_VIA_IOMMUFD;
	ck_assert_int_eq(add("03:00.0"), -ENOENT);
	said("0000:03:00.0: VFIO has no character device of it");
	said("via=group");
}
END_TEST

START_TEST(no_node)
{
	bench.via = VFIO_VIA_IOMMUFD;
	fake_tree_unlink("dev/vfio/devices/vfio0");
	add_refused(-ENOENT, "dev/vfio/devices/vfio0 is missing");
}
END_TEST

START_TEST(no_permission)
{
	bench.via = VFIO_VIA_IOMMUFD;
	kernel.open_fails = -EACCES;
	add_refused(-EACCES, "vfio0: no permission: as root: chown");
}
END_TEST

START_TEST(no_address_space)
{
	bench.via = VFIO_VIA_IOMMUFD;
	fail_ioctl(IOMMUFD_IOAS_ALLOC, -ENOMEM);
	add_refused(-ENOMEM, "it gives no address space");
	fail_ioctl(0, 0);
	ck_assert_int_eq(add("01:00.0"), 0);
}
END_TEST

START_TEST(not_bound)
{
	fail_ioctl(IOMMUFD_DEVICE_BIND, -EBUSY);
	attach_refused("iommufd does not take it: it, or another member of its group, is in use");
}
END_TEST

START_TEST(a_member_is_in_the_way)
{
	fake_tree_add_device("0000:01:00.1", 7, "nvme");
	fail_ioctl(IOMMUFD_DEVICE_BIND, -EPERM);
	attach_refused("01:00.0: IOMMU group 7: not viable: 0000:01:00.1 (driver nvme)");
}
END_TEST

START_TEST(not_attached)
{
	fail_ioctl(IOMMUFD_DEVICE_ATTACH, -EPERM);
	attach_refused("iommufd.allow_unsafe_interrupts=1");
}
END_TEST

START_TEST(no_ranges)
{
	fail_ioctl(IOMMUFD_IOAS_IOVA_RANGES, -EIO);
	attach_refused("the usable addresses");
}
END_TEST

START_TEST(everything_in_order_and_back)
{
	/*
	 * KVM's and iommufd's; the devices' are as many as by groups. KVM lets go of a device
	 * before it is closed: it would not be free else.
	 */
	lives("ioas kvm kvm-add kvm-add bind attach bind attach ", 3 + 2 * 8,
	      "kvm-del kvm-del unmap ");
}
END_TEST

/* As on Arm, where what an MSI is written to is mapped in a window. */
static void map_msis(unsigned int group)
{
	char path[64];

	snprintf(path, sizeof(path), "kernel/iommu_groups/%u/reserved_regions", group);
	fake_tree_write(path, "0x0000000008000000 0x00000000080fffff msi\n");
}

START_TEST(an_msi_is_tried_where_the_kernel_maps_them)
{
	map_msis(7);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_str_eq(way(), "iommufd");
	ck_assert_str_eq(kernel.devices[0].log, "trigger2:0+1 off2:0+0 trigger1:0+1 off1:0+0 ");
}
END_TEST

START_TEST(no_msi_is_tried_on_x86)
{
	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"0x00000000fee00000 0x00000000feefffff msi\n");
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_str_eq(kernel.devices[0].log, "");
}
END_TEST

/* Two of them, of which one has no MSI to be tried. */
START_TEST(without_msis_all_go_by_their_groups)
{
	unsigned int before = count_descriptors();
	const char *told;

	map_msis(8);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, 4096, &bench.err), 0);
	fail_ioctl(VFIO_DEVICE_SET_IRQS, -ENOSPC);
	log_set_level(LOG_INFO);
	hear();
	ck_assert_int_eq(prepare(), 0);
	told = heard();
	ck_assert_ptr_nonnull(strstr(told, "0000:02:00.1: by iommufd the host's kernel gives"));
	ck_assert_ptr_nonnull(strstr(told, "device 0000:01:00.0: by IOMMU groups"));
	ck_assert_ptr_nonnull(strstr(told, "device 0000:02:00.1: by IOMMU groups"));
	ck_assert_str_eq(way(), "IOMMU groups");
	/* KVM's device, a container and two groups: nothing of iommufd's is left. */
	ck_assert_uint_eq(count_descriptors(), before + 4);
}
END_TEST

START_TEST(without_msis_iommufd_is_refused)
{
	map_msis(7);
	bench.via = VFIO_VIA_IOMMUFD;
	ck_assert_int_eq(add("01:00.0"), 0);
	fail_ioctl(VFIO_DEVICE_SET_IRQS, -ENOSPC);
	ck_assert_int_eq(prepare(), -EOPNOTSUPP);
	said("device 0000:01:00.0: by iommufd the host's kernel gives it no MSI (No space left");
	said("CONFIG_IOMMUFD_DRIVER_CORE for that: take the device by its group: via=group");
}
END_TEST

START_TEST(without_msis_and_without_its_group)
{
	map_msis(7);
	ck_assert_int_eq(add("01:00.0"), 0);
	fail_ioctl(VFIO_DEVICE_SET_IRQS, -EOPNOTSUPP);
	fake_tree_unlink("dev/vfio/7");
	hear();
	ck_assert_int_eq(prepare(), -ENOENT);
	said("0000:01:00.0");
	said("dev/vfio/7");
	ck_assert_ptr_nonnull(strstr(heard(), "CONFIG_IOMMUFD_DRIVER_CORE"));
}
END_TEST

START_TEST(what_the_layout_needs_is_known_before)
{
	struct ram_range ranges[4];

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, ranges, 4), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, ranges, 4), 3);
	ck_assert_uint_eq(ranges[0].size, 0xfee00000);
}
END_TEST

/* Of the device in that slot of the root bus. */
static void write_command(unsigned int slot, uint16_t value)
{
	ck_assert_int_eq(pci_host_config_write(bench.host, (uint16_t)(slot << 3), PCI_COMMAND, 2,
					       value),
			 MEM_DONE);
}

/* 01:00.0 decodes, as if RAM were mapped already. */
static void attach_both(void)
{
	struct vfio_peers *peers = &hardware()->peers;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	ck_assert_int_eq(vfio_peers_start(peers, bench.mmio, hardware()->provider->space,
					  &bench.err),
			 0);
	peers->settled = true;
	kernel.events[0] = '\0';
	write_command(1, PCI_COMMAND_MEMORY);
}

START_TEST(a_bar_is_mapped_by_a_file_of_it)
{
	unsigned int before;
	bool found = false;

	kernel.has_dma_buf = true;
	attach_both();
	before = count_descriptors();
	ck_assert_ptr_nonnull(strstr(kernel.events, "map-file"));
	ck_assert_ptr_null(strstr(kernel.events, "unmap"));
	ck_assert_uint_eq(kernel.dma_buf.open_flags, O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < hardware()->peers.count; i++) {
		const struct vfio_peer *peer = &hardware()->peers.peers[i];

		if (peer->iova != kernel.space.maps[kernel.space.count - 1].iova)
			continue;
		ck_assert_uint_eq(((uint64_t)kernel.dma_buf.region << FAKE_REGION_SHIFT) +
					  kernel.dma_buf.offset,
				  peer->region->device_offset);
		ck_assert_uint_ne(peer->region->device_offset, 0);
		ck_assert_uint_eq(kernel.dma_buf.length, peer->size);
		found = true;
	}
	ck_assert(found);
	write_command(1, 0);
	ck_assert_ptr_nonnull(strstr(kernel.events, "unmap"));
	ck_assert_uint_eq(kernel.space.count, 0);
	ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* Other addresses than of memory it does not map, which is told once somebody may want it. */
START_TEST(a_kernel_without_such_files)
{
	kernel.space.fail_at = 1;
	kernel.space.fail_code = -EFAULT;
	hear();
	attach_both();
	ck_assert_str_eq(heard(), "");
	hear();
	write_command(2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(strstr(kernel.events, "map-file"));
	ck_assert_ptr_nonnull(strstr(heard(), "does not map this memory of a device for DMA"));
}
END_TEST

START_TEST(a_device_alone_is_no_reason_to_warn)
{
	const char *text;

	kernel.space.fail_at = 1;
	kernel.space.fail_code = -EFAULT;
	log_set_level(LOG_INFO);
	hear();
	attach_both();
	text = heard();
	log_set_level(LOG_WARN);
	ck_assert_ptr_nonnull(strstr(text, "no device can reach it by DMA"));
	ck_assert_ptr_null(strstr(text, "warn"));
}
END_TEST

/* A guest may have taken all descriptors, say. The kernel is not blamed for what it can do. */
START_TEST(a_file_that_cannot_be_had_now)
{
	kernel.has_dma_buf = true;
	fail_ioctl(VFIO_DEVICE_FEATURE, -EMFILE);
	hear();
	attach_both();
	write_command(2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(strstr(kernel.events, "map-file"));
	ck_assert_uint_eq(kernel.space.count, 0);
	ck_assert_ptr_nonnull(strstr(heard(), "can reach it by DMA: Too many open files"));
}
END_TEST

/* While another of the guest's goes on: the host can have it back. */
START_TEST(a_device_that_is_closed_is_free_at_once)
{
	struct vfio_backend *backend;
	unsigned int before;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(prepare(), 0);
	backend = bench.vfio->entries[0]->backend;
	before = count_descriptors();
	bench.vfio->entries[0]->backend = NULL;
	backend->ops->close(backend);
	ck_assert_uint_eq(count_descriptors(), before - 1);
	ck_assert_ptr_nonnull(strstr(kernel.events, "kvm-del"));
}
END_TEST

/* Nothing is shown; a stranger is named. */
START_TEST(a_reset_of_the_bus)
{
	struct fake_vfio *fake = &kernel.devices[0];
	struct vfio_bus_reset *reset;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	fake->dependents = 2;
	fake->dependent[0] = (struct vfio_pci_dependent_device){.group_id = 1, .bus = 1};
	fake->dependent[1] = (struct vfio_pci_dependent_device){.bus = 1, .devfn = 3};
	reset = vfio_bus_reset_prepare(hardware()->provider, &fake->backend, "0000:01:00.0",
				       &bench.err);
	ck_assert_msg(reset, "%s", bench.err.text);
	ck_assert_uint_eq(reset->request->count, 0);
	ck_assert_uint_eq(reset->request->argsz, sizeof(*reset->request));
	vfio_bus_reset_free(reset);
	fake->dependent[1].group_id = IOMMUFD_DEVID_NOT_OWNED;
	ck_assert_ptr_null(vfio_bus_reset_prepare(hardware()->provider, &fake->backend,
						  "0000:01:00.0", &bench.err));
	said("0000:01:00.0: its bus cannot be reset: 0000:01:00.3 would be hit: pass that device");
	fake->dependents = 0;
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_cdevs, teardown);
	tcase_add_test(tests, it_is_taken_where_both_nodes_are);
	tcase_add_test(tests, the_group_is_taken_without_iommufd);
	tcase_add_test(tests, the_group_is_taken_without_a_node);
	tcase_add_test(tests, the_user_says_which);
	tcase_add_test(tests, why_not_is_told_once);
	tcase_add_test(tests, a_second_that_is_not_there);
	tcase_add_test(tests, no_iommufd);
	tcase_add_test(tests, no_character_device);
	tcase_add_test(tests, no_node);
	tcase_add_test(tests, no_permission);
	tcase_add_test(tests, no_address_space);
	tcase_add_test(tests, not_bound);
	tcase_add_test(tests, a_member_is_in_the_way);
	tcase_add_test(tests, not_attached);
	tcase_add_test(tests, no_ranges);
	tcase_add_test(tests, everything_in_order_and_back);
	tcase_add_test(tests, an_msi_is_tried_where_the_kernel_maps_them);
	tcase_add_test(tests, no_msi_is_tried_on_x86);
	tcase_add_test(tests, without_msis_all_go_by_their_groups);
	tcase_add_test(tests, without_msis_iommufd_is_refused);
	tcase_add_test(tests, without_msis_and_without_its_group);
	tcase_add_test(tests, what_the_layout_needs_is_known_before);
	tcase_add_test(tests, a_bar_is_mapped_by_a_file_of_it);
	tcase_add_test(tests, a_kernel_without_such_files);
	tcase_add_test(tests, a_device_alone_is_no_reason_to_warn);
	tcase_add_test(tests, a_file_that_cannot_be_had_now);
	tcase_add_test(tests, a_device_that_is_closed_is_free_at_once);
	tcase_add_test(tests, a_reset_of_the_bus);
}

int main(void)
{
	return run_suite("vfio cdev", add_tests);
}
