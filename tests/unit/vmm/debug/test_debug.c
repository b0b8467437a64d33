/* SPDX-License-Identifier: BSD-3-Clause */
/* The debugger's side of the machine: who stops why, who goes on, what is unfinished. */

#include <stdlib.h>

#include "tests/unit/support/fake_debug.h"
#include "tests/unit/support/fake_run.h"
#include "tests/unit/support/suite.h"
#include "vmm/debug/debug.h"
#include "vmm/debug/gdb/gdb.h"

enum { RAM_SIZE = 0x10000, PLACE = 0x1000, CODE = FAKE_OFFSET + PLACE };

/* The server's side. */
static struct {
	struct debug *target;
	unsigned int stops, halts;
	struct gdb_stop stop;
	bool goes_on; /* the next stop is none for the user: a range is stepped through */
	int exited;
} server;

static const enum gdb_action all_go[FAKE_CPUS] = {GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE};
static const enum gdb_action step_1[FAKE_CPUS] = {GDB_HOLD, GDB_STEP, GDB_HOLD};

struct gdb *gdb_create(const char *address, struct loop *loop, struct debug *target,
		       struct err *err)
{
	(void)loop;
	if (!address) {
		err_set(err, -EADDRINUSE, "in use");
		return NULL;
	}
	server.target = target;
	return (struct gdb *)&server;
}

void gdb_destroy(struct gdb *gdb)
{
	(void)gdb;
}

bool gdb_attached(const struct gdb *gdb)
{
	return gdb;
}

void gdb_halt(struct gdb *gdb)
{
	(void)gdb;
	server.halts++;
	gdb_target_halt(server.target);
}

void gdb_stopped(struct gdb *gdb, const struct gdb_stop *stop)
{
	(void)gdb;
	server.stops++;
	server.stop = *stop;
	if (server.goes_on) {
		server.goes_on = false;
		ck_assert_int_eq(gdb_target_resume(server.target, step_1), 0);
	}
}

void gdb_exited(struct gdb *gdb, int status, int signal)
{
	(void)gdb;
	(void)signal;
	server.exited = status;
}

/* The monitor's. */
static struct monitor asked;

void monitor_command(const struct monitor *monitor, const char *line, FILE *out)
{
	asked = *monitor;
	fputs(line, out);
}

/* The machine's. */
static struct {
	bool stands;
	unsigned int stop_requests, went, ended;
} machine;

static void owner_stop(void *owner)
{
	(void)owner;
	machine.stop_requests++;
}

static void owner_go(void *owner)
{
	(void)owner;
	machine.stands = false;
	machine.went++;
}

static bool owner_stands(void *owner)
{
	(void)owner;
	return machine.stands;
}

static void owner_end(void *owner)
{
	(void)owner;
	machine.ended++;
}

/* As machine.c does it. */
static struct debug *debug;

static void machine_looks(void)
{
	bool stood = machine.stands;

	machine.stands = true;
	if (!debug_parked(debug, stood))
		owner_go(NULL);
}

static struct mem_map *map;
static struct ram *ram;
static struct err err;

static struct debug_setup setup_of(const char *address)
{
	return (struct debug_setup){
		.address = address,
		.owner = {owner_stop, owner_go, owner_stands, owner_end, NULL},
		.parts = {.ram = ram},
	};
}

static void set_up(void)
{
	static const struct ram_range pieces[] = {{0, RAM_SIZE}};
	struct ram_config config = {0};
	struct debug_setup setup;

	fake_debug = (struct fake_debug){
		.support = {.software_breakpoints = true, .step = true, .breakpoints = 4}};
	map = mem_map_create("memory", 0, &err);
	ram = ram_create(map, pieces, 1, &config, &err);
	setup = setup_of("1234");
	debug = debug_create(&setup, &err);
	ck_assert_ptr_nonnull(debug);
	machine.stands = true;
}

static void tear_down(void)
{
	debug_destroy(debug);
	debug_destroy(NULL);
	ram_destroy(ram);
	mem_map_destroy(map);
}

static void insert(enum gdb_point_kind kind, uint64_t address, uint64_t length)
{
	ck_assert_int_eq(gdb_target_point_insert(server.target, 0, kind, address, length), 0);
}

