/* SPDX-License-Identifier: BSD-3-Clause */
/* One vCPU moves and switches a BAR, or the port above, while others use it: for TSan. */

#include <stdatomic.h>
#include <unistd.h>

#include "devices/pci/port.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

enum { ROUNDS = 2000 };

struct worker {
	struct toy *toy;
	unsigned int answered;
};

static enum mem_result counting_read(void *owner, uint64_t offset, unsigned int size,
				     uint64_t *value)
{
	struct toy *toy = owner;

	(void)offset;
	(void)size;
	/* The shadow may be read with the device lock alone. */
	*value = toy->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER;
	toy->reads++;
	return MEM_DONE;
}

static const struct mem_ops counting_ops = {.read = counting_read, .write = slice_write};

static void *use_bar(void *argument)
{
	struct worker *worker = argument;
	struct mem_map *map = worker->toy->bench->mmio;
	uint64_t value;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		mem_map_read(map, WINDOW32 + (i & 1) * 0x4000, 4, &value);
		worker->answered += value == 0;
		mem_map_read(map, ECAM + (1 << 15) + PCI_COMMAND, 4, &value);
	}
	return NULL;
}

static void *toggle_decode(void *argument)
{
	struct worker *worker = argument;
	struct mem_map *map = worker->toy->bench->mmio;
	uint64_t function = ECAM + (1 << 15);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		mem_map_write(map, function + PCI_BASE_ADDRESS_0, 4, WINDOW32 + (i & 1) * 0x4000);
		mem_map_write(map, function + PCI_COMMAND, 2, i & 2 ? 0 : PCI_COMMAND_MEMORY);
	}
	mem_map_write(map, function + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	return NULL;
}

START_TEST(decode_toggles_under_use)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");
	struct worker users[2] = {{.toy = toy}, {.toy = toy}}, toggler = {.toy = toy};
	pthread_t threads[3];
	unsigned int answered;

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	toy->slices[0].region.ops = &counting_ops;
	toy->slices[0].region.owner = toy;
	toy_add(toy, 1, 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, use_bar, &users[i]);
	pthread_create(&threads[2], NULL, toggle_decode, &toggler);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	answered = users[0].answered + users[1].answered;
	ck_assert_uint_eq(toy->reads, answered);
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW32 + 0x4000, 4), 0);
	bench_destroy(bench);
}
END_TEST

/* Its requester id is wanted with the device lock alone, as at a write of its MSI-X table. */
static enum mem_result asking_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	struct toy *toy = owner;

	(void)offset;
	(void)size;
	*value = pci_device_requester(&toy->pci) & 0xff;
	toy->reads++;
	return MEM_DONE;
}

static const struct mem_ops asking_ops = {.read = asking_read, .write = slice_write};

static void *toggle_port(void *argument)
{
	struct worker *worker = argument;
	struct mem_map *map = worker->toy->bench->mmio;
	uint64_t port = ECAM + (1 << 15);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		mem_map_write(map, port + PCI_SECONDARY_BUS, 2, i & 1 ? 0x0101 : 0x0202);
		mem_map_write(map, port + PCI_COMMAND, 2, i & 2 ? 0 : PCI_COMMAND_MEMORY);
		mem_map_write(map, port + PCI_BRIDGE_CONTROL, 2,
			      i & 4 ? PCI_BRIDGE_CTL_BUS_RESET : 0);
	}
	return NULL;
}

START_TEST(a_port_changes_under_use)
{
	static struct kvm_irq irq;
	const struct pci_port_config config = {.name = "port", .irq = &irq};
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");
	struct worker users[2] = {{.toy = toy}, {.toy = toy}}, toggler = {.toy = toy};
	struct err err = {0};
	struct pci_port *port = pci_port_create(bench->host, &config, &err);
	pthread_t threads[3];

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	toy->slices[0].region.ops = &asking_ops;
	toy->slices[0].region.owner = toy;
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (unsigned int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, use_bar, &users[i]);
	pthread_create(&threads[2], NULL, toggle_port, &toggler);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(toy->reads, users[0].answered + users[1].answered);
	bench_destroy(bench);
}
END_TEST

/* vCPUs hold it to read while they access anything; to write: they are parked. */
static pthread_rwlock_t parking = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static atomic_bool over;

static uint64_t access_parkable(struct mem_map *map, uint64_t address, bool write, uint64_t value)
{
	pthread_rwlock_rdlock(&parking);
	if (write)
		mem_map_write(map, address, 2, value);
	else
		mem_map_read(map, address, 2, &value);
	pthread_rwlock_unlock(&parking);
	return value;
}

/* A guest that uses what is there, as it finds it. */
static void *use_slot(void *argument)
{
	const struct bench *bench = argument;
	const uint64_t port = ECAM + (1 << 15), below = ECAM + (1 << 20);
	struct mem_map *map = bench->mmio;

	for (unsigned int i = 0; !atomic_load(&over); i++) {
		access_parkable(map, below + PCI_BASE_ADDRESS_0 + 2, true, WINDOW32 >> 16);
		access_parkable(map, below + PCI_COMMAND, true, PCI_COMMAND_MEMORY);
		access_parkable(map, WINDOW32, false, 0);
		access_parkable(map, below + PCI_VENDOR_ID, false, 0);
		access_parkable(map, port + 0x48 + PCI_EXP_SLTSTA, true, 0x109);
		access_parkable(map, port + 0x48 + PCI_EXP_SLTCTL, true,
				i & 8 ? PCI_EXP_SLTCTL_PWR_OFF : 0x1029);
	}
	return NULL;
}

START_TEST(functions_come_and_go_under_use)
{
	static struct kvm_irq irq;
	struct err err = {0};
	struct loop *loop = loop_create(&err);
	const struct pci_port_config config = {.name = "port", .irq = &irq, .loop = loop};
	struct bench *bench = bench_create();
	struct pci_port *port = pci_port_create(bench->host, &config, &err);
	pthread_t threads[2];

	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	pci_host_config_write(bench->host, 1 << 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_host_config_write(bench->host, 1 << 3, PCI_MEMORY_BASE, 4, 0xc000c000);
	for (unsigned int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, use_slot, bench);
	for (unsigned int i = 0; i < ROUNDS / 20; i++) {
		struct toy *toy = toy_create(bench, "a");

		ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
		toy->slices[0].region.ops = &asking_ops;
		toy->slices[0].region.owner = toy;
		ck_assert_int_eq(pci_port_check_room(port, &toy->pci, &err), 0);
		ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
		pci_port_insert(port, NULL);
		usleep(200);
		pci_port_press(port);
		pci_port_slot(port);
		pci_port_eject(port);
		pthread_rwlock_wrlock(&parking);
		pci_port_remove(port, &toy->pci);
		pthread_rwlock_unlock(&parking);
		toy_destroy(&toy->pci);
		bench->log[0] = '\0';
	}
	atomic_store(&over, true);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	bench_destroy(bench);
	loop_destroy(loop);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, decode_toggles_under_use);
	tcase_add_test(tests, a_port_changes_under_use);
	tcase_add_test(tests, functions_come_and_go_under_use);
}

int main(void)
{
	return run_suite("pci threads", add_tests);
}
