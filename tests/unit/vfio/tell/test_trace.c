/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's trace: accesses with whose they are, interrupts, readers who do not read. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"
#include "tests/unit/vfio/tell/test_trace.h"
#include "vmm/kvm/origin.h"

START_TEST(an_access_is_told_with_whose_it_is)
{
	struct kvm_origin origin = {.vcpu = 3};

	start_traced();
	kvm_origin_set(&origin);
	config_read(PCI_VENDOR_ID, 4);
	origin.has_pc = true;
	origin.pc = 0xffffffff81cd5a47;
	kvm_origin_set(&origin);
	config_read(PCI_BASE_ADDRESS_1, 4);
	kvm_origin_set(NULL);
	config_read(PCI_VENDOR_ID, 4);
	stop_traced();
	told("Vendor ID, Device ID  (vCPU 3)\n");
	told("BAR 1  (vCPU 3 at 0xffffffff81cd5a47)\n");
	told("Vendor ID, Device ID\n");
}
END_TEST

/* By who is not told of, from where it can be written. */
START_TEST(files_that_are_open_already)
{
	char table[SCRATCH_PATH];

	scratch_file(path, "", 0);
	scratch_file(table, "0x00 STATE 0:on\n", 16);
	bench.options.trace = "elsewhere";
	bench.options.names = "a table";
	bench.options.trace_fd = open(path, O_WRONLY | O_CLOEXEC);
	bench.options.names_fd = open(table, O_RDONLY | O_CLOEXEC);
	unlink(table);
	start();
	config_read(PCI_VENDOR_ID, 4);
	close(bench.options.trace_fd);
	close(bench.options.names_fd);
	stop_traced();
	ck_assert_int_eq(strncmp(text, "# device ", 9), 0);
	told("Vendor ID, Device ID\n");
}
END_TEST

START_TEST(a_wrong_table_is_refused)
{
	scratch_file(path, "0x08 STATE\n0x08\n", 16);
	bench.options.names = path;
	bench.options.trace = "/dev/null";
	ck_assert_ptr_null(create());
	unlink(path);
	ck_assert_int_eq(bench.err.code, -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "device 0000:01:00.0: names /tmp"));
	ck_assert_ptr_nonnull(strstr(bench.err.text, "line 2"));
	ck_assert(bench.fake.closed);
}
END_TEST

/* Interrupts are relayed: none is lost on the way, and the masked ones are owed. */
START_TEST(interrupts_are_told_and_passed_on)
{
	int gsi;

	start_traced();
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_INTX_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert(fake_irq_delivered(&bench.irq, 19));
	fd_signal(bench.pci->wires.intx.resample);
	run_loop_once();
	ck_assert(fd_take(bench.fake.unmask_eventfd));
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	config_write(0x72, 2, 0x8000);
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 0);
	gsi = pci_vectors_state(bench.pci->wires.vectors, 3).gsi;
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	run_loop_once();
	ck_assert(fake_irq_delivered(&bench.irq, (unsigned int)gsi));
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 1);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert_uint_eq(guest_read(bar(0) + 0x4000, 4), 8);
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 0);
	ck_assert(fake_irq_delivered(&bench.irq, (unsigned int)gsi));
	stop_traced();
	told("irq     INTx raised\n");
	told("irq     INTx end of interrupt: unmasked\n");
	told("irq     MSI-X vector 3\n");
	told("irq     MSI-X vector 3, masked: it is pending\n");
}
END_TEST

/* A server has the eventfd of INTx's end too: KVM signals that, and the monitor does not write. */
START_TEST(the_end_of_a_servers_intx_is_kvms)
{
	struct vfio_backend_ops ops = *bench.fake.backend.ops;
	const struct vfio_intx *intx;

	ops.is_shared = true;
	bench.fake.backend.ops = &ops;
	start_traced();
	intx = &bench.pci->wires.intx;
	ck_assert_int_ge(intx->device_trigger, 0);
	ck_assert_int_eq(intx->device_resample, -1);
	ck_assert_int_eq(bench.fake.unmask_eventfd, intx->resample);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_INTX_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert(fake_irq_delivered(&bench.irq, 19));
	fd_signal(intx->resample);
	ck_assert(fd_take(bench.fake.unmask_eventfd));
	stop_traced();
	told("irq     INTx raised\n");
}
END_TEST

START_TEST(a_trace_that_cannot_be_written_is_refused)
{
	bench.options.trace = "/no/such/folder/trace";
	ck_assert_ptr_null(create());
	ck_assert_int_eq(bench.err.code, -ENOENT);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "0000:01:00.0: trace /no/such/folder/trace"));
	ck_assert(bench.fake.closed);
}
END_TEST

START_TEST(a_full_disk_ends_the_trace_and_nothing_else)
{
	bench.options.trace = "/dev/full";
	start();
	for (unsigned int i = 0; i < 100; i++)
		ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
}
END_TEST

/* A pipe: nothing waits for its reader, and what he missed is told. */
START_TEST(a_traces_reader_holds_up_nobody)
{
	bool missing = false;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	bench.options.trace = path;
	start();
	for (unsigned int i = 0; i < 20000; i++)
		config_read(PCI_VENDOR_ID, 4);
	for (unsigned int i = 0; i < 40 && !missing; i++) {
		ssize_t n = read(ends[0], text, sizeof(text) - 1);

		ck_assert_int_gt(n, 0);
		text[n] = '\0';
		missing = strstr(text, "lines are missing here: not read in time");
		run_loop_once();
	}
	ck_assert(missing);
	pci_host_destroy(bench.host);
	create_host();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_is_refused)
{
	scratch_pipe(path);
	bench.options.trace = path;
	ck_assert_ptr_null(create());
	unlink(path);
	ck_assert_int_eq(bench.err.code, -ENXIO);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "nobody reads there"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_access_is_told_with_whose_it_is);
	tcase_add_test(tests, files_that_are_open_already);
	tcase_add_test(tests, a_wrong_table_is_refused);
	tcase_add_test(tests, interrupts_are_told_and_passed_on);
	tcase_add_test(tests, the_end_of_a_servers_intx_is_kvms);
	tcase_add_test(tests, a_trace_that_cannot_be_written_is_refused);
	tcase_add_test(tests, a_full_disk_ends_the_trace_and_nothing_else);
	tcase_add_test(tests, a_traces_reader_holds_up_nobody);
	tcase_add_test(tests, a_pipe_that_nobody_reads_is_refused);
}

int main(void)
{
	return run_suite("vfio trace", add_tests);
}
