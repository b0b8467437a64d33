/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors at a root port: what passes which gate, what the registers tell, whether it interrupts. */

#include "devices/pci/port.h"

#include "devices/pci/host.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

enum {
	EXPRESS = 0x48,
	MESSAGES = 0x84,
	ERRORS = 0x100,
	PORT = 1 << 3,
	COMMAND_AT = ERRORS + PCI_ERR_ROOT_COMMAND,
	STATUS_AT = ERRORS + PCI_ERR_ROOT_STATUS,
	SOURCES_AT = ERRORS + PCI_ERR_ROOT_ERR_SRC,
	CONTROL_AT = EXPRESS + PCI_EXP_DEVCTL,
	REPORTED = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE,
};

static struct kvm_irq irq;
static struct loop *loop;
static struct bench *bench;
static struct pci_port *port;
static struct toy *toy, *other;

static uint32_t port_read(unsigned int offset, unsigned int size)
{
	uint32_t value;

	pci_host_config_read(bench->host, PORT, offset, size, &value);
	return value;
}

static void port_write(unsigned int offset, unsigned int size, uint32_t value)
{
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, offset, size, value), MEM_DONE);
}

/* Two functions behind a port that software wants to hear all of, by MSI. */
static void setup(void)
{
	struct err err = {0};
	struct pci_port_config config = {.name = "port 1", .irq = &irq};

	fake_irq_init(&irq);
	bench = bench_create();
	loop = config.loop = loop_create(&err);
	port = pci_port_create(bench->host, &config, &err);
	ck_assert_msg(port, "%s", err.text);
	toy = toy_create(bench, "a");
	other = toy_create(bench, "b");
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	ck_assert_int_eq(pci_port_add(port, &other->pci, 1, &err), 0);
	pci_port_insert(port, NULL);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	port_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	port_write(MESSAGES + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	port_write(MESSAGES + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	port_write(CONTROL_AT, 2, REPORTED);
	port_write(COMMAND_AT, 4, 7);
}

static void teardown(void)
{
	bench_destroy(bench);
	loop_destroy(loop);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
}

static bool interrupts(void)
{
	return fake_irq_delivered(&irq, FAKE_FIRST_MSI);
}

static bool hears(const struct toy *from, enum pci_error error)
{
	return pci_port_hears(port, from ? &from->pci : NULL, error);
}

static void report(const struct toy *from, enum pci_error error)
{
	pci_port_report(port, from ? &from->pci : NULL, error);
}

/* The next error is the first again. */
static void clear(void)
{
	port_write(STATUS_AT, 4, UINT32_MAX);
	port_write(PCI_STATUS, 2, 0xffff);
	port_write(PCI_SEC_STATUS, 2, 0xffff);
	port_write(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET | PCI_BRIDGE_CTL_SERR);
	port_write(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_SERR);
	interrupts();
}

START_TEST(a_function_knows_its_port)
{
	ck_assert_ptr_eq(pci_device_port(&toy->pci), port);
	ck_assert_ptr_null(pci_device_port(bench->host->root.devices[PORT]));
}
END_TEST

static const struct {
	enum pci_error error;
	uint32_t status;
	uint16_t source_at, secondary;
} kinds[] = {
	{PCI_ERROR_CORRECTABLE, 0x01, SOURCES_AT, 0},
	{PCI_ERROR_NONFATAL, 0x24, SOURCES_AT + 2, PCI_STATUS_SIG_SYSTEM_ERROR},
	{PCI_ERROR_FATAL, 0x54, SOURCES_AT + 2, PCI_STATUS_SIG_SYSTEM_ERROR},
};

/* PCIe 5.0 7.8.4.10, 7.8.4.11. */
START_TEST(each_error_is_told_with_its_source)
{
	ck_assert(hears(other, kinds[_i].error));
	ck_assert(!interrupts());
	report(other, kinds[_i].error);
	ck_assert(interrupts());
	ck_assert_uint_eq(port_read(STATUS_AT, 4), kinds[_i].status);
	ck_assert_uint_eq(port_read(kinds[_i].source_at, 2), 0x101);
	ck_assert_uint_eq(port_read(PCI_SEC_STATUS, 2), kinds[_i].secondary);
	ck_assert_uint_eq(port_read(PCI_STATUS, 2) & PCI_STATUS_SIG_SYSTEM_ERROR, 0);
	/* It detected nothing itself. */
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_DEVSTA, 2), 0);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	port_write(SOURCES_AT, 4, UINT32_MAX);
	ck_assert_uint_eq(port_read(kinds[_i].source_at, 2), 0x101);
	port_write(STATUS_AT, 4, kinds[_i].status);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
	ck_assert(!interrupts());
}
END_TEST

