/* SPDX-License-Identifier: BSD-3-Clause */
/* The 16550A serial port as drivers use it. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include <pthread.h>

#include "devices/serial.h"
#include "vmm/base/bits.h"

enum { PORT = 0x3f8, GSI = 4 };
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static struct serial *serial;
static uint8_t sent[4096];
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
	serial = serial_create(&fake.bus, PORT, GSI, &backend, &fake.err);
	ck_assert_ptr_nonnull(serial);
}

static void teardown(void)
{
	struct device *device = serial_device(serial);

	device->ops->destroy(device);
	fake_bus_teardown();
}

static uint8_t in(unsigned int reg)
{
	return fake_inb((uint16_t)(PORT + reg));
}

static void out(unsigned int reg, uint8_t value)
{
	fake_outb((uint16_t)(PORT + reg), value);
}

static size_t input(const char *text)
{
	return serial_input(serial, (const uint8_t *)text, strlen(text));
}

START_TEST(power_on_state)
{
	ck_assert_uint_eq(in(IER), 0);
	ck_assert_uint_eq(in(IIR), 0x01);
	ck_assert_uint_eq(in(LCR), 0);
	ck_assert_uint_eq(in(MCR), 0);
	ck_assert_uint_eq(in(LSR), 0x60);
	ck_assert_uint_eq(in(MSR), 0xb0);
	ck_assert_uint_eq(in(DATA), 0);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(polled_output_comes_out_at_once)
{
	for (const char *c = "Hello"; *c; c++) {
		ck_assert(in(LSR)&0x20);
		out(DATA, (uint8_t)*c);
		ck_assert_uint_eq(sent[sent_count - 1], (uint8_t)*c);
	}
	ck_assert_uint_eq(sent_count, 5);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(polled_input_without_fifo_holds_one)
{
	ck_assert_uint_eq(input("ab"), 1);
	ck_assert_uint_eq(input("b"), 0);
	ck_assert(in(LSR)&0x01);
	ck_assert_uint_eq(rooms, 0);
	ck_assert_uint_eq(in(DATA), 'a');
	ck_assert_uint_eq(rooms, 1);
	ck_assert(!(in(LSR)&0x01));
	ck_assert_uint_eq(input("b"), 1);
	ck_assert_uint_eq(in(DATA), 'b');
	ck_assert_uint_eq(rooms, 1);
}
END_TEST

START_TEST(divisor_is_behind_its_access_bit)
{
	out(IER, 0x01);
	out(LCR, 0x83);
	ck_assert_uint_eq(in(DATA), 12);
	out(DATA, 0x34);
	out(IER, 0x12);
	ck_assert_uint_eq(in(DATA), 0x34);
	ck_assert_uint_eq(in(IER), 0x12);
	out(LCR, 0x03);
	ck_assert_uint_eq(in(IER), 0x01);
	ck_assert_uint_eq(sent_count, 0);
	out(LCR, 0x80);
	ck_assert_uint_eq(fake_in(PORT, 2), 0x1234);
}
END_TEST

START_TEST(registers_keep_only_their_bits)
{
	out(IER, 0xff);
	ck_assert_uint_eq(in(IER), 0x0f);
	out(MCR, 0xef);
	ck_assert_uint_eq(in(MCR), 0x0f);
	out(SCR, 0xa5);
	ck_assert_uint_eq(in(SCR), 0xa5);
	out(LSR, 0xff);
	ck_assert_uint_eq(in(LSR), 0x60);
	out(MSR, 0xff);
	ck_assert_uint_eq(in(MSR), 0xb0);
}
END_TEST

START_TEST(fifo_shows_in_iir_and_takes_sixteen)
{
	out(IIR, 0x01);
	ck_assert_uint_eq(in(IIR), 0xc1);
	ck_assert_uint_eq(input("0123456789abcdefgh"), 16);
	for (const char *c = "0123456789abcdef"; *c; c++)
		ck_assert_uint_eq(in(DATA), (uint8_t)*c);
	ck_assert_uint_eq(rooms, 1);
	out(IIR, 0x00);
	ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

/* Below the trigger characters have timed out by the time anybody looks. */
START_TEST(trigger_levels_tell_full_from_timed_out)
{
	static const unsigned int levels[] = {1, 4, 8, 14};

	out(IER, 0x01);
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		out(IIR, (uint8_t)(0x03 | i << 6));
		for (unsigned int count = 1; count <= 16; count++) {
			ck_assert_uint_eq(input("x"), 1);
			ck_assert_uint_eq(in(IIR), count < levels[i] ? 0xcc : 0xc4);
		}
	}
}
END_TEST

