/* SPDX-License-Identifier: BSD-3-Clause */
/* A 16550A serial port at eight I/O ports. */

#ifndef FERRY_DEVICES_SERIAL_H
#define FERRY_DEVICES_SERIAL_H

#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"

/*
 * Where the characters go. Called with the device's lock held; must not block. The machine's
 * console implements it; NULL functions mean nothing is connected.
 */
struct serial_backend {
	/*
	 * False: it cannot be taken now. The guest's write answers MEM_NOT_YET until the machine
	 * wakes it.
	 */
	bool (*output)(void *console, uint8_t byte);
	/* The receive FIFO has room again after serial_input() took less than it was given. */
	void (*room)(void *console);
	void *console;
};

struct serial;

/* At @port (0x3f8 ...) with interrupt GSI @gsi (edge). NULL with @err set. */
struct serial *serial_create(const struct device_bus *bus, uint16_t port, unsigned int gsi,
			     const struct serial_backend *backend, struct err *err);
struct device *serial_device(struct serial *serial);

/* Offers received bytes; returns how many fitted the FIFO. Any thread. */
size_t serial_input(struct serial *serial, const uint8_t *bytes, size_t count);

#endif
