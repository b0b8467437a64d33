/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that come and go while the guest runs: the machine's part in it. */

#include "vmm/machine/hotplug.h"

#include "vmm/hostmem.h"
#include "vmm/machine/machine_private.h"

static void hotplug_slot_changed(void *owner)
{
	machine_request(owner, REQUEST_SLOTS);
}

static void hotplug_park(void *owner)
{
	struct machine *machine = owner;

	if (machine->run)
		run_park(machine->run);
}

/*
 * A guest that stood goes on standing. Where a vCPU asked for something meanwhile, a reset or the
 * debugger, all stay parked until that is seen to.
 */
static void hotplug_unpark(void *owner)
{
	const unsigned int keeps = REQUEST_RESET | REQUEST_DEBUG;
	struct machine *machine = owner;

	pthread_mutex_lock(&machine->lock);
	if (machine->run && !machine->paused && !machine->outcome.decided &&
	    !(machine->requests & keeps))
		run_resume(machine->run);
	pthread_mutex_unlock(&machine->lock);
}

static void hotplug_tell(void *owner, const struct vfio_news *news)
{
	struct machine *machine = owner;

	control_tell_device(machine->control, news);
}

/* The first device has all RAM pinned, of which the guest may have used little. */
static int hotplug_check_memory(void *owner, struct err *err)
{
	const struct machine *machine = owner;
	const struct config *config = machine->config;
	struct hostmem host;

	if (config->page_size)
		return 0;
	hostmem_read("/proc", "/sys", &host);
	return hostmem_check_rest(&host, config->memory, hostmem_resident("/proc"), err);
}

void hotplug_attach(struct machine *machine, struct vfio_attach *attach)
{
	attach->slot_changed = hotplug_slot_changed;
	attach->park = hotplug_park;
	attach->unpark = hotplug_unpark;
	attach->check_memory = hotplug_check_memory;
	attach->tell = hotplug_tell;
	attach->machine = machine;
}

void hotplug_add(void *owner, const struct vfio_device_config *config, const char *slot,
		 vfio_added done, void *done_owner)
{
	struct machine *machine = owner;

	vfio_plug(machine->vfio, config, slot, done, done_owner);
}

int hotplug_remove(void *owner, const char *id, unsigned int timeout_ms, struct err *err)
{
	struct machine *machine = owner;

	return vfio_unplug(machine->vfio, id, timeout_ms, err);
}
