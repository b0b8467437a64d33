/* SPDX-License-Identifier: BSD-3-Clause */
/* A client's conversation: greeting, negotiation, ids, and requests that are none. */

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>

#include "tests/unit/support/fake_control.h"
#include "tests/unit/support/suite.h"
#include "vmm/control/frame.h"
#include "vmm/control/session.h"

static struct control_session *session;
static char said[4096]; /* since the last look */
static bool parted;
static unsigned int goes_on, passed;

static void hear_line(void *owner, const char *text, size_t size)
{
	(void)owner;
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_lt(strlen(said) + size, sizeof(said));
	ck_assert_int_eq(memcmp(text + size - 2, "\r\n", 2), 0);
	strncat(said, text, size - 2);
}

static void hear_part(void *owner)
{
	(void)owner;
	parted = true;
}

static void hear_go_on(void *owner)
{
	(void)owner;
	goes_on++;
}

static void set_up(void)
{
	static const struct control_link link = {
		.send = hear_line,
		.part = hear_part,
		.go_on = hear_go_on,
		.passed = &passed,
	};

	fake_machine_reset();
	parted = false;
	goes_on = 0;
	said[0] = '\0';
	session = control_session_create(&fake_target, &link);
	ck_assert_ptr_nonnull(session);
}

static void tear_down(void)
{
	control_session_destroy(session);
	session = NULL;
	fake_add_ends();
	ck_assert_uint_eq(passed, 0);
}

static const char *say(const char *text)
{
	said[0] = '\0';
	for (; *text && !parted; text++)
		control_session_take(session, *text);
	return said;
}

static void answers(const char *request, const char *answer)
{
	ck_assert_str_eq(say(request), answer);
}

static void refuses(const char *request, const char *class, const char *part)
{
	json_t *answer = json_loads(say(request), 0, NULL);
	json_t *error = json_object_get(answer, "error");

	ck_assert_msg(error, "%s: %s", request, said);
	ck_assert_str_eq(json_string_value(json_object_get(error, "class")), class);
	ck_assert_msg(strstr(json_string_value(json_object_get(error, "desc")), part),
		      "%s: no '%s' in: %s", request, part, said);
	json_decref(answer);
}

static void negotiate(void)
{
	answers("{\"execute\": \"qmp_capabilities\"}", "{\"return\": {}}");
	ck_assert(control_session_hears(session));
}

START_TEST(it_greets_with_its_version)
{
	control_session_begin(session);
	ck_assert_str_eq(said, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 1, "
			       "\"major\": 0}, \"package\": \"ferry " FERRY_VERSION
			       "\"}, \"capabilities\": []}}");
}
END_TEST

START_TEST(negotiation_comes_first_and_once)
{
	refuses("{\"execute\": \"stop\"}", "CommandNotFound", "negotiation comes first");
	refuses("{\"execute\": \"nonsense\"}", "CommandNotFound", "negotiation comes first");
	ck_assert(!control_session_hears(session));
	ck_assert_uint_eq(fake_machine.stops, 0);
	refuses("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}",
		"GenericError", "'oob' is no capability");
	ck_assert(!control_session_hears(session));
	negotiate();
	refuses("{\"execute\": \"qmp_capabilities\"}", "CommandNotFound",
		"the negotiation is over");
	answers("{\"execute\": \"stop\"}", "{\"return\": {}}");
	ck_assert_uint_eq(fake_machine.stops, 1);
}
END_TEST

START_TEST(ids_come_back_whatever_they_are)
{
	static const char *const ids[] = {"1", "\"a\"", "null", "[1, {\"b\": 2.5}]", "{}", "false"};

	negotiate();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char request[80], answer[80];

		snprintf(request, sizeof(request), "{\"id\": %s, \"execute\": \"stop\"}", ids[i]);
		snprintf(answer, sizeof(answer), "{\"return\": {}, \"id\": %s}", ids[i]);
		answers(request, answer);
		snprintf(request, sizeof(request), "{\"id\": %s, \"execute\": 1}", ids[i]);
		ck_assert_msg(strstr(say(request), "\"id\""), "%s", said);
	}
}
END_TEST

