/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI host with made-up functions on the root bus and behind ports: a guest that writes any
 * register by either way, slots whose devices come and go, interrupts, descriptions.
 */

#include <linux/pci_regs.h>

#include "tests/fuzz/input.h"
#include "tests/fuzz/windows.h"

#include "devices/pci/host.h"
#include "devices/pci/msi.h"
#include "devices/pci/port.h"
#include "tests/unit/support/fake_irq.h"

enum {
	STEPS_MAX = 128,
	PORTS_MAX = 3,
	TOYS_MAX = 6, /* functions made up */
	MAPPED_MAX = TOYS_MAX * PCI_BAR_COUNT,
	MSI = 0x40,
	MSIX = 0x60,
};

struct toy;

struct toy_bar {
	struct pci_slice slice;
	struct toy *toy;
	unsigned int index;
};

struct toy {
	struct pci_device pci;
	struct pci_port *port; /* that it is behind, or NULL */
	struct toy_bar bars[PCI_BAR_COUNT];
	struct pci_vectors *vectors;
	struct pci_msi msi;
	struct pci_msix msix;
	bool has_msi, has_msix;
};

static struct {
	struct mem_map *mmio, *pio;
	struct mem_listener listener;
	struct mem_region *mapped[MAPPED_MAX];
	size_t mapped_count;
	struct pci_host *host;
	struct loop *loop;
	struct kvm_irq irq;
	struct pci_port *ports[PORTS_MAX];
	struct toy *toys[TOYS_MAX];
	size_t port_count;
	bool waits; /* resets of links are not done yet */
	struct err err;
} bench;

static struct input input;
static char page[4096] __attribute__((aligned(4096)));

static int listener_add(struct mem_listener *listener, struct mem_region *region, struct err *err)
{
	(void)listener;
	(void)err;
	require(bench.mapped_count < MAPPED_MAX && region->kind == MEM_DEVICE);
	bench.mapped[bench.mapped_count++] = region;
	return 0;
}

static void listener_del(struct mem_listener *listener, struct mem_region *region)
{
	size_t i = 0;

	(void)listener;
	while (i < bench.mapped_count && bench.mapped[i] != region)
		i++;
	require(i < bench.mapped_count);
	bench.mapped[i] = bench.mapped[--bench.mapped_count];
}

/* What is mapped decodes, where it may, and nothing lies on anything else. */
static void check_mappings(void)
{
	for (size_t i = 0; i < bench.mapped_count; i++) {
		const struct mem_region *region = bench.mapped[i];
		const struct toy *toy = ((const struct toy_bar *)region->owner)->toy;

		require(region->map == bench.mmio && windows_hold(region->base, region->size));
		require(toy->pci.bus && pci_device_decodes(&toy->pci, PCI_BAR_MEM32));
		require(!toy->port ||
			(pci_port_slot(toy->port).present && pci_port_slot(toy->port).powered));
		for (size_t j = 0; j < i; j++)
			require(!ranges_overlap(region->base, region->size, bench.mapped[j]->base,
						bench.mapped[j]->size));
	}
}

static struct toy *toy_of(struct pci_device *device)
{
	return container_of(device, struct toy, pci);
}

static int wires_set_mode(void *owner, enum pci_vectors_mode mode, unsigned int count)
{
	(void)owner;
	require((mode == PCI_VECTORS_OFF) == (count == 0));
	return (int)count;
}

static int wires_connect(void *owner, unsigned int first, unsigned int end)
{
	(void)owner;
	require(first <= end);
	return 0;
}

static void wires_pass(void *owner)
{
	(void)owner;
}

static const struct pci_wires_ops wires = {wires_set_mode, wires_connect, wires_pass};

static void toy_written(struct pci_device *device, unsigned int offset, unsigned int size,
			uint32_t value)
{
	struct toy *toy = toy_of(device);

	(void)value;
	if (toy->has_msi && ranges_overlap(offset, size, MSI, pci_msi_size(&toy->msi)))
		pci_msi_config_written(&toy->msi);
	if (toy->has_msix && ranges_overlap(offset, size, MSIX, PCI_CAP_MSIX_SIZEOF))
		pci_msix_config_written(&toy->msix);
}

static void toy_reset_messages(struct toy *toy)
{
	if (toy->has_msi)
		pci_msi_reset(&toy->msi);
	if (toy->has_msix)
		pci_msix_reset(&toy->msix);
}

static void toy_reset(struct pci_device *device)
{
	pci_host_lock(device);
	toy_reset_messages(toy_of(device));
	pci_host_unlock(device);
}

static enum mem_result toy_link_reset(struct pci_device *device)
{
	if (bench.waits)
		return MEM_NOT_YET;
	pci_device_lose_registers(device);
	toy_reset_messages(toy_of(device));
	return MEM_DONE;
}

