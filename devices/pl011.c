/* SPDX-License-Identifier: BSD-3-Clause */
/* A PL011 whose transmitter is always done and whose line never errs. */

#include "devices/pl011.h"

#include <errno.h>
#include <stdlib.h>

#include "devices/primecell.h"
#include "vmm/base/bits.h"

enum { PL011_FIFO = 32 };

/* DDI 0183, table 3-1. */
enum {
	REGISTER_DR = 0x000,
	REGISTER_RSR = 0x004, /* ECR when written */
	REGISTER_FR = 0x018,
	REGISTER_ILPR = 0x020,
	REGISTER_IBRD = 0x024,
	REGISTER_FBRD = 0x028,
	REGISTER_LCR_H = 0x02c,
	REGISTER_CR = 0x030,
	REGISTER_IFLS = 0x034,
	REGISTER_IMSC = 0x038,
	REGISTER_RIS = 0x03c,
	REGISTER_MIS = 0x040,
	REGISTER_ICR = 0x044,
	REGISTER_DMACR = 0x048,
};

enum {
	FR_CTS = 1 << 0,
	FR_DSR = 1 << 1,
	FR_DCD = 1 << 2,
	FR_RECEIVER_EMPTY = 1 << 4,
	FR_RECEIVER_FULL = 1 << 6,
	FR_TRANSMITTER_EMPTY = 1 << 7,

	LCR_FIFO_ENABLE = 1 << 4,

	CR_ENABLE = 1 << 0,
	CR_LOOPBACK = 1 << 7,
	CR_RECEIVE = 1 << 9,
	CR_MASK = 0xff87,
	CR_AT_RESET = 0x300, /* receiver and transmitter on, the UART off */

	IFLS_RECEIVE_SHIFT = 3,
	IFLS_AT_RESET = 0x12,

	INTERRUPT_RECEIVED = 1 << 4,
	INTERRUPT_TRANSMITTED = 1 << 5,
	INTERRUPT_TIMEOUT = 1 << 6,
	INTERRUPT_ALL = 0x7ff,
};

static const uint32_t pl011_id = 0x00341011;

struct pl011 {
	struct device device;
	struct mem_region region;
	struct kvm_irq *irq;
	uint32_t line;
	struct serial_backend backend;
	pthread_mutex_t lock; /* everything below */

	bool level;
	bool refused; /* input found no room */
	uint32_t ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
	uint8_t fifo[PL011_FIFO];
	unsigned int fifo_head;
	unsigned int fifo_count;
};

static unsigned int pl011_depth(const struct pl011 *pl011)
{
	return pl011->lcr_h & LCR_FIFO_ENABLE ? PL011_FIFO : 1;
}

/* Characters that make the receive interrupt: 1/8, 1/4, 1/2, 3/4 or 7/8 of the FIFO, or one. */
static unsigned int pl011_threshold(const struct pl011 *pl011)
{
	static const unsigned int eighths[] = {1, 2, 4, 6, 7};
	unsigned int select = pl011->ifls >> IFLS_RECEIVE_SHIFT & 7;

	if (!(pl011->lcr_h & LCR_FIFO_ENABLE))
		return 1;
	return PL011_FIFO / 8 * eighths[select < ARRAY_SIZE(eighths) ? select : 2];
}

static void pl011_update_line(struct pl011 *pl011)
{
	bool level = pl011->ris & pl011->imsc;

	if (level == pl011->level)
		return;
	pl011->level = level;
	/* A failure would mean that the VM is gone; there is nobody to tell. */
	(void)!kvm_irq_set_level(pl011->irq, pl011->line, level);
}

/*
 * The receiver's interrupts follow the FIFO. Time does not pass on this line, so the timeout, which
 * tells of characters below the threshold, is there while any are. Clearing either has no effect on
 * its cause: the host sends nothing more into a full FIFO, so no later character would set it
 * again.
 */
static void pl011_receiver_changed(struct pl011 *pl011)
{
	pl011->ris &= ~(uint32_t)(INTERRUPT_RECEIVED | INTERRUPT_TIMEOUT);
	if (pl011->fifo_count >= pl011_threshold(pl011))
		pl011->ris |= INTERRUPT_RECEIVED;
	if (pl011->fifo_count > 0 && pl011->lcr_h & LCR_FIFO_ENABLE)
		pl011->ris |= INTERRUPT_TIMEOUT;
}