static void resume(const enum gdb_action *actions)
{
	ck_assert_int_eq(gdb_target_resume(server.target, actions), 0);
}

/* What vCPU @cpu meets, and the machine's look at it. */
static void meet(unsigned int cpu, enum arch_debug_event event, uint64_t address)
{
	vcpus.told[cpu] = true;
	vcpus.stop[cpu] = (struct arch_debug_stop){.event = event, .address = address};
}

START_TEST(a_breakpoint_stops_all)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	resume(all_go);
	ck_assert_uint_eq(machine.went, 1);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		ck_assert(fake_debug.control[i].software && !vcpus.held[i]);
	meet(1, ARCH_DEBUG_SOFTWARE, CODE);
	machine_looks();
	ck_assert(machine.stands);
	ck_assert_uint_eq(server.stops, 1);
	ck_assert_int_eq(server.stop.reason, GDB_STOP_SOFTWARE);
	ck_assert_uint_eq(server.stop.cpu, 1);
	ck_assert_int_eq(server.stop.signal, 5);
	ck_assert_uint_eq(fake_debug.reinjected, 0);
}
END_TEST

START_TEST(of_two_at_once_one_is_told)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	insert(GDB_HARDWARE_BREAK, CODE + 4, 1);
	resume(all_go);
	meet(2, ARCH_DEBUG_HARDWARE, CODE + 4);
	meet(1, ARCH_DEBUG_SOFTWARE, CODE);
	machine_looks();
	machine_looks(); /* the second asked for it too */
	ck_assert_uint_eq(server.stops, 1);
	ck_assert_uint_eq(server.stop.cpu, 1);
	resume(all_go);
	ck_assert_uint_eq(machine.stop_requests, 0);
	meet(2, ARCH_DEBUG_HARDWARE, CODE + 4);
	machine_looks();
	ck_assert_int_eq(server.stop.reason, GDB_STOP_HARDWARE);
}
END_TEST

START_TEST(a_watchpoint_met_meanwhile_is_told_next)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	insert(GDB_WATCH_WRITE, CODE + 8, 8);
	resume(all_go);
	meet(0, ARCH_DEBUG_SOFTWARE, CODE);
	meet(2, ARCH_DEBUG_WATCH, CODE + 12);
	machine_looks();
	ck_assert_int_eq(server.stop.reason, GDB_STOP_SOFTWARE);
	/* Its vCPU is held at first. */
	resume(step_1);
	ck_assert_uint_eq(machine.went, 2);
	meet(1, ARCH_DEBUG_STEPPED, 0);
	machine_looks();
	ck_assert_int_eq(server.stop.reason, GDB_STOP_SIGNAL);
	/* Nothing runs before it is told. */
	resume(all_go);
	ck_assert_uint_eq(machine.went, 2);
	ck_assert_uint_eq(machine.stop_requests, 1);
	machine_looks();
	ck_assert_uint_eq(machine.went, 2);
	ck_assert_int_eq(server.stop.reason, GDB_STOP_WATCH);
	ck_assert_int_eq(server.stop.kind, GDB_WATCH_WRITE);
	ck_assert_uint_eq(server.stop.address, CODE + 12);
	ck_assert_uint_eq(server.stop.cpu, 2);
	resume(all_go);
	ck_assert_uint_eq(machine.went, 3);
}
END_TEST

START_TEST(a_watchpoint_that_was_removed_is_not_told)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	insert(GDB_WATCH_WRITE, CODE + 8, 8);
	resume(all_go);
	meet(0, ARCH_DEBUG_SOFTWARE, CODE);
	meet(2, ARCH_DEBUG_WATCH, CODE + 8);
	machine_looks();
	ck_assert_int_eq(gdb_target_point_remove(server.target, GDB_WATCH_WRITE, CODE + 8, 8), 0);
	resume(all_go);
	machine_looks();
	ck_assert_uint_eq(server.stops, 1);
	ck_assert_uint_eq(machine.went, 2);
	ck_assert(!machine.stands);
}
END_TEST

