/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's driver core over a made-up sysfs: takes the place of vmm/tools/act.c. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_DRIVERS_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_DRIVERS_H

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/fake_sysfs.h"
#include "vmm/tools/act.h"

/* How the fake behaves, and what it was asked for. */
static struct fake_drivers {
	const char *choice;   /* the driver that a probe without an override finds */
	const char *stubborn; /* an address that vfio-pci does not take */
	const char *deaf;     /* a file's name that cannot be written */
	const char *lost;     /* a driver that takes nothing back */
	int modprobe_fails;
	const char *late_group; /* an address that gets group 7 with a driver */
	const char *slow;       /* a file's name whose writing takes over a second */
	unsigned int steps;     /* changes to the host so far, and that of them ... */
	unsigned int dies_before, dies_after, fails; /* ... where the process ends, or one fails */
	bool fails_onwards;                          /* and all after it */
	char log[8192];                              /* every write and module, a line each */
} fake;

/* Before a change to the host; whether it is to fail. */
static bool fake_step(void)
{
	fake.steps++;
	if (fake.dies_before == fake.steps)
		raise(SIGKILL);
	return fake.fails &&
	       (fake.steps == fake.fails || (fake.fails_onwards && fake.steps > fake.fails));
}

static void fake_stepped(void)
{
	if (fake.dies_after && fake.dies_after == fake.steps)
		raise(SIGKILL);
}

static void fake_note(const char *path, const char *text)
{
	size_t used = strlen(fake.log);

	snprintf(fake.log + used, sizeof(fake.log) - used, "%s=%.*s\n", path,
		 (int)strcspn(text, "\n"), text);
}

static void fake_read(const char *path, char *text, size_t size)
{
	FILE *file = fopen(fake_tree_path(path), "r");

	if (!file || !fgets(text, (int)size, file))
		text[0] = '\0';
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

/* The kernel's core gives a device with an override to nobody else. */
static bool fake_matches(const char *address, const char *driver)
{
	char path[256], override[64];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver_override", address);
	fake_read(path, override, sizeof(override));
	return !override[0] || strcmp(override, "(null)") == 0 || strcmp(override, driver) == 0;
}

static void fake_bind(const char *address, const char *driver)
{
	char path[256], target[256];

	if (!fake_matches(address, driver))
		return;
	snprintf(path, sizeof(path), "bus/pci/drivers/%s", driver);
	if (access(fake_tree_path(path), F_OK) < 0 ||
	    (fake.lost && strcmp(fake.lost, driver) == 0) ||
	    (fake.stubborn && strcmp(driver, "vfio-pci") == 0 &&
	     strcmp(fake.stubborn, address) == 0))
		return;
	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", address);
	snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
	if (access(fake_tree_path(path), F_OK) < 0)
		fake_tree_link(path, target);
	if (fake.late_group && strcmp(fake.late_group, address) == 0) {
		snprintf(path, sizeof(path), "bus/pci/devices/%s/iommu_group", address);
		fake_tree_link(path, "../../../../kernel/iommu_groups/7");
		fake.late_group = NULL;
	}
}

static void fake_probe(const char *address)
{
	char path[256], override[64];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver_override", address);
	fake_read(path, override, sizeof(override));
	if (override[0] && strcmp(override, "(null)") != 0)
		fake_bind(address, override);
	else if (fake.choice)
		fake_bind(address, fake.choice);
}

static void fake_write(char *relative, const char *text)
{
	char address[32], driver[64];

	if (strcmp(relative, "bus/pci/drivers_probe") == 0) {
		fake_probe(text);
	} else if (sscanf(relative, "bus/pci/drivers/%63[^/]/bind", driver) == 1) {
		fake_bind(text, driver);
	} else if (strstr(relative, "/driver/unbind")) {
		ck_assert_int_eq(sscanf(relative, "bus/pci/devices/%31[^/]/", address), 1);
		ck_assert_str_eq(address, text);
		*strstr(relative, "/unbind") = '\0';
		fake_tree_unlink(relative);
	} else {
		ck_assert_ptr_nonnull(strstr(relative, "/driver_override"));
		fake_tree_write(relative, text);
	}
}

int act_write(const char *path, const char *text)
{
	char relative[PATH_MAX];
	size_t root = strlen(fake_tree_path("")) + 1;

	ck_assert_uint_gt(strlen(path), root);
	snprintf(relative, sizeof(relative), "%s", path + root);
	fake_note(relative, text);
	if (fake.slow && strstr(relative, fake.slow))
		usleep(1500000);
	if (fake_step())
		return -EIO;
	if (fake.deaf && strstr(relative, fake.deaf))
		return -EACCES;
	fake_write(relative, text);
	fake_stepped();
	return 0;
}

int act_load_module(const char *name)
{
	char path[256];

	fake_note("modprobe", name);
	if (fake_step())
		return -EIO;
	if (fake.modprobe_fails)
		return fake.modprobe_fails;
	snprintf(path, sizeof(path), "bus/pci/drivers/%s", name);
	fake_tree_folder(path);
	fake_stepped();
	return 0;
}

#endif
