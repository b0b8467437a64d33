/* SPDX-License-Identifier: BSD-3-Clause */
/* How a virtio function interrupts: by a vector of MSI-X for each queue, or by INTx as a level. */

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "devices/virtio/function_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* For INTx, which a guest must not find used up by its vectors. */
enum { INTERRUPTS_DESCRIPTORS = 2 };

enum { NO_VECTOR = 0xffff };

/* Interrupts' lock held. What has no eventfd yet is remembered: it is pending. */
static void interrupts_signal(struct function_interrupts *interrupts, uint16_t vector,
			      uint8_t cause)
{
	if (!interrupts->msix) {
		interrupts->isr |= cause;
		if (interrupts->trigger >= 0)
			fd_signal(interrupts->trigger);
	} else if (vector < interrupts->vector_count) {
		if (interrupts->vectors[vector] >= 0)
			fd_signal(interrupts->vectors[vector]);
		else
			interrupts->missed[vector] = true;
	}
}

static void interrupts_call(void *owner, unsigned int queue)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	interrupts->calls[queue]++;
	interrupts_signal(interrupts, interrupts->of_queue[queue], ISR_QUEUE);
	pthread_mutex_unlock(&interrupts->lock);
}

static int interrupts_call_eventfd(void *owner, unsigned int queue)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;
	int fd = function->relays[queue].fd;

	pthread_mutex_lock(&interrupts->lock);
	if (interrupts->msix) {
		uint16_t vector = interrupts->of_queue[queue];

		if (vector >= interrupts->vector_count)
			fd = -1;
		else if (interrupts->vectors[vector] >= 0)
			fd = interrupts->vectors[vector];
	}
	pthread_mutex_unlock(&interrupts->lock);
	return fd;
}

/* Device lock held: what is signalled for the queue may be another eventfd by now. */
static void interrupts_rewire(struct virtio_function *function, unsigned int queue)
{
	if (function->device->ops->rewire)
		function->device->ops->rewire(function->device, queue);
}

static void interrupts_on_relay(void *owner, uint32_t events)
{
	struct function_relay *relay = owner;

	(void)events;
	if (fd_take_shared(relay->fd))
		interrupts_call(relay->function, (unsigned int)(relay - relay->function->relays));
}

/* The main thread tells: who finds the fault may not. */
static void interrupts_broke(void *owner, const char *why)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	interrupts->failed = true;
	snprintf(interrupts->why, sizeof(interrupts->why), "%s", why);
	interrupts_signal(interrupts, interrupts->of_config, ISR_CONFIG);
	pthread_mutex_unlock(&interrupts->lock);
	fd_signal(function->news);
}

static void interrupts_configure(void *owner, const uint8_t *config, bool runs)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;
	struct virtio_device *device = function->device;

	pthread_mutex_lock(&interrupts->lock);
	if (memcmp(device->config, config, device->config_size) != 0) {
		memcpy(device->config, config, device->config_size);
		interrupts->generation++;
		if (runs)
			interrupts_signal(interrupts, interrupts->of_config, ISR_CONFIG);
	}
	pthread_mutex_unlock(&interrupts->lock);
}

uint64_t function_device_read(struct virtio_function *function, uint64_t offset, unsigned int size)
{
	const struct virtio_device *device = function->device;
	uint64_t value = all_ones(size);

	pthread_mutex_lock(&function->interrupts.lock);
	if (range_fits(offset, size, device->config_size))
		value = load_le(device->config + offset, size);
	pthread_mutex_unlock(&function->interrupts.lock);
	return value;
}

uint8_t function_generation(struct virtio_function *function)
{
	uint8_t generation;

	pthread_mutex_lock(&function->interrupts.lock);
	generation = function->interrupts.generation;
	pthread_mutex_unlock(&function->interrupts.lock);
	return generation;
}

static void interrupts_quiet(void *owner)
{
	struct virtio_function *function = owner;

	function->setup.wake(function->setup.machine);
}

const struct virtio_transport_ops function_transport = {
	.call = interrupts_call,
	.call_eventfd = interrupts_call_eventfd,
	.broke = interrupts_broke,
	.configure = interrupts_configure,
	.quiet = interrupts_quiet,
};

static void interrupts_on_news(void *owner, uint32_t events)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;
	char why[sizeof(interrupts->why)];

	(void)events;
	fd_take(function->news);
	pthread_mutex_lock(&interrupts->lock);
	memcpy(why, interrupts->why, sizeof(why));
	interrupts->why[0] = '\0';
	pthread_mutex_unlock(&interrupts->lock);
	if (!why[0] || function->told_gone)
		return;
	function->told_gone = atomic_load(&function->device->gone);
	log_guest(&function->limit, LOG_WARN, "%s: it %s: %s", function->device->name,
		  function->told_gone ? "is gone until the next run"
				      : "stands still until the guest resets it",
		  why);
}