START_TEST(the_guests_own_breakpoint_is_the_guests)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	resume(all_go);
	meet(1, ARCH_DEBUG_SOFTWARE, CODE + 0x100);
	machine_looks();
	ck_assert_uint_eq(fake_debug.reinjected, 1);
	ck_assert_uint_eq(server.stops, 0);
	ck_assert_uint_eq(machine.went, 2);
	/* Also when another stops at the same time. */
	meet(0, ARCH_DEBUG_SOFTWARE, CODE);
	meet(2, ARCH_DEBUG_SOFTWARE, CODE + 0x100);
	machine_looks();
	ck_assert_uint_eq(fake_debug.reinjected, 2);
	ck_assert_uint_eq(server.stops, 1);
}
END_TEST

START_TEST(a_step_is_of_one_vcpu)
{
	resume(step_1);
	ck_assert(vcpus.held[0] && !vcpus.held[1] && vcpus.held[2]);
	ck_assert(!fake_debug.control[0].step && fake_debug.control[1].step);
	meet(1, ARCH_DEBUG_STEPPED, 0);
	machine_looks();
	ck_assert_uint_eq(fake_debug.stepped, 1);
	ck_assert_uint_eq(server.stops, 1);
	ck_assert_uint_eq(server.stop.cpu, 1);
	resume(all_go);
	ck_assert(!vcpus.held[0] && !fake_debug.control[1].step);
	/* A step that nobody asked for is the guest's own. */
	meet(1, ARCH_DEBUG_STEPPED, 0);
	machine_looks();
	ck_assert_uint_eq(server.stops, 1);
	ck_assert_uint_eq(fake_debug.reinjected, 1);
	ck_assert(!machine.stands);
}
END_TEST

START_TEST(stepping_on_inside_the_stop)
{
	resume(step_1);
	server.goes_on = true;
	meet(1, ARCH_DEBUG_STEPPED, 0);
	machine_looks();
	ck_assert_uint_eq(server.stops, 1);
	ck_assert_uint_eq(machine.went, 2);
	ck_assert(!machine.stands);
}
END_TEST

START_TEST(halted_when_asked)
{
	gdb_target_halt(server.target);
	ck_assert_uint_eq(machine.stop_requests, 0); /* it stands */
	resume(step_1);
	gdb_target_halt(server.target);
	ck_assert_uint_eq(machine.stop_requests, 1);
	machine_looks();
	ck_assert_uint_eq(server.stop.cpu, 1); /* the one that was not held */
	ck_assert_int_eq(server.stop.reason, GDB_STOP_SIGNAL);
	ck_assert_int_eq(server.stop.signal, 2);
}
END_TEST

START_TEST(no_step_without_its_support)
{
	fake_debug.support = (struct arch_debug_support){0};
	debug_destroy(debug);
	{
		struct debug_setup setup = setup_of("1234");

		debug = debug_create(&setup, &err);
	}
	ck_assert_int_eq(gdb_target_resume(server.target, step_1), -EOPNOTSUPP);
	ck_assert_uint_eq(machine.went, 0);
	ck_assert_ptr_nonnull(strstr(gdb_target_limits(server.target), "single steps"));
	ck_assert_ptr_nonnull(strstr(gdb_target_limits(server.target), "hardware breakpoints"));
	ck_assert_ptr_nonnull(strstr(gdb_target_limits(server.target), "watchpoints"));
	fake_debug.control_fails = -EIO;
	ck_assert_int_eq(gdb_target_resume(server.target, all_go), -EIO);
}
END_TEST

START_TEST(detached_it_runs_without_breakpoints)
{
	uint8_t there[2];

	ck_assert_int_eq(ram_write(ram, PLACE, "\1\2", 2), 0);
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	insert(GDB_WATCH_WRITE, CODE + 8, 8);
	resume(all_go);
	/* The debugger's line breaks while the guest runs: it is parked only for the moment. */
	gdb_target_detach(server.target, false);
	ck_assert_uint_eq(vcpus.parks, 1);
	ck_assert_uint_eq(machine.went, 2);
	ck_assert_int_eq(ram_read(ram, PLACE, there, 2), 0);
	ck_assert_mem_eq(there, "\1\2", 2);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		ck_assert(!fake_debug.control[i].software && fake_debug.control[i].count == 0);
}
END_TEST

