/* SPDX-License-Identifier: BSD-3-Clause */
/* The device tree of aarch64: what libfdt reads in it, and what dtc says of it. */

#include <check.h>
#include <errno.h>
#include <libfdt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/tree.h"
#include "arch/arch.h"
#include "devices/pci/pci.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static uint8_t blob[DT_SIZE_MAX + 4096];
static struct platform platform;
static struct tree_config config;
static struct err err;

static void lay_out(unsigned int cpus, unsigned int bits, bool serial)
{
	static const struct ram_range ranges[] = {{0, 0x7b800000}, {0x80000000, GIB << 10}};
	struct arch_layout_request request = {
		.cpus = cpus,
		.buses = bits > 36 ? 256 : 1,
		.ram_size = 2 * GIB,
		.page_size = 4096,
		.physical_bits = bits,
		.usable = ranges,
		.usable_count = 2,
		.serial = serial,
	};

	ck_assert_msg(arch_layout(&request, &platform, &err) == 0, "%s", err.text);
}

static void setup(void)
{
	lay_out(4, 40, true);
	config = (struct tree_config){.platform = &platform};
}

static void build(void)
{
	int size;

	memset(blob, 0xcc, sizeof(blob));
	size = tree_build(&config, blob, sizeof(blob), &err);
	ck_assert_msg(size > 0, "%s", err.text);
	ck_assert_int_eq(size, (int)fdt_totalsize(blob));
	ck_assert_int_eq(fdt_check_full(blob, (size_t)size), 0);
	ck_assert_int_le(size, DT_SIZE_MAX);
}

static int node(const char *path)
{
	int offset = fdt_path_offset(blob, path);

	ck_assert_msg(offset >= 0, "%s: %s", path, fdt_strerror(offset));
	return offset;
}

static bool absent(const char *path)
{
	return fdt_path_offset(blob, path) == -FDT_ERR_NOTFOUND;
}

static const char *text(const char *path, const char *name)
{
	const char *value = fdt_getprop(blob, node(path), name, NULL);

	ck_assert_msg(value, "%s has no %s", path, name);
	return value;
}

/* The cells of a property, in this machine's byte order; valid until the next call. */
static const uint32_t *cells(const char *path, const char *name, size_t count)
{
	static uint32_t values[PCI_SLOTS * PCI_PINS * 10];
	int size = 0;
	const void *value = fdt_getprop(blob, node(path), name, &size);

	ck_assert_msg(value, "%s has no %s", path, name);
	ck_assert_uint_eq((size_t)size, count * 4);
	ck_assert_uint_le(count, ARRAY_SIZE(values));
	memcpy(values, value, (size_t)size);
	for (size_t i = 0; i < count; i++)
		values[i] = fdt32_to_cpu(values[i]);
	return values;
}

static uint64_t pair(const uint32_t *values)
{
	return (uint64_t)values[0] << 32 | values[1];
}

static bool has(const char *path, const char *name)
{
	return fdt_getprop(blob, node(path), name, NULL);
}

/* The path of the node that a phandle points at. */
static const char *pointed_at(uint32_t phandle)
{
	static char path[128];

	ck_assert_int_eq(fdt_get_path(blob, fdt_node_offset_by_phandle(blob, phandle), path,
				      sizeof(path)),
			 0);
	return path;
}

