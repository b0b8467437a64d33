/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of a traced device: a line an access or event, written at once unless its reader is slow.
 */

#include "vfio/tell/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vfio/pci/pci.h"
#include "vfio/tell/decode.h"
#include "vfio/tell/names.h"
#include "vmm/base/fd.h"
#include "vmm/base/lines.h"
#include "vmm/base/log.h"
#include "vmm/kvm/origin.h"

enum { LINE_SIZE = 1024 };

struct vfio_trace {
	char *path;
	pthread_mutex_t lock; /* has the lines' below it, else a leaf */
	struct timespec start;
	bool ended; /* it took no more */
	struct lines lines;
	char waiting[LINES_SIZE];
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

/* Which vCPU's doing it is and from where, "" on a thread that is none's. */
static void trace_format_origin(char *text, size_t size)
{
	struct kvm_origin origin;

	text[0] = '\0';
	if (!kvm_origin_get(&origin))
		return;
	if (origin.has_pc)
		snprintf(text, size, "  (vCPU %u at 0x%" PRIx64 ")", origin.vcpu, origin.pc);
	else
		snprintf(text, size, "  (vCPU %u)", origin.vcpu);
}

/* One look for all: what, way, offset+bytes, value at its width, meaning, whose. */
static void trace_tell_access(struct vfio_trace *trace, const char *space, bool write,
			      uint64_t offset, unsigned int size, uint64_t value,
			      const char *meaning)
{
	char origin[64];

	trace_format_origin(origin, sizeof(origin));
	vfio_trace_note(trace, "%-7s %-5s 0x%04" PRIx64 "+%u  0x%0*" PRIx64 "%s%s%s", space,
			write ? "write" : "read", offset, size, (int)size * 2, value,
			*meaning ? "  " : "", meaning, origin);
}

void vfio_trace_config(struct vfio_trace *trace, const struct vfio_pci *pci, bool write,
		       unsigned int offset, unsigned int size, uint32_t value)
{
	char meaning[DECODE_SIZE];

	vfio_decode_config(pci, offset, size, value, meaning);
	trace_tell_access(trace, "config", write, offset, size, value, meaning);
}

void vfio_trace_bar(struct vfio_trace *trace, const struct vfio_pci *pci, unsigned int bar,
		    bool write, uint64_t offset, unsigned int size, uint64_t value)
{
	char space[16], meaning[DECODE_SIZE];

	if (pci->names && !write)
		vfio_names_learn(pci->names, bar, offset, size, value);
	vfio_decode_bar(pci, bar, offset, size, value, meaning);
	snprintf(space, sizeof(space), "bar%u", bar);
	trace_tell_access(trace, space, write, offset, size, value, meaning);
}

static int trace_open_file(struct vfio_trace *trace, int given, const char *name)
{
	char head[LINE_SIZE];
	int fd = given ? fd_output_again(given) : fd_open_output(trace->path, 0), size;

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

struct vfio_trace *vfio_trace_open(const char *path, int given, const char *name, struct err *err)
{
	struct vfio_trace *trace = calloc(1, sizeof(*trace));
	int rc = -ENOMEM;

	if (trace) {
		pthread_mutex_init(&trace->lock, NULL);
		pthread_mutex_init(&trace->lines.lock, NULL);
		trace->lines.writer.fd = -1;
		trace->lines.mark = "# ";
		trace->lines.waiting = trace->waiting;
		trace->path = strdup(path);
		rc = trace->path ? trace_open_file(trace, given, name) : -ENOMEM;
	}
	if (!rc)
		return trace;
	err_set(err, rc, "passthrough device %s: trace %s: %s", name, path, fd_output_text(rc));
	vfio_trace_close(trace);
	return NULL;
}

void vfio_trace_attend(struct vfio_trace *trace, struct loop *loop)
{
	if (trace)
		lines_attend(&trace->lines, loop);
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
