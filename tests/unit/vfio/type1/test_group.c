/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole layer over a made-up kernel: nodes are files, ioctls are answered here. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/type1/group.h"

START_TEST(nothing_is_opened_without_devices)
{
	uint64_t low, high;

	ck_assert_uint_eq(count_descriptors(), bench.descriptors);
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, NULL, 0), 0);
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, NULL, 0), 0);
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, UINT64_MAX, &bench.err), 0);
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert(low == 0 && high == 0);
	ck_assert_str_eq(kernel.events, "");
	vfio_destroy(NULL);
}
END_TEST

START_TEST(no_vfio_folder)
{
	fake_tree_unlink("dev/vfio/vfio");
	fake_tree_unlink("dev/vfio/7");
	fake_tree_unlink("dev/vfio/8");
	rmdir(fake_tree_path("dev/vfio"));
	add_refused(-ENOENT,
		    "dev/vfio: No such file or directory: load the driver: modprobe vfio-pci");
}
END_TEST

START_TEST(no_group_node)
{
	fake_tree_unlink("dev/vfio/7");
	add_refused(-ENOENT, "dev/vfio/7 is missing");
}
END_TEST

START_TEST(group_in_use)
{
	kernel.open_fails = -EBUSY;
	add_refused(-EBUSY, "in use by another process");
}
END_TEST

START_TEST(no_permission)
{
	kernel.open_fails = -EACCES;
	add_refused(-EACCES, "no permission: as root: chown");
}
END_TEST

START_TEST(another_reason_not_to_open)
{
	kernel.open_fails = -EMFILE;
	add_refused(-EMFILE, "Too many open files");
}
END_TEST

START_TEST(no_status)
{
	fail_ioctl(VFIO_GROUP_GET_STATUS, -EIO);
	add_refused(-EIO, "its status cannot be had");
}
END_TEST

START_TEST(not_viable)
{
	kernel.group_flags = VFIO_GROUP_FLAGS_CONTAINER_SET;
	fake_tree_add_device("0000:01:00.1", 7, "nvme");
	add_refused(-EPERM, "not viable: 0000:01:00.1 (driver nvme)");
}
END_TEST

START_TEST(group_cannot_join)
{
	fail_ioctl(VFIO_GROUP_SET_CONTAINER, -EINVAL);
	add_refused(-EINVAL, "cannot join the container");
	fail_ioctl(VFIO_GROUP_SET_CONTAINER, -EPERM);
	add_refused(-EPERM, "allow_unsafe_interrupts");
	/* The same layer can still be used. */
	fail_ioctl(0, 0);
	ck_assert_int_eq(add("01:00.0"), 0);
}
END_TEST

START_TEST(iommu_type_cannot_be_set)
{
	fail_ioctl(VFIO_SET_IOMMU, -ENODEV);
	add_refused(-ENODEV, "IOMMU type cannot be set");
	fail_ioctl(VFIO_SET_IOMMU, -EPERM);
	add_refused(-EPERM, "allow_unsafe_interrupts");
}
END_TEST

START_TEST(iommu_tells_nothing)
{
	fail_ioctl(VFIO_IOMMU_GET_INFO, -EIO);
	add_refused(-EIO, "the IOMMU's properties");
}
END_TEST

START_TEST(kvm_without_vfio_device)
{
	kernel.kvm_create_fails = -ENODEV;
	attach_refused("CONFIG_KVM_VFIO");
}
END_TEST

START_TEST(kvm_vfio_device_cannot_be_created)
{
	kernel.kvm_create_fails = -ENOMEM;
	attach_refused("KVM: VFIO");
}
END_TEST

START_TEST(kvm_refuses_the_group)
{
	kernel.kvm_add_fails = -EINVAL;
	attach_refused("does not take IOMMU group 7");
	ck_assert_ptr_null(strstr(kernel.events, "device"));
}
END_TEST

