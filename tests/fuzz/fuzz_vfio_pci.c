/* SPDX-License-Identifier: BSD-3-Clause */
/* A passed-through function of any shape, under a guest, a device and a host that do anything. */

#include <poll.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "tests/fuzz/pci_bench.h"
#include "tests/fuzz/shape.h"

static void choose_options(struct input *input, struct vfio_device_config *options)
{
	uint8_t choice = take8(input);

	/* With a trace nothing is mapped, and interrupts come by the loop. */
	if (choice == 0x40)
		options->trace = "/dev/null";
	options->no_rom = choice & 0x80;
	options->trapped = choice & 0x7f;
}

static uint64_t bar_address(unsigned int index)
{
	return pci_device_bar_address(&bench.pci->device, index);
}

/* Inside BAR @index, with a liking for the MSI-X table and the PBA. */
static uint64_t take_place(struct input *input, unsigned int index)
{
	const struct pci_msix *msix = &bench.pci->msix;
	uint8_t where = take8(input);
	uint64_t base = bar_address(index), offset = take16(input);

	if ((where & 3) == 1 && bench.pci->has_msix)
		return bar_address(msix->table_bar) + msix->table_offset +
		       offset % pci_msix_table_size(msix);
	if ((where & 3) == 2 && bench.pci->has_msix && msix->pba_bar != PCI_MSIX_NO_PBA)
		return bar_address(msix->pba_bar) + msix->pba_offset +
		       offset % pci_msix_pba_size(msix);
	return base + offset + ((uint64_t)(where >> 2) << 16);
}

static void access_bar(struct input *input, bool write)
{
	unsigned int index = take8(input) % PCI_BAR_COUNT, size = 1U << (take8(input) & 3);
	bool io = bench.pci->device.bars[index].kind == PCI_BAR_IO;
	struct mem_map *map = io ? bench.pio : bench.mmio;
	uint64_t address = take_place(input, index), value;

	if (write)
		mem_map_write(map, address, size, take64(input));
	else
		mem_map_read(map, address, size, &value);
}

static unsigned int take_register(struct input *input)
{
	static const uint8_t header[] = {PCI_COMMAND,        PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_1,
					 PCI_BASE_ADDRESS_4, PCI_BASE_ADDRESS_5, PCI_ROM_ADDRESS};
	const struct vfio_pci *pci = bench.pci;
	uint8_t which = take8(input);

	switch (which & 7) {
	case 0:
		return pci->msi.capability + (which >> 3);
	case 1:
		return pci->msix.capability + (which >> 3);
	case 2:
		return pci->device.pm_capability + PCI_PM_CTRL;
	case 3:
		return header[(which >> 3) % ARRAY_SIZE(header)];
	default:
		return take16(input) % PCIE_CONFIG_SIZE;
	}
}

/* Values that put BARs into the windows, or turn on everything, come more often than by chance. */
static uint32_t take_value(struct input *input)
{
	uint8_t kind = take8(input);

	switch (kind & 3) {
	case 0:
		return (uint32_t)WINDOW32 + ((uint32_t)take8(input) << 20);
	case 1:
		return kind >> 2;
	case 2:
		return (uint32_t)take16(input);
	default:
		return (uint32_t)take64(input);
	}
}

/* Of the buses that ECAM has. */
static uint16_t device_place(void)
{
	return pci_device_requester(&bench.pci->device) & 0x3ff;
}

static void access_config(struct input *input, bool write)
{
	unsigned int offset = take_register(input), size = 1U << (take8(input) & 3);
	uint64_t address = ECAM + ((uint64_t)device_place() << 12) + offset, value;

	if (write)
		mem_map_write(bench.mmio, address, size, take_value(input));
	else
		mem_map_read(bench.mmio, address, size, &value);
}

static void access_ports(struct input *input)
{
	unsigned int offset = take_register(input), size = 1U << (take8(input) & 3);
	uint64_t value;

	mem_map_write(bench.pio, 0xcf8, 4,
		      0x80000000 | (uint32_t)device_place() << 8 | (offset & 0xfc));
	if (take8(input) & 1)
		mem_map_write(bench.pio, 0xcfc + (offset & 3), size, take_value(input));
	else
		mem_map_read(bench.pio, 0xcfc + (offset & 3), size, &value);
	mem_map_read(bench.pio, 0xcf8, 4, &value);
}

