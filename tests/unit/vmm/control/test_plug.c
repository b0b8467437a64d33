/* SPDX-License-Identifier: BSD-3-Clause */
/* What device_add and device_del take, and what becomes of the descriptors that they name. */

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/unit/support/fake_control.h"
#include "tests/unit/support/suite.h"
#include "vmm/control/commands.h"

#define VFIO "\"driver\": \"vfio-pci\""
#define USER "\"driver\": \"vfio-user-pci\""

static struct control_passed passed;
static unsigned int all, answers;
static bool no_memory;
static struct err err, told;

static void *defer(void *owner)
{
	return no_memory ? NULL : owner;
}

static void done(void *owner, const struct err *why)
{
	(void)owner;
	answers++;
	told = why ? *why : (struct err){0};
}

static int execute(const char *name, const char *arguments)
{
	const struct control_caller caller = {
		.target = &fake_target,
		.negotiated = true,
		.passed = &passed,
		.defer = defer,
		.done = done,
		.owner = &passed,
	};
	json_t *given = json_loads(arguments, 0, NULL), *answer = NULL;
	int rc;

	ck_assert_msg(given, "%s", arguments);
	err = (struct err){0};
	rc = control_command(&caller, name, given, &answer, &err);
	/* What is kept of them must be copies. */
	json_decref(given);
	json_decref(answer);
	return rc;
}

static void set_up(void)
{
	fake_machine_reset();
	passed = (struct control_passed){.waiting = -1, .all = &all};
	answers = 0;
	no_memory = false;
}

static void tear_down(void)
{
	fake_add_ends();
	control_passed_release(&passed);
	ck_assert_uint_eq(all, 0);
}

static int open_so(const char *name, int mode)
{
	int fd = open("/dev/null", mode | O_CLOEXEC);

	control_passed_bring(&passed, fd, CONTROL_CAME_ONE);
	ck_assert_msg(control_passed_keep(&passed, name, &err) == 0, "%s", err.text);
	return fd;
}

static int an_fd(const char *name)
{
	return open_so(name, O_RDWR);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void adds(const char *arguments)
{
	unsigned int before = fake_machine.adds;

	ck_assert_msg(execute("device_add", arguments) == CONTROL_LATER, "%s", err.text);
	ck_assert_uint_eq(fake_machine.adds, before + 1);
}

static void refuses(const char *arguments, const char *sentence)
{
	unsigned int before = fake_machine.adds;

	ck_assert_msg(execute("device_add", arguments) < 0, "%s", arguments);
	ck_assert_msg(strstr(err.text, "device_add: ") == err.text, "%s", err.text);
	ck_assert_msg(strcmp(err.text + strlen("device_add: "), sentence) == 0, "%s", err.text);
	ck_assert_uint_eq(fake_machine.adds, before);
}

START_TEST(a_device_is_named_by_its_address)
{
	adds("{" VFIO ", \"host\": \"01:00.0\"}");
	ck_assert_str_eq(fake_machine.path, "01:00.0");
	ck_assert_str_eq(fake_machine.id, "");
	ck_assert_str_eq(fake_machine.slot, "");
	ck_assert_uint_eq(answers, 0);
	fake_add_ends();
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(told.code, 0);
	fake_machine.flaw = "no slot is free";
	adds("{" VFIO ", \"sysfsdev\": \"/sys/bus/pci/devices/0000:01:00.0\", \"id\": "
	     "\"a.b-c_9\", \"bus\": \"slot12\"}");
	ck_assert_str_eq(fake_machine.path, "/sys/bus/pci/devices/0000:01:00.0");
	ck_assert_str_eq(fake_machine.id, "a.b-c_9");
	ck_assert_str_eq(fake_machine.slot, "slot12");
	fake_add_ends();
	ck_assert_str_eq(told.text, "no slot is free");
}
END_TEST

START_TEST(options_are_the_command_lines)
{
	adds("{" VFIO ", \"host\": \"01:00.0\", \"rom\": \"off\", \"mmap\": \"off:0-1\", \"via\": "
	     "\"group\", \"vf-token\": \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\", \"trace\": "
	     "\"/t\", \"names\": \"/n\"}");
	ck_assert(fake_machine.config.no_rom);
	ck_assert_uint_eq(fake_machine.config.trapped, 3);
	ck_assert_int_eq(fake_machine.config.via, VFIO_VIA_GROUP);
	ck_assert_ptr_nonnull(fake_machine.config.vf_token);
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"mmap\": \"on\"}",
		"mmap=on: it takes off, or off:LIST with BARs from 0 to 5 such as off:0:2-4");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"names\": \"/n\"}",
		"names=/n: it is for trace=FILE, which is not given");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"port\": \"\"}", "it has no argument 'port'");
}
END_TEST

