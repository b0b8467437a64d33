/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that read and write registers and memory, and set breakpoints and watchpoints. */

#include <errno.h>

#include "vmm/debug/gdb/session_private.h"

enum { MEMORY_MAX = GDB_PACKET_MAX / 2 };

static void data_reply_done(struct gdb_session *session, int rc)
{
	if (rc)
		gdb_reply_error(&session->reply, rc);
	else
		gdb_reply_text(&session->reply, "OK");
}

/* The register's size, or 0 when there is no such register. */
static size_t data_register_size(struct gdb_session *session, uint64_t number)
{
	size_t size;

	if (number >= gdb_target_register_count(session->target))
		return 0;
	size = gdb_target_register_size(session->target, (unsigned int)number);
	return size <= GDB_REGISTER_MAX ? size : 0;
}

/* Appends the register; one that the vCPU has not got at the moment in the way that says so. */
static int data_reply_register(struct gdb_session *session, unsigned int number)
{
	size_t size = data_register_size(session, number);
	uint8_t bytes[GDB_REGISTER_MAX];
	int rc;

	if (size == 0)
		return -ENOENT;
	rc = gdb_target_register_read(session->target, session->general, number, bytes);
	if (rc == -ENODATA) {
		while (size-- > 0)
			gdb_reply_text(&session->reply, "xx");
		return 0;
	}
	if (rc == 0)
		gdb_reply_hex(&session->reply, bytes, size);
	return rc;
}

static void data_command_read_registers(struct gdb_session *session, struct gdb_scan *scan)
{
	unsigned int count = gdb_target_general_count(session->target);
	int rc = 0;

	(void)scan;
	for (unsigned int i = 0; i < count && rc == 0; i++)
		rc = data_reply_register(session, i);
	if (rc)
		gdb_reply_error(&session->reply, rc);
}

static void data_command_read_register(struct gdb_session *session, struct gdb_scan *scan)
{
	uint64_t number;
	int rc = -EINVAL;

	if (gdb_scan_number(scan, &number) && gdb_scan_end(scan))
		rc = data_register_size(session, number) > 0
			     ? data_reply_register(session, (unsigned int)number)
			     : -ENOENT;
	if (rc)
		gdb_reply_error(&session->reply, rc);
}

/*
 * Reads all general registers from @scan, and writes them when @write; those that cannot be are
 * left.
 */
static int data_scan_registers(struct gdb_session *session, struct gdb_scan scan, bool write)
{
	unsigned int count = gdb_target_general_count(session->target);
	uint8_t bytes[GDB_REGISTER_MAX];

	for (unsigned int i = 0; i < count; i++) {
		int rc = 0;

		if (!gdb_scan_bytes(&scan, bytes, data_register_size(session, i)))
			return -EINVAL;
		if (write)
			rc = gdb_target_register_write(session->target, session->general, i, bytes);
		if (rc && rc != -EACCES && rc != -ENODATA)
			return rc;
	}
	return gdb_scan_end(&scan) ? 0 : -EINVAL;
}

static void data_command_write_registers(struct gdb_session *session, struct gdb_scan *scan)
{
	int rc = data_scan_registers(session, *scan, false);

	if (rc == 0)
		rc = data_scan_registers(session, *scan, true);
	data_reply_done(session, rc);
}

static int data_write_register(struct gdb_session *session, struct gdb_scan *scan)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	uint64_t number;
	size_t size;

	if (!gdb_scan_number(scan, &number) || !gdb_scan_word(scan, "="))
		return -EINVAL;
	size = data_register_size(session, number);
	if (size == 0)
		return -ENOENT;
	if (!gdb_scan_bytes(scan, bytes, size) || !gdb_scan_end(scan))
		return -EINVAL;
	return gdb_target_register_write(session->target, session->general, (unsigned int)number,
					 bytes);
}

static void data_command_write_register(struct gdb_session *session, struct gdb_scan *scan)
{
	int rc = data_write_register(session, scan);

	if (rc == -EACCES)
		gdb_reply_sentence(&session->reply, "the register cannot be written");
	else if (rc == -ENODATA)
		gdb_reply_sentence(&session->reply, "the vCPU has no such register at the moment");
	else if (rc == -EBUSY)
		gdb_reply_sentence(&session->reply,
				   "the vCPU crashed, or waits in the middle of an instruction");
	else
		data_reply_done(session, rc);
}

/* An address and a length that do not go past the last address. */
static bool data_scan_place(struct gdb_scan *scan, uint64_t *address, uint64_t *length)
{
	return gdb_scan_pair(scan, ',', address, length) &&
	       (*length == 0 || *length - 1 <= UINT64_MAX - *address);
}

