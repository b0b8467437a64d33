/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry ctl`: what it asks a monitor, and what it prints of the answers. */

#include "tests/unit/support/fake_qmp.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/tools.h"
#include "vmm/runtime.h"

#define STATUS(cpus)                                                                               \
	"{\"return\": {\"version\": \"0.1.0\", \"pid\": 77, \"uptime_seconds\": 7384, "            \
	"\"running\": true, \"status\": \"running\", \"cpus\": [" cpus                             \
	"], \"memory_bytes\": 2147483648}}\n"
#define PINNED                                                                                     \
	"{\"index\": 0, \"thread\": 1, \"host_cpu\": 4, \"exits\": 10}, "                          \
	"{\"index\": 1, \"thread\": 2, \"host_cpu\": 6, \"exits\": 5}"
#define FREE_VCPU "{\"index\": 0, \"thread\": 1, \"host_cpu\": null, \"exits\": 3}"
#define EVENT(name, data)                                                                          \
	"{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 12345}, \"event\": \"" name   \
	"\"" data "}\n"

static const char *const done[] = {QMP_HELLO, QMP_DONE, QMP_DONE, NULL};

/* `ferry ctl PATH COMMAND [WORD]` with such a monitor; @json goes before. */
static int ctl(const char *const *said, const char *json, const char *command, const char *word)
{
	int status;

	fake_qmp_start(said);
	status = json ? tools_run(tool_ctl, "ctl", json, fake_qmp.path, command, word, NULL)
		      : tools_run(tool_ctl, "ctl", fake_qmp.path, command, word, NULL);
	fake_qmp_stop();
	return status;
}

static void asks(const char *command, const char *execute)
{
	char line[64];

	snprintf(line, sizeof(line), "{\"execute\": \"%s\"}\n", execute);
	ck_assert_int_eq(ctl(done, NULL, command, NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "");
	ck_assert_str_eq(tools_errors, "");
	ck_assert_msg(strstr(fake_qmp.heard, line), "%s", fake_qmp.heard);
}

START_TEST(each_command_is_asked_in_qmps_words)
{
	asks("stop", "stop");
	asks("cont", "cont");
	asks("powerdown", "system_powerdown");
	asks("reset", "system_reset");
	asks("quit", "quit");
	ck_assert_int_eq(ctl(done, "--json", "stop", NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "{}\n");
}
END_TEST

START_TEST(the_status_is_one_screen)
{
	static const char *const pinned[] = {QMP_HELLO, QMP_DONE, STATUS(PINNED), NULL};
	static const char *const unpinned[] = {QMP_HELLO, QMP_DONE, STATUS(FREE_VCPU), NULL};

	ck_assert_int_eq(ctl(pinned, NULL, "status", NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "running, up 2 h 3 min, process 77, ferry 0.1.0\n"
				    "vCPUs     2, on the host's 4 6, 15 exits to the monitor\n"
				    "memory    2 GiB\n");
	ck_assert(strstr(fake_qmp.heard, "{\"execute\": \"x-ferry-status\"}"));
	ck_assert_int_eq(ctl(unpinned, NULL, "status", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "vCPUs     1, 3 exits to the monitor\n"), "%s", tools_out);
	ck_assert_int_eq(ctl(unpinned, "--json", "status", NULL), TOOL_OK);
	json_decref(tools_json());
}
END_TEST

#define DEVICES                                                                                    \
	"{\"return\": {\"version\": \"0.1.0\", \"pid\": 77, \"uptime_seconds\": 61, "              \
	"\"status\": \"paused\", \"cpus\": [], \"memory_bytes\": 1073741824, \"pinned_bytes\": "   \
	"1073741824, \"devices\": [{\"host\": \"0000:01:00.0\", \"guest\": \"00:03.0\", "          \
	"\"state\": \"alive\", \"interrupts\": \"MSI-X\", \"vectors\": 5, \"unmasked\": 3, "       \
	"\"errors\": 1}, {\"host\": \"0000:02:00.0\", \"guest\": null, \"state\": \"isolated\", "  \
	"\"interrupts\": \"INTx\", \"vectors\": 0, \"unmasked\": 0, \"errors\": 0}]}}\n"

/* The host's kernel has counted, not the monitor. */
START_TEST(devices_have_a_row_each)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, DEVICES, NULL};
	json_t *root;

	fake_tree_write(
		"proc/interrupts",
		"            CPU0       CPU1\n"
		"  24:        100         23  IR-PCI-MSIX-0000:01:00.0    0-edge  "
		"vfio-msix[0](0000:01:00.0)\n"
		"  25:          0       1000  IR-PCI-MSIX-0000:01:00.0    1-edge  "
		"vfio-msix[1](0000:01:00.0)\n"
		"  26:          7          7  IR-PCI-MSIX-0000:01:00.1    1-edge  "
		"vfio-msix[0](0000:01:00.1)\n"
		"  27:          9          9  IR-PCI-MSIX-0000:01:00.0    1-edge  nvme\n"
		"  28:          2          3  IO-APIC  16-fasteoi   vfio-intx(0000:02:00.0)\n"
		" NMI:         12         12  Non-maskable interrupts\n");
	ck_assert_int_eq(ctl(said, NULL, "status", NULL), TOOL_OK);
	ck_assert_msg(
		strstr(tools_out,
		       "memory    1 GiB, pinned\n"
		       "DEVICE        GUEST    STATE     INTERRUPTS  VECTORS  INTERRUPTED  ERRORS\n"
		       "0000:01:00.0  00:03.0  alive     MSI-X       3 of 5   1123         1\n"
		       "0000:02:00.0  ?        isolated  INTx        -        5            0\n"),
		"%s", tools_out);
	ck_assert_int_eq(ctl(said, "--json", "status", NULL), TOOL_OK);
	root = tools_json();
	ck_assert_int_eq(json_integer_value(json_object_get(
				 json_array_get(json_object_get(root, "devices"), 0),
				 "interrupt_count")),
			 1123);
	json_decref(root);
}
END_TEST

#define PROGRAM                                                                                    \
	"{\"return\": {\"version\": \"0.1.0\", \"pid\": 77, \"uptime_seconds\": 61, "              \
	"\"status\": \"running\", \"cpus\": [], \"memory_bytes\": 1073741824, \"devices\": [{"     \
	"\"host\": \"user0\", \"guest\": null, \"program\": true, \"state\": "                     \
	"\"lost, and looked for\", \"interrupts\": \"INTx\", \"vectors\": 0, \"unmasked\": 0, "    \
	"\"errors\": 0}]}}\n"

START_TEST(nothing_is_pinned_for_a_program)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, PROGRAM, NULL};

	ck_assert_int_eq(ctl(said, NULL, "status", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "memory    1 GiB\n"), "%s", tools_out);
	ck_assert_ptr_nonnull(strstr(tools_out, "user0   ?      lost, and looked for  INTx"));
}
END_TEST

#define SLOTS                                                                                      \
	"\"slots\": [{\"slot\": \"slot1\", \"occupied\": true}, {\"slot\": \"slot2\", "            \
	"\"occupied\": false}, {\"slot\": \"slot3\", \"occupied\": false}]"
#define HEAD                                                                                       \
	"{\"return\": {\"version\": \"0.1.0\", \"pid\": 77, \"uptime_seconds\": 61, "              \
	"\"status\": \"running\", \"cpus\": [], \"memory_bytes\": 1073741824, "
#define NIC(id)                                                                                    \
	"{\"id\": \"" id "\", \"host\": \"0000:01:00.0\", \"guest\": \"01:00.0\", "                \
	"\"slot\": \"slot1\", \"leaving\": true, \"state\": \"alive\", \"interrupts\": \"MSI\", "  \
	"\"vectors\": 1, \"unmasked\": 1, \"errors\": 0}"
#define DISK                                                                                       \
	"{\"id\": \"0000:02:00.0\", \"host\": \"0000:02:00.0\", \"guest\": \"00:03.0\", "          \
	"\"slot\": null, \"leaving\": false, \"state\": \"alive\", \"interrupts\": \"INTx\", "     \
	"\"vectors\": 0, \"unmasked\": 0, \"errors\": 0}"

START_TEST(slots_and_ids_are_shown_where_there_are_any)
{
	static const char *const named[] = {QMP_HELLO, QMP_DONE,
					    HEAD SLOTS ", \"devices\": [" NIC("nic") ", " DISK
										     "]}}\n",
					    NULL};
	static const char *const unnamed[] = {QMP_HELLO, QMP_DONE,
					      HEAD SLOTS
					      ", \"devices\": [" NIC("0000:01:00.0") "]}}\n",
					      NULL};
	static const char *const given_back[] = {
		QMP_HELLO, QMP_DONE,
		HEAD "\"slots\": [{\"slot\": \"slot1\", \"taken\": true, \"occupied\": false}], "
		     "\"devices\": [{\"id\": \"a\", \"host\": \"b\", \"gone\": true, \"state\": "
		     "\"alive\", \"unseen\": true}]}}\n",
		NULL};
	static const char *const empty[] = {
		QMP_HELLO, QMP_DONE,
		HEAD "\"slots\": [{\"slot\": \"slot1\", \"occupied\": true}]}}\n", NULL};

	ck_assert_int_eq(ctl(named, NULL, "status", NULL), TOOL_OK);
	has(tools_out, "slots     1 of 3 taken, empty: slot2 slot3\n"
		       "DEVICE        GUEST    STATE           INTERRUPTS  VECTORS  INTERRUPTED  "
		       "ERRORS  SLOT   ID\n"
		       "0000:01:00.0  01:00.0  alive, leaving  MSI         1 of 1   ?            0 "
		       "      slot1  nic\n"
		       "0000:02:00.0  00:03.0  alive           INTx        -        ?            0 "
		       "      -      0000:02:00.0\n");
	ck_assert_int_eq(ctl(unnamed, NULL, "status", NULL), TOOL_OK);
	has(tools_out, "ERRORS  SLOT\n");
	ck_assert_int_eq(ctl(empty, NULL, "status", NULL), TOOL_OK);
	has(tools_out, "slots     1 of 1 taken\n");
	/* What was given back has nothing pinned, and what comes has its slot. */
	ck_assert_int_eq(ctl(given_back, NULL, "status", NULL), TOOL_OK);
	has(tools_out, "memory    1 GiB\nslots     1 of 1 taken\n");
	has(tools_out, "alive, not shown yet");
}
END_TEST

START_TEST(a_status_of_nonsense_is_harmless)
{
	static const char *const odd[] = {
		QMP_HELLO, QMP_DONE,
		"{\"return\": {\"status\": \"\\u001b[2J\", \"cpus\": 1, \"uptime_seconds\": \"x\"}}\n",
		NULL};

	ck_assert_int_eq(ctl(odd, NULL, "status", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "?[2J, up 0 s, process 0, ferry ?\nvCPUs     0"), "%s",
		      tools_out);
}
END_TEST

START_TEST(refusals_are_told)
{
	static const char *const refusing[] = {
		QMP_HELLO, QMP_DONE,
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"the guest stands for gdb\"}}\n",
		NULL};

	ck_assert_int_eq(ctl(refusing, NULL, "cont", NULL), TOOL_FAILED);
	ck_assert_msg(strstr(tools_errors, "/socket: cont: the guest stands for gdb\n"), "%s",
		      tools_errors);
	ck_assert_int_eq(ctl(refusing, "--json", "cont", NULL), TOOL_FAILED);
	ck_assert_msg(strstr(tools_out, "the guest stands for gdb"), "%s", tools_out);
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "/nonexistent/socket", "stop", NULL),
			 TOOL_FAILED);
	ck_assert_msg(strstr(tools_errors, "/nonexistent/socket: No such file"), "%s",
		      tools_errors);
}
END_TEST

/* A file that is full only later is found at the next event. */
static ssize_t full_after(void *left, const char *text, size_t size)
{
	ssize_t *room = left;

	(void)text;
	*room -= (ssize_t)size;
	errno = ENOSPC;
	return *room < 0 ? -1 : (ssize_t)size;
}

START_TEST(events_that_cannot_be_printed_end_it)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE,
					   "{\"return\": {\"status\": \"running\"}}\n" EVENT("STOP",
											     "")
						   EVENT("RESUME", ""),
					   NULL};
	const char *words[] = {"ctl", fake_qmp.path, "events", NULL};
	ssize_t room = _i ? 40 : 10;
	struct tool tool = {.run = "/nowhere"};

	tool.out = fopencookie(&room, "w", (cookie_io_functions_t){.write = full_after});
	fake_qmp_hangs = true;
	fake_qmp_start(said);
	hear();
	ck_assert_int_eq(tool_ctl(&tool, 3, (char **)(uintptr_t)words), TOOL_FAILED);
	ck_assert_ptr_nonnull(strstr(heard(), "events: what it says could not be printed"));
	fake_qmp_stop();
	fclose(tool.out);
}
END_TEST

START_TEST(events_are_lines)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE,
		EVENT("OLD", "") "{\"return\": {\"running\": true, \"status\": \"running\"}}\n" EVENT(
			"STOP", "") EVENT("RESET", ", \"data\": {\"guest\": true, \"reason\": "
						   "\"guest-reset\"}"),
		NULL};

	setenv("TZ", "UTC", 1);
	ck_assert_int_eq(ctl(said, NULL, "events", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, " running\n2023-11-14 22:13:20.012 STOP\n"
					"2023-11-14 22:13:20.012 RESET guest=true "
					"reason=guest-reset\n") == tools_out + 23,
		      "%s", tools_out);
	ck_assert_int_eq(ctl(said, "--json", "events", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "{\"running\": true, \"status\": \"running\"}\n"
					"{\"timestamp\"") == tools_out,
		      "%s", tools_out);
	ck_assert_msg(strstr(tools_out, "\"event\": \"STOP\"}\n{\"timestamp\""), "%s", tools_out);
}
END_TEST

#define NEWS(name)                                                                                 \
	EVENT(name, ", \"data\": {\"device\": \"nic\", \"path\": \"/machine/peripheral/nic\", "    \
		    "\"host\": \"0000:01:00.0\", \"slot\": \"slot3\"}")

START_TEST(what_becomes_of_devices_is_told_in_words)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE,
		"{\"return\": {\"running\": true, \"status\": \"running\"}}\n" NEWS(
			"X_FERRY_DEVICE_ADDED") NEWS("X_FERRY_DEVICE_WANTED_BACK")
			NEWS("X_FERRY_DEVICE_FAILED") NEWS("X_FERRY_DEVICE_RECOVERED")
				NEWS("X_FERRY_DEVICE_LOST") NEWS("DEVICE_UNPLUG_GUEST_ERROR")
					NEWS("DEVICE_DELETED") EVENT("X_FERRY_DEVICE_LOST", ""),
		NULL};

	ck_assert_int_eq(ctl(said, NULL, "events", NULL), TOOL_OK);
	has(tools_out, " X_FERRY_DEVICE_ADDED nic: 0000:01:00.0 (slot3) is there\n");
	has(tools_out,
	    " X_FERRY_DEVICE_WANTED_BACK nic: the host wants 0000:01:00.0 (slot3) back\n");
	has(tools_out,
	    " X_FERRY_DEVICE_FAILED nic: 0000:01:00.0 (slot3) reported an uncorrectable error\n");
	has(tools_out, " X_FERRY_DEVICE_RECOVERED nic: 0000:01:00.0 (slot3) recovered\n");
	has(tools_out, " X_FERRY_DEVICE_LOST nic: 0000:01:00.0 (slot3) answers no more\n");
	has(tools_out, " DEVICE_UNPLUG_GUEST_ERROR nic: the guest keeps it\n");
	has(tools_out, " DEVICE_DELETED nic: it is given back to the host\n");
	has(tools_out, " X_FERRY_DEVICE_LOST ?: ? answers no more\n");
}
END_TEST

START_TEST(it_waits_for_the_end_or_an_event)
{
	static const char *const said[] = {QMP_HELLO,
					   QMP_DONE EVENT("STOP", "")
						   EVENT("SHUTDOWN",
							 ", \"data\": {\"guest\": true}"),
					   NULL};
	static const char *const cut[] = {QMP_HELLO, QMP_DONE, NULL};
	static const char *const standing[] = {QMP_HELLO, QMP_DONE EVENT("STOP", ""), QMP_DONE,
					       NULL};

	ck_assert_int_eq(ctl(said, NULL, "wait", NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "");
	ck_assert_int_eq(ctl(said, "--json", "wait", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "SHUTDOWN") && strstr(tools_out, "true}}\n"), "%s",
		      tools_out);
	ck_assert_int_eq(ctl(cut, "--json", "wait", NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "null\n");
	ck_assert_int_eq(ctl(standing, NULL, "wait", "STOP"), TOOL_OK);
	ck_assert_int_eq(ctl(said, NULL, "wait", "RESET"), TOOL_FAILED);
	ck_assert_msg(strstr(tools_errors, "wait: RESET has not come: the monitor has ended"), "%s",
		      tools_errors);
}
END_TEST

static void is_usage(const char *part)
{
	ck_assert_msg(strstr(tools_errors, part), "%s", tools_errors);
}

START_TEST(a_process_stands_for_its_socket)
{
	char link[PATH_MAX];

	fake_qmp_start(done);
	setenv("XDG_RUNTIME_DIR", fake_tree_path("run"), 1);
	ck_assert_int_eq(runtime_enter(fake_tree_path("run"), fake_qmp.path, link,
				       &(struct err){0}),
			 0);
	snprintf(link, sizeof(link), "%d", (int)getpid());
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", link, "stop", NULL), TOOL_OK);
	fake_qmp_stop();
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", link, "stop", NULL), TOOL_FAILED);
	is_usage("no run of this user's: ferry list has those");
}
END_TEST

/* A link of a process that is gone, at whose socket's path another one listens by now. */
START_TEST(another_process_is_told_nothing)
{
	char own[PATH_MAX], stale[PATH_MAX], pid[24];

	fake_qmp_start(done);
	setenv("XDG_RUNTIME_DIR", fake_tree_path("run"), 1);
	ck_assert_int_eq(runtime_enter(fake_tree_path("run"), fake_qmp.path, own, &(struct err){0}),
			 0);
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	ck_assert_int_eq(runtime_entry(fake_tree_path("run"), pid, stale, &(struct err){0}), 0);
	ck_assert_int_eq(rename(own, stale), 0);
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", pid, "quit", NULL), TOOL_FAILED);
	is_usage("listens there no more, but another");
	fake_qmp_stop();
	ck_assert_str_eq(fake_qmp.heard, "");
}
END_TEST

START_TEST(wrong_usage_is_told)
{
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", NULL), TOOL_USAGE);
	is_usage("it takes the PATH of a control socket, or a monitor's PID, and a command");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", NULL), TOOL_USAGE);
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "frob", NULL), TOOL_USAGE);
	is_usage("'frob' is no command");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "add", "0000:01:00.0", NULL), TOOL_USAGE);
	is_usage("add: which monitor? ferry ctl PATH|PID add: ferry list finds them");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "status", NULL), TOOL_USAGE);
	is_usage("status: which monitor?");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "stop", "now", NULL), TOOL_USAGE);
	is_usage("'now': stop takes nothing more");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "wait", "A", "B", NULL), TOOL_USAGE);
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "wait", "RESTE", NULL), TOOL_USAGE);
	is_usage("wait: 'RESTE' is no event: there are SHUTDOWN, RESET, ");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "a", "stop", "--timeout", "3", NULL),
			 TOOL_USAGE);
	is_usage("--timeout: it is for remove, not for stop");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "--frob", NULL), TOOL_USAGE);
	is_usage("unknown option '--frob'");
	ck_assert_int_eq(tools_run(tool_ctl, "ctl", "--help", NULL), TOOL_OK);
	ck_assert(strstr(tools_out, "Usage: ferry ctl"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, tools_setup, tools_teardown);
	tcase_add_test(tests, each_command_is_asked_in_qmps_words);
	tcase_add_test(tests, the_status_is_one_screen);
	tcase_add_test(tests, devices_have_a_row_each);
	tcase_add_test(tests, nothing_is_pinned_for_a_program);
	tcase_add_test(tests, slots_and_ids_are_shown_where_there_are_any);
	tcase_add_test(tests, what_becomes_of_devices_is_told_in_words);
	tcase_add_test(tests, a_status_of_nonsense_is_harmless);
	tcase_add_test(tests, refusals_are_told);
	tcase_add_test(tests, events_are_lines);
	tcase_add_loop_test(tests, events_that_cannot_be_printed_end_it, 0, 2);
	tcase_add_test(tests, it_waits_for_the_end_or_an_event);
	tcase_add_test(tests, a_process_stands_for_its_socket);
	tcase_add_test(tests, another_process_is_told_nothing);
	tcase_add_test(tests, wrong_usage_is_told);
}

int main(void)
{
	return run_suite("ctl", add_tests);
}
