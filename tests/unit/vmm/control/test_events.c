/* SPDX-License-Identifier: BSD-3-Clause */
/* The events of the control socket, each with its data. */

#include "tests/unit/vmm/control/test_server.h"

START_TEST(events_have_their_data)
{
	int fd = negotiated();

	control_tell_resume(control);
	hears_event(fd, "RESUME", NULL);
	control_tell_power_down(control);
	hears_event(fd, "POWERDOWN", NULL);
	control_tell_reset(control, CONTROL_GUEST_RESET);
	hears_event(fd, "RESET", "{\"guest\": true, \"reason\": \"guest-reset\"}");
	control_tell_reset(control, CONTROL_HOST_RESET);
	hears_event(fd, "RESET", "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}");
	control_tell_shutdown(control, CONTROL_GUEST_SHUTDOWN);
	hears_event(fd, "SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-shutdown\"}");
	control_tell_shutdown(control, CONTROL_HOST_SIGNAL);
	hears_event(fd, "SHUTDOWN", "{\"guest\": false, \"reason\": \"host-signal\"}");
	control_tell_panic(control, true);
	hears_event(fd, "GUEST_PANICKED", "{\"action\": \"poweroff\"}");
	control_tell_panic(control, false);
	hears_event(fd, "GUEST_PANICKED", "{\"action\": \"pause\"}");
	close(fd);
}
END_TEST

START_TEST(without_a_socket_nobody_hears)
{
	control_tell_stop(NULL);
	control_tell_resume(NULL);
	control_tell_power_down(NULL);
	control_tell_reset(NULL, CONTROL_HOST_RESET);
	control_tell_shutdown(NULL, CONTROL_HOST_QUIT);
	control_tell_panic(NULL, true);
	control_destroy(NULL);
}
END_TEST

START_TEST(devices_have_events)
{
	struct vfio_news news = {.kind = VFIO_REMOVED, .id = "nic", .host = "0000:01:00.0"};
	int fd = negotiated();
	static const struct {
		enum vfio_news_kind kind;
		const char *name;
	} own[] = {
		{VFIO_ADDED, "X_FERRY_DEVICE_ADDED"},
		{VFIO_LOST, "X_FERRY_DEVICE_LOST"},
		{VFIO_WANTED_BACK, "X_FERRY_DEVICE_WANTED_BACK"},
		{VFIO_FAILED, "X_FERRY_DEVICE_FAILED"},
		{VFIO_RECOVERED, "X_FERRY_DEVICE_RECOVERED"},
	};

	control_tell_device(NULL, &news);
	control_tell_device(control, &news);
	hears_event(fd, "DEVICE_DELETED",
		    "{\"device\": \"nic\", \"path\": \"/machine/peripheral/nic\"}");
	news.kind = VFIO_REMOVAL_REFUSED;
	control_tell_device(control, &news);
	hears_event(fd, "DEVICE_UNPLUG_GUEST_ERROR",
		    "{\"device\": \"nic\", \"path\": \"/machine/peripheral/nic\"}");
	news.slot = "slot3";
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		news.kind = own[i].kind;
		control_tell_device(control, &news);
		hears_event(fd, own[i].name,
			    "{\"device\": \"nic\", \"path\": \"/machine/peripheral/nic\", "
			    "\"host\": \"0000:01:00.0\", \"slot\": \"slot3\"}");
	}
	news.slot = NULL;
	control_tell_device(control, &news);
	hears_event(fd, "X_FERRY_DEVICE_RECOVERED",
		    "{\"device\": \"nic\", \"path\": \"/machine/peripheral/nic\", "
		    "\"host\": \"0000:01:00.0\", \"slot\": null}");
	close(fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, events_have_their_data);
	tcase_add_test(tests, without_a_socket_nobody_hears);
	tcase_add_test(tests, devices_have_events);
}

int main(void)
{
	return run_suite("events", add_tests);
}
