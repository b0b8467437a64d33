/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel for x86_64 whose file holds anything: bzImage, ELF, Multiboot or PVH, with initrds. */

#include "tests/fuzz/boot.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/platform_x86.h"

#define RAM_SIZE (8 * MIB)

static struct platform platform;
static struct boot_source source;
static struct x86_boot boot;

/* RAM that every input uses again, as a machine does that is reset. */
static void create(void)
{
	static const struct ram_config config = {0};
	const struct arch_layout_request request = {.cpus = 2,
						    .ram_size = RAM_SIZE,
						    .page_size = 4096,
						    .buses = 1,
						    .physical_bits = 40};
	struct err err = {0};
	struct mem_map *map = mem_map_create("memory", 0, &err);

	require(map && !arch_layout(&request, &platform, &err));
	platform.serial = true;
	boot.loader.ram = ram_create(map, platform.ram, platform.ram_count, &config, &err);
	require(boot.loader.ram);
}

static void check(void)
{
	struct loader *loader = &boot.loader;

	require(boot.rsdp >= X86_ACPI_BASE && boot.rsdp < X86_ACPI_BASE + X86_ACPI_SIZE);
	require(ram_host(loader->ram, boot.entry.rip, 1));
	require(!loader_is_free(loader, boot.entry.rip, 1));
	require(loader->count <= LOADER_CLAIMS_MAX);
	for (size_t i = 0; i < loader->count; i++)
		require(ram_host(loader->ram, loader->claims[i].base, loader->claims[i].size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.bytes = data, .left = size};
	struct ram *ram;
	struct err err = {0};
	uint8_t how;
	int rc;

	if (!boot.loader.ram)
		create();
	ram = boot.loader.ram;
	how = boot_take(&input, &source);
	memset(&boot, 0, sizeof(boot));
	boot.loader.ram = ram;
	boot.loader.fresh = !(how & BOOT_USED);
	boot.platform = &platform;
	boot.source = &source;
	rc = boot_load(&boot, &err);
	require(rc ? rc < 0 && err.code == rc && err.text[0] : true);
	if (!rc)
		check();
	return 0;
}
