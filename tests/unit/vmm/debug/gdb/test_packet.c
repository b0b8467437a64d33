/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of the gdb protocol, whole and broken, and what is read from them. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/debug/gdb/packet.h"

static struct gdb_parser parser;
static struct gdb_reply reply;
static uint8_t frame[GDB_FRAME_MAX];

static void set_up(void)
{
	memset(&parser, 0, sizeof(parser));
	gdb_reply_clear(&reply);
}

/* What the last byte completed; the others must complete nothing. */
static enum gdb_input take(const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i + 1 < size; i++)
		ck_assert_int_eq(gdb_parser_take(&parser, from[i]), GDB_INPUT_MORE);
	return gdb_parser_take(&parser, from[size - 1]);
}

static enum gdb_input take_text(const char *text)
{
	return take(text, strlen(text));
}

static void holds(const void *bytes, size_t size)
{
	ck_assert_uint_eq(parser.size, size);
	ck_assert_mem_eq(parser.bytes, bytes, size);
}

START_TEST(packets_are_taken_byte_by_byte)
{
	ck_assert_int_eq(take_text("$g#67"), GDB_INPUT_PACKET);
	holds("g", 1);
	ck_assert_int_eq(take_text("$m0,4#FD"), GDB_INPUT_PACKET);
	holds("m0,4", 4);
	ck_assert_int_eq(take_text("$#00"), GDB_INPUT_PACKET);
	holds("", 0);
}
END_TEST

START_TEST(what_is_between_packets)
{
	ck_assert_int_eq(take_text("noise\r\n#12+"), GDB_INPUT_ACK);
	ck_assert_int_eq(take_text("-"), GDB_INPUT_NAK);
	ck_assert_int_eq(take_text("\003"), GDB_INPUT_INTERRUPT);
	ck_assert_int_eq(take_text("$+-\003#5b"), GDB_INPUT_PACKET);
	holds("+-\003", 3);
}
END_TEST

START_TEST(a_wrong_checksum_is_damage)
{
	static const char *const damaged[] = {"$g#68", "$g#6", "$g#xy", "$g#6x", "$g#x7", "$h#67"};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		enum gdb_input input = take_text(damaged[i]);

		if (strlen(damaged[i]) < 5)
			input = gdb_parser_take(&parser, ' ');
		ck_assert_int_eq(input, GDB_INPUT_DAMAGED);
		ck_assert_int_eq(take_text("$g#67"), GDB_INPUT_PACKET);
	}
}
END_TEST

START_TEST(a_packet_that_was_cut_off_gives_way)
{
	static const char *const cut[] = {"$gggg", "$gggg#", "$gggg#1", "$x}"};

	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		ck_assert_int_eq(take_text(cut[i]), GDB_INPUT_MORE);
		ck_assert_int_eq(take_text("$g#67"), GDB_INPUT_PACKET);
		holds("g", 1);
	}
}
END_TEST

START_TEST(escapes_are_taken_out)
{
	ck_assert_int_eq(take_text("$X}\003}\004}]}\n#ba"), GDB_INPUT_PACKET);
	holds("X#$}*", 5);
	ck_assert_int_eq(take_text("$X}#d5"), GDB_INPUT_BAD);
	ck_assert_int_eq(take_text("$g#67"), GDB_INPUT_PACKET);
}
END_TEST

static enum gdb_input take_long(size_t size)
{
	unsigned int early = 0;

	ck_assert_int_eq(gdb_parser_take(&parser, '$'), GDB_INPUT_MORE);
	for (size_t i = 0; i < size; i++)
		early += gdb_parser_take(&parser, 0x40) != GDB_INPUT_MORE;
	ck_assert_uint_eq(early, 0);
	return take_text("#00");
}

START_TEST(packets_have_a_greatest_length)
{
	ck_assert_int_eq(take_long(GDB_PACKET_MAX), GDB_INPUT_PACKET);
	ck_assert_uint_eq(parser.size, GDB_PACKET_MAX);
	ck_assert_int_eq(take_long(GDB_PACKET_MAX + 4), GDB_INPUT_BAD);
	ck_assert_int_eq(take_long(1 << 20), GDB_INPUT_BAD);
	ck_assert_int_eq(take_text("$g#67"), GDB_INPUT_PACKET);
}
END_TEST

static void frames_to(const char *text)
{
	size_t size = gdb_reply_frame(&reply, frame);

	ck_assert_uint_eq(size, strlen(text));
	ck_assert_mem_eq(frame, text, size);
}

START_TEST(replies_are_framed)
{
	frames_to("$#00");
	gdb_reply_text(&reply, "T%02x", 5);
	gdb_reply_hex(&reply, "\x01\xab\xff", 3);
	frames_to("$T0501abff#a9");
	gdb_reply_clear(&reply);
	ck_assert_uint_eq(gdb_reply_binary(&reply, "#$}*a", 5), 5);
	frames_to("$}\003}\004}]}\na#c3");
	gdb_reply_error(&reply, -EFAULT);
	frames_to("$E0e#da");
	gdb_reply_error(&reply, 4096);
	frames_to("$Eff#11");
	gdb_reply_error(&reply, 0);
	frames_to("$E00#a5");
}
END_TEST

