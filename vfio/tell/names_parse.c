/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a table of names, line by line, and saying which one is wrong. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "devices/pci/pci.h"
#include "vfio/tell/names.h"
#include "vfio/tell/names_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"

enum { LINE_SIZE = 1024 };

struct parser {
	struct vfio_names *names;
	const char *path;
	unsigned int line;
	unsigned int bar;
	int base;
	uint64_t base_offset;
	char *rest; /* of the line */
	struct err *err;
};

static int parse_error(struct parser *parser, const char *word, const char *what)
{
	return err_set(parser->err, -EINVAL, "names %s: line %u: '%.40s': %s", parser->path,
		       parser->line, word, what);
}

/* The next word, "" at the end of the line. */
static char *parse_word(struct parser *parser)
{
	char *word = parser->rest + strspn(parser->rest, " \t");

	parser->rest = word + strcspn(word, " \t");
	if (*parser->rest)
		*parser->rest++ = '\0';
	return word;
}

/* Decimal, or hexadecimal with 0x, up to where it ends. */
static bool parse_number(const char *text, uint64_t most, uint64_t *value, char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return false;
	errno = 0;
	*value = strtoull(text, end, hex ? 16 : 10);
	return errno == 0 && *value <= most;
}

static bool parse_whole_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	return parse_number(text, most, value, &end) && *end == '\0';
}

