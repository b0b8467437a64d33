/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio device: what it offers and does, apart from how the guest reaches it. */

#ifndef FERRY_DEVICES_VIRTIO_DEVICE_H
#define FERRY_DEVICES_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/queue.h"
#include "memory/ram.h"
#include "vmm/base/err.h"
#include "vmm/base/loop.h"

enum { VIRTIO_QUEUES_MAX = 17, VIRTIO_CONFIG_MAX = 256 };

/* What every device offers that its transport and queues do; a device may offer more. */
#define VIRTIO_FEATURES_COMMON                                                                     \
	(UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX |              \
	 UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_F_RING_RESET)

/* And what those do whose queues are in the monitor (devices/virtio/queue.h). */
#define VIRTIO_FEATURES_QUEUES (VIRTIO_FEATURES_COMMON | UINT64_C(1) << VIRTIO_F_RING_PACKED)

struct virtio_device;

/*
 * The transport as a device sees it. Any thread; of locks the device's own may be held, and the
 * transport takes none but leaves.
 */
struct virtio_transport_ops {
	/* Chains of @queue were given back, and the driver wants to know. */
	void (*call)(void *transport, unsigned int queue);
	/*
	 * The same for a device that has somebody else interrupt: an eventfd of the transport's
	 * which that one signals, until rewire() of the queue. Negative: the driver wants no
	 * interrupts of it.
	 */
	int (*call_eventfd)(void *transport, unsigned int queue);
	/* It cannot go on until it is reset (VIRTIO 1.2 2.1.2); @why is for a person, once. */
	void (*broke)(void *transport, const char *why);
	/* Its configuration is @config from now on; the driver, if it @runs, is told. */
	void (*configure)(void *transport, const uint8_t *config, bool runs);
	/* A stop or a pause that was not over at once is over now. */
	void (*quiet)(void *transport);
};

/* What a device is given for its life. */
struct virtio_attach {
	const struct ram *ram;
	const int *kicks;  /* an eventfd for each queue; the transport's */
	struct loop *loop; /* the main thread's */
	const struct virtio_transport_ops *transport;
	void *owner;
};

/*
 *            start               stop
 *  stopped --------> running ----------> stopping --(nothing in flight)--> stopped
 *                    |     ^
 *              pause v     | resume
 *                    paused
 *
 * The transport calls all of these with its lock held, under which they take the device's own. None
 * waits but `wait`.
 */
struct virtio_device_ops {
	/* Once, before anything else. */
	int (*attach)(struct virtio_device *device, const struct virtio_attach *attach,
		      struct err *err);
	/*
	 * Begins its thread, or what it has in the loop; before, it does nothing. Main thread. NULL
	 * where it has neither.
	 */
	int (*begin)(struct virtio_device *device, struct err *err);
	/*
	 * The driver is ready. Of @places those with a size are queues. An error is the driver's
	 * fault.
	 */
	int (*start)(struct virtio_device *device, uint64_t features,
		     const struct virtio_queue_place *places, struct err *err);
	/* Takes no more chains; whether all that it has are given back. It may be asked again. */
	bool (*stop)(struct virtio_device *device);
	/* The same for one queue, and back. NULL unless it offers VIRTIO_F_RING_RESET. */
	bool (*stop_queue)(struct virtio_device *device, unsigned int queue);
	int (*start_queue)(struct virtio_device *device, unsigned int queue,
			   const struct virtio_queue_place *place, struct err *err);
	/*
	 * The call_eventfd() of @queue is another from now on, and the old one will be closed. Only
	 * with it the transport has such eventfds; NULL: this device interrupts by call() alone.
	 */
	void (*rewire)(struct virtio_device *device, unsigned int queue);
	/* As stop(), but that it goes on from there. Whether running or not. */
	bool (*pause)(struct virtio_device *device);
	void (*resume)(struct virtio_device *device);
	/* Where @queue is, for a person; false: it is none. NULL: the device does not know. */
	bool (*look)(struct virtio_device *device, unsigned int queue,
		     struct virtio_queue_state *state);
	/* The driver's, where KVM did not see it; NULL: it is the eventfd's. */
	void (*kick)(struct virtio_device *device, unsigned int queue);
	/* Until a stop is over; NULL: it is at once. Main thread, vCPUs parked, no lock held. */
	void (*wait)(struct virtio_device *device);
	/* Stopped; it frees itself. */
	void (*destroy)(struct virtio_device *device);
};

/* Embedded in its owner, who sets all of it before a transport gets it. */
struct virtio_device {
	const struct virtio_device_ops *ops;
	char name[64];       /* for messages */
	uint16_t id;         /* VIRTIO 1.2 5 */
	uint32_t class_code; /* of the PCI function: base class, subclass, interface */
	uint64_t features;   /* offered */
	unsigned int queue_count;
	uint16_t queue_size; /* the most */
	bool polls;          /* its kicks do not block */
	/* Set, before broke(), where no reset brings it back in this run. */
	_Atomic bool gone;
	/* Device configuration, little-endian; only configure() changes it. */
	uint8_t config[VIRTIO_CONFIG_MAX];
	unsigned int config_size;
	void *transport; /* that has it */
};

#endif
