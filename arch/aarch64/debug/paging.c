/* SPDX-License-Identifier: BSD-3-Clause */
/* The address translation of EL1 and EL0, walked as the processor would (Arm ARM D8). */

#include "arch/aarch64/debug/paging.h"

#include <errno.h>

#include "vmm/base/bits.h"

enum {
	LAST_LEVEL = 3,
	PAGE_BITS_64K = 16,
	OUTPUT_BITS_USUAL = 48,
	INPUT_BITS_USUAL = 48,
	INPUT_BITS_MOST = 52,
	INPUT_BITS_LEAST = 16, /* FEAT_TTST; one more with 64 KiB pages */
	RANGE_BIT = 55,        /* of an address: TTBR1 has those where it is set */
	TABLE_ALIGNMENT_52 = 6,
};

#define SCTLR_M   (UINT64_C(1) << 0)
#define SCTLR_WXN (UINT64_C(1) << 19)
#define SCTLR_EE  (UINT64_C(1) << 25)

#define TCR_HA (UINT64_C(1) << 39)
#define TCR_HD (UINT64_C(1) << 40)
#define TCR_DS (UINT64_C(1) << 59)

#define ENTRY_VALID    (UINT64_C(1) << 0)
#define ENTRY_TABLE    (UINT64_C(1) << 1) /* a page, at the last level */
#define ENTRY_USER     (UINT64_C(1) << 6)
#define ENTRY_READONLY (UINT64_C(1) << 7)
#define ENTRY_ACCESSED (UINT64_C(1) << 10)
#define ENTRY_DBM      (UINT64_C(1) << 51)
#define ENTRY_PXN      (UINT64_C(1) << 53)
#define ENTRY_UXN      (UINT64_C(1) << 54)

/* Of a table's entry, for all below it. */
#define TABLE_PXN      (UINT64_C(1) << 59)
#define TABLE_UXN      (UINT64_C(1) << 60)
#define TABLE_NO_USER  (UINT64_C(1) << 61)
#define TABLE_READONLY (UINT64_C(1) << 62)

/* One half of the address space, as TCR_EL1 has it. */
struct regime {
	bool high;
	bool tagged;       /* the top byte is ignored */
	bool wide;         /* output addresses of 52 bits in tables of 4 or 16 KiB pages (TCR.DS) */
	bool huge_blocks;  /* level 1 has them in tables of 64 KiB pages (FEAT_LPA) */
	bool hierarchical; /* tables restrict what is below them */
	uint64_t ttbr;
	unsigned int page_bits;
	unsigned int input_bits;
	unsigned int output_bits;
	int first_level;
};

/* What the tables on the way have taken away. */
struct rights {
	bool read_only;
	bool no_user;
	bool pxn;
	bool uxn;
};

struct walk {
	const struct paging *paging;
	uint64_t address;
	struct regime regime;
	struct rights rights;
	struct text *steps; /* or NULL */
};

static uint64_t paging_field(uint64_t value, unsigned int low, unsigned int bits)
{
	return value >> low & ((UINT64_C(1) << bits) - 1);
}

/* The bits from @low up to but without @end, where they are. */
static uint64_t paging_keep(uint64_t value, unsigned int low, unsigned int end)
{
	return low >= end ? 0 : paging_field(value, low, end - low) << low;
}

uint64_t paging_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 8) >> 8);
}

static bool paging_is_tagged(uint64_t tcr, bool high)
{
	return paging_field(tcr, high ? 38 : 37, 1) != 0;
}

uint64_t paging_signature_mask(uint64_t tcr, bool high, bool code)
{
	unsigned int input_bits = 64 - (unsigned int)paging_field(tcr, high ? 16 : 0, 6);
	bool data_only = paging_field(tcr, high ? 52 : 51, 1) != 0; /* TBID */
	uint64_t mask = paging_keep(UINT64_MAX, input_bits, RANGE_BIT);

	if (!paging_is_tagged(tcr, high) || (code && data_only))
		mask |= UINT64_C(0xff) << 56;
	return mask;
}