START_TEST(sentences_keep_the_frame_whole)
{
	gdb_reply_text(&reply, "before");
	gdb_reply_sentence(&reply, "a%s", "#b$c}d*e\nf\xff");
	ck_assert_uint_eq(reply.size, strlen("E.a b c d e f "));
	ck_assert_mem_eq(reply.bytes, "E.a b c d e f ", reply.size);
	ck_assert(!reply.overflow);
}
END_TEST

START_TEST(replies_have_a_greatest_length)
{
	static uint8_t bytes[GDB_PACKET_MAX + 1];

	gdb_reply_hex(&reply, bytes, GDB_PACKET_MAX / 2);
	ck_assert(!reply.overflow);
	ck_assert_uint_eq(gdb_reply_frame(&reply, frame), GDB_FRAME_MAX);
	gdb_reply_text(&reply, "x");
	ck_assert(reply.overflow);
	gdb_reply_clear(&reply);
	gdb_reply_hex(&reply, bytes, GDB_PACKET_MAX / 2 + 1);
	ck_assert(reply.overflow);
	gdb_reply_clear(&reply);
	ck_assert_uint_eq(gdb_reply_binary(&reply, bytes, sizeof(bytes)), GDB_PACKET_MAX);
	ck_assert(!reply.overflow);
	/* An escape is not torn. */
	gdb_reply_clear(&reply);
	memset(bytes, '#', sizeof(bytes));
	gdb_reply_text(&reply, "m");
	ck_assert_uint_eq(gdb_reply_binary(&reply, bytes, sizeof(bytes)), GDB_PACKET_MAX / 2 - 1);
	ck_assert_uint_eq(reply.size, GDB_PACKET_MAX - 1);
}
END_TEST

/* What is said comes back out of the parser. */
START_TEST(what_is_framed_can_be_parsed)
{
	uint8_t bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	ck_assert_uint_eq(gdb_reply_binary(&reply, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_int_eq(take(frame, gdb_reply_frame(&reply, frame)), GDB_INPUT_PACKET);
	holds(bytes, sizeof(bytes));
}
END_TEST

static struct gdb_scan scan_text(const char *text)
{
	return (struct gdb_scan){.at = (const uint8_t *)text, .left = strlen(text)};
}

START_TEST(numbers_are_read)
{
	struct gdb_scan scan = scan_text("0000000000000000fFfFfFfFfFfFfFf0,12;");
	uint64_t first, second;

	ck_assert(gdb_scan_pair(&scan, ',', &first, &second));
	ck_assert_uint_eq(first, UINT64_MAX - 15);
	ck_assert_uint_eq(second, 0x12);
	ck_assert(!gdb_scan_number(&scan, &first));
	ck_assert(gdb_scan_word(&scan, ";"));
	ck_assert(gdb_scan_end(&scan));
	ck_assert(!gdb_scan_word(&scan, ";"));
	scan = scan_text("10000000000000000");
	ck_assert(!gdb_scan_number(&scan, &first));
	scan = scan_text("1,");
	ck_assert(!gdb_scan_pair(&scan, ',', &first, &second));
	ck_assert_uint_eq(scan.left, 2);
}
END_TEST

START_TEST(bytes_and_threads_are_read)
{
	struct gdb_scan scan = scan_text("01aB-1");
	uint8_t bytes[4];
	int64_t thread;

	ck_assert(!gdb_scan_bytes(&scan, bytes, 3));
	ck_assert(gdb_scan_bytes(&scan, bytes, 2));
	ck_assert_mem_eq(bytes, "\x01\xab", 2);
	ck_assert(gdb_scan_thread(&scan, &thread));
	ck_assert_int_eq(thread, -1);
	scan = scan_text("-2");
	ck_assert(!gdb_scan_thread(&scan, &thread));
	scan = scan_text("8000000000000000");
	ck_assert(!gdb_scan_thread(&scan, &thread));
	scan = scan_text("a;b;c");
	gdb_scan_past(&scan, ';');
	ck_assert_uint_eq(scan.left, 3);
	gdb_scan_past(&scan, ',');
	ck_assert(gdb_scan_end(&scan));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, packets_are_taken_byte_by_byte);
	tcase_add_test(tests, what_is_between_packets);
	tcase_add_test(tests, a_wrong_checksum_is_damage);
	tcase_add_test(tests, a_packet_that_was_cut_off_gives_way);
	tcase_add_test(tests, escapes_are_taken_out);
	tcase_add_test(tests, packets_have_a_greatest_length);
	tcase_add_test(tests, replies_are_framed);
	tcase_add_test(tests, sentences_keep_the_frame_whole);
	tcase_add_test(tests, replies_have_a_greatest_length);
	tcase_add_test(tests, what_is_framed_can_be_parsed);
	tcase_add_test(tests, numbers_are_read);
	tcase_add_test(tests, bytes_and_threads_are_read);
}

int main(void)
{
	return run_suite("gdb_packet", add_tests);
}
