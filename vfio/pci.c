/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a passed-through function: opened, put on its bus, reset, isolated, given back. */

#include "vfio/pci.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

static const struct vfio_region *config_region(const struct vfio_pci *pci)
{
	return &pci->regions[VFIO_PCI_CONFIG_REGION_INDEX];
}

static int check_info(const struct vfio_device_info *info, const char *name, struct err *err)
{
	if (!(info->flags & VFIO_DEVICE_FLAGS_PCI))
		return err_set(err, -ENODEV, "passthrough device %s: VFIO says it is no PCI device",
			       name);
	if (info->num_regions <= VFIO_PCI_CONFIG_REGION_INDEX)
		return err_set(err, -ENODEV,
			       "passthrough device %s: VFIO offers %u regions and no config space",
			       name, info->num_regions);
	if (info->num_irqs <= VFIO_PCI_MSIX_IRQ_INDEX)
		return err_set(err, -ENODEV,
			       "passthrough device %s: VFIO offers %u interrupt kinds and no MSI-X "
			       "index",
			       name, info->num_irqs);
	return 0;
}

/* BARs, ROM and config space must answer; what lies behind them may be absent. */
static int load_regions(struct vfio_pci *pci, uint32_t count, struct err *err)
{
	for (uint32_t i = 0; i < count && i < VFIO_REGIONS_MAX; i++) {
		struct err absent = {0};
		bool needed = i <= VFIO_PCI_CONFIG_REGION_INDEX;
		int error =
			vfio_region_load(pci->backend, i, &pci->regions[i], needed ? err : &absent);

		if (error && needed) {
			err_prefix(err, "passthrough device %s", pci->device.name);
			return error;
		}
		if (error)
			log_debug("passthrough device %s: %s", pci->device.name, absent.text);
	}
	if (!config_region(pci)->present || config_region(pci)->info.size < PCI_CONFIG_SIZE)
		return err_set(err, -ENODEV,
			       "passthrough device %s: its config space has 0x%llx bytes",
			       pci->device.name, config_region(pci)->info.size);
	return 0;
}

static int load_shadow(struct vfio_pci *pci, struct err *err)
{
	for (unsigned int i = 0; i < pci->device.config_size; i += 4) {
		uint64_t value;
		int error = vfio_region_read(pci->backend, config_region(pci), i, 4, &value);

		if (error)
			return err_set(err, error,
				       "passthrough device %s: config space at 0x%x: %s",
				       pci->device.name, i, err_text(error));
		store_le32(pci->device.config + i, (uint32_t)value);
	}
	return 0;
}

/* Not even class and identity answer: gone from the bus, or lost in a reset. */
static bool responds(struct vfio_pci *pci)
{
	uint64_t identity, class;

	return vfio_region_read(pci->backend, config_region(pci), PCI_VENDOR_ID, 4, &identity) ==
		       0 &&
	       vfio_region_read(pci->backend, config_region(pci), PCI_CLASS_REVISION, 4, &class) ==
		       0 &&
	       identity != UINT32_MAX && class != UINT32_MAX;
}

/* Neither decode nor bus mastering. */
static void quiet(struct vfio_pci *pci)
{
	int error = vfio_region_write(pci->backend, config_region(pci), PCI_COMMAND, 2, 0);

	if (error)
		log_guest(&pci->limit, LOG_WARN,
			  "passthrough device %s: bus mastering cannot be turned off: %s",
			  pci->device.name, err_text(error));
}

/* To D0, which the shadow says it is in after a reset. */
static void wake(struct vfio_pci *pci)
{
	unsigned int at = pci->device.pm_capability + PCI_PM_CTRL;
	int error = pci->device.pm_capability
			    ? vfio_region_write(pci->backend, config_region(pci), at, 1, 0)
			    : 0;

	if (error)
		log_guest(&pci->limit, LOG_WARN, "passthrough device %s: it does not wake up: %s",
			  pci->device.name, err_text(error));
}

/* Quiet and awake; then VFIO's reset, where the device has one. A guest may ask at any rate. */
static bool reset_device(struct vfio_pci *pci)
{
	int error;

	quiet(pci);
	wake(pci);
	if (pci->resettable) {
		error = pci->backend->ops->reset(pci->backend);
		if (error < 0)
			log_guest(&pci->limit, LOG_WARN,
				  "passthrough device %s: it was not reset: %s", pci->device.name,
				  err_text(error));
	} else if (!pci->told_no_reset) {
		pci->told_no_reset = true;
		log_warn("passthrough device %s: it has no reset: only its bus mastering is turned "
			 "off",
			 pci->device.name);
	}
	if (responds(pci))
		return true;
	log_guest(&pci->limit, LOG_ERROR,
		  "passthrough device %s: it does not answer after its reset: it stays out of the "
		  "guest's reach",
		  pci->device.name);
	return false;
}