START_TEST(root_and_chosen)
{
	uint8_t seed[DT_RNG_SEED_SIZE];

	memset(seed, 0x5a, sizeof(seed));
	build();
	ck_assert_str_eq(text("/", "compatible"), "linux,dummy-virt");
	ck_assert_str_eq(pointed_at(*cells("/", "interrupt-parent", 1)),
			 "/interrupt-controller@a000000");
	ck_assert_str_eq(text("/chosen", "stdout-path"), "/serial@9000000");
	ck_assert_str_eq(text("/chosen", "bootargs"), "console=ttyAMA0");
	ck_assert(!has("/chosen", "linux,initrd-start") && !has("/chosen", "kaslr-seed") &&
		  !has("/chosen", "rng-seed"));

	config.boot.cmdline = "console=ttyAMA0 quiet";
	config.boot.initrd_base = 0x1048000000;
	config.boot.initrd_size = 0x123456;
	config.boot.seeded = true;
	config.boot.kaslr_seed = 0x0123456789abcdef;
	memcpy(config.boot.rng_seed, seed, sizeof(seed));
	build();
	ck_assert_str_eq(text("/chosen", "bootargs"), config.boot.cmdline);
	ck_assert_uint_eq(pair(cells("/chosen", "linux,initrd-start", 2)), 0x1048000000);
	ck_assert_uint_eq(pair(cells("/chosen", "linux,initrd-end", 2)), 0x1048123456);
	ck_assert_uint_eq(pair(cells("/chosen", "kaslr-seed", 2)), config.boot.kaslr_seed);
	ck_assert_mem_eq(text("/chosen", "rng-seed"), seed, sizeof(seed));
}
END_TEST

/* Each piece is a node, so that nobody takes what lies between for memory. */
START_TEST(memory_has_its_holes)
{
	const uint32_t *reg;

	build();
	ck_assert_uint_eq(platform.ram_count, 2);
	ck_assert_str_eq(text("/memory@40000000", "device_type"), "memory");
	reg = cells("/memory@40000000", "reg", 4);
	ck_assert_uint_eq(pair(reg), ARM_RAM_BASE);
	ck_assert_uint_eq(pair(reg + 2), 0x7b800000 - ARM_RAM_BASE);
	reg = cells("/memory@80000000", "reg", 4);
	ck_assert_uint_eq(pair(reg), 0x80000000);
	ck_assert_uint_eq(pair(reg + 2), 2 * GIB - (0x7b800000 - ARM_RAM_BASE));
}
END_TEST

START_TEST(processors)
{
	const uint32_t *values;
	int count = 0, child;

	lay_out(64, 40, true);
	config.pmu = true;
	build();
	fdt_for_each_subnode(child, blob, node("/cpus")) count++;
	ck_assert_int_eq(count, 64);
	ck_assert_str_eq(text("/cpus/cpu@0", "enable-method"), "psci");
	ck_assert_uint_eq(*cells("/cpus/cpu@30f", "reg", 1), arm_vcpu_affinity(63));
	ck_assert_str_eq(text("/psci", "method"), "hvc");
	ck_assert_int_eq(fdt_node_check_compatible(blob, node("/psci"), "arm,psci-0.2"), 0);
	ck_assert(has("/timer", "always-on"));
	values = cells("/timer", "interrupts", 12);
	for (size_t i = 0; i < 4; i++) {
		static const uint32_t numbers[] = {13, 14, 11, 10};

		ck_assert_uint_eq(values[3 * i], 1);
		ck_assert_uint_eq(values[3 * i + 1], numbers[i]);
		ck_assert_uint_eq(values[3 * i + 2], 4);
	}
	ck_assert_uint_eq(cells("/pmu", "interrupts", 3)[1], 7);
	config.pmu = false;
	build();
	ck_assert(absent("/pmu"));
}
END_TEST

START_TEST(interrupt_controller)
{
	static const char gic[] = "/interrupt-controller@a000000";
	static const char its[] = "/interrupt-controller@a000000/msi-controller@a020000";
	const uint32_t *reg;

	build();
	ck_assert_str_eq(text(gic, "compatible"), "arm,gic-v3");
	reg = cells(gic, "reg", 8);
	ck_assert_uint_eq(pair(reg), ARM_GICD_BASE);
	ck_assert_uint_eq(pair(reg + 2), ARM_GICD_SIZE);
	ck_assert_uint_eq(pair(reg + 4), ARM_GICR_BASE);
	ck_assert_uint_eq(pair(reg + 6), 4 * ARM_GICR_SIZE);
	ck_assert_uint_eq(*cells(gic, "#interrupt-cells", 1), 3);
	ck_assert_uint_eq(*cells(gic, "#redistributor-regions", 1), 1);
	ck_assert_uint_eq(cells(gic, "interrupts", 3)[1], 9);
	ck_assert(has(gic, "ranges"));
	ck_assert_str_eq(text(its, "compatible"), "arm,gic-v3-its");
	ck_assert(has(its, "msi-controller"));
	reg = cells(its, "reg", 4);
	ck_assert_uint_eq(pair(reg), ARM_ITS_BASE);
	ck_assert_uint_eq(pair(reg + 2), ARM_ITS_SIZE);
}
END_TEST