START_TEST(requests_that_are_none_are_refused)
{
	negotiate();
	refuses("hello\n", "GenericError", "a request is a JSON object");
	refuses("{\"execute\": }", "GenericError", "no JSON: at byte 13");
	refuses("{\"execute\": \"stop\", \"execute\": \"cont\"}", "GenericError", "no JSON");
	refuses("{\"execute\": \"\\ud800\"}", "GenericError", "no JSON");
	refuses("{\"execute\": \"st\\u0000op\"}", "GenericError", "no JSON");
	refuses("{}", "GenericError", "has no execute");
	refuses("{\"execute\": 1}", "GenericError", "execute is no string");
	refuses("{\"exec-oob\": \"stop\"}", "GenericError", "'exec-oob' is no member");
	refuses("{\"execute\": \"stop\", \"arguments\": []}", "GenericError", "no object");
	refuses("{\"execute\": \"\\u001b[2J\"}", "CommandNotFound", "'?[2J' is no command");
	ck_assert_uint_eq(fake_machine.stops, 0);
	ck_assert(!parted);
	/* Nothing of them is left. */
	answers("{\"execute\": \"stop\"}", "{\"return\": {}}");
}
END_TEST

START_TEST(several_requests_may_come_at_once)
{
	negotiate();
	answers("{\"execute\": \"stop\"}{\"execute\":\n\"cont\"}\r\n",
		"{\"return\": {}}{\"return\": {}}");
	ck_assert_uint_eq(fake_machine.stops, 1);
	ck_assert_uint_eq(fake_machine.goes, 1);
}
END_TEST

START_TEST(too_much_ends_it)
{
	negotiate();
	say("{\"id\": \"");
	for (unsigned int i = 0; i < CONTROL_FRAME_MAX && !parted; i++)
		control_session_take(session, 'x');
	ck_assert(parted);
	ck_assert_msg(strstr(said, "the request is too long"), "%s", said);
}
END_TEST

START_TEST(so_does_too_deep)
{
	char deep[CONTROL_DEPTH_MAX + 2] = "";

	memset(deep, '[', sizeof(deep) - 1);
	deep[0] = '{';
	refuses(deep, "GenericError", "too deep");
	ck_assert(parted);
}
END_TEST

START_TEST(what_is_cut_in_a_sentence_stays_text)
{
	char request[300] = "{\"execute\": \"";

	negotiate();
	/* 80 bytes of it are shown, and a character of three ends behind those. */
	for (unsigned int i = 0; i < 60; i++)
		strcat(request, "\xe2\x82\xac");
	strcat(request, "\"}");
	refuses(request, "CommandNotFound", "is no command");
}
END_TEST

#define ADD "{\"execute\": \"device_add\", \"id\": 7, \"arguments\": " ADD_ARGUMENTS "}"
#define ADD_ARGUMENTS                                                                              \
	"{\"driver\": \"vfio-pci\", \"host\": \"0000:01:00.0\", \"id\": \"nic\", "                 \
	"\"bus\": \"slot3\"}"

START_TEST(what_takes_its_time_is_answered_later)
{
	negotiate();
	answers(ADD, "");
	ck_assert(control_session_waits(session));
	ck_assert_str_eq(fake_machine.slot, "slot3");
	fake_add_ends();
	ck_assert_str_eq(said, "{\"return\": {}, \"id\": 7}");
	ck_assert(!control_session_waits(session));
	ck_assert_uint_eq(goes_on, 1);
	answers("{\"execute\": \"stop\"}", "{\"return\": {}}");
	/* Or refused. */
	answers(ADD, "");
	fake_machine.flaw = "slot3: its windows are too small";
	fake_add_ends();
	ck_assert_str_eq(said, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"slot3: its "
			       "windows are too small\"}, \"id\": 7}");
}
END_TEST

START_TEST(what_takes_none_is_answered_at_once)
{
	negotiate();
	fake_machine.at_once = true;
	answers(ADD, "{\"return\": {}, \"id\": 7}");
	ck_assert(!control_session_waits(session));
	fake_machine.flaw = "no slot is free";
	refuses(ADD, "GenericError", "no slot is free");
	ck_assert(!control_session_waits(session));
	/* What is wrong by itself never gets so far. */
	refuses("{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"e1000\"}}",
		"GenericError", "device_add: driver 'e1000': devices are added by vfio-pci and ");
	ck_assert_uint_eq(fake_machine.adds, 2);
}
END_TEST