START_TEST(a_guest_that_stands_stays_so)
{
	resume(step_1);
	meet(1, ARCH_DEBUG_STEPPED, 0);
	machine_looks();
	gdb_target_detach(server.target, false);
	ck_assert(machine.stands);
	ck_assert_uint_eq(machine.went, 1);
	ck_assert(!vcpus.held[0]);
	gdb_target_detach(server.target, true);
	ck_assert(!machine.stands);
}
END_TEST

START_TEST(registers_of_an_unfinished_access_stay)
{
	uint8_t bytes[8] = {1};

	vcpus.unsettled[1] = true;
	ck_assert_int_eq(gdb_target_register_write(server.target, 1, 0, bytes), -EBUSY);
	ck_assert_int_eq(gdb_target_register_write(server.target, 0, 0, bytes), 0);
	ck_assert_uint_eq(fake_debug.registers[0][0], 1);
	ck_assert_int_eq(gdb_target_register_read(server.target, 1, 0, bytes), 0);
	ck_assert_int_eq(gdb_target_register_read(server.target, 1, 99, bytes), -ENOENT);
}
END_TEST

START_TEST(memory_is_read_as_far_as_it_goes)
{
	uint8_t bytes[0x3000];
	uint64_t end = FAKE_OFFSET + FAKE_MAPPED;

	ck_assert_int_eq(ram_write(ram, PLACE, "\1\2\3\4", 4), 0);
	insert(GDB_SOFTWARE_BREAK, CODE + 2, 2);
	ck_assert_int_eq(gdb_target_memory_read(server.target, 0, CODE - 0x800, bytes, 0x2800),
			 0x2800);
	ck_assert_mem_eq(bytes + 0x800, "\1\2\3\4", 4);
	ck_assert_int_eq(gdb_target_memory_read(server.target, 0, end - 3, bytes, 8), 3);
	ck_assert_int_eq(gdb_target_memory_read(server.target, 0, end, bytes, 8), -EFAULT);
	ck_assert_int_eq(gdb_target_memory_read(server.target, 0, end, bytes, 0), 0);
	ck_assert_int_eq(gdb_target_memory_read(server.target, 0, UINT64_MAX, bytes, 8), -EFAULT);
	memset(bytes, 9, sizeof(bytes));
	ck_assert_int_eq(gdb_target_memory_write(server.target, 0, end - 3, bytes, 8), -EFAULT);
	ck_assert_int_eq(gdb_target_memory_write(server.target, 0, CODE - 1, bytes, 0x1001), 0);
	ck_assert_int_eq(ram_read(ram, PLACE + 0xfff, bytes, 1), 0);
	ck_assert_uint_eq(bytes[0], 9);
}
END_TEST

START_TEST(a_reset_keeps_breakpoints_and_runs_on)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	resume(all_go);
	ck_assert_int_eq(ram_clear(ram, PLACE, 2), 0);
	ck_assert(!debug_reset(debug, false));
	ck_assert(debug_reset(debug, true));
	ck_assert(fake_debug.control[0].software);
	resume(step_1);
	ck_assert(debug_reset(debug, false)); /* the step is over */
	ck_assert_uint_eq(server.stops, 1);
}
END_TEST

START_TEST(a_crash_is_shown)
{
	resume(all_go);
	vcpus.unsettled[2] = true;
	machine.stands = true;
	debug_crashed(debug, false);
	ck_assert_int_eq(server.stop.signal, 6);
	ck_assert_uint_eq(server.stop.cpu, 2);
	/* Nobody looks any more. */
	gdb_target_detach(server.target, false);
	ck_assert_uint_eq(machine.went, 2);
	debug_ended(debug, 3, 0);
	ck_assert_int_eq(server.exited, 3);
}
END_TEST

START_TEST(a_crash_beside_a_breakpoint_is_shown_next)
{
	insert(GDB_SOFTWARE_BREAK, CODE, 2);
	resume(all_go);
	meet(1, ARCH_DEBUG_SOFTWARE, CODE);
	machine_looks();
	vcpus.unsettled[2] = true;
	debug_crashed(debug, true);
	ck_assert_uint_eq(server.stops, 1);
	resume(all_go);
	machine_looks();
	ck_assert_int_eq(server.stop.signal, 6);
	resume(all_go);
	ck_assert_uint_eq(machine.went, 2);
}
END_TEST