/* With SPI @spi, or 0: none. */
static void check_peripheral(const char *path, const char *compatible, uint64_t base, uint32_t spi)
{
	const uint32_t *values = cells(path, "reg", 4);

	ck_assert_uint_eq(pair(values), base);
	ck_assert_int_eq(fdt_node_check_compatible(blob, node(path), compatible), 0);
	ck_assert_int_eq(fdt_node_check_compatible(blob, node(path), "arm,primecell"), 0);
	if (spi == 0) {
		ck_assert(!has(path, "interrupts"));
		return;
	}
	values = cells(path, "interrupts", 3);
	ck_assert_uint_eq(values[0], 0);
	ck_assert_uint_eq(values[1], spi);
	ck_assert_uint_eq(values[2], 4);
}

START_TEST(peripherals)
{
	const uint32_t *values;

	build();
	check_peripheral("/serial@9000000", "arm,pl011", ARM_UART_BASE, ARM_GSI_UART);
	check_peripheral("/rtc@9010000", "arm,pl031", ARM_RTC_BASE, 0);
	check_peripheral("/gpio@9020000", "arm,pl061", ARM_GPIO_BASE, ARM_GSI_GPIO);
	ck_assert_str_eq(pointed_at(*cells("/rtc@9010000", "clocks", 1)), "/clock-24000000");
	ck_assert_uint_eq(*cells("/clock-24000000", "clock-frequency", 1), 24000000);
	ck_assert_uint_eq(*cells("/gpio-keys/power-button", "linux,code", 1), 116);
	/* From suspend-to-idle too. */
	ck_assert_ptr_nonnull(
		fdt_getprop(blob, node("/gpio-keys/power-button"), "wakeup-source", NULL));
	values = cells("/gpio-keys/power-button", "gpios", 3);
	ck_assert_uint_eq(values[1], ARM_GPIO_POWER_BUTTON);
	ck_assert_uint_eq(values[2], 0);
	ck_assert_str_eq(pointed_at(values[0]), "/gpio@9020000");
	values = cells("/pvpanic@9030000", "reg", 4);
	ck_assert_uint_eq(pair(values), ARM_PVPANIC_BASE);
	ck_assert_uint_eq(pair(values + 2), 2);

	lay_out(1, 40, false);
	build();
	ck_assert(absent("/serial@9000000"));
	ck_assert(!has("/chosen", "bootargs"));
	ck_assert(!has("/chosen", "stdout-path"));
}
END_TEST

static void check_range(const uint32_t *range, uint32_t space, uint64_t pci,
			struct ram_range window)
{
	ck_assert_uint_eq(range[0], space);
	ck_assert_uint_eq(pair(range + 1), pci);
	ck_assert_uint_eq(pair(range + 3), window.base);
	ck_assert_uint_eq(pair(range + 5), window.size);
}

