/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest may do to its machine, and what the world does meanwhile, out of numbers: those of
 * an input or of chance. For the one program that includes fake_machine.h.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_ACTS_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_ACTS_H

#include <linux/pci_regs.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/support/fake_machine.h"
#include "vmm/machine/hotplug.h"

/* KVM_EXIT_MEMORY_FAULT, which headers before Linux 6.8 lack. */
enum { ACTS_BASES = 8, ACTS_ELEMENTS = 64, MEMORY_FAULT = 39 };

/* A source of numbers, and what one processor has seen so far. */
struct acts {
	uint64_t (*take)(void *source, unsigned int size); /* of 1 to 8 bytes */
	void *source;
	uint64_t bases[ACTS_BASES]; /* of BARs and windows, as they were read or written */
	unsigned int learned;
	bool ends; /* the guest may switch its machine off, or crash */

	unsigned int step; /* of a driver that sets a device up; 0: there is none */
	uint64_t function, bar;
	uint8_t entry; /* of its MSI-X table */
};

static inline uint64_t acts_take(struct acts *acts, unsigned int size)
{
	return acts->take(acts->source, size);
}

static inline unsigned int acts_below(struct acts *acts, unsigned int limit)
{
	return (unsigned int)(acts_take(acts, 1) % limit);
}

/* Where the fake device, a root port or its slot has something that a write changes. */
static const uint16_t acts_spots[] = {
	PCI_COMMAND,
	PCI_COMMAND,
	PCI_COMMAND,
	PCI_STATUS,
	PCI_HEADER_TYPE,
	PCI_BASE_ADDRESS_0,
	PCI_BASE_ADDRESS_2,
	PCI_BASE_ADDRESS_4,
	PCI_BASE_ADDRESS_5,
	PCI_PRIMARY_BUS,
	PCI_MEMORY_BASE,
	PCI_PREF_MEMORY_BASE,
	PCI_ROM_ADDRESS,
	PCI_INTERRUPT_LINE,
	PCI_BRIDGE_CONTROL,
	0x44, /* the device's power state */
	0x52,
	0x54,
	0x58,
	0x5c,
	0x60, /* its MSI */
	0x72,
	0x72,
	0x74, /* MSI-X */
	0x48 + PCI_EXP_SLTCTL,
	0x48 + PCI_EXP_SLTSTA,
	0x48 + PCI_EXP_LNKCTL,
	0xa0 + PCI_EXP_DEVCTL,
	0xa0 + PCI_EXP_DEVSTA,
	0x100 + PCI_ERR_UNCOR_STATUS,
	0x100 + PCI_ERR_UNCOR_MASK,
	0x148,
};

/* With bits that mean something at one of those. */
static const uint32_t acts_values[] = {
	0,
	UINT32_MAX,
	PCI_COMMAND_MEMORY,
	PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
	PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE,
	3, /* D3hot */
	PCI_MSI_FLAGS_ENABLE,
	PCI_MSI_FLAGS_ENABLE | 3 << 4,
	PCI_MSIX_FLAGS_ENABLE,
	PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
	PCI_EXP_DEVCTL_BCR_FLR,
	PCI_BRIDGE_CTL_BUS_RESET,
	0x30100,
	PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_DLLSCE,
	PCI_EXP_SLTCTL_PWR_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_ATTN_IND_OFF,
	0xfee00000,
	0x31,
	0x0001fff1,
};

static inline uint64_t acts_value(struct acts *acts)
{
	unsigned int which = acts_below(acts, ARRAY_SIZE(acts_values) + 6);

	return which < ARRAY_SIZE(acts_values) ? acts_values[which] : acts_take(acts, 4);
}

/* Where it finds something of a device: what was read or written as a BAR's or window's base. */
static inline void acts_learn(struct acts *acts, uint64_t value)
{
	if (value & ~(uint64_t)0xfff)
		acts->bases[acts->learned++ % ACTS_BASES] = value & ~(uint64_t)0xfff;
}

static inline uint64_t acts_function(struct acts *acts)
{
	static const uint8_t buses[] = {0, 1, 0, 2};
	uint8_t where = (uint8_t)acts_take(acts, 1);

	/* Mostly the first function of the first slots of the root bus. */
	return mock.machine->platform.ecam.base + ((uint64_t)buses[where >> 6] << 20) +
	       ((uint64_t)(where & 3) << 15) +
	       (where & 0x20 ? (uint64_t)(where >> 3 & 3) << 12 : 0);
}