/* The port's own registers: those that gate more often than by chance, and anything. */
static void access_port(struct input *input)
{
	static const uint16_t gates[] = {PCI_COMMAND,
					 PCI_SECONDARY_BUS,
					 PCI_IO_BASE,
					 PCI_MEMORY_BASE,
					 PCI_PREF_MEMORY_BASE,
					 PCI_PREF_BASE_UPPER32,
					 PCI_BRIDGE_CONTROL,
					 0x40 + PCI_PM_CTRL,
					 0x48 + PCI_EXP_LNKCTL,
					 0x48 + PCI_EXP_SLTCTL,
					 0x48 + PCI_EXP_SLTSTA,
					 0x48 + PCI_EXP_DEVCTL,
					 0x100 + PCI_ERR_ROOT_COMMAND};
	uint8_t which = take8(input), size = (uint8_t)(1U << (take8(input) & 3));
	uint64_t offset =
		which & 0x80 ? take16(input) % PCIE_CONFIG_SIZE : gates[which % ARRAY_SIZE(gates)];
	uint64_t address = ECAM + (PORT << 15) + offset, value;

	mem_map_write(bench.mmio, address, size, take_value(input));
	mem_map_read(bench.mmio, address, size, &value);
}

static enum mem_result neighbour_read(void *owner, uint64_t offset, unsigned int size,
				      uint64_t *value)
{
	const struct neighbour *neighbour = owner;

	require(neighbour->device.bus && range_fits(offset, size, neighbour->slice.region.size));
	*value = 0;
	return MEM_DONE;
}

static enum mem_result neighbour_write(void *owner, uint64_t offset, unsigned int size,
				       uint64_t value)
{
	return neighbour_read(owner, offset, size, &value);
}

static void neighbour_destroy(struct pci_device *device)
{
	struct neighbour *neighbour = container_of(device, struct neighbour, device);

	require(!neighbour->slice.region.map);
	pci_device_release(device);
	free(neighbour);
	bench.neighbour = NULL;
}

/* It comes while nothing is in the slot, or joins what is there; the guest may find it at once. */
static void add_neighbour(uint8_t function)
{
	static const struct pci_device_ops ops = {.destroy = neighbour_destroy};
	static const struct mem_ops handlers = {.read = neighbour_read, .write = neighbour_write};
	struct neighbour *neighbour = calloc(1, sizeof(*neighbour));
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct pci_bar bar = {
		.kind = PCI_BAR_MEM32,
		.size = 0x4000,
		.slices = &neighbour->slice,
		.slice_count = 1,
	};

	require(neighbour);
	pci_device_init(&neighbour->device, &ops, PCI_CONFIG_SIZE, "neighbour");
	store_le16(neighbour->device.write_mask + PCI_COMMAND, command);
	neighbour->slice.region = (struct mem_region){
		.name = "neighbour",
		.kind = MEM_TRAP,
		.size = bar.size,
		.ops = &handlers,
		.owner = neighbour,
		.lock = &neighbour->device.lock,
	};
	require(pci_device_set_bar(&neighbour->device, 0, bar) == 0);
	(void)!pci_port_check_room(bench.port, &neighbour->device, &bench.err);
	require(pci_port_add(bench.port, &neighbour->device, 1 + function % 7, &bench.err) == 0);
	bench.neighbour = neighbour;
}

/* What the host does with the slot. */
static void change_slot(struct input *input)
{
	uint8_t how = take8(input);

	switch (how & 3) {
	case 0:
		pci_port_press(bench.port);
		break;
	case 1:
		pci_port_insert(bench.port, NULL);
		break;
	case 2:
		pci_port_eject(bench.port);
		break;
	default:
		if (!bench.neighbour) {
			add_neighbour(how >> 2);
		} else if (!pci_port_slot(bench.port).present) {
			pci_port_remove(bench.port, &bench.neighbour->device);
			neighbour_destroy(&bench.neighbour->device);
		}
		break;
	}
}

static void fire(struct input *input)
{
	uint32_t index = take8(input) % FAKE_IRQS;

	if (bench.fake.closed)
		return;
	fake_vfio_fire(&bench.fake, index, take16(input) % FAKE_VECTORS);
}

/* What is looked at once a second is looked at now. */
static void pass_second(void)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 1, .it_interval.tv_sec = 1};
	struct pollfd timer = {.fd = bench.pci->aer.timer, .events = POLLIN};

	if (timer.fd < 0 || !bench.pci->aer.ticks)
		return;
	require(timerfd_settime(timer.fd, 0, &soon, NULL) == 0);
	require(poll(&timer, 1, 1000) == 1);
}

static void stop_loop(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	loop_stop(bench.loop);
}