START_TEST(device_cannot_be_opened)
{
	fail_ioctl(VFIO_GROUP_GET_DEVICE_FD, -ENODEV);
	attach_refused("0000:01:00.0: IOMMU group 7 does not open it");
}
END_TEST

START_TEST(device_tells_nothing)
{
	fail_ioctl(VFIO_DEVICE_GET_INFO, -EIO);
	attach_refused("0000:01:00.0: VFIO tells nothing of it");
}
END_TEST

START_TEST(regions_tell_nothing)
{
	fail_ioctl(VFIO_DEVICE_GET_REGION_INFO, -EIO);
	attach_refused("0000:01:00.0: region 0: its information cannot be had");
}
END_TEST

/* Room was set aside for what sysfs told. */
START_TEST(a_bar_larger_than_in_sysfs_is_refused)
{
	kernel.devices[0].regions[4].size = 4 * MIB;
	attach_refused("0000:01:00.0: BAR 4: VFIO says 0x400000 bytes, sysfs 0x200000");
}
END_TEST

/* Those of a variant driver are what VFIO says: some have BARs that the device has not. */
START_TEST(a_variant_drivers_bars_are_measured)
{
	uint64_t low, high;

	fake_tree_unlink("bus/pci/devices/0000:01:00.0/driver");
	fake_tree_link("bus/pci/devices/0000:01:00.0/driver",
		       "../../../../bus/pci/drivers/virtio_vfio_pci");
	kernel.devices[0].regions[4].size = 4 * MIB;
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(vfio_prepare(bench.vfio, bench.vm, &bench.err), 0);
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_ge(high, 4 * MIB);
	ck_assert_int_eq(attach(), 0);
}
END_TEST

START_TEST(the_second_device_fails)
{
	kernel.devices[1].info.flags = VFIO_DEVICE_FLAGS_CCW;
	ck_assert_int_eq(add("02:00.1"), 0);
	attach_refused("no PCI device");
}
END_TEST

START_TEST(the_same_device_twice)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("0000:01:00.0"), -EEXIST);
	said("the guest has it already");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
}
END_TEST

START_TEST(groups_share_one_container)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("01:00.3"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_str_eq(kernel.events, "join set-iommu join ");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 3);
}
END_TEST

START_TEST(everything_in_order_and_back)
{
	/* KVM's, container, two groups; each device with ERR, REQ, INTx's two, a reset's three. */
	lives("join set-iommu join kvm kvm-add kvm-add device device ", 5 + 2 * 8,
	      "unmap kvm-del leave kvm-del leave ");
}
END_TEST

START_TEST(the_host_bridge_may_go_last)
{
	uint32_t value;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(attach(), 0);
	vfio_destroy(bench.vfio);
	bench.vfio = NULL;
	no_leaks();
	pci_host_config_read(bench.host, 1 << 3, 0, 4, &value);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(pci_host_config_write(bench.host, 1 << 3, PCI_COMMAND, 2, 7), MEM_DONE);
	pci_host_reset(bench.host);
}
END_TEST

static uint32_t identity(unsigned int slot, unsigned int function)
{
	uint32_t value;

	pci_host_config_read(bench.host, (uint16_t)(slot << 3 | function), 0, 4, &value);
	return value;
}

START_TEST(functions_of_one_device_share_a_slot)
{
	uint32_t header;

	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(add("01:00.3"), 0);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(attach(), 0);
	/* 02:00.1 comes without its function 0 and gets a slot as a single function. */
	ck_assert_uint_eq(identity(1, 0), 0x10d38086);
	ck_assert_uint_eq(identity(2, 0), 0x10d38086);
	ck_assert_uint_eq(identity(2, 3), 0x10d38086);
	ck_assert_uint_eq(identity(1, 1), UINT32_MAX);
	pci_host_config_read(bench.host, 1 << 3, PCI_HEADER_TYPE, 1, &header);
	ck_assert_uint_eq(header, 0);
	pci_host_config_read(bench.host, 2 << 3, PCI_HEADER_TYPE, 1, &header);
	ck_assert_uint_eq(header, 0x80);
}
END_TEST

