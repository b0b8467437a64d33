/* SPDX-License-Identifier: BSD-3-Clause */
/* Page tables of x86_64 that hold anything, walked in every mode that control registers choose. */

#include <errno.h>

#include "tests/fuzz/input.h"

#include "arch/x86_64/debug/paging.h"

#define CR0_PG (UINT64_C(1) << 31)

enum { PAGE = 4096, WALKS_MAX = 8, READS_MAX = 1 << 16 };

/* A few pages of memory: an input is too short for more tables than these. */
static uint8_t memory[8 * PAGE];
static unsigned int reads;

static int read_memory(const void *owner, uint64_t gpa, unsigned int size, uint64_t *value)
{
	require(owner == memory && (size == 4 || size == 8) && is_aligned(gpa, size));
	require(++reads < READS_MAX);
	if (!range_fits(gpa, size, sizeof(memory)))
		return -EFAULT;
	*value = load_le(memory + gpa, size);
	return 0;
}

/* Entries at places of the input's choice, which may be at the top of a page, or all of one. */
static void fill(struct input *input)
{
	unsigned int count = take8(input) % 32;

	memset(memory, 0, sizeof(memory));
	while (count--) {
		size_t at = take16(input) % sizeof(memory) & ~(size_t)7;
		uint8_t bytes[8];

		take(input, bytes, sizeof(bytes));
		memcpy(memory + at, bytes, sizeof(bytes));
	}
}

static void check_page(const struct x86_paging *paging, uint64_t address,
		       const struct arch_translation *translation)
{
	if (!(paging->cr0 & CR0_PG)) {
		require(translation->page_size == UINT64_MAX && translation->gpa == address);
		return;
	}
	require(is_power_of_2(translation->page_size) && translation->page_size >= PAGE);
	require(((translation->gpa ^ address) & (translation->page_size - 1)) == 0);
	require(translation->gpa >> paging->physical_bits == 0);
}

/* The steps change nothing, and are cut where the room ends. */
static bool walk(const struct x86_paging *paging, uint64_t address, size_t room)
{
	struct arch_translation translation, silent;
	char steps[1024];
	struct text text = {steps, room};
	int rc;

	steps[0] = '\0';
	rc = paging_walk(paging, address, &translation, &text);
	require(rc == 0 || rc == -EFAULT);
	require(memchr(steps, '\0', room));
	require(paging_walk(paging, address, &silent, NULL) == rc);
	if (rc)
		return false;
	require(silent.gpa == translation.gpa && silent.page_size == translation.page_size &&
		silent.writable == translation.writable && silent.user == translation.user &&
		silent.executable == translation.executable);
	check_page(paging, address, &translation);
	return true;
}

/* What is found can be walked to, is in the range, and is its first address if that is mapped. */
static void find(const struct x86_paging *paging, uint64_t first, uint64_t last)
{
	struct arch_translation translation;
	bool first_is_there = walk(paging, first, 1024);
	uint64_t address;
	int rc = paging_find(paging, first, last, &address, &translation);

	require(rc == 0 || (rc == -EFAULT && !first_is_there));
	if (rc)
		return;
	require(address >= first && address <= last && walk(paging, address, 1));
	require(!first_is_there || address == first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.bytes = data, .left = size};
	uint8_t mode = take8(&input);
	struct x86_paging paging = {
		.cr0 = mode & 1 ? 1 : CR0_PG | 1,
		.cr3 = take64(&input),
		.cr4 = take16(&input),
		.efer = (uint64_t)take8(&input) << 8,
		.physical_bits = 36 + take8(&input) % 17,
		.read = read_memory,
		.memory = memory,
	};

	fill(&input);
	for (unsigned int i = 0; i < WALKS_MAX && (i == 0 || input.left > 0); i++) {
		uint64_t first = take64(&input), length = take_number(&input, 3);

		reads = 0;
		walk(&paging, first, 1 + take16(&input) % 1024);
		find(&paging, first, first + length < first ? UINT64_MAX : first + length);
	}
	return 0;
}
