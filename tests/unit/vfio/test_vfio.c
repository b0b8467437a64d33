/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole layer over a provider that is no kernel's: nothing of another one is linked. */

#include <check.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <semaphore.h>
#include <string.h>

#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_provider.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_host.h"
#include "vfio/vfio.h"
#include "vmm/base/bits.h"

static int serves_some(const struct vfio_settings *settings,
		       const struct vfio_device_config *config)
{
	ck_assert_str_eq(settings->sysfs, "/nonexistent");
	return strncmp(config->path, "foreign", 7) == 0 || strcmp(config->path, "either") == 0;
}

static const struct vfio_provider_ops choosy = {.name = "the choosy", .serves = serves_some};

/* In the place of the product's own table. */
const struct vfio_provider_ops *const vfio_providers[] = {&choosy, &fake_provider_ops, NULL};

/* Which the linker leaves out where nobody wants it. */
extern const struct vfio_provider_ops vfio_type1_provider __attribute__((weak));

static struct {
	struct vfio *vfio;
	struct mem_map *mmio, *pio;
	struct pci_host *host;
	struct loop *loop;
	struct kvm_irq irq;
	struct fake_vfio devices[FAKE_PROVIDER_DEVICES];
	struct err err;
	unsigned int descriptors;
} bench;

static void setup(void)
{
	memset(&bench, 0, sizeof(bench));
	fake_provider = (struct fake_provider){.provider.ops = &fake_provider_ops, .proof = -1};
	for (size_t i = 0; i < FAKE_PROVIDER_DEVICES; i++) {
		fake_vfio_init(&bench.devices[i]);
		fake_provider.devices[i] = &bench.devices[i];
	}
	fake_irq_init(&bench.irq);
	bench.mmio = mem_map_create("mmio", 0, &bench.err);
	bench.pio = mem_map_create("pio", 65536, &bench.err);
	bench.loop = loop_create(&bench.err);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	bench.descriptors = count_descriptors();
	bench.vfio = vfio_create(&(struct vfio_settings){.sysfs = "/nonexistent"}, &bench.err);
	ck_assert_ptr_nonnull(bench.vfio);
}

static void teardown(void)
{
	vfio_destroy(bench.vfio);
	pci_host_destroy(bench.host);
	ck_assert_uint_eq(count_descriptors(), bench.descriptors);
	loop_destroy(bench.loop);
	mem_map_destroy(bench.pio);
	mem_map_destroy(bench.mmio);
	for (size_t i = 0; i < FAKE_PROVIDER_DEVICES; i++)
		fake_vfio_release(&bench.devices[i]);
}

/* What the provider was asked for since the last question. */
static void asked(const char *events)
{
	ck_assert_str_eq(fake_provider.events, events);
	fake_provider.events[0] = '\0';
}

static int add(const char *name)
{
	return vfio_add(bench.vfio, &(struct vfio_device_config){.path = name}, &bench.err);
}

static int attach(void)
{
	const struct vfio_attach to = {.mmio = bench.mmio,
				       .irq = &bench.irq,
				       .host = bench.host,
				       .loop = bench.loop};

	return vfio_attach(bench.vfio, &to, &bench.err);
}

static void ram_mapped(void *machine, const struct err *err)
{
	ck_assert_ptr_null(err);
	sem_post(machine);
}

static void map_ram(struct ram *ram)
{
	sem_t mapped;

	sem_init(&mapped, 0, 0);
	ck_assert_int_eq(vfio_map_ram(bench.vfio, ram, ram_mapped, &mapped, &bench.err), 0);
	while (sem_wait(&mapped) < 0)
		;
	sem_destroy(&mapped);
}

static const struct vfio_space_ops *unwatched;

/* Nothing that a device may still reach is taken from it. */
static int unmap_after_close(struct vfio_space *space, uint64_t iova, uint64_t size,
			     uint64_t *unmapped)
{
	ck_assert(bench.devices[0].closed);
	return unwatched->unmap(space, iova, size, unmapped);
}