static void add_behind_port(const char *path)
{
	ck_assert_int_eq(vfio_add(bench.vfio,
				  &(struct vfio_device_config){.path = path, .port = true},
				  &bench.err),
			 0);
}

/* Each of a slot behind the port of its function 0; one without that, or elsewhere, by itself. */
START_TEST(functions_of_one_device_share_a_port)
{
	add_behind_port("02:00.1");
	add_behind_port("01:00.3");
	add_behind_port("01:00.0");
	ck_assert_uint_eq(vfio_port_count(bench.vfio), 2);
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(identity(1, 0), 0x34208086);
	ck_assert_uint_eq(identity(2, 0), 0x34208086);
	ck_assert_uint_eq(identity(3, 0), UINT32_MAX);
	ck_assert_uint_eq(identity(32, 0), 0x10d38086);
	ck_assert_uint_eq(identity(32, 1), UINT32_MAX);
	ck_assert_uint_eq(identity(64, 0), 0x10d38086);
	ck_assert_uint_eq(identity(64, 3), 0x10d38086);
}
END_TEST

START_TEST(a_port_is_of_those_that_ask_for_it)
{
	ck_assert_int_eq(add("01:00.3"), 0);
	add_behind_port("01:00.0");
	ck_assert_uint_eq(vfio_port_count(bench.vfio), 1);
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(identity(1, 0), 0x10d38086);
	ck_assert_uint_eq(identity(2, 0), 0x34208086);
	ck_assert_uint_eq(identity(32, 0), 0x10d38086);
}
END_TEST

START_TEST(too_many_ports_are_said)
{
	struct vfio_attach to = {.mmio = bench.mmio, .irq = &bench.irq, .loop = bench.loop};
	struct pci_host_config host = vfio_host_config(bench.mmio, bench.pio);

	host.buses = 1;
	pci_host_destroy(bench.host);
	bench.host = to.host = pci_host_create(&host, &bench.err);
	add_behind_port("01:00.0");
	ck_assert_int_eq(vfio_attach(bench.vfio, &to, &bench.err), -ENOSPC);
	said("passthrough device 0000:01:00.0: PCI port: slot1: all 1 buses are taken");
}
END_TEST

static struct vfio_provider *provide(void)
{
	static struct vfio_settings settings;

	settings =
		(struct vfio_settings){.sysfs = fake_tree_path(""), .dev = fake_tree_path("dev")};
	return vfio_type1_provider.create(&settings, &bench.err);
}

static struct vfio_lease *join(struct vfio_provider *provider, const char *path)
{
	struct vfio_lease *lease;
	struct vfio_sysfs_device device;

	lease = provider->ops->join(provider, &(struct vfio_device_config){.path = path}, &device,
				    &bench.err);
	ck_assert_msg(lease, "%s", bench.err.text);
	return lease;
}

/* Each group once, as a copy that stays when the group leaves; none of somebody else's. */
START_TEST(a_reset_of_the_bus_is_shown_its_groups)
{
	struct vfio_provider *provider = provide();
	struct vfio_lease *first = join(provider, "01:00.0"), *third = join(provider, "02:00.1");
	struct fake_vfio *fake = &kernel.devices[0];
	struct vfio_bus_reset *reset;

	ck_assert_ptr_eq(join(provider, "01:00.3"), first);
	fake->dependents = 4;
	for (uint32_t i = 0; i < 4; i++)
		fake->dependent[i] = (struct vfio_pci_dependent_device){.group_id = 7 + i % 2};
	reset = vfio_bus_reset_prepare(provider, &fake->backend, "0000:01:00.0", &bench.err);
	ck_assert_msg(reset, "%s", bench.err.text);
	ck_assert_uint_eq(reset->request->count, 2);
	ck_assert_uint_eq(reset->request->argsz, sizeof(*reset->request) + 2 * sizeof(int32_t));
	provider->ops->leave(third);
	ck_assert_int_ge(fcntl(reset->request->group_fds[1], F_GETFD), 0);
	vfio_bus_reset_free(reset);
	ck_assert_ptr_null(
		vfio_bus_reset_prepare(provider, &fake->backend, "0000:01:00.0", &bench.err));
	said("0000:01:00.0: its bus cannot be reset: 0000:00:00.0 in IOMMU group 8 would be hit");
	provider->ops->leave(first);
	provider->ops->leave(first);
	provider->ops->destroy(provider);
}
END_TEST

