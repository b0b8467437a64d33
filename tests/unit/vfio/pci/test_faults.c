/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One function with every call failing in its turn while a guest uses, resets, loses or leaves it.
 */

#include <check.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/support/fake_provider.h"
#include "tests/unit/support/fault_libc.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

enum { STEPS_MAX = 400 };

static int stopper = -1;
static long long bytes; /* mapped before the function came */
static uint64_t base;   /* of BAR 0 */
static bool waits;      /* a processor, for its write to be answered */
static bool traced;     /* every access goes through the monitor, and every interrupt */

/* What a test does with a function that is busy. */
typedef void (*scene)(void);

static void turn(void *owner, uint32_t events)
{
	stop_loop(owner, events);
	fd_take(stopper);
}

/* Nothing here asserts or allocates: memory may have run out. */
static void turn_loop(void)
{
	struct err err = {0};

	fd_signal(stopper);
	if (loop_run(bench.loop, &err))
		abort();
}

/* Until whatever reset is under way has ended. */
static void turn_loop_through(void)
{
	turn_loop();
	for (int i = 0; i < 300000 && pci_state_is(VFIO_PCI_RESETTING); i++) {
		usleep(200);
		turn_loop();
	}
}

static struct vfio_bus_reset *bus_reset(void *keeper, struct vfio_pci *pci,
					enum vfio_reset_cause cause, struct err *err)
{
	(void)keeper;
	(void)cause;
	fake_provider.proof = bench.fake.memory;
	return vfio_bus_reset_prepare(&fake_provider.provider, pci->backend, pci->device.name, err);
}

static void bus_was_reset(void *keeper, const struct vfio_pci *pci,
			  const struct vfio_bus_reset *reset)
{
	(void)keeper;
	(void)pci;
	(void)reset;
}

static void wake(void *keeper)
{
	(void)keeper;
	waits = false;
}

static const struct vfio_pci_keeper_ops keeper = {
	.bus_reset = bus_reset,
	.bus_was_reset = bus_was_reset,
	.wake = wake,
};

static void guest_config(unsigned int offset, unsigned int size, uint32_t value)
{
	pci_host_config_write(bench.host, 3 << 3, offset, size, value);
}

static void guest_table(unsigned int vector, unsigned int field, uint32_t value)
{
	mem_map_write(bench.mmio, base + 0x3000 + 16 * vector + field, 4, value);
}

static void begin(bool by_bus)
{
	static const int pauses_ms[] = {1, 1, 0};

	setup();
	bench.keeper_ops = &keeper;
	bench.options.trace = traced ? "/dev/null" : NULL;
	bench.fake.regions[CONFIG].size = PCI_CONFIG_SIZE;
	fake_vfio_poke(&bench.fake, CONFIG, 0xa4, 4, PCI_EXP_DEVCAP_FLR);
	if (by_bus) {
		bench.fake.info.flags = VFIO_DEVICE_FLAGS_PCI;
		bench.fake.dependents = 1;
		bench.fake.dependent[0] =
			(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1};
	}
	stopper = fd_eventfd();
	ck_assert_int_eq(loop_add(bench.loop, stopper, EPOLLIN, turn, NULL, &bench.err), 0);
	bytes = atomic_load(&libc.mapped);
	start();
	bench.pci->reset.pauses_ms = pauses_ms;
	bench.pci->reset.retries_ms = pauses_ms;
	atomic_store(&bench.dma.mapped, true);
	base = bar(0);
	guest_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest_config(0x72, 2, PCI_MSIX_FLAGS_ENABLE);
	guest_table(1, 12, 0);
	ck_assert_uint_eq(bench.mapped_count, traced ? 0 : 3);
	ck_assert_uint_eq(bench.irq.attached, 1);
}

static void end(void)
{
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
	pci_host_destroy(bench.host);
	bench.host = NULL;
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_uint_eq(fake_irq_used(&bench.irq), 0);
	ck_assert_int_eq(atomic_load(&libc.mapped), bytes);
	teardown();
}

