/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of the machine. */

#include <check.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/unit/support/fake_control.h"
#include "tests/unit/support/suite.h"
#include "vmm/control/query.h"

static json_t *answer;

/* Whether @answer is the same as the JSON @text. */
static void is(const char *text)
{
	json_t *wanted = json_loads(text, 0, NULL);
	char *shown = json_dumps(answer, 0);

	ck_assert_ptr_nonnull(wanted);
	ck_assert_msg(json_equal(answer, wanted), "%s", shown);
	free(shown);
	json_decref(wanted);
	json_decref(answer);
}

START_TEST(the_status_has_qmps_words)
{
	answer = control_query_status(&fake_target);
	is("{\"running\": true, \"status\": \"running\"}");
	fake_machine.status = CONTROL_PRELAUNCH;
	answer = control_query_status(&fake_target);
	is("{\"running\": false, \"status\": \"prelaunch\"}");
	fake_machine.status = CONTROL_PAUSED;
	answer = control_query_status(&fake_target);
	is("{\"running\": false, \"status\": \"paused\"}");
	fake_machine.status = CONTROL_DEBUG;
	answer = control_query_status(&fake_target);
	is("{\"running\": false, \"status\": \"debug\"}");
	fake_machine.status = CONTROL_PANICKED;
	answer = control_query_status(&fake_target);
	is("{\"running\": false, \"status\": \"guest-panicked\"}");
}
END_TEST

START_TEST(each_vcpu_has_its_thread)
{
	struct utsname host;
	char wanted[512];

	uname(&host);
	fake_target.system = host;
	snprintf(wanted, sizeof(wanted),
		 "[{\"cpu-index\": 0, \"qom-path\": \"/machine/cpu[0]\", \"thread-id\": 1000, "
		 "\"target\": \"%s\", \"props\": {\"core-id\": 0}},"
		 "{\"cpu-index\": 1, \"qom-path\": \"/machine/cpu[1]\", \"thread-id\": 1001, "
		 "\"target\": \"%s\", \"props\": {\"core-id\": 1}}]",
		 host.machine, host.machine);
	answer = control_query_cpus(&fake_target);
	is(wanted);
}
END_TEST

START_TEST(memory_is_in_bytes)
{
	answer = control_query_memory(&fake_target);
	is("{\"base-memory\": 1073741824, \"plugged-memory\": 0}");
}
END_TEST

START_TEST(all_of_it_is_in_one_object)
{
	static const unsigned int pins[] = {4, 7};
	json_t *cpus;

	fake_target.pins = pins;
	clock_gettime(CLOCK_MONOTONIC, &fake_target.since);
	fake_target.since.tv_sec -= 100;
	answer = control_query_all(&fake_target);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "version")), FERRY_VERSION);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "pid")), getpid());
	ck_assert_int_ge(json_integer_value(json_object_get(answer, "uptime_seconds")), 100);
	ck_assert_int_lt(json_integer_value(json_object_get(answer, "uptime_seconds")), 160);
	ck_assert(json_is_true(json_object_get(answer, "running")));
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "memory_bytes")), 1 << 30);
	cpus = json_incref(json_object_get(answer, "cpus"));
	json_decref(answer);
	answer = cpus;
	is("[{\"index\": 0, \"thread\": 1000, \"host_cpu\": 4, \"exits\": 11},"
	   "{\"index\": 1, \"thread\": 1001, \"host_cpu\": 7, \"exits\": 12}]");
	fake_target.pins = NULL;
}
END_TEST

START_TEST(devices_are_in_it)
{
	json_t *devices;

	fake_devices = 2;
	answer = control_query_all(&fake_target);
	fake_devices = 0;
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "pinned_bytes")), 1 << 30);
	devices = json_incref(json_object_get(answer, "devices"));
	json_decref(answer);
	answer = devices;
	is("[{\"id\": \"nic\", \"host\": \"0000:01:00.0\", \"guest\": \"00:03.0\", "
	   "\"slot\": \"slot3\", \"leaving\": true, \"gone\": false, \"unseen\": true, \"program\": false, \"vendor\": \"8086\", "
	   "\"device\": \"10d3\", \"state\": \"alive\", \"interrupts\": \"MSI-X\", "
	   "\"vectors\": 5, \"unmasked\": 3, \"errors\": 1}, "
	   "{\"id\": \"0000:02:00.0\", \"host\": \"0000:02:00.0\", \"guest\": null, "
	   "\"slot\": null, \"leaving\": false, \"gone\": true, \"unseen\": false, \"program\": false, \"vendor\": \"8086\", "
	   "\"device\": \"10d3\", \"state\": \"alive\", \"interrupts\": \"MSI-X\", "
	   "\"vectors\": 5, \"unmasked\": 3, \"errors\": 1}]");
}
END_TEST

