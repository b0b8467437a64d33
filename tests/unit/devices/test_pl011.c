/* SPDX-License-Identifier: BSD-3-Clause */
/* The PL011 serial port as drivers and early consoles use it. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include <pthread.h>

#include "devices/pl011.h"
#include "vmm/base/bits.h"

enum { BASE = 0x09000000, LINE = 1 };
enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	ILPR = 0x20,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44,
	DMACR = 0x48,
};
enum { FEN = 0x10, UARTEN = 0x01, LBE = 0x80, TXE = 0x100, RXE = 0x200 };
enum { RX = 0x10, TX = 0x20, RT = 0x40 };
enum { RXFE = 0x10, TXFF = 0x20, RXFF = 0x40, TXFE = 0x80, BUSY = 0x08 };

static struct pl011 *uart;
static uint8_t sent[256];
static size_t sent_count;
static unsigned int rooms;
static bool output_is_full;

static bool record_output(void *console, uint8_t byte)
{
	ck_assert_ptr_eq(console, &sent_count);
	if (output_is_full)
		return false;
	sent[sent_count++] = byte;
	return true;
}

static void record_room(void *console)
{
	ck_assert_ptr_eq(console, &sent_count);
	rooms++;
}

static const struct serial_backend backend = {record_output, record_room, &sent_count};

static void setup(void)
{
	fake_bus_setup();
	sent_count = 0;
	rooms = 0;
	output_is_full = false;
	uart = pl011_create(&fake.bus, BASE, LINE, &backend, &fake.err);
	ck_assert_ptr_nonnull(uart);
}

static void teardown(void)
{
	struct device *device = pl011_device(uart);

	device->ops->destroy(device);
	fake_bus_teardown();
}

static uint32_t in(unsigned int reg)
{
	return fake_read(BASE + reg, 4);
}

static void out(unsigned int reg, uint32_t value)
{
	fake_write(BASE + reg, 4, value);
}

static size_t input(const char *text)
{
	return pl011_input(uart, (const uint8_t *)text, strlen(text));
}

static void enable(void)
{
	out(LCR_H, 0x60 | FEN);
	out(CR, UARTEN | TXE | RXE);
}

START_TEST(power_on_state)
{
	ck_assert_uint_eq(in(FR), TXFE | RXFE | 0x07);
	ck_assert_uint_eq(in(CR), 0x300);
	ck_assert_uint_eq(in(IFLS), 0x12);
	ck_assert_uint_eq(in(LCR_H), 0);
	ck_assert_uint_eq(in(IMSC), 0);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(in(DR), 0);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

/* As Linux's AMBA bus puts them together: one byte of each word. */
START_TEST(identifies_as_r1p5)
{
	uint32_t peripheral = 0, cell = 0;

	for (unsigned int i = 0; i < 4; i++) {
		peripheral |= (in(0xfe0 + 4 * i) & 0xff) << (8 * i);
		cell |= (in(0xff0 + 4 * i) & 0xff) << (8 * i);
	}
	ck_assert_uint_eq(peripheral, 0x00341011);
	ck_assert_uint_eq(cell, 0xb105f00d);
}
END_TEST

