/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole layer with empty slots under a guest that runs, over the made-up kernel, for the one
 * program including this.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_SLOTS_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_SLOTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "devices/pci/host.h"
#include "tests/unit/support/vfio_layer.h"

enum {
	SLOTS = 3,
	SLOT_CONTROL = 0x48 + PCI_EXP_SLTCTL,
	SLOT_STATUS = 0x48 + PCI_EXP_SLTSTA,
};

#define FIRST  "0000:01:00.0"
#define SECOND "0000:02:00.1"

/* What the layer has told since the last question, and how additions ended. */
static struct {
	struct ram *ram;
	char news[1024];
	unsigned int added, refused;
	struct err err; /* of the last one that was refused */
	unsigned int parks, wakes;
	unsigned int memory_checks;
	bool no_memory;
	atomic_uint slot_changes;
	bool parked;
	pthread_rwlock_t *world;  /* that processors hold for each of their accesses; NULL: none */
	unsigned int descriptors; /* before the first device came */
} guest;

static inline void guest_hears(void *machine, const struct vfio_news *news)
{
	static const char *const kinds[] = {
		[VFIO_ADDED] = "added",
		[VFIO_REMOVED] = "removed",
		[VFIO_REMOVAL_REFUSED] = "refused",
		[VFIO_LOST] = "lost",
		[VFIO_WANTED_BACK] = "wanted",
		[VFIO_FAILED] = "failed",
		[VFIO_RECOVERED] = "recovered",
	};
	size_t used = strlen(guest.news);

	(void)machine;
	snprintf(guest.news + used, sizeof(guest.news) - used, "%s %s %s %s; ", kinds[news->kind],
		 news->id, news->host, news->slot ? news->slot : "-");
}

static inline void guest_told(const char *news)
{
	ck_assert_str_eq(guest.news, news);
	guest.news[0] = '\0';
}

static inline void guest_wake(void *machine)
{
	(void)machine;
	guest.wakes++;
}

static inline void guest_slot_changed(void *machine)
{
	(void)machine;
	atomic_fetch_add(&guest.slot_changes, 1);
}

static inline void guest_park(void *machine)
{
	(void)machine;
	if (guest.world)
		pthread_rwlock_wrlock(guest.world);
	must(!guest.parked);
	guest.parked = true;
	guest.parks++;
}

static inline void guest_unpark(void *machine)
{
	(void)machine;
	must(guest.parked);
	guest.parked = false;
	if (guest.world)
		pthread_rwlock_unlock(guest.world);
}

static inline void guest_added(void *owner, const struct err *err)
{
	must(owner == &guest);
	if (err) {
		guest.refused++;
		guest.err = *err;
	} else {
		guest.added++;
	}
}

static inline void no_mapping(void *machine, const struct err *err)
{
	(void)machine;
	must(!err);
}

static inline int guest_checks_memory(void *machine, struct err *err)
{
	(void)machine;
	guest.memory_checks++;
	return guest.no_memory ? err_set(err, -ENOMEM, "guest memory: too little") : 0;
}

static inline struct vfio_attach guest_parts(void)
{
	return (struct vfio_attach){
		.vm = bench.vm,
		.mmio = bench.mmio,
		.irq = &bench.irq,
		.host = bench.host,
		.loop = bench.loop,
		.wake = guest_wake,
		.slot_changed = guest_slot_changed,
		.park = guest_park,
		.unpark = guest_unpark,
		.check_memory = guest_checks_memory,
		.tell = guest_hears,
		.machine = &guest,
	};
}

