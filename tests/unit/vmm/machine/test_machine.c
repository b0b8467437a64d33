/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole machines over a made-up KVM and VFIO: their lives from a configuration to their end. */

#include <check.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/unit/support/fake_machine.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"

/* Of a vCPU until it runs: when it is made, and at the boot. */
enum { FIRST_RESETS = 2 };

static unsigned int descriptors, threads;

static void setup(void)
{
	fake_machine_setup();
	descriptors = count_descriptors();
	threads = count_threads();
}

static void teardown(void)
{
	fake_machine_teardown();
}

static void is_gone(void)
{
	const char *left = fake_machine_is_gone();

	ck_assert_msg(!left, "%s is left", left);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	ck_assert(threads_are(threads));
}

static void lives(void)
{
	ck_assert_msg(fake_machine_create(), "%s", mock.err.text);
	fake_machine_run();
	fake_machine_destroy();
	is_gone();
}

/* The first processor has the machine begin anew so many times, then switches it off. */
static int reboots_then_ends(void *owner, struct fake_cpu *cpu)
{
	unsigned int times = *(const unsigned int *)owner;

	if (cpu->index)
		return fake_guest_sit(cpu);
	return cpu->resets < FIRST_RESETS + times ? fake_cpu_reboot(cpu) : fake_cpu_power_off(cpu);
}

START_TEST(ends_when_the_guest_switches_it_off)
{
	unsigned int times = 0;

	kvm.guest = reboots_then_ends;
	kvm.owner = &times;
	lives();
	ck_assert_int_eq(mock.status, STATUS_POWERED_OFF);
	ck_assert_uint_eq(kvm.cpu_count, 2);
}
END_TEST

START_TEST(begins_anew)
{
	unsigned int times = 3;

	kvm.guest = reboots_then_ends;
	kvm.owner = &times;
	lives();
	ck_assert_int_eq(mock.status, STATUS_POWERED_OFF);
	ck_assert_uint_eq(kvm.cpus[0].resets, FIRST_RESETS + times);
	ck_assert_uint_eq(kvm.cpus[1].resets, FIRST_RESETS + times);
}
END_TEST

static int crashes(void *owner, struct fake_cpu *cpu)
{
	(void)owner;
	if (!cpu->index)
		return fake_guest_sit(cpu);
	cpu->page->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	cpu->page->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	return 0;
}

START_TEST(ends_when_the_guest_crashes)
{
	kvm.guest = crashes;
	lives();
	ck_assert_int_eq(mock.status, STATUS_CRASHED);
	ck_assert_ptr_nonnull(strstr(mock.err.text, "the guest crashed"));
}
END_TEST

/* Where the first device's config space is in the guest, on the root bus. */
static uint64_t config_of(unsigned int offset)
{
	return mock.machine->platform.ecam.base + (1 << 15) + offset;
}

enum { BAR0 = 0x10000, MSIX_CONTROL = 0x72, MSIX_TABLE = 0x3000, ENTRIES = 10 };

/* A driver of the first device's: its BAR, bus mastering, an interrupt by MSI-X, its reset. */
static int drives_device(void *owner, struct fake_cpu *cpu)
{
	unsigned int *step = owner;
	uint64_t bar = mock.machine->platform.mmio32.base + BAR0;

	if (cpu->index)
		return fake_guest_sit(cpu);
	switch ((*step)++) {
	case 0:
		return fake_guest_access(cpu, true, config_of(PCI_BASE_ADDRESS_0), 4, bar);
	case 1:
		return fake_guest_access(cpu, true, config_of(PCI_COMMAND), 2,
					 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	case 2:
		return fake_guest_access(cpu, true, bar, 4, 0x12345678);
	case 3:
		return fake_guest_access(cpu, false, bar, 4, 0);
	case 4:
		must(cpu->value == 0x12345678);
		/* The entry's address, data and mask. */
		return fake_guest_access(cpu, true, bar + MSIX_TABLE, 4, 0xfee00000);
	case 5:
		return fake_guest_access(cpu, true, bar + MSIX_TABLE + 8, 4, 0x31);
	case 6:
		return fake_guest_access(cpu, true, bar + MSIX_TABLE + 12, 4, 0);
	case 7:
		return fake_guest_access(cpu, true, config_of(MSIX_CONTROL), 2,
					 PCI_MSIX_FLAGS_ENABLE);
	case 8:
		must(kvm_find_slot(bar, 4) && !kvm_find_slot(bar + MSIX_TABLE, 4));
		must(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_MSIX_IRQ_INDEX, 0));
		fake_guest_take_interrupts();
		return FAKE_NO_EXIT;
	default:
		return fake_cpu_power_off(cpu);
	}
}

static void uses_device(void)
{
	unsigned int step = 0;

	fake_machine_add(FAKE_FIRST);
	fake_machine_add(FAKE_THIRD);
	kvm.guest = drives_device;
	kvm.owner = &step;
	lives();
	ck_assert_int_eq(mock.status, STATUS_POWERED_OFF);
	ck_assert_uint_eq(kvm.interrupts, 1);
	/* It was used, and is given back as it was found. */
	ck_assert_uint_ge(kernel.devices[0].resets, 1);
}

START_TEST(uses_a_device)
{
	uses_device();
}
END_TEST