static void write_resources(void)
{
	fake_tree_write("bus/pci/devices/0000:01:00.0/resource",
			"0xfeb40000 0xfeb5ffff 0x40200\n"
			"0x0 0x0 0x0\n"
			"0xe000 0xe01f 0x40101\n"
			"0x0 0x0 0x0\n"
			"0x1000000000 0x101fffffff 0x14220c\n"
			"0x0 0x0 0x0\n"
			"0xfeb00000 0xfeb3ffff 0x46200\n");
	fake_tree_write("bus/pci/devices/0000:02:00.1/resource",
			"0xfe000000 0xfe000fff 0x40200\n"
			"0x1020000000 0x10201fffff 0x140204\n");
}

/* Behind a port in whole MiB, and only what is prefetchable above 4 GiB. */
START_TEST(windows_of_ports_are_sized_too)
{
	uint64_t low, high;

	write_resources();
	add_behind_port("01:00.0");
	add_behind_port("02:00.1");
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low, MIB + 4 * MIB);
	ck_assert_uint_eq(high, 512 * MIB);
}
END_TEST

START_TEST(windows_are_sized_from_sysfs)
{
	uint64_t low, high;

	write_resources();
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low, 128 * KIB + 256 * KIB + 4 * KIB);
	ck_assert_uint_eq(high, 512 * MIB + 2 * MIB);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_is_opened_without_devices);
	tcase_add_test(tests, no_vfio_folder);
	tcase_add_test(tests, no_group_node);
	tcase_add_test(tests, group_in_use);
	tcase_add_test(tests, no_permission);
	tcase_add_test(tests, another_reason_not_to_open);
	tcase_add_test(tests, no_status);
	tcase_add_test(tests, not_viable);
	tcase_add_test(tests, group_cannot_join);
	tcase_add_test(tests, iommu_type_cannot_be_set);
	tcase_add_test(tests, iommu_tells_nothing);
	tcase_add_test(tests, kvm_without_vfio_device);
	tcase_add_test(tests, kvm_vfio_device_cannot_be_created);
	tcase_add_test(tests, kvm_refuses_the_group);
	tcase_add_test(tests, device_cannot_be_opened);
	tcase_add_test(tests, device_tells_nothing);
	tcase_add_test(tests, regions_tell_nothing);
	tcase_add_test(tests, a_bar_larger_than_in_sysfs_is_refused);
	tcase_add_test(tests, a_variant_drivers_bars_are_measured);
	tcase_add_test(tests, the_second_device_fails);
	tcase_add_test(tests, the_same_device_twice);
	tcase_add_test(tests, groups_share_one_container);
	tcase_add_test(tests, everything_in_order_and_back);
	tcase_add_test(tests, the_host_bridge_may_go_last);
	tcase_add_test(tests, functions_of_one_device_share_a_slot);
	tcase_add_test(tests, a_reset_of_the_bus_is_shown_its_groups);
	tcase_add_test(tests, windows_are_sized_from_sysfs);
	tcase_add_test(tests, windows_of_ports_are_sized_too);
	tcase_add_test(tests, functions_of_one_device_share_a_port);
	tcase_add_test(tests, a_port_is_of_those_that_ask_for_it);
	tcase_add_test(tests, too_many_ports_are_said);
}

int main(void)
{
	return run_suite("vfio group", add_tests);
}
