/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every emulated device in one address space and one of ports: a guest that accesses them in any
 * width at any place, somebody who types and presses buttons, a console that is full at times.
 */

#include "tests/fuzz/input.h"

#include "devices/debug_exit.h"
#include "devices/i8042.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/power.h"
#include "devices/pvpanic.h"
#include "devices/rtc.h"
#include "devices/serial.h"
#include "memory/map.h"

enum { STEPS_MAX = 256, LINES = 64, PORTS = 0x10000, NEAR = 16 };

/* Interrupt lines. */
enum { LINE_SERIAL = 4, LINE_POWER = 9, LINE_PL011 = 33, LINE_PL031, LINE_PL061 };

struct device_room {
	bool port;
	uint64_t base;
	unsigned int size;
};

enum device_number {
	PLACE_SERIAL,
	PLACE_RTC,
	PLACE_I8042,
	PLACE_PVPANIC_PORT,
	PLACE_EXIT_PORT,
	PLACE_SLEEP,
	PLACE_RESET,
	PLACE_EVENTS,
	PLACE_TIMER,
	PLACE_PL011,
	PLACE_PL031,
	PLACE_PL061,
	PLACE_PVPANIC,
	PLACE_EXIT,
	PLACES,
};

static const struct device_room places[PLACES] = {
	[PLACE_SERIAL] = {true, 0x3f8, 8},
	[PLACE_RTC] = {true, 0x70, 2},
	[PLACE_I8042] = {true, 0x64, 1},
	[PLACE_PVPANIC_PORT] = {true, 0x505, 1},
	[PLACE_EXIT_PORT] = {true, 0xf4, 4},
	[PLACE_SLEEP] = {true, 0x600, 2},
	[PLACE_RESET] = {true, 0x602, 1},
	[PLACE_EVENTS] = {true, 0x604, 4},
	[PLACE_TIMER] = {true, 0x608, 4},
	[PLACE_PL011] = {false, 0x9000000, 0x1000},
	[PLACE_PL031] = {false, 0x9010000, 0x1000},
	[PLACE_PL061] = {false, 0x9030000, 0x1000},
	[PLACE_PVPANIC] = {false, 0x9040000, 1},
	[PLACE_EXIT] = {false, 0x9050000, 4},
};

/* What a step does; the rest of the numbers are accesses. */
enum step { STEP_TYPE, STEP_TYPE_PL011, STEP_PRESS, STEP_BUTTON, STEP_FULL, STEP_RESET, STEP_CF9 };

static struct input input;
static struct mem_map *mmio, *pio;
static struct device *list;
static struct serial *serial;
static struct pl011 *pl011;
static struct pl061 *pl061;
static struct power *power;
static bool full;                      /* the console takes nothing */
static bool short_serial, short_pl011; /* less was taken than was typed */

int kvm_irq_set_level(struct kvm_irq *irq, uint32_t line, bool level)
{
	(void)irq;
	(void)level;
	require(line == LINE_SERIAL || line == LINE_POWER || line == LINE_PL011 ||
		line == LINE_PL031 || line == LINE_PL061);
	return 0;
}

static void sink_event(void *machine, enum machine_event event, uint32_t argument)
{
	(void)machine;
	require(event <= MACHINE_DEBUG_EXIT);
	require(event == MACHINE_DEBUG_EXIT ? argument <= 0xff && (argument & 1) : argument == 0);
}

static bool console_output(void *console, uint8_t byte)
{
	(void)console;
	(void)byte;
	return !full;
}

static void console_room(void *console)
{
	bool *was_short = console;

	require(*was_short);
	*was_short = false;
}

static void add(struct device *device, const struct err *err)
{
	require(!device_list_add(&list, device, err));
}

