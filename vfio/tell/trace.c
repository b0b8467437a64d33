/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing the log of a traced device: a line an event, written at once unless its reader is slow.
 */

#include "vfio/tell/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/fd.h"
#include "vmm/base/lines.h"
#include "vmm/base/log.h"

enum { LINE_SIZE = 1024 };

struct vfio_trace {
	char *path;
	pthread_mutex_t lock; /* has the lines' below it, else a leaf */
	struct timespec start;
	bool ended; /* it took no more */
	struct lines lines;
};

/* Lock held. */
static int trace_put(struct vfio_trace *trace, const char *format, va_list arguments)
{
	char line[LINE_SIZE];
	struct timespec now;
	long nanoseconds;
	size_t size;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	nanoseconds = now.tv_nsec - trace->start.tv_nsec;
	now.tv_sec -= trace->start.tv_sec + (nanoseconds < 0);
	nanoseconds += nanoseconds < 0 ? 1000000000 : 0;
	size = (size_t)snprintf(line, sizeof(line), "%5lld.%06ld  ", (long long)now.tv_sec,
				nanoseconds / 1000);
	n = vsnprintf(line + size, sizeof(line) - size, format, arguments);
	size += n < 0 ? 0 : (size_t)n;
	if (size > sizeof(line) - 1)
		size = sizeof(line) - 1;
	line[size++] = '\n';
	return lines_put(&trace->lines, line, size);
}

void vfio_trace_note(struct vfio_trace *trace, const char *format, ...)
{
	va_list arguments;
	int rc;

	if (!trace)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&trace->lock);
	rc = trace->ended ? 0 : trace_put(trace, format, arguments);
	if (rc) {
		log_warn("trace %s: it cannot be written: %s: the trace ends here", trace->path,
			 err_text(rc));
		trace->ended = true;
	}
	pthread_mutex_unlock(&trace->lock);
	va_end(arguments);
}

static int trace_open_file(struct vfio_trace *trace, const char *name)
{
	char head[LINE_SIZE];
	int fd = fd_open_output(trace->path, 0), size;

	if (fd < 0)
		return fd;
	writer_take(&trace->lines.writer, fd);
	size = snprintf(head, sizeof(head),
			"# device %s: seconds, space, way, offset and bytes, value, what it "
			"means (whose)\n",
			name);
	clock_gettime(CLOCK_MONOTONIC, &trace->start);
	/* A full disk is told of with the first event. */
	if (lines_put(&trace->lines, head, (size_t)size))
		log_debug("trace %s: its head cannot be written", trace->path);
	return 0;
}

struct vfio_trace *vfio_trace_open(const char *path, const char *name, struct loop *loop,
				   struct err *err)
{
	struct vfio_trace *trace = calloc(1, sizeof(*trace));
	int rc = -ENOMEM;

	if (trace) {
		pthread_mutex_init(&trace->lock, NULL);
		pthread_mutex_init(&trace->lines.lock, NULL);
		trace->lines.writer.fd = -1;
		trace->lines.mark = "# ";
		trace->lines.loop = loop;
		trace->path = strdup(path);
		rc = trace->path ? trace_open_file(trace, name) : -ENOMEM;
	}
	if (!rc)
		return trace;
	err_set(err, rc, "passthrough device %s: trace %s: %s", name, path, fd_output_text(rc));
	vfio_trace_close(trace);
	return NULL;
}

int vfio_trace_descriptor(const struct vfio_trace *trace)
{
	return trace ? trace->lines.writer.fd : -1;
}

void vfio_trace_close(struct vfio_trace *trace)
{
	if (!trace)
		return;
	lines_flush(&trace->lines);
	lines_attend(&trace->lines, NULL);
	writer_close(&trace->lines.writer);
	pthread_mutex_destroy(&trace->lines.lock);
	pthread_mutex_destroy(&trace->lock);
	free(trace->path);
	free(trace);
}