START_TEST(further_errors_are_told_as_several)
{
	report(toy, PCI_ERROR_CORRECTABLE);
	ck_assert(interrupts());
	report(other, PCI_ERROR_CORRECTABLE);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x03);
	ck_assert_uint_eq(port_read(SOURCES_AT, 2), 0x100);
	ck_assert(interrupts());
	/* No news. */
	report(other, PCI_ERROR_CORRECTABLE);
	ck_assert(!interrupts());
	report(other, PCI_ERROR_NONFATAL);
	ck_assert(interrupts());
	report(toy, PCI_ERROR_FATAL);
	ck_assert(interrupts());
	/* The first uncorrectable one was not fatal. */
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x6f);
	ck_assert_uint_eq(port_read(SOURCES_AT, 4), 0x01010100);
	/* What comes between the guest's look and its clearing stays, and interrupts. */
	port_write(STATUS_AT, 4, 0x6c);
	report(toy, PCI_ERROR_NONFATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x27);
	ck_assert(interrupts());
}
END_TEST

/* All functions behind a port tell of what has befallen their link. */
START_TEST(a_link_fails_once_until_it_goes_down)
{
	report(toy, PCI_ERROR_FATAL);
	report(other, PCI_ERROR_FATAL);
	report(NULL, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x54);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	port_write(STATUS_AT, 4, 0x54);
	report(other, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
	report(other, PCI_ERROR_NONFATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x24);
	clear();
	report(other, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x54);
	if (_i) {
		pci_port_eject(port);
		port_write(STATUS_AT, 4, 0x54);
		pci_port_insert(port, NULL);
		port_write(EXPRESS + PCI_EXP_SLTCTL, 2, 0);
	} else {
		pci_host_reset(bench->host);
		ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
		ck_assert_uint_eq(port_read(SOURCES_AT, 4), 0);
		port_write(CONTROL_AT, 2, REPORTED);
	}
	report(toy, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x54);
}
END_TEST

/* The port's bridge gate, or its mask for errors of its own. */
START_TEST(one_that_was_kept_back_does_not_stand_for_the_next)
{
	if (_i)
		port_write(ERRORS + PCI_ERR_UNCOR_MASK, 4, PCI_ERR_UNC_INTN);
	else
		port_write(PCI_BRIDGE_CONTROL, 2, 0);
	report(_i ? NULL : toy, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
	port_write(PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_SERR);
	report(toy, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x54);
}
END_TEST

/* What is not asked for is noted all the same, once it has passed the gates. */
static void is_noted(enum pci_error error, uint32_t status)
{
	ck_assert(!hears(toy, error));
	report(toy, error);
	ck_assert(!interrupts());
	ck_assert_uint_eq(port_read(STATUS_AT, 4), status);
	clear();
}

START_TEST(each_enable_counts_for_its_error_alone)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		port_write(COMMAND_AT, 4, 7 ^ 1U << i);
		is_noted(kinds[i].error, kinds[i].status);
		ck_assert(hears(toy, kinds[(i + 1) % 3].error));
		port_write(COMMAND_AT, 4, 1U << i);
		ck_assert(hears(toy, kinds[i].error));
		ck_assert(!hears(toy, kinds[(i + 1) % 3].error));
		report(toy, kinds[i].error);
		ck_assert(interrupts());
		clear();
	}
	/* Whoever asks late is told of what is there. */
	port_write(COMMAND_AT, 4, 0);
	report(toy, PCI_ERROR_NONFATAL);
	ck_assert(!interrupts());
	port_write(COMMAND_AT, 4, 2);
	ck_assert(interrupts());
}
END_TEST