static void vfio_pci_reset(struct pci_device *device)
{
	struct vfio_pci *pci = container_of(device, struct vfio_pci, device);
	struct err err = {0};

	pci_host_lock(device);
	if (pci->state != VFIO_PCI_GONE) {
		vfio_irqs_stop(&pci->irqs);
		if (pci->has_msi)
			pci_msi_reset(&pci->msi);
		if (pci->has_msix)
			pci_msix_reset(&pci->msix);
		pci->state = reset_device(pci) ? VFIO_PCI_ALIVE : VFIO_PCI_ISOLATED;
	}
	if (pci->state != VFIO_PCI_ALIVE)
		pci_device_unmap(device);
	else if (vfio_irqs_arm(&pci->irqs, &err))
		log_guest(&pci->limit, LOG_ERROR, "%s", err.text);
	pci_host_unlock(device);
}

static void destroy_function(struct pci_device *device)
{
	struct vfio_pci *pci = container_of(device, struct vfio_pci, device);

	vfio_pci_release(pci);
	if (pci->owner)
		*pci->owner = NULL;
	pci->on_bus = false;
	vfio_pci_destroy(pci);
}

static const struct pci_device_ops function_ops = {
	.check = vfio_config_check,
	.config_read = vfio_config_read,
	.config_written = vfio_config_written,
	.reset = vfio_pci_reset,
	.destroy = destroy_function,
};

static int set_up(struct vfio_pci *pci, const struct vfio_device_info *info, struct err *err)
{
	int error = load_regions(pci, info->num_regions, err);

	if (error)
		return error;
	if (config_region(pci)->info.size >= PCIE_CONFIG_SIZE)
		pci->device.config_size = PCIE_CONFIG_SIZE;
	pci->resettable = info->flags & VFIO_DEVICE_FLAGS_RESET;
	/* VFIO has reset it when it opened it. */
	quiet(pci);
	if (!responds(pci))
		return err_set(
			err, -EIO,
			"passthrough device %s: it does not answer config reads: power-cycle "
			"or rescan it on the host",
			pci->device.name);
	error = load_shadow(pci, err);
	if (!error)
		error = vfio_config_setup(pci, err);
	if (!error)
		error = vfio_bars_setup(pci, err);
	return error;
}

struct vfio_pci *vfio_pci_create(struct vfio_backend *backend, const struct vfio_pci_config *config,
				 struct err *err)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int error = backend->ops->info(backend, &info);
	struct vfio_pci *pci = NULL;

	if (error < 0) {
		err_set(err, error, "passthrough device %s: VFIO tells nothing of it: %s",
			config->name, err_text(error));
		goto close_backend;
	}
	if (check_info(&info, config->name, err))
		goto close_backend;
	pci = calloc(1, sizeof(*pci));
	if (!pci) {
		err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->name);
		goto close_backend;
	}
	pci_device_init(&pci->device, &function_ops, PCI_CONFIG_SIZE, config->name);
	pci->backend = backend;
	pci->dma = config->dma;
	pci->loop = config->loop;
	pci->owner = config->owner;
	pci->error_event = pci->request_event = -1;
	vfio_irqs_init(&pci->irqs, &pci->device, backend, config->irq);
	if (set_up(pci, &info, err)) {
		vfio_pci_destroy(pci);
		return NULL;
	}
	return pci;

close_backend:
	backend->ops->close(backend);
	return NULL;
}

/* Host lock and device lock held. */
static void isolate(struct vfio_pci *pci)
{
	pci->state = VFIO_PCI_ISOLATED;
	pci_device_unmap(&pci->device);
	vfio_irqs_stop(&pci->irqs);
	quiet(pci);
}

static void on_error(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;

	(void)events;
	fd_take(pci->error_event);
	log_guest(&pci->limit, LOG_ERROR,
		  "passthrough device %s: it reported an uncorrectable error: it is out of the "
		  "guest's reach until the guest restarts",
		  pci->device.name);
	pci_host_lock(&pci->device);
	if (pci->state == VFIO_PCI_ALIVE)
		isolate(pci);
	pci_host_unlock(&pci->device);
}