/* A part of all that is told. */
static void part_is(const char *name, const char *text)
{
	json_t *whole = control_query_all(&fake_target);

	answer = json_incref(json_object_get(whole, name));
	json_decref(whole);
	is(text);
}

START_TEST(slots_are_in_it)
{
	part_is("slots", "[]");
	fake_slots = 2;
	part_is("slots",
		"[{\"slot\": \"slot3\", \"taken\": true, \"occupied\": true, \"powered\": true}, "
		"{\"slot\": \"slot4\", \"taken\": true, \"occupied\": false, \"powered\": false}]");
	fake_slots = 0;
}
END_TEST

START_TEST(the_way_to_devices_is_in_it)
{
	part_is("passthrough", "{\"via\": null, \"open\": false}");
	fake_via = VFIO_VIA_IOMMUFD;
	part_is("passthrough", "{\"via\": \"iommufd\", \"open\": false}");
	fake_via = VFIO_VIA_GROUP;
	fake_via_open = true;
	part_is("passthrough", "{\"via\": \"group\", \"open\": true}");
}
END_TEST

/* By the ids that device_del takes. */
START_TEST(a_device_has_its_id_on_its_bus)
{
	json_t *buses;

	fake_devices = 1;
	buses = control_query_pci(&fake_target);
	fake_devices = 0;
	answer = json_incref(
		json_object_get(json_array_get(json_object_get(json_array_get(buses, 0), "devices"),
					       0),
				"qdev_id"));
	json_decref(buses);
	ck_assert_str_eq(json_string_value(answer), "nic");
	json_decref(answer);
}
END_TEST

START_TEST(functions_are_told_with_their_bars)
{
	answer = control_query_pci(&fake_target);
	is("[{\"bus\": 0, \"devices\": [{\"bus\": 0, \"slot\": 3, \"function\": 1, "
	   "\"class_info\": {\"class\": 512, \"desc\": \"Ethernet controller\"}, "
	   "\"id\": {\"vendor\": 32902, \"device\": 4307, \"subsystem-vendor\": 4156, "
	   "\"subsystem\": 4660}, \"irq_pin\": 1, \"qdev_id\": \"0000:01:00.0\", \"regions\": "
	   "[{\"bar\": 0, \"type\": \"memory\", \"address\": 3221225472, \"size\": 131072, "
	   "\"prefetch\": true, \"mem_type_64\": true}, "
	   "{\"bar\": 2, \"type\": \"io\", \"address\": -1, \"size\": 32}]}, "
	   "{\"bus\": 0, \"slot\": 4, \"function\": 0, "
	   "\"class_info\": {\"class\": 1540, \"desc\": \"PCI bridge\"}, "
	   "\"id\": {\"vendor\": 32902, \"device\": 13344}, \"irq_pin\": 0, "
	   "\"qdev_id\": \"port\", \"regions\": [], \"pci_bridge\": {\"bus\": "
	   "{\"number\": 0, \"secondary\": 1, \"subordinate\": 2, "
	   "\"io_range\": {\"base\": 61440, \"limit\": 4095}, "
	   "\"memory_range\": {\"base\": 3238002688, \"limit\": 3271557119}, "
	   "\"prefetchable_range\": {\"base\": 274877906944, \"limit\": 275951648767}}, "
	   "\"devices\": [], \"slot\": {\"number\": 1, \"occupied\": false, \"powered\": true}}}]}]");
}
END_TEST

/* As QEMU has it. */
START_TEST(what_is_behind_a_bridge_is_in_it)
{
	json_t *buses, *port, *device;

	fake_slots = 1;
	buses = control_query_pci(&fake_target);
	fake_slots = 0;
	ck_assert_uint_eq(json_array_size(buses), 1);
	port = json_array_get(json_object_get(json_array_get(buses, 0), "devices"), 1);
	device = json_array_get(json_object_get(json_object_get(port, "pci_bridge"), "devices"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(device, "bus")), 1);
	ck_assert_str_eq(json_string_value(json_object_get(device, "qdev_id")), "0000:02:00.0");
	json_decref(buses);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_machine_reset, NULL);
	tcase_add_test(tests, the_status_has_qmps_words);
	tcase_add_test(tests, each_vcpu_has_its_thread);
	tcase_add_test(tests, memory_is_in_bytes);
	tcase_add_test(tests, all_of_it_is_in_one_object);
	tcase_add_test(tests, devices_are_in_it);
	tcase_add_test(tests, slots_are_in_it);
	tcase_add_test(tests, the_way_to_devices_is_in_it);
	tcase_add_test(tests, a_device_has_its_id_on_its_bus);
	tcase_add_test(tests, what_is_behind_a_bridge_is_in_it);
	tcase_add_test(tests, functions_are_told_with_their_bars);
}

int main(void)
{
	return run_suite("query", add_tests);
}