static void create_ports(const struct device_bus *bus, struct err *err)
{
	static const struct power_config config = {
		.sleep_control = 0x600,
		.sleep_status = 0x601,
		.sleep_type = 5,
		.reset = 0x602,
		.reset_value = 1,
		.timer = 0x608,
		.events = 0x604,
		.button = 1,
		.gsi = LINE_POWER,
	};
	const struct serial_backend backend = {console_output, console_room, &short_serial};

	serial = serial_create(bus, 0x3f8, LINE_SERIAL, &backend, err);
	require(serial);
	add(serial_device(serial), err);
	power = power_create(bus, &config, err);
	require(power);
	add(power_device(power), err);
	add(rtc_create(bus, 0x70, err), err);
	add(i8042_create(bus, 0x64, err), err);
	add(pvpanic_create(bus, pio, 0x505, err), err);
	add(debug_exit_create(bus, pio, 0xf4, err), err);
}

static void create_memory(const struct device_bus *bus, struct err *err)
{
	const struct serial_backend backend = {console_output, console_room, &short_pl011};

	pl011 = pl011_create(bus, places[PLACE_PL011].base, LINE_PL011, &backend, err);
	require(pl011);
	add(pl011_device(pl011), err);
	pl061 = pl061_create(bus, places[PLACE_PL061].base, LINE_PL061, err);
	require(pl061);
	add(pl061_device(pl061), err);
	add(pl031_create(bus, places[PLACE_PL031].base, LINE_PL031, err), err);
	add(pvpanic_create(bus, mmio, places[PLACE_PVPANIC].base, err), err);
	add(debug_exit_create(bus, mmio, places[PLACE_EXIT].base, err), err);
}

static void create(void)
{
	struct err err = {0};
	struct device_bus bus = {.sink = {.event = sink_event}};

	list = NULL;
	full = short_serial = short_pl011 = false;
	mmio = mem_map_create("memory", 0, &err);
	pio = mem_map_create("I/O", PORTS, &err);
	require(mmio && pio);
	bus.mmio = mmio;
	bus.pio = pio;
	create_ports(&bus, &err);
	create_memory(&bus, &err);
}

static void destroy(void)
{
	device_list_destroy(list);
	mem_map_destroy(mmio);
	mem_map_destroy(pio);
}

/* A write waits for nobody but the console. */
static void access_one(struct mem_map *map, uint64_t address, unsigned int size, bool is_write)
{
	uint64_t value = 0;
	enum mem_result result;

	if (is_write) {
		result = mem_map_write(map, address, size, take_number(&input, size));
	} else {
		result = mem_map_read(map, address, size, &value);
		require(result == MEM_DONE && !(value & ~all_ones(size)));
	}
	require(result == MEM_DONE || full);
}

/* The first byte: width, direction, whether near the device's end; then the place. */
static void step_access(uint8_t what)
{
	const struct device_room *place = &places[what % PLACES];
	uint8_t how = take8(&input);
	unsigned int size = 1u << (how & 3);
	uint64_t at = place->size > NEAR ? take16(&input) : take8(&input);

	/* From a little before the device to a little behind it. */
	at = place->base + at % (place->size + 2 * NEAR) - NEAR;
	access_one(place->port ? pio : mmio, at, size, how & 4);
}

static void step_type(bool to_pl011)
{
	uint8_t bytes[40];
	size_t count = take8(&input) % (sizeof(bytes) + 1), taken;

	take(&input, bytes, count);
	taken = to_pl011 ? pl011_input(pl011, bytes, count) : serial_input(serial, bytes, count);
	require(taken <= count);
	if (taken < count)
		*(to_pl011 ? &short_pl011 : &short_serial) = true;
}

static void step(void)
{
	uint8_t what = take8(&input);

	switch (what) {
	case STEP_TYPE:
	case STEP_TYPE_PL011:
		step_type(what == STEP_TYPE_PL011);
		return;
	case STEP_PRESS:
		pl061_press(pl061, take8(&input) & 7);
		return;
	case STEP_BUTTON:
		power_button_press(power);
		return;
	case STEP_FULL:
		full = !full;
		return;
	case STEP_RESET:
		device_list_reset(list);
		return;
	case STEP_CF9:
		power_reset_control(power, take8(&input));
		(void)power_reset_control_read(power);
		return;
	default:
		step_access(what);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = (struct input){.bytes = data, .left = size};
	create();
	for (unsigned int i = 0; i < STEPS_MAX && input.left > 0; i++)
		step();
	destroy();
	return 0;
}
