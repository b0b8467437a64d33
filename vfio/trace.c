/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing the log of a traced device, a line an event, each flushed so that a crash loses none. */

#include "vfio/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/log.h"

struct vfio_trace {
	FILE *file; /* NULL after it took no more */
	char *path;
	pthread_mutex_t lock; /* a leaf */
	struct timespec start;
};

/* Lock held. */
static void print(struct vfio_trace *trace, const char *format, va_list arguments)
{
	struct timespec now;
	long nanoseconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	nanoseconds = now.tv_nsec - trace->start.tv_nsec;
	now.tv_sec -= trace->start.tv_sec + (nanoseconds < 0);
	nanoseconds += nanoseconds < 0 ? 1000000000 : 0;
	fprintf(trace->file, "%5lld.%06ld  ", (long long)now.tv_sec, nanoseconds / 1000);
	vfprintf(trace->file, format, arguments);
	fputc('\n', trace->file);
}

void vfio_trace_note(struct vfio_trace *trace, const char *format, ...)
{
	va_list arguments;

	if (!trace)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&trace->lock);
	if (trace->file)
		print(trace, format, arguments);
	if (trace->file && ferror(trace->file)) {
		log_warn("trace %s: it cannot be written: %s: the trace ends here", trace->path,
			 err_text(-errno));
		fclose(trace->file);
		trace->file = NULL;
	}
	pthread_mutex_unlock(&trace->lock);
	va_end(arguments);
}

struct vfio_trace *vfio_trace_open(const char *path, const char *name, struct err *err)
{
	struct vfio_trace *trace = calloc(1, sizeof(*trace));

	if (!trace) {
		err_set(err, -ENOMEM, "passthrough device %s: trace %s: out of memory", name, path);
		return NULL;
	}
	pthread_mutex_init(&trace->lock, NULL);
	trace->path = strdup(path);
	trace->file = fopen(path, "we");
	if (!trace->file || !trace->path) {
		err_set(err, -errno, "passthrough device %s: trace %s: %s", name, path,
			err_text(-errno));
		vfio_trace_close(trace);
		return NULL;
	}
	setvbuf(trace->file, NULL, _IOLBF, BUFSIZ);
	clock_gettime(CLOCK_MONOTONIC, &trace->start);
	fprintf(trace->file,
		"# device %s: seconds, space, way, offset and bytes, value, what it means\n", name);
	return trace;
}

int vfio_trace_descriptor(struct vfio_trace *trace)
{
	int fd = -1;

	if (!trace)
		return fd;
	pthread_mutex_lock(&trace->lock);
	if (trace->file)
		fd = fileno(trace->file);
	pthread_mutex_unlock(&trace->lock);
	return fd;
}

void vfio_trace_close(struct vfio_trace *trace)
{
	if (!trace)
		return;
	if (trace->file)
		fclose(trace->file);
	pthread_mutex_destroy(&trace->lock);
	free(trace->path);
	free(trace);
}