/* Of programs that are written for QEMU. */
START_TEST(qemus_words_are_understood)
{
	adds("{" VFIO ", \"host\": \"01:00.0\", \"romfile\": \"\", \"bus\": \"slot3\", "
	     "\"addr\": \"0x0\"}");
	ck_assert(fake_machine.config.no_rom && !fake_machine.config.rom);
	ck_assert_str_eq(fake_machine.slot, "slot3");
	adds("{" VFIO ", \"host\": \"01:00.0\", \"romfile\": \"/r\", \"bus\": \"slot3\", "
	     "\"addr\": \"0x0.0x1\"}");
	ck_assert(!fake_machine.config.no_rom && fake_machine.config.rom);
	ck_assert_str_eq(fake_machine.slot, "slot3.1");
	adds("{" VFIO ", \"host\": \"01:00.0\", \"romfile\": \"/r\", \"rombar\": 0, \"addr\": "
	     "\"00\"}");
	ck_assert(fake_machine.config.no_rom && !fake_machine.config.rom);
	ck_assert_str_eq(fake_machine.slot, "");
	adds("{" VFIO ", \"host\": \"01:00.0\", \"rombar\": 1, \"bus\": \"slot4\", \"addr\": "
	     "\"0.7\"}");
	ck_assert(!fake_machine.config.no_rom);
	ck_assert_str_eq(fake_machine.slot, "slot4.7");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"rombar\": 2}", "rombar: it takes 0 or 1");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"rom\": \"off\", \"romfile\": \"\"}",
		"rom says what romfile and rombar do: leave one of both out");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"addr\": \"0x5\"}",
		"addr=0x5: behind a slot's port it is 0, or 0.1 for function 1");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"addr\": \"0.8\"}",
		"addr=0.8: behind a slot's port it is 0, or 0.1 for function 1");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"addr\": \"0.1\"}",
		"addr=0.1: a function beside others: name their slot by bus, as slot3");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"bus\": \"\"}",
		"bus=: it is empty: it takes a slot such as slot3");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"rom\": \"\"}",
		"'rom=': a value is missing: it is rom=FILE, or rom=off");
}
END_TEST

START_TEST(a_program_is_had_by_its_connection)
{
	static const char *const others[] = {"host",         "sysfsdev", "iommufd", "group-fd",
					     "container-fd", "via",      "vf-token"};
	char arguments[128], sentence[64];
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	control_passed_bring(&passed, ends[0], CONTROL_CAME_ONE);
	ck_assert_msg(control_passed_keep(&passed, "s", &err) == 0, "%s", err.text);
	refuses("{" USER "}",
		"fd is missing: the name of a socket that is connected to the server");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(arguments, sizeof(arguments), "{" USER ", \"fd\": \"s\", \"%s\": \"x\"}",
			 others[i]);
		snprintf(sentence, sizeof(sentence), "%s: it is for vfio-pci alone", others[i]);
		refuses(arguments, sentence);
	}
	adds("{" USER ", \"fd\": \"s\", \"id\": \"model\", \"mmap\": \"off\"}");
	ck_assert_int_eq(fake_machine.config.via, VFIO_VIA_USER);
	ck_assert_int_eq(fake_machine.config.fd, ends[0]);
	ck_assert_str_eq(fake_machine.id, "model");
	ck_assert_uint_eq(all, 0);
	fake_add_ends();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(what_is_wrong_is_told)
{
	refuses("{\"driver\": \"e1000\\n\", \"host\": \"01:00.0\"}",
		"driver 'e1000?': devices are added by vfio-pci and vfio-user-pci alone");
	refuses("{" VFIO "}", "which device it is is told by one of host, sysfsdev and fd");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"sysfsdev\": \"/sys/x\"}",
		"which device it is is told by one of host, sysfsdev and fd");
	ck_assert_int_lt(execute("device_add", "{" VFIO ", \"host\": \"eth0\"}"), 0);
	ck_assert_msg(strstr(err.text, "device_add: passthrough device: eth0: not a PCI address") ==
			      err.text,
		      "%s", err.text);
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"id\": \"0nic\"}",
		"id=0nic: it takes a letter, then letters, digits, '-', '.' and '_', 63 at most");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"id\": \"\"}",
		"id=: it takes a letter, then letters, digits, '-', '.' and '_', 63 at most");
	ck_assert_int_lt(execute("device_add", "{" VFIO ", \"host\": \"01:00.0\", \"id\": "
					       "\"a:b\"}"),
			 0);
	ck_assert_int_lt(execute("device_add", "{" VFIO ", \"host\": 1}"), 0);
	ck_assert_str_eq(err.text, "device_add: host is no string");
	no_memory = true;
	refuses("{" VFIO ", \"host\": \"01:00.0\"}", "out of memory");
}
END_TEST

