/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real maps for devices under test, a /dev/kvm that records lines, a machine that records events.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_BUS_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_BUS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/device.h"
#include "memory/map.h"
#include "vmm/kvm/irq.h"
#include "vmm/kvm/sys.h"
#include "vmm/kvm/vm.h"

enum { FAKE_GSIS = 24, FAKE_PORTS = 0x10000, FAKE_RUN_SIZE = 0x3000 };

struct fake_bus {
	struct mem_map *pio;
	struct mem_map *mmio;
	struct kvm_vm *vm;
	struct kvm_irq *irq;
	struct device_bus bus;
	struct err err;

	bool level[FAKE_GSIS];
	unsigned int rises[FAKE_GSIS]; /* times a line went from low to high */
	unsigned int changes;          /* times the line ioctl was called at all */

	unsigned int events;
	enum machine_event event; /* the last, and its argument */
	uint32_t argument;
};

static struct fake_bus fake;

int kvm_sys_open(const char *path)
{
	(void)path;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int kvm_sys_ioctl(int fd, unsigned long request, void *argument)
{
	const struct kvm_irq_level *line = argument;

	(void)fd;
	ck_assert_uint_eq(request, KVM_IRQ_LINE);
	ck_assert_uint_lt(line->irq, FAKE_GSIS);
	fake.changes++;
	fake.rises[line->irq] += line->level && !fake.level[line->irq];
	fake.level[line->irq] = line->level;
	return 0;
}

int kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument)
{
	(void)fd;
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return argument == KVM_CAP_IRQ_ROUTING ? 4096 : 1;
	case KVM_GET_VCPU_MMAP_SIZE:
		return FAKE_RUN_SIZE;
	case KVM_CREATE_VM:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		return -ENOTTY;
	}
}

static inline void fake_event(void *machine, enum machine_event event, uint32_t argument)
{
	struct fake_bus *bus = machine;

	bus->events++;
	bus->event = event;
	bus->argument = argument;
}

static inline void fake_bus_setup(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.pio = mem_map_create("I/O", FAKE_PORTS, &fake.err);
	fake.mmio = mem_map_create("memory", 0, &fake.err);
	fake.vm = kvm_vm_create(NULL, &fake.err);
	ck_assert_msg(fake.pio && fake.mmio && fake.vm, "%s", fake.err.text);
	fake.irq = kvm_irq_create(fake.vm, FAKE_GSIS, &fake.err);
	ck_assert_msg(fake.irq, "%s", fake.err.text);
	fake.bus = (struct device_bus){
		.pio = fake.pio,
		.mmio = fake.mmio,
		.irq = fake.irq,
		.sink = {fake_event, &fake},
	};
}

static inline void fake_bus_teardown(void)
{
	kvm_irq_destroy(fake.irq);
	kvm_vm_destroy(fake.vm);
	mem_map_destroy(fake.mmio);
	mem_map_destroy(fake.pio);
}

static inline uint32_t fake_in(uint16_t port, unsigned int size)
{
	uint64_t value = 0;

	ck_assert_int_eq(mem_map_read(fake.pio, port, size, &value), MEM_DONE);
	return (uint32_t)value;
}

static inline uint8_t fake_inb(uint16_t port)
{
	return (uint8_t)fake_in(port, 1);
}

static inline void fake_out(uint16_t port, unsigned int size, uint32_t value)
{
	ck_assert_int_eq(mem_map_write(fake.pio, port, size, value), MEM_DONE);
}

static inline void fake_outb(uint16_t port, uint8_t value)
{
	fake_out(port, 1, value);
}

static inline uint32_t fake_read(uint64_t address, unsigned int size)
{
	uint64_t value = 0;

	ck_assert_int_eq(mem_map_read(fake.mmio, address, size, &value), MEM_DONE);
	return (uint32_t)value;
}

static inline void fake_write(uint64_t address, unsigned int size, uint32_t value)
{
	ck_assert_int_eq(mem_map_write(fake.mmio, address, size, value), MEM_DONE);
}

#endif
