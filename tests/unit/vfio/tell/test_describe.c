/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Passed-through devices told to a person: list, config space, interrupts in every mode, BARs,
 * GSIs.
 */

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/tell/describe.h"

enum { SLOT_1 = 1 << 3, MSIX = 0x70, MSI = 0x50, TABLE = 0x3000 };

static char *answer, trace_path[] = "/tmp/ferry-test-XXXXXX";
static struct mem_listener listener;

/* As KVM's, without KVM. */
static int take_region(struct mem_listener *unused, struct mem_region *region, struct err *err)
{
	(void)unused;
	(void)region;
	(void)err;
	return 0;
}

static void lose_region(struct mem_listener *unused, struct mem_region *region)
{
	(void)unused;
	(void)region;
}

static int tell_slot(const struct mem_listener *unused, const struct mem_region *region)
{
	(void)unused;
	(void)region;
	return 7;
}

static void set_up(void)
{
	setup();
	listener = (struct mem_listener){.name = "slots",
					 .add = take_region,
					 .del = lose_region,
					 .slot = tell_slot};
	ck_assert_int_eq(mem_map_listen(bench.mmio, &listener, &bench.err), 0);
}

static void tear_down(void)
{
	destroy();
	mem_map_unlisten(bench.mmio, &listener);
	loop_destroy(bench.loop);
	mem_map_destroy(bench.pio);
	mem_map_destroy(bench.mmio);
	for (size_t i = 0; i < ARRAY_SIZE(kernel.devices); i++)
		fake_vfio_release(&kernel.devices[i]);
	fake_tree_remove();
	free(answer);
	answer = NULL;
}

static void start_with(const struct vfio_device_config *config)
{
	ck_assert_msg(vfio_add(bench.vfio, config, &bench.err) == 0, "%s", bench.err.text);
	ck_assert_msg(attach() == 0, "%s", bench.err.text);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
}

static void start(void)
{
	start_with(&(struct vfio_device_config){.path = "01:00.0"});
}

static void config_write(unsigned int offset, unsigned int size, uint32_t value)
{
	ck_assert_int_eq(pci_host_config_write(bench.host, SLOT_1, offset, size, value), MEM_DONE);
}

static uint64_t bar_0(void)
{
	uint32_t value;

	pci_host_config_read(bench.host, SLOT_1, PCI_BASE_ADDRESS_0, 4, &value);
	return value & ~0xfU;
}

static void table_write(unsigned int vector, unsigned int field, uint32_t value)
{
	uint64_t address = bar_0() + TABLE + (uint64_t)vector * PCI_MSIX_ENTRY_SIZE + field;

	ck_assert_int_eq(mem_map_write(bench.mmio, address, 4, value), MEM_DONE);
}

static void use_vector(unsigned int vector)
{
	table_write(vector, PCI_MSIX_ENTRY_LOWER_ADDR, 0xfee01000);
	table_write(vector, PCI_MSIX_ENTRY_DATA, 0x4020 + vector);
	table_write(vector, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
}

static FILE *begin(size_t *size)
{
	FILE *out;

	free(answer);
	answer = NULL;
	out = open_memstream(&answer, size);
	ck_assert_ptr_nonnull(out);
	return out;
}

static const char *describe(const char *address)
{
	size_t size;
	FILE *out = begin(&size);
	int rc = vfio_describe(bench.vfio, address, out);

	fclose(out);
	ck_assert_int_eq(rc, 0);
	for (const char *line = answer; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 100 ||
				      strstr(line, "reset     none") == line + 2,
			      "%s", line);
	return answer;
}

static const char *list(void)
{
	size_t size;
	FILE *out = begin(&size);

	vfio_list_devices(bench.vfio, out);
	fclose(out);
	return answer;
}

static const char *functions(void)
{
	size_t size;
	FILE *out = begin(&size);

	pci_host_describe(bench.host, out);
	fclose(out);
	return answer;
}

static const char *owner_of(unsigned int gsi, bool known)
{
	size_t size;
	FILE *out = begin(&size);
	bool found = vfio_describe_gsi(bench.vfio, gsi, out);

	fclose(out);
	ck_assert_int_eq(found, known);
	return answer;
}

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no '%s' in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
	ck_assert_msg(!strstr(text, part), "'%s' in:\n%s", part, text);
}

