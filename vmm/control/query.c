/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the control socket ask about the machine, in the form of QMP's answers. */

#include "vmm/control/query.h"

#include <inttypes.h>
#include <unistd.h>

#include "vmm/base/thread.h"
#include "vmm/control/line.h"

static const char *query_status_name(enum control_status status)
{
	switch (status) {
	case CONTROL_RUNNING:
		return "running";
	case CONTROL_PRELAUNCH:
		return "prelaunch";
	case CONTROL_PAUSED:
		return "paused";
	case CONTROL_DEBUG:
		return "debug";
	case CONTROL_PANICKED:
		break;
	}
	return "guest-panicked";
}

json_t *control_query_status(const struct control_target *target)
{
	enum control_status status = target->ops->status(target->machine);

	return json_pack("{s:b, s:s}", "running", status == CONTROL_RUNNING, "status",
			 query_status_name(status));
}

json_t *control_query_cpus(const struct control_target *target)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < run_count(target->run); i++)
		json_array_append_new(
			list, json_pack("{s:i, s:o, s:i, s:s, s:{s:i}}", "cpu-index", (int)i,
					"qom-path", json_sprintf("/machine/cpu[%u]", i),
					"thread-id", (int)run_thread_id(target->run, i), "target",
					target->system.machine, "props", "core-id", (int)i));
	return list;
}

json_t *control_query_memory(const struct control_target *target)
{
	return json_pack("{s:I, s:i}", "base-memory", (json_int_t)ram_total(target->ram),
			 "plugged-memory", 0);
}

/* The ROM is no BAR there. An address that does not decode is -1. */
static json_t *query_bars(const struct pci_view *view)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < PCI_BARS; i++) {
		const struct pci_view_bar *bar = &view->bars[i];
		bool io = bar->kind == PCI_BAR_IO;
		json_t *region;

		if (bar->kind == PCI_BAR_NONE)
			continue;
		region = json_pack("{s:i, s:s, s:I, s:I}", "bar", (int)i, "type",
				   io ? "io" : "memory", "address",
				   bar->decodes ? (json_int_t)bar->address : -1, "size",
				   (json_int_t)bar->size);
		if (region && !io)
			json_object_update_new(region, json_pack("{s:b, s:b}", "prefetch",
								 bar->prefetchable, "mem_type_64",
								 bar->kind == PCI_BAR_MEM64));
		json_array_append_new(list, region);
	}
	return list;
}

/*
 * The list of bus @number in @buses, which are told in the order that they are met in. NULL: out of
 * memory.
 */
static json_t *query_bus(json_t *buses, unsigned int number)
{
	json_t *bus;
	size_t i;

	json_array_foreach(buses, i, bus)
		if (json_integer_value(json_object_get(bus, "bus")) == number)
			return json_object_get(bus, "devices");
	bus = json_pack("{s:i, s:[]}", "bus", (int)number, "devices");
	return json_array_append_new(buses, bus) ? NULL : json_object_get(bus, "devices");
}

/* What a bridge has instead is the numbers of its buses. */
static json_t *query_id(const struct pci_view *view)
{
	json_t *id = json_pack("{s:i, s:i}", "vendor", view->vendor, "device", view->device);

	if (id && !view->bridge)
		json_object_update_new(id, json_pack("{s:i, s:i}", "subsystem-vendor",
						     view->subsystem_vendor, "subsystem",
						     view->subsystem));
	return id;
}

static json_t *query_window(const struct pci_view *view, enum pci_window window)
{
	return json_pack("{s:I, s:I}", "base", (json_int_t)view->windows[window].base, "limit",
			 (json_int_t)view->windows[window].last);
}

/* With the list of what is behind it, which is to be filled. */
static json_t *query_bridge(const struct pci_view *view)
{
	json_t *bridge =
		json_pack("{s:{s:i, s:i, s:i, s:o, s:o, s:o}, s:[]}", "bus", "number",
			  view->primary, "secondary", view->secondary, "subordinate",
			  view->subordinate, "io_range", query_window(view, PCI_WINDOW_IO),
			  "memory_range", query_window(view, PCI_WINDOW_MEMORY),
			  "prefetchable_range", query_window(view, PCI_WINDOW_PREFETCH), "devices");

	if (bridge && view->port)
		json_object_set_new(bridge, "slot",
				    json_pack("{s:i, s:b, s:b}", "number", (int)view->port,
					      "occupied", view->occupied, "powered",
					      view->powered));
	return bridge;
}

/* Bus after bus, as they are met: one behind a bridge is in that. */
struct query_pci {
	json_t *buses;
	json_t *below[256]; /* the lists of buses behind bridges, by their numbers; theirs */
	json_t *ids;        /* of passed-through devices, by the host's addresses */
};

static json_t *query_ids(struct vfio *vfio)
{
	json_t *ids = json_object();

	for (size_t i = 0; i < vfio_device_count(vfio); i++) {
		struct vfio_status status;

		vfio_get_status(vfio, i, &status);
		if (!status.gone || !json_object_get(ids, status.host))
			json_object_set_new(ids, status.host, control_text(status.id));
	}
	return ids;
}

