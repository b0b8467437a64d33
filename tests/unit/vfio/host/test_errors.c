/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's counters of errors, as its versions write them, and where it has none. */

#include <check.h>
#include <sys/resource.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/errors.h"

#define ADDRESS "0000:02:00.0"
#define PORT    "devices/pci0000:00/0000:00:02.0"
#define DEVICE  PORT "/0000:01:00.0/" ADDRESS

static struct vfio_error_counts counts;

/* A port, a switch's port below it, the device. */
static void setup(void)
{
	fake_tree_create();
	fake_tree_folder(DEVICE);
	fake_tree_folder("bus/pci/devices");
	fake_tree_link("bus/pci/devices/" ADDRESS, "../../../" DEVICE);
	counts = (struct vfio_error_counts){0};
}

static void teardown(void)
{
	fake_tree_remove();
}

static uint32_t counted(enum vfio_error_kind kind)
{
	uint32_t errors;

	ck_assert(vfio_errors_counted(fake_tree_path(""), ADDRESS, kind, &counts, &errors));
	return errors;
}

START_TEST(what_has_grown_is_told_once)
{
	fake_tree_write(DEVICE "/aer_dev_correctable",
			"RxErr 0\nBadTLP 3\nBadDLLP 0\nRollover 0\nTimeout 0\nNonFatalErr 0\n"
			"CorrIntErr 0\nHeaderOF 1\nTOTAL_ERR_COR 4\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_CORRECTABLE), 0x8040);
	ck_assert_uint_eq(counted(VFIO_ERRORS_CORRECTABLE), 0);
	fake_tree_write(DEVICE "/aer_dev_correctable",
			"RxErr 1\nBadTLP 3\nBadDLLP 0\nRollover 2\nTimeout 0\nNonFatalErr 0\n"
			"CorrIntErr 0\nHeaderOF 1\nTOTAL_ERR_COR 7\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_CORRECTABLE), 0x101);
	/* Its kernel's counters began anew: it is another device by the same address. */
	fake_tree_write(DEVICE "/aer_dev_correctable", "RxErr 0\nBadTLP 0\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_CORRECTABLE), 0);
	fake_tree_write(DEVICE "/aer_dev_correctable", "RxErr 0\nBadTLP 1\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_CORRECTABLE), 0x40);
}
END_TEST

/* In the order of the register's bits. */
START_TEST(every_name_is_known)
{
	fake_tree_write(DEVICE "/aer_dev_nonfatal",
			"Undefined 1\nDLP 1\nSDES 1\nTLP 1\nFCP 1\nCmpltTO 1\nCmpltAbrt 1\n"
			"UnxCmplt 1\nRxOF 1\nMalfTLP 1\nECRC 1\nUnsupReq 1\nACSViol 1\n"
			"UncorrIntErr 1\nBlockedTLP 1\nAtomicOpBlocked 1\nTLPBlockedErr 1\n"
			"PoisonTLPBlocked 1\nTOTAL_ERR_NONFATAL 18\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_NONFATAL), 0x07fff031);
	counts = (struct vfio_error_counts){0};
	fake_tree_write(DEVICE "/aer_dev_correctable",
			"RxErr 1\nBadTLP 1\nBadDLLP 1\nRollover 1\nTimeout 1\nNonFatalErr 1\n"
			"CorrIntErr 1\nHeaderOF 1\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_CORRECTABLE), 0xf1c1);
}
END_TEST

START_TEST(a_bit_without_a_name_is_one_too)
{
	fake_tree_write(DEVICE "/aer_dev_nonfatal",
			"dev_nonfatal_errs_bit[9] 2\ndev_nonfatal_errs_bit[31] 1\n"
			"dev_nonfatal_errs_bit[32] 1\ndev_nonfatal_errs_bit[] 1\nNew 5\n"
			"CmpltTO\n 7\nCmpltAbrt x\n\n");
	ck_assert_uint_eq(counted(VFIO_ERRORS_NONFATAL), 0x80000200);
}
END_TEST

START_TEST(without_counters_there_is_nothing)
{
	struct vfio_port_errors port = {.fatal = 4, .nonfatal = 5};

	counts.of[14] = 3;
	ck_assert_uint_eq(counted(VFIO_ERRORS_NONFATAL), 0);
	ck_assert_uint_eq(counts.of[14], 3);
	ck_assert(vfio_errors_at_port(fake_tree_path(""), ADDRESS, &port));
	ck_assert(port.fatal == 0 && port.nonfatal == 0);
}
END_TEST

/* A device that has gone; no more descriptors. */
START_TEST(what_cannot_be_read_is_said)
{
	const char *address = _i ? ADDRESS : "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
	struct vfio_port_errors port = {.fatal = 4, .nonfatal = 5};
	struct rlimit limit, none;
	uint32_t errors = 1;

	fake_tree_write(DEVICE "/aer_dev_nonfatal", "CmpltTO 7\n");
	fake_tree_write(PORT "/aer_rootport_total_err_fatal", "2\n");
	fake_tree_write(PORT "/aer_rootport_total_err_nonfatal", "71\n");
	counts.of[14] = 3;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = _i ? 0 : limit.rlim_cur, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert(!vfio_errors_counted(fake_tree_path(""), address, VFIO_ERRORS_NONFATAL, &counts,
				       &errors));
	ck_assert(!vfio_errors_at_port(fake_tree_path(""), address, &port));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(errors, 0);
	ck_assert_uint_eq(counts.of[14], 3);
	ck_assert(port.fatal == 4 && port.nonfatal == 5);
}
END_TEST

START_TEST(the_root_port_above_counts_messages)
{
	struct vfio_port_errors port;

	fake_tree_write(PORT "/aer_rootport_total_err_fatal", "2\n");
	fake_tree_write(PORT "/aer_rootport_total_err_nonfatal", "71\n");
	ck_assert(vfio_errors_at_port(fake_tree_path(""), ADDRESS, &port));
	ck_assert(port.fatal == 2 && port.nonfatal == 71);
	fake_tree_write(PORT "/aer_rootport_total_err_nonfatal", "");
	ck_assert(!vfio_errors_at_port(fake_tree_path(""), ADDRESS, &port));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_has_grown_is_told_once);
	tcase_add_test(tests, every_name_is_known);
	tcase_add_test(tests, a_bit_without_a_name_is_one_too);
	tcase_add_test(tests, without_counters_there_is_nothing);
	tcase_add_loop_test(tests, what_cannot_be_read_is_said, 0, 2);
	tcase_add_test(tests, the_root_port_above_counts_messages);
}

int main(void)
{
	return run_suite("vfio host errors", add_tests);
}