START_TEST(devices_are_found_by_both_addresses)
{
	size_t size;
	FILE *out;

	/* In the guest the first is at 00:01.0, the second at 00:02.0. */
	fake_tree_add_device("0000:00:02.0", 8, "vfio-pci");
	ck_assert_int_eq(add("0000:00:02.0"), 0);
	ck_assert_int_eq(add("0000:01:00.0"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(list(), "0000:00:02.0  in the guest 00:01.0  8086:10d3  alive, INTx\n"
				 "0000:01:00.0  in the guest 00:02.0  8086:10d3  alive, INTx\n");
	has(describe("01:00.0"), "0000:01:00.0, in the guest 00:02.0: alive\n");
	has(describe("0000:01:00.0"), "0000:01:00.0, in the guest 00:02.0: alive\n");
	has(describe("00:01.0"), "0000:00:02.0, in the guest 00:01.0: alive\n");
	/* The host's address goes before the guest's. */
	has(describe("00:02.0"), "0000:00:02.0, in the guest 00:01.0: alive\n");
	out = begin(&size);
	ck_assert_int_eq(vfio_describe(bench.vfio, "00:03.0", out), -ENOENT);
	ck_assert_int_eq(vfio_describe(bench.vfio, "", out), -ENOENT);
	fclose(out);
	ck_assert_str_eq(answer, "");
}
END_TEST

START_TEST(none_is_none)
{
	size_t size;
	FILE *out;

	ck_assert_str_eq(list(), "");
	owner_of(16, false);
	out = begin(&size);
	ck_assert_int_eq(vfio_describe(bench.vfio, "01:00.0", out), -ENOENT);
	fclose(out);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_str_eq(list(), "0000:01:00.0  not there\n");
}
END_TEST

START_TEST(config_space_is_told_in_words)
{
	struct fake_vfio *fake = &kernel.devices[0];

	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0xa0 + PCI_EXP_DEVCTL, 2, 0x2810);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0xa0 + PCI_EXP_DEVSTA, 2, 0x0001);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0xa0 + PCI_EXP_LNKSTA, 2, 0x1043);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0x104, 4, 0x00100000);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS, 2, 0x2010);
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	describe("01:00.0");
	has(answer, "  DMA       RAM is not mapped: the guest's bus mastering waits\n");
	has(answer, "  reset     of the function");
	has(answer, "  ids       8086:10d3 revision 0x03, subsystem 0000:0000, class 0x020000\n"
		    "  command   0x0002  memory\n"
		    "  status    0x2010  capabilities master-abort\n"
		    "capabilities\n"
		    "  0x040 Power Management\n"
		    "        control/status 0x0000  D0\n"
		    "  0x050 MSI\n"
		    "        control 0x0086: off, 1 of 8 vectors, 64-bit\n"
		    "        address 0x0, data 0x0000\n"
		    "  0x070 MSI-X\n"
		    "        control 0x0009: off, 10 vectors\n"
		    "        table in BAR 0 + 0x3000, PBA in BAR 0 + 0x4000\n"
		    "  0x0a0 Express\n"
		    "        version 2, root complex integrated endpoint, payload 128, read "
		    "request 512 bytes\n");
	has(answer, "        device control 0x2810  relaxed no-snoop\n"
		    "        device status  0x0001  correctable\n"
		    "        link on the host (hidden from the guest): control 0x0000, status "
		    "0x1043: 8 GT/s, x4\n");
	/* SR-IOV between them is not the guest's. */
	has(answer, "extended capabilities\n"
		    "  0x100 Advanced Error Reporting, version 1\n"
		    "        uncorrectable status 0x00100000\n"
		    "        correctable status   0x00000000\n"
		    "  0x180 Device Serial Number, version 1\n");
	has(answer, "interrupts: INTx\n  pin A, GSI 17, by irqfd, unmasked at the guest's end of "
		    "interrupt: not counted here\n");
}
END_TEST

START_TEST(a_device_behind_a_port_is_on_its_bus)
{
	fake_vfio_poke(&kernel.devices[0], VFIO_PCI_CONFIG_REGION_INDEX, 0xb2, 2, 0x1043);
	start_with(&(struct vfio_device_config){.path = "01:00.0", .port = true});
	has(list(), "0000:01:00.0  in the guest 01:00.0  ");
	has(describe("01:00.0"), "  0x0a0 Express\n"
				 "        version 2, endpoint, payload 128");
	has(answer, "        link on the host: control 0x0000, status 0x1043: 8 GT/s, x4\n");
}
END_TEST