/* It is carried out all the same. */
START_TEST(who_is_gone_is_not_answered)
{
	negotiate();
	answers(ADD, "");
	control_session_destroy(session);
	session = NULL;
	ck_assert_ptr_nonnull(fake_machine.done);
	fake_add_ends();
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(goes_on, 0);
}
END_TEST

START_TEST(a_device_that_is_not_there_has_a_class_of_its_own)
{
	negotiate();
	refuses("{\"execute\": \"device_del\", \"arguments\": {\"id\": \"none\"}}",
		"DeviceNotFound", "no device has the id 'none'");
	answers("{\"execute\": \"device_del\", \"arguments\": {\"id\": \"nic\"}}",
		"{\"return\": {}}");
	fake_machine.busy = true;
	refuses("{\"execute\": \"device_del\", \"arguments\": {\"id\": \"nic\"}}", "GenericError",
		"on its way");
}
END_TEST

static int an_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_gt(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static const char getfd[] = "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"a\"}}";

START_TEST(a_descriptor_is_for_the_request_behind_it)
{
	int fd = an_fd();

	negotiate();
	refuses(getfd, "GenericError", "no descriptor came with it");
	/* With the request, or with a blank before it. */
	control_session_bring(session, fd, CONTROL_CAME_ONE);
	answers(getfd, "{\"return\": {}}");
	ck_assert(is_open(fd));
	answers("{\"execute\": \"closefd\", \"arguments\": {\"fdname\": \"a\"}}",
		"{\"return\": {}}");
	ck_assert(!is_open(fd));
	fd = an_fd();
	control_session_bring(session, fd, CONTROL_CAME_ONE);
	answers(" ", "");
	control_session_bring(session, -1, CONTROL_CAME_NONE);
	answers(getfd, "{\"return\": {}}");
	ck_assert(is_open(fd));
	/* What comes by one read with other requests before it is still found. */
	fd = an_fd();
	control_session_bring(session, fd, CONTROL_CAME_ONE);
	answers("{\"execute\": \"stop\"}", "{\"return\": {}}");
	ck_assert(is_open(fd));
	answers(getfd, "{\"return\": {}}");
	/* It waits through requests that are not about it, until the next comes. */
	fd = an_fd();
	control_session_bring(session, fd, CONTROL_CAME_ONE);
	answers(" ", "");
	control_session_bring(session, -1, CONTROL_CAME_NONE);
	answers("{\"execute\": \"stop\"}", "{\"return\": {}}");
	ck_assert(is_open(fd));
	control_session_bring(session, an_fd(), CONTROL_CAME_ONE);
	answers(getfd, "{\"return\": {}}");
	refuses(getfd, "GenericError", "no descriptor came with it");
}
END_TEST

/* With what it has by name, and what waits for one. */
START_TEST(nothing_of_who_is_gone_stays_open)
{
	int named = an_fd(), waiting = an_fd();

	negotiate();
	control_session_bring(session, named, CONTROL_CAME_ONE);
	answers(getfd, "{\"return\": {}}");
	control_session_bring(session, waiting, CONTROL_CAME_ONE);
	control_session_destroy(session);
	session = NULL;
	ck_assert(!is_open(named) && !is_open(waiting));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_greets_with_its_version);
	tcase_add_test(tests, negotiation_comes_first_and_once);
	tcase_add_test(tests, ids_come_back_whatever_they_are);
	tcase_add_test(tests, requests_that_are_none_are_refused);
	tcase_add_test(tests, several_requests_may_come_at_once);
	tcase_add_test(tests, too_much_ends_it);
	tcase_add_test(tests, so_does_too_deep);
	tcase_add_test(tests, what_is_cut_in_a_sentence_stays_text);
	tcase_add_test(tests, what_takes_its_time_is_answered_later);
	tcase_add_test(tests, what_takes_none_is_answered_at_once);
	tcase_add_test(tests, who_is_gone_is_not_answered);
	tcase_add_test(tests, a_device_that_is_not_there_has_a_class_of_its_own);
	tcase_add_test(tests, a_descriptor_is_for_the_request_behind_it);
	tcase_add_test(tests, nothing_of_who_is_gone_stays_open);
}

int main(void)
{
	return run_suite("session", add_tests);
}
