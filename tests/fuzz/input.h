/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzz targets share: bytes of the input, conditions that must hold, silence. */

#ifndef FERRY_TESTS_FUZZ_INPUT_H
#define FERRY_TESTS_FUZZ_INPUT_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *bytes;
	size_t left;
};

/* Zeroes when the input has ended. */
static inline void take(struct input *input, void *to, size_t size)
{
	size_t there = size < input->left ? size : input->left;

	memset(to, 0, size);
	memcpy(to, input->bytes, there);
	input->bytes += there;
	input->left -= there;
}

static inline uint64_t take_number(struct input *input, unsigned int size)
{
	uint8_t bytes[8];

	take(input, bytes, size);
	return load_le(bytes, size);
}

static inline uint8_t take8(struct input *input)
{
	return (uint8_t)take_number(input, 1);
}

static inline uint16_t take16(struct input *input)
{
	return (uint16_t)take_number(input, 2);
}

static inline uint64_t take64(struct input *input)
{
	return take_number(input, 8);
}

/* What must hold whatever the input is. */
#define require(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* How many of the low descriptors are open; a target has no others. */
static inline unsigned int open_descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Messages are made, so that a wrong one is found, and not shown. */
static inline void swallow(const char *format, va_list arguments)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, arguments);
}

#define DEFINE_SILENT_LOG(level)                                                                   \
	void log_##level(const char *format, ...)                                                  \
	{                                                                                          \
		va_list arguments;                                                                 \
                                                                                                   \
		va_start(arguments, format);                                                       \
		swallow(format, arguments);                                                        \
		va_end(arguments);                                                                 \
	}

DEFINE_SILENT_LOG(error)
DEFINE_SILENT_LOG(warn)
DEFINE_SILENT_LOG(notice)
DEFINE_SILENT_LOG(info)
DEFINE_SILENT_LOG(debug)
DEFINE_SILENT_LOG(say)

bool log_is_mid_line(void)
{
	return false;
}

void log_guest(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)limit;
	(void)level;
	va_start(arguments, format);
	swallow(format, arguments);
	va_end(arguments);
}

#endif