static int interrupts_open_relays(struct virtio_function *function, struct err *err)
{
	struct loop *loop = function->setup.loop;
	int rc = 0;

	for (unsigned int i = 0; i < function->device->queue_count && !rc; i++) {
		struct function_relay *relay = &function->relays[i];

		relay->function = function;
		relay->fd = fd_eventfd();
		if (relay->fd < 0)
			return err_set(err, relay->fd, "no descriptor: %s", err_text(relay->fd));
		rc = loop_add(loop, relay->fd, EPOLLIN, interrupts_on_relay, relay, err);
	}
	return rc;
}

int function_interrupts_init(struct virtio_function *function, struct err *err)
{
	struct function_interrupts *interrupts = &function->interrupts;
	const loop_handler tell = interrupts_on_news;
	int rc;

	pthread_mutex_init(&interrupts->lock, NULL);
	interrupts->trigger = interrupts->resample = -1;
	for (unsigned int i = 0; i < FUNCTION_VECTORS_MAX; i++)
		interrupts->vectors[i] = -1;
	fd_reserve(INTERRUPTS_DESCRIPTORS);
	function_interrupts_reset(function);
	function->news = fd_eventfd();
	if (function->news < 0)
		return err_set(err, function->news, "%s: no descriptor: %s", function->device->name,
			       err_text(function->news));
	rc = loop_add(function->setup.loop, function->news, EPOLLIN, tell, function, err);
	if (!rc && function->device->ops->rewire)
		rc = interrupts_open_relays(function, err);
	return rc ? err_prefix(err, "%s", function->device->name) : 0;
}

/* INTx. What follows has the device lock. */

static void interrupts_set_lines(struct virtio_function *function, int trigger, int resample)
{
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	interrupts->trigger = trigger;
	interrupts->resample = resample;
	/* It may be owed since before. */
	if (trigger >= 0 && interrupts->isr)
		fd_signal(trigger);
	pthread_mutex_unlock(&interrupts->lock);
}

/*
 * The guest's end of interrupt, of any device on the line: KVM has lowered it. What the driver has
 * not taken note of raises it again.
 */
static void interrupts_on_end(void *owner, uint32_t events)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;

	(void)events;
	pthread_mutex_lock(&function->pci.lock);
	pthread_mutex_lock(&interrupts->lock);
	if (interrupts->resample >= 0 && fd_take(interrupts->resample) && interrupts->isr)
		fd_signal(interrupts->trigger);
	pthread_mutex_unlock(&interrupts->lock);
	pthread_mutex_unlock(&function->pci.lock);
}

static void interrupts_close(struct virtio_function *function, int trigger, int resample)
{
	if (resample >= 0)
		loop_remove(function->setup.loop, resample);
	fd_close(&resample);
	fd_close(&trigger);
}

static int interrupts_open(struct virtio_function *function)
{
	int trigger = fd_eventfd(), resample = fd_eventfd(), rc;
	struct err err = {0};

	rc = trigger < 0 ? trigger : resample < 0 ? resample : 0;
	function->interrupts.gsi = (unsigned int)pci_device_intx_gsi(&function->pci);
	if (!rc)
		rc = loop_add(function->setup.loop, resample, EPOLLIN, interrupts_on_end, function,
			      &err);
	if (!rc)
		rc = kvm_irq_attach(function->setup.irq, function->interrupts.gsi, trigger,
				    resample);
	if (rc)
		interrupts_close(function, trigger, resample);
	else
		interrupts_set_lines(function, trigger, resample);
	return rc;
}

static void interrupts_unwire(struct virtio_function *function)
{
	int trigger = function->interrupts.trigger, resample = function->interrupts.resample;

	interrupts_set_lines(function, -1, -1);
	kvm_irq_detach(function->setup.irq, function->interrupts.gsi, trigger);
	interrupts_close(function, trigger, resample);
}

/* Only while a driver uses it: each end of interrupt on the line wakes the loop. */
void function_wire_intx(struct virtio_function *function)
{
	uint16_t command = load_le16(function->pci.config + PCI_COMMAND);
	bool wanted = function->registers.running && !function->msix.enabled &&
		      !(command & PCI_COMMAND_INTX_DISABLE);
	bool wired = function->interrupts.trigger >= 0;
	int rc = 0;

	if (wanted && !wired)
		rc = interrupts_open(function);
	else if (!wanted && wired)
		interrupts_unwire(function);
	if (rc)
		log_guest(&function->limit, LOG_ERROR,
			  "%s: its INTx does not reach the guest: %s: the guest must use MSI-X",
			  function->device->name, err_text(rc));
}

/* MSI-X; see devices/pci/vectors.h. */