START_TEST(receive_interrupt_follows_the_data)
{
	out(IIR, 0x01);
	ck_assert_uint_eq(input("ab"), 2);
	ck_assert(!fake.level[GSI]);
	out(IER, 0x01);
	ck_assert(fake.level[GSI]);
	in(DATA);
	ck_assert(fake.level[GSI]);
	in(DATA);
	ck_assert(!fake.level[GSI]);
	ck_assert_uint_eq(input("c"), 1);
	ck_assert(fake.level[GSI]);
	ck_assert_uint_eq(fake.rises[GSI], 2);
	out(IIR, 0x03);
	ck_assert(!fake.level[GSI]);
	ck_assert(!(in(LSR)&0x01));
}
END_TEST

/* The way Linux finds out whether enabling the interrupt reports an idle transmitter each time. */
START_TEST(enabling_thri_reports_an_idle_transmitter)
{
	for (unsigned int i = 0; i < 2; i++) {
		out(IER, 0x02);
		ck_assert(fake.level[GSI]);
		ck_assert_uint_eq(in(IIR), 0x02);
		ck_assert(!fake.level[GSI]);
		ck_assert_uint_eq(in(IIR), 0x01);
		out(IER, 0x00);
		ck_assert_uint_eq(in(IIR), 0x01);
	}
	ck_assert_uint_eq(fake.rises[GSI], 2);
}
END_TEST

START_TEST(each_character_sent_is_a_new_edge)
{
	out(IER, 0x02);
	ck_assert_uint_eq(fake.rises[GSI], 1);
	out(DATA, 'a');
	ck_assert(fake.level[GSI]);
	ck_assert_uint_eq(fake.rises[GSI], 2);
	ck_assert_uint_eq(in(IIR), 0x02);
	ck_assert(!fake.level[GSI]);
	out(DATA, 'b');
	ck_assert_uint_eq(fake.rises[GSI], 3);
	out(IER, 0x00);
	ck_assert(!fake.level[GSI]);
	ck_assert_uint_eq(sent_count, 2);
}
END_TEST

START_TEST(causes_have_priorities)
{
	out(IIR, 0x01);
	out(MCR, 0x10); /* loopback: the modem lines fall */
	for (unsigned int i = 0; i < 17; i++)
		out(DATA, (uint8_t)i);
	out(IER, 0x0f);
	ck_assert_uint_eq(in(IIR), 0xc6);
	ck_assert_uint_eq(in(LSR), 0x63);
	ck_assert_uint_eq(in(LSR), 0x61);
	ck_assert_uint_eq(in(IIR), 0xc4);
	for (unsigned int i = 0; i < 16; i++)
		ck_assert_uint_eq(in(DATA), i);
	ck_assert_uint_eq(in(IIR), 0xc2);
	ck_assert_uint_eq(in(IIR), 0xc0);
	ck_assert(fake.level[GSI]);
	ck_assert_uint_eq(in(MSR), 0x0b);
	ck_assert_uint_eq(in(IIR), 0xc1);
	ck_assert(!fake.level[GSI]);
}
END_TEST

