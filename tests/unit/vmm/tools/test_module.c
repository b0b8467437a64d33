/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a kernel module is: in the kernel, on disk, or nowhere. */

#include <check.h>
#include <stdio.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/tools/module.h"

static enum module_state find(const char *name)
{
	char modules[256];
	struct tool tool;

	snprintf(modules, sizeof(modules), "%s", fake_tree_path("modules"));
	tool = (struct tool){.sys = fake_tree_path(""), .modules = modules};
	return module_find(&tool, name);
}

START_TEST(one_in_the_kernel_has_a_folder_or_is_built_in)
{
	ck_assert_int_eq(find("vfio_pci"), MODULE_MISSING);
	fake_tree_folder("modules");
	ck_assert_int_eq(find("vfio_pci"), MODULE_MISSING);
	fake_tree_write("modules/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n");
	ck_assert_int_eq(find("vfio_pci"), MODULE_THERE);
	ck_assert_int_eq(find("vfio"), MODULE_MISSING);
	fake_tree_folder("module/vfio");
	ck_assert_int_eq(find("vfio"), MODULE_THERE);
}
END_TEST

START_TEST(one_on_disk_can_be_loaded)
{
	fake_tree_folder("modules");
	fake_tree_write("modules/modules.dep",
			"kernel/drivers/vfio/vfio.ko.xz: kernel/virt/lib/irqbypass.ko.xz\n"
			"kernel/drivers/vfio/pci/vfio-pci.ko.zst: kernel/drivers/vfio/vfio.ko.zst\n"
			"vfio_iommu_type1.ko:\n");
	ck_assert_int_eq(find("vfio"), MODULE_LOADABLE);
	ck_assert_int_eq(find("vfio_pci"), MODULE_LOADABLE);
	ck_assert_int_eq(find("vfio_iommu_type1"), MODULE_LOADABLE);
	/* What a module needs is no line of its own. */
	ck_assert_int_eq(find("irqbypass"), MODULE_MISSING);
	ck_assert_int_eq(find("pci"), MODULE_MISSING);
	ck_assert_int_eq(find("vfio_pci_core"), MODULE_MISSING);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_tree_create, fake_tree_remove);
	tcase_add_test(tests, one_in_the_kernel_has_a_folder_or_is_built_in);
	tcase_add_test(tests, one_on_disk_can_be_loaded);
}

int main(void)
{
	return run_suite("module", add_tests);
}