/* Whatever failed: what the guest reaches of the device goes together with the state it is in. */
static void check_state(const char *call, unsigned int at)
{
	const struct vfio_pci *pci = bench.pci;
	const unsigned int *span = bench.fake.span;
	unsigned int vectors = pci_vectors_count(pci->wires.vectors);
	bool alive = pci->state == VFIO_PCI_ALIVE;

	ck_assert_int_ne(pci->state, VFIO_PCI_RESETTING);
	ck_assert_msg(!waits, "call %u, %s: a processor waits for ever", at, call);
	if (!alive || !pci_device_decodes(&pci->device, PCI_BAR_MEM32))
		ck_assert_msg(bench.mapped_count == 0, "call %u, %s: %zu slices are mapped", at,
			      call, bench.mapped_count);
	if (!alive)
		ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_int_le((span[0] != 0) + (span[1] != 0) + (span[2] != 0), 1);
	ck_assert_uint_le(bench.irq.attached, vectors ? vectors : 1);
	if (!alive && strcmp(call, "write") != 0 && !fault_plan.onwards)
		ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
}

/* A restart of the machine makes up for everything but what VFIO itself still thinks is on. */
static void check_recovery(const char *call)
{
	if (bench.pci->state == VFIO_PCI_GONE || strcmp(call, "set irqs") == 0 ||
	    fault_plan.onwards)
		return;
	restart();
	turn_loop_through();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	guest_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, traced ? 0 : 3);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
}

static void walk(scene play, bool by_bus, const struct fault_plan *how)
{
	unsigned int at = 0;
	const char *call;

	do {
		begin(by_bus);
		fault_plan = *how;
		fault_plan.at = ++at;
		play();
		fault_disarm();
		call = fault_plan.call ? fault_plan.call : "";
		if (bench.host) {
			check_state(call, at);
			check_recovery(call);
		}
		end();
	} while (fault_plan.struck && at < STEPS_MAX);
	ck_assert_uint_lt(at, STEPS_MAX);
}

static void use(void)
{
	uint64_t value;

	guest_table(0, 12, 0);
	guest_table(0, 8, 0x41);
	guest_table(1, 12, 1);
	mem_map_read(bench.mmio, base + 0x4000, 8, &value);
	guest_table(1, 12, 0);
	guest_config(0x72, 2, 0);
	guest_config(0x52, 2, PCI_MSI_FLAGS_ENABLE | 3 << 4);
	guest_config(0x52, 2, 0);
	guest_config(0x44, 2, 3);
	guest_config(0x44, 2, 0);
	guest_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	guest_config(PCI_BASE_ADDRESS_0, 4, WINDOW32 + 16 * MIB);
	mem_map_write(bench.mmio, WINDOW32 + 16 * MIB, 4, 1);
	mem_map_read(bench.mmio, WINDOW32 + 16 * MIB, 4, &value);
	mem_map_read(bench.pio, 0x1000, 4, &value);
}

static void restart_machine(void)
{
	restart();
	turn_loop_through();
}

static void begin_reset(void)
{
	waits = pci_host_config_write(bench.host, 3 << 3, 0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR) ==
		MEM_NOT_YET;
}

static void reset_by_guest(void)
{
	begin_reset();
	turn_loop_through();
	guest_config(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR);
	turn_loop_through();
}

static void raise_error(void)
{
	fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0);
	turn_loop_through();
}

static void give_back(void)
{
	fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0);
	turn_loop_through();
}

static void raise_error_and_give_back(void)
{
	fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0);
	turn_loop();
	give_back();
}

/* The loop hears of the host's wish first, of the reset then. */
static void give_back_in_reset(void)
{
	fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0);
	begin_reset();
	turn_loop_through();
}

static void destroy(void)
{
	pci_host_destroy(bench.host);
	bench.host = NULL;
}

static const scene scenes[] = {
	use,       restart_machine,           reset_by_guest,     raise_error,
	give_back, raise_error_and_give_back, give_back_in_reset, destroy};

START_TEST(every_call_fails)
{
	static const int errors[] = {-EIO, -ENOMEM, -EBUSY};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		for (int by_bus = 0; by_bus < 2; by_bus++)
			walk(scenes[_i], by_bus, &(struct fault_plan){.error = errors[i]});
}
END_TEST

