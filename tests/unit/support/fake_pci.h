/* SPDX-License-Identifier: BSD-3-Clause */
/* A host bridge with two address spaces and toy functions that write down what they see. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_PCI_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_PCI_H

#include <check.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "vmm/base/bits.h"

#define ECAM     UINT64_C(0xe0000000)
#define WINDOW32 UINT64_C(0xc0000000)
#define WINDOW64 UINT64_C(0x800000000)

enum { TOY_SLICES = PCI_BAR_COUNT };

struct bench {
	struct mem_map *mmio, *pio;
	struct pci_host *host;
	struct mem_listener listener;
	char log[4096];
	unsigned int changes;
	uint8_t reset_control;
	unsigned int destroyed;
};

struct toy {
	struct pci_device pci;
	struct bench *bench;
	struct pci_slice slices[TOY_SLICES];
	char names[TOY_SLICES][16];
	bool not_yet, not_reset; /* what it answers MEM_NOT_YET: any write; a reset of its link */
	unsigned int reads, resets;
};

static inline void bench_note(struct bench *bench, const char *text)
{
	size_t length = strlen(bench->log);

	snprintf(bench->log + length, sizeof(bench->log) - length, "%s ", text);
}

/* What was written down since the last call. */
static inline const char *bench_take(struct bench *bench)
{
	static char text[sizeof(bench->log)];

	memcpy(text, bench->log, sizeof(text));
	bench->log[0] = '\0';
	return text;
}

static inline struct bench *listener_bench(struct mem_listener *listener)
{
	return container_of(listener, struct bench, listener);
}

static inline int bench_add(struct mem_listener *listener, struct mem_region *region,
			    struct err *err)
{
	char text[64];

	(void)err;
	snprintf(text, sizeof(text), "+%s@%" PRIx64, region->name, region->base);
	bench_note(listener_bench(listener), text);
	listener_bench(listener)->changes++;
	return 0;
}

static inline void bench_del(struct mem_listener *listener, struct mem_region *region)
{
	char text[64];

	snprintf(text, sizeof(text), "-%s", region->name);
	bench_note(listener_bench(listener), text);
	listener_bench(listener)->changes++;
}

static inline void bench_reset_control(void *owner, uint8_t value)
{
	((struct bench *)owner)->reset_control = value;
}

static inline uint8_t bench_reset_control_read(void *owner)
{
	return ((struct bench *)owner)->reset_control;
}

static inline struct pci_host_config bench_config(struct bench *bench)
{
	return (struct pci_host_config){
		.mmio = bench->mmio,
		.pio = bench->pio,
		.ecam_base = ECAM,
		.buses = 2,
		.config_ports = true,
		.mmio32_base = WINDOW32,
		.mmio32_size = 0x10000000,
		.mmio64_base = WINDOW64,
		.mmio64_size = 0x100000000,
		.io_base = 0x1000,
		.io_size = 0xe000,
		.intx_gsi = 16,
		.intx_count = 8,
		.reset_control = bench_reset_control,
		.reset_control_read = bench_reset_control_read,
		.reset_owner = bench,
	};
}

static inline struct bench *bench_create(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct pci_host_config config;
	struct err err = {0};

	bench->mmio = mem_map_create("mmio", 0, &err);
	bench->pio = mem_map_create("pio", 0x10000, &err);
	config = bench_config(bench);
	bench->host = pci_host_create(&config, &err);
	ck_assert_msg(bench->host, "%s", err.text);
	bench->listener = (struct mem_listener){
		.name = "bench",
		.add = bench_add,
		.del = bench_del,
	};
	ck_assert_int_eq(mem_map_listen(bench->mmio, &bench->listener, &err), 0);
	bench->changes = 0;
	return bench;
}

static inline void bench_destroy(struct bench *bench)
{
	pci_host_destroy(bench->host);
	mem_map_unlisten(bench->mmio, &bench->listener);
	mem_map_destroy(bench->mmio);
	mem_map_destroy(bench->pio);
	free(bench);
}

static inline struct toy *toy_of(struct pci_device *device)
{
	return container_of(device, struct toy, pci);
}

static inline enum mem_result toy_check(struct pci_device *device, unsigned int offset,
					unsigned int size, uint32_t value)
{
	(void)offset;
	(void)size;
	(void)value;
	return toy_of(device)->not_yet ? MEM_NOT_YET : MEM_DONE;
}

static inline void toy_written(struct pci_device *device, unsigned int offset, unsigned int size,
			       uint32_t value)
{
	struct toy *toy = toy_of(device);
	char text[64];

	snprintf(text, sizeof(text), "written:%x/%u=%x", offset, size, value);
	bench_note(toy->bench, text);
}

