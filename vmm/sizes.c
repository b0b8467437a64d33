/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes as a person writes them: the guest's memory and the pages that it is made of. */

#include "vmm/sizes.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arch/arch.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

/* So many digits after the point that a fraction of 1 TiB in them fits 64 bits. */
enum { SIZE_DIGITS_MAX = 6 };

static const char size_units[] = "KMGT";

/* A number as it was written: @whole and @fraction / @scale. */
struct size_number {
	uint64_t whole, fraction, scale;
};

static int size_refuse(const char *text, struct err *err)
{
	return err_set(err, -EINVAL, "'%.40s': not a size such as 512M or 1.5G", text);
}

static int size_refuse_large(const char *text, struct err *err)
{
	return err_set(err, -EINVAL, "'%.40s': more than any machine has", text);
}

/* Zeros at the end tell nothing. */
static int size_parse_fraction(const char **text, struct size_number *number)
{
	size_t digits = strspn(*text, "0123456789"), kept = digits;

	if (digits == 0)
		return -EINVAL;
	while (kept && (*text)[kept - 1] == '0')
		kept--;
	if (kept > SIZE_DIGITS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < kept; i++) {
		number->fraction = number->fraction * 10 + (uint64_t)((*text)[i] - '0');
		number->scale *= 10;
	}
	*text += digits;
	return 0;
}

/* What follows the number: how far it is shifted, -1 without a unit, or -EINVAL. */
static int size_parse_unit(const char *text, unsigned int *shift)
{
	const char *unit = strchr(size_units, toupper((unsigned char)*text));

	if (*text == '\0')
		return -1;
	if (!unit || (text[1] && strcasecmp(text + 1, "B") != 0 && strcasecmp(text + 1, "iB") != 0))
		return -EINVAL;
	*shift = 10 * (unsigned int)(unit - size_units + 1);
	return 0;
}

/* Some mean MiB, as other monitors take it, others bytes: what a machine could have tells. */
static int size_refuse_bare(const char *text, const struct size_number *number, struct err *err)
{
	uint64_t whole = number->whole;

	if (number->fraction || whole % KIB || whole < MIB)
		return err_set(err, -EINVAL, "'%.40s': it has no unit: write %.40s%c", text, text,
			       number->fraction ? 'G' : 'M');
	return err_set(err, -EINVAL, "'%.40s': it has no unit: write %" PRIu64 "%c", text,
		       whole % MIB ? whole / KIB : whole / MIB, whole % MIB ? 'K' : 'M');
}

/* The next smaller unit has one that is a whole number. */
static int size_refuse_part(const char *text, const struct size_number *number, unsigned int shift,
			    struct err *err)
{
	unsigned int less = shift > 10 ? shift - 10 : shift;
	uint64_t units = (number->whole << (shift - less)) +
			 (number->fraction << (shift - less)) / number->scale;

	return err_set(err, -EINVAL, "'%.40s': not a whole number of bytes: write %" PRIu64 "%c",
		       text, units, size_units[less / 10 - 1]);
}

int size_parse(const char *text, uint64_t *bytes, struct err *err)
{
	struct size_number number = {.scale = 1};
	unsigned int shift = 0;
	char *after;
	const char *end;
	int unit;

	if (!isdigit((unsigned char)*text))
		return size_refuse(text, err);
	errno = 0;
	number.whole = strtoull(text, &after, 10);
	if (errno)
		return size_refuse_large(text, err);
	end = after;
	if (*end == '.') {
		end++;
		if (size_parse_fraction(&end, &number))
			return size_refuse(text, err);
	}
	unit = size_parse_unit(end, &shift);
	if (unit == -EINVAL)
		return size_refuse(text, err);
	if (unit && (number.whole || number.fraction))
		return size_refuse_bare(text, &number, err);
	if (number.whole > UINT64_MAX >> shift)
		return size_refuse_large(text, err);
	if ((number.fraction << shift) % number.scale)
		return size_refuse_part(text, &number, shift, err);
	*bytes = (number.whole << shift) + (number.fraction << shift) / number.scale;
	return 0;
}

int size_parse_huge_page(const char *text, uint64_t *bytes, struct err *err)
{
	int rc = size_parse(text, bytes, err);

	if (rc || *bytes == 2 * MIB || *bytes == GIB)
		return rc;
	return err_set(err, -EINVAL, "'%.40s': huge pages are of 2M or 1G", text);
}

int size_check_memory(const char *text, uint64_t memory, uint64_t page_size, struct err *err)
{
	uint64_t page = page_size ? page_size : host_page_size();

	if (!is_aligned(memory, page))
		return err_set(err, -EINVAL,
			       "'%.40s': not a multiple of the page size, %" PRIu64 " KiB", text,
			       page / KIB);
	if (memory < arch_ram_minimum())
		return err_set(err, -EINVAL,
			       "'%.40s': too small: this machine needs at least %" PRIu64 " KiB",
			       text, arch_ram_minimum() / KIB);
	return 0;
}