START_TEST(pci_windows)
{
	static const char pci[] = "/pcie@10000000";
	static const struct ram_range io = {ARM_PCI_IO_BASE, ARM_PCI_IO_SIZE};
	const uint32_t *values;

	build();
	ck_assert_str_eq(text(pci, "compatible"), "pci-host-ecam-generic");
	ck_assert(has(pci, "dma-coherent") && !has(pci, "linux,pci-probe-only"));
	values = cells(pci, "reg", 4);
	ck_assert_uint_eq(pair(values), ARM_ECAM_BASE);
	ck_assert_uint_eq(pair(values + 2), 256 * MIB);
	ck_assert_uint_eq(cells(pci, "bus-range", 2)[1], 255);
	values = cells(pci, "ranges", 21);
	check_range(values, 0x01000000, 0, io);
	check_range(values + 7, 0x02000000, platform.mmio32.base, platform.mmio32);
	check_range(values + 14, 0x03000000, platform.mmio64.base, platform.mmio64);
	values = cells(pci, "msi-map", 4);
	ck_assert_uint_eq(values[0], 0);
	ck_assert_uint_eq(values[2], 0);
	ck_assert_uint_eq(values[3], 0x10000);
	ck_assert_str_eq(pointed_at(values[1]),
			 "/interrupt-controller@a000000/msi-controller@a020000");

	/* No window above 4 GiB, and one bus. */
	lay_out(1, 32, true);
	build();
	cells(pci, "ranges", 14);
	ck_assert_uint_eq(cells(pci, "bus-range", 2)[1], 0);
}
END_TEST

START_TEST(pci_interrupts)
{
	const uint32_t *entry;

	build();
	entry = cells("/pcie@10000000", "interrupt-map-mask", 4);
	ck_assert_uint_eq(entry[0], 0xf800);
	ck_assert_uint_eq(entry[3], 7);
	entry = cells("/pcie@10000000", "interrupt-map", PCI_SLOTS * PCI_PINS * 10);
	for (uint32_t slot = 0; slot < PCI_SLOTS; slot++) {
		for (uint32_t pin = 0; pin < PCI_PINS; pin++, entry += 10) {
			ck_assert_uint_eq(entry[0], slot << 11);
			ck_assert_uint_eq(entry[3], pin + 1);
			ck_assert_str_eq(pointed_at(entry[4]), "/interrupt-controller@a000000");
			ck_assert_uint_eq(entry[7], 0);
			ck_assert_uint_eq(entry[8], ARM_GSI_INTX + (slot + pin) % 8);
			ck_assert_uint_eq(entry[9], 4);
		}
	}
}
END_TEST

START_TEST(same_platform_gives_same_bytes)
{
	static uint8_t first[DT_SIZE_MAX];
	uint32_t size;

	build();
	size = fdt_totalsize(blob);
	memcpy(first, blob, size);
	build();
	ck_assert_uint_eq(fdt_totalsize(blob), size);
	ck_assert_mem_eq(blob, first, size);
}
END_TEST

START_TEST(room_too_small_is_refused)
{
	static uint8_t untouched[64 * 1024];
	size_t whole;

	config.boot.cmdline = "x";
	build();
	whole = fdt_totalsize(blob);
	ck_assert_uint_le(whole, sizeof(untouched));
	memset(untouched, 0xcc, sizeof(untouched));
	for (size_t size = 0; size < whole; size += size < 256 ? 1 : 13) {
		memset(blob, 0xcc, whole);
		ck_assert_int_eq(tree_build(&config, blob, size, &err), -ENOSPC);
		ck_assert_mem_eq(blob + size, untouched, whole - size);
	}
	ck_assert_ptr_nonnull(strstr(err.text, "shorter command line"));
}
END_TEST

/* The tree has DT_SIZE_MAX bytes and no more, whatever the room. */
START_TEST(long_command_line)
{
	char *line = malloc(2 * DT_SIZE_MAX);

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', 2 * DT_SIZE_MAX);
	line[DT_SIZE_MAX - 64 * KIB] = '\0';
	config.boot.cmdline = line;
	build();
	line[DT_SIZE_MAX - 64 * KIB] = 'x';
	line[DT_SIZE_MAX] = '\0';
	ck_assert_int_eq(tree_build(&config, blob, sizeof(blob), &err), -ENOSPC);
	line[DT_SIZE_MAX] = 'x';
	line[2 * DT_SIZE_MAX - 1] = '\0';
	ck_assert_int_eq(tree_build(&config, blob, sizeof(blob), &err), -ENOSPC);
	free(line);
}
END_TEST

/*
 * dtc takes the tree apart and puts it together again, without a word; nothing changes on the way.
 * In a source it wants names where its first step wrote numbers of clocks and GPIOs, so that step
 * alone checks those.
 */