static inline void toy_reset(struct pci_device *device)
{
	/* Taking both locks shows that neither is held. */
	pci_host_lock(device);
	toy_of(device)->resets++;
	pci_host_unlock(device);
	bench_note(toy_of(device)->bench, "reset");
}

static inline void toy_path_changed(struct pci_device *device)
{
	char text[64];

	snprintf(text, sizeof(text), "path:%s%s",
		 pci_device_decodes(device, PCI_BAR_MEM32) ? "down" : "",
		 pci_device_is_passed_up(device) ? "up" : "");
	bench_note(toy_of(device)->bench, text);
}

static inline enum mem_result toy_link_reset(struct pci_device *device)
{
	bench_note(toy_of(device)->bench, "link-reset");
	return toy_of(device)->not_reset ? MEM_NOT_YET : MEM_DONE;
}

static inline void toy_destroy(struct pci_device *device)
{
	struct toy *toy = toy_of(device);
	char text[80];

	snprintf(text, sizeof(text), "destroy:%s", device->name);
	bench_note(toy->bench, text);
	toy->bench->destroyed++;
	pci_device_release(device);
	free(toy);
}

static const struct pci_device_ops toy_ops = {
	.check = toy_check,
	.config_written = toy_written,
	.reset = toy_reset,
	.path_changed = toy_path_changed,
	.link_reset = toy_link_reset,
	.destroy = toy_destroy,
};

/* A BAR's bytes read as its index in every byte. */
static inline enum mem_result slice_read(void *owner, uint64_t offset, unsigned int size,
					 uint64_t *value)
{
	const char *name = owner;

	(void)offset;
	memset(value, name[strlen(name) - 1] - '0', size);
	return MEM_DONE;
}

static inline enum mem_result slice_write(void *owner, uint64_t offset, unsigned int size,
					  uint64_t value)
{
	(void)owner;
	(void)offset;
	(void)size;
	(void)value;
	return MEM_DONE;
}

static const struct mem_ops slice_ops = {.read = slice_read, .write = slice_write};

static inline struct toy *toy_create(struct bench *bench, const char *name)
{
	struct toy *toy = calloc(1, sizeof(*toy));

	pci_device_init(&toy->pci, &toy_ops, PCI_CONFIG_SIZE, name);
	toy->bench = bench;
	store_le32(toy->pci.config + PCI_VENDOR_ID, 0x56781234);
	store_le16(toy->pci.write_mask + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
							      PCI_COMMAND_MASTER |
							      PCI_COMMAND_INTX_DISABLE);
	store_le16(toy->pci.write_1_clear + PCI_STATUS, 0xf900);
	return toy;
}

/* A BAR of one slice, named after the function and the index, mappable when it has whole pages. */
static inline int toy_bar(struct toy *toy, unsigned int index, enum pci_bar_kind kind,
			  uint64_t size)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct pci_slice *slice = &toy->slices[index];

	snprintf(toy->names[index], sizeof(toy->names[index]), "%.12s%u", toy->pci.name, index);
	slice->region = (struct mem_region){
		.name = toy->names[index],
		.kind = size >= 4096 && kind != PCI_BAR_IO ? MEM_DEVICE : MEM_TRAP,
		.size = size,
		.host = page,
		.ops = &slice_ops,
		.owner = toy->names[index],
		.lock = &toy->pci.lock,
	};
	return pci_device_set_bar(&toy->pci, index,
				  (struct pci_bar){
					  .kind = kind,
					  .size = size,
					  .slices = slice,
					  .slice_count = 1,
				  });
}

static inline void toy_add(struct toy *toy, int slot, unsigned int function)
{
	struct err err = {0};

	ck_assert_msg(pci_host_add(toy->bench->host, &toy->pci, slot, function, &err) == 0, "%s",
		      err.text);
}

static inline void toy_write(struct toy *toy, unsigned int offset, unsigned int size,
			     uint32_t value)
{
	ck_assert_int_eq(pci_host_config_write(toy->bench->host, pci_device_requester(&toy->pci),
					       offset, size, value),
			 MEM_DONE);
}

static inline uint32_t toy_read(struct toy *toy, unsigned int offset, unsigned int size)
{
	uint32_t value;

	ck_assert_int_eq(pci_host_config_read(toy->bench->host, pci_device_requester(&toy->pci),
					      offset, size, &value),
			 MEM_DONE);
	return value;
}

static inline uint64_t map_read(struct mem_map *map, uint64_t address, unsigned int size)
{
	uint64_t value = 0;

	ck_assert_int_eq(mem_map_read(map, address, size, &value), MEM_DONE);
	return value;
}

static inline void map_write(struct mem_map *map, uint64_t address, unsigned int size,
			     uint64_t value)
{
	ck_assert_int_eq(mem_map_write(map, address, size, value), MEM_DONE);
}

#endif