/* Errors by number alone: gdb takes a sentence for what the memory holds. */
static void data_command_read_memory(struct gdb_session *session, struct gdb_scan *scan)
{
	uint8_t bytes[MEMORY_MAX];
	uint64_t address, length;
	int count;

	if (!data_scan_place(scan, &address, &length) || !gdb_scan_end(scan) || length == 0) {
		gdb_reply_error(&session->reply, -EINVAL);
		return;
	}
	if (length > sizeof(bytes))
		length = sizeof(bytes);
	count = gdb_target_memory_read(session->target, session->general, address, bytes,
				       (size_t)length);
	if (count <= 0)
		gdb_reply_error(&session->reply, count < 0 ? count : -EFAULT);
	else
		gdb_reply_hex(&session->reply, bytes, (size_t)count);
}

static void data_write_memory(struct gdb_session *session, uint64_t address, const uint8_t *bytes,
			      size_t size)
{
	int rc = 0;

	if (size > 0)
		rc = gdb_target_memory_write(session->target, session->general, address, bytes,
					     size);
	data_reply_done(session, rc);
}

static void data_command_write_memory(struct gdb_session *session, struct gdb_scan *scan)
{
	uint8_t bytes[MEMORY_MAX];
	uint64_t address, length;

	if (data_scan_place(scan, &address, &length) && gdb_scan_word(scan, ":") &&
	    length <= sizeof(bytes) && gdb_scan_bytes(scan, bytes, (size_t)length) &&
	    gdb_scan_end(scan))
		data_write_memory(session, address, bytes, (size_t)length);
	else
		gdb_reply_error(&session->reply, -EINVAL);
}

static void data_command_write_binary(struct gdb_session *session, struct gdb_scan *scan)
{
	uint64_t address, length;

	if (data_scan_place(scan, &address, &length) && gdb_scan_word(scan, ":") &&
	    length == scan->left)
		data_write_memory(session, address, scan->at, (size_t)length);
	else
		gdb_reply_error(&session->reply, -EINVAL);
}

static const char *data_point_error(int rc)
{
	switch (rc) {
	case -ENOSPC:
		return "no more of the processor's debug registers are free";
	case -EINVAL:
		return "the processor cannot watch this length at this address";
	case -EFAULT:
		return "the guest has no memory at this address";
	case -EOPNOTSUPP:
		return "this host has no breakpoints";
	default:
		return NULL;
	}
}

/*
 * gdb shows what follows the second full stop, and that for hardware breakpoints only. What it is
 * told to be unknown here it does itself, which for software breakpoints it must not: the guest
 * would get them.
 */
static void data_reply_point(struct gdb_session *session, uint64_t kind, int rc)
{
	const char *text = data_point_error(rc);

	if (rc == -EOPNOTSUPP && kind != GDB_SOFTWARE_BREAK)
		return;
	if (text)
		gdb_reply_sentence(&session->reply, "point.%s", text);
	else
		data_reply_done(session, rc);
}

static void data_command_point(struct gdb_session *session, struct gdb_scan *scan, bool insert)
{
	uint64_t kind, address, length;
	int rc;

	if (!gdb_scan_number(scan, &kind) || !gdb_scan_word(scan, ",") ||
	    !data_scan_place(scan, &address, &length) || !gdb_scan_end(scan)) {
		gdb_reply_error(&session->reply, -EINVAL);
		return;
	}
	if (kind > GDB_WATCH_ACCESS)
		return;
	if (insert)
		rc = gdb_target_point_insert(session->target, session->general,
					     (enum gdb_point_kind)kind, address, length);
	else
		rc = gdb_target_point_remove(session->target, (enum gdb_point_kind)kind, address,
					     length);
	data_reply_point(session, kind, rc);
}

static void data_command_insert_point(struct gdb_session *session, struct gdb_scan *scan)
{
	data_command_point(session, scan, true);
}

static void data_command_remove_point(struct gdb_session *session, struct gdb_scan *scan)
{
	data_command_point(session, scan, false);
}

const struct gdb_command gdb_data_commands[] = {
	{"g", GDB_WHILE_STANDING | GDB_WHOLE, data_command_read_registers},
	{"G", GDB_WHILE_STANDING, data_command_write_registers},
	{"p", GDB_WHILE_STANDING, data_command_read_register},
	{"P", GDB_WHILE_STANDING, data_command_write_register},
	{"m", GDB_WHILE_STANDING, data_command_read_memory},
	{"M", GDB_WHILE_STANDING, data_command_write_memory},
	{"X", GDB_WHILE_STANDING, data_command_write_binary},
	{"Z", GDB_WHILE_STANDING, data_command_insert_point},
	{"z", GDB_WHILE_STANDING, data_command_remove_point},
	{NULL, 0, NULL},
};
