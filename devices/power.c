/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers of hardware-reduced ACPI: sleep, reset, PM timer, and events with a power button.
 */

#include "devices/power.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/base/bits.h"

enum {
	SLEEP_TYPE_SHIFT = 2,
	SLEEP_TYPE_MASK = 7,
	SLEEP_ENABLE = 1 << 5,
	SLEEP_WAKE_STATUS = 1 << 7,
	RESET_CONTROL_RESET = 1 << 2,
	RESET_CONTROL_MODES = 1 << 1 | 1 << 3, /* hard reset, full reset */
};

enum {
	REGION_SLEEP_CONTROL,
	REGION_SLEEP_STATUS,
	REGION_RESET,
	REGION_TIMER,
	REGION_EVENTS,
	REGIONS
};

struct power {
	struct device device;
	struct mem_region regions[REGIONS];
	struct kvm_irq *irq;
	struct machine_sink sink;
	struct power_config config;
	pthread_mutex_t lock; /* the rest */
	bool woken;
	uint32_t pending;
	uint8_t reset_control;
};

static void power_send(struct power *power, enum machine_event event)
{
	power->sink.event(power->sink.machine, event, 0);
}

static enum mem_result power_read_zero(void *owner, uint64_t offset, unsigned int size,
				       uint64_t *value)
{
	(void)owner;
	(void)offset;
	(void)size;
	*value = 0;
	return MEM_DONE;
}

static enum mem_result power_write_nothing(void *owner, uint64_t offset, unsigned int size,
					   uint64_t value)
{
	(void)owner;
	(void)offset;
	(void)size;
	(void)value;
	return MEM_DONE;
}