static void check_with_dtc(void)
{
	static const char commands[] = "dtc -I dtb -O dts -o tree.dts tree.dtb && "
				       "dtc -I dts -O dtb -W no-clocks_property "
				       "-W no-gpios_property -o again.dtb tree.dts && "
				       "dtc -I dtb -O dts -o again.dts again.dtb && "
				       "cmp tree.dts again.dts";
	char folder[] = "/tmp/ferry-fdt-XXXXXX";
	char path[64];
	FILE *file;
	int made, silent;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/tree.dtb", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(blob, fdt_totalsize(blob), 1, file), 1);
	ck_assert_int_eq(fclose(file), 0);
	made = scratch_shell(folder, commands);
	silent = scratch_shell(folder, "test ! -s log");
	if (made != 0 || silent != 0)
		scratch_show_log(folder);
	scratch_remove(folder);
	ck_assert_msg(made == 0, "dtc failed");
	ck_assert_int_eq(silent, 0);
}

START_TEST(dtc_has_nothing_to_say)
{
	static const unsigned int cpus[] = {1, 17, 64};

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (unsigned int shape = 0; shape < 4; shape++) {
			lay_out(cpus[i], shape & 1 ? 40 : 32, shape & 2);
			config.pmu = shape & 1;
			config.boot.seeded = shape & 2;
			config.boot.cmdline = shape & 1 ? "root=/dev/vda \"quoted\"" : NULL;
			config.boot.initrd_base = ARM_RAM_BASE;
			config.boot.initrd_size = shape & 2 ? 12345 : 0;
			build();
			check_with_dtc();
		}
	}
}
END_TEST

START_TEST(dump_is_the_tree)
{
	char folder[] = "/tmp/ferry-fdt-XXXXXX";
	static uint8_t read[DT_SIZE_MAX];
	char path[64];
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/tree", folder);
	ck_assert_msg(arch_dump_fdt(NULL, &platform, NULL, path, &err) == 0, "%s", err.text);
	build();
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(read, 1, sizeof(read), file), fdt_totalsize(blob));
	fclose(file);
	ck_assert_mem_eq(read, blob, fdt_totalsize(blob));
	scratch_remove(folder);
}
END_TEST

START_TEST(dump_refuses_what_it_cannot_write)
{
	static const struct rlimit limit = {1000, 1000};
	char folder[] = "/tmp/ferry-fdt-XXXXXX";
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/none/tree", folder);
	ck_assert_int_eq(arch_dump_fdt(NULL, &platform, NULL, path, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_eq(arch_dump_fdt(NULL, &platform, NULL, "/dev/full", &err), -ENOSPC);
	ck_assert_int_eq(access("/dev/full", F_OK), 0);
	ck_assert_int_eq(arch_dump_acpi(&platform, folder, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.text, "use --dump-fdt"));

	/* Half a tree is none. */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	snprintf(path, sizeof(path), "%s/tree", folder);
	ck_assert_int_eq(arch_dump_fdt(NULL, &platform, NULL, path, &err), -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_ne(access(path, F_OK), 0);
	scratch_remove(folder);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, root_and_chosen);
	tcase_add_test(tests, memory_has_its_holes);
	tcase_add_test(tests, processors);
	tcase_add_test(tests, interrupt_controller);
	tcase_add_test(tests, peripherals);
	tcase_add_test(tests, pci_windows);
	tcase_add_test(tests, pci_interrupts);
	tcase_add_test(tests, same_platform_gives_same_bytes);
	tcase_add_test(tests, room_too_small_is_refused);
	tcase_add_test(tests, long_command_line);
	if (system("command -v dtc >/dev/null 2>&1") == 0)
		tcase_add_test(tests, dtc_has_nothing_to_say);
	else
		puts("skip: trees through dtc: it is not installed");
	tcase_add_test(tests, dump_is_the_tree);
	tcase_add_test(tests, dump_refuses_what_it_cannot_write);
}

int main(void)
{
	return run_suite("aarch64_tree", add_tests);
}
