/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a passed-through function: opened, put on its bus, reset, isolated, given back. */

#include "vfio/pci/pci.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "vfio/tell/names.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/*
 * Beside the vectors': four for INTx with a trace, a spare one while vectors are changed, and what
 * the kernel is shown at a reset of the bus.
 */
enum { RESERVED_DESCRIPTORS = 8 };

static int pci_check_info(const struct vfio_device_info *info, const char *name, struct err *err)
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

static int pci_load_regions(struct vfio_pci *pci, struct err *err)
{
	for (uint32_t i = 0; i < VFIO_REGIONS; i++) {
		int rc = vfio_region_load(pci->backend, i, &pci->regions[i], err);

		if (rc) {
			err_prefix(err, "passthrough device %s", pci->device.name);
			return rc;
		}
	}
	if (!vfio_pci_config_region(pci)->present ||
	    vfio_pci_config_region(pci)->info.size < PCI_CONFIG_SIZE)
		return err_set(err, -ENODEV,
			       "passthrough device %s: its config space has 0x%llx bytes",
			       pci->device.name, vfio_pci_config_region(pci)->info.size);
	return 0;
}

/* A driver that shows BARs of its own need not do so of several in one read. */
static int pci_load_bars(struct vfio_pci *pci)
{
	int rc = 0;

	for (unsigned int bar = 0; bar < PCI_BARS && !rc; bar++) {
		const unsigned int at = PCI_BASE_ADDRESS_0 + 4 * bar;
		uint64_t value;

		rc = vfio_region_read(pci->backend, vfio_pci_config_region(pci), at, 4, &value);
		if (!rc)
			store_le32(pci->device.config + at, (uint32_t)value);
	}
	return rc;
}

static int pci_load_shadow(struct vfio_pci *pci, struct err *err)
{
	int rc = pci->backend->ops->read(pci->backend, &vfio_pci_config_region(pci)->info, 0,
					 pci->device.config, pci->device.config_size);

	if (!rc)
		rc = pci_load_bars(pci);
	if (rc)
		return err_set(err, rc, "passthrough device %s: config space: %s", pci->device.name,
			       err_text(rc));
	return 0;
}

static void pci_reset_function(struct pci_device *device)
{
	vfio_reset_machine(container_of(device, struct vfio_pci, device));
}

/* After the reset of the interrupt controllers, which forget what was raised before. */
static void pci_start_function(struct pci_device *device)
{
	struct vfio_pci *pci = container_of(device, struct vfio_pci, device);

	pci_host_lock(device);
	if (pci->state == VFIO_PCI_ALIVE)
		vfio_pci_arm(pci);
	pci_host_unlock(device);
}

static void pci_destroy_function(struct pci_device *device)
{
	struct vfio_pci *pci = container_of(device, struct vfio_pci, device);

	vfio_pci_release(pci, VFIO_RESET_END);
	if (pci->owner)
		*pci->owner = NULL;
	pci->on_bus = false;
	vfio_pci_destroy(pci);
}

static enum mem_result pci_reset_by_link(struct pci_device *device)
{
	return vfio_reset_answer(container_of(device, struct vfio_pci, device));
}

static const struct pci_device_ops function_ops = {
	.check = vfio_config_check,
	.config_read = vfio_config_read,
	.config_written = vfio_config_written,
	.reset = pci_reset_function,
	.start = pci_start_function,
	.path_changed = vfio_config_path_changed,
	.link_reset = pci_reset_by_link,
	.destroy = pci_destroy_function,
};

/* With a trace every access and interrupt goes through the monitor. */
static int pci_open_trace(struct vfio_pci *pci, struct err *err)
{
	pci->trace =
		vfio_trace_open(pci->options.trace, pci->options.trace_fd, pci->device.name, err);
	pci->wires.trace = pci->trace;
	pci->wires.loop = pci->loop;
	if (!pci->trace)
		return err->code;
	if (pci->options.names)
		pci->names = vfio_names_load(pci->options.names, pci->options.names_fd, err);
	return pci->options.names && !pci->names
		       ? err_prefix(err, "passthrough device %s", pci->device.name)
		       : 0;
}

static int pci_set_up(struct vfio_pci *pci, const struct vfio_device_info *info, struct err *err)
{
	int rc = pci_load_regions(pci, err);

	if (rc)
		return rc;
	if (vfio_pci_config_region(pci)->info.size >= PCIE_CONFIG_SIZE)
		pci->device.config_size = PCIE_CONFIG_SIZE;
	rc = vfio_reset_setup(pci, info->flags & VFIO_DEVICE_FLAGS_RESET, err);
	if (rc)
		return rc;
	if (!vfio_pci_responds(pci))
		return err_set(
			err, -EIO,
			"passthrough device %s: it does not answer config reads: power-cycle "
			"or rescan it on the host",
			pci->device.name);
	rc = pci_load_shadow(pci, err);
	if (rc)
		return rc;
	/* VFIO has reset it when it opened it. */
	pci->system_errors = load_le16(pci->device.config + PCI_COMMAND) & PCI_COMMAND_SERR;
	vfio_pci_quiet(pci);
	vfio_wires_limit_msi(&pci->wires);
	rc = vfio_config_setup(pci, err);
	if (!rc)
		rc = vfio_bars_setup(pci, err);
	return rc;
}

