/* SPDX-License-Identifier: BSD-3-Clause */
/* A file of options, one a line, as `ferry run @FILE` reads it. */

#include "vmm/option_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/fd.h"

/* Up to @room bytes, from what may be a pipe; their number or a negative errno. */
static ssize_t option_file_fill(int fd, char *text, size_t room)
{
	size_t size = 0;
	ssize_t got;

	do {
		got = read(fd, text + size, room - size);
		if (got < 0 && errno != EINTR)
			return -errno;
		size += got > 0 ? (size_t)got : 0;
	} while (got != 0 && size < room);
	return (ssize_t)size;
}

int option_file_read(const char *path, struct option_file *file, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t size;

	*file = (struct option_file){0};
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, err_text(errno));
	/* One more than is taken, to see that there is more; and the last line's end. */
	file->text = malloc(OPTION_FILE_MOST + 2);
	size = file->text ? option_file_fill(fd, file->text, OPTION_FILE_MOST + 1) : -ENOMEM;
	fd_close(&fd);
	if (size >= 0 && size <= OPTION_FILE_MOST) {
		file->next = file->text;
		file->end = file->text + size;
		/* Editors of another system mark UTF-8 so. */
		if (size >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0)
			file->next += 3;
		return 0;
	}
	free(file->text);
	file->text = NULL;
	if (size < 0)
		return err_set(err, (int)size, "%s: %s", path, err_text((int)size));
	return err_set(err, -EFBIG, "%s: longer than a file of options may be, %d KiB", path,
		       OPTION_FILE_MOST / 1024);
}

static int option_file_check(const char *line, const char *end, struct err *err)
{
	for (; line < end; line++)
		if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
			return err_set(err, -EINVAL,
				       "it has a control character: is this a file of options?");
	return 0;
}

static bool option_file_is_quoted(const char *value)
{
	size_t length = strlen(value);

	return length > 1 && (*value == '"' || *value == '\'') && value[length - 1] == *value;
}

static int option_file_split(char *text, struct option_line *line, struct err *err)
{
	size_t length = strcspn(text, "= \t");
	char separator = text[length], *value = text + length + 1;

	if (*text != '-') {
		line->value = text;
		return option_file_is_quoted(text)
			       ? err_set(err, -EINVAL,
					 "%.80s: a name is its line as it is: leave the quotes out",
					 text)
			       : 0;
	}
	line->name = text;
	if (separator == '\0')
		return 0;
	text[length] = '\0';
	if (separator != '=')
		value += strspn(value, " \t");
	line->value = value;
	if (option_file_is_quoted(value))
		return err_set(err, -EINVAL,
			       "%.80s: a value is the rest of its line as it is: leave the quotes "
			       "out",
			       line->name);
	return 0;
}

static bool option_file_is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r';
}

int option_file_next(struct option_file *file, struct option_line *line, struct err *err)
{
	while (file->next < file->end) {
		char *begin = file->next;
		char *end = memchr(begin, '\n', (size_t)(file->end - begin));
		int rc;

		end = end ? end : file->end;
		file->next = end < file->end ? end + 1 : end;
		*line = (struct option_line){.number = ++file->number};
		while (begin < end && option_file_is_blank(*begin))
			begin++;
		/* A carriage return is here only what another system ends its lines with. */
		while (begin < end && option_file_is_blank(end[-1]))
			end--;
		if (begin == end || *begin == '#')
			continue;
		*end = '\0';
		rc = option_file_check(begin, end, err);
		if (!rc)
			rc = option_file_split(begin, line, err);
		return rc ? rc : 1;
	}
	return 0;
}
