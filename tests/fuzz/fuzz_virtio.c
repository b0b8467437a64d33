/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device of the monitor's own as a guest has it that does anything: registers in any width,
 * queues wherever it likes, chains of any shape, requests whole and broken, resets in between. A
 * disk's thread is this one, and so is the loop of one that has none.
 */

#include "tests/fuzz/virtio.h"

#include <linux/virtio_blk.h>
#include <sys/mman.h>

#include "devices/virtio/disk_private.h"
#include "devices/virtio/entropy.h"
#include "devices/virtio/hvc.h"
#include "devices/virtio/worker_private.h"
#include "vmm/base/random.h"

enum {
	STEPS_MAX = 128,
	IMAGE_SIZE = 64 * 1024,
	HEADERS = 0x100000,
	BUFFERS = 0x1f0000, /* up to where the pieces of memory touch, and behind that */
	TURNS_MAX = 10000,
	LOOP_TURNS = 4,
};

enum step {
	STEP_WRITE,
	STEP_READ,
	STEP_CONFIG_WRITE,
	STEP_CONFIG_READ,
	STEP_POKE,
	STEP_DRIVE,
	STEP_REQUEST,
	STEP_DESCRIBE,
	STEP_OFFER,
	STEP_KICK,
	STEP_RESET,
	STEP_RESTART,
	STEP_TYPE,
	STEPS,
};

static struct virtio_worker *worker;  /* NULL: the loop serves the device */
static struct virtio_device *console; /* NULL: it is another device */
static size_t screen;                 /* bytes that the console's reader takes */
static int image = -1;

/* The same for the same input. */
bool random_fill(void *bytes, size_t size)
{
	memset(bytes, 0x5a, size);
	return true;
}

/* All that is under way comes to its end, as the disk's own thread would have it. */
static void work(void)
{
	bool more = true;

	if (!worker) {
		for (unsigned int i = 0; i < LOOP_TURNS; i++)
			virtio_turn_loop(bench);
		return;
	}
	for (unsigned int turns = 0; more || worker->in_flight > 0; turns++) {
		require(turns < TURNS_MAX);
		require(!worker_ring_wait(worker, worker->in_flight > 0 && !more));
		require(worker_turn(worker, &more));
	}
	require(worker_ring_wait(worker, false) == 0);
	require(worker_turn(worker, &more));
}

static void step_config_write(void)
{
	unsigned int offset = take8(&input), size = take_size();
	uint32_t value = (uint32_t)take64(&input);

	/* Whatever it waits for is over after some work. */
	if (virtio_config_write(bench, offset, size, value) == MEM_NOT_YET) {
		work();
		require(virtio_config_write(bench, offset, size, value) == MEM_DONE);
	}
}

/* As a driver does, with features of its own choice, as far as it may. */
static void step_drive(void)
{
	uint64_t features = virtio_wanted(bench) & ~(uint64_t)take16(&input);
	uint16_t size = (uint16_t)(1 << take8(&input) % 11);

	features &= ~((uint64_t)take8(&input) << 24);
	drive(features, size);
}

/* A whole request but for what the input has else of it. */
static void step_request(void)
{
	struct driver_queue *queue = take_queue();
	unsigned int head = take8(&input), flags = take8(&input);
	uint64_t header = HEADERS + 64 * head;
	uint8_t bytes[16] = {take8(&input)};

	if (!queue)
		return;
	store_le64(bytes + 8, take16(&input));
	require(ram_write(bench->memory.ram, header, bytes, sizeof(bytes)) == 0);
	head %= queue->place.size;
	driver_describe(queue, head, header, 16, VRING_DESC_F_NEXT, (head + 1) % queue->place.size);
	driver_describe(queue, (head + 1) % queue->place.size, BUFFERS + take16(&input),
			take16(&input), flags & 7, (head + 2) % queue->place.size);
	driver_describe(queue, (head + 2) % queue->place.size, header + 32, 1, VRING_DESC_F_WRITE,
			0);
	driver_offer(queue, head);
}

static void step_describe(void)
{
	struct driver_queue *queue = take_queue();
	unsigned int index = take8(&input), flags = take8(&input), next = take16(&input);
	uint64_t gpa = take64(&input);
	uint32_t size = (uint32_t)take_number(&input, 4);

	if (queue)
		driver_describe(queue, index % queue->place.size, gpa, size, flags, next);
}