static void on_request(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;

	(void)events;
	log_warn("passthrough device %s: the host wants it back: it is taken from the guest",
		 pci->device.name);
	vfio_pci_release(pci);
}

/* An event that the device or the kernel does not have is done without. */
static void watch(struct vfio_pci *pci, uint32_t index, int *event, loop_handler handler)
{
	struct err err = {0};
	int error;

	if (vfio_irq_count(pci->backend, index, NULL) == 0)
		return;
	*event = fd_eventfd();
	if (*event < 0) {
		error = *event;
		goto complain;
	}
	error = vfio_irq_trigger(pci->backend, index, 0, 1, event);
	if (error)
		goto close_event;
	error = loop_add(pci->loop, *event, EPOLLIN, handler, pci, &err);
	if (!error)
		return;
	if (vfio_irq_disable(pci->backend, index))
		log_debug("passthrough device %s: event %u stays set", pci->device.name, index);
close_event:
	fd_close(event);
complain:
	log_warn("passthrough device %s: %s events cannot be had: %s", pci->device.name,
		 index == VFIO_PCI_ERR_IRQ_INDEX ? "error" : "release", err_text(error));
}

static void unwatch(struct vfio_pci *pci, uint32_t index, int *event)
{
	if (*event < 0)
		return;
	loop_remove(pci->loop, *event);
	if (vfio_irq_disable(pci->backend, index))
		log_debug("passthrough device %s: event %u stays set", pci->device.name, index);
	fd_close(event);
}

/* A device that can do without INTx loses it, with a word; another one is refused. */
static int arm(struct vfio_pci *pci, struct err *err)
{
	struct err reason = {0};
	int error = vfio_irqs_arm(&pci->irqs, &reason);

	if (!error)
		return 0;
	if (!pci->has_msi && !pci->has_msix)
		return err_set(err, error, "%s", reason.text);
	log_warn("%s: the guest must use MSI or MSI-X", reason.text);
	pci->irqs.has_intx = false;
	pci->device.config[PCI_INTERRUPT_PIN] = 0;
	pci->device.reset_config[PCI_INTERRUPT_PIN] = 0;
	return 0;
}

int vfio_pci_attach(struct vfio_pci *pci, struct pci_host *host, int slot, unsigned int function,
		    struct err *err)
{
	int error = pci_host_add(host, &pci->device, slot, function, err);

	if (error)
		return error;
	pci->on_bus = true;
	pthread_mutex_lock(&pci->device.lock);
	error = arm(pci, err);
	pthread_mutex_unlock(&pci->device.lock);
	if (error)
		return error;
	watch(pci, VFIO_PCI_ERR_IRQ_INDEX, &pci->error_event, on_error);
	watch(pci, VFIO_PCI_REQ_IRQ_INDEX, &pci->request_event, on_request);
	return 0;
}

/* In this order nothing of the device is left in the guest when its descriptor is closed. */
static void give_back(struct vfio_pci *pci)
{
	pci->state = VFIO_PCI_GONE;
	if (pci->on_bus)
		pci_device_unmap(&pci->device);
	vfio_irqs_stop(&pci->irqs);
	unwatch(pci, VFIO_PCI_ERR_IRQ_INDEX, &pci->error_event);
	unwatch(pci, VFIO_PCI_REQ_IRQ_INDEX, &pci->request_event);
	if (config_region(pci)->present)
		quiet(pci);
	vfio_bars_unmap(pci);
	pci->backend->ops->close(pci->backend);
	pci->backend = NULL;
	pci->irqs.backend = NULL;
}

void vfio_pci_release(struct vfio_pci *pci)
{
	if (pci->on_bus)
		pci_host_lock(&pci->device);
	if (pci->backend)
		give_back(pci);
	if (pci->on_bus)
		pci_host_unlock(&pci->device);
}

void vfio_pci_destroy(struct vfio_pci *pci)
{
	if (!pci)
		return;
	vfio_pci_release(pci);
	vfio_bars_release(pci);
	if (pci->has_msix)
		pci_msix_release(&pci->msix);
	pci_device_release(&pci->device);
	free(pci);
}

size_t vfio_pci_descriptors(const struct vfio_pci *pci, int *descriptors, size_t room, size_t count)
{
	int device = pci->backend ? pci->backend->ops->descriptor(pci->backend) : -1;

	count = vfio_list(device, descriptors, room, count);
	count = vfio_list(pci->error_event, descriptors, room, count);
	count = vfio_list(pci->request_event, descriptors, room, count);
	return vfio_irqs_descriptors(&pci->irqs, descriptors, room, count);
}