/* A passed-through device has its id there, any other function its name. */
static json_t *query_name(const struct query_pci *query, const struct pci_view *view)
{
	json_t *id = json_object_get(query->ids, view->name);

	return id ? json_incref(id) : control_text(view->name);
}

static void query_see_function(void *owner, const struct pci_view *view)
{
	struct query_pci *query = owner;
	json_t *list = query->below[view->bus], *bridge;
	json_t *function =
		json_pack("{s:i, s:i, s:i, s:{s:i, s:s}, s:o, s:i, s:o, s:o}", "bus", view->bus,
			  "slot", view->slot, "function", view->function, "class_info", "class",
			  (int)(view->class_code >> 8), "desc", view->class_name, "id",
			  query_id(view), "irq_pin", view->pin, "qdev_id", query_name(query, view),
			  "regions", query_bars(view));

	if (!list)
		list = query_bus(query->buses, view->bus);
	if (function && view->bridge) {
		bridge = query_bridge(view);
		json_object_set_new(function, "pci_bridge", bridge);
		if (view->secondary != 0)
			query->below[view->secondary] = json_object_get(bridge, "devices");
	}
	if (json_array_append_new(list, function) && view->bridge)
		query->below[view->secondary] = NULL;
}

json_t *control_query_pci(const struct control_target *target)
{
	struct query_pci query = {.buses = json_array(), .ids = query_ids(target->vfio)};

	if (query.buses)
		pci_host_walk(target->host, query_see_function, &query);
	json_decref(query.ids);
	return query.buses;
}

static uint64_t query_exits(const struct run *run, unsigned int index)
{
	uint64_t counts[EXIT_COUNTS], sum = 0;

	run_count_exits(run, index, counts);
	for (unsigned int i = 0; i < EXIT_COUNTS; i++)
		sum += counts[i];
	return sum;
}

static json_t *query_vcpus(const struct control_target *target)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < run_count(target->run); i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:i, s:o, s:I}", "index", (int)i, "thread",
						(int)run_thread_id(target->run, i), "host_cpu",
						target->pins ? json_integer(target->pins[i])
							     : json_null(),
						"exits", (json_int_t)query_exits(target->run, i)));
	return list;
}

/* "slot3", or null for the root bus. */
static json_t *query_slot(unsigned int number)
{
	return number ? json_sprintf("slot%u", number) : json_null();
}

static json_t *query_device(struct vfio *vfio, size_t index)
{
	struct vfio_status status;
	json_t *device;

	vfio_get_status(vfio, index, &status);
	device = json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b}", "id",
			   control_text(status.id), "host", control_text(status.host), "guest",
			   *status.guest ? control_text(status.guest) : json_null(), "slot",
			   query_slot(status.slot), "leaving", status.leaving, "gone", status.gone,
			   "unseen", status.unseen, "program", status.program);
	json_object_update_new(device,
			       json_pack("{s:o, s:o, s:s, s:s, s:i, s:i, s:i}", "vendor",
					 json_sprintf("%04x", status.vendor), "device",
					 json_sprintf("%04x", status.device), "state", status.state,
					 "interrupts", status.mode, "vectors", (int)status.vectors,
					 "unmasked", (int)status.unmasked, "errors",
					 (int)status.errors));
	return device;
}

static json_t *query_devices(struct vfio *vfio)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vfio_device_count(vfio); i++)
		json_array_append_new(list, query_device(vfio, i));
	return list;
}

/* Every slot that a device may be in. */
static json_t *query_slots(struct vfio *vfio)
{
	struct vfio_slot_status status;
	json_t *list = json_array();

	for (size_t i = 0; i < vfio_slot_count(vfio); i++)
		if (vfio_get_slot(vfio, i, &status))
			json_array_append_new(list,
					      json_pack("{s:o, s:b, s:b, s:b}", "slot",
							query_slot(status.number), "taken",
							status.taken, "occupied", status.present,
							"powered", status.powered));
	return list;
}

/* How devices are had, for who is about to open one. */
static json_t *query_way(const struct vfio *vfio)
{
	bool open;
	enum vfio_via via = vfio_way(vfio, &open);

	return json_pack("{s:o, s:b}", "via",
			 via == VFIO_VIA_IOMMUFD ? json_string("iommufd")
			 : via == VFIO_VIA_GROUP ? json_string("group")
						 : json_null(),
			 "open", open);
}

static json_int_t query_uptime(const struct control_target *target)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - target->since.tv_sec - (now.tv_nsec < target->since.tv_nsec);
}

json_t *control_query_all(const struct control_target *target)
{
	enum control_status status = target->ops->status(target->machine);
	uint64_t memory = ram_total(target->ram);

	return json_pack("{s:s, s:i, s:I, s:b, s:s, s:o, s:I, s:I, s:o, s:o, s:o}", "version",
			 FERRY_VERSION, "pid", (int)thread_process(), "uptime_seconds",
			 query_uptime(target), "running", status == CONTROL_RUNNING, "status",
			 query_status_name(status), "cpus", query_vcpus(target), "memory_bytes",
			 (json_int_t)memory, "pinned_bytes",
			 vfio_ram_is_pinned(target->vfio) ? (json_int_t)memory : 0, "devices",
			 query_devices(target->vfio), "slots", query_slots(target->vfio),
			 "passthrough", query_way(target->vfio));
}