static void pl011_put(struct pl011 *pl011, uint8_t byte)
{
	pl011->fifo[(pl011->fifo_head + pl011->fifo_count++) % PL011_FIFO] = byte;
	pl011_receiver_changed(pl011);
}

static uint32_t pl011_receive(struct pl011 *pl011)
{
	uint8_t byte;

	if (pl011->fifo_count == 0)
		return 0;
	byte = pl011->fifo[pl011->fifo_head];
	pl011->fifo_head = (pl011->fifo_head + 1) % PL011_FIFO;
	pl011->fifo_count--;
	pl011_receiver_changed(pl011);
	return byte;
}

static bool pl011_receives(const struct pl011 *pl011)
{
	return (pl011->cr & (CR_ENABLE | CR_RECEIVE)) == (CR_ENABLE | CR_RECEIVE);
}

static bool pl011_has_room(const struct pl011 *pl011)
{
	return pl011->fifo_count < pl011_depth(pl011);
}

static void pl011_offer_room(struct pl011 *pl011)
{
	if (!pl011->refused || !pl011_has_room(pl011) || !pl011_receives(pl011) ||
	    pl011->cr & CR_LOOPBACK)
		return;
	pl011->refused = false;
	if (pl011->backend.room)
		pl011->backend.room(pl011->backend.console);
}

static uint32_t pl011_flags(const struct pl011 *pl011)
{
	uint32_t flags = FR_CTS | FR_DSR | FR_DCD | FR_TRANSMITTER_EMPTY;

	if (pl011->fifo_count == 0)
		flags |= FR_RECEIVER_EMPTY;
	if (!pl011_has_room(pl011))
		flags |= FR_RECEIVER_FULL;
	return flags;
}

static uint32_t pl011_read_register(struct pl011 *pl011, uint64_t offset)
{
	uint32_t value = 0;

	switch (offset) {
	case REGISTER_DR:
		return pl011_receive(pl011);
	case REGISTER_FR:
		return pl011_flags(pl011);
	case REGISTER_ILPR:
		return pl011->ilpr;
	case REGISTER_IBRD:
		return pl011->ibrd;
	case REGISTER_FBRD:
		return pl011->fbrd;
	case REGISTER_LCR_H:
		return pl011->lcr_h;
	case REGISTER_CR:
		return pl011->cr;
	case REGISTER_IFLS:
		return pl011->ifls;
	case REGISTER_IMSC:
		return pl011->imsc;
	case REGISTER_RIS:
		return pl011->ris;
	case REGISTER_MIS:
		return pl011->ris & pl011->imsc;
	case REGISTER_DMACR:
		return pl011->dmacr;
	default:
		(void)primecell_identify(offset, pl011_id, &value);
		return value;
	}
}

/* Registers are words; a narrower access sees its part of one. */
static enum mem_result pl011_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	struct pl011 *pl011 = owner;
	unsigned int shift = offset % 4 * 8;

	*value =
		(uint64_t)pl011_read_register(pl011, offset - offset % 4) >> shift & all_ones(size);
	pl011_update_line(pl011);
	pl011_offer_room(pl011);
	return MEM_DONE;
}

/* pl011_write() has handed the character on. The FIFO, empty again, has passed its threshold. */
static void pl011_transmit(struct pl011 *pl011, uint8_t byte)
{
	if (pl011->cr & CR_LOOPBACK && pl011_receives(pl011) && pl011_has_room(pl011))
		pl011_put(pl011, byte);
	pl011->ris |= INTERRUPT_TRANSMITTED;
}

static void pl011_write_lcr(struct pl011 *pl011, uint32_t value)
{
	/* What was received stays, be it more than fits without the FIFO: nobody sends it again. */
	pl011->lcr_h = value & 0xff;
	pl011_receiver_changed(pl011);
}

