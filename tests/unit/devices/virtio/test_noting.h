/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio function whose device notes what it is asked for, and is busy if the test says so. */

#ifndef FERRY_TESTS_UNIT_DEVICES_VIRTIO_TEST_NOTING_H
#define FERRY_TESTS_UNIT_DEVICES_VIRTIO_TEST_NOTING_H

#include "tests/unit/support/fake_virtio.h"
#include "vmm/base/bits.h"

enum { QUEUES = 3, QUEUE_SIZE = 64 };

struct noting {
	struct virtio_device device;
	struct virtio_attach attach;
	struct virtio_queue_place places[QUEUES];
	uint64_t features;
	unsigned int starts, waits, queue_starts;
	unsigned int rewired[QUEUES];
	bool running, paused, busy, refuses;
};

static struct noting noting;
static struct virtio_bench *bench;
static bool destroyed;

static inline struct noting *noting_of(struct virtio_device *device)
{
	return container_of(device, struct noting, device);
}

static inline int noting_attach(struct virtio_device *device, const struct virtio_attach *attach,
				struct err *err)
{
	(void)err;
	noting_of(device)->attach = *attach;
	return 0;
}

static inline int noting_start(struct virtio_device *device, uint64_t features,
			       const struct virtio_queue_place *places, struct err *err)
{
	struct noting *of = noting_of(device);

	ck_assert(!of->running);
	of->starts++;
	if (of->refuses)
		return err_set(err, -EINVAL, "it is refused");
	of->running = true;
	of->features = features;
	memcpy(of->places, places, sizeof(of->places));
	return 0;
}

static inline bool noting_stop(struct virtio_device *device)
{
	struct noting *of = noting_of(device);

	of->running = of->running && of->busy;
	return !of->busy;
}

static inline bool noting_stop_queue(struct virtio_device *device, unsigned int queue)
{
	ck_assert_uint_lt(queue, QUEUES);
	return !noting_of(device)->busy;
}

static inline int noting_start_queue(struct virtio_device *device, unsigned int queue,
				     const struct virtio_queue_place *place, struct err *err)
{
	(void)err;
	noting_of(device)->places[queue] = *place;
	noting_of(device)->queue_starts++;
	return 0;
}

static inline void noting_rewire(struct virtio_device *device, unsigned int queue)
{
	ck_assert_uint_lt(queue, QUEUES);
	noting_of(device)->rewired[queue]++;
}

static inline bool noting_pause(struct virtio_device *device)
{
	noting_of(device)->paused = true;
	return !noting_of(device)->busy;
}

static inline void noting_resume(struct virtio_device *device)
{
	noting_of(device)->paused = false;
}

static inline void noting_wait(struct virtio_device *device)
{
	noting_of(device)->waits++;
	noting_of(device)->busy = false;
	noting_of(device)->running = false;
}

static inline void noting_destroy(struct virtio_device *device)
{
	(void)device;
	destroyed = true;
}

static const struct virtio_device_ops noting_ops = {
	.attach = noting_attach,
	.start = noting_start,
	.stop = noting_stop,
	.stop_queue = noting_stop_queue,
	.start_queue = noting_start_queue,
	.rewire = noting_rewire,
	.pause = noting_pause,
	.resume = noting_resume,
	.wait = noting_wait,
	.destroy = noting_destroy,
};

static inline void set_up(void)
{
	noting = (struct noting){
		.device =
			{
				.ops = &noting_ops,
				.name = "noting",
				.id = 2,
				.class_code = 0x018000,
				.features = VIRTIO_FEATURES_COMMON | 0x5,
				.queue_count = QUEUES,
				.queue_size = QUEUE_SIZE,
				.config = {1, 2, 3, 4, 5, 6, 7, 8},
				.config_size = 8,
			},
	};
	destroyed = false;
	bench = virtio_bench_create(&noting.device);
}

static inline void tear_down(void)
{
	virtio_bench_destroy(bench);
	ck_assert(destroyed);
}

static inline void drive(void)
{
	virtio_drive(bench, noting.device.features, 16);
	ck_assert(noting.running);
}

static inline void turn_loop(void)
{
	virtio_turn_loop(bench);
}

#endif