START_TEST(uses_a_device_by_iommufd)
{
	fake_machine_add_cdevs();
	uses_device();
}
END_TEST

START_TEST(is_refused_a_processor)
{
	fault_arm(2, FAULT_ERROR, -ENOMEM);
	fault_plan.only = "KVM_CREATE_VCPU";
	ck_assert_ptr_null(fake_machine_create());
	fault_disarm();
	ck_assert_str_eq(mock.err.text, "KVM: creating vCPU 1: Cannot allocate memory");
	is_gone();
}
END_TEST

/* Everything that listens, and nobody is there. */
START_TEST(listens)
{
	unsigned int times = 1;

	mock.config.gdb = mock.gdb;
	mock.config.control = mock.control;
	mock.config.slots = 3;
	kvm.guest = reboots_then_ends;
	kvm.owner = &times;
	lives();
	ck_assert_int_eq(mock.status, STATUS_POWERED_OFF);
}
END_TEST

/* What was asked for has its place first. */
START_TEST(has_random_bytes_where_there_is_room)
{
	unsigned int times = 1;

	kvm.guest = reboots_then_ends;
	kvm.owner = &times;
	mock.config.rng = _i ? RNG_ON : RNG_IF_ROOM;
	mock.config.slots = CONFIG_SLOTS_MAX - 1;
	ck_assert_msg(fake_machine_create(), "%s", mock.err.text);
	ck_assert_uint_eq(mock.machine->virtio_count, 1);
	fake_machine_run();
	fake_machine_destroy();
	is_gone();
	mock.config.slots = CONFIG_SLOTS_MAX;
	if (_i) {
		ck_assert(!fake_machine_create());
		ck_assert_ptr_nonnull(strstr(mock.err.text, "rng: all 31 slots"));
		is_gone();
		return;
	}
	ck_assert_msg(fake_machine_create(), "%s", mock.err.text);
	ck_assert_uint_eq(mock.machine->virtio_count, 0);
	fake_machine_run();
	fake_machine_destroy();
	is_gone();
}
END_TEST

/* One that ends, and one that is given up; it says last that nobody is there any more. */
static const struct {
	const char *script, *said;
} programs[] = {
	{"#!/bin/sh\necho Image is not in qcow2 format >&2\nexit 1\n",
	 "--disk: /dev/null: qemu-storage-daemon has ended: Image is not in qcow2 format"},
	/* It ends once the monitor has closed the connection, while its last words are awaited. */
	{"#!/bin/sh\necho Nobody is there >&2\n"
	 "while /bin/ls -l /proc/$PPID/fd | /bin/grep -q socket:; do /bin/sleep 0.2; done\n",
	 "--disk: /dev/null: qemu-storage-daemon: its server has not answered GET_FEATURES "
	 "within 5 s: look at what it waits for, or start it again; it said last: Nobody is there"},
};

/* The disk's server is started by the monitor: no socket of it is the user's, nor a descriptor. */
START_TEST(says_why_a_program_of_its_own_does_not_serve)
{
	char folder[] = "/tmp/ferry-machine-XXXXXX", program[64];
	struct config_vhost_user image = {
		.service = {.kind = SERVICE_IMAGE, .path = "/dev/null", .format = "qcow2"},
		.device.fd = -1,
	};
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(program, sizeof(program), "%s/qemu-storage-daemon", folder);
	file = fopen(program, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(programs[_i].script, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(program, 0700), 0);
	ck_assert_int_eq(setenv("PATH", folder, 1), 0);
	image.device.kind = vhost_user_find_kind("blk", &image.device.numbered);
	mock.config.vhost_user = &image;
	mock.config.vhost_user_count = 1;
	ck_assert_ptr_null(fake_machine_create());
	ck_assert_str_eq(mock.err.text, programs[_i].said);
	is_gone();
	scratch_remove(folder);
}
END_TEST

/* As `cont` has it, and SIGCONT. */
START_TEST(clocks_are_told_of_a_pause)
{
	struct machine *machine;

	kvm.guest = NULL;
	machine = fake_machine_create();
	ck_assert_msg(machine, "%s", mock.err.text);
	ck_assert_int_eq(machine_resume(machine, &mock.err), 0);
	ck_assert_uint_eq(kvm.cpus[0].pauses, 0);
	run_park(machine->run);
	machine->paused = true;
	ck_assert_int_eq(machine_resume(machine, &mock.err), 0);
	run_park(machine->run);
	for (unsigned int i = 0; i < kvm.cpu_count; i++)
		ck_assert_uint_eq(kvm.cpus[i].pauses, fake_cpu_has_clock);
	fake_machine_destroy();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, begins_anew);
	tcase_add_test(tests, ends_when_the_guest_crashes);
	tcase_add_test(tests, uses_a_device);
	tcase_add_test(tests, uses_a_device_by_iommufd);
	tcase_add_test(tests, is_refused_a_processor);
	tcase_add_loop_test(tests, says_why_a_program_of_its_own_does_not_serve, 0,
			    ARRAY_SIZE(programs));
	tcase_add_test(tests, clocks_are_told_of_a_pause);
	tcase_add_test(tests, listens);
	tcase_add_loop_test(tests, has_random_bytes_where_there_is_room, 0, 2);
	tcase_add_test(tests, ends_when_the_guest_switches_it_off);
}

int main(void)
{
	return run_suite("vmm/machine/machine", add_tests);
}