static void toy_destroy(struct pci_device *device)
{
	struct toy *toy = toy_of(device);

	for (size_t i = 0; i < TOYS_MAX; i++)
		if (bench.toys[i] == toy)
			bench.toys[i] = NULL;
	for (size_t i = 0; i < PCI_BAR_COUNT; i++)
		require(!toy->bars[i].slice.region.map);
	pthread_mutex_lock(&device->lock);
	toy_reset_messages(toy);
	pthread_mutex_unlock(&device->lock);
	if (toy->has_msix)
		pci_msix_release(&toy->msix);
	pci_vectors_destroy(toy->vectors);
	pci_device_release(device);
	free(toy);
}

static const struct pci_device_ops toy_ops = {
	.config_written = toy_written,
	.reset = toy_reset,
	.link_reset = toy_link_reset,
	.destroy = toy_destroy,
};

static enum mem_result bar_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	const struct toy_bar *bar = owner;
	struct toy *toy = bar->toy;

	require(toy->pci.bus && range_fits(offset, size, bar->slice.region.size));
	*value = 0;
	if (toy->has_msix && pci_msix_covers(&toy->msix, bar->index, offset, size))
		*value = pci_msix_read(&toy->msix, bar->index, offset, size);
	return MEM_DONE;
}

static enum mem_result bar_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	const struct toy_bar *bar = owner;
	struct toy *toy = bar->toy;

	require(toy->pci.bus && range_fits(offset, size, bar->slice.region.size));
	if (toy->has_msix && pci_msix_covers(&toy->msix, bar->index, offset, size))
		pci_msix_write(&toy->msix, bar->index, offset, size, value);
	return MEM_DONE;
}

/* Of any kind and size, mapped or trapped; what is impossible is refused. */
static void toy_add_bar(struct toy *toy, unsigned int index, uint8_t how)
{
	static const struct mem_ops handlers = {bar_read, bar_write};
	enum pci_bar_kind kind = how % (PCI_BAR_ROM + 1);
	uint64_t size = UINT64_C(1) << (how >> 3);
	struct toy_bar *own = &toy->bars[index];
	bool mapped = kind >= PCI_BAR_MEM32 && size >= sizeof(page) && !(how & 1);
	struct pci_bar bar = {
		.kind = kind,
		.size = size,
		.prefetchable = kind == PCI_BAR_MEM64,
		.slices = &own->slice,
		.slice_count = 1,
	};

	if (kind == PCI_BAR_NONE)
		return;
	*own = (struct toy_bar){.toy = toy, .index = index};
	own->slice.region = (struct mem_region){
		.name = "bar",
		.kind = mapped ? MEM_DEVICE : MEM_TRAP,
		.size = size,
		.host = mapped ? page : NULL,
		.ops = &handlers,
		.owner = own,
		.lock = &toy->pci.lock,
	};
	(void)!pci_device_set_bar(&toy->pci, index, bar);
}

static void toy_add_messages(struct toy *toy)
{
	uint8_t how = take8(&input);

	toy->vectors = pci_vectors_create("toy", &bench.irq, &wires, toy);
	require(toy->vectors);
	store_le16(toy->pci.config + MSI + PCI_MSI_FLAGS,
		   (uint16_t)((how & 7) << 1 | (how & 8 ? PCI_MSI_FLAGS_64BIT : 0) |
			      (how & 16 ? PCI_MSI_FLAGS_MASKBIT : 0)));
	toy->has_msi =
		how & 32 && !pci_msi_init(&toy->msi, &toy->pci, MSI, toy->vectors, &bench.err);
	store_le16(toy->pci.config + MSIX + PCI_MSIX_FLAGS, how & 64 ? 3 : 0x7ff);
	store_le32(toy->pci.config + MSIX + PCI_MSIX_TABLE, take8(&input));
	store_le32(toy->pci.config + MSIX + PCI_MSIX_PBA, 0x800u | take8(&input));
	toy->has_msix =
		how & 128 && !pci_msix_init(&toy->msix, &toy->pci, MSIX, toy->vectors, &bench.err);
}

static struct toy *toy_create(void)
{
	struct toy *toy = calloc(1, sizeof(*toy));
	uint8_t bars;

