/* SPDX-License-Identifier: BSD-3-Clause */
/* A 16550A serial port whose transmitter is always done and whose line never errs. */

#include "devices/serial.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/bits.h"

enum { SERIAL_PORTS = 8, SERIAL_FIFO = 16 };

/* Registers by port offset; the first two are the divisor while LCR has its access bit set. */
enum {
	REGISTER_DATA = 0,
	REGISTER_IER = 1,
	REGISTER_IIR = 2, /* FCR when written */
	REGISTER_LCR = 3,
	REGISTER_MCR = 4,
	REGISTER_LSR = 5,
	REGISTER_MSR = 6,
	REGISTER_SCR = 7,
};

enum {
	IER_RECEIVED = 0x01,
	IER_TRANSMITTED = 0x02,
	IER_LINE = 0x04,
	IER_MODEM = 0x08,
	IER_MASK = 0x0f,

	IIR_MODEM = 0x00,
	IIR_NONE = 0x01,
	IIR_TRANSMITTED = 0x02,
	IIR_RECEIVED = 0x04,
	IIR_LINE = 0x06,
	IIR_TIMEOUT = 0x0c,
	IIR_FIFO_ENABLED = 0xc0,

	FCR_ENABLE = 0x01,
	FCR_CLEAR_RECEIVER = 0x02,
	FCR_TRIGGER_SHIFT = 6,

	LCR_DIVISOR_ACCESS = 0x80,

	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT1 = 0x04,
	MCR_OUT2 = 0x08,
	MCR_LOOPBACK = 0x10,
	MCR_MASK = 0x1f,

	LSR_DATA_READY = 0x01,
	LSR_OVERRUN = 0x02,
	LSR_TRANSMITTER_EMPTY = 0x60, /* holding and shift register */

	MSR_DELTA_RI = 0x04, /* its trailing edge only */
	MSR_DELTAS = 0x0f,
	MSR_CTS = 0x10,
	MSR_DSR = 0x20,
	MSR_RI = 0x40,
	MSR_DCD = 0x80,
	MSR_CONNECTED = MSR_CTS | MSR_DSR | MSR_DCD,

	DIVISOR_9600 = 12,
};

struct serial {
	struct device device;
	struct mem_region region;
	struct kvm_irq *irq;
	unsigned int gsi;
	struct serial_backend backend;
	pthread_mutex_t lock; /* everything below */

	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t msr;
	uint8_t scr;
	uint16_t divisor;
	bool overrun;
	bool transmitted; /* the transmitter ran empty and nobody was told yet */
	uint8_t fifo[SERIAL_FIFO];
	unsigned int fifo_head;
	unsigned int fifo_count;

	bool level;   /* the interrupt line */
	bool refused; /* serial_input() took less than it was given */
};

/* Without FIFOs there is one receiver buffer register. */
static unsigned int serial_depth(const struct serial *serial)
{
	return serial->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;
}