static int interrupts_set_mode(void *owner, enum pci_vectors_mode mode, unsigned int count)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	interrupts->msix = mode == PCI_VECTORS_MSIX;
	interrupts->vector_count = count;
	for (unsigned int i = 0; i < FUNCTION_VECTORS_MAX; i++) {
		interrupts->vectors[i] = -1;
		interrupts->missed[i] = false;
	}
	pthread_mutex_unlock(&interrupts->lock);
	for (unsigned int i = 0; i < function->device->queue_count; i++)
		interrupts_rewire(function, i);
	return (int)count;
}

static int interrupts_connect(void *owner, unsigned int first, unsigned int end)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	for (unsigned int i = first; i < end; i++) {
		interrupts->vectors[i] = pci_vectors_eventfd(function->vectors, i);
		if (interrupts->vectors[i] >= 0 && interrupts->missed[i]) {
			interrupts->missed[i] = false;
			fd_signal(interrupts->vectors[i]);
		}
	}
	pthread_mutex_unlock(&interrupts->lock);
	for (unsigned int i = 0; i < function->device->queue_count; i++) {
		uint16_t vector = function_vector(function, &interrupts->of_queue[i]);

		if (vector >= first && vector < end)
			interrupts_rewire(function, i);
	}
	return 0;
}

/* Interrupts' lock held: what the loop has not passed on yet. */
static void interrupts_take_relays(struct virtio_function *function)
{
	struct function_interrupts *interrupts = &function->interrupts;

	for (unsigned int i = 0; i < function->device->queue_count; i++)
		if (function->relays[i].fd >= 0 && fd_take_shared(function->relays[i].fd))
			interrupts_signal(interrupts, interrupts->of_queue[i], ISR_QUEUE);
}

static void interrupts_pass(void *owner)
{
	struct virtio_function *function = owner;
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	interrupts_take_relays(function);
	for (unsigned int i = 0; i < interrupts->vector_count; i++) {
		if (interrupts->missed[i])
			pci_vectors_raise(function->vectors, i);
		interrupts->missed[i] = false;
	}
	pthread_mutex_unlock(&interrupts->lock);
}

const struct pci_wires_ops function_wires = {
	.set_mode = interrupts_set_mode,
	.connect = interrupts_connect,
	.pass = interrupts_pass,
};

uint8_t function_isr_take(struct virtio_function *function)
{
	struct function_interrupts *interrupts = &function->interrupts;
	uint8_t isr;

	pthread_mutex_lock(&interrupts->lock);
	isr = interrupts->isr;
	interrupts->isr = 0;
	pthread_mutex_unlock(&interrupts->lock);
	return isr;
}

bool function_isr_pending(struct virtio_function *function)
{
	struct function_interrupts *interrupts = &function->interrupts;
	bool pending;

	pthread_mutex_lock(&interrupts->lock);
	pending = interrupts->isr;
	pthread_mutex_unlock(&interrupts->lock);
	return pending;
}

uint16_t function_vector(struct virtio_function *function, const uint16_t *which)
{
	uint16_t vector;

	pthread_mutex_lock(&function->interrupts.lock);
	vector = *which;
	pthread_mutex_unlock(&function->interrupts.lock);
	return vector;
}

void function_set_vector(struct virtio_function *function, uint16_t *which, uint16_t vector)
{
	pthread_mutex_lock(&function->interrupts.lock);
	*which = vector < function->msix.vectors ? vector : NO_VECTOR;
	pthread_mutex_unlock(&function->interrupts.lock);
	if (which != &function->interrupts.of_config)
		interrupts_rewire(function, (unsigned int)(which - function->interrupts.of_queue));
}

bool function_has_failed(struct virtio_function *function)
{
	bool failed;

	pthread_mutex_lock(&function->interrupts.lock);
	failed = function->interrupts.failed;
	pthread_mutex_unlock(&function->interrupts.lock);
	return failed;
}

void function_interrupts_reset(struct virtio_function *function)
{
	struct function_interrupts *interrupts = &function->interrupts;

	pthread_mutex_lock(&interrupts->lock);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		if (function->relays[i].fd >= 0)
			(void)fd_take_shared(function->relays[i].fd);
	interrupts->isr = 0;
	interrupts->failed = false;
	interrupts->of_config = NO_VECTOR;
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		interrupts->of_queue[i] = NO_VECTOR;
		interrupts->calls[i] = 0;
	}
	for (unsigned int i = 0; i < FUNCTION_VECTORS_MAX; i++)
		interrupts->missed[i] = false;
	pthread_mutex_unlock(&interrupts->lock);
}

void function_interrupts_release(struct virtio_function *function)
{
	if (function->interrupts.trigger >= 0)
		interrupts_unwire(function);
	if (function->news >= 0)
		loop_remove(function->setup.loop, function->news);
	fd_close(&function->news);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		loop_remove(function->setup.loop, function->relays[i].fd);
		fd_close(&function->relays[i].fd);
	}
	fd_reserve(-INTERRUPTS_DESCRIPTORS);
	pthread_mutex_destroy(&function->interrupts.lock);
}
