/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine of no-operations for the gdb server: x86-64 registers, a little memory, points. */

#include "tests/unit/support/fake_gdb.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"

static const char description[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
	"<architecture>i386:x86-64</architecture><xi:include href=\"core.xml\"/>"
	"<xi:include href=\"other.xml\"/></target>";

static const char core[] =
	"<?xml version=\"1.0\"?><!-- $#}* --><feature name=\"org.gnu.gdb.i386.core\">"
	"<reg name=\"rax\" bitsize=\"64\"/>"
	"<reg name=\"rbx\" bitsize=\"64\"/>"
	"<reg name=\"rcx\" bitsize=\"64\"/>"
	"<reg name=\"rdx\" bitsize=\"64\"/>"
	"<reg name=\"rsi\" bitsize=\"64\"/>"
	"<reg name=\"rdi\" bitsize=\"64\"/>"
	"<reg name=\"rbp\" bitsize=\"64\"/>"
	"<reg name=\"rsp\" bitsize=\"64\"/>"
	"<reg name=\"r8\" bitsize=\"64\"/>"
	"<reg name=\"r9\" bitsize=\"64\"/>"
	"<reg name=\"r10\" bitsize=\"64\"/>"
	"<reg name=\"r11\" bitsize=\"64\"/>"
	"<reg name=\"r12\" bitsize=\"64\"/>"
	"<reg name=\"r13\" bitsize=\"64\"/>"
	"<reg name=\"r14\" bitsize=\"64\"/>"
	"<reg name=\"r15\" bitsize=\"64\"/>"
	"<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\"/>"
	"<reg name=\"eflags\" bitsize=\"32\"/>"
	"<reg name=\"cs\" bitsize=\"32\"/>"
	"<reg name=\"ss\" bitsize=\"32\"/>"
	"<reg name=\"ds\" bitsize=\"32\"/>"
	"<reg name=\"es\" bitsize=\"32\"/>"
	"<reg name=\"fs\" bitsize=\"32\"/>"
	"<reg name=\"gs\" bitsize=\"32\"/>"
	"<reg name=\"st0\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st1\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st2\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st3\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st4\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st5\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st6\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"st7\" bitsize=\"80\" type=\"i387_ext\"/>"
	"<reg name=\"fctrl\" bitsize=\"32\"/>"
	"<reg name=\"fstat\" bitsize=\"32\"/>"
	"<reg name=\"ftag\" bitsize=\"32\"/>"
	"<reg name=\"fiseg\" bitsize=\"32\"/>"
	"<reg name=\"fioff\" bitsize=\"32\"/>"
	"<reg name=\"foseg\" bitsize=\"32\"/>"
	"<reg name=\"fooff\" bitsize=\"32\"/>"
	"<reg name=\"fop\" bitsize=\"32\"/>"
	"</feature>";

static const char other[] = "<?xml version=\"1.0\"?><feature name=\"org.ferry.fake\">"
			    "<vector id=\"wide\" type=\"uint64\" count=\"8\"/>"
			    "<reg name=\"absent\" bitsize=\"64\"/>"
			    "<reg name=\"constant\" bitsize=\"64\"/>"
			    "<reg name=\"wide\" bitsize=\"512\" type=\"wide\"/>"
			    "</feature>";

/* What may be asked of a guest that stands only, and of a vCPU that there is. */
static void fake_use(struct gdb_fake *fake, unsigned int cpu)
{
	if (!fake->stands || cpu >= GDB_FAKE_CPUS)
		fake->breaches++;
}

static const char *fake_description(void *target, const char *annex)
{
	(void)target;
	if (strcmp(annex, "target.xml") == 0)
		return description;
	if (strcmp(annex, "core.xml") == 0)
		return core;
	return strcmp(annex, "other.xml") == 0 ? other : NULL;
}

static unsigned int fake_cpus(void *target)
{
	(void)target;
	return GDB_FAKE_CPUS;
}

static unsigned int fake_register_count(void *target)
{
	(void)target;
	return GDB_FAKE_REGISTERS;
}

static unsigned int fake_general_count(void *target)
{
	(void)target;
	return GDB_FAKE_GENERAL;
}

static unsigned int fake_pc_register(void *target)
{
	(void)target;
	return GDB_FAKE_RIP;
}

static size_t fake_register_size(void *target, unsigned int number)
{
	(void)target;
	if (number >= GDB_FAKE_REGISTERS)
		return 0;
	if (number == GDB_FAKE_WIDE)
		return GDB_REGISTER_MAX;
	if (number <= GDB_FAKE_RIP || number >= GDB_FAKE_GENERAL)
		return 8;
	return number >= 24 && number < 32 ? 10 : 4;
}

static int fake_register_read(void *target, unsigned int cpu, unsigned int number, uint8_t *bytes)
{
	struct gdb_fake *fake = target;

	fake_use(fake, cpu);
	if (number == GDB_FAKE_ABSENT)
		return -ENODATA;
	memcpy(bytes, fake->registers[cpu][number], fake_register_size(fake, number));
	return 0;
}

static int fake_register_write(void *target, unsigned int cpu, unsigned int number,
			       const uint8_t *bytes)
{
	struct gdb_fake *fake = target;

	fake_use(fake, cpu);
	if (number == GDB_FAKE_ABSENT || number == GDB_FAKE_CONSTANT)
		return number == GDB_FAKE_ABSENT ? -ENODATA : -EACCES;
	memcpy(fake->registers[cpu][number], bytes, fake_register_size(fake, number));
	return 0;
}

static int fake_memory_read(void *target, unsigned int cpu, uint64_t address, uint8_t *bytes,
			    size_t size)
{
	struct gdb_fake *fake = target;
	uint64_t offset = address - GDB_FAKE_MEMORY;

	fake_use(fake, cpu);
	if (offset >= sizeof(fake->memory))
		return -EFAULT;
	if (size > sizeof(fake->memory) - offset)
		size = sizeof(fake->memory) - (size_t)offset;
	memcpy(bytes, fake->memory + offset, size);
	return (int)size;
}

static int fake_memory_write(void *target, unsigned int cpu, uint64_t address, const uint8_t *bytes,
			     size_t size)
{
	struct gdb_fake *fake = target;

	fake_use(fake, cpu);
	if (!range_fits(address - GDB_FAKE_MEMORY, size, sizeof(fake->memory)))
		return -EFAULT;
	memcpy(fake->memory + (address - GDB_FAKE_MEMORY), bytes, size);
	return 0;
}

static size_t find_point(const struct gdb_fake *fake, const struct gdb_fake_point *point)
{
	size_t i = 0;

	while (i < fake->point_count &&
	       (fake->points[i].kind != point->kind || fake->points[i].address != point->address ||
		fake->points[i].length != point->length))
		i++;
	return i;
}

static int fake_point_insert(void *target, unsigned int cpu, enum gdb_point_kind kind,
			     uint64_t address, uint64_t length)
{
	struct gdb_fake *fake = target;
	const struct gdb_fake_point point = {kind, address, length};

	fake_use(fake, cpu);
	fake->point_cpu = cpu;
	if (fake->point_status)
		return fake->point_status;
	if (find_point(fake, &point) < fake->point_count)
		return 0;
	if (fake->point_count == GDB_FAKE_POINTS)
		return -ENOSPC;
	fake->points[fake->point_count++] = point;
	return 0;
}

static int fake_point_remove(void *target, unsigned int cpu, enum gdb_point_kind kind,
			     uint64_t address, uint64_t length)
{
	struct gdb_fake *fake = target;
	const struct gdb_fake_point point = {kind, address, length};
	size_t found = find_point(fake, &point);

	fake_use(fake, cpu);
	fake->point_cpu = cpu;
	if (fake->point_status)
		return fake->point_status;
	if (found < fake->point_count)
		fake->points[found] = fake->points[--fake->point_count];
	return 0;
}

static int fake_resume(void *target, const enum gdb_action *actions)
{
	struct gdb_fake *fake = target;

	fake_use(fake, 0);
	if (fake->resume_status)
		return fake->resume_status;
	memcpy(fake->actions, actions, sizeof(fake->actions));
	fake->resumes++;
	fake->stands = false;
	return 0;
}

static void fake_halt(void *target)
{
	struct gdb_fake *fake = target;

	fake->halts++;
	fake->halting = !fake->stands;
}

static bool fake_stands(void *target)
{
	const struct gdb_fake *fake = target;

	return fake->stands;
}

static void fake_detach(void *target, bool run)
{
	struct gdb_fake *fake = target;

	fake->detaches++;
	fake->ran_on = run;
	fake->point_count = 0;
	if (!run)
		return;
	fake->stands = fake->halting = false;
	for (unsigned int i = 0; i < GDB_FAKE_CPUS; i++)
		fake->actions[i] = GDB_CONTINUE;
}

static void fake_kill(void *target)
{
	struct gdb_fake *fake = target;

	fake->kills++;
}

static void fake_monitor(void *target, unsigned int cpu, const char *line, FILE *out)
{
	struct gdb_fake *fake = target;

	fake->monitor_cpu = cpu;
	snprintf(fake->line, sizeof(fake->line), "%s", line);
	if (*line)
		fprintf(out, "you said %s\n", line);
	for (size_t i = 0; i < fake->monitor_size; i++)
		fputc('m', out);
}

static const char *fake_limits(void *target)
{
	const struct gdb_fake *fake = target;

	return fake->limits ? fake->limits : "";
}

const struct gdb_target_ops gdb_fake_ops = {
	.cpus = fake_cpus,
	.description = fake_description,
	.register_count = fake_register_count,
	.general_count = fake_general_count,
	.register_size = fake_register_size,
	.pc_register = fake_pc_register,
	.register_read = fake_register_read,
	.register_write = fake_register_write,
	.memory_read = fake_memory_read,
	.memory_write = fake_memory_write,
	.point_insert = fake_point_insert,
	.point_remove = fake_point_remove,
	.resume = fake_resume,
	.halt = fake_halt,
	.stands = fake_stands,
	.detach = fake_detach,
	.kill = fake_kill,
	.monitor = fake_monitor,
	.limits = fake_limits,
};

uint64_t gdb_fake_pc(const struct gdb_fake *fake, unsigned int cpu)
{
	return load_le(fake->registers[cpu][GDB_FAKE_RIP], 8);
}

void gdb_fake_set_pc(struct gdb_fake *fake, unsigned int cpu, uint64_t pc)
{
	store_le(fake->registers[cpu][GDB_FAKE_RIP], 8, pc);
}

struct gdb_stop gdb_fake_stop(struct gdb_fake *fake, enum gdb_stop_reason reason, unsigned int cpu,
			      int signal)
{
	fake->stands = true;
	fake->halting = false;
	return (struct gdb_stop){.reason = reason, .cpu = cpu, .signal = signal};
}

bool gdb_fake_run(struct gdb_fake *fake, struct gdb_stop *stop)
{
	if (fake->stands)
		return false;
	if (fake->halting) {
		*stop = gdb_fake_stop(fake, GDB_STOP_SIGNAL, 0, 2);
		return true;
	}
	for (unsigned int cpu = 0; cpu < GDB_FAKE_CPUS; cpu++) {
		uint64_t pc = gdb_fake_pc(fake, cpu) + 1;

		if (fake->actions[cpu] == GDB_HOLD)
			continue;
		gdb_fake_set_pc(fake, cpu, pc);
		for (size_t i = 0; i < fake->point_count; i++) {
			if (fake->points[i].kind > GDB_HARDWARE_BREAK ||
			    fake->points[i].address != pc)
				continue;
			*stop = gdb_fake_stop(fake,
					      fake->points[i].kind == GDB_HARDWARE_BREAK
						      ? GDB_STOP_HARDWARE
						      : GDB_STOP_SOFTWARE,
					      cpu, 5);
			return true;
		}
		if (fake->actions[cpu] == GDB_STEP) {
			*stop = gdb_fake_stop(fake, GDB_STOP_SIGNAL, cpu, 5);
			return true;
		}
	}
	return false;
}
