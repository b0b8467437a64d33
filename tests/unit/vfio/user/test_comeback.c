/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is a program and comes back: its server is lost, looked for, and had again. */

#include <sys/resource.h>

#include "tests/unit/support/user_way.h"
#include "vfio/user/way.h"
#include "vmm/base/clock.h"

enum { AGAIN_MS = 10, NEVER_MS = 3600 * 1000 };

static void start(unsigned int again_ms)
{
	const struct vfio_device_config config = {
		.path = path,
		.via = VFIO_VIA_USER,
		.port = true,
		.reconnect_ms = again_ms,
	};

	listen_there();
	start_guest_with(&config, 0, no_mapping);
	while (!vfio_dma_mapped(&programs()->dma))
		turn();
}

static enum vfio_stage stage(void)
{
	ck_assert_uint_eq(bench.vfio->count, 1);
	return bench.vfio->entries[0]->stage;
}

static void wait_for_stage(enum vfio_stage wanted)
{
	for (int i = 0; i < 10000 && stage() != wanted; i++) {
		turn();
		usleep(1000);
	}
	ck_assert_int_eq(stage(), wanted);
}

/* Its server ends, with the name that it listened at, which nobody finds in between. */
static void lose(void)
{
	unlink(path);
	fake_user_hang_up(bench.vfio->entries[0]->pci->backend);
	wait_for_stage(VFIO_AWAY);
	fake_user_close();
	guest_told("lost user0 user0 slot1; ");
}

static void serve_again(void)
{
	user_server_init(&fake.server, &fake.model);
	listen_there();
}

START_TEST(it_comes_back_into_its_slot)
{
	struct vfio_status status;

	start(AGAIN_MS);
	ck_assert_uint_eq(bench.vfio->entries[0]->options.server_user, getuid());
	/* A run without clients makes no timers any more, and its thread may not. */
	ck_assert_int_eq(bench.vfio->entries[0]->pci->aer.timer, -1);
	for (unsigned int round = 0; round < 3; round++) {
		lose();
		ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
		vfio_get_status(bench.vfio, 0, &status);
		ck_assert_str_eq(status.stage, "lost, and looked for");
		ck_assert_str_eq(status.id, "user0");
		ck_assert(status.program && !status.unseen);
		ck_assert(!slot_status(1).present);
		ck_assert(slot_status(1).taken);
		ck_assert_ptr_null(programs()->provider);
		hear();
		serve_again();
		wait_for_text("added");
		ck_assert_ptr_nonnull(strstr(heard(), "passthrough device user0: it is back"));
		guest_told("added user0 user0 slot1; ");
		ck_assert(slot_status(1).present);
		ck_assert_uint_eq(fake.server.window_count, 1);
		guest_takes_events(1);
		guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
		ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), USER_ID);
	}
}
END_TEST

/* One that is there and does not work is told of, and tried again. */
START_TEST(one_that_fails_is_tried_again)
{
	start(AGAIN_MS);
	lose();
	hear();
	user_server_init(&fake.server, &fake.model);
	fake.server.at = _i ? COMMAND_DMA_MAP : COMMAND_INFO;
	fake.server.fault = USER_FAULT_ERROR;
	listen_there();
	for (int i = 0; i < 10000 && stage() == VFIO_AWAY; i++) {
		turn();
		usleep(1000);
	}
	wait_for_stage(VFIO_AWAY);
	ck_assert_ptr_nonnull(strstr(heard(), "Input/output error"));
	fake_user_close();
	unlink(path);
	fake.server.fault = USER_FAULT_NONE;
	serve_again();
	wait_for_text("added");
	ck_assert_int_eq(stage(), VFIO_THERE);
}
END_TEST

/* One that fails, or lives for a moment, costs less and less. */
START_TEST(the_pause_doubles)
{
	struct vfio_comeback *comeback;
	int64_t lost;

	start(AGAIN_MS);
	comeback = &bench.vfio->entries[0]->comeback;
	lose();
	ck_assert_uint_eq(comeback->failures, 0);
	serve_again();
	wait_for_text("added");
	guest.news[0] = '\0';
	comeback->failures = 6;
	lost = clock_now_ms();
	lose();
	ck_assert_uint_eq(comeback->failures, 7);
	serve_again();
	wait_for_text("added");
	ck_assert_int_ge(clock_now_ms() - lost, AGAIN_MS << 7);
	guest.news[0] = '\0';
	comeback->since -= 60 * 1000;
	lose();
	ck_assert_uint_eq(comeback->failures, 0);
}
END_TEST

/* What else needs them comes first. */
START_TEST(few_descriptors_are_others)
{
	struct rlimit limit, low;
	const char *text;

	start(AGAIN_MS);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = count_descriptors() + 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	hear();
	fake_user_hang_up(bench.vfio->entries[0]->pci->backend);
	wait_for_text("removed");
	text = heard();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_msg(strstr(text, "it does not come back"), "%s", text);
	guest_told("lost user0 user0 slot1; removed user0 user0 slot1; ");
	ck_assert_uint_eq(bench.vfio->count, 0);
	ck_assert(!slot_status(1).taken);
}
END_TEST