static void pl011_write_register(struct pl011 *pl011, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case REGISTER_DR:
		pl011_transmit(pl011, (uint8_t)value);
		break;
	case REGISTER_ILPR:
		pl011->ilpr = value & 0xff;
		break;
	case REGISTER_IBRD:
		pl011->ibrd = value & 0xffff;
		break;
	case REGISTER_FBRD:
		pl011->fbrd = value & 0x3f;
		break;
	case REGISTER_LCR_H:
		pl011_write_lcr(pl011, value);
		break;
	case REGISTER_CR:
		pl011->cr = value & CR_MASK;
		break;
	case REGISTER_IFLS:
		pl011->ifls = value & 0x3f;
		pl011_receiver_changed(pl011);
		break;
	case REGISTER_IMSC:
		pl011->imsc = value & INTERRUPT_ALL;
		break;
	case REGISTER_ICR:
		pl011->ris &= ~value;
		pl011_receiver_changed(pl011);
		break;
	case REGISTER_DMACR:
		pl011->dmacr = value & 7;
		break;
	}
}

/* False: the character must wait. An early console writes before anyone turned the UART on. */
static bool pl011_send(struct pl011 *pl011, uint8_t byte)
{
	if (pl011->cr & CR_LOOPBACK || !pl011->backend.output)
		return true;
	return pl011->backend.output(pl011->backend.console, byte);
}

static enum mem_result pl011_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pl011 *pl011 = owner;

	(void)size;
	if (offset == REGISTER_DR && !pl011_send(pl011, (uint8_t)value))
		return MEM_NOT_YET;
	pl011_write_register(pl011, offset, (uint32_t)value);
	pl011_update_line(pl011);
	pl011_offer_room(pl011);
	return MEM_DONE;
}

size_t pl011_input(struct pl011 *pl011, const uint8_t *bytes, size_t count)
{
	size_t taken = 0;

	pthread_mutex_lock(&pl011->lock);
	if (pl011_receives(pl011) && !(pl011->cr & CR_LOOPBACK))
		while (taken < count && pl011_has_room(pl011))
			pl011_put(pl011, bytes[taken++]);
	if (taken < count)
		pl011->refused = true;
	pl011_update_line(pl011);
	pthread_mutex_unlock(&pl011->lock);
	return taken;
}

static void pl011_power_on(struct pl011 *pl011)
{
	pl011->ilpr = pl011->ibrd = pl011->fbrd = pl011->lcr_h = 0;
	pl011->cr = CR_AT_RESET;
	pl011->ifls = IFLS_AT_RESET;
	pl011->imsc = pl011->ris = pl011->dmacr = 0;
	pl011->fifo_count = 0;
}

static void pl011_reset(struct device *device)
{
	struct pl011 *pl011 = container_of(device, struct pl011, device);

	pthread_mutex_lock(&pl011->lock);
	pl011_power_on(pl011);
	pl011_update_line(pl011);
	pthread_mutex_unlock(&pl011->lock);
}

static void pl011_destroy(struct device *device)
{
	struct pl011 *pl011 = container_of(device, struct pl011, device);

	mem_map_del(&pl011->region);
	pthread_mutex_destroy(&pl011->lock);
	free(pl011);
}

static const struct device_ops pl011_device_ops = {
	.reset = pl011_reset,
	.destroy = pl011_destroy,
};

static const struct mem_ops pl011_ops = {.read = pl011_read, .write = pl011_write};

struct pl011 *pl011_create(const struct device_bus *bus, uint64_t base, uint32_t line,
			   const struct serial_backend *backend, struct err *err)
{
	struct pl011 *pl011 = calloc(1, sizeof(*pl011));

	if (!pl011) {
		err_set(err, -ENOMEM, "serial port: out of memory");
		return NULL;
	}
	pl011->device.ops = &pl011_device_ops;
	pl011->irq = bus->irq;
	pl011->line = line;
	pl011->backend = *backend;
	pthread_mutex_init(&pl011->lock, NULL);
	pl011_power_on(pl011);
	pl011->region = (struct mem_region){
		.name = "serial port",
		.kind = MEM_TRAP,
		.size = PRIMECELL_SIZE,
		.ops = &pl011_ops,
		.owner = pl011,
		.lock = &pl011->lock,
	};
	if (mem_map_add(bus->mmio, &pl011->region, base, err) < 0) {
		pl011_destroy(&pl011->device);
		return NULL;
	}
	return pl011;
}

struct device *pl011_device(struct pl011 *pl011)
{
	return &pl011->device;
}
