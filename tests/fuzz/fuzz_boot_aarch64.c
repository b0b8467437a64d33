/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel for arm64 whose file holds anything: an Image, packed or in a zboot image; initrds. */

#include "tests/fuzz/boot.h"

#include "arch/aarch64/boot.h"

#define RAM_SIZE (8 * MIB)

enum { FDT_MAGIC = 0xd00dfeed };

static struct platform platform;
static struct boot_source source;
static struct boot boot;
static struct ram *again; /* another machine's */

static struct ram *create(const struct ram_range *pieces, size_t count)
{
	static const struct ram_config config = {0};
	struct err err = {0};
	struct mem_map *map = mem_map_create("memory", 0, &err);
	struct ram *ram = map ? ram_create(map, pieces, count, &config, &err) : NULL;

	require(ram);
	return ram;
}

static void create_all(void)
{
	const struct arch_layout_request request = {.cpus = 2,
						    .ram_size = RAM_SIZE,
						    .page_size = 4096,
						    .buses = 1,
						    .physical_bits = 40};
	struct err err = {0};

	require(!arch_layout(&request, &platform, &err));
	platform.serial = true;
	boot.loader.ram = create(platform.ram, platform.ram_count);
	again = create(platform.ram, 1);
}

/* The kernel is in RAM, as a file that is read again has it, and so is a tree. */
static void check(void)
{
	struct loader *loader = &boot.loader;
	const uint8_t *kernel = ram_host(loader->ram, boot.entry, boot.size);
	const uint8_t *tree = ram_host(loader->ram, boot.fdt, 4);
	struct err err = {0};
	uint64_t size;

	require(kernel && tree && __builtin_bswap32(load_le32(tree)) == FDT_MAGIC);
	require(boot.fdt < boot.entry || boot.fdt >= boot.entry + boot.size);
	require(!boot_read_image(&source, again, &size, &err));
	require(size <= boot.size &&
		memcmp(ram_host(again, ram_piece(again, 0)->base, size), kernel, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.bytes = data, .left = size};
	struct ram *ram;
	struct err err = {0};
	uint8_t how;
	int rc;

	if (!boot.loader.ram)
		create_all();
	ram = boot.loader.ram;
	how = boot_take(&input, &source);
	memset(&boot, 0, sizeof(boot));
	boot.loader.ram = ram;
	boot.loader.fresh = !(how & BOOT_USED);
	boot.platform = &platform;
	boot.source = &source;
	boot.pmu = how & BOOT_USED;
	rc = boot_load(&boot, &err);
	require(rc ? rc < 0 && err.code == rc && err.text[0] : true);
	if (!rc)
		check();
	return 0;
}
