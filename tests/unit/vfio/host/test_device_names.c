/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that VFIO knows by other names than 0000:01:00.0: mediated ones, wide segments, tokens.
 */

#include <check.h>
#include <errno.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/host/sysfs.h"
#include "vfio/pci/pci.h"
#include "vfio/tell/describe.h"
#include "vfio/type1/group.h"

#define MDEV  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define TOKEN "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

/* The group's name is what Linux calls that of every device without an IOMMU of its own. */
static void add_mdev(const char *driver)
{
	fake_tree_folder("bus/mdev/devices/" MDEV);
	fake_tree_link("bus/mdev/devices/" MDEV "/subsystem", "../../../../bus/mdev");
	fake_tree_link("bus/mdev/devices/" MDEV "/iommu_group",
		       "../../../../kernel/iommu_groups/8");
	if (driver)
		fake_tree_link("bus/mdev/devices/" MDEV "/driver", driver);
	fake_tree_write("kernel/iommu_groups/8/name", "vfio-noiommu\n");
}

START_TEST(a_mediated_device_by_its_uuid)
{
	struct vfio_sysfs_device device;
	uint64_t low, high;

	add_mdev("../nvidia-vgpu-vfio");
	ck_assert_msg(add(MDEV) == 0, "%s", bench.err.text);
	fake_vfio_poke(&kernel.devices[0], VFIO_PCI_CONFIG_REGION_INDEX, PCI_BASE_ADDRESS_4, 4,
		       PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	fake_vfio_poke(&kernel.devices[0], VFIO_PCI_CONFIG_REGION_INDEX, PCI_BASE_ADDRESS_2, 4,
		       PCI_BASE_ADDRESS_SPACE_IO);
	ck_assert_msg(prepare() == 0, "%s", bench.err.text);
	ck_assert_str_eq(kernel.events, "join set-iommu kvm kvm-add device ");
	ck_assert_str_eq(kernel.devices[0].name, MDEV);
	/* BAR 0 of 64 KiB and the ROM, if any, below; BAR 4 of 2 MiB above. */
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low, 64 * KIB + kernel.devices[0].regions[PCI_ROM_BAR].size);
	ck_assert_uint_eq(high, 2 * MIB);
	ck_assert_msg(attach() == 0, "%s", bench.err.text);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	/* Once is enough. */
	ck_assert_str_eq(kernel.events, "join set-iommu kvm kvm-add device ");
	ck_assert_int_eq(vfio_describe(bench.vfio, MDEV, stderr), 0);
	/* The host commands, which bind PCI devices, leave it to its own driver. */
	ck_assert_int_eq(vfio_sysfs_locate(fake_tree_path(""), MDEV, &device, &bench.err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "ferry run --vfio takes it as it is"));
}
END_TEST

START_TEST(a_device_by_any_path)
{
	char path[PATH_MAX];

	add_mdev("../mtty");
	snprintf(path, sizeof(path), "%s/", fake_tree_path("bus/mdev/devices/" MDEV));
	ck_assert_msg(add(path) == 0, "%s", bench.err.text);
	ck_assert_int_eq(add(MDEV), -EEXIST);
	fake_tree_folder("bus/platform/devices/fff51000.ethernet");
	fake_tree_link("bus/platform/devices/fff51000.ethernet/iommu_group",
		       "../../../../kernel/iommu_groups/7");
	fake_tree_link("bus/platform/devices/fff51000.ethernet/driver", "../vfio-platform");
	snprintf(path, sizeof(path), "%s",
		 fake_tree_path("bus/platform/devices/fff51000.ethernet"));
	ck_assert_msg(add(path) == 0, "%s", bench.err.text);
	/* That it is none of PCI VFIO tells when it is open. */
	kernel.devices[1].info.flags = VFIO_DEVICE_FLAGS_PLATFORM;
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_lt(attach(), 0);
	said("fff51000.ethernet");
}
END_TEST

/* They are several, and none is a function of another's device. */
START_TEST(each_has_a_slot_of_its_own)
{
	const struct vfio_sysfs_device *sysfs;

	add_mdev("../mtty");
	fake_tree_folder("bus/mdev/devices/b");
	fake_tree_link("bus/mdev/devices/b/iommu_group", "../../../../kernel/iommu_groups/8");
	fake_tree_link("bus/mdev/devices/b/driver", "../mtty");
	ck_assert_int_eq(add(fake_tree_path("bus/mdev/devices/b")), 0);
	ck_assert_int_eq(add(MDEV), 0);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_msg(attach() == 0, "%s", bench.err.text);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(vfio_device(bench.vfio, i, &sysfs)->device.devfn, (i + 1) << 3);
}
END_TEST

START_TEST(a_mediated_device_that_is_not_fit)
{
	ck_assert_int_eq(add(MDEV), -ENOENT);
	said("bus/mdev/devices/" MDEV);
	add_mdev(NULL);
	ck_assert_int_eq(add(MDEV), -ENODEV);
	said("it has no driver");
	fake_tree_unlink("bus/mdev/devices/" MDEV "/iommu_group");
	ck_assert_int_eq(add(MDEV), -ENODEV);
	said("it is in no IOMMU group");
	ck_assert_int_eq(add(fake_tree_path("dev")), -ENODEV);
	ck_assert_int_eq(add("83b8f4f2-509f-382f-3c1e-e6bfe0fa100"), -EINVAL);
	said("UUID");
}
END_TEST