/* With @count devices and so many empty slots, from names to a guest that runs. */
static inline void start_guest_with_all(const struct vfio_device_config *devices, size_t count,
					unsigned int slots, vfio_mapped mapped)
{
	const struct ram_range piece = {.base = 0, .size = 16 * MIB};
	struct ram_config config = {.shared = false};
	const struct vfio_settings settings = {
		.sysfs = fake_tree_path(""),
		.dev = fake_tree_path("dev"),
		.slots = slots,
		.slot_memory = 32 * MIB,
		.slot_prefetch = 64 * MIB,
	};
	const struct vfio_attach to = guest_parts();

	memset(&guest, 0, sizeof(guest));
	vfio_destroy(bench.vfio);
	bench.vfio = vfio_create(&settings, &bench.err);
	ck_assert_ptr_nonnull(bench.vfio);
	for (size_t i = 0; i < count; i++) {
		config.shared = config.shared || devices[i].via == VFIO_VIA_USER;
		ck_assert_msg(vfio_add(bench.vfio, &devices[i], &bench.err) == 0, "%s",
			      bench.err.text);
	}
	ck_assert_int_eq(vfio_check_memlock(bench.vfio, piece.size, &bench.err), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_msg(vfio_attach(bench.vfio, &to, &bench.err) == 0, "%s", bench.err.text);
	ck_assert_msg(pci_host_assign(bench.host, &bench.err) == 0, "%s", bench.err.text);
	ck_assert_int_eq(vfio_begin(bench.vfio, &bench.err), 0);
	guest.ram = ram_create(bench.mmio, &piece, 1, &config, &bench.err);
	ck_assert_int_eq(vfio_map_ram(bench.vfio, guest.ram, mapped, &guest, &bench.err), 0);
	kernel.events[0] = '\0';
	guest.descriptors = count_descriptors();
}

/* With @device, unless it is NULL. */
static inline void start_guest_with(const struct vfio_device_config *device, unsigned int slots,
				    vfio_mapped mapped)
{
	start_guest_with_all(device, device ? 1 : 0, slots, mapped);
}

static inline void start_guest(void)
{
	start_guest_with(NULL, SLOTS, no_mapping);
}

static inline void setup_guest(void)
{
	setup();
	start_guest();
}

static inline void setup_guest_by_cdevs(void)
{
	setup_cdevs();
	start_guest();
}

/* By @via; each function can be reset by the guest. */
static inline void setup_guest_by(enum vfio_via via)
{
	setup_cdevs();
	bench.via = via;
	for (size_t i = 0; i < 3; i++)
		fake_vfio_poke(&kernel.devices[i], VFIO_PCI_CONFIG_REGION_INDEX, 0xa4, 4,
			       PCI_EXP_DEVCAP_FLR);
	start_guest();
}

static inline void teardown_guest(void)
{
	destroy();
	ram_destroy(guest.ram);
	guest.ram = NULL;
	teardown();
}

static inline void guest_stop_loop(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	loop_stop(bench.loop);
}

/* What is ready is handled. */
static inline void turn(void)
{
	int stopper = fd_eventfd();

	ck_assert_int_eq(loop_add(bench.loop, stopper, EPOLLIN, guest_stop_loop, NULL, &bench.err),
			 0);
	fd_signal(stopper);
	ck_assert_int_eq(loop_run(bench.loop, &bench.err), 0);
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
}

/* Whether a device is on its way to the guest or to the host, but one that waits for RAM. */
static inline bool is_moving(void)
{
	for (size_t i = 0; i < bench.vfio->count; i++) {
		enum vfio_stage stage = bench.vfio->entries[i]->stage;

		if (stage != VFIO_COMES && stage != VFIO_THERE &&
		    (stage != VFIO_CLOSED || bench.vfio->entries[i]->slot))
			return true;
	}
	for (size_t i = 0; i < bench.vfio->slot_count; i++)
		if (bench.vfio->slots[i].removal == VFIO_GOES)
			return true;
	return false;
}

/* What takes the kernel its time has ended, resets of those that leave too. */
static inline void settle(void)
{
	for (int i = 0; i < 300000 && is_moving(); i++) {
		turn();
		usleep(100);
	}
	ck_assert(!is_moving());
}

static inline void wait_for(const unsigned int *count, unsigned int value)
{
	for (int i = 0; i < 30000 && *count < value; i++) {
		turn();
		usleep(1000);
	}
	ck_assert_uint_eq(*count, value);
}

static inline void wait_for_news(void)
{
	for (int i = 0; i < 30000 && !guest.news[0]; i++) {
		turn();
		usleep(1000);
	}
	ck_assert_str_ne(guest.news, "");
}

static inline void plug_config(const struct vfio_device_config *config, const char *slot)
{
	struct vfio_device_config copy = *config;

	copy.via = bench.via;
	vfio_plug(bench.vfio, &copy, slot, guest_added, &guest);
	settle();
}

/* It is not waited for. */
static inline void plug_begins(const char *path, const char *slot)
{
	const struct vfio_device_config config = {.path = path, .via = bench.via};

	vfio_plug(bench.vfio, &config, slot, guest_added, &guest);
}

static inline void plug(const char *path, const char *slot)
{
	plug_config(&(struct vfio_device_config){.path = path}, slot);
}

/* It is in, all RAM mapped. */
static inline void plug_in(const char *path, const char *slot)
{
	unsigned int before = guest.added;

	plug(path, slot);
	ck_assert_msg(guest.refused == 0, "%s", guest.err.text);
	wait_for(&guest.added, before + 1);
}

/* How a slot is in the guest's eyes. */
static inline struct vfio_slot_status slot_status(unsigned int slot)
{
	struct vfio_slot_status status;

	ck_assert(vfio_get_slot(bench.vfio, slot - 1, &status));
	ck_assert_uint_eq(status.number, slot);
	return status;
}

static inline void plug_refused(const char *sentence)
{
	ck_assert_uint_eq(guest.refused, 1);
	ck_assert_msg(strstr(guest.err.text, sentence), "%s", guest.err.text);
	guest.refused = 0;
}

/* Nothing of any device is left, but KVM's device for VFIO. */
static inline void is_empty(void)
{
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 0);
	ck_assert_ptr_null(hardware()->provider);
	ck_assert_ptr_null(hardware()->peers.map);
	ck_assert(!vfio_ram_is_pinned(bench.vfio));
	ck_assert(threads_are(bench.threads));
	ck_assert_uint_eq(count_descriptors(), guest.descriptors + (bench.vfio->kvm >= 0));
	ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_uint_eq(fake_irq_used(&bench.irq), 0);
	ck_assert(!guest.parked);
	notice_closed_iommufd();
	ck_assert_uint_eq(kernel.space.count, 0);
	for (size_t i = 0; i < kernel.nodes_used; i++)
		ck_assert(!kernel.nodes[i].known_to_kvm);
}