START_TEST(loopback_wires_modem_lines_to_themselves)
{
	out(MCR, 0x1a); /* RTS and OUT2: how Linux looks for a UART */
	ck_assert_uint_eq(in(MSR)&0xf0, 0x90);
	out(MCR, 0x15);
	ck_assert_uint_eq(in(MSR)&0xf0, 0x60);
	ck_assert_uint_eq(in(MSR)&0x0f, 0x00);
	out(MCR, 0x11); /* the ring indicator's trailing edge */
	ck_assert_uint_eq(in(MSR), 0x24);
	out(MCR, 0x00);
	ck_assert_uint_eq(in(MSR)&0xf0, 0xb0);
}
END_TEST

START_TEST(loopback_neither_sends_nor_receives)
{
	out(MCR, 0x10);
	out(DATA, 'x');
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(in(LSR), 0x61);
	out(DATA, 'y'); /* the register holds one: overrun */
	ck_assert_uint_eq(in(LSR), 0x63);
	ck_assert_uint_eq(in(DATA), 'y');
	ck_assert_uint_eq(input("z"), 0);
	ck_assert_uint_eq(rooms, 0);
	out(MCR, 0x00);
	ck_assert_uint_eq(rooms, 1);
	ck_assert_uint_eq(input("z"), 1);
}
END_TEST

START_TEST(clearing_the_fifo_makes_room)
{
	out(IIR, 0x01);
	ck_assert_uint_eq(input("0123456789abcdefX"), 16);
	out(IIR, 0x03);
	ck_assert_uint_eq(rooms, 1);
	ck_assert_uint_eq(input("X"), 1);
	ck_assert_uint_eq(in(DATA), 'X');
}
END_TEST