START_TEST(the_device_goes_away_at_every_call)
{
	const struct fault_plan refuses = {.error = -ENODEV, .onwards = true};
	const struct fault_plan all_ones = {.fault = FAULT_NONSENSE,
					    .filling = 0xff,
					    .onwards = true};

	for (int by_bus = 0; by_bus < 2; by_bus++) {
		walk(scenes[_i], by_bus, &refuses);
		walk(scenes[_i], by_bus, &all_ones);
	}
}
END_TEST

START_TEST(the_library_fails_at_every_call)
{
	libc.calls = true;
	for (int by_bus = 0; by_bus < 2; by_bus++)
		walk(scenes[_i], by_bus, &(struct fault_plan){.error = -EMFILE});
}
END_TEST

START_TEST(the_library_fails_at_every_call_for_a_traced_one)
{
	traced = libc.calls = true;
	walk(scenes[_i], false, &(struct fault_plan){.error = -EMFILE});
}
END_TEST

START_TEST(memory_runs_out_at_every_allocation)
{
	const struct fault_plan once = {.only = "memory"};
	const struct fault_plan onwards = {.only = "memory", .onwards = true};

	libc.memory = true;
	for (int by_bus = 0; by_bus < 2; by_bus++) {
		walk(scenes[_i], by_bus, &once);
		walk(scenes[_i], by_bus, &onwards);
	}
}
END_TEST

/* msync(2) refuses a range with a hole in it. */
static bool has_hole(const struct vfio_pci_bar *range)
{
	return msync(range->reservation, range->reserved, MS_ASYNC) != 0;
}

/* Somebody else's mapping would come to lie in it, and go with the BAR's. */
START_TEST(a_refused_mapping_leaves_no_hole_in_the_reservation)
{
	unsigned int at = 0, holes = 0;

	libc.calls = true;
	do {
		setup();
		fault_plan = (struct fault_plan){.only = "mmap", .error = -EBUSY, .at = ++at};
		bench.pci = create();
		fault_disarm();
		ck_assert_ptr_nonnull(bench.pci);
		for (unsigned int i = 0; i < PCI_BARS; i++)
			holes += bench.pci->bars[i].reservation && has_hole(&bench.pci->bars[i]);
		vfio_pci_destroy(bench.pci);
		bench.pci = NULL;
		teardown();
	} while (fault_plan.struck);
	ck_assert_uint_gt(at, 5);
	ck_assert_uint_eq(holes, 0);
}
END_TEST

/* A vCPU may not ask the kernel for it, and holds locks: the loop does. */
START_TEST(a_reset_without_a_thread_is_the_loops)
{
	begin(false);
	libc.calls = true;
	fault_plan = (struct fault_plan){.only = "pthread_create",
					 .error = -EAGAIN,
					 .at = 1,
					 .onwards = true};
	begin_reset();
	ck_assert(fault_plan.struck && waits);
	ck_assert_uint_eq(bench.fake.resets, 0);
	turn_loop_through();
	ck_assert_uint_eq(bench.fake.resets, 1);
	ck_assert(!waits && bench.pci->state == VFIO_PCI_ALIVE);
	guest_config(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR);
	guest_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	restart();
	ck_assert_uint_eq(bench.fake.resets, 2);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	fault_disarm();
	end();
}
END_TEST

static void be_quiet(void)
{
	log_set_level(LOG_ERROR);
}

static void add_tests(TCase *tests)
{
	const int count = ARRAY_SIZE(scenes);

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, be_quiet, NULL);
	tcase_add_loop_test(tests, every_call_fails, 0, count);
	tcase_add_loop_test(tests, the_device_goes_away_at_every_call, 0, count);
	tcase_add_loop_test(tests, the_library_fails_at_every_call, 0, count);
	tcase_add_loop_test(tests, the_library_fails_at_every_call_for_a_traced_one, 0, count);
	tcase_add_test(tests, a_refused_mapping_leaves_no_hole_in_the_reservation);
	tcase_add_test(tests, a_reset_without_a_thread_is_the_loops);
	tcase_add_loop_test(tests, memory_runs_out_at_every_allocation, 0, count);
}

int main(void)
{
	return run_suite("vfio faults of a function", add_tests);
}
