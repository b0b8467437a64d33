/* SPDX-License-Identifier: BSD-3-Clause */
/* What the devices passed to one guest share: their BARs, the container, its locked memory. */

#include <check.h>
#include <errno.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vmm/base/bits.h"

/* Lets function 0 of @slot decode and master; the answer to that. */
static enum mem_result enable(unsigned int slot)
{
	return pci_host_config_write(bench.host, (uint16_t)(slot << 3), PCI_COMMAND, 2,
				     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* Of each device BAR 0, around the MSI-X table and PBA, and BAR 4. */
START_TEST(two_devices_can_reach_each_other)
{
	struct ram *ram;
	sem_t mapped;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	ram = map_ram(&mapped);
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert_int_eq(enable(1), MEM_DONE);
	ck_assert_uint_eq(kernel.space.count, 4);
	ck_assert_int_eq(enable(2), MEM_DONE);
	ck_assert_uint_eq(kernel.space.count, 7);
	pci_host_config_write(bench.host, 1 << 3, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(kernel.space.count, 4);
	/* At a reset all are gone before the device is reset; at the end before it is closed. */
	pci_host_reset(bench.host);
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert_int_eq(enable(2), MEM_DONE);
	ck_assert_uint_eq(kernel.space.count, 4);
	kernel.events[0] = '\0';
	destroy();
	ck_assert_str_eq(kernel.events, "unmap unmap unmap unmap kvm-del leave kvm-del leave ");
	ram_destroy(ram);
}
END_TEST

/* A disk controller may fetch its own program from its own BAR. */
START_TEST(one_device_can_reach_itself)
{
	struct ram *ram;
	sem_t mapped;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	ram = map_ram(&mapped);
	ck_assert_int_eq(enable(1), MEM_DONE);
	ck_assert_uint_eq(kernel.space.count, 4);
	pci_host_config_write(bench.host, 1 << 3, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(kernel.space.count, 1);
	destroy();
	ram_destroy(ram);
}
END_TEST

static void stop_loop(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	loop_stop(bench.loop);
}

/* The host takes a device back: what is ready is handled, then the loop ends. */
static void take_back(unsigned int device)
{
	int stopper = fd_eventfd();

	ck_assert(fake_vfio_fire(&kernel.devices[device], VFIO_PCI_REQ_IRQ_INDEX, 0));
	ck_assert_int_eq(loop_add(bench.loop, stopper, EPOLLIN, stop_loop, NULL, &bench.err), 0);
	for (int i = 0; i < 600000 && bench.vfio->entries[device]->stage != VFIO_CLOSED; i++) {
		fd_signal(stopper);
		ck_assert_int_eq(loop_run(bench.loop, &bench.err), 0);
		usleep(100);
	}
	ck_assert_int_eq(bench.vfio->entries[device]->stage, VFIO_CLOSED);
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
}

/* The last group takes the container's mappings with it; nothing is asked of it in vain aloud. */
START_TEST(the_last_group_takes_all_mappings)
{
	const char *text;
	struct ram *ram;
	sem_t mapped;

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	ram = map_ram(&mapped);
	ck_assert_int_eq(enable(1), MEM_DONE);
	ck_assert_int_eq(enable(2), MEM_DONE);
	take_back(0);
	ck_assert_uint_eq(kernel.space.count, 4);
	take_back(1);
	ck_assert_uint_eq(kernel.space.count, 0);
	fail_ioctl(VFIO_IOMMU_UNMAP_DMA, -EINVAL);
	hear();
	vfio_destroy(bench.vfio);
	bench.vfio = NULL;
	text = heard();
	ck_assert_str_eq(text, "");
	ram_destroy(ram);
}
END_TEST

/* A container that takes its time over a map. */
static const struct vfio_space_ops *quick;
static sem_t entered;

static int slow_map(struct vfio_space *space, const struct vfio_mapping *map)
{
	happened("map");
	sem_post(&entered);
	for (int i = 0; i < 60000 && !atomic_load(&hardware()->dma.stopping); i++)
		usleep(1000);
	usleep(20000);
	happened("mapped");
	return quick->map(space, map);
}

static void no_news(void *machine, const struct err *err)
{
	(void)machine;
	ck_assert_ptr_null(err);
}

/* The kernel frees its IOMMU when the last group leaves, whoever is inside. */
START_TEST(the_last_group_leaves_after_the_mapper)
{
	const struct ram_range pieces[] = {{.base = 0, .size = MIB}, {4 * GIB, MIB}};
	const struct ram_config config = {0};
	struct vfio_space_ops ops = *kernel.space.space.ops;
	struct ram *ram = ram_create(bench.mmio, pieces, ARRAY_SIZE(pieces), &config, &bench.err);

	sem_init(&entered, 0, 0);
	quick = kernel.space.space.ops;
	ops.map = slow_map;
	kernel.space.space.ops = &ops;
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	kernel.events[0] = '\0';
	ck_assert_int_eq(vfio_map_ram(bench.vfio, ram, no_news, NULL, &bench.err), 0);
	while (sem_wait(&entered) < 0)
		;
	take_back(0);
	destroy();
	ck_assert_str_eq(kernel.events, "map mapped kvm-del leave ");
	ram_destroy(ram);
}
END_TEST

static sem_t go_on;

static int held_map(struct vfio_space *space, const struct vfio_mapping *map)
{
	sem_post(&entered);
	while (sem_wait(&go_on) < 0)
		;
	return quick->map(space, map);
}

/* The other device still waits for it. */
START_TEST(a_group_that_is_not_the_last_leaves_the_mapper_at_work)
{
	const struct ram_range pieces[] = {{.base = 0, .size = MIB}, {4 * GIB, MIB}};
	const struct ram_config config = {0};
	struct vfio_space_ops ops = *kernel.space.space.ops;
	struct ram *ram = ram_create(bench.mmio, pieces, ARRAY_SIZE(pieces), &config, &bench.err);
	sem_t mapped;

	sem_init(&entered, 0, 0);
	sem_init(&go_on, 0, 0);
	sem_init(&mapped, 0, 0);
	quick = kernel.space.space.ops;
	ops.map = held_map;
	kernel.space.space.ops = &ops;
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	ck_assert_int_eq(vfio_map_ram(bench.vfio, ram, ram_mapped, &mapped, &bench.err), 0);
	while (sem_wait(&entered) < 0)
		;
	take_back(0);
	ck_assert_int_eq(enable(2), MEM_NOT_YET);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		sem_post(&go_on);
	while (sem_wait(&mapped) < 0)
		;
	kernel.space.space.ops = quick;
	ck_assert_int_eq(enable(2), MEM_DONE);
	destroy();
	ck_assert_uint_eq(kernel.space.count, 0);
	ram_destroy(ram);
}
END_TEST

/* Locked memory is the container's, counted once however many groups share it. */
START_TEST(groups_need_locked_memory_once)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("01:00.3"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	drop_root_and_limit(64 * KIB, 8 * MIB);
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, 8 * MIB, &bench.err), 0);
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, 8 * MIB + 4096, &bench.err), -ENOMEM);
	said("needs 8196 KiB");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, two_devices_can_reach_each_other);
	tcase_add_test(tests, one_device_can_reach_itself);
	tcase_add_test(tests, the_last_group_takes_all_mappings);
	tcase_add_test(tests, the_last_group_leaves_after_the_mapper);
	tcase_add_test(tests, a_group_that_is_not_the_last_leaves_the_mapper_at_work);
	if (limit_reaches(8 * MIB, "groups_need_locked_memory_once"))
		tcase_add_test(tests, groups_need_locked_memory_once);
}

int main(void)
{
	return run_suite("vfio shared", add_tests);
}