START_TEST(descriptors_become_the_machines)
{
	int node = an_fd("node"), iommu = an_fd("iommu"), other = an_fd("other");

	adds("{" VFIO ", \"fd\": \"node\", \"iommufd\": \"iommu\"}");
	ck_assert_str_eq(fake_machine.path, "fd=node");
	ck_assert_int_eq(fake_machine.config.fd, node);
	ck_assert_int_eq(fake_machine.config.iommufd, iommu);
	ck_assert_int_eq(fake_machine.config.via, VFIO_VIA_IOMMUFD);
	/* Nor have they names any more. */
	ck_assert_uint_eq(passed.count, 1);
	control_passed_release(&passed);
	ck_assert(is_open(node) && is_open(iommu) && !is_open(other));
	fake_add_ends();
	ck_assert(!is_open(node) && !is_open(iommu));
	an_fd("group");
	an_fd("container");
	adds("{" VFIO ", \"host\": \"01:00.0\", \"group-fd\": \"group\", \"container-fd\": "
	     "\"container\"}");
	ck_assert_int_gt(fake_machine.config.group_fd, 0);
	ck_assert_int_gt(fake_machine.config.container_fd, 0);
	ck_assert_int_eq(fake_machine.config.via, VFIO_VIA_GROUP);
	ck_assert_uint_eq(passed.count, 0);
}
END_TEST

START_TEST(those_of_a_refused_request_stay)
{
	an_fd("a");
	an_fd("b");
	open_so("read", O_RDONLY);
	open_so("path", O_PATH);
	refuses("{" VFIO ", \"fd\": \"none\"}",
		"fd: no descriptor has the name 'none': getfd gives it one");
	refuses("{" VFIO ", \"fd\": \"a\", \"host\": \"01:00.0\"}",
		"which device it is is told by one of host, sysfsdev and fd");
	refuses("{" VFIO ", \"fd\": \"a\", \"iommufd\": \"a\"}",
		"one descriptor is given for two things");
	refuses("{" VFIO ", \"fd\": \"a\", \"group-fd\": \"b\"}",
		"group-fd and container-fd are for a device by its group: leave them or what is "
		"for iommufd out");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"group-fd\": \"b\", \"via\": \"iommufd\"}",
		"group-fd and container-fd are for a device by its group: leave them or what is "
		"for iommufd out");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"iommufd\": \"b\", \"via\": \"group\"}",
		"iommufd: via=group: leave one of both out");
	refuses("{" VFIO ", \"fd\": \"a\", \"via\": \"group\"}",
		"fd=a: via=group: a character device goes by iommufd: leave via out");
	refuses("{" VFIO ", \"fd\": \"read\"}", "fd=read: it is not open for reading and writing");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"group-fd\": \"path\"}",
		"group-fd=path: it is not open for reading and writing");
	ck_assert_uint_eq(passed.count, 4);
}
END_TEST

