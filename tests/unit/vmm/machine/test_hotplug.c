/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's part in hot plug: when vCPUs go on again, and what a first device needs. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/hostmem.h"
#include "vmm/machine/hotplug.h"
#include "vmm/machine/machine_private.h"

/* In the place of the other parts. */
static unsigned int parks, resumes, requests, told;
static uint64_t needed;
static struct vfio_news last;
static struct {
	unsigned int count;
	const char *slot;
	struct err err;
} plugs;

void machine_request(struct machine *machine, unsigned int asked)
{
	(void)machine;
	requests |= asked;
}

void run_park(struct run *run)
{
	(void)run;
	parks++;
}

void run_resume(struct run *run)
{
	(void)run;
	resumes++;
}

void control_tell_device(struct control *control, const struct vfio_news *news)
{
	(void)control;
	last = *news;
	told++;
}

void vfio_plug(struct vfio *vfio, const struct vfio_device_config *config, const char *slot,
	       vfio_added done, void *owner)
{
	(void)vfio;
	(void)config;
	plugs.count++;
	plugs.slot = slot;
	done(owner, NULL);
}

int vfio_unplug(struct vfio *vfio, const char *id, unsigned int timeout_ms, struct err *err)
{
	(void)vfio;
	ck_assert_uint_eq(timeout_ms, 1000);
	return err_set(err, -ENOENT, "no device has the id '%s'", id);
}

void hostmem_read(const char *proc, const char *sys, struct hostmem *host)
{
	(void)proc;
	(void)sys;
	*host = (struct hostmem){0};
}

uint64_t hostmem_resident(const char *proc)
{
	(void)proc;
	return 4096;
}

int hostmem_check_rest(const struct hostmem *host, uint64_t ram, uint64_t resident, struct err *err)
{
	(void)host;
	ck_assert_uint_eq(resident, 4096);
	return ram > needed ? err_set(err, -ENOMEM, "guest memory: too little") : 0;
}

static struct config config;
static struct machine machine;
static struct vfio_attach attach;
static struct err err;
static unsigned int answers;

static void set_up(void)
{
	parks = resumes = requests = told = answers = 0;
	needed = 100;
	memset(&plugs, 0, sizeof(plugs));
	err = (struct err){0};
	config = (struct config){.memory = 100};
	machine = (struct machine){.config = &config, .run = (struct run *)&machine};
	pthread_mutex_init(&machine.lock, NULL);
	attach = (struct vfio_attach){0};
	hotplug_attach(&machine, &attach);
}

static void stand_for_a_moment(void)
{
	attach.park(attach.machine);
	attach.unpark(attach.machine);
}

START_TEST(the_guest_goes_on)
{
	stand_for_a_moment();
	ck_assert_uint_eq(parks, 1);
	ck_assert_uint_eq(resumes, 1);
}
END_TEST

/* For --paused, for `stop`, for gdb. */
START_TEST(a_guest_that_stood_stands)
{
	machine.paused = true;
	stand_for_a_moment();
	ck_assert_uint_eq(parks, 1);
	ck_assert_uint_eq(resumes, 0);
}
END_TEST

/* They would go past their breakpoint, or into a reset. */
START_TEST(vcpus_wait_for_what_one_of_them_asked_for)
{
	machine.requests = REQUEST_DEBUG;
	stand_for_a_moment();
	machine.requests = REQUEST_RESET | REQUEST_MAPPED;
	stand_for_a_moment();
	machine.requests = 0;
	machine.outcome.decided = true;
	stand_for_a_moment();
	ck_assert_uint_eq(resumes, 0);
	machine.outcome.decided = false;
	machine.requests = REQUEST_MAPPED | REQUEST_SLOTS;
	stand_for_a_moment();
	ck_assert_uint_eq(resumes, 1);
}
END_TEST

START_TEST(at_the_end_there_are_none)
{
	machine.run = NULL;
	stand_for_a_moment();
	ck_assert_uint_eq(parks + resumes, 0);
}
END_TEST

START_TEST(what_happens_is_passed_on)
{
	const struct vfio_news news = {.kind = VFIO_LOST, .id = "nic"};

	attach.slot_changed(attach.machine);
	ck_assert_uint_eq(requests, REQUEST_SLOTS);
	attach.tell(attach.machine, &news);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(last.kind, VFIO_LOST);
	ck_assert_int_eq(hotplug_remove(&machine, "nic", 1000, &err), -ENOENT);
	ck_assert_str_eq(err.text, "no device has the id 'nic'");
}
END_TEST

static void hear(void *owner, const struct err *why)
{
	answers++;
	if (why)
		*(struct err *)owner = *why;
}

START_TEST(a_device_is_passed_on)
{
	struct vfio_device_config device = {.path = "01:00.0"};

	hotplug_add(&machine, &device, "slot3", hear, &err);
	ck_assert_uint_eq(plugs.count, 1);
	ck_assert_str_eq(plugs.slot, "slot3");
	ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(a_first_device_must_find_memory)
{
	ck_assert_int_eq(attach.check_memory(attach.machine, &err), 0);
	needed = 99;
	ck_assert_int_eq(attach.check_memory(attach.machine, &err), -ENOMEM);
	ck_assert_str_eq(err.text, "guest memory: too little");
	/* Of huge pages, which are there from the start, nothing is asked. */
	config.page_size = 2 << 20;
	ck_assert_int_eq(attach.check_memory(attach.machine, &err), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, the_guest_goes_on);
	tcase_add_test(tests, a_guest_that_stood_stands);
	tcase_add_test(tests, vcpus_wait_for_what_one_of_them_asked_for);
	tcase_add_test(tests, at_the_end_there_are_none);
	tcase_add_test(tests, what_happens_is_passed_on);
	tcase_add_test(tests, a_device_is_passed_on);
	tcase_add_test(tests, a_first_device_must_find_memory);
}

int main(void)
{
	return run_suite("hotplug", add_tests);
}