/* Without the enable bit the others of FCR have no effect. */
START_TEST(fifo_bits_need_the_enable_bit)
{
	ck_assert_uint_eq(input("a"), 1);
	out(IIR, 0xc2);
	ck_assert_uint_eq(in(DATA), 'a');
	ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

START_TEST(fifo_wraps)
{
	out(IIR, 0x01);
	for (unsigned int i = 0; i < 100; i++) {
		const uint8_t bytes[] = {(uint8_t)i, (uint8_t)(i + 1), (uint8_t)(i + 2)};

		ck_assert_uint_eq(serial_input(serial, bytes, 3), 3);
		for (unsigned int k = 0; k < 3; k++)
			ck_assert_uint_eq(in(DATA), i + k);
	}
}
END_TEST

START_TEST(wide_accesses_are_bytes)
{
	out(LCR, 0x80);
	fake_out(PORT, 2, 0x0201);
	out(LCR, 0x00);
	fake_out(PORT + SCR, 2, 0xffff); /* leaves the ports: nobody takes it */
	ck_assert_uint_eq(in(SCR), 0);
	ck_assert_uint_eq(fake_in(PORT + SCR, 2), 0xffff);
	ck_assert_uint_eq(fake_in(PORT + LSR, 2), 0xb060);
}
END_TEST

START_TEST(reset_is_power_on)
{
	struct device *device = serial_device(serial);

	out(LCR, 0x80);
	out(DATA, 1);
	out(LCR, 0x03);
	out(IIR, 0x01);
	out(IER, 0x03);
	out(MCR, 0x1f);
	out(SCR, 0x55);
	out(DATA, 'x');
	ck_assert_uint_eq(input("in loopback"), 0);
	ck_assert(fake.level[GSI]);
	device->ops->reset(device);
	ck_assert(!fake.level[GSI]);
	ck_assert_uint_eq(rooms, 1);
	ck_assert_uint_eq(in(IER), 0);
	ck_assert_uint_eq(in(IIR), 0x01);
	ck_assert_uint_eq(in(LCR), 0);
	ck_assert_uint_eq(in(MCR), 0);
	ck_assert_uint_eq(in(LSR), 0x60);
	ck_assert_uint_eq(in(MSR), 0xb0);
	ck_assert_uint_eq(in(SCR), 0);
	out(LCR, 0x80);
	ck_assert_uint_eq(in(DATA), 12);
}
END_TEST

/* Nothing of an access that has to wait is done, be it wider than the register. */
START_TEST(output_waits_until_it_is_taken)
{
	uint64_t value;

	out(IER, 2);
	output_is_full = true;
	ck_assert_int_eq(mem_map_write(fake.bus.pio, PORT, 1, 'x'), MEM_NOT_YET);
	ck_assert_int_eq(mem_map_write(fake.bus.pio, PORT, 2, 'x'), MEM_NOT_YET);
	ck_assert_int_eq(mem_map_read(fake.bus.pio, PORT + IER, 1, &value), MEM_DONE);
	ck_assert_uint_eq(value, 2);
	ck_assert_uint_eq(sent_count, 0);
	/* What sends nothing need not wait. */
	out(MCR, 0x10);
	ck_assert_int_eq(mem_map_write(fake.bus.pio, PORT, 1, 'l'), MEM_DONE);
	out(MCR, 0);
	output_is_full = false;
	ck_assert_int_eq(mem_map_write(fake.bus.pio, PORT, 1, 'x'), MEM_DONE);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_int_eq(sent[0], 'x');
}
END_TEST

START_TEST(nothing_need_be_connected)
{
	static const struct serial_backend nobody;
	struct serial *other = serial_create(&fake.bus, 0x2f8, 3, &nobody, &fake.err);
	struct device *device;

	ck_assert_ptr_nonnull(other);
	fake_outb(0x2f8, 'x');
	ck_assert_uint_eq(serial_input(other, (const uint8_t *)"ab", 2), 1);
	ck_assert_uint_eq(fake_inb(0x2f8), 'a');
	device = serial_device(other);
	device->ops->destroy(device);
	ck_assert_uint_eq(fake_inb(0x2f8), 0xff);
}
END_TEST

START_TEST(taken_ports_are_refused)
{
	ck_assert_ptr_null(serial_create(&fake.bus, PORT + 4, GSI, &backend, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
	ck_assert_ptr_nonnull(strstr(fake.err.text, "serial"));
}
END_TEST

static void *feed(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 2000;) {
		uint8_t byte = (uint8_t)i;

		i += (unsigned int)serial_input(serial, &byte, 1);
	}
	return NULL;
}

START_TEST(input_races_with_the_guest)
{
	pthread_t thread;

	out(IIR, 0x01);
	out(IER, 0x01);
	ck_assert_int_eq(pthread_create(&thread, NULL, feed, NULL), 0);
	for (unsigned int i = 0; i < 2000;)
		if (in(LSR)&0x01)
			ck_assert_uint_eq(in(DATA), (uint8_t)i++);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(!fake.level[GSI]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, power_on_state);
	tcase_add_test(tests, polled_output_comes_out_at_once);
	tcase_add_test(tests, output_waits_until_it_is_taken);
	tcase_add_test(tests, polled_input_without_fifo_holds_one);
	tcase_add_test(tests, divisor_is_behind_its_access_bit);
	tcase_add_test(tests, registers_keep_only_their_bits);
	tcase_add_test(tests, fifo_shows_in_iir_and_takes_sixteen);
	tcase_add_test(tests, trigger_levels_tell_full_from_timed_out);
	tcase_add_test(tests, receive_interrupt_follows_the_data);
	tcase_add_test(tests, enabling_thri_reports_an_idle_transmitter);
	tcase_add_test(tests, each_character_sent_is_a_new_edge);
	tcase_add_test(tests, causes_have_priorities);
	tcase_add_test(tests, loopback_wires_modem_lines_to_themselves);
	tcase_add_test(tests, loopback_neither_sends_nor_receives);
	tcase_add_test(tests, clearing_the_fifo_makes_room);
	tcase_add_test(tests, fifo_bits_need_the_enable_bit);
	tcase_add_test(tests, fifo_wraps);
	tcase_add_test(tests, wide_accesses_are_bytes);
	tcase_add_test(tests, reset_is_power_on);
	tcase_add_test(tests, nothing_need_be_connected);
	tcase_add_test(tests, taken_ports_are_refused);
	tcase_add_test(tests, input_races_with_the_guest);
}

int main(void)
{
	return run_suite("serial", add_tests);
}
