/* SPDX-License-Identifier: BSD-3-Clause */
/* The function as its sources share it: config space, registers, interrupts. */

#ifndef FERRY_DEVICES_VIRTIO_FUNCTION_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_FUNCTION_PRIVATE_H

#include <stdatomic.h>

#include "devices/pci/msi.h"
#include "devices/pci/vectors.h"
#include "devices/virtio/function.h"
#include "vmm/base/log.h"

/*
 *  BAR 0   0x0000  common configuration
 *          0x1000  interrupt status
 *          0x2000  the device's configuration
 *          0x3000  doorbells, four bytes for each queue
 *          0x4000  MSI-X table
 *          0x5000  its pending bits
 */
enum {
	FUNCTION_BAR = 0,
	FUNCTION_COMMON = 0x0000,
	FUNCTION_ISR = 0x1000,
	FUNCTION_DEVICE = 0x2000,
	FUNCTION_NOTIFY = 0x3000,
	FUNCTION_MSIX = 0x4000,
	FUNCTION_PBA = 0x5000,
	FUNCTION_AREA = 0x1000,
	FUNCTION_BELL = 4, /* bytes from one queue's doorbell to the next */
};

/* Offsets of the common configuration (VIRTIO 1.2 4.1.4.3). */
enum {
	COMMON_DEVICE_FEATURE_SELECT = 0x00,
	COMMON_DEVICE_FEATURE = 0x04,
	COMMON_DRIVER_FEATURE_SELECT = 0x08,
	COMMON_DRIVER_FEATURE = 0x0c,
	COMMON_CONFIG_VECTOR = 0x10,
	COMMON_QUEUE_COUNT = 0x12,
	COMMON_STATUS = 0x14,
	COMMON_GENERATION = 0x15,
	COMMON_QUEUE_SELECT = 0x16,
	COMMON_QUEUE_SIZE = 0x18,
	COMMON_QUEUE_VECTOR = 0x1a,
	COMMON_QUEUE_ENABLE = 0x1c,
	COMMON_QUEUE_NOTIFY_OFFSET = 0x1e,
	COMMON_QUEUE_DESCRIPTORS = 0x20,
	COMMON_QUEUE_DRIVER = 0x28,
	COMMON_QUEUE_DEVICE = 0x30,
	COMMON_QUEUE_NOTIFY_DATA = 0x38,
	COMMON_QUEUE_RESET = 0x3a,
	COMMON_SIZE = 0x3c,
};

/* Of the interrupt status (VIRTIO 1.2 4.1.4.5). */
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

/* The vector for the configuration, and one for each queue. */
enum { FUNCTION_VECTORS_MAX = 1 + VIRTIO_QUEUES_MAX };

struct function_queue {
	struct virtio_queue_place place;
	bool enabled;
	bool resetting; /* by the driver: it is over once the device has stopped it */
};

/* Device lock. */
struct function_registers {
	uint32_t device_feature_select, driver_feature_select;
	uint64_t driver_features;
	uint16_t queue_select;
	uint8_t status;
	bool running;   /* DRIVER_OK, and the device has started */
	bool resetting; /* the status reads 0 once the device has stopped */
	struct function_queue queues[VIRTIO_QUEUES_MAX];
};

/* `lock` is a leaf: the device's own thread takes it, with the device's own lock held. */
struct function_interrupts {
	pthread_mutex_t lock;
	uint8_t isr;
	bool failed;        /* the device, until it is reset */
	uint8_t generation; /* of the device's configuration, which the lock guards as well */
	bool msix;
	unsigned int vector_count;                       /* of MSI-X, while it is on */
	int vectors[FUNCTION_VECTORS_MAX];               /* eventfds; negative: none yet */
	bool missed[FUNCTION_VECTORS_MAX];               /* was to be signalled then */
	uint16_t of_config, of_queue[VIRTIO_QUEUES_MAX]; /* numbers of vectors */
	int trigger, resample;                           /* INTx; negative: not in use */
	unsigned int gsi;                                /* device lock */
	char why[128];                                   /* it failed, not told yet */
	uint64_t calls[VIRTIO_QUEUES_MAX];               /* since the reset, for a person */
};

struct virtio_function;

/*
 * What somebody else signals for a queue where no vector's eventfd is there for it: with INTx, and
 * before the vector is first unmasked. The loop passes it on.
 */
struct function_relay {
	struct virtio_function *function;
	int fd; /* negative: the device interrupts by itself */
};

/* A slice of the BAR, which begins at @base of it. */
struct function_area {
	struct virtio_function *function;
	uint64_t base;
};

struct virtio_function {
	struct pci_device pci;
	struct virtio_device *device;
	struct virtio_function_setup setup;
	struct pci_slice slices[3];
	struct function_area areas[3];
	struct mem_doorbell doorbells[VIRTIO_QUEUES_MAX];
	int kicks[VIRTIO_QUEUES_MAX];
	int news;    /* an eventfd: there is something to tell a person */
	bool stands; /* with the machine; device lock */
	struct pci_vectors *vectors;
	struct pci_msix msix;
	struct function_registers registers;
	struct function_interrupts interrupts;
	struct function_relay relays[VIRTIO_QUEUES_MAX];
	struct log_limit limit;
	bool told_gone; /* main thread's */
};

/* The function that @device is; NULL: another kind. */
struct virtio_function *function_find(struct pci_device *device);

/* registers.c: accesses to the first three areas of the BAR. Device lock held. */
uint64_t function_registers_read(struct virtio_function *function, uint64_t offset,
				 unsigned int size);
void function_registers_write(struct virtio_function *function, uint64_t offset, unsigned int size,
			      uint64_t value);
/* Begins a reset of the device; whether it is over. Likewise. */
bool function_reset_begin(struct virtio_function *function);
/* Ends it: the registers are as after power-on. The device has stopped. Likewise. */
void function_reset_end(struct virtio_function *function);

/* interrupts.c */
extern const struct pci_wires_ops function_wires;
extern const struct virtio_transport_ops function_transport;
int function_interrupts_init(struct virtio_function *function, struct err *err) FERRY_MUST_CHECK;
void function_interrupts_release(struct virtio_function *function);
/* Reads the status, which clears it. */
uint8_t function_isr_take(struct virtio_function *function);
bool function_isr_pending(struct virtio_function *function);
/* Numbers of vectors; one that there is not becomes none (VIRTIO 1.2 4.1.5.1.2). */
uint16_t function_vector(struct virtio_function *function, const uint16_t *which);
void function_set_vector(struct virtio_function *function, uint16_t *which, uint16_t vector);
/* INTx is wired or not, as COMMAND, MSI-X and the device say. Device lock held. */
void function_wire_intx(struct virtio_function *function);
bool function_has_failed(struct virtio_function *function);
/* The device's own configuration, and how often it has changed (VIRTIO 1.2 4.1.4.3.1). */
uint64_t function_device_read(struct virtio_function *function, uint64_t offset, unsigned int size);
uint8_t function_generation(struct virtio_function *function);
/* The device is at fault no more, and owes nothing. */
void function_interrupts_reset(struct virtio_function *function);

#endif