/* NULL when out of memory; then @backend is still the caller's. */
static struct vfio_pci *pci_alloc(struct vfio_backend *backend,
				  const struct vfio_pci_config *config)
{
	struct vfio_pci *pci = calloc(1, sizeof(*pci));

	if (!pci)
		return NULL;
	pci_device_init(&pci->device, &function_ops, PCI_CONFIG_SIZE, config->name);
	if (vfio_wires_init(&pci->wires, &pci->device, backend, config->irq)) {
		pci_device_release(&pci->device);
		free(pci);
		return NULL;
	}
	fd_reserve(RESERVED_DESCRIPTORS);
	pci->backend = backend;
	pci->dma = config->dma;
	pci->peers = config->peers;
	pci->loop = config->loop;
	pci->owner = config->owner;
	pci->error_event = pci->request_event = pci->aer.timer = -1;
	pci->sysfs = config->sysfs;
	pci->reset.done = pci->reset.stop = pci->reset.deadline = -1;
	if (config->options)
		pci->options = *config->options;
	pci->rom = config->rom;
	pci->keeper_ops = config->keeper_ops;
	pci->keeper = config->keeper;
	return pci;
}

struct vfio_pci *vfio_pci_create(struct vfio_backend *backend, const struct vfio_pci_config *config,
				 struct err *err)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int rc = backend->ops->info(backend, &info);
	struct vfio_pci *pci = NULL;

	if (rc < 0) {
		err_set(err, rc, "passthrough device %s: VFIO tells nothing of it: %s",
			config->name, err_text(rc));
		goto close_backend;
	}
	if (pci_check_info(&info, config->name, err))
		goto close_backend;
	pci = pci_alloc(backend, config);
	if (!pci) {
		err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->name);
		goto close_backend;
	}
	if ((pci->options.trace && pci_open_trace(pci, err)) || pci_set_up(pci, &info, err)) {
		vfio_pci_destroy(pci);
		return NULL;
	}
	return pci;

close_backend:
	backend->ops->close(backend);
	return NULL;
}

/* A device that can do without INTx loses it, with a word; another one is refused. */
static int pci_arm(struct vfio_pci *pci, struct err *err)
{
	struct err reason = {0};
	int rc = vfio_wires_arm(&pci->wires, &reason);

	if (!rc)
		return 0;
	if (!pci->has_msi && !pci->has_msix)
		return err_set(err, rc, "%s", reason.text);
	log_warn("%s: the guest must use MSI or MSI-X", reason.text);
	pci->wires.has_intx = false;
	pci->device.config[PCI_INTERRUPT_PIN] = 0;
	pci->device.reset_config[PCI_INTERRUPT_PIN] = 0;
	return 0;
}

/* On its bus. */
static int pci_begin(struct vfio_pci *pci, struct err *err)
{
	int rc;

	pci->on_bus = true;
	pci_host_lock(&pci->device);
	pci->passed_up = pci_device_is_passed_up(&pci->device);
	rc = pci_arm(pci, err);
	pci_host_unlock(&pci->device);
	if (rc)
		return rc;
	vfio_trace_attend(pci->trace, pci->loop);
	vfio_events_start(pci);
	return 0;
}

int vfio_pci_attach(struct vfio_pci *pci, struct pci_host *host, int slot, unsigned int function,
		    struct err *err)
{
	int rc = pci_host_add(host, &pci->device, slot, function, err);

	return rc ? rc : pci_begin(pci, err);
}

int vfio_pci_attach_below(struct vfio_pci *pci, struct pci_port *port, unsigned int function,
			  struct err *err)
{
	int rc = pci_port_add(port, &pci->device, function, err);

	return rc ? rc : pci_begin(pci, err);
}

struct pci_link vfio_pci_link(const struct vfio_pci *pci)
{
	const uint8_t *express = pci->device.config + pci->express;
	uint32_t most = load_le32(express + PCI_EXP_LNKCAP);
	uint32_t now = load_le16(express + PCI_EXP_LNKSTA);
	bool second = (express[PCI_EXP_FLAGS] & PCI_EXP_FLAGS_VERS) > 1;