/* Its server does not answer: the run has the patience of an opening. */
START_TEST(a_run_that_ends_says_who_is_asked)
{
	start(AGAIN_MS);
	lose();
	user_server_init(&fake.server, &fake.model);
	fake.server.at = COMMAND_INFO;
	fake.server.fault = USER_FAULT_LATE;
	listen_there();
	while (fake_user_heard(COMMAND_INFO) < 2)
		turn();
	hear();
	vfio_stop(bench.vfio);
	ck_assert_ptr_nonnull(strstr(heard(), "user0: its server is being asked: the run ends"));
}
END_TEST

/* By whoever asked for it, at once. */
START_TEST(one_that_is_away_can_be_removed)
{
	start(AGAIN_MS);
	lose();
	ck_assert_int_eq(vfio_unplug(bench.vfio, "user0", 1000, &bench.err), 0);
	wait_for_text("removed");
	guest_told("removed user0 user0 slot1; ");
	ck_assert_uint_eq(bench.vfio->count, 0);
	ck_assert(!slot_status(1).taken);
}
END_TEST

/* A second server, of the same model, at a path of its own. */
static struct {
	struct user_server server;
	char path[sizeof(path)];
	int listener;
	pthread_t thread;
} other;

static void *other_main(void *argument)
{
	(void)argument;
	serve_one(&other.server, other.listener);
	return NULL;
}

static void other_listens(void)
{
	snprintf(other.path, sizeof(other.path), "%s", fake_tree_path("other"));
	user_server_init(&other.server, &fake.model);
	other.listener = listen_at(other.path);
	ck_assert_int_eq(pthread_create(&other.thread, NULL, other_main, NULL), 0);
}

static void other_ends(void)
{
	pthread_join(other.thread, NULL);
	unlink(other.path);
}

static void start_two(void)
{
	struct vfio_device_config configs[2] = {
		{.path = path, .via = VFIO_VIA_USER, .port = true, .reconnect_ms = AGAIN_MS},
	};

	listen_there();
	other_listens();
	configs[1] = configs[0];
	configs[1].path = other.path;
	start_guest_with_all(configs, 2, 0, no_mapping);
	while (!vfio_dma_mapped(&programs()->dma))
		turn();
}

/* Whichever is there first again: what a user calls it is its own. */
START_TEST(each_of_two_comes_back_as_itself)
{
	start_two();
	unlink(path);
	unlink(other.path);
	for (size_t i = 0; i < 2; i++) {
		fake_user_hang_up(bench.vfio->entries[i]->pci->backend);
		wait_for_text(i ? "lost user1" : "lost user0");
	}
	for (int i = 0; i < 10000 && (bench.vfio->entries[0]->stage != VFIO_AWAY ||
				      bench.vfio->entries[1]->stage != VFIO_AWAY);
	     i++) {
		turn();
		usleep(1000);
	}
	fake_user_close();
	other_ends();
	guest.news[0] = '\0';
	other_listens();
	wait_for_text("added");
	guest_told("added user1 user1 slot2; ");
	serve_again();
	wait_for_text("added");
	guest_told("added user0 user0 slot1; ");
	vfio_stop(bench.vfio);
	fake_user_hang_up(bench.vfio->entries[1]->pci->backend);
	other_ends();
}
END_TEST

/* A removal that was under way as it was lost is one. */
START_TEST(one_that_was_to_go_does_not_come_back)
{
	start(AGAIN_MS);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	ck_assert_int_eq(vfio_unplug(bench.vfio, "user0", 100000, &bench.err), 0);
	fake_user_hang_up(bench.vfio->entries[0]->pci->backend);
	wait_for_text("removed");
	ck_assert_uint_eq(bench.vfio->count, 0);
}
END_TEST

START_TEST(a_restart_leaves_it_away)
{
	start(AGAIN_MS);
	lose();
	guest_restarts();
	ck_assert_int_eq(stage(), VFIO_AWAY);
	serve_again();
	wait_for_text("added");
	guest_restarts();
	ck_assert_uint_eq(port_read(1, PCI_VENDOR_ID, 4) == UINT32_MAX, 0);
}
END_TEST

START_TEST(a_run_that_ends_does_not_wait_for_it)
{
	start(NEVER_MS);
	lose();
}
END_TEST

START_TEST(another_users_server_is_not_taken)
{
	start(AGAIN_MS);
	bench.vfio->entries[0]->options.server_user = getuid() + 1;
	lose();
	serve_again();
	/* It has had a client, which has said no more than the one before. */
	fake_user_close();
	unlink(path);
	turn();
	ck_assert_int_eq(stage(), VFIO_AWAY);
	ck_assert_uint_eq(fake_user_heard(COMMAND_VERSION), 1);
	guest_told("");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, way_set_up, way_tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, it_comes_back_into_its_slot);
	tcase_add_loop_test(tests, one_that_fails_is_tried_again, 0, 2);
	tcase_add_test(tests, the_pause_doubles);
	tcase_add_test(tests, few_descriptors_are_others);
	tcase_add_test(tests, a_run_that_ends_says_who_is_asked);
	tcase_add_test(tests, one_that_is_away_can_be_removed);
	tcase_add_test(tests, each_of_two_comes_back_as_itself);
	tcase_add_test(tests, one_that_was_to_go_does_not_come_back);
	tcase_add_test(tests, a_restart_leaves_it_away);
	tcase_add_test(tests, a_run_that_ends_does_not_wait_for_it);
	tcase_add_test(tests, another_users_server_is_not_taken);
}

int main(void)
{
	return run_suite("devices of vfio-user that come back", add_tests);
}
