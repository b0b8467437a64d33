/* SPDX-License-Identifier: BSD-3-Clause */
/* The words for one device, each alone; test_config.c has them on the command line. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/device_option.h"

static struct vfio_device_config device;
static struct err err;

static void set_up(void)
{
	device = (struct vfio_device_config){.path = "0000:01:00.0"};
	err = (struct err){0};
}

static void takes(const char *name, const char *value)
{
	ck_assert_msg(device_option_take(&device, name, value, &err) == 0, "%s", err.text);
}

static void refuses(const char *name, const char *value, const char *part)
{
	ck_assert_int_eq(device_option_take(&device, name, value, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
}

START_TEST(each_word_sets_its_field)
{
	takes("rom", "/r");
	ck_assert_str_eq(device.rom, "/r");
	takes("rom", "off");
	ck_assert(device.no_rom && !device.rom);
	takes("mmap", "off");
	ck_assert_uint_eq(device.trapped, 0x3f);
	takes("mmap", "off:1:4-5");
	ck_assert_uint_eq(device.trapped, 0x32);
	takes("via", "group");
	ck_assert_int_eq(device.via, VFIO_VIA_GROUP);
	takes("vf-token", "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	ck_assert_str_eq(device.vf_token, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	takes("trace", "/t");
	takes("names", "/n");
	ck_assert_str_eq(device.names, "/n");
	takes("port", NULL);
	ck_assert(device.port);
	ck_assert_int_eq(device_option_check(&device, &err), 0);
}
END_TEST

START_TEST(what_is_none_is_refused)
{
	refuses("rom", NULL, "'rom': a value is missing: it is rom=FILE, or rom=off");
	refuses("trace", "", "'trace=': a value is missing: it is trace=FILE");
	refuses("port", "1", "'port=1': unknown part");
	refuses("turbo", NULL, "'turbo': unknown part: it takes port, rom=FILE");
	ck_assert(device_option_is_known("names") && !device_option_is_known("port"));
	refuses("mmap", "on", "mmap=on: it takes off");
	refuses("mmap", "off:6", "BARs from 0 to 5");
	refuses("vf-token", "u", "vf-token=u: not a UUID such as ");
	refuses("via", "fd", "via=fd: it takes iommufd or group");
}
END_TEST

START_TEST(what_does_not_go_together_is_refused)
{
	device.names = "/n";
	ck_assert_int_eq(device_option_check(&device, &err), -EINVAL);
	ck_assert_str_eq(err.text, "names=/n: it is for trace=FILE, which is not given");
	device = (struct vfio_device_config){.path = "fd=7", .fd = 7, .via = VFIO_VIA_GROUP};
	ck_assert_int_eq(device_option_check(&device, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "fd=7: via=group: a character device"), "%s", err.text);
	device.via = VFIO_VIA_ANY;
	ck_assert_int_eq(device_option_check(&device, &err), 0);
	ck_assert_int_eq(device.via, VFIO_VIA_IOMMUFD);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, each_word_sets_its_field);
	tcase_add_test(tests, what_is_none_is_refused);
	tcase_add_test(tests, what_does_not_go_together_is_refused);
}

int main(void)
{
	return run_suite("device_option", add_tests);
}
