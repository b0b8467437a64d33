/* SPDX-License-Identifier: BSD-3-Clause */
/* The grammar of option values: FIRST[,NAME[=VALUE]]..., numbers and processor lists. */

#include "vmm/suboptions.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Ends the piece at @from with a NUL and undoubles its commas; what follows it, or NULL. */
static char *suboption_piece_end(char *from)
{
	char *to = from;

	for (;; from++, to++) {
		*to = *from;
		if (*from == '\0')
			return NULL;
		if (*from != ',')
			continue;
		if (from[1] != ',')
			break;
		from++;
	}
	*to = '\0';
	return from + 1;
}

/* Each part but @often is there once: which of two would count, nobody could tell. */
static int suboption_add(struct suboptions *options, char *piece, const char *often,
			 struct err *err)
{
	char *equals = strchr(piece, '=');

	if (equals)
		*equals++ = '\0';
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->item[i].name, piece) == 0 &&
		    (!often || strcmp(often, piece) != 0))
			return err_set(err, -EINVAL, "%.80s: given twice", piece);
	options->item[options->count].name = piece;
	options->item[options->count++].value = equals;
	return 0;
}

int suboptions_parse(const char *text, struct suboptions *options, struct err *err)
{
	return suboptions_parse_often(text, NULL, options, err);
}

int suboptions_parse_often(const char *text, const char *often, struct suboptions *options,
			   struct err *err)
{
	char *rest;
	int rc = 0;

	*options = (struct suboptions){.text = strdup(text)};
	if (!options->text)
		return err_set(err, -ENOMEM, "out of memory");
	options->first = options->text;
	rest = suboption_piece_end(options->text);
	while (rest && !rc) {
		char *piece = rest;

		rest = suboption_piece_end(piece);
		if (*piece == '\0' || options->count == SUBOPTIONS_MAX)
			rc = err_set(err, -EINVAL, "'%s': %s", text,
				     *piece == '\0' ? "nothing after a comma: double a comma that "
						      "is part of a value"
						    : "too many parts");
		else
			rc = suboption_add(options, piece, often, err);
	}
	if (rc)
		suboptions_release(options);
	return rc;
}

void suboptions_release(struct suboptions *options)
{
	free(options->text);
	*options = (struct suboptions){0};
}

static int suboption_parse_digits(const char *text, uint64_t *number, const char **end)
{
	uint64_t value = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -ERANGE;
	}
	*number = value;
	*end = text;
	return 0;
}

int suboptions_parse_number(const char *text, unsigned int lowest, unsigned int highest,
			    unsigned int *number)
{
	const char *end;
	uint64_t value;
	int rc = suboption_parse_digits(text, &value, &end);

	if (rc)
		return rc;
	if (*end != '\0')
		return -EINVAL;
	if (value < lowest || value > highest)
		return -ERANGE;
	*number = (unsigned int)value;
	return 0;
}

int suboptions_parse_list(const char *text, unsigned int *cpus, size_t room)
{
	size_t count = 0;

	for (;;) {
		uint64_t first, last;

		if (suboption_parse_digits(text, &first, &text))
			return -EINVAL;
		last = first;
		if (*text == '-' && suboption_parse_digits(text + 1, &last, &text))
			return -EINVAL;
		if (last < first || last > INT32_MAX)
			return -EINVAL;
		for (; first <= last; first++) {
			if (count == room)
				return -E2BIG;
			cpus[count++] = (unsigned int)first;
		}
		if (*text == '\0')
			return (int)count;
		if (*text++ != ':')
			return -EINVAL;
	}
}