/* The monitor opens none of them then, and tells of each by its path. */
START_TEST(files_come_along)
{
	int rom = open_so("rom", O_RDONLY), trace = open_so("trace", O_WRONLY);
	int names = an_fd("names");

	adds("{" VFIO ", \"host\": \"01:00.0\", \"rom\": \"/r\", \"rom-fd\": \"rom\", "
	     "\"trace-fd\": \"trace\", \"names\": \"/n\", \"names-fd\": \"names\"}");
	ck_assert_int_eq(fake_machine.config.rom_fd, rom);
	ck_assert_int_eq(fake_machine.config.trace_fd, trace);
	ck_assert_int_eq(fake_machine.config.names_fd, names);
	ck_assert_uint_eq(passed.count, 0);
	fake_add_ends();
	ck_assert(!is_open(rom) && !is_open(trace) && !is_open(names));
	open_so("write", O_WRONLY);
	open_so("read", O_RDONLY);
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"rom-fd\": \"write\"}",
		"rom-fd=write: it is not open for reading");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"trace-fd\": \"read\"}",
		"trace-fd=read: it is not open for writing");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"names-fd\": \"none\"}",
		"names-fd: no descriptor has the name 'none': getfd gives it one");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"rom\": \"off\", \"rom-fd\": \"read\"}",
		"rom-fd: rom=off: leave one of both out");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"rom-fd\": \"read\", \"trace\": \"/t\", "
		"\"names-fd\": \"read\"}",
		"one descriptor is given for two things");
	refuses("{" VFIO ", \"host\": \"01:00.0\", \"names-fd\": \"read\"}",
		"names=read: it is for trace=FILE, which is not given");
}
END_TEST

/* A number is of one that this process was left, and that is not in use. */
START_TEST(a_number_is_of_one_inherited)
{
	char arguments[80];
	int own = open("/dev/null", O_RDWR | O_CLOEXEC), left = open("/dev/null", O_RDWR);

	snprintf(arguments, sizeof(arguments), "{" VFIO ", \"fd\": \"%d\"}", own);
	ck_assert_int_lt(execute("device_add", arguments), 0);
	ck_assert_msg(strstr(err.text, "it is none that ferry has inherited and that is free"),
		      "%s", err.text);
	ck_assert(is_open(own));
	snprintf(arguments, sizeof(arguments), "{" VFIO ", \"fd\": \"%d\"}", left);
	adds(arguments);
	ck_assert_int_eq(fake_machine.config.fd, left);
	ck_assert_int_eq(fcntl(left, F_GETFD), FD_CLOEXEC);
	fake_add_ends();
	refuses("{" VFIO ", \"fd\": \"2\"}",
		"fd=2: it takes a number from 3 on, or the name of getfd");
	refuses("{" VFIO ", \"fd\": \"1x\"}",
		"fd=1x: it takes a number from 3 on, or the name of getfd");
	close(own);
}
END_TEST

START_TEST(a_device_is_removed_by_its_id)
{
	ck_assert_int_eq(execute("device_del", "{\"id\": \"nic\"}"), 0);
	ck_assert_str_eq(fake_machine.removed, "nic");
	ck_assert_uint_eq(fake_machine.timeout_ms, 30000);
	ck_assert_int_eq(execute("device_del", "{\"id\": \"/machine/peripheral/0000:01:00.0\", "
					       "\"timeout\": 0}"),
			 0);
	ck_assert_str_eq(fake_machine.removed, "0000:01:00.0");
	ck_assert_uint_eq(fake_machine.timeout_ms, 0);
	ck_assert_int_eq(execute("device_del", "{\"id\": \"nic\", \"timeout\": 86400}"), 0);
	ck_assert_uint_eq(fake_machine.timeout_ms, 86400000);
	ck_assert_int_eq(execute("device_del", "{\"id\": \"nic\", \"timeout\": 86401}"), -EINVAL);
	ck_assert_str_eq(err.text, "device_del: timeout: it takes seconds, 0 to 86400; 0 takes the "
				   "device away at once");
	ck_assert_int_eq(execute("device_del", "{\"id\": \"nic\", \"timeout\": -1}"), -EINVAL);
	ck_assert_int_eq(execute("device_del", "{\"id\": \"none\"}"), CONTROL_NO_DEVICE);
	ck_assert_str_eq(err.text, "no device has the id 'none'");
	ck_assert_int_eq(execute("device_del", "{}"), -EINVAL);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_device_is_named_by_its_address);
	tcase_add_test(tests, options_are_the_command_lines);
	tcase_add_test(tests, qemus_words_are_understood);
	tcase_add_test(tests, a_program_is_had_by_its_connection);
	tcase_add_test(tests, what_is_wrong_is_told);
	tcase_add_test(tests, descriptors_become_the_machines);
	tcase_add_test(tests, those_of_a_refused_request_stay);
	tcase_add_test(tests, files_come_along);
	tcase_add_test(tests, a_number_is_of_one_inherited);
	tcase_add_test(tests, a_device_is_removed_by_its_id);
}

int main(void)
{
	return run_suite("plug", add_tests);
}