START_TEST(early_output_needs_no_set_up)
{
	for (const char *c = "Hello"; *c; c++) {
		ck_assert(!(in(FR)&TXFF));
		fake_write(BASE + DR, c[0] == 'l' ? 1 : 4, (uint8_t)*c);
		ck_assert(!(in(FR)&BUSY));
		ck_assert_uint_eq(sent[sent_count - 1], (uint8_t)*c);
	}
	ck_assert_uint_eq(sent_count, 5);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(output_waits_until_it_is_taken)
{
	out(IMSC, TX);
	output_is_full = true;
	for (unsigned int size = 1; size <= 4; size *= 2)
		ck_assert_int_eq(mem_map_write(fake.mmio, BASE + DR, size, 'x'), MEM_NOT_YET);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert(!fake.level[LINE]);
	out(CR, UARTEN | LBE | TXE | RXE); /* what sends nothing need not wait */
	out(DR, 'l');
	out(CR, UARTEN | TXE | RXE);
	output_is_full = false;
	out(DR, 'x');
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_uint_eq(sent[0], 'x');
}
END_TEST

/* A driver writes until the FIFO is full or half of it in an interrupt, and waits for the drain. */
START_TEST(each_character_sent_drains_the_fifo)
{
	enable();
	out(IMSC, TX);
	ck_assert(!fake.level[LINE]);
	out(DR, 'a');
	ck_assert_uint_eq(in(MIS), TX);
	ck_assert(fake.level[LINE]);
	out(ICR, TX);
	ck_assert(!fake.level[LINE]);
	out(DR, 'b');
	ck_assert(fake.level[LINE]);
	out(IMSC, 0);
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(in(RIS), TX);
	ck_assert_uint_eq(in(MIS), 0);
}
END_TEST

START_TEST(input_waits_for_the_receiver)
{
	static const uint32_t deaf[] = {0, UARTEN, RXE, UARTEN | TXE, UARTEN | RXE | LBE};

	ck_assert_uint_eq(input("a"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(deaf); i++) {
		out(CR, deaf[i]);
		ck_assert_uint_eq(input("a"), 0);
	}
	ck_assert_uint_eq(rooms, 0);
	out(CR, UARTEN | RXE);
	ck_assert_uint_eq(rooms, 1);
	ck_assert_uint_eq(input("a"), 1);
	ck_assert_uint_eq(in(DR), 'a');
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

START_TEST(one_typed_character_interrupts)
{
	enable();
	out(IMSC, RX | RT);
	ck_assert_uint_eq(input("k"), 1);
	ck_assert(fake.level[LINE]);
	ck_assert_uint_eq(in(MIS), RT);
	ck_assert(!(in(FR)&RXFE));
	ck_assert_uint_eq(in(DR), 'k');
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert(in(FR)&RXFE);
}
END_TEST

START_TEST(without_fifo_one_character_fits)
{
	out(CR, UARTEN | RXE);
	out(IMSC, RX);
	ck_assert_uint_eq(input("ab"), 1);
	ck_assert_uint_eq(in(FR) & (RXFE | RXFF), RXFF);
	ck_assert_uint_eq(in(RIS), RX);
	ck_assert(fake.level[LINE]);
	ck_assert_uint_eq(in(DR), 'a');
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

START_TEST(thresholds_are_eighths_of_thirty_two)
{
	static const unsigned int levels[] = {4, 8, 16, 24, 28};

	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		enable();
		out(IFLS, i << 3);
		for (unsigned int count = 1; count <= 32; count++) {
			ck_assert_uint_eq(input("x"), 1);
			ck_assert_uint_eq(in(RIS), count < levels[i] ? RT : RX | RT);
		}
		ck_assert_uint_eq(input("x"), 0);
		ck_assert(in(FR)&RXFF);
		for (unsigned int count = 32; count-- > 0;) {
			in(DR);
			ck_assert_uint_eq(in(RIS), count == 0          ? 0
						   : count < levels[i] ? RT
								       : RX | RT);
		}
		ck_assert_uint_eq(rooms, i + 1);
	}
}
END_TEST

/* A driver that clears first and reads then must not be left with a full FIFO and no interrupt. */
START_TEST(clearing_leaves_what_was_not_read)
{
	enable();
	out(IMSC, RX | RT);
	ck_assert_uint_eq(input("0123456789abcdef0123456789abcdefX"), 32);
	out(ICR, 0x7ff);
	ck_assert(fake.level[LINE]);
	for (unsigned int i = 0; i < 32; i++)
		in(DR);
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

/* Linux turns the FIFO off when the port is closed and on when it is opened again. */
START_TEST(turning_the_fifo_off_loses_nothing)
{
	enable();
	ck_assert_uint_eq(input("abc"), 3);
	out(LCR_H, 0x60);
	ck_assert(in(FR)&RXFF);
	ck_assert_uint_eq(in(RIS), RX);
	ck_assert_uint_eq(input("d"), 0);
	ck_assert_uint_eq(in(DR), 'a');
	ck_assert_uint_eq(rooms, 0);
	out(LCR_H, 0x60 | FEN);
	ck_assert_uint_eq(rooms, 1);
	ck_assert_uint_eq(in(DR), 'b');
	ck_assert_uint_eq(in(DR), 'c');
	ck_assert(in(FR)&RXFE);
}
END_TEST

START_TEST(loopback_neither_sends_nor_receives)
{
	out(LCR_H, FEN);
	out(CR, UARTEN | LBE | TXE); /* how old drivers provoke a first interrupt */
	out(DR, 0);
	ck_assert_uint_eq(in(RIS), TX);
	ck_assert(in(FR)&RXFE);
	out(CR, UARTEN | LBE | TXE | RXE);
	for (unsigned int i = 0; i < 40; i++)
		out(DR, i);
	for (unsigned int i = 0; i < 32; i++)
		ck_assert_uint_eq(in(DR), i);
	ck_assert(in(FR)&RXFE);
	ck_assert_uint_eq(sent_count, 0);
}
END_TEST

START_TEST(registers_keep_only_their_bits)
{
	static const uint32_t kept[][2] = {{ILPR, 0xff},  {IBRD, 0xffff}, {FBRD, 0x3f},
					   {LCR_H, 0xff}, {CR, 0xff87},   {IFLS, 0x3f},
					   {IMSC, 0x7ff}, {DMACR, 0x07},  {RSR, 0},
					   {ICR, 0},      {RIS, 0},       {0x4c, 0},
					   {0xfdc, 0},    {0xfe0, 0x11},  {0xffc, 0xb1}};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		out(kept[i][0], UINT32_MAX);
		ck_assert_uint_eq(in(kept[i][0]), kept[i][1]);
	}
	ck_assert_uint_eq(sent_count, 0);
}
END_TEST

START_TEST(narrow_accesses_see_their_part)
{
	fake_write(BASE + IBRD, 2, 0x1234);
	ck_assert_uint_eq(fake_read(BASE + IBRD, 1), 0x34);
	ck_assert_uint_eq(fake_read(BASE + IBRD + 1, 1), 0x12);
	ck_assert_uint_eq(fake_read(BASE + IBRD, 2), 0x1234);
	ck_assert_uint_eq(fake_read(BASE + IBRD + 2, 2), 0);
	fake_write(BASE + DR + 1, 1, 'x'); /* no register begins there */
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(fake_read(BASE + 0xffc, 1), 0xb1);
	ck_assert_uint_eq(fake_read(BASE + 0x1000, 4), UINT32_MAX);
}
END_TEST

START_TEST(reset_is_power_on)
{
	struct device *device = pl011_device(uart);

	enable();
	out(IMSC, 0x7ff);
	out(DR, 'x');
	ck_assert_uint_eq(input("abc"), 3);
	ck_assert(fake.level[LINE]);
	device->ops->reset(device);
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(in(FR), TXFE | RXFE | 0x07);
	ck_assert_uint_eq(in(CR), 0x300);
	ck_assert_uint_eq(in(IFLS), 0x12);
	ck_assert_uint_eq(in(IMSC), 0);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(in(LCR_H), 0);
	ck_assert_uint_eq(input("d"), 0);
	enable();
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

START_TEST(nothing_need_be_connected)
{
	static const struct serial_backend nobody;
	struct pl011 *other = pl011_create(&fake.bus, BASE + 0x10000, 2, &nobody, &fake.err);
	struct device *device;

	ck_assert_ptr_nonnull(other);
	fake_write(BASE + 0x10000 + CR, 4, UARTEN | RXE);
	fake_write(BASE + 0x10000, 4, 'x');
	ck_assert_uint_eq(pl011_input(other, (const uint8_t *)"ab", 2), 1);
	ck_assert_uint_eq(fake_read(BASE + 0x10000, 4), 'a');
	device = pl011_device(other);
	device->ops->destroy(device);
	ck_assert_uint_eq(fake_read(BASE + 0x10000, 4), UINT32_MAX);
}
END_TEST

START_TEST(taken_addresses_are_refused)
{
	ck_assert_ptr_null(pl011_create(&fake.bus, BASE + 0xffc, LINE, &backend, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
	ck_assert_ptr_nonnull(strstr(fake.err.text, "serial"));
}
END_TEST

static void *feed(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 2000;) {
		uint8_t byte = (uint8_t)i;

		i += (unsigned int)pl011_input(uart, &byte, 1);
	}
	return NULL;
}

START_TEST(input_races_with_the_guest)
{
	pthread_t thread;

	enable();
	out(IMSC, RX | RT);
	ck_assert_int_eq(pthread_create(&thread, NULL, feed, NULL), 0);
	for (unsigned int i = 0; i < 2000;)
		if (!(in(FR)&RXFE))
			ck_assert_uint_eq(in(DR), (uint8_t)i++);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(!fake.level[LINE]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, power_on_state);
	tcase_add_test(tests, identifies_as_r1p5);
	tcase_add_test(tests, early_output_needs_no_set_up);
	tcase_add_test(tests, output_waits_until_it_is_taken);
	tcase_add_test(tests, each_character_sent_drains_the_fifo);
	tcase_add_test(tests, input_waits_for_the_receiver);
	tcase_add_test(tests, one_typed_character_interrupts);
	tcase_add_test(tests, without_fifo_one_character_fits);
	tcase_add_test(tests, thresholds_are_eighths_of_thirty_two);
	tcase_add_test(tests, clearing_leaves_what_was_not_read);
	tcase_add_test(tests, turning_the_fifo_off_loses_nothing);
	tcase_add_test(tests, loopback_neither_sends_nor_receives);
	tcase_add_test(tests, registers_keep_only_their_bits);
	tcase_add_test(tests, narrow_accesses_see_their_part);
	tcase_add_test(tests, reset_is_power_on);
	tcase_add_test(tests, nothing_need_be_connected);
	tcase_add_test(tests, taken_addresses_are_refused);
	tcase_add_test(tests, input_races_with_the_guest);
}

int main(void)
{
	return run_suite("pl011", add_tests);
}