static inline unsigned int acts_width(struct acts *acts)
{
	static const uint8_t widths[] = {1, 2, 4, 4, 4, 8, 3, 5};

	return widths[acts_below(acts, ARRAY_SIZE(widths))];
}

/* A known register of a known function, which is where most happens. */
static inline int acts_config(struct acts *acts, struct fake_cpu *cpu)
{
	uint64_t at = acts_function(acts);
	uint16_t spot = acts_spots[acts_below(acts, ARRAY_SIZE(acts_spots))];
	uint8_t how = (uint8_t)acts_take(acts, 1);
	unsigned int size = how & 1 ? 2 : 4;

	if (how & 2)
		spot = (uint16_t)(spot + (how >> 6));
	if (how & 4) {
		uint64_t value = acts_value(acts);

		if (spot >= PCI_BASE_ADDRESS_0 && spot < PCI_CARDBUS_CIS && !(how & 8)) {
			value = mock.machine->platform.mmio32.base + ((uint64_t)(how >> 4) << 21);
			acts_learn(acts, value);
		}
		return fake_guest_access(cpu, true, at + spot, size, value);
	}
	return fake_guest_access(cpu, false, at + spot, size, 0);
}

static inline int acts_config_raw(struct acts *acts, struct fake_cpu *cpu)
{
	uint64_t at = mock.machine->platform.ecam.base + acts_take(acts, 3);
	unsigned int size = acts_width(acts);
	bool write = acts_take(acts, 1) & 1;

	return fake_guest_access(cpu, write, at, size, write ? acts_take(acts, 4) : 0);
}

/* What is in a BAR, its MSI-X table above all. */
static inline int acts_bar(struct acts *acts, struct fake_cpu *cpu)
{
	uint8_t how = (uint8_t)acts_take(acts, 1);
	uint64_t base = acts->bases[how % ACTS_BASES];
	uint64_t offset = acts_take(acts, 1);
	unsigned int size = acts_width(acts);

	if (!base)
		base = mock.machine->platform.mmio32.base + ((uint64_t)(how & 7) << 21);
	if (how & 0x20)
		offset = acts_take(acts, 3);
	else
		offset += how & 0x40 ? 0x4000 : 0x3000;
	return fake_guest_access(cpu, how & 0x80, base + offset, size,
				 how & 0x80 ? acts_value(acts) : 0);
}

/* All of one vector of MSI-X in a step, at the first base. */
static inline int acts_unmask(struct acts *acts, struct fake_cpu *cpu)
{
	uint64_t entry = acts->bases[0] + 0x3000 + (acts_take(acts, 1) & 15) * 16;

	return fake_guest_access(cpu, true, entry + 12, 4, 0);
}

/*
 * A driver that sets a function up, step by step: its BAR, what it decodes, one vector of MSI-X, or
 * MSI. Chance alone hardly gets there.
 */