/* A line of the steps; always -EFAULT, for where a walk ends. */
static int paging_say(const struct walk *walk, const char *text)
{
	if (walk->steps)
		text_append(walk->steps, "%s\n", text);
	return -EFAULT;
}

static unsigned int paging_output_bits(uint64_t code)
{
	static const unsigned int bits[] = {32, 36, 40, 42, 44, 48, 52};

	return code < ARRAY_SIZE(bits) ? bits[code] : OUTPUT_BITS_USUAL;
}

/* The page size's power of two, or 0: TG0 and TG1 are not the same code. */
static unsigned int paging_page_bits(uint64_t tcr, bool high)
{
	static const unsigned int low_codes[] = {12, 16, 14, 0}, high_codes[] = {0, 14, 12, 16};

	return high ? high_codes[paging_field(tcr, 30, 2)] : low_codes[paging_field(tcr, 14, 2)];
}

/* How many bits input addresses may have, and at which level that many begin. */
static int paging_check_input_bits(struct walk *walk)
{
	struct regime *regime = &walk->regime;
	bool large = regime->page_bits == PAGE_BITS_64K;
	unsigned int most = regime->wide || large ? INPUT_BITS_MOST : INPUT_BITS_USUAL;
	unsigned int least = large ? INPUT_BITS_LEAST + 1 : INPUT_BITS_LEAST;
	unsigned int stride = regime->page_bits - 3;

	if (regime->input_bits > most || regime->input_bits < least)
		return paging_say(walk, "TCR_EL1: an address size out of range");
	regime->first_level = LAST_LEVEL + 1 -
			      (int)((regime->input_bits - regime->page_bits + stride - 1) / stride);
	return 0;
}

static int paging_choose_regime(struct walk *walk)
{
	const struct paging *paging = walk->paging;
	struct regime *regime = &walk->regime;
	bool high = paging_field(walk->address, RANGE_BIT, 1) != 0;
	uint64_t tcr = paging->tcr;
	uint64_t implemented = paging_field(paging->mmfr0, 0, 4), chosen = paging_field(tcr, 32, 3);

	*regime = (struct regime){
		.high = high,
		.tagged = paging_is_tagged(tcr, high),
		.huge_blocks = paging_output_bits(implemented) > OUTPUT_BITS_USUAL,
		.hierarchical = paging_field(tcr, high ? 42 : 41, 1) == 0,
		.ttbr = high ? paging->ttbr1 : paging->ttbr0,
		.page_bits = paging_page_bits(tcr, high),
		.input_bits = 64 - (unsigned int)paging_field(tcr, high ? 16 : 0, 6),
		.output_bits = paging_output_bits(chosen < implemented ? chosen : implemented),
	};
	if (paging_field(tcr, high ? 23 : 7, 1) != 0)
		return paging_say(walk, high ? "TCR_EL1.EPD1: TTBR1_EL1 is not to be walked"
					     : "TCR_EL1.EPD0: TTBR0_EL1 is not to be walked");
	if (regime->page_bits == 0)
		return paging_say(walk, "TCR_EL1: a page size that is none");
	regime->wide = (tcr & TCR_DS) != 0 && regime->page_bits != PAGE_BITS_64K;
	/* Without TCR.DS only the 64 KiB format has room for more than 48 bits. */
	if (regime->page_bits != PAGE_BITS_64K && !regime->wide &&
	    regime->output_bits > OUTPUT_BITS_USUAL)
		regime->output_bits = OUTPUT_BITS_USUAL;
	return paging_check_input_bits(walk);
}

/* Whether the bits above the input size are all like bit 55, but for a tag. */
static bool paging_is_in_range(const struct regime *regime, uint64_t address)
{
	unsigned int end = regime->tagged ? 56 : 64;
	uint64_t expected = regime->high ? UINT64_MAX : 0;

	return paging_keep(address, regime->input_bits, end) ==
	       paging_keep(expected, regime->input_bits, end);
}