START_TEST(vectors_of_msix)
{
	struct vfio_status status;

	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	config_write(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	use_vector(0);
	use_vector(3);
	table_write(3, PCI_MSIX_ENTRY_VECTOR_CTRL, 1);
	describe("01:00.0");
	has(answer, "control 0x8009: enabled, 10 vectors\n");
	has(answer, "interrupts: MSI-X, 10 vectors, 10 of them set up in the host's kernel\n");
	has(answer,
	    "       0  unmasked  no       0x00000000fee01000 0x00004020    24  irqfd      -\n"
	    "       3  masked    no       0x00000000fee01000 0x00004023    25  held back  -\n"
	    "  8 vectors masked and never used\n");
	has(answer, "/proc/interrupts has vfio-msix[N](0000:01:00.0)\n");
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.mode, "MSI-X");
	ck_assert_uint_eq(status.vectors, 10);
	ck_assert_uint_eq(status.unmasked, 1);
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_MSIX_IRQ_INDEX, 3));
	has(describe("01:00.0"), "       3  masked    yes      ");
	/* Looking takes nothing away: it is fired at the unmask. */
	has(describe("01:00.0"), "       3  masked    yes      ");
	table_write(3, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	has(describe("01:00.0"), "       3  unmasked  no       ");
	ck_assert(fake_irq_delivered(&bench.irq, 25));
	ck_assert_str_eq(owner_of(24, true), "0000:01:00.0 MSI-X vector 0, irqfd");
	ck_assert_str_eq(owner_of(25, true), "0000:01:00.0 MSI-X vector 3, irqfd");
	owner_of(26, false);
	config_write(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	describe("01:00.0");
	has(answer, "kernel, function masked\n");
	has(answer, "       0  masked    no       ");
	ck_assert_str_eq(owner_of(24, true), "0000:01:00.0 MSI-X vector 0, held back");
}
END_TEST

START_TEST(what_the_device_owes_is_pending)
{
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	config_write(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	fake_vfio_poke(&kernel.devices[0], 0, 0x4000, 8, 1 << 5);
	has(describe("01:00.0"),
	    "       5  masked    yes      0x0000000000000000 0x00000000     -  "
	    "held back  -\n");
	config_write(PCI_COMMAND, 2, 0);
	lacks(describe("01:00.0"), "yes");
}
END_TEST

START_TEST(vectors_of_msi)
{
	start();
	config_write(MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee02000);
	config_write(MSI + PCI_MSI_DATA_64, 2, 0x4110);
	config_write(MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 1 << 4);
	describe("01:00.0");
	has(answer, "        control 0x0097: enabled, 2 of 8 vectors, 64-bit\n"
		    "        address 0xfee02000, data 0x4110\n");
	has(answer, "interrupts: MSI, 2 vectors, 2 of them set up in the host's kernel\n");
	has(answer,
	    "       1  unmasked  no       0x00000000fee02000 0x00004111    25  irqfd      -\n");
	has(answer, "/proc/interrupts has vfio-msi[N](0000:01:00.0)\n");
	ck_assert_str_eq(owner_of(25, true), "0000:01:00.0 MSI vector 1, irqfd");
	owner_of(17, false);
}
END_TEST

START_TEST(relayed_interrupts_are_counted)
{
	int fd = mkstemp(trace_path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	start_with(&(struct vfio_device_config){.path = "01:00.0", .trace = trace_path});
	ck_assert_str_eq(owner_of(17, true), "0000:01:00.0 INTx, relayed");
	has(describe("01:00.0"),
	    "GSI 17, relayed by the monitor: raised 0, ended by the guest 0\n");
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_INTX_IRQ_INDEX, 0));
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	config_write(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	use_vector(1);
	for (unsigned int i = 0; i < 3; i++) {
		const struct vfio_sysfs_device *sysfs;
		struct vfio_pci *pci = vfio_device(bench.vfio, 0, &sysfs);

		ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_MSIX_IRQ_INDEX, 1));
		pthread_mutex_lock(&pci->device.lock);
		/* As a look at any that is masked does. */
		pci_vectors_pending(pci->wires.vectors, PCI_VECTORS_MSIX, 0);
		pthread_mutex_unlock(&pci->device.lock);
	}
	describe("01:00.0");
	has(answer, "0x00004021    24  relayed    3\n");
	lacks(answer, "/proc/interrupts");
	has(functions(), "trapped: trace; ");
	unlink(trace_path);
}
END_TEST