static inline uint32_t port_read(unsigned int slot, unsigned int offset, unsigned int size)
{
	uint32_t value;

	pci_host_config_read(bench.host, (uint16_t)(slot << 3), offset, size, &value);
	return value;
}

static inline enum mem_result port_write(unsigned int slot, unsigned int offset, unsigned int size,
					 uint32_t value)
{
	return pci_host_config_write(bench.host, (uint16_t)(slot << 3), offset, size, value);
}

/* What the guest's driver of a slot does with its power and its power indicator. */
static inline enum mem_result guest_sets(unsigned int slot, uint32_t power, uint32_t indicator)
{
	return port_write(slot, SLOT_CONTROL, 2,
			  power | indicator | PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_DLLSCE);
}

/* Takes what its slot tells; the latched bits of Slot Status. */
static inline uint32_t guest_takes_events(unsigned int slot)
{
	uint32_t status = port_read(slot, SLOT_STATUS, 2);

	port_write(slot, SLOT_STATUS, 2, status);
	return status & (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
}

static inline uint32_t device_read(unsigned int slot, unsigned int function, unsigned int offset,
				   unsigned int size)
{
	uint32_t value;

	pci_host_config_read(bench.host, (uint16_t)(slot << 8 | function), offset, size, &value);
	return value;
}

static inline enum mem_result device_write(unsigned int slot, unsigned int offset,
					   unsigned int size, uint32_t value)
{
	return pci_host_config_write(bench.host, (uint16_t)(slot << 8), offset, size, value);
}

/* The guest switches the slot on and uses what is there: BARs, DMA and two vectors of MSI-X. */
static inline void guest_uses(unsigned int slot)
{
	uint32_t base = port_read(slot, PCI_MEMORY_BASE, 2) << 16;
	uint32_t above = port_read(slot, PCI_PREF_MEMORY_BASE, 2) & ~0xfU;

	guest_takes_events(slot);
	ck_assert_int_eq(guest_sets(slot, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON),
			 MEM_DONE);
	guest_takes_events(slot);
	port_write(slot, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(device_read(slot, 0, PCI_VENDOR_ID, 4), 0x10d38086);
	device_write(slot, PCI_BASE_ADDRESS_0, 4, base);
	device_write(slot, PCI_BASE_ADDRESS_0 + 16, 4, above << 16);
	device_write(slot, PCI_BASE_ADDRESS_0 + 20, 4, port_read(slot, PCI_PREF_BASE_UPPER32, 4));
	ck_assert_int_eq(device_write(slot, PCI_COMMAND, 2,
				      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	device_write(slot, 0x72, 2, PCI_MSIX_FLAGS_ENABLE);
	for (unsigned int i = 0; i < 2; i++)
		mem_map_write(bench.mmio, base + 0x3000 + 16 * i + 12, 4, 0);
	ck_assert_uint_ge(fake_irq_attached(&bench.irq), 2);
}

/* In slot 1, and used by the guest. */
static inline void plug_used(const char *path)
{
	plug_in(path, "slot1");
	guest_uses(1);
	guest.news[0] = '\0';
}

static inline void guest_restarts(void)
{
	vfio_restart(bench.vfio);
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
}

/* It does as it is asked: lets the devices go, then the power. */
static inline void guest_lets_go(unsigned int slot)
{
	enum mem_result result;

	guest_sets(slot, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	vfio_slots_changed(bench.vfio);
	do {
		result = guest_sets(slot, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_BLINK);
		turn();
	} while (result == MEM_NOT_YET);
	guest_sets(slot, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_OFF);
	vfio_slots_changed(bench.vfio);
	settle();
}

/* An address space that takes no map until it is told to. */
static struct {
	const struct vfio_space_ops *quick;
	struct vfio_space_ops slow;
	sem_t go_on;
} held;

static inline void wait_in_map(void)
{
	while (sem_wait(&held.go_on) < 0)
		;
	sem_post(&held.go_on);
}

static inline int held_map(struct vfio_space *space, const struct vfio_mapping *map)
{
	wait_in_map();
	return held.quick->map(space, map);
}

static inline void hold_mapper(void)
{
	sem_init(&held.go_on, 0, 0);
	held.quick = kernel.space.space.ops;
	held.slow = *held.quick;
	held.slow.map = held_map;
	kernel.space.space.ops = &held.slow;
}

static inline void let_mapper_go(void)
{
	sem_post(&held.go_on);
}

static inline int unplug_begins(const char *id, unsigned int timeout_ms)
{
	return vfio_unplug(bench.vfio, id, timeout_ms, &bench.err);
}

static inline int unplug(const char *id, unsigned int timeout_ms)
{
	int rc = unplug_begins(id, timeout_ms);

	settle();
	return rc;
}

#endif