static inline int acts_drive(struct acts *acts, struct fake_cpu *cpu)
{
	uint64_t entry = acts->bar + 0x3000 + (uint64_t)(acts->entry & 3) * 16;

	switch (acts->step++) {
	case 1:
		return fake_guest_access(cpu, true, acts->function + PCI_BASE_ADDRESS_0, 4,
					 acts->bar);
	case 2:
		return fake_guest_access(cpu, true, acts->function + PCI_COMMAND, 2,
					 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	case 3:
		return fake_guest_access(cpu, true, entry, 4, 0xfee00000);
	case 4:
		return fake_guest_access(cpu, true, entry + 8, 4, acts->entry);
	case 5:
		return fake_guest_access(cpu, true, entry + 12, 4, 0);
	case 6:
		if (acts->entry & 0x80)
			return fake_guest_access(cpu, true, acts->function + 0x52, 2,
						 PCI_MSI_FLAGS_ENABLE);
		return fake_guest_access(cpu, true, acts->function + 0x72, 2,
					 PCI_MSIX_FLAGS_ENABLE);
	default:
		acts->step = 0;
		return FAKE_NO_EXIT;
	}
}

/* From the next step on; the function has its config space at @function, BAR 0 at @bar. */
static inline void acts_set_driver(struct acts *acts, uint64_t function, uint64_t bar)
{
	acts->function = function;
	acts->bar = bar;
	acts->step = 1;
	acts_learn(acts, bar);
}

static inline int acts_begin_driver(struct acts *acts, struct fake_cpu *cpu)
{
	uint8_t how = (uint8_t)acts_take(acts, 1);

	acts->entry = how;
	acts_set_driver(acts, acts_function(acts) & ~(uint64_t)0x7fff,
			mock.machine->platform.mmio32.base + ((uint64_t)(how >> 4) << 21));
	return acts_drive(acts, cpu);
}

/* One of the emulated devices, or PCI's ports: also strings of them. */
static inline int acts_port(struct acts *acts, struct fake_cpu *cpu)
{
	uint8_t data[ACTS_ELEMENTS * 4];
	uint8_t how = (uint8_t)acts_take(acts, 1);
	uint16_t port = fake_cpu_some_port((unsigned int)acts_take(acts, 1));
	unsigned int size = 1U << how % 3;
	unsigned int count = how & 0x40 ? 1 + acts_below(acts, ACTS_ELEMENTS) : 1;

	if (how & 0x20)
		port = (uint16_t)acts_take(acts, 2);
	for (unsigned int i = 0; i < count * size && how & 0x80; i++)
		data[i] = i < 8 ? (uint8_t)acts_take(acts, 1) : data[i % 8];
	if (!acts->ends && fake_cpu_port_ends(port))
		port = 0;
	if (how & 0x10)
		cpu->parts = acts_below(acts, 4);
	return fake_guest_port(cpu, how & 0x80, port, size, count, data);
}

static inline int acts_memory(struct acts *acts, struct fake_cpu *cpu)
{
	const struct platform *platform = &mock.machine->platform;
	const uint64_t places[] = {0,
				   platform->ram[0].base,
				   platform->mmio32.base,
				   platform->mmio64.base,
				   platform->ecam.base + platform->ecam.size,
				   fake_cpu_some_device((unsigned int)acts_take(acts, 1)),
				   acts_take(acts, 1) << 32,
				   UINT64_MAX - 16};
	uint64_t at = places[acts_below(acts, ARRAY_SIZE(places))] + acts_take(acts, 2);
	uint8_t how = (uint8_t)acts_take(acts, 1);

	if (!acts->ends && fake_cpu_device_ends(at))
		return FAKE_NO_EXIT;
	return fake_guest_access(cpu, how & 0x80, at, 1 + (how & 7), acts_take(acts, 4));
}

/* KVM_RUN fails, or has an exit that the monitor can do nothing about but end the run. */
static inline int acts_trouble(struct acts *acts, struct fake_cpu *cpu)
{
	static const uint32_t exits[] = {KVM_EXIT_SHUTDOWN,   KVM_EXIT_INTERNAL_ERROR,
					 KVM_EXIT_FAIL_ENTRY, KVM_EXIT_UNKNOWN,
					 KVM_EXIT_HYPERCALL,  MEMORY_FAULT};
	uint8_t how = (uint8_t)acts_take(acts, 1);

	cpu->page->exit_reason = KVM_EXIT_INTR;
	if (how < 0x80)
		return how & 1 ? -EINTR : 0;
	if (!acts->ends)
		return 0;
	if (how < 0xe0) {
		cpu->page->exit_reason = how & 1 ? MEMORY_FAULT : KVM_EXIT_UNKNOWN;
		store_le64((uint8_t *)cpu->page->padding + 8, acts->bases[how & 7]);
		store_le64((uint8_t *)cpu->page->padding + 16, 4096);
		return -EFAULT;
	}
	if (how < 0xf0)
		return -EIO;
	cpu->page->exit_reason = exits[how % ARRAY_SIZE(exits)];
	return 0;
}

/* The guest switches its machine off, or has it begin anew; where the run goes on, now and then. */
static inline int acts_end(struct acts *acts, struct fake_cpu *cpu, uint8_t how)
{
	if (!acts->ends)
		return acts_take(acts, 1) ? FAKE_NO_EXIT : fake_cpu_reboot(cpu);
	if (how & 0x40)
		return how & 0x20 ? fake_cpu_power_off(cpu) : fake_cpu_reboot(cpu);
	return FAKE_NO_EXIT;
}

/* The next step of the guest on @cpu: as a fake_guest. */
static inline int acts_guest(struct acts *acts, struct fake_cpu *cpu)
{
	uint8_t what;

	if (acts->step)
		return acts_drive(acts, cpu);
	what = (uint8_t)acts_take(acts, 1);
	/* What was read last may be where something is. */
	if (what & 0x80)
		acts_learn(acts, cpu->value);
	switch (what & 15) {
	case 0 ... 3:
		return acts_config(acts, cpu);
	case 4:
		return acts_begin_driver(acts, cpu);
	case 5:
		return acts_config_raw(acts, cpu);
	case 6:
	case 7:
	case 8:
		return acts_bar(acts, cpu);
	case 9:
	case 10:
		return acts_port(acts, cpu);
	case 11:
		return acts_memory(acts, cpu);
	case 12:
		return acts_unmask(acts, cpu);
	case 13:
		fake_guest_take_interrupts();
		return FAKE_NO_EXIT;
	case 14:
		return acts_trouble(acts, cpu);
	default:
		return acts_end(acts, cpu, what);
	}
}

/*
 * A device of the host's does something, on any thread. What it does not come back from is rare
 * where the run is to go on.
 */
static inline void acts_device(struct acts *acts)
{
	struct fake_vfio *device = &kernel.devices[acts_below(acts, 3)];
	uint8_t how = (uint8_t)acts_take(acts, 1);
	unsigned int vector = how >> 4;

	if (!acts->ends && (how & 15) >= 9 && acts_take(acts, 1))
		how = 0;

	switch (how & 15) {
	case 0 ... 4:
		kernel_fire(device, VFIO_PCI_MSIX_IRQ_INDEX, vector & 3);
		break;
	case 5:
	case 6:
		kernel_fire(device, VFIO_PCI_MSI_IRQ_INDEX, vector & 7);
		break;
	case 7:
	case 8:
		kernel_fire(device, VFIO_PCI_INTX_IRQ_INDEX, 0);
		break;
	case 9:
	case 10:
		kernel_fire(device, VFIO_PCI_ERR_IRQ_INDEX, 0);
		break;
	case 11:
		kernel_fire(device, VFIO_PCI_REQ_IRQ_INDEX, 0);
		break;
	case 12:
		kernel_change(device, how >> 4);
		break;
	default:
		/* Where the guest reads it through. */
		fake_vfio_poke(device, how & 1 ? VFIO_PCI_CONFIG_REGION_INDEX : 0,
			       acts_take(acts, 1) * 4, 4, acts_take(acts, 4));
	}
}

static inline int acts_connect(const char *address)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", address + strlen("unix:"));
	must(fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	return fd;
}

/* What it says is read and forgotten; a peer that is gone is no matter. */
static inline void acts_send(int fd, const void *bytes, size_t size)
{
	char answer[4096];

	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
	if (send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

/* Anything, as a client passes it before it says for what. */
static inline void acts_pass(int fd)
{
	static const char line[] = "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"c\"}}\n";
	struct iovec bytes = {.iov_base = (void *)line, .iov_len = strlen(line)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} passed = {.head = {.cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS,
			     .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &passed,
				 .msg_controllen = sizeof(passed)};
	int any = open("/dev/null", O_RDWR | O_CLOEXEC);

	memcpy(CMSG_DATA(&passed.head), &any, sizeof(any));
	sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(any);
}

#define ACTS_MONITOR(line)                                                                         \
	"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"" line "\"}}"

static const char *const acts_lines[] = {
	"{\"execute\":\"qmp_capabilities\"}",
	"{\"execute\":\"query-status\"}",
	"{\"execute\":\"stop\"}",
	"{\"execute\":\"cont\"}",
	"{\"execute\":\"cont\"}",
	"{\"execute\":\"system_powerdown\"}",
	"{\"execute\":\"system_reset\"}",
	"{\"execute\":\"query-pci\"}",
	"{\"execute\":\"x-ferry-status\"}",
	"{\"execute\":\"query-cpus-fast\"}",
	"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"host\":\"01:00.0\"}}",
	"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"host\":\"01:00.3\","
	"\"id\":\"a\"}}",
	"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"host\":\"02:00.1\","
	"\"id\":\"b\",\"bus\":\"slot2\"}}",
	"{\"execute\":\"device_del\",\"arguments\":{\"id\":\"01:00.0\",\"timeout\":0}}",
	"{\"execute\":\"device_del\",\"arguments\":{\"id\":\"a\"}}",
	"{\"execute\":\"device_del\",\"arguments\":{\"id\":\"b\",\"timeout\":0}}",
	ACTS_MONITOR("pci"),
	ACTS_MONITOR("vfio"),
	ACTS_MONITOR("irq"),
	ACTS_MONITOR("mem"),
	ACTS_MONITOR("exits"),
	ACTS_MONITOR("write -d 0xd0000000 1"),
	"{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"c\"}}",
	"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"host\":\"01:00.0\","
	"\"fd\":\"c\"}}",
	ACTS_MONITOR("help"),
	ACTS_MONITOR("translate 0x100000"),
	ACTS_MONITOR("translate -p 0x100000"),
	ACTS_MONITOR("physical 0x100000"),
	ACTS_MONITOR("physical 0xd0003000"),
	ACTS_MONITOR("read 0x100000 64"),
	ACTS_MONITOR("read -d 0xd0003000 64:4"),
	ACTS_MONITOR("read -d 0xb0000000 256:1"),
	ACTS_MONITOR("read 0xfffff000 4096:8"),
	ACTS_MONITOR("write 0x100000 0x90:1"),
	ACTS_MONITOR("write -d 0xd0003000 1:8"),
	ACTS_MONITOR("kaslr"),
	ACTS_MONITOR("vfio 0000:01:00.0"),
	ACTS_MONITOR("vfio 02:00.1"),
	ACTS_MONITOR("vfio 0000:01:00.3"),
	"{\"execute\":\"quit\"}",
};

/* A client of the control socket. */
static inline void acts_control(struct acts *acts, int fd)
{
	unsigned int which = acts_below(acts, ARRAY_SIZE(acts_lines) + 3);
	uint8_t bytes[32];

	if (which == ARRAY_SIZE(acts_lines)) {
		acts_pass(fd);
		return;
	}
	if (which >= ARRAY_SIZE(acts_lines)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)acts_take(acts, 1);
		acts_send(fd, bytes, sizeof(bytes));
		return;
	}
	/* The end, and resets, of which each takes its time. */
	if (!acts->ends &&
	    (which == ARRAY_SIZE(acts_lines) - 1 || (which == 6 && acts_take(acts, 1) > 7)))
		return;
	acts_send(fd, acts_lines[which], strlen(acts_lines[which]));
	acts_send(fd, "\n", 1);
}

static const char *const acts_packets[] = {
	"?",
	"g",
	"c",
	"c",
	"c",
	"s",
	"vCont;c",
	"vCont;c",
	"vCont;s:1;c",
	"vCont;r1000,2000:1;c",
	"vCont;s:2",
	"Hg1",
	"Hc2",
	"m100000,40",
	"m0,10",
	"M100000,2:9090",
	"Z0,100000,1",
	"z0,100000,1",
	"Z1,100010,1",
	"z1,100010,1",
	"Z2,100020,4",
	"z2,100020,4",
	"Z4,0,8",
	"qSupported:multiprocess+;vContSupported+",
	"QStartNoAckMode",
	"qfThreadInfo",
	"T1",
	"T2",
	"qXfer:features:read:target.xml:0,fff",
	"qXfer:threads:read::0,fff",
	"vMustReplyEmpty",
	"p10",
	"P10=0000000000000000",
	"qRcmd,706369", /* pci */
	"qRcmd,7666696f20303130303a303a302e30",
	"qRcmd,6972710a",
	"qRcmd,6d656d",
	"D",
	"k",
};

/* A debugger. */
static inline void acts_gdb(struct acts *acts, int fd)
{
	unsigned int which = acts_below(acts, ARRAY_SIZE(acts_packets) + 4);
	char packet[160];
	uint8_t sum = 0;

	if (which >= ARRAY_SIZE(acts_packets)) {
		uint8_t byte = which & 1 ? 3 : (uint8_t)acts_take(acts, 1);

		acts_send(fd, &byte, 1);
		return;
	}
	if (!acts->ends && which == ARRAY_SIZE(acts_packets) - 1)
		return;
	for (const char *at = acts_packets[which]; *at; at++)
		sum = (uint8_t)(sum + *at);
	snprintf(packet, sizeof(packet), "+$%s#%02x", acts_packets[which], sum);
	acts_send(fd, packet, strlen(packet));
}

#endif
