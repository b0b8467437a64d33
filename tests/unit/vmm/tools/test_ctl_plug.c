/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry ctl add` and `remove`: what is opened and passed, what is asked, how it is waited for. */

#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/unit/support/fake_qmp.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/tools.h"

#define NIC   "0000:01:00.0"
#define TOKEN "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define STATUS(via, open, devices)                                                                 \
	"{\"return\": {\"passthrough\": {\"via\": " via ", \"open\": " open                        \
	"}, \"devices\": [" devices "]}}\n"
#define DEVICE(id)                                                                                 \
	"{\"id\": \"" id "\", \"host\": \"" NIC "\", \"slot\": \"slot3\", \"state\": \"alive\"}"
#define UNSEEN(id)                                                                                 \
	"{\"id\": \"" id "\", \"host\": \"" NIC "\", \"slot\": \"slot3\", \"unseen\": true}"
/* It was on the root bus, where its function stays. */
#define GONE(id)     "{\"id\": \"" id "\", \"host\": \"" NIC "\", \"slot\": null, \"gone\": true}"
#define REFUSED(why) "{\"error\": {\"class\": \"GenericError\", \"desc\": \"" why "\"}}\n"
#define EVENT(name, id)                                                                            \
	"{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"" name                \
	"\", \"data\": {\"device\": \"" id "\"}}\n"

static void set_up(void)
{
	tools_setup();
	fake_tree_add_device(NIC, 7, "vfio-pci");
	fake_tree_add_cdev(NIC, 4);
	fake_tree_write("dev/vfio/7", "");
	fake_tree_write("dev/vfio/vfio", "");
}

static int ctl(const char *const *said, const char *json, const char *command, const char *word)
{
	int status;

	fake_qmp_start(said);
	status = json ? tools_run(tool_ctl, "ctl", json, fake_qmp.path, command, word, NULL)
		      : tools_run(tool_ctl, "ctl", fake_qmp.path, command, word, NULL);
	fake_qmp_stop();
	return status;
}

static void adds(const char *const *said, const char *what)
{
	ck_assert_msg(ctl(said, NULL, "add", what) == TOOL_OK, "%s", tools_errors);
}

static void asked(const char *part)
{
	has(fake_qmp.heard, part);
}

/* With both nodes open to this user the first device goes by iommufd. */
START_TEST(a_first_device_is_opened_here)
{
	static const char *const said[] = {QMP_HELLO,
					   QMP_DONE,
					   STATUS("null", "false", ""),
					   QMP_DONE,
					   QMP_DONE,
					   QMP_DONE,
					   STATUS("\"iommufd\"", "true", DEVICE(NIC)),
					   NULL};

	adds(said, "01:00.0");
	ck_assert_str_eq(fake_qmp.passed, " vfio4 iommu");
	asked("{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"ferry-device\"}}\n"
	      "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"ferry-iommu\"}}\n"
	      "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-pci\", \"fd\": "
	      "\"ferry-device\", \"iommufd\": \"ferry-iommu\"}}\n");
	ck_assert_str_eq(tools_out, NIC " is in slot3\n");
}
END_TEST

START_TEST(what_the_monitor_has_is_not_opened)
{
	static const char *const iommufd[] = {
		QMP_HELLO, QMP_DONE, STATUS("\"iommufd\"", "true", ""),
		QMP_DONE,  QMP_DONE, STATUS("\"iommufd\"", "true", DEVICE("nic")),
		NULL};
	static const char *const group[] = {
		QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", ""),
		QMP_DONE,  QMP_DONE, STATUS("\"group\"", "true", DEVICE("nic")),
		NULL};

	adds(iommufd, "01:00.0,id=nic");
	ck_assert_str_eq(fake_qmp.passed, " vfio4");
	asked("\"fd\": \"ferry-device\", \"id\": \"nic\"}");
	ck_assert_str_eq(tools_out, NIC " is in slot3, with the id nic\n");
	adds(group, "01:00.0");
	ck_assert_str_eq(fake_qmp.passed, " 7");
	asked("\"host\": \"" NIC "\", \"group-fd\": \"ferry-group\"}");
}
END_TEST

START_TEST(a_group_is_passed_with_its_container)
{
	static const char *const said[] = {QMP_HELLO,
					   QMP_DONE,
					   STATUS("null", "false", ""),
					   QMP_DONE,
					   QMP_DONE,
					   QMP_DONE,
					   STATUS("\"group\"", "true", DEVICE(NIC)),
					   NULL};

	adds(said, "01:00.0,via=group");
	ck_assert_str_eq(fake_qmp.passed, " 7 vfio");
	asked("\"host\": \"" NIC "\", \"group-fd\": \"ferry-group\", \"container-fd\": "
	      "\"ferry-container\", \"via\": \"group\"}");
}
END_TEST

#define PROGRAM(host, id)                                                                          \
	"{\"id\": \"" id "\", \"host\": \"" host "\", \"slot\": \"slot2\", \"state\": \"alive\"}"

/* By a connection that is made here; what the monitor calls it is told. */
START_TEST(a_program_is_connected_to_here)
{
	static const char *const said[] = {
		QMP_HELLO,
		QMP_DONE,
		STATUS("null", "false", PROGRAM("user0", "user0")),
		QMP_DONE,
		QMP_DONE,
		STATUS("null", "false", PROGRAM("user1", "model") ", " PROGRAM("user0", "user0")),
		NULL};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char word[PATH_MAX];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake_tree_path("server"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	snprintf(word, sizeof(word), "socket=%s,id=model,mmap=off", address.sun_path);
	adds(said, word);
	ck_assert_ptr_nonnull(strstr(fake_qmp.passed, " socket:"));
	asked("{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"ferry-device\"}}\n"
	      "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-user-pci\", "
	      "\"fd\": \"ferry-device\", \"id\": \"model\", \"mmap\": \"off\"}}\n");
	ck_assert_str_eq(tools_out, "user1 is in slot2, with the id model\n");
	close(fd);
}
END_TEST

START_TEST(a_program_without_its_server)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("null", "false", ""), NULL};

	ck_assert_int_eq(ctl(said, NULL, "add", "socket=/nonexistent/server"), TOOL_FAILED);
	has(tools_errors, "socket=/nonexistent/server: ");
	has(tools_errors, "no server listens there: start it first");
	ck_assert_str_eq(fake_qmp.passed, "");
}
END_TEST

/* Where the caller's rights do not do the monitor's are tried, which says what it lacks. */
START_TEST(what_cannot_be_opened_is_left_to_the_monitor)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("null", "false", ""),
					   REFUSED("passthrough device " NIC
						   ": /dev/vfio/7: no permission"),
					   NULL};

	fake_tree_unlink("dev/iommu");
	fake_tree_unlink("dev/vfio/7");
	ck_assert_int_eq(ctl(said, NULL, "add", NIC), TOOL_FAILED);
	ck_assert_str_eq(fake_qmp.passed, "");
	asked("{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-pci\", \"host\": \"" NIC
	      "\"}}");
	has(tools_errors, "; by the monitor's rights: "
			  "passthrough device " NIC ": /dev/vfio/7: no permission\n");
	fake_tree_add_cdev(NIC, 4);
	fake_tree_unlink("dev/vfio/devices/vfio4");
	ck_assert_int_eq(ctl(said, NULL, "add", NIC ",via=iommufd"), TOOL_FAILED);
	ck_assert_str_eq(fake_qmp.passed, "");
	asked("\"host\": \"" NIC "\", \"via\": \"iommufd\"}");
}
END_TEST

/* Opened with the caller's rights, as the monitor may open none. */
START_TEST(options_go_along_with_their_files)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", ""),
					   QMP_DONE,  QMP_DONE, QMP_DONE,
					   QMP_DONE,  QMP_DONE, STATUS("\"group\"", "true", ""),
					   NULL};
	static const char *const plain[] = {QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", ""),
					    QMP_DONE,  QMP_DONE, STATUS("\"group\"", "true", ""),
					    NULL};
	char folder[PATH_MAX], part[3 * PATH_MAX];

	fake_tree_write("r", "rom");
	fake_tree_write("n", "names");
	ck_assert_int_eq(chdir(fake_tree_path("")), 0);
	ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
	snprintf(part, sizeof(part),
		 "\"bus\": \"slot3\", \"rom\": \"%s/r\", \"trace\": \"/dev/null\", \"names\": "
		 "\"%s/n\", \"mmap\": \"off:0\", \"vf-token\": \"" TOKEN "\"}",
		 folder, folder);
	adds(said, NIC ",bus=slot3,rom=r,trace=/dev/null,names=n,mmap=off:0,vf-token=" TOKEN);
	asked("\"group-fd\": \"ferry-group\", \"rom-fd\": \"ferry-rom\", \"trace-fd\": "
	      "\"ferry-trace\", \"names-fd\": \"ferry-names\", ");
	asked(part);
	ck_assert_str_eq(fake_qmp.passed, " 7 r null n");
	ck_assert_str_eq(tools_out, NIC " was in, and has left\n");
	adds(plain, NIC ",rom=off");
	asked("\"rom\": \"off\"");
}
END_TEST

START_TEST(a_file_that_the_caller_may_not_open)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", ""),
					   NULL};
	char word[PATH_MAX + 32];

	ck_assert_int_eq(ctl(said, NULL, "add", NIC ",rom=/no/such/rom"), TOOL_FAILED);
	has(tools_errors, "add: rom=/no/such/rom: No such file or directory\n");
	ck_assert_int_eq(ctl(said, NULL, "add", NIC ",trace=/no/such/trace"), TOOL_FAILED);
	has(tools_errors, "add: trace=/no/such/trace: No such file or directory\n");
	ck_assert_ptr_null(strstr(fake_qmp.heard, "device_add"));
	/* A socket cannot be opened, and a pipe needs its reader. */
	ck_assert_int_eq(mknod(fake_tree_path("socket"), S_IFSOCK | 0600, 0), 0);
	snprintf(word, sizeof(word), NIC ",rom=%s", fake_tree_path("socket"));
	ck_assert_int_eq(ctl(said, NULL, "add", word), TOOL_FAILED);
	has(tools_errors, ": No such device or address\n");
	snprintf(word, sizeof(word), NIC ",trace=%s", fake_tree_path("pipe"));
	ck_assert_int_eq(mkfifo(fake_tree_path("pipe"), 0600), 0);
	ck_assert_int_eq(ctl(said, NULL, "add", word), TOOL_FAILED);
	has(tools_errors, ": nobody reads there: start its reader first\n");
}
END_TEST

START_TEST(refusals_are_told)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("null", "false", ""),
					   REFUSED("'getfd' is no command"), NULL};
	static const char *const gone[] = {QMP_HELLO, QMP_DONE, NULL};

	ck_assert_int_eq(ctl(said, NULL, "add", NIC), TOOL_FAILED);
	has(tools_errors, "add: 'getfd' is no command\n");
	ck_assert_int_eq(ctl(gone, NULL, "add", NIC), TOOL_FAILED);
	has(tools_errors, "the monitor has ended");
	/* Before the monitor is asked for anything. */
	ck_assert_int_eq(ctl(gone, NULL, "add", "02:00.0"), TOOL_FAILED);
	has(tools_errors, "0000:02:00.0");
	fake_tree_add_device("0000:03:00.0", 8, "nvme");
	ck_assert_int_eq(ctl(gone, "--json", "add", "03:00.0"), TOOL_FAILED);
	has(tools_errors, "nvme");
	json_decref(tools_json());
	ck_assert_str_eq(fake_qmp.heard, "{\"execute\": \"qmp_capabilities\"}\n");
}
END_TEST

START_TEST(with_json_the_device_is_printed)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", ""),
		QMP_DONE,  QMP_DONE, STATUS("\"group\"", "true", DEVICE("nic")),
		NULL};
	json_t *device;

	ck_assert_int_eq(ctl(said, "--json", "add", NIC), TOOL_OK);
	device = tools_json();
	ck_assert_str_eq(json_string_value(json_object_get(device, "slot")), "slot3");
	json_decref(device);
}
END_TEST

START_TEST(a_removal_is_waited_for)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE,
					   STATUS("null", "false", DEVICE("nic")),
					   QMP_DONE EVENT("STOP", "nic")
						   EVENT("DEVICE_DELETED", "other")
							   EVENT("DEVICE_DELETED", "nic"),
					   NULL};
	static const char *const early[] = {QMP_HELLO, QMP_DONE,
					    STATUS("null", "false", DEVICE(NIC)),
					    EVENT("DEVICE_DELETED", NIC) QMP_DONE, NULL};
	json_t *event;

	ck_assert_int_eq(ctl(said, NULL, "remove", "nic"), TOOL_OK);
	ck_assert_str_eq(tools_out, "nic is given back to the host\n");
	asked("{\"execute\": \"device_del\", \"arguments\": {\"id\": \"nic\"}}");
	/* By its address too, and where it was there at once. */
	ck_assert_int_eq(ctl(early, NULL, "remove", "01:00.0"), TOOL_OK);
	ck_assert_str_eq(tools_out, NIC " is given back to the host\n");
	ck_assert_int_eq(ctl(said, "--json", "remove", NIC), TOOL_OK);
	event = tools_json();
	ck_assert_str_eq(json_string_value(json_object_get(event, "event")), "DEVICE_DELETED");
	json_decref(event);
}
END_TEST

/* One that was given back from the root bus may be in a slot now, by another id. */
START_TEST(it_is_named_in_many_ways)
{
	static const char *const words[] = {"nic", NIC, "01:00.0", "slot3",
					    "/sys/bus/pci/devices/" NIC "//"};
	static const char *const said[] = {QMP_HELLO, QMP_DONE,
					   STATUS("null", "false", GONE(NIC) ", " DEVICE("nic")),
					   QMP_DONE EVENT("DEVICE_DELETED", "nic"), NULL};

	ck_assert_int_eq(ctl(said, NULL, "remove", words[_i]), TOOL_OK);
	asked("{\"execute\": \"device_del\", \"arguments\": {\"id\": \"nic\"}}");
}
END_TEST

/* What the caller lacks is the monitor's to open. */
START_TEST(rights_are_put_together)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("null", "false", ""),
					   QMP_DONE,  QMP_DONE, STATUS("\"iommufd\"", "true", ""),
					   NULL};

	/* So that it cannot be opened for writing, by root neither. */
	fake_tree_unlink("dev/iommu");
	fake_tree_folder("dev/iommu");
	adds(said, NIC);
	ck_assert_str_eq(fake_qmp.passed, " vfio4");
	asked("\"fd\": \"ferry-device\"}");
}
END_TEST

START_TEST(a_path_is_told_as_it_is)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", GONE(NIC)),
		QMP_DONE,  QMP_DONE, STATUS("\"group\"", "true", GONE(NIC) ", " UNSEEN("nic")),
		NULL};
	char path[PATH_MAX], real[PATH_MAX], part[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s", fake_tree_path("bus/pci/devices/" NIC));
	ck_assert_ptr_nonnull(realpath(path, real));
	snprintf(part, sizeof(part), "\"sysfsdev\": \"%s\"", real);
	adds(said, path);
	asked(part);
	ck_assert_str_eq(tools_out, NIC " is in slot3, with the id nic: the guest sees it once "
					"function 0 is there too\n");
}
END_TEST

START_TEST(what_is_no_utf8_is_refused)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, STATUS("\"group\"", "true", ""),
					   QMP_DONE,  QMP_DONE, NULL};
	char word[PATH_MAX + 32];

	fake_tree_write("a\xff", "");
	snprintf(word, sizeof(word), NIC ",rom=%s", fake_tree_path("a\xff"));
	ck_assert_int_eq(ctl(said, NULL, "add", word), TOOL_FAILED);
	has(tools_errors, "the name with its folder is not UTF-8, which QMP cannot carry");
	ck_assert_ptr_null(strstr(fake_qmp.heard, "device_add"));
}
END_TEST

START_TEST(a_removal_may_fail)
{
	static const char *const kept[] = {QMP_HELLO, QMP_DONE,
					   STATUS("null", "false", DEVICE("nic")),
					   QMP_DONE EVENT("DEVICE_UNPLUG_GUEST_ERROR", "nic"),
					   NULL};
	static const char *const unknown[] = {QMP_HELLO, QMP_DONE,
					      STATUS("null", "false", DEVICE("nic")), NULL};
	static const char *const none[] = {QMP_HELLO, QMP_DONE, STATUS("null", "false", GONE(NIC)),
					   NULL};
	static const char *const ended[] = {QMP_HELLO, QMP_DONE,
					    STATUS("null", "false", DEVICE("nic")), QMP_DONE, NULL};

	ck_assert_int_eq(ctl(kept, NULL, "remove", "nic"), TOOL_FAILED);
	has(tools_errors, "remove: the guest keeps it: --timeout 0 takes it away all the same\n");
	ck_assert_int_eq(ctl(unknown, NULL, "remove", "x"), TOOL_FAILED);
	has(tools_errors, "remove: the guest has no device x: it has nic\n");
	ck_assert_int_eq(ctl(none, NULL, "remove", NIC), TOOL_FAILED);
	has(tools_errors, "remove: the guest has no device " NIC ": it has none\n");
	ck_assert_int_eq(ctl(ended, NULL, "remove", "nic"), TOOL_FAILED);
	has(tools_errors, "the monitor has ended");
}
END_TEST

START_TEST(a_removal_has_its_timeout)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE,
					   STATUS("null", "false", DEVICE("nic")),
					   QMP_DONE EVENT("DEVICE_DELETED", "nic"), NULL};

	fake_qmp_start(said);
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", fake_qmp.path, "remove", "nic", "--timeout",
				   "0", NULL),
			 TOOL_OK);
	fake_qmp_stop();
	asked("\"arguments\": {\"id\": \"nic\", \"timeout\": 0}}");
}
END_TEST

static void is_usage(const char *command, const char *word, const char *part)
{
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", command, word, NULL), TOOL_USAGE);
	has(tools_errors, part);
}

START_TEST(wrong_usage_is_told)
{
	is_usage("add", NULL, "add: it takes ADDR|socket=PATH[,OPTION...]: see ferry ctl --help");
	is_usage("add", "eth0", "add: passthrough device: eth0: not a PCI address");
	is_usage("add", NIC ",turbo", "add: 'turbo': unknown part");
	is_usage("add", NIC ",port", "add: port: what is added is behind its slot's port");
	is_usage("add", NIC ",turbo=1", "it takes id=ID, bus=slotN, rom=FILE");
	is_usage("add", NIC ",id", "add: 'id': a value is missing: it is a name, a letter first");
	is_usage("add", NIC ",bus=", "add: 'bus=': a value is missing: it is a slot, as bus=slot3");
	is_usage("add", NIC ",rom=", "add: 'rom=': a value is missing: it is rom=FILE, or rom=off");
	is_usage("add", "socket=", "add: socket=");
	is_usage("add", "socket=a,via=group", "add: via: it is not for a device that is a program");
	is_usage("add", "socket=a,vf-token=" TOKEN, "add: vf-token: it is not for");
	is_usage("add", "socket=a,names=/n", "add: names=/n: it is for trace=FILE");
	is_usage("add", NIC ",names=/n", "add: names=/n: it is for trace=FILE");
	is_usage("add", NIC ",", "add: '" NIC ",': nothing after a comma");
	is_usage("remove", NULL, "remove: it takes ID");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "remove", "b", "--timeout", "x", NULL),
			 TOOL_USAGE);
	has(tools_errors, "--timeout x: it takes seconds, 0 to 86400");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "add", "b", "c", NULL), TOOL_USAGE);
	has(tools_errors, "'c': add takes nothing more");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "add", NIC, "id=disk", NULL), TOOL_USAGE);
	has(tools_errors,
	    "'id=disk': options follow ADDR by commas, without a blank: add " NIC ",id=disk");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tools_teardown);
	tcase_add_test(tests, a_first_device_is_opened_here);
	tcase_add_test(tests, what_the_monitor_has_is_not_opened);
	tcase_add_test(tests, a_group_is_passed_with_its_container);
	tcase_add_test(tests, a_program_is_connected_to_here);
	tcase_add_test(tests, a_program_without_its_server);
	tcase_add_test(tests, what_cannot_be_opened_is_left_to_the_monitor);
	tcase_add_test(tests, options_go_along_with_their_files);
	tcase_add_test(tests, a_file_that_the_caller_may_not_open);
	tcase_add_test(tests, refusals_are_told);
	tcase_add_test(tests, with_json_the_device_is_printed);
	tcase_add_test(tests, a_removal_is_waited_for);
	tcase_add_loop_test(tests, it_is_named_in_many_ways, 0, 5);
	tcase_add_test(tests, rights_are_put_together);
	tcase_add_test(tests, a_path_is_told_as_it_is);
	tcase_add_test(tests, what_is_no_utf8_is_refused);
	tcase_add_test(tests, a_removal_may_fail);
	tcase_add_test(tests, a_removal_has_its_timeout);
	tcase_add_test(tests, wrong_usage_is_told);
}

int main(void)
{
	return run_suite("ctl_plug", add_tests);
}