/* There is a descriptor for it, and none for its relay. */
START_TEST(a_vector_without_its_relay_has_failed)
{
	struct rlimit before, limit;
	int fd = mkstemp(trace_path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	start_with(&(struct vfio_device_config){.path = "01:00.0", .trace = trace_path});
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	config_write(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	fd = dup(STDERR_FILENO);
	close(fd);
	/* Half of so few are kept. */
	limit = (struct rlimit){.rlim_cur = 2 * ((rlim_t)fd + 1), .rlim_max = before.rlim_max};
	ck_assert_uint_lt(limit.rlim_cur, 2 * FD_RESERVE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	use_vector(1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	has(describe("01:00.0"), "0x00004021    24  failed: see the log  -\n");
	ck_assert_str_eq(owner_of(24, true), "0000:01:00.0 MSI-X vector 1, failed: see the log");
	table_write(1, PCI_MSIX_ENTRY_VECTOR_CTRL, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	table_write(1, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	has(describe("01:00.0"), "0x00004021    24  relayed    0\n");
	unlink(trace_path);
}
END_TEST

START_TEST(slices_tell_why_they_are_trapped)
{
	start_with(&(struct vfio_device_config){.path = "01:00.0", .trapped = 1 << 4});
	functions();
	has(answer, "  00:01.0  8086:10d3  Ethernet controller     0000:01:00.0   I/O- memory- "
		    "master-\n");
	has(answer, "            +0x0-0x2fff  not decoding; can be mapped\n"
		    "            +0x3000-0x4fff  not decoding; trapped: MSI-X table and PBA\n"
		    "            +0x5000-0xffff  not decoding; can be mapped\n");
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	functions();
	has(answer, "            +0x0-0x2fff  mapped, memslot 7\n"
		    "            +0x3000-0x4fff  trapped: MSI-X table and PBA; 0 accesses\n"
		    "            +0x5000-0xffff  mapped, memslot 7\n");
	has(answer, "      BAR 2 io ");
	has(answer, "            +0x0-0x1f  trapped: ports; 0 accesses\n");
	has(answer, "      BAR 4 mem64 prefetchable 0x0000000800000000    2 MiB  decodes\n"
		    "            +0x0-0x1fffff  trapped: mmap=off; 0 accesses\n");
	config_write(0x44, 2, 3);
	has(functions(), "off: the function is not in D0\n");
	has(describe("01:00.0"), "control/status 0x0003  D3");
}
END_TEST

START_TEST(without_a_reset_of_its_own)
{
	struct fake_vfio *fake = &kernel.devices[0];

	fake->info.flags = VFIO_DEVICE_FLAGS_PCI;
	start();
	has(describe("01:00.0"), "  reset     none: ");
	fake->dependent[0] = (struct vfio_pci_dependent_device){.group_id = 7, .bus = 1};
	fake->dependent[1] =
		(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1, .devfn = 3};
	fake->dependents = 2;
	has(describe("01:00.0"), "  reset     of the whole bus, which has 2 functions\n");
	fake->dependent[1].group_id = 9;
	has(describe("01:00.0"), "  reset     none: ");
	ck_assert_uint_eq(fake->hot_resets, 0);
}
END_TEST

START_TEST(a_status_is_told_in_numbers)
{
	struct vfio_status status;

	start();
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.host, "0000:01:00.0");
	ck_assert_str_eq(status.guest, "00:01.0");
	ck_assert_uint_eq(status.vendor, 0x8086);
	ck_assert_uint_eq(status.device, 0x10d3);
	ck_assert_str_eq(status.state, "alive");
	ck_assert_str_eq(status.mode, "INTx");
	ck_assert_uint_eq(status.vectors, 0);
	ck_assert_uint_eq(status.errors, 0);
	pci_host_destroy(bench.host);
	bench.host = NULL;
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.host, "0000:01:00.0");
	ck_assert_str_eq(status.guest, "");
	ck_assert_str_eq(status.state, "not there");
}
END_TEST

START_TEST(a_device_that_was_given_back)
{
	const struct vfio_sysfs_device *sysfs;

	start();
	vfio_pci_release(vfio_device(bench.vfio, 0, &sysfs), VFIO_RESET_END);
	ck_assert_str_eq(list(), "0000:01:00.0  in the guest 00:01.0  8086:10d3  given back to the "
				 "host, no interrupts\n");
	describe("01:00.0");
	has(answer, "given back to the host\n  the guest reads all ones; config space below");
	has(answer, "interrupts: no interrupts\n");
	has(functions(), "withdrawn\n");
	pci_host_destroy(bench.host);
	bench.host = NULL;
	ck_assert_str_eq(list(), "0000:01:00.0  not there\n");
}
END_TEST

/* Garbage in the device's chains ends the walk, not the monitor. */
START_TEST(garbage_is_survived)
{
	struct fake_vfio *fake = &kernel.devices[0];

	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0xa0, 2, 0xfc09);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0xfc, 4, 0x00024010);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0x180, 4, 0xffc10042);
	fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, 0xffc, 4, 0x10010001);
	start();
	describe("01:00.0");
	has(answer, "  0x0a0 Vendor Specific\n");
	has(answer, "  0x180 extended capability 0x0042, version 1\n"
		    "  0xffc Advanced Error Reporting, version 1\n");
}
END_TEST