START_TEST(one_that_cannot_be_measured_is_closed)
{
	add_mdev("../mtty");
	ck_assert_int_eq(add(MDEV), 0);
	kernel.devices[0].regions[VFIO_PCI_BAR2_REGION_INDEX].error = -EIO;
	ck_assert_int_eq(prepare(), -EIO);
	said("passthrough device " MDEV ": region 2");
}
END_TEST

START_TEST(what_sysfs_describes_is_opened_late)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_str_eq(kernel.events, "join set-iommu ");
}
END_TEST

static int add_with_token(const char *token)
{
	bench.err.text[0] = '\0';
	return vfio_add(bench.vfio,
			&(struct vfio_device_config){.path = "01:00.0", .vf_token = token},
			&bench.err);
}

START_TEST(a_token_goes_with_the_name)
{
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(kernel.devices[0].name, "0000:01:00.0 vf_token=" TOKEN);
}
END_TEST

START_TEST(a_token_that_is_wanted)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	fail_ioctl(VFIO_GROUP_GET_DEVICE_FD, -EACCES);
	ck_assert_int_eq(attach(), -EACCES);
	said("0000:01:00.0: it wants a VF token");
	said("vf-token=UUID");
}
END_TEST

START_TEST(a_token_that_is_wrong)
{
	static const char *const tokens[] = {"1", TOKEN "0", "6ba7b810-9dad-11d1-80b4_00c04fd430c8",
					     "6ba7b810-9dad-11d1-80b4-00c04fd430cg", " "};

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		ck_assert_int_eq(add_with_token(tokens[i]), -EINVAL);
		said("not a UUID");
	}
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	fail_ioctl(VFIO_GROUP_GET_DEVICE_FD, -EACCES);
	ck_assert_int_eq(attach(), -EACCES);
	said("vf-token=" TOKEN ": another one was set");
	fail_ioctl(VFIO_GROUP_GET_DEVICE_FD, -EINVAL);
	ck_assert_int_eq(attach(), -EINVAL);
	said("vf-token=" TOKEN ": it takes none");
}
END_TEST

/* The kernel tells 16 bits of a segment, VMD's begin at 0x10000. */
START_TEST(a_bus_of_a_wide_segment)
{
	const struct vfio_settings settings = {.sysfs = fake_tree_path(""),
					       .dev = fake_tree_path("dev")};
	struct vfio_device_config config = {.path = "01:00.0"};
	struct fake_vfio *fake = &kernel.devices[0];
	struct vfio_provider *provider = vfio_type1_provider.create(&settings, &bench.err);
	struct vfio_sysfs_device device;
	struct vfio_lease *lease = provider->ops->join(provider, &config, &device, &bench.err);
	struct vfio_bus_reset *reset;

	fake->dependents = 2;
	fake->dependent[0] = (struct vfio_pci_dependent_device){.group_id = 7, .bus = 1};
	fake->dependent[1] = (struct vfio_pci_dependent_device){.group_id = 7,
								.segment = 0,
								.bus = 1,
								.devfn = 3};
	reset = vfio_bus_reset_prepare(provider, &fake->backend, "10000:01:00.0", &bench.err);
	ck_assert_msg(reset, "%s", bench.err.text);
	ck_assert(vfio_bus_reset_hits(reset, "10000:01:00.3"));
	ck_assert(!vfio_bus_reset_hits(reset, "0000:01:00.3"));
	vfio_bus_reset_free(reset);
	fake->dependent[1].group_id = 9;
	reset = vfio_bus_reset_prepare(provider, &fake->backend, "7fffffff:01:00.0", &bench.err);
	ck_assert_ptr_null(reset);
	said("0000:01:00.3 in IOMMU group 9");
	fake->dependent[1].segment = 0xffff;
	reset = vfio_bus_reset_prepare(provider, &fake->backend, "7fffffff:01:00.0", &bench.err);
	ck_assert_ptr_null(reset);
	said("7fffffff:01:00.3 in IOMMU group 9");
	provider->ops->leave(lease);
	provider->ops->destroy(provider);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_mediated_device_by_its_uuid);
	tcase_add_test(tests, a_device_by_any_path);
	tcase_add_test(tests, each_has_a_slot_of_its_own);
	tcase_add_test(tests, a_mediated_device_that_is_not_fit);
	tcase_add_test(tests, one_that_cannot_be_measured_is_closed);
	tcase_add_test(tests, what_sysfs_describes_is_opened_late);
	tcase_add_test(tests, a_token_goes_with_the_name);
	tcase_add_test(tests, a_token_that_is_wanted);
	tcase_add_test(tests, a_token_that_is_wrong);
	tcase_add_test(tests, a_bus_of_a_wide_segment);
}

int main(void)
{
	return run_suite("vfio names", add_tests);
}