START_TEST(from_a_name_to_the_end)
{
	const struct ram_range piece = {.base = 0, .size = 16 * MIB};
	const struct ram_config config = {0};
	const struct vfio_mapping *map = fake_provider.space.maps;
	struct ram *ram = ram_create(bench.mmio, &piece, 1, &config, &bench.err);
	struct vfio_space_ops watched;
	uint64_t low, high;

	ck_assert_ptr_null(&vfio_type1_provider);
	ck_assert_int_eq(add("a"), 0);
	asked("create join ");
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, NULL, 0), 0);
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, piece.size, &bench.err), 0);
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, 2 * GIB, &bench.err), -ENOMEM);
	ck_assert_msg(vfio_prepare(bench.vfio, NULL, &bench.err) == 0, "%s", bench.err.text);
	asked("kvm open ");
	vfio_window_sizes(bench.vfio, &low, &high);
	ck_assert_uint_eq(low + high, 64 * KIB + 2 * MIB + bench.devices[0].regions[6].size);
	ck_assert_msg(attach() == 0, "%s", bench.err.text);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	asked("");
	map_ram(ram);
	ck_assert_uint_eq(fake_provider.space.count, 1);
	ck_assert(map->iova == 0 && map->size == 16 * MIB && map->fd == -1);
	ck_assert_ptr_eq(map->host, ram_host(ram, 0, 16 * MIB));
	ck_assert_uint_eq(map->flags, VFIO_MAP_READ | VFIO_MAP_WRITE);
	unwatched = fake_provider.space.space.ops;
	watched = *unwatched;
	watched.unmap = unmap_after_close;
	fake_provider.space.space.ops = &watched;
	vfio_destroy(bench.vfio);
	bench.vfio = NULL;
	asked("leave destroy ");
	ck_assert(bench.devices[0].closed);
	ck_assert_uint_eq(fake_provider.space.count, 0);
	ram_destroy(ram);
}
END_TEST

/* Though its sizes are known; what is opened and never put on a bus is closed again. */
START_TEST(a_pci_device_may_be_opened_early_too)
{
	fake_provider.is_pci = true;
	ck_assert_int_eq(add("a"), 0);
	ck_assert_int_eq(vfio_prepare(bench.vfio, NULL, &bench.err), 0);
	asked("create join kvm open ");
	ck_assert_uint_eq(bench.devices[0].calls, 0);
	vfio_destroy(bench.vfio);
	bench.vfio = NULL;
	asked("leave destroy ");
	ck_assert(bench.devices[0].closed);
}
END_TEST

/* It has no reset of its own: the bus's is had, here with nothing to show. */
START_TEST(the_bus_is_reset_as_the_provider_has_it)
{
	bench.devices[0].info.flags = VFIO_DEVICE_FLAGS_PCI;
	bench.devices[0].dependents = 2;
	bench.devices[0].dependent[0].group_id = 1;
	bench.devices[0].dependent[1].group_id = 3;
	ck_assert_int_eq(add("a"), 0);
	ck_assert_int_eq(vfio_prepare(bench.vfio, NULL, &bench.err), 0);
	asked("create join kvm open ");
	ck_assert_int_eq(attach(), 0);
	asked("bus ");
	ck_assert_uint_eq(bench.devices[0].hot_resets, 1);
	ck_assert_ptr_nonnull(strstr(bench.devices[0].log, "hot0:0+0 "));
}
END_TEST

START_TEST(a_device_that_is_refused_leaves_again)
{
	ck_assert_int_eq(add("a"), 0);
	ck_assert_int_eq(add("a"), -EEXIST);
	asked("create join join leave ");
	ck_assert_int_eq(add("b"), 0);
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 2);
	vfio_destroy(bench.vfio);
	bench.vfio = NULL;
	asked("join leave leave destroy ");
}
END_TEST

START_TEST(a_guest_has_all_its_devices_by_one_way)
{
	ck_assert_int_eq(add("a"), 0);
	ck_assert_int_eq(add("foreign"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "foreign: it is had by the choosy, those "
						     "before it by the test"));
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
	/* It would be had by the other, were it the first. */
	ck_assert_int_eq(add("either"), 0);
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 2);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, from_a_name_to_the_end);
	tcase_add_test(tests, a_pci_device_may_be_opened_early_too);
	tcase_add_test(tests, the_bus_is_reset_as_the_provider_has_it);
	tcase_add_test(tests, a_device_that_is_refused_leaves_again);
	tcase_add_test(tests, a_guest_has_all_its_devices_by_one_way);
}

int main(void)
{
	return run_suite("vfio", add_tests);
}