static void *be_a_guest(void *stop)
{
	for (unsigned int i = 0; !atomic_load((atomic_bool *)stop); i++) {
		config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		config_write(MSIX + PCI_MSIX_FLAGS, 2, i & 1 ? PCI_MSIX_FLAGS_ENABLE : 0);
		use_vector(i % 10);
		fake_vfio_fire(&kernel.devices[0], VFIO_PCI_MSIX_IRQ_INDEX, i % 10);
		table_write(i % 10, PCI_MSIX_ENTRY_VECTOR_CTRL, 1);
		config_write(PCI_COMMAND, 2, i & 2 ? 0 : PCI_COMMAND_MEMORY);
	}
	return NULL;
}

START_TEST(a_look_at_a_device_in_use)
{
	atomic_bool stop = false;
	pthread_t guest;

	start();
	ck_assert_int_eq(pthread_create(&guest, NULL, be_a_guest, &stop), 0);
	for (unsigned int i = 0; i < 100; i++) {
		describe("01:00.0");
		list();
		functions();
	}
	atomic_store(&stop, true);
	pthread_join(guest, NULL);
}
END_TEST

static void tell(const struct vfio_backend *backend, FILE *out)
{
	(void)backend;
	fputs("  what the way tells\n", out);
}

START_TEST(a_way_tells_more)
{
	const struct vfio_sysfs_device *sysfs;
	struct vfio_backend_ops ops;
	const struct vfio_backend_ops *kept;
	struct vfio_pci *pci;

	start();
	ck_assert_ptr_null(strstr(describe("01:00.0"), "what the way tells"));
	pci = vfio_device(bench.vfio, 0, &sysfs);
	kept = pci->backend->ops;
	ops = *kept;
	ops.describe = tell;
	pci->backend->ops = &ops;
	has(describe(sysfs->address), "\n  what the way tells\n");
	pci->backend->ops = kept;
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, devices_are_found_by_both_addresses);
	tcase_add_test(tests, none_is_none);
	tcase_add_test(tests, config_space_is_told_in_words);
	tcase_add_test(tests, a_device_behind_a_port_is_on_its_bus);
	tcase_add_test(tests, vectors_of_msix);
	tcase_add_test(tests, what_the_device_owes_is_pending);
	tcase_add_test(tests, vectors_of_msi);
	tcase_add_test(tests, relayed_interrupts_are_counted);
	tcase_add_test(tests, a_vector_without_its_relay_has_failed);
	tcase_add_test(tests, slices_tell_why_they_are_trapped);
	tcase_add_test(tests, without_a_reset_of_its_own);
	tcase_add_test(tests, a_status_is_told_in_numbers);
	tcase_add_test(tests, a_device_that_was_given_back);
	tcase_add_test(tests, garbage_is_survived);
	tcase_add_test(tests, a_look_at_a_device_in_use);
	tcase_add_test(tests, a_way_tells_more);
}

int main(void)
{
	return run_suite("vfio describe", add_tests);
}