static void step_offer(void)
{
	struct driver_queue *queue = take_queue();
	unsigned int head = take16(&input);

	if (queue)
		driver_offer(queue, head);
}

/* The guest may have turned its BAR off, or moved it. */
static bool has_registers(void)
{
	uint64_t bar = virtio_config_read(bench, PCI_BASE_ADDRESS_1, 4);

	bar = bar << 32 | (virtio_config_read(bench, PCI_BASE_ADDRESS_0, 4) & ~15U);
	return bar == bench->bar && virtio_config_read(bench, PCI_COMMAND, 1) & PCI_COMMAND_MEMORY;
}

static void step_reset(void)
{
	virtio_write(bench, COMMON_STATUS, 1, 0);
	work();
	require(virtio_status(bench) == 0 || !has_registers());
}

/* Somebody types, and reads. */
static void step_type(void)
{
	uint8_t text[256];
	size_t size = take8(&input);

	take(&input, text, size);
	screen = take8(&input);
	if (!console)
		return;
	require(hvc_input(console, text, size) <= size);
	hvc_wake(console);
}

static void step(void)
{
	switch (take8(&input) % STEPS) {
	case STEP_WRITE:
		step_write();
		break;
	case STEP_READ:
		step_read();
		break;
	case STEP_CONFIG_WRITE:
		step_config_write();
		break;
	case STEP_CONFIG_READ:
		step_config_read();
		break;
	case STEP_POKE:
		step_poke(1);
		break;
	case STEP_DRIVE:
		step_drive();
		break;
	case STEP_REQUEST:
		step_request();
		break;
	case STEP_DESCRIBE:
		step_describe();
		break;
	case STEP_OFFER:
		step_offer();
		break;
	case STEP_KICK:
		virtio_kick(bench, take8(&input));
		break;
	case STEP_RESET:
		step_reset();
		break;
	case STEP_TYPE:
		step_type();
		break;
	default:
		/* Its thread would go on meanwhile: it is waited for. */
		work();
		step_restart();
		break;
	}
}

static struct virtio_device *create_disk(unsigned int queues)
{
	struct disk_config config = {.serial = "fuzz", .queues = queues};
	struct virtio_device *device;
	struct err err = {0};
	char path[32];

	require(ftruncate(image, IMAGE_SIZE) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
	config.image.path = path;
	config.image.raw = true;
	config.discard = take8(&input) & 1;
	device = disk_create(&config, 0, &err);
	worker = &container_of(device, struct disk, device)->worker;
	return device;
}

static size_t screen_output(void *owner, const uint8_t *bytes, size_t count)
{
	(void)owner;
	(void)bytes;
	require(count > 0 && count <= HVC_OUTPUT);
	count = count < screen ? count : screen;
	screen -= count;
	return count;
}

static void screen_room(void *owner)
{
	(void)owner;
}

static struct virtio_device *create_console(void)
{
	const struct hvc_config config = {screen_output, screen_room, NULL, 80, 25};
	struct err err = {0};

	screen = take8(&input);
	console = hvc_create(&config, &err);
	return console;
}

/* By the first byte of the input. */
static void create(void)
{
	unsigned int which = take8(&input);
	struct err err = {0};

	worker = NULL;
	console = NULL;
	virtio_withheld = which & 4 ? 0 : UINT64_C(1) << VIRTIO_F_RING_PACKED;
	if (!(which & 2)) {
		bench = virtio_bench_create(create_disk(1 + which % 2));
		return;
	}
	bench = virtio_bench_create(which & 1 ? create_console() : entropy_create(&err));
	require(bench->device->ops->begin(bench->device, &err) == 0);
}

static FILE *nowhere;

/* What stays open from the first input on. */
static void open_files(void)
{
	if (image >= 0)
		return;
	image = memfd_create("image", MFD_CLOEXEC);
	nowhere = fopen("/dev/null", "w");
	require(image >= 0 && nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int descriptors;

	open_files();
	descriptors = open_descriptors();
	input = (struct input){.bytes = data, .left = size};
	create();
	for (unsigned int i = 0; i < STEPS_MAX && input.left > 0; i++) {
		step();
		work();
	}
	virtio_describe(bench->pci->host, nowhere);
	virtio_bench_destroy(bench);
	require(open_descriptors() == descriptors);
	return 0;
}