START_TEST(a_reset_leaves_nobody_waiting)
{
	/* A watchpoint was to be told next: the guest that it was met in is no more. */
	insert(GDB_WATCH_WRITE, CODE + 8, 8);
	resume(all_go);
	meet(0, ARCH_DEBUG_WATCH, CODE + 8);
	meet(2, ARCH_DEBUG_WATCH, CODE + 8);
	machine_looks();
	resume(all_go);
	ck_assert(!debug_reset(debug, true));
	owner_go(NULL);
	machine_looks();
	ck_assert_uint_eq(server.stops, 1);
	ck_assert(!machine.stands);
	/* A halt is answered by the end of a step, once. */
	resume(step_1);
	gdb_target_halt(server.target);
	machine.stands = true;
	ck_assert(debug_reset(debug, false));
	machine_looks();
	ck_assert_uint_eq(server.stops, 2);
	resume(all_go);
	meet(1, ARCH_DEBUG_STEPPED, 0);
	machine_looks();
	ck_assert_uint_eq(server.stops, 2);
}
END_TEST

START_TEST(kill_and_monitor)
{
	char text[16] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	gdb_target_monitor(server.target, 2, "pci", out);
	fclose(out);
	ck_assert_str_eq(text, "pci");
	ck_assert_uint_eq(asked.cpu, 2);
	ck_assert(asked.stands && asked.ram == ram);
	gdb_target_kill(server.target);
	ck_assert_uint_eq(machine.ended, 1);
	/* By way of the server, which is to know that its range ends. */
	debug_halt(debug);
	ck_assert_uint_eq(server.halts, 1);
	ck_assert(debug_attached(debug) && !debug_attached(NULL));
	ck_assert_uint_eq(gdb_target_cpus(server.target), FAKE_CPUS);
	ck_assert_str_eq(gdb_target_description(server.target, "target.xml"), "<target/>");
}
END_TEST

START_TEST(creation_fails_whole)
{
	struct debug_setup setup = setup_of(NULL);

	ck_assert_ptr_null(debug_create(&setup, &err));
	ck_assert_int_eq(err.code, -EADDRINUSE);
	fake_debug.support_fails = -EIO;
	setup.address = "1234";
	ck_assert_ptr_null(debug_create(&setup, &err));
	ck_assert_int_eq(err.code, -EIO);
	fake_debug.support_fails = -EOPNOTSUPP;
	err = (struct err){0};
	ck_assert_ptr_null(debug_create(&setup, &err));
	ck_assert_str_eq(err.text,
			 "gdb: this architecture has no debugger's half yet: leave --gdb out");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_breakpoint_stops_all);
	tcase_add_test(tests, of_two_at_once_one_is_told);
	tcase_add_test(tests, a_watchpoint_met_meanwhile_is_told_next);
	tcase_add_test(tests, a_watchpoint_that_was_removed_is_not_told);
	tcase_add_test(tests, the_guests_own_breakpoint_is_the_guests);
	tcase_add_test(tests, a_step_is_of_one_vcpu);
	tcase_add_test(tests, stepping_on_inside_the_stop);
	tcase_add_test(tests, halted_when_asked);
	tcase_add_test(tests, no_step_without_its_support);
	tcase_add_test(tests, detached_it_runs_without_breakpoints);
	tcase_add_test(tests, a_guest_that_stands_stays_so);
	tcase_add_test(tests, registers_of_an_unfinished_access_stay);
	tcase_add_test(tests, memory_is_read_as_far_as_it_goes);
	tcase_add_test(tests, a_reset_keeps_breakpoints_and_runs_on);
	tcase_add_test(tests, a_crash_is_shown);
	tcase_add_test(tests, a_crash_beside_a_breakpoint_is_shown_next);
	tcase_add_test(tests, a_reset_leaves_nobody_waiting);
	tcase_add_test(tests, kill_and_monitor);
	tcase_add_test(tests, creation_fails_whole);
}

int main(void)
{
	return run_suite("debug", add_tests);
}
