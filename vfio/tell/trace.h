/* SPDX-License-Identifier: BSD-3-Clause */
/* A readable log of what a guest does with its device, and of the device's interrupts. */

#ifndef FERRY_VFIO_TELL_TRACE_H
#define FERRY_VFIO_TELL_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"

struct vfio_pci;
struct vfio_trace;

/*
 * Creates or empties the file at @path, or with @given goes on in what is open as that, and heads
 * it. A line an event: seconds since then, what it was about, which way, place, value, and what a
 * standard register makes of it. Nobody waits for a pipe's reader: lines wait for it, as lines.h
 * tells, and the next event writes on. NULL with @err.
 */
struct vfio_trace *vfio_trace_open(const char *path, int given, const char *name, struct err *err);

/* NULL is allowed, here and below. From now on @loop writes on, too. */
void vfio_trace_attend(struct vfio_trace *trace, struct loop *loop);

/* On the loop's thread, if that attends to it. A reader has a moment for what waits. */
void vfio_trace_close(struct vfio_trace *trace);

/* The file's, -1 without. */
int vfio_trace_descriptor(const struct vfio_trace *trace);

/*
 * An access of @size bytes to config space or to BAR @bar, with what was read or is written. The
 * ROM is memory and has none. Device lock held. A file that takes no more is told of once, then
 * left alone.
 */
void vfio_trace_config(struct vfio_trace *trace, const struct vfio_pci *pci, bool write,
		       unsigned int offset, unsigned int size, uint32_t value);
void vfio_trace_bar(struct vfio_trace *trace, const struct vfio_pci *pci, unsigned int bar,
		    bool write, uint64_t offset, unsigned int size, uint64_t value);

/* An interrupt or anything else that is not an access, as a text of one line. Any thread. */
void vfio_trace_note(struct vfio_trace *trace, const char *format, ...) FERRY_PRINTF(2, 3);

#endif