	require(toy);
	pci_device_init(&toy->pci, &toy_ops, PCI_CONFIG_SIZE, "toy");
	store_le32(toy->pci.config + PCI_VENDOR_ID, 0x56781234);
	store_le16(toy->pci.write_mask + PCI_COMMAND,
		   PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	store_le16(toy->pci.write_1_clear + PCI_STATUS, 0xf900);
	bars = take8(&input);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		if (bars & 1 << i)
			toy_add_bar(toy, i, take8(&input));
	toy_add_messages(toy);
	return toy;
}

/* On the root bus or behind a port, while there is room for it. */
static void add_toy(void)
{
	uint8_t where = take8(&input);
	struct pci_port *port = where % 4 < bench.port_count ? bench.ports[where % 4] : NULL;
	struct toy *toy;
	size_t i = 0;
	int rc;

	while (i < TOYS_MAX && bench.toys[i])
		i++;
	if (i == TOYS_MAX)
		return;
	toy = toy_create();
	if (port) {
		(void)!pci_port_check_room(port, &toy->pci, &bench.err);
		rc = pci_port_add(port, &toy->pci, where >> 5, &bench.err);
	} else {
		rc = pci_host_add(bench.host, &toy->pci, (where >> 2) % 8 - 1, where >> 5,
				  &bench.err);
	}
	toy->port = port;
	if (rc)
		toy_destroy(&toy->pci);
	else
		bench.toys[i] = toy;
}

static struct toy *take_toy(uint8_t which)
{
	return bench.toys[which % TOYS_MAX];
}

static void add_port(void)
{
	struct pci_port_config config = {.name = "port", .irq = &bench.irq, .loop = bench.loop};
	struct pci_port *port;

	config.room[PCI_WINDOW_MEMORY] = (uint64_t)take8(&input) << 20;
	config.room[PCI_WINDOW_PREFETCH] = (uint64_t)take8(&input) << 20;
	config.room[PCI_WINDOW_IO] = (uint64_t)(take8(&input) & 1) << 12;
	port = pci_port_create(bench.host, &config, &bench.err);
	if (port)
		bench.ports[bench.port_count++] = port;
}

static void create_machine(void)
{
	struct pci_host_config config;

	memset(&bench, 0, sizeof(bench));
	bench.mmio = mem_map_create("mmio", 0, &bench.err);
	bench.pio = mem_map_create("pio", 0x10000, &bench.err);
	bench.listener = (struct mem_listener){.add = listener_add, .del = listener_del};
	require(bench.mmio && bench.pio);
	require(!mem_map_listen(bench.mmio, &bench.listener, &bench.err));
	config = windows_of_host(bench.mmio, bench.pio, 0xe000);
	bench.host = pci_host_create(&config, &bench.err);
	bench.loop = loop_create(&bench.err);
	require(bench.host && bench.loop);
	fake_irq_init(&bench.irq);
}

static void destroy_machine(void)
{
	pci_host_destroy(bench.host);
	require(bench.mapped_count == 0);
	for (size_t i = 0; i < TOYS_MAX; i++)
		require(!bench.toys[i]);
	require(bench.irq.attached == 0 && fake_irq_used(&bench.irq) == 0);
	mem_map_unlisten(bench.mmio, &bench.listener);
	mem_map_destroy(bench.mmio);
	mem_map_destroy(bench.pio);
	loop_destroy(bench.loop);
}

static void access_map(struct mem_map *map, uint64_t address, uint8_t how)
{
	unsigned int size = 1u << (how & 3);
	uint64_t value = 0;

	if (how & 4) {
		require(mem_map_write(map, address, size, take_number(&input, size)) == MEM_DONE ||
			bench.waits);
		return;
	}
	require(mem_map_read(map, address, size, &value) == MEM_DONE);
	require(!(value & ~all_ones(size)));
}

/* A register, of a function that is there or of any, through ECAM or the two ports. */
static void access_config(uint8_t how)
{
	uint8_t which = take8(&input);
	uint32_t offset = take16(&input) & 0xfff;
	const struct toy *toy = take_toy(which);
	uint32_t bdf = (uint32_t)(which & 31) << 3;

	if (which >= 0xc0)
		bdf = (which & 3u) << 8;
	else if (toy && which >= 0x80)
		bdf = pci_device_requester(&toy->pci);
	if (how & 8) {
		access_map(bench.mmio, ECAM + (bdf << 12) + offset, how);
		return;
	}
	(void)!mem_map_write(bench.pio, 0xcf8, 4, 0x80000000 | bdf << 8 | (offset & 0xfc));
	access_map(bench.pio, 0xcfc + (offset & 3), how);
}

/* As a guest gives an address: into the windows, and on. */
static void program(uint8_t how)
{
	const struct toy *toy = take_toy(take8(&input));
	unsigned int bar = how % PCI_BAR_COUNT;
	uint64_t address = (uint64_t)take16(&input) << 12;
	uint16_t bdf;

	if (!toy)
		return;
	bdf = pci_device_requester(&toy->pci);
	address += how & 0x10 ? WINDOW64 : WINDOW32;
	if (bar == PCI_ROM_BAR) {
		(void)!pci_host_config_write(bench.host, bdf, PCI_ROM_ADDRESS, 4,
					     (uint32_t)address | PCI_ROM_ADDRESS_ENABLE);
	} else {
		unsigned int at = PCI_BASE_ADDRESS_0 + 4 * bar;

		(void)!pci_host_config_write(bench.host, bdf, at, 4, (uint32_t)address);
		if (toy->pci.bars[bar].kind == PCI_BAR_MEM64)
			(void)!pci_host_config_write(bench.host, bdf, at + 4, 4,
						     (uint32_t)(address >> 32));
	}
	(void)!pci_host_config_write(bench.host, bdf, PCI_COMMAND, 2, 7);
}

static void access_bar(uint8_t how)
{
	const struct toy *toy = take_toy(take8(&input));
	unsigned int bar = take8(&input) % PCI_BAR_COUNT;
	uint64_t offset = take16(&input);

	if (!toy || toy->pci.bars[bar].kind == PCI_BAR_NONE)
		return;
	access_map(toy->pci.bars[bar].kind == PCI_BAR_IO ? bench.pio : bench.mmio,
		   pci_device_bar_address(&toy->pci, bar) + offset, how);
}

/* The function leaves for good where nothing is in its port's slot. */
static void remove_toy(uint8_t which)
{
	struct toy *toy = take_toy(which);

	if (!toy || !toy->port || pci_port_slot(toy->port).present)
		return;
	pci_port_remove(toy->port, &toy->pci);
	toy_destroy(&toy->pci);
}

static void change_slot(void)
{
	uint8_t how = take8(&input);
	struct pci_port *port =
		bench.port_count ? bench.ports[(how >> 4) % bench.port_count] : NULL;

	if (!port)
		return;
	switch (how & 7) {
	case 0:
		pci_port_press(port);
		break;
	case 1:
		pci_port_insert(port, NULL);
		break;
	case 2:
		pci_port_eject(port);
		break;
	case 3:
		pci_port_report(port, NULL, (how >> 6) % (PCI_ERROR_FATAL + 1));
		break;
	case 4:
		remove_toy(how >> 4);
		break;
	default:
		add_toy();
		break;
	}
}

static void signal_toy(void)
{
	struct toy *toy = take_toy(take8(&input));
	unsigned int vector = take16(&input);

	if (!toy)
		return;
	pci_host_lock(&toy->pci);
	if (vector < pci_vectors_count(toy->vectors))
		pci_vectors_signal(toy->vectors, vector);
	if (toy->has_msi)
		require(toy->msi.maskable || pci_msi_pending(&toy->msi) == 0);
	pci_host_unlock(&toy->pci);
}

static void see(void *owner, const struct pci_view *view)
{
	(void)owner;
	require(view->slot < PCI_SLOTS && view->name && view->class_name && view->pin <= PCI_PINS);
}

static void describe(void)
{
	static FILE *nowhere;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	require(nowhere);
	pci_host_describe(bench.host, nowhere);
	(void)pci_host_describe_address(bench.host, false, WINDOW32 + take16(&input), nowhere);
	(void)pci_host_describe_address(bench.host, true, take16(&input), nowhere);
	pci_host_walk(bench.host, see, NULL);
}

static void turn_loop(void)
{
	loop_stop(bench.loop);
	require(!loop_run(bench.loop, &bench.err));
}

static void step(void)
{
	uint8_t how = take8(&input);

	switch (how >> 4) {
	case 0:
		change_slot();
		break;
	case 1:
		signal_toy();
		break;
	case 2:
		bench.waits = !bench.waits;
		break;
	case 3:
		turn_loop();
		pci_host_reset(bench.host);
		pci_host_start(bench.host);
		break;
	case 4:
		turn_loop();
		break;
	case 5:
		describe();
		break;
	case 6:
	case 7:
		program(how & 0x1f);
		break;
	case 8:
	case 9:
	case 10:
		access_bar(how);
		break;
	case 11:
		access_map(how & 8 ? bench.mmio : bench.pio,
			   how & 8 ? WINDOW32 + take_number(&input, 3) : 0xcf8 + take8(&input) % 8u,
			   how);
		break;
	default:
		access_config(how);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int descriptors = open_descriptors(), count;

	input = (struct input){.bytes = data, .left = size};
	create_machine();
	for (count = take8(&input) % (PORTS_MAX + 1); count > 0; count--)
		add_port();
	for (count = take8(&input) % (TOYS_MAX + 1); count > 0; count--)
		add_toy();
	for (size_t i = 0; i < bench.port_count; i++)
		if (take8(&input) & 1)
			pci_port_insert(bench.ports[i], NULL);
	if (!pci_host_assign(bench.host, &bench.err)) {
		pci_host_reset(bench.host);
		pci_host_start(bench.host);
		for (unsigned int i = 0; i < STEPS_MAX && input.left > 0; i++) {
			step();
			check_mappings();
		}
	}
	destroy_machine();
	require(open_descriptors() <= descriptors + 1);
	return 0;
}
