/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio functions as a person is told of them. */

#include <inttypes.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <stdatomic.h>
#include <string.h>

#include "devices/pci/host.h"
#include "devices/virtio/function_private.h"
#include "vmm/base/bits.h"

/* VIRTIO 1.2 2.1. */
static void describe_status(const struct virtio_function *function, bool failed, FILE *out)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} bits[] = {
		{VIRTIO_CONFIG_S_ACKNOWLEDGE, "seen"},
		{VIRTIO_CONFIG_S_DRIVER, "has a driver"},
		{VIRTIO_CONFIG_S_FEATURES_OK, "features agreed"},
		{VIRTIO_CONFIG_S_DRIVER_OK, "driver ready"},
		{VIRTIO_CONFIG_S_FAILED, "given up by the driver"},
	};
	const struct function_registers *registers = &function->registers;

	fprintf(out, "  status    0x%02x", registers->status);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (registers->status & bits[i].bit)
			fprintf(out, ", %s", bits[i].text);
	fprintf(out, "%s%s\n", registers->resetting ? ", being reset" : "",
		atomic_load(&function->device->gone) ? ", gone until the next run"
		: failed                             ? ", stands still until it is reset"
						     : "");
}

static void describe_vector(uint16_t vector, FILE *out)
{
	if (vector == UINT16_MAX)
		fputs("no vector", out);
	else
		fprintf(out, "vector %u", vector);
}

/* What is looked at of the interrupts, whose lock is a leaf. */
struct describe_interrupts {
	bool failed, msix, wired, pending;
	unsigned int vectors;
	uint16_t of_config, of_queue[VIRTIO_QUEUES_MAX];
	uint64_t calls[VIRTIO_QUEUES_MAX];
};

static void describe_take(struct function_interrupts *from, struct describe_interrupts *to)
{
	pthread_mutex_lock(&from->lock);
	to->failed = from->failed;
	to->msix = from->msix;
	to->wired = from->trigger >= 0;
	to->pending = from->isr;
	to->vectors = from->vector_count;
	to->of_config = from->of_config;
	memcpy(to->of_queue, from->of_queue, sizeof(to->of_queue));
	memcpy(to->calls, from->calls, sizeof(to->calls));
	pthread_mutex_unlock(&from->lock);
}

static void describe_wires(const struct describe_interrupts *interrupts, FILE *out)
{
	if (!interrupts->msix) {
		fprintf(out, "  INTx      %s%s\n", interrupts->wired ? "in use" : "not in use",
			interrupts->pending ? ", pending" : "");
		return;
	}
	fprintf(out, "  MSI-X     %u vectors, for the configuration ", interrupts->vectors);
	describe_vector(interrupts->of_config, out);
	fputc('\n', out);
}

static void describe_indices(struct virtio_function *function, unsigned int index, FILE *out)
{
	const struct virtio_device_ops *ops = function->device->ops;
	struct virtio_queue_state state;

	if (!ops->look || !ops->look(function->device, index, &state))
		return;
	if (state.packed)
		fprintf(out, "packed, takes at %u, gives back at %u, ", state.taken, state.given);
	else
		fprintf(out, "offered %u, taken %u, given back %u, ", state.offered, state.taken,
			state.given);
	if (state.kicks)
		fprintf(out, "kicks %" PRIu64 ", ", state.kicks);
}

static void describe_queue(struct virtio_function *function, unsigned int index,
			   const struct describe_interrupts *interrupts, FILE *out)
{
	const struct function_queue *queue = &function->registers.queues[index];

	fprintf(out, "  queue %-3u %u of %u entries, ", index, queue->place.size,
		function->device->queue_size);
	if (!queue->enabled) {
		fputs("off\n", out);
		return;
	}
	fprintf(out, "descriptors 0x%" PRIx64 ", driver 0x%" PRIx64 ", device 0x%" PRIx64 "%s\n",
		queue->place.descriptors, queue->place.driver, queue->place.device,
		queue->resetting ? ", being reset" : "");
	fprintf(out, "%12s", "");
	describe_indices(function, index, out);
	/* Those of a queue that the kernel serves are not seen here. */
	if (function->device->ops->rewire)
		fputs("interrupts", out);
	else
		fprintf(out, "interrupts %" PRIu64, interrupts->calls[index]);
	if (interrupts->msix) {
		fputs(" by ", out);
		describe_vector(interrupts->of_queue[index], out);
	}
	fputc('\n', out);
}

/* Device lock held. */
static void describe_virtio(struct virtio_function *function, FILE *out)
{
	const struct virtio_device *device = function->device;
	struct describe_interrupts interrupts;

	describe_take(&function->interrupts, &interrupts);
	describe_status(function, interrupts.failed, out);
	fprintf(out, "  features  0x%016" PRIx64 " offered, 0x%016" PRIx64 " taken\n",
		device->features, function->registers.driver_features);
	describe_wires(&interrupts, out);
	for (unsigned int i = 0; i < device->queue_count; i++)
		describe_queue(function, i, &interrupts, out);
}

static void describe_if_virtio(struct pci_device *device, FILE *out)
{
	struct virtio_function *function = function_find(device);

	if (!function)
		return;
	fprintf(out, "%02x:%02x.%u  %04x:%04x  %s\n", device->bus->number,
		pci_devfn_slot(device->devfn), device->devfn % PCI_FUNCTIONS,
		load_le16(device->config + PCI_VENDOR_ID),
		load_le16(device->config + PCI_DEVICE_ID), device->name);
	pthread_mutex_lock(&device->lock);
	describe_virtio(function, out);
	pthread_mutex_unlock(&device->lock);
}

void virtio_describe(struct pci_host *host, FILE *out)
{
	bool found = false;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; i < host->count; i++) {
		found |= !!function_find(host->added[i]);
		describe_if_virtio(host->added[i], out);
	}
	pthread_mutex_unlock(&host->lock);
	if (!found)
		fputs("there are none\n", out);
}