/* The lowest bit of an address that @level's entries resolve. */
static unsigned int paging_level_shift(const struct regime *regime, int level)
{
	return regime->page_bits + (unsigned int)(LAST_LEVEL - level) * (regime->page_bits - 3);
}

static uint64_t paging_first_table(const struct regime *regime)
{
	unsigned int low = regime->input_bits - paging_level_shift(regime, regime->first_level) + 3;

	/* With 52 bits the upper ones are where a smaller table's address would end. */
	if (regime->output_bits <= OUTPUT_BITS_USUAL)
		return paging_keep(regime->ttbr, low, 48);
	if (low < TABLE_ALIGNMENT_52)
		low = TABLE_ALIGNMENT_52;
	return paging_keep(regime->ttbr, low, 48) | paging_field(regime->ttbr, 2, 4) << 48;
}

/* The address in an entry, @low the size of what it is of as a power of two. */
static uint64_t paging_entry_address(const struct regime *regime, uint64_t entry, unsigned int low)
{
	if (regime->wide)
		return paging_keep(entry, low, 50) | paging_field(entry, 8, 2) << 50;
	if (regime->page_bits == PAGE_BITS_64K)
		return paging_keep(entry, low, 48) | paging_field(entry, 12, 4) << 48;
	return paging_keep(entry, low, 48);
}

/* Whether a level's entry may be of a block. */
static bool paging_level_has_blocks(const struct regime *regime, int level)
{
	switch (regime->page_bits) {
	case 12:
		return level == 1 || level == 2 || (level == 0 && regime->wide);
	case 14:
		return level == 2 || (level == 1 && regime->wide);
	default:
		return level == 2 || (level == 1 && regime->huge_blocks);
	}
}

static void paging_restrict_below(struct walk *walk, uint64_t entry)
{
	struct rights *rights = &walk->rights;

	if (!walk->regime.hierarchical)
		return;
	rights->read_only |= (entry & TABLE_READONLY) != 0;
	rights->no_user |= (entry & TABLE_NO_USER) != 0;
	rights->pxn |= (entry & TABLE_PXN) != 0;
	rights->uxn |= (entry & TABLE_UXN) != 0;
}

static void paging_fill_rights(const struct walk *walk, uint64_t entry,
			       struct arch_translation *translation)
{
	const struct paging *paging = walk->paging;
	const struct rights *rights = &walk->rights;
	bool wxn = (paging->sctlr & SCTLR_WXN) != 0;
	/* A clean page that the processor makes dirty by itself is writable. */
	bool dirtied =
		(entry & ENTRY_DBM) && (paging->tcr & TCR_HD) != 0 && (paging->tcr & TCR_HA) != 0;
	bool uxn = rights->uxn || (entry & ENTRY_UXN) != 0;
	bool pxn = rights->pxn || (entry & ENTRY_PXN) != 0;
	bool user_writable;

	translation->writable = !rights->read_only && (!(entry & ENTRY_READONLY) || dirtied);
	translation->user = !rights->no_user && (entry & ENTRY_USER) != 0;
	user_writable = translation->writable && translation->user;
	if (user_writable || (wxn && translation->writable))
		pxn = true;
	if (wxn && user_writable)
		uxn = true;
	translation->executable = !uxn || !pxn;
}

static int paging_check_output(const struct walk *walk, uint64_t output)
{
	if (output >> walk->regime.output_bits == 0)
		return 0;
	return paging_say(walk,
			  "the address has more bits than TCR_EL1.IPS or the processor allow");
}