static unsigned int serial_trigger(const struct serial *serial)
{
	static const uint8_t triggers[] = {1, 4, 8, 14};

	return serial->fcr & FCR_ENABLE ? triggers[serial->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* The cause of highest priority. Characters below the trigger time out at once. */
static uint8_t serial_cause(const struct serial *serial)
{
	if ((serial->ier & IER_LINE) && serial->overrun)
		return IIR_LINE;
	if ((serial->ier & IER_RECEIVED) && serial->fifo_count > 0)
		return serial->fifo_count >= serial_trigger(serial) ? IIR_RECEIVED : IIR_TIMEOUT;
	if ((serial->ier & IER_TRANSMITTED) && serial->transmitted)
		return IIR_TRANSMITTED;
	if ((serial->ier & IER_MODEM) && (serial->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void serial_update_line(struct serial *serial)
{
	bool level = serial_cause(serial) != IIR_NONE;

	if (level == serial->level)
		return;
	serial->level = level;
	(void)kvm_irq_set_level(serial->irq, serial->gsi, level);
}

/* Tells the console that waits, once there is room for what it holds. */
static void serial_offer_room(struct serial *serial)
{
	if (!serial->refused || (serial->mcr & MCR_LOOPBACK) ||
	    serial->fifo_count >= serial_depth(serial))
		return;
	serial->refused = false;
	if (serial->backend.room)
		serial->backend.room(serial->backend.console);
}

static void serial_fifo_put(struct serial *serial, uint8_t byte)
{
	serial->fifo[(serial->fifo_head + serial->fifo_count) % SERIAL_FIFO] = byte;
	serial->fifo_count++;
}

/* A character that came back: it overruns a full FIFO, and replaces the one in a full register. */
static void serial_loop_back(struct serial *serial, uint8_t byte)
{
	if (serial->fifo_count >= serial_depth(serial)) {
		serial->overrun = true;
		if (serial->fcr & FCR_ENABLE)
			return;
		serial->fifo_count = 0;
	}
	serial_fifo_put(serial, byte);
}

/*
 * The request drops while a character is on its way, so that an edge-triggered controller sees a
 * new one although sending takes no time. serial_send() has handed it on.
 */
static void serial_transmit(struct serial *serial, uint8_t byte)
{
	serial->transmitted = false;
	serial_update_line(serial);
	if (serial->mcr & MCR_LOOPBACK)
		serial_loop_back(serial, byte);
	serial->transmitted = true;
}

static uint8_t serial_receive(struct serial *serial)
{
	uint8_t byte;

	if (serial->fifo_count == 0)
		return 0;
	byte = serial->fifo[serial->fifo_head];
	serial->fifo_head = (serial->fifo_head + 1) % SERIAL_FIFO;
	serial->fifo_count--;
	return byte;
}

static void serial_write_ier(struct serial *serial, uint8_t value)
{
	uint8_t risen = (uint8_t)(value & ~serial->ier);

	serial->ier = value & IER_MASK;
	if (risen & IER_TRANSMITTED)
		serial->transmitted = true;
}

static void serial_write_fcr(struct serial *serial, uint8_t value)
{
	bool toggled = (value ^ serial->fcr) & FCR_ENABLE;

	if (toggled || ((value & FCR_ENABLE) && (value & FCR_CLEAR_RECEIVER)))
		serial->fifo_count = 0;
	/* The other bits are programmed only together with the enable bit. */
	serial->fcr = value & FCR_ENABLE ? value : 0;
}

static void serial_write_mcr(struct serial *serial, uint8_t value)
{
	uint8_t lines = MSR_CONNECTED, changed;

	serial->mcr = value & MCR_MASK;
	if (value & MCR_LOOPBACK)
		lines = (uint8_t)((value & MCR_RTS ? MSR_CTS : 0) |
				  (value & MCR_DTR ? MSR_DSR : 0) |
				  (value & MCR_OUT1 ? MSR_RI : 0) |
				  (value & MCR_OUT2 ? MSR_DCD : 0));
	changed = (uint8_t)((lines ^ serial->msr) & ~MSR_DELTAS);
	if (lines & MSR_RI)
		changed &= (uint8_t)~MSR_RI;
	serial->msr = (uint8_t)(lines | (serial->msr & MSR_DELTAS) | changed >> 4);
}

static void serial_write_register(struct serial *serial, uint64_t offset, uint8_t value)
{
	bool divisor = serial->lcr & LCR_DIVISOR_ACCESS;

	switch (offset) {
	case REGISTER_DATA:
		if (divisor)
			serial->divisor = (uint16_t)((serial->divisor & 0xff00) | value);
		else
			serial_transmit(serial, value);
		break;
	case REGISTER_IER:
		if (divisor)
			serial->divisor = (uint16_t)((serial->divisor & 0x00ff) | value << 8);
		else
			serial_write_ier(serial, value);
		break;
	case REGISTER_IIR:
		serial_write_fcr(serial, value);
		break;
	case REGISTER_LCR:
		serial->lcr = value;
		break;
	case REGISTER_MCR:
		serial_write_mcr(serial, value);
		break;
	case REGISTER_SCR:
		serial->scr = value;
		break;
	}
}

static uint8_t serial_read_iir(struct serial *serial)
{
	uint8_t cause = serial_cause(serial);

	if (cause == IIR_TRANSMITTED)
		serial->transmitted = false;
	return (uint8_t)(cause | (serial->fcr & FCR_ENABLE ? IIR_FIFO_ENABLED : 0));
}

static uint8_t serial_read_lsr(struct serial *serial)
{
	uint8_t value = LSR_TRANSMITTER_EMPTY;

	if (serial->fifo_count > 0)
		value |= LSR_DATA_READY;
	if (serial->overrun)
		value |= LSR_OVERRUN;
	serial->overrun = false;
	return value;
}

static uint8_t serial_read_msr(struct serial *serial)
{
	uint8_t value = serial->msr;

	serial->msr &= (uint8_t)~MSR_DELTAS;
	return value;
}

static uint8_t serial_read_register(struct serial *serial, uint64_t offset)
{
	bool divisor = serial->lcr & LCR_DIVISOR_ACCESS;

	switch (offset) {
	case REGISTER_DATA:
		return divisor ? (uint8_t)serial->divisor : serial_receive(serial);
	case REGISTER_IER:
		return divisor ? (uint8_t)(serial->divisor >> 8) : serial->ier;
	case REGISTER_IIR:
		return serial_read_iir(serial);
	case REGISTER_LCR:
		return serial->lcr;
	case REGISTER_MCR:
		return serial->mcr;
	case REGISTER_LSR:
		return serial_read_lsr(serial);
	case REGISTER_MSR:
		return serial_read_msr(serial);
	default:
		return serial->scr;
	}
}

/* A wider access is one byte after the other, as on the bus this chip was made for. */
static enum mem_result serial_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	struct serial *serial = owner;

	*value = 0;
	for (unsigned int i = 0; i < size; i++)
		*value |= (uint64_t)serial_read_register(serial, offset + i) << (8 * i);
	serial_update_line(serial);
	serial_offer_room(serial);
	return MEM_DONE;
}

/* Hands a character on, where a write of the data register sends one; false when it must wait. */
static bool serial_send(struct serial *serial, uint8_t byte)
{
	if (serial->lcr & LCR_DIVISOR_ACCESS || serial->mcr & MCR_LOOPBACK ||
	    !serial->backend.output)
		return true;
	return serial->backend.output(serial->backend.console, byte);
}

static enum mem_result serial_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct serial *serial = owner;

	/*
	 * The data register comes first, so that an access which has to wait has done nothing yet.
	 */
	if (offset == REGISTER_DATA && !serial_send(serial, (uint8_t)value))
		return MEM_NOT_YET;
	for (unsigned int i = 0; i < size; i++)
		serial_write_register(serial, offset + i, (uint8_t)(value >> (8 * i)));
	serial_update_line(serial);
	serial_offer_room(serial);
	return MEM_DONE;
}

size_t serial_input(struct serial *serial, const uint8_t *bytes, size_t count)
{
	size_t taken = 0;

	pthread_mutex_lock(&serial->lock);
	/* In loopback the receiver is not connected. */
	if (!(serial->mcr & MCR_LOOPBACK))
		while (taken < count && serial->fifo_count < serial_depth(serial))
			serial_fifo_put(serial, bytes[taken++]);
	if (taken < count)
		serial->refused = true;
	serial_update_line(serial);
	pthread_mutex_unlock(&serial->lock);
	return taken;
}

static void serial_power_on(struct serial *serial)
{
	serial->ier = 0;
	serial->fcr = 0;
	serial->lcr = 0;
	serial->mcr = 0;
	serial->msr = MSR_CONNECTED;
	serial->scr = 0;
	serial->divisor = DIVISOR_9600;
	serial->overrun = false;
	serial->transmitted = false;
	serial->fifo_count = 0;
}

static void serial_reset(struct device *device)
{
	struct serial *serial = container_of(device, struct serial, device);

	pthread_mutex_lock(&serial->lock);
	serial_power_on(serial);
	serial_update_line(serial);
	serial_offer_room(serial);
	pthread_mutex_unlock(&serial->lock);
}

static void serial_destroy(struct device *device)
{
	struct serial *serial = container_of(device, struct serial, device);

	mem_map_del(&serial->region);
	pthread_mutex_destroy(&serial->lock);
	free(serial);
}

static const struct device_ops serial_device_ops = {
	.reset = serial_reset,
	.destroy = serial_destroy,
};

static const struct mem_ops serial_ops = {.read = serial_read, .write = serial_write};

struct serial *serial_create(const struct device_bus *bus, uint16_t port, unsigned int gsi,
			     const struct serial_backend *backend, struct err *err)
{
	struct serial *serial = calloc(1, sizeof(*serial));

	if (!serial) {
		err_set(err, -ENOMEM, "serial port: out of memory");
		return NULL;
	}
	serial->device.ops = &serial_device_ops;
	serial->irq = bus->irq;
	serial->gsi = gsi;
	serial->backend = *backend;
	pthread_mutex_init(&serial->lock, NULL);
	serial_power_on(serial);
	serial->region = (struct mem_region){
		.name = "serial",
		.kind = MEM_TRAP,
		.size = SERIAL_PORTS,
		.ops = &serial_ops,
		.owner = serial,
		.lock = &serial->lock,
	};
	if (mem_map_add(bus->pio, &serial->region, port, err) < 0) {
		serial_destroy(&serial->device);
		return NULL;
	}
	return serial;
}

struct device *serial_device(struct serial *serial)
{
	return &serial->device;
}