static void turn_loop(void)
{
	int stopper = fd_eventfd();

	require(loop_add(bench.loop, stopper, EPOLLIN, stop_loop, NULL, &bench.err) == 0);
	fd_signal(stopper);
	require(loop_run(bench.loop, &bench.err) == 0);
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
}

static void plan_fault(struct input *input)
{
	static const int errors[] = {-EIO, -ENODEV, -ENOMEM, -EINVAL};
	uint8_t how = take8(input);

	bench.struck = true;
	fault_arm(1 + (how >> 4), how & 1 ? FAULT_NONSENSE : FAULT_ERROR, errors[how >> 2 & 3]);
	fault_plan.filling = take8(input);
	fault_plan.onwards = how & 2;
}

static void step(struct input *input)
{
	switch (take8(input) % 17) {
	case 0:
	case 1:
	case 2:
	case 3:
		access_config(input, true);
		break;
	case 4:
		if (bench.port)
			access_port(input);
		else
			access_config(input, false);
		break;
	case 5:
		access_ports(input);
		break;
	case 6:
	case 7:
	case 8:
		access_bar(input, true);
		break;
	case 9:
		access_bar(input, false);
		break;
	case 10:
	case 11:
		fire(input);
		break;
	case 12:
		pass_second();
		turn_loop();
		break;
	case 13:
		pci_host_reset(bench.host);
		pci_host_start(bench.host);
		break;
	case 14:
		atomic_store(&bench.dma.mapped, take8(input) & 1);
		break;
	case 15:
		plan_fault(input);
		break;
	default:
		if (bench.port)
			change_slot(input);
		break;
	}
}

/* A BAR smaller than a page that fills one does not reach into another BAR there. */
static void check_excess(const struct mem_region *region)
{
	const struct pci_device *device = &bench.pci->device;
	unsigned int own = ((const struct vfio_slice *)region->owner)->bar;
	uint64_t size = device->bars[own].size;

	for (unsigned int i = 0; i < PCI_BARS && region->size > size; i++) {
		const struct pci_bar *bar = &device->bars[i];
		uint64_t address = pci_device_bar_address(device, i);

		if (i != own && (bar->kind == PCI_BAR_MEM32 || bar->kind == PCI_BAR_MEM64) &&
		    windows_hold(address, bar->size))
			require(!ranges_overlap(address, bar->size, region->base + size,
						region->size - size));
	}
}

static bool in_a_port_window(uint64_t base, uint64_t size)
{
	uint64_t first, last;

	for (unsigned int window = PCI_WINDOW_MEMORY; window < PCI_WINDOWS; window++)
		if (pci_port_range(bench.port, window, &first, &last) && base >= first &&
		    base <= last && size - 1 <= last - base)
			return true;
	return false;
}

static void check_mappings(void)
{
	const struct vfio_pci *pci = bench.pci;

	require(bench.mapped_count == 0 ||
		(pci->state == VFIO_PCI_ALIVE && pci_device_decodes(&pci->device, PCI_BAR_MEM32)));
	for (size_t i = 0; i < bench.mapped_count; i++) {
		const struct mem_region *region = bench.mapped[i];

		require((region->kind == MEM_DEVICE || region->kind == MEM_ROM) &&
			region->map == bench.mmio && is_mappable(region) &&
			windows_hold(region->base, region->size));
		require(!bench.port || in_a_port_window(region->base, region->size));
		check_excess(region);
		for (size_t j = 0; j < i; j++)
			require(!ranges_overlap(region->base, region->size, bench.mapped[j]->base,
						bench.mapped[j]->size));
	}
}