	if (!pci->linked)
		return (struct pci_link){0};
	return (struct pci_link){
		.speed_max = most & PCI_EXP_LNKCAP_SLS,
		.width_max = (most & PCI_EXP_LNKCAP_MLW) >> 4,
		.speeds = second ? load_le32(express + PCI_EXP_LNKCAP2) >> 1 & 0x7f : 0,
		.speed = now & PCI_EXP_LNKSTA_CLS,
		.width = (now & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT,
		.payload_max = express[PCI_EXP_DEVCAP] & PCI_EXP_DEVCAP_PAYLOAD,
		.payload = (express[PCI_EXP_DEVCTL] & PCI_EXP_DEVCTL_PAYLOAD) >> 5,
	};
}

static void pci_lock(struct vfio_pci *pci)
{
	if (pci->on_bus)
		pci_host_lock(&pci->device);
}

static void pci_unlock(struct vfio_pci *pci)
{
	if (pci->on_bus)
		pci_host_unlock(&pci->device);
}

/* Locks as above are held. */
static void pci_end(struct vfio_pci *pci)
{
	if (pci->state == VFIO_PCI_GONE)
		return;
	pci->worn = pci->used && (pci->state == VFIO_PCI_ALIVE || pci->aer.failed);
	vfio_pci_withdraw(pci, VFIO_PCI_GONE);
}

bool vfio_pci_retire(struct vfio_pci *pci)
{
	pci_lock(pci);
	/* The last reset of one that has retired is not hurried. */
	if (pci->state != VFIO_PCI_GONE) {
		pci->leaving = vfio_reset_hurry(pci);
		if (!pci->leaving)
			pci_end(pci);
	}
	pci_unlock(pci);
	return !pci->leaving;
}

bool vfio_pci_clean(struct vfio_pci *pci)
{
	if (pci->reset.phase != VFIO_RESET_IDLE)
		return false;
	if (!pci->worn || pci->wanted_back)
		return true;
	pci->worn = false;
	vfio_reset_prepare(pci, VFIO_RESET_REMOVAL);
	pci_lock(pci);
	pci->leaving = true;
	vfio_reset_begin_last(pci);
	pci_unlock(pci);
	return false;
}

void vfio_pci_unwatch(struct vfio_pci *pci)
{
	vfio_reset_release(pci);
	if (pci->backend)
		vfio_events_stop(pci);
}

/*
 * In this order nothing of the device is left in the guest when its descriptor is closed. The guest
 * does not wait for what may take long: nobody else reaches for a device that is gone.
 */
void vfio_pci_close(struct vfio_pci *pci)
{
	struct vfio_backend *backend = pci->backend;

	if (!backend)
		return;
	if (vfio_pci_config_region(pci)->present)
		vfio_pci_quiet(pci);
	pci_lock(pci);
	vfio_bars_unmap(pci);
	pci->backend = pci->wires.backend = NULL;
	pci_unlock(pci);
	backend->ops->close(backend);
}

void vfio_pci_release(struct vfio_pci *pci, enum vfio_reset_cause cause)
{
	bool resets = pci->backend && pci->used && !pci->wanted_back;

	vfio_pci_unwatch(pci);
	if (resets)
		vfio_reset_prepare(pci, cause);
	pci_lock(pci);
	pci_end(pci);
	pci_unlock(pci);
	/* The kernel would wait for a minute for one that does not answer. */
	if (resets && pci->worn && vfio_pci_responds(pci))
		vfio_reset_now(pci, cause);
	vfio_pci_close(pci);
	vfio_reset_settle(pci);
}

void vfio_pci_destroy(struct vfio_pci *pci)
{
	if (!pci)
		return;
	vfio_pci_release(pci, VFIO_RESET_END);
	vfio_bars_release(pci);
	if (pci->has_msix)
		pci_msix_release(&pci->msix);
	vfio_rom_release(&pci->own_rom);
	vfio_wires_release(&pci->wires);
	vfio_trace_close(pci->trace);
	vfio_names_free(pci->names);
	fd_reserve(-RESERVED_DESCRIPTORS);
	pci_device_release(&pci->device);
	free(pci);
}

size_t vfio_pci_descriptors(const struct vfio_pci *pci, int *descriptors, size_t room, size_t count)
{
	int device = pci->backend ? pci->backend->ops->descriptor(pci->backend) : -1;

	count = vfio_list(device, descriptors, room, count);
	count = vfio_list(pci->error_event, descriptors, room, count);
	count = vfio_list(pci->request_event, descriptors, room, count);
	count = vfio_list(pci->aer.timer, descriptors, room, count);
	count = vfio_list(pci->reset.done, descriptors, room, count);
	count = vfio_list(pci->reset.stop, descriptors, room, count);
	count = vfio_list(pci->reset.deadline, descriptors, room, count);
	count = vfio_list(vfio_trace_descriptor(pci->trace), descriptors, room, count);
	return vfio_wires_descriptors(&pci->wires, descriptors, room, count);
}

bool vfio_pci_responds(struct vfio_pci *pci)
{
	uint64_t identity, class;

	return vfio_region_read(pci->backend, vfio_pci_config_region(pci), PCI_VENDOR_ID, 4,
				&identity) == 0 &&
	       vfio_region_read(pci->backend, vfio_pci_config_region(pci), PCI_CLASS_REVISION, 4,
				&class) == 0 &&
	       identity != UINT32_MAX && class != UINT32_MAX;
}

bool vfio_pci_is_there(struct vfio_pci *pci)
{
	bool there;

	pci_host_lock(&pci->device);
	there = pci->state != VFIO_PCI_ALIVE || vfio_pci_responds(pci);
	pci_host_unlock(&pci->device);
	return there;
}

static void pci_write_command(struct vfio_pci *pci, uint16_t command)
{
	int rc = vfio_region_write(pci->backend, vfio_pci_config_region(pci), PCI_COMMAND, 2,
				   command | pci->system_errors);

	if (rc)
		log_guest(
			&pci->limit, LOG_WARN,
			"passthrough device %s: its decoding and bus mastering cannot be changed: "
			"%s",
			pci->device.name, err_text(rc));
}

void vfio_pci_quiet(struct vfio_pci *pci)
{
	pci_write_command(pci, 0);
}

void vfio_pci_wake(struct vfio_pci *pci)
{
	unsigned int at = pci->device.pm_capability + PCI_PM_CTRL;
	int rc = pci->device.pm_capability
			 ? vfio_region_write(pci->backend, vfio_pci_config_region(pci), at, 1, 0)
			 : 0;

	if (rc)
		log_guest(&pci->limit, LOG_WARN, "passthrough device %s: it does not wake up: %s",
			  pci->device.name, err_text(rc));
}

void vfio_pci_arm(struct vfio_pci *pci)
{
	struct err err = {0};

	if (vfio_wires_arm(&pci->wires, &err))
		log_guest(&pci->limit, LOG_ERROR, "%s", err.text);
}

void vfio_pci_restore(struct vfio_pci *pci)
{
	const uint16_t serr = PCI_COMMAND_SERR;
	uint16_t command = load_le16(pci->device.config + PCI_COMMAND);

	pci_write_command(pci, command & (uint16_t)~serr);
	pci->used = command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	if (pci->used)
		pci->reset.spared = false;
}

/*
 * The guest does not know of this reset: it is to find the device where it was, so that its driver
 * can be loaded anew, but in no state to write into memory by what the old one told it.
 */
void vfio_pci_stop_mastering(struct vfio_pci *pci)
{
	struct pci_device *device = &pci->device;
	uint8_t *command = device->config + PCI_COMMAND;

	store_le16(command, (uint16_t)(load_le16(command) & ~PCI_COMMAND_MASTER));
	if (device->pm_capability)
		device->config[device->pm_capability + PCI_PM_CTRL] &=
			(uint8_t)~PCI_PM_CTRL_STATE_MASK;
}

void vfio_pci_tell(struct vfio_pci *pci, enum vfio_news_kind kind)
{
	if (pci->keeper_ops && pci->keeper_ops->tell)
		pci->keeper_ops->tell(pci->keeper, kind);
}

void vfio_pci_tell_lost(struct vfio_pci *pci)
{
	if (pci->options.port || pci->lost)
		return;
	pci->lost = true;
	vfio_pci_tell(pci, VFIO_LOST);
}

void vfio_pci_withdraw(struct vfio_pci *pci, enum vfio_pci_state state)
{
	static const char *const names[] = {
		[VFIO_PCI_RESETTING] = "reset begins",
		[VFIO_PCI_ISOLATED] = "isolated",
		[VFIO_PCI_GONE] = "given back to the host",
	};

	bool alive = pci->state == VFIO_PCI_ALIVE;

	vfio_trace_note(pci->trace, "device  %s", names[state]);
	pci->state = state;
	if (pci->on_bus)
		pci_device_unmap(&pci->device);
	/*
	 * The kernel writes to the MSI-X table: of a function asleep, that is an error. Of one that
	 * is awake nothing is written to config space here: the host's kernel has that wait as it
	 * resets the link, and with it all who want the locks.
	 */
	if (alive && vfio_pci_is_asleep(pci))
		vfio_pci_wake(pci);
	vfio_wires_stop(&pci->wires);
}

void vfio_pci_forget_vectors(struct vfio_pci *pci)
{
	if (pci->has_msi)
		pci_msi_reset(&pci->msi);
	if (pci->has_msix)
		pci_msix_reset(&pci->msix);
}
