/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger that stops a guest and lets it go on, over and over, much faster than gdb can. */

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { REPLY_TIMEOUT_MS = 60000, PACKET_MAX = 16384 };

/* What has come is read at once: a call for each byte would have a longer answer take longer. */
static char get_byte(int fd)
{
	static char bytes[PACKET_MAX];
	static ssize_t size, at;
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	if (at < size)
		return bytes[at++];
	if (poll(&readable, 1, REPLY_TIMEOUT_MS) != 1)
		errx(1, "gdb-cycles: no answer");
	size = read(fd, bytes, sizeof(bytes));
	if (size <= 0)
		errx(1, "gdb-cycles: the server hung up");
	at = 1;
	return bytes[0];
}

static void put(int fd, const char *bytes, size_t size)
{
	if (write(fd, bytes, size) != (ssize_t)size)
		err(1, "gdb-cycles: write");
}

/* A packet is $TEXT#XX, XX the sum of its bytes (gdb manual, "Overview" of the remote protocol). */
static void send_packet(int fd, const char *text)
{
	char packet[64];
	unsigned char sum = 0;

	for (const char *c = text; *c; c++)
		sum = (unsigned char)(sum + (unsigned char)*c);
	put(fd, packet, (size_t)snprintf(packet, sizeof(packet), "$%s#%02x", text, sum));
}

/* The next packet; acknowledgements are passed over. */
static void get_packet(int fd, char text[PACKET_MAX])
{
	unsigned char sum = 0;
	char check[3] = "";
	size_t size = 0;
	char byte;

	do {
		byte = get_byte(fd);
		if (byte == '-')
			errx(1, "gdb-cycles: the server did not understand a packet");
	} while (byte != '$');
	while ((byte = get_byte(fd)) != '#') {
		if (size == PACKET_MAX - 1)
			errx(1, "gdb-cycles: too long a packet");
		text[size++] = byte;
		sum = (unsigned char)(sum + (unsigned char)byte);
	}
	text[size] = '\0';
	check[0] = get_byte(fd);
	check[1] = get_byte(fd);
	if (strtoul(check, NULL, 16) != sum)
		errx(1, "gdb-cycles: wrong sum of '%s'", text);
}

/* Waits for the stop, which has to be for @signal; 0: whichever. */
static void expect_stop(int fd, unsigned long signal)
{
	char text[PACKET_MAX];
	char digits[3] = "";

	do {
		get_packet(fd, text);
		put(fd, "+", 1);
	} while (text[0] == 'O' && text[1] != 'K'); /* what a guest prints */
	if (text[0] != 'T' && text[0] != 'S')
		errx(1, "gdb-cycles: '%s' where a stop should be", text);
	memcpy(digits, text + 1, 2);
	if (signal != 0 && strtoul(digits, NULL, 16) != signal)
		errx(1, "gdb-cycles: stopped by signal 0x%s, not %lu", digits, signal);
}

/*
 * As gdb begins: a server may tell of the stop that came with the connection before it is asked
 * anything. The packet that detaches, as the server wants it.
 */
static const char *greet(int fd)
{
	char text[PACKET_MAX];
	const char *detach;

	send_packet(fd, "qSupported:multiprocess+");
	do {
		get_packet(fd, text);
		put(fd, "+", 1);
	} while (text[0] == 'T' || text[0] == 'S');
	detach = strstr(text, "multiprocess+") ? "D;1" : "D";
	send_packet(fd, "?");
	expect_stop(fd, 0);
	return detach;
}

/* Lets the guest go on for @pause microseconds; how long its stop takes then, in milliseconds. */
static double cycle(int fd, useconds_t pause)
{
	double start;

	send_packet(fd, "vCont;c");
	usleep(pause);
	start = seconds_now();
	put(fd, "\003", 1);
	expect_stop(fd, 2);
	return (seconds_now() - start) * 1e3;
}

/* Says how many times the guest was stopped and what a stop takes on average, and detaches. */
int gdb_cycles_main(int argc, char **argv)
{
	char text[PACKET_MAX];
	const char *detach;
	unsigned long count;
	useconds_t pause;
	double spent = 0;
	int fd;

	if (argc != 4)
		errx(2, "gdb-cycles: unix:PATH COUNT MILLISECONDS-BETWEEN");
	count = strtoul(argv[2], NULL, 10);
	pause = (useconds_t)strtoul(argv[3], NULL, 10) * 1000;
	fd = unix_connect(argv[1]);
	detach = greet(fd);
	for (unsigned long i = 0; i < count; i++)
		spent += cycle(fd, pause);
	send_packet(fd, detach);
	get_packet(fd, text); /* the last one: who is to acknowledge it may be gone */
	if (strcmp(text, "OK") != 0)
		errx(1, "gdb-cycles: '%s' to a detach", text);
	printf("%lu stops, %.3f ms each\n", count, count ? spent / (double)count : 0);
	return 0;
}
