/* SPDX-License-Identifier: BSD-3-Clause */
/* Page tables of aarch64 that hold anything, walked in every regime that TCR_EL1 chooses. */

#include <errno.h>

#include "tests/fuzz/input.h"

#include "arch/aarch64/debug/paging.h"

enum { WALKS_MAX = 8, READS_MAX = 8, MEMORY_SIZE = 1 << 18, PAGE_LEAST = 4096 };

static uint8_t memory[MEMORY_SIZE];
static unsigned int reads;

static bool read_memory(void *owner, uint64_t gpa, uint64_t *value)
{
	require(owner == memory && is_aligned(gpa, 8));
	require(++reads < READS_MAX);
	if (!range_fits(gpa, 8, sizeof(memory)))
		return false;
	*value = load_le(memory + gpa, 8);
	return true;
}

/* Entries at places of the input's choice. */
static unsigned int fill(struct input *input, uint32_t *places, size_t room)
{
	unsigned int count = take8(input) % (unsigned int)room;

	for (unsigned int i = 0; i < count; i++) {
		uint8_t bytes[8];

		places[i] = (uint32_t)take_number(input, 3) % MEMORY_SIZE & ~7u;
		take(input, bytes, sizeof(bytes));
		memcpy(memory + places[i], bytes, sizeof(bytes));
	}
	return count;
}

static void check_page(uint64_t address, const struct arch_translation *translation)
{
	require(translation->gpa >> 52 == 0 || translation->page_size == UINT64_MAX);
	if (translation->page_size == UINT64_MAX)
		return;
	require(is_power_of_2(translation->page_size) && translation->page_size >= PAGE_LEAST);
	require(((translation->gpa ^ address) & (translation->page_size - 1)) == 0);
}

/* The steps change nothing, and are cut where the room ends; no tag or signature matters. */
static void walk(const struct paging *paging, uint64_t address, size_t room)
{
	struct arch_translation translation, silent;
	char steps[1024];
	struct text text = {steps, room};
	int rc, again;

	steps[0] = '\0';
	reads = 0;
	rc = paging_walk(paging, address, &translation, &text);
	require(rc == 0 || rc == -EFAULT);
	require(memchr(steps, '\0', room));
	reads = 0;
	again = paging_walk(paging, address, &silent, NULL);
	require(again == rc);
	if (rc)
		return;
	require(silent.gpa == translation.gpa && silent.page_size == translation.page_size &&
		silent.writable == translation.writable && silent.user == translation.user &&
		silent.executable == translation.executable);
	check_page(address, &translation);
}

static void check_pointer(const struct paging *paging, uint64_t address, uint8_t how)
{
	bool high = address >> 55 & 1;
	uint64_t mask = paging_signature_mask(paging->tcr, high, how & 1);

	require(!(mask & UINT64_C(1) << 55));
	require(paging_canonical(paging_canonical(address)) == paging_canonical(address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.bytes = data, .left = size};
	struct paging paging = {
		.sctlr = take_number(&input, 4),
		.tcr = take64(&input),
		.ttbr0 = take64(&input),
		.ttbr1 = take64(&input),
		.mmfr0 = take8(&input),
		.read = read_memory,
		.memory = memory,
	};
	uint32_t places[32];
	unsigned int count = fill(&input, places, ARRAY_SIZE(places));

	for (unsigned int i = 0; i < WALKS_MAX && (i == 0 || input.left > 0); i++) {
		uint64_t address = take64(&input);

		walk(&paging, address, 1 + take16(&input) % 1024);
		check_pointer(&paging, address, take8(&input));
	}
	while (count--)
		memset(memory + places[count], 0, 8);
	return 0;
}