static bool parse_name(const char *text, char name[NAME_MAX_LENGTH + 1])
{
	size_t length = strlen(text);

	if (length == 0 || length > NAME_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	strcpy(name, text);
	return true;
}

static int parse_find(const struct parser *parser, const char *name)
{
	for (size_t i = 0; i < parser->names->value_count; i++)
		if (strcmp(parser->names->values[i].name, name) == 0 &&
		    parser->names->values[i].bar == parser->bar)
			return (int)i;
	return NO_VALUE;
}

/* One more of an array that grows by doubling; NULL without memory or room. */
static void *parse_grow(struct parser *parser, void **array, size_t *count, size_t size)
{
	char *grown = *array;

	if (*count == NAMES_MOST) {
		parse_error(parser, "", "the table is too long");
		return NULL;
	}
	if (*count == 0 || is_power_of_2(*count))
		grown = reallocarray(*array, *count ? 2 * *count : 1, size);
	if (!grown) {
		err_set(parser->err, -ENOMEM, "names %s: out of memory", parser->path);
		return NULL;
	}
	*array = grown;
	memset(grown + *count * size, 0, size);
	return grown + (*count)++ * size;
}

static int parse_bar(struct parser *parser)
{
	const char *word = parse_word(parser);
	uint64_t bar;

	if (!parse_whole_number(word, PCI_BARS - 1, &bar))
		return parse_error(parser, word, "not a BAR from 0 to 5");
	parser->bar = (unsigned int)bar;
	parser->base = NO_VALUE;
	parser->base_offset = 0;
	return 0;
}

static int parse_base(struct parser *parser)
{
	const char *word = parse_word(parser);

	parser->base_offset = 0;
	parser->base = parse_find(parser, word);
	if (parser->base == NO_VALUE &&
	    !parse_whole_number(word, NAMES_OFFSET_MOST, &parser->base_offset))
		return parse_error(parser, word, "neither an offset nor a name that `let` gave");
	return 0;
}

/* let NAME = OFFSET [& MASK] [>> SHIFT] */
static int parse_let(struct parser *parser)
{
	struct vfio_names *names = parser->names;
	struct names_value value = {.bar = parser->bar, .mask = UINT32_MAX}, *to;
	const char *word = parse_word(parser);
	uint64_t shift = 0;

	if (!parse_name(word, value.name) || isdigit((unsigned char)word[0]))
		return parse_error(parser, word, "not a name");
	if (parse_find(parser, word) != NO_VALUE)
		return parse_error(parser, word, "named twice");
	word = parse_word(parser);
	if (strcmp(word, "=") != 0)
		return parse_error(parser, word, "= must come here");
	word = parse_word(parser);
	if (!parse_whole_number(word, NAMES_OFFSET_MOST, &value.offset))
		return parse_error(parser, word, "not an offset such as 0x10");
	word = parse_word(parser);
	if (strcmp(word, "&") == 0) {
		word = parse_word(parser);
		if (!parse_whole_number(word, UINT64_MAX, &value.mask) || value.mask == 0)
			return parse_error(parser, word, "not a mask such as 0xff");
		word = parse_word(parser);
	}
	if (strcmp(word, ">>") == 0) {
		word = parse_word(parser);
		if (!parse_whole_number(word, 63, &shift))
			return parse_error(parser, word, "not a number of bits");
		word = parse_word(parser);
	}
	if (*word)
		return parse_error(parser, word, "only & MASK and >> BITS may follow");
	value.shift = (unsigned int)shift;
	to = parse_grow(parser, (void **)&names->values, &names->value_count, sizeof(*to));
	if (!to)
		return parser->err->code;
	*to = value;
	return 0;
}

/* COUNT*STRIDE], the count a number or the name of one. */
static int parse_array(struct parser *parser, struct names_register *reg, char *text)
{
	char *star = strchr(text, '*');
	size_t length = strlen(text);

	if (!star || text[length - 1] != ']')
		return parse_error(parser, text, "not [COUNT*STRIDE]");
	*star = text[length - 1] = '\0';
	reg->array = true;
	reg->counter = parse_find(parser, text);
	if (reg->counter == NO_VALUE &&
	    (!parse_whole_number(text, UINT32_MAX, &reg->count) || reg->count == 0))
		return parse_error(parser, text, "neither a count nor a name that `let` gave");
	if (!parse_whole_number(star + 1, UINT32_MAX, &reg->stride) || reg->stride < reg->size)
		return parse_error(parser, star + 1, "not a stride, or less than the register");
	return 0;
}

/* BIT:NAME or HIGH-LOW:NAME */
static int parse_bit(struct parser *parser, const struct names_register *reg, const char *word)
{
	struct vfio_names *names = parser->names;
	struct names_bit *bit;
	uint64_t high, low;
	char *end;

	if (!parse_number(word, 8 * reg->size - 1, &high, &end))
		return parse_error(parser, word, "not a bit of it");
	low = high;
	if (*end == '-' && (!parse_number(end + 1, high, &low, &end)))
		return parse_error(parser, word, "not bits of it, the highest first");
	bit = parse_grow(parser, (void **)&names->bits, &names->bit_count, sizeof(*bit));
	if (!bit)
		return parser->err->code;
	bit->high = (unsigned int)high;
	bit->low = (unsigned int)low;
	if (*end != ':' || !parse_name(end + 1, bit->name))
		return parse_error(parser, word, "not BIT:NAME or HIGH-LOW:NAME");
	return 0;
}

/* OFFSET[/SIZE] */
static int parse_place(struct parser *parser, struct names_register *reg, const char *word)
{
	uint64_t size = 4;
	char *end;

	if (!parse_number(word, NAMES_OFFSET_MOST, &reg->offset, &end))
		return parse_error(parser, word,
				   "neither bar, base, let nor an offset such as 0x10");
	if (*end == '/' && !parse_number(end + 1, 8, &size, &end))
		size = 0;
	if (*end || !is_power_of_2(size))
		return parse_error(parser, word, "not OFFSET or OFFSET/SIZE, of 1, 2, 4 or 8");
	reg->offset += parser->base_offset;
	reg->size = (unsigned int)size;
	return 0;
}

/* OFFSET[/SIZE] NAME[[COUNT*STRIDE]] BITS... */
static int parse_register(struct parser *parser, const char *place)
{
	struct vfio_names *names = parser->names;
	struct names_register *reg = parse_grow(parser, (void **)&names->registers,
						&names->register_count, sizeof(*reg));
	char *word, *bracket;
	int rc;

	if (!reg)
		return parser->err->code;
	*reg = (struct names_register){.bar = parser->bar,
				       .base = parser->base,
				       .counter = NO_VALUE,
				       .count = 1,
				       .first_bit = names->bit_count};
	rc = parse_place(parser, reg, place);
	if (rc)
		return rc;
	reg->stride = reg->size;
	word = parse_word(parser);
	bracket = strchr(word, '[');
	if (bracket)
		*bracket++ = '\0';
	if (!parse_name(word, reg->name))
		return parse_error(parser, word, "not a name");
	rc = bracket ? parse_array(parser, reg, bracket) : 0;
	while (!rc && *(word = parse_word(parser)))
		rc = parse_bit(parser, reg, word);
	reg->bits = names->bit_count - reg->first_bit;
	return rc;
}

static int parse_line(struct parser *parser, char *line)
{
	const char *word;

	line[strcspn(line, "#\r")] = '\0';
	parser->rest = line;
	word = parse_word(parser);
	if (*word == '\0')
		return 0;
	if (strcmp(word, "let") == 0)
		return parse_let(parser);
	if (strcmp(word, "bar") != 0 && strcmp(word, "base") != 0)
		return parse_register(parser, word);
	if (word[2] == 'r' ? parse_bar(parser) : parse_base(parser))
		return parser->err->code;
	word = parse_word(parser);
	return *word ? parse_error(parser, word, "nothing may follow") : 0;
}

static int parse_file(struct parser *parser, FILE *file)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof(line), file)) {
		size_t length = strlen(line);
		int rc;

		parser->line++;
		if (length && line[length - 1] == '\n')
			line[length - 1] = '\0';
		else if (length == 0 || !feof(file))
			return parse_error(parser, line, "too long, or not a text");
		rc = parse_line(parser, line);
		if (rc)
			return rc;
	}
	if (ferror(file))
		return err_set(parser->err, -EIO, "names %s: %s", parser->path, err_text(errno));
	return 0;
}

/* What is no file could keep the start waiting for ever. */
static FILE *parse_open(const char *path, int given, struct err *err)
{
	int fd = fd_open_input(path, given), rc;
	struct stat status;
	FILE *file = NULL;

	if (fd < 0) {
		err_set(err, fd, "names %s: %s", path, err_text(fd));
		return NULL;
	}
	rc = files_stat(fd, &status);
	if (!rc && S_ISREG(status.st_mode)) {
		file = files_stream(fd);
		rc = file ? 0 : -errno;
	} else if (!rc) {
		err_set(err, -EINVAL, "names %s: it is not a file", path);
	}
	if (rc)
		err_set(err, rc, "names %s: %s", path, err_text(rc));
	fd_close(&fd);
	return file;
}

struct vfio_names *vfio_names_load(const char *path, int given, struct err *err)
{
	struct parser parser = {.path = path, .base = NO_VALUE, .err = err};
	FILE *file = parse_open(path, given, err);
	int rc;

	if (!file)
		return NULL;
	parser.names = calloc(1, sizeof(*parser.names));
	if (parser.names)
		rc = parse_file(&parser, file);
	else
		rc = err_set(err, -ENOMEM, "names %s: out of memory", path);
	fclose(file);
	if (!rc)
		return parser.names;
	vfio_names_free(parser.names);
	return NULL;
}