/* PCIe 5.0 6.2.6; firmware would have set the bridge's gate. */
START_TEST(the_bridge_has_gates)
{
	ck_assert_uint_eq(port_read(PCI_BRIDGE_CONTROL, 2), PCI_BRIDGE_CTL_SERR);
	port_write(PCI_BRIDGE_CONTROL, 2, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		ck_assert(!hears(toy, kinds[i].error));
		report(toy, kinds[i].error);
		ck_assert_uint_eq(port_read(PCI_SEC_STATUS, 2) & kinds[i].secondary,
				  kinds[i].secondary);
	}
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
	clear();
	/* The primary side's are for what is uncorrectable. */
	port_write(CONTROL_AT, 2, 0);
	ck_assert(hears(toy, PCI_ERROR_CORRECTABLE));
	is_noted(PCI_ERROR_NONFATAL, 0);
	is_noted(PCI_ERROR_FATAL, 0);
	port_write(CONTROL_AT, 2, PCI_EXP_DEVCTL_FERE);
	is_noted(PCI_ERROR_NONFATAL, 0);
	ck_assert(hears(toy, PCI_ERROR_FATAL));
	/* Either will do. */
	port_write(CONTROL_AT, 2, 0);
	port_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_SERR);
	ck_assert(hears(toy, PCI_ERROR_NONFATAL) && hears(toy, PCI_ERROR_FATAL));
	report(toy, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x54);
	ck_assert_uint_eq(port_read(PCI_STATUS, 2) & PCI_STATUS_SIG_SYSTEM_ERROR,
			  PCI_STATUS_SIG_SYSTEM_ERROR);
}
END_TEST

START_TEST(nothing_comes_over_a_link_that_is_down)
{
	ck_assert(pci_port_is_linked(port));
	port_write(EXPRESS + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_LD);
	ck_assert(!pci_port_is_linked(port));
	ck_assert(!hears(toy, PCI_ERROR_CORRECTABLE) && !hears(toy, PCI_ERROR_FATAL));
	report(toy, PCI_ERROR_CORRECTABLE);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
	/* But its own. */
	ck_assert(hears(NULL, PCI_ERROR_FATAL));
}
END_TEST

START_TEST(an_error_of_its_own_is_internal)
{
	ck_assert(hears(NULL, PCI_ERROR_FATAL));
	report(NULL, PCI_ERROR_FATAL);
	ck_assert(interrupts());
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0x54);
	ck_assert_uint_eq(port_read(SOURCES_AT + 2, 2), PORT);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_INTN);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_CAP, 4), 22);
	ck_assert_uint_eq(port_read(EXPRESS + PCI_EXP_DEVSTA, 2), PCI_EXP_DEVSTA_FED);
	ck_assert_uint_eq(port_read(PCI_SEC_STATUS, 2), 0);
	port_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, PCI_ERR_UNC_INTN);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	clear();
	port_write(ERRORS + PCI_ERR_UNCOR_MASK, 4, PCI_ERR_UNC_INTN);
	ck_assert(!hears(NULL, PCI_ERROR_FATAL));
	report(NULL, PCI_ERROR_FATAL);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_INTN);
	ck_assert_uint_eq(port_read(STATUS_AT, 4), 0);
	ck_assert(!interrupts());
}
END_TEST

/* PCIe 5.0 6.2.4.1.2: a level, until all that is asked for is cleared. */
START_TEST(without_msi_it_is_a_level)
{
	port_write(MESSAGES + PCI_MSI_FLAGS, 2, 0);
	report(toy, PCI_ERROR_CORRECTABLE);
	report(toy, PCI_ERROR_NONFATAL);
	ck_assert(fake_irq_delivered(&irq, 17));
	ck_assert(port_read(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	port_write(STATUS_AT, 4, 1);
	ck_assert_ptr_nonnull(fake_irq_find(&irq, 17));
	port_write(STATUS_AT, 4, 0x24);
	ck_assert_ptr_null(fake_irq_find(&irq, 17));
	ck_assert(!(port_read(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_function_knows_its_port);
	tcase_add_loop_test(tests, each_error_is_told_with_its_source, 0, ARRAY_SIZE(kinds));
	tcase_add_test(tests, further_errors_are_told_as_several);
	tcase_add_loop_test(tests, a_link_fails_once_until_it_goes_down, 0, 2);
	tcase_add_loop_test(tests, one_that_was_kept_back_does_not_stand_for_the_next, 0, 2);
	tcase_add_test(tests, each_enable_counts_for_its_error_alone);
	tcase_add_test(tests, the_bridge_has_gates);
	tcase_add_test(tests, nothing_comes_over_a_link_that_is_down);
	tcase_add_test(tests, an_error_of_its_own_is_internal);
	tcase_add_test(tests, without_msi_it_is_a_level);
}

int main(void)
{
	return run_suite("pci errors", add_tests);
}
