/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole layer on a host bridge over the made-up kernel, for the one program including this. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_LAYER_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_LAYER_H

#include <check.h>
#include <linux/pci_regs.h>
#include <semaphore.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/fake_vfio_kvm.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_host.h"
#include "vfio/vfio.h"
#include "vfio/vfio_private.h"
#include "vmm/base/bits.h"

static struct {
	struct vfio *vfio;
	struct mem_map *mmio, *pio;
	struct pci_host *host;
	struct loop *loop;
	struct kvm_irq irq;
	struct err err;
	unsigned int descriptors, threads;
	enum vfio_via via; /* of the devices that are added */
	struct kvm_vm *vm; /* where one is wanted; nothing but its address is used */
} bench;

static inline void setup(void)
{
	fake_kernel_boot();
	memset(&bench, 0, sizeof(bench));
	/* Already in a container once: viability is a bit, not the whole word. */
	kernel.group_flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	fake_tree_create();
	fake_tree_folder("dev/vfio");
	fake_tree_write("dev/vfio/vfio", "");
	fake_tree_write("dev/vfio/7", "");
	fake_tree_write("dev/vfio/8", "");
	fake_tree_add_device("0000:01:00.0", 7, "vfio-pci");
	fake_tree_add_device("0000:01:00.3", 7, "vfio-pci");
	fake_tree_add_device("0000:02:00.1", 8, "vfio-pci");
	fake_irq_init(&bench.irq);
	bench.mmio = mem_map_create("mmio", 0, &bench.err);
	bench.pio = mem_map_create("pio", 65536, &bench.err);
	bench.loop = loop_create(&bench.err);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	bench.descriptors = count_descriptors();
	bench.threads = count_threads();
	bench.vfio = vfio_create(&(struct vfio_settings){.sysfs = fake_tree_path(""),
							 .dev = fake_tree_path("dev")},
				 &bench.err);
	ck_assert_ptr_nonnull(bench.vfio);
}

/* With a character device for each. */
static inline void setup_cdevs(void)
{
	setup();
	fake_tree_add_cdev("0000:01:00.0", 0);
	fake_tree_add_cdev("0000:01:00.3", 1);
	fake_tree_add_cdev("0000:02:00.1", 4);
}

static inline struct vfio_family *hardware(void)
{
	return &bench.vfio->families[VFIO_HARDWARE];
}

static inline struct vfio_family *programs(void)
{
	return &bench.vfio->families[VFIO_PROGRAMS];
}

/* By which hardware is had. */
static inline const char *way(void)
{
	return hardware()->provider->ops->name;
}

static inline void no_leaks(void)
{
	notice_closed_iommufd();
	ck_assert_uint_eq(count_descriptors(), bench.descriptors);
	ck_assert(threads_are(bench.threads));
	ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_uint_eq(kernel.space.count, 0);
}

static inline void destroy(void)
{
	vfio_stop(bench.vfio);
	pci_host_destroy(bench.host);
	vfio_destroy(bench.vfio);
	bench.host = NULL;
	bench.vfio = NULL;
	no_leaks();
}

static inline void teardown(void)
{
	destroy();
	loop_destroy(bench.loop);
	mem_map_destroy(bench.pio);
	mem_map_destroy(bench.mmio);
	fake_kernel_release();
	fake_tree_remove();
}

static inline int add(const char *path)
{
	bench.err.text[0] = '\0';
	return vfio_add(bench.vfio, &(struct vfio_device_config){.path = path, .via = bench.via},
			&bench.err);
}

static inline int prepare(void)
{
	return vfio_prepare(bench.vfio, bench.vm, &bench.err);
}

static inline int attach(void)
{
	const struct vfio_attach to = {.mmio = bench.mmio,
				       .irq = &bench.irq,
				       .host = bench.host,
				       .loop = bench.loop};

	return vfio_attach(bench.vfio, &to, &bench.err);
}

static inline void said(const char *sentence)
{
	ck_assert_msg(strstr(bench.err.text, sentence), "%s", bench.err.text);
}

/* 01:00.0 is not had: no trace of it is left. */
static inline void add_refused(int code, const char *sentence)
{
	ck_assert_int_eq(add("01:00.0"), code);
	said(sentence);
	said("0000:01:00.0");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 0);
}

/* It is had, and cannot be opened. */
static inline void attach_refused(const char *sentence)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert(prepare() < 0 || attach() < 0);
	said(sentence);
}

static inline void ram_mapped(void *machine, const struct err *err)
{
	ck_assert_ptr_null(err);
	sem_post(machine);
}

static inline struct ram *map_ram(sem_t *mapped)
{
	const struct ram_range piece = {.base = 0, .size = 16 * MIB};
	const struct ram_config config = {0};
	struct ram *ram = ram_create(bench.mmio, &piece, 1, &config, &bench.err);

	sem_init(mapped, 0, 0);
	ck_assert_int_eq(vfio_map_ram(bench.vfio, ram, ram_mapped, mapped, &bench.err), 0);
	while (sem_wait(mapped) < 0)
		;
	return ram;
}

/*
 * A guest's life with two devices: what happens on the way up, how many descriptors it has then,
 * and what happens on the way back.
 */
static inline void lives(const char *up, size_t descriptors, const char *down)
{
	struct ram *ram;
	sem_t mapped;
	int fds[32];

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(kernel.events, up);
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, NULL, 0), descriptors);
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, fds, ARRAY_SIZE(fds)), descriptors);
	for (size_t i = 0; i < descriptors; i++)
		ck_assert_int_ge(fcntl(fds[i], F_GETFD), 0);
	ram = map_ram(&mapped);
	ck_assert_uint_eq(kernel.space.count, 1);
	kernel.events[0] = '\0';
	destroy();
	ck_assert_str_eq(kernel.events, down);
	ram_destroy(ram);
	sem_destroy(&mapped);
}

static inline void fail_ioctl(unsigned long request, int code)
{
	kernel.fails_request = request;
	kernel.fails_code = code;
}

#endif