/* Nothing is reached of what is not there; the port has one way to interrupt. */
static void check_slot(void)
{
	const uint8_t *express;
	struct pci_slot_state slot;
	uint64_t identity;

	if (!bench.port)
		return;
	slot = pci_port_slot(bench.port);
	express = pci_port_device(bench.port)->config + 0x48;
	require(!(express[PCI_EXP_SLTSTA] & PCI_EXP_SLTSTA_PDS) == !slot.present);
	require(bench.port_irq.attached <= 1);
	if (slot.present && slot.powered)
		return;
	require(!(load_le16(express + PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_DLLLA));
	require(!pci_device_is_passed_up(&bench.pci->device) && bench.mapped_count == 0);
	require(!bench.neighbour || !bench.neighbour->slice.region.map);
	mem_map_read(bench.mmio, ECAM + (1 << 20), 4, &identity);
	require(identity == UINT32_MAX);
}

static void check_interrupts(void)
{
	const struct vfio_wires *wires = &bench.pci->wires;
	bool active = pci_vectors_mode(wires->vectors) != PCI_VECTORS_OFF;
	const unsigned int *span = bench.fake.span;
	unsigned int vectors =
		active ? pci_vectors_count(wires->vectors) : wires->intx.trigger >= 0;

	require((span[0] != 0) + (span[1] != 0) + (span[2] != 0) <= 1);
	require(bench.irq.attached <= vectors);
	require(fake_irq_used(&bench.irq) <= pci_vectors_count(wires->vectors));
	require(!active || wires->intx.trigger < 0);
	if (bench.pci->state != VFIO_PCI_ALIVE)
		require(bench.irq.attached == 0 && !active);
}

/* A device masters the bus only where the guest asked for it and RAM was mapped. */
static void check_mastering(bool could_master)
{
	uint64_t command = fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2);

	/* A dead device's registers read all ones. */
	if (bench.struck || bench.fake.dies_in_reset || !(command & PCI_COMMAND_MASTER))
		return;
	require(could_master);
	/* Who resets it turns it off, and may not have come to it. */
	if (bench.pci->state == VFIO_PCI_RESETTING)
		return;
	require(bench.pci->state == VFIO_PCI_ALIVE);
	require(load_le16(bench.pci->device.config + PCI_COMMAND) & PCI_COMMAND_MASTER);
	require(pci_device_is_passed_up(&bench.pci->device));
}

/* A restart of the machine brings a device in order back, whatever the guest did with it. */
static void check_restart(void)
{
	if (bench.port)
		pci_port_insert(bench.port, NULL);
	if (bench.struck || bench.fake.dies_in_reset)
		return;
	turn_loop();
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
	turn_loop();
	/* The host has it back. */
	if (bench.pci->state == VFIO_PCI_GONE)
		return;
	require(bench.pci->state == VFIO_PCI_ALIVE && bench.mapped_count == 0);
	require((fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2) &
		 ~(uint64_t)PCI_COMMAND_SERR) == 0);
	require(bench.fake.span[VFIO_PCI_MSI_IRQ_INDEX] == 0);
	require(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX] == 0);
	require((bench.irq.attached != 0) == (bench.pci->wires.intx.trigger >= 0));
}

static void run(struct input *input)
{
	bool could_master = false;

	for (unsigned int i = 0; i < STEPS_MAX && input->left; i++) {
		step(input);
		could_master = could_master || atomic_load(&bench.dma.mapped);
		check_mappings();
		check_slot();
		check_interrupts();
		check_mastering(could_master);
	}
}

/* In slot 3, or behind a port in slot 1. */
static int attach(void)
{
	const struct pci_port_config config = {.name = "port",
					       .irq = &bench.port_irq,
					       .loop = bench.loop};

	if (!bench.pci->options.port)
		return vfio_pci_attach(bench.pci, bench.host, SLOT, 0, &bench.err);
	bench.port = pci_port_create(bench.host, &config, &bench.err);
	require(bench.port);
	return vfio_pci_attach_below(bench.pci, bench.port, 0, &bench.err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of a recovery's tries one, soon. */
	static const int pauses_ms[] = {1, 0};
	struct vfio_device_config options = {0};
	struct vfio_pci_config config = {
		.options = &options,
		.keeper_ops = bench_keeper(),
		.name = "0000:01:00.0",
		.dma = &bench.dma,
		.irq = &bench.irq,
		.owner = &bench.pci,
	};
	struct input input = {.bytes = data, .left = size};
	unsigned int descriptors = open_descriptors();
	uint8_t machine;

	machine = take8(&input);
	create_machine((4 * KIB) << 2 * (machine % 3));
	options.port = machine & 0x80;
	config.loop = bench.loop;
	choose_options(&input, &options);
	shape_device(&input, &bench.fake);
	bench.pci = vfio_pci_create(&bench.fake.backend, &config, &bench.err);
	require(bench.pci || (bench.fake.closed && bench.err.text[0] && bench.err.code < 0));
	/* Where the fake has its power management is another register then, or none. */
	bench.fake.naps = bench.pci && bench.pci->device.pm_capability != 0x40;
	if (bench.pci)
		bench.pci->reset.pauses_ms = bench.pci->reset.retries_ms = pauses_ms;
	if (bench.pci && attach() == 0) {
		if (bench.port)
			pci_port_insert(bench.port, NULL);
		(void)!pci_host_assign(bench.host, &bench.err);
		run(&input);
		check_restart();
	} else if (bench.pci && !bench.pci->on_bus) {
		vfio_pci_destroy(bench.pci);
		bench.pci = NULL;
	}
	fault_disarm();
	destroy_machine();
	require(open_descriptors() == descriptors);
	return 0;
}