static enum mem_result power_write_sleep_control(void *owner, uint64_t offset, unsigned int size,
						 uint64_t value)
{
	struct power *power = owner;

	(void)offset;
	(void)size;
	if (!(value & SLEEP_ENABLE))
		return MEM_DONE;
	if ((value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == power->config.sleep_type)
		power_send(power, MACHINE_POWER_OFF);
	else
		power->woken = true; /* from a state that is not there it wakes at once */
	return MEM_DONE;
}

static enum mem_result power_read_sleep_status(void *owner, uint64_t offset, unsigned int size,
					       uint64_t *value)
{
	const struct power *power = owner;

	(void)offset;
	(void)size;
	*value = power->woken ? SLEEP_WAKE_STATUS : 0;
	return MEM_DONE;
}

static enum mem_result power_write_sleep_status(void *owner, uint64_t offset, unsigned int size,
						uint64_t value)
{
	struct power *power = owner;

	(void)offset;
	(void)size;
	if (value & SLEEP_WAKE_STATUS)
		power->woken = false;
	return MEM_DONE;
}

static enum mem_result power_write_reset(void *owner, uint64_t offset, unsigned int size,
					 uint64_t value)
{
	struct power *power = owner;

	(void)offset;
	(void)size;
	if (value == power->config.reset_value)
		power_send(power, MACHINE_RESET);
	return MEM_DONE;
}

uint32_t power_timer_count(uint64_t seconds, uint32_t nanoseconds)
{
	return (uint32_t)(seconds * POWER_TIMER_HZ +
			  (uint64_t)nanoseconds * POWER_TIMER_HZ / 1000000000);
}

static enum mem_result power_read_timer(void *owner, uint64_t offset, unsigned int size,
					uint64_t *value)
{
	struct timespec now;

	(void)owner;
	clock_gettime(CLOCK_MONOTONIC, &now);
	*value = power_timer_count((uint64_t)now.tv_sec, (uint32_t)now.tv_nsec) >> (8 * offset) &
		 all_ones(size);
	return MEM_DONE;
}

static enum mem_result power_read_events(void *owner, uint64_t offset, unsigned int size,
					 uint64_t *value)
{
	struct power *power = owner;
	uint32_t taken = power->pending & (uint32_t)(all_ones(size) << (8 * offset));

	*value = taken >> (8 * offset);
	power->pending &= ~taken;
	if (taken && !power->pending)
		(void)kvm_irq_set_level(power->irq, power->config.gsi, false);
	return MEM_DONE;
}

void power_button_press(struct power *power)
{
	pthread_mutex_lock(&power->lock);
	power->pending |= power->config.button;
	(void)kvm_irq_set_level(power->irq, power->config.gsi, true);
	pthread_mutex_unlock(&power->lock);
}

void power_reset_control(void *power, uint8_t value)
{
	struct power *self = power;

	pthread_mutex_lock(&self->lock);
	self->reset_control = value & RESET_CONTROL_MODES;
	pthread_mutex_unlock(&self->lock);
	if (value & RESET_CONTROL_RESET)
		power_send(self, MACHINE_RESET);
}

uint8_t power_reset_control_read(void *power)
{
	struct power *self = power;
	uint8_t value;

	pthread_mutex_lock(&self->lock);
	value = self->reset_control;
	pthread_mutex_unlock(&self->lock);
	return value;
}

static void power_reset(struct device *device)
{
	struct power *power = container_of(device, struct power, device);

	pthread_mutex_lock(&power->lock);
	power->woken = false;
	power->pending = 0;
	power->reset_control = 0;
	(void)kvm_irq_set_level(power->irq, power->config.gsi, false);
	pthread_mutex_unlock(&power->lock);
}

static void power_destroy(struct device *device)
{
	struct power *power = container_of(device, struct power, device);

	for (size_t i = 0; i < REGIONS; i++)
		mem_map_del(&power->regions[i]);
	pthread_mutex_destroy(&power->lock);
	free(power);
}

static const struct device_ops power_device_ops = {
	.reset = power_reset,
	.destroy = power_destroy,
};

static const struct mem_ops power_region_ops[REGIONS] = {
	[REGION_SLEEP_CONTROL] = {power_read_zero, power_write_sleep_control},
	[REGION_SLEEP_STATUS] = {power_read_sleep_status, power_write_sleep_status},
	[REGION_RESET] = {power_read_zero, power_write_reset},
	[REGION_TIMER] = {power_read_timer, power_write_nothing},
	[REGION_EVENTS] = {power_read_events, power_write_nothing},
};

static int power_add_regions(struct power *power, struct mem_map *pio, struct err *err)
{
	static const uint64_t sizes[REGIONS] = {1, 1, 1, 4, 4};
	static const char *const names[REGIONS] = {
		"sleep control", "sleep status", "reset register", "PM timer", "event register",
	};
	const struct power_config *config = &power->config;
	const uint16_t ports[REGIONS] = {config->sleep_control, config->sleep_status, config->reset,
					 config->timer, config->events};
	struct mem_change changes[REGIONS];

	for (size_t i = 0; i < REGIONS; i++) {
		power->regions[i] = (struct mem_region){
			.name = names[i],
			.kind = MEM_TRAP,
			.size = sizes[i],
			.ops = &power_region_ops[i],
			.owner = power,
			.lock = i == REGION_TIMER ? NULL : &power->lock,
		};
		changes[i] = (struct mem_change){&power->regions[i], ports[i], true};
	}
	return mem_map_apply(pio, changes, REGIONS, MEM_ALL_OR_NOTHING, err);
}

struct power *power_create(const struct device_bus *bus, const struct power_config *config,
			   struct err *err)
{
	struct power *power = calloc(1, sizeof(*power));

	if (!power) {
		err_set(err, -ENOMEM, "power device: out of memory");
		return NULL;
	}
	power->device.ops = &power_device_ops;
	power->irq = bus->irq;
	power->sink = bus->sink;
	power->config = *config;
	pthread_mutex_init(&power->lock, NULL);
	if (power_add_regions(power, bus->pio, err) < 0) {
		power_destroy(&power->device);
		return NULL;
	}
	return power;
}

struct device *power_device(struct power *power)
{
	return &power->device;
}