static int paging_read_entry(const struct walk *walk, int level, uint64_t gpa, uint64_t *entry)
{
	const struct paging *paging = walk->paging;

	if (paging_check_output(walk, gpa) < 0)
		return -EFAULT;
	if (!paging->read(paging->memory, gpa, entry)) {
		if (walk->steps)
			text_append(walk->steps, "level %d: no memory at 0x%llx\n", level,
				    (unsigned long long)gpa);
		return -EFAULT;
	}
	if (paging->sctlr & SCTLR_EE)
		*entry = __builtin_bswap64(*entry);
	if (walk->steps)
		text_append(walk->steps, "level %d: 0x%016llx at 0x%llx\n", level,
			    (unsigned long long)*entry, (unsigned long long)gpa);
	return 0;
}

/*
 * A page or block of 2^@shift bytes: its address, the offset in it, and what may be done with it.
 */
static int paging_take_leaf(const struct walk *walk, uint64_t entry, unsigned int shift,
			    struct arch_translation *translation)
{
	uint64_t output = paging_entry_address(&walk->regime, entry, shift);

	if (paging_check_output(walk, output) < 0)
		return -EFAULT;
	if (!(entry & ENTRY_ACCESSED) && !(walk->paging->tcr & TCR_HA))
		paging_say(walk, "its accessed flag is clear: the guest gets a fault first");
	translation->page_size = UINT64_C(1) << shift;
	translation->gpa = output | paging_field(walk->address, 0, shift);
	paging_fill_rights(walk, entry, translation);
	return 0;
}

static int paging_walk_tables(struct walk *walk, struct arch_translation *translation)
{
	const struct regime *regime = &walk->regime;
	uint64_t entry, table = paging_first_table(regime);
	unsigned int shift, end = regime->input_bits;

	for (int level = regime->first_level; level <= LAST_LEVEL; level++, end = shift) {
		bool points_on;

		shift = paging_level_shift(regime, level);
		if (paging_read_entry(walk, level,
				      table + 8 * paging_field(walk->address, shift, end - shift),
				      &entry) < 0)
			return -EFAULT;
		if (!(entry & ENTRY_VALID))
			return paging_say(walk, "not valid");
		points_on = (entry & ENTRY_TABLE) != 0;
		if (level == LAST_LEVEL ? points_on
					: !points_on && paging_level_has_blocks(regime, level))
			return paging_take_leaf(walk, entry, shift, translation);
		if (!points_on)
			break;
		paging_restrict_below(walk, entry);
		table = paging_entry_address(regime, entry, regime->page_bits);
	}
	return paging_say(walk, "a kind of entry that this level does not have");
}

/* Translation is off: every address is a physical one, less its tag. */
static int paging_walk_nothing(struct walk *walk, struct arch_translation *translation)
{
	const struct paging *paging = walk->paging;
	uint64_t gpa = walk->address;

	if (paging_is_tagged(paging->tcr, paging_field(gpa, RANGE_BIT, 1) != 0))
		gpa = paging_keep(gpa, 0, 56);
	walk->regime.output_bits = paging_output_bits(paging_field(paging->mmfr0, 0, 4));
	paging_say(walk, "SCTLR_EL1.M is clear: not paged");
	if (paging_check_output(walk, gpa) < 0)
		return -EFAULT;
	*translation = (struct arch_translation){
		.gpa = gpa,
		.page_size = UINT64_MAX,
		.writable = true,
		.user = true,
		.executable = true,
	};
	return 0;
}

int paging_walk(const struct paging *paging, uint64_t address, struct arch_translation *translation,
		struct text *steps)
{
	struct walk walk = {.paging = paging, .address = address, .steps = steps};
	int rc;

	*translation = (struct arch_translation){0};
	if (!(paging->sctlr & SCTLR_M))
		return paging_walk_nothing(&walk, translation);
	rc = paging_choose_regime(&walk);
	if (rc)
		return rc;
	if (!paging_is_in_range(&walk.regime, address))
		return paging_say(&walk, "the address is in neither half: its upper bits differ");
	return paging_walk_tables(&walk, translation);
}
