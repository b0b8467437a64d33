/* SPDX-License-Identifier: BSD-3-Clause */
/* The x86_64 platform's devices put together: who answers at which port. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include "arch/x86_64/platform_x86.h"
#include "arch/x86_64/vm.h"
#include "devices/pci/pci.h"
#include "vmm/base/bits.h"

static struct arch_vm *arch;
static struct platform platform;
static char received;

static bool console_output(void *console, uint8_t byte)
{
	ck_assert_ptr_eq(console, &received);
	received = (char)byte;
	return true;
}

static void setup(void)
{
	fake_bus_setup();
	platform = (struct platform){.cpus = 1, .serial = true, .debug_exit = true};
	arch = calloc(1, sizeof(*arch));
	ck_assert_ptr_nonnull(arch);
	arch->irq = fake.irq;
	arch->setup = (struct arch_setup){
		.pio = fake.pio,
		.platform = &platform,
		.sink = fake.bus.sink,
		.console = {.output = console_output, .console = &received},
	};
}

static void destroy_devices(void)
{
	device_list_destroy(arch->devices);
	arch->devices = NULL;
}

static void teardown(void)
{
	destroy_devices();
	free(arch);
	fake_bus_teardown();
}

static void create(void)
{
	ck_assert_msg(arch_devices_create(arch, &fake.err) == 0, "%s", fake.err.text);
}

START_TEST(each_device_is_at_its_port)
{
	create();
	fake_outb(X86_PORT_SERIAL, 'x');
	ck_assert_int_eq(received, 'x');
	ck_assert_uint_eq(arch_console_input(arch, (const uint8_t *)"ab", 2), 1);
	ck_assert_uint_eq(fake_inb(X86_PORT_SERIAL), 'a');
	fake_outb(X86_PORT_RTC, 0x0d);
	ck_assert_uint_eq(fake_inb(X86_PORT_RTC + 1), 0x80);
	arch_power_button(arch);
	ck_assert(fake.level[X86_GSI_GED]);
	ck_assert_uint_eq(fake_in(X86_PORT_GED, 4), X86_GED_POWER_BUTTON);
	fake_outb(X86_PORT_SLEEP_CONTROL, X86_SLEEP_TYPE_S5 << 2 | X86_SLEEP_ENABLE);
	ck_assert_int_eq(fake.event, MACHINE_POWER_OFF);
	fake_outb(X86_PORT_RESET, X86_RESET_VALUE);
	ck_assert_int_eq(fake.event, MACHINE_RESET);
	fake_outb(X86_PORT_PVPANIC, 0x01);
	ck_assert_int_eq(fake.event, MACHINE_PANICKED);
	fake_out(X86_PORT_DEBUG_EXIT, 4, 0x10);
	ck_assert_int_eq(fake.event, MACHINE_DEBUG_EXIT);
	ck_assert_uint_eq(fake.argument, 0x21);
	fake_outb(X86_PORT_I8042_COMMAND, 0xfe);
	ck_assert_int_eq(fake.event, MACHINE_RESET);
	ck_assert_uint_eq(fake.events, 5);
	destroy_devices();
	for (uint32_t port = 0; port < 0x1000; port++)
		ck_assert_uint_eq(fake_inb((uint16_t)port), 0xff);
}
END_TEST

START_TEST(what_the_platform_lacks_is_not_there)
{
	platform.serial = false;
	platform.debug_exit = false;
	create();
	ck_assert_uint_eq(fake_inb(X86_PORT_SERIAL + 5), 0xff);
	ck_assert_uint_eq(arch_console_input(arch, (const uint8_t *)"ab", 2), 2);
	fake_out(X86_PORT_DEBUG_EXIT, 4, 1);
	ck_assert_uint_eq(fake.events, 0);
}
END_TEST

START_TEST(pci_ports_get_the_reset_control)
{
	struct pci_host_config config = {.buses = 1};

	create();
	arch_pci_ports(arch, &config);
	ck_assert(config.config_ports);
	config.reset_control(config.reset_owner, 0x0a);
	ck_assert_uint_eq(fake.events, 0);
	ck_assert_uint_eq(config.reset_control_read(config.reset_owner), 0x0a);
	config.reset_control(config.reset_owner, 0x0e);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_RESET);
}
END_TEST

static enum mem_result nothing(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner;
	(void)offset;
	*value = all_ones(size);
	return MEM_DONE;
}

/* Whoever is in the way is named, and what was created before can still be destroyed. */
START_TEST(taken_ports_are_refused)
{
	static const uint16_t ports[] = {X86_PORT_PM_TIMER, X86_PORT_SERIAL,
					 X86_PORT_RTC,      X86_PORT_I8042_COMMAND,
					 X86_PORT_PVPANIC,  X86_PORT_DEBUG_EXIT};
	static const struct mem_ops ops = {.read = nothing};

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct mem_region squatter = {.name = "squatter",
					      .kind = MEM_TRAP,
					      .size = 1,
					      .ops = &ops};

		ck_assert_int_eq(mem_map_add(fake.pio, &squatter, ports[i], &fake.err), 0);
		ck_assert_int_eq(arch_devices_create(arch, &fake.err), -EBUSY);
		ck_assert_ptr_nonnull(strstr(fake.err.text, "squatter"));
		ck_assert_int_eq(arch_devices_create(arch, NULL) < 0, 1);
		destroy_devices();
		mem_map_del(&squatter);
	}
	create();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_device_is_at_its_port);
	tcase_add_test(tests, what_the_platform_lacks_is_not_there);
	tcase_add_test(tests, pci_ports_get_the_reset_control);
	tcase_add_test(tests, taken_ports_are_refused);
}

int main(void)
{
	return run_suite("platform devices", add_tests);
}
