/* SPDX-License-Identifier: BSD-3-Clause */
/* A network without a tap: its parts, what its program is told and has, one that is too old. */

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/service.h"

static char folder[] = "/tmp/passt-XXXXXX", program_path[64];
static struct suboptions options;
static struct service service;
static struct vhost_user_config device;
static struct loop *loop;
static struct err err;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(program_path, sizeof(program_path), "%s/passt", folder);
	ck_assert_int_eq(setenv("PATH", folder, 1), 0);
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
	hear();
}

static void teardown(void)
{
	suboptions_release(&options);
	loop_destroy(loop);
	unlink(program_path);
	rmdir(folder);
}

static int parse(const char *text)
{
	suboptions_release(&options);
	ck_assert_msg(suboptions_parse_often(text, "forward", &options, &err) == 0, "%s", err.text);
	return service_parse_network(&service, &device, &options, &err);
}

static void refused(const char *text, const char *why)
{
	ck_assert_msg(parse(text) == -EINVAL, "accepted: %s", text);
	ck_assert_msg(strstr(err.text, why), "%s: %s", text, err.text);
}

/* A shell plays it. */
static void install(const char *script)
{
	FILE *file = fopen(program_path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	ck_assert_int_eq(fchmod(fileno(file), 0700), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* What it says last, started for these parts. */
static const char *last_words(const char *text, const char *script)
{
	static char words[PROGRAM_WORDS_MAX];
	struct program *program;

	install(script);
	ck_assert_msg(parse(text) == 0, "%s", err.text);
	program = service_start(&service, &device, loop, &err);
	ck_assert_msg(program, "%s", err.text);
	program_last_words(program, words, 30000);
	program_end(program, 5000);
	fd_close(&device.fd);
	return words;
}

START_TEST(what_it_is_told)
{
	ck_assert_str_eq(last_words("user", "echo \"$@\""),
			 "--foreground --vhost-user --fd=3 --map-host-loopback=none "
			 "--tcp-ports=none --udp-ports=none");
	ck_assert_str_eq(
		last_words("user,forward=tcp:8080:80,mtu=1400,forward=udp:::1/53:5353,host=10.1.2.3"
			   ",forward=tcp:0.0.0.0/1:65535",
			   "echo \"$@\""),
		"--foreground --vhost-user --fd=3 --map-host-loopback=10.1.2.3 --mtu=1400 "
		"--tcp-ports=127.0.0.1/8080:80 --tcp-ports=0.0.0.0/1:65535 "
		"--udp-ports=::1/53:5353");
}
END_TEST

/* Nothing is known of it by name, so nobody else can be at either end. */
START_TEST(it_has_the_other_end_of_the_connection)
{
	struct program *program;
	char word[8] = "";

	install("read word <&3; echo \"$word too\" >&3; sleep 100");
	ck_assert_int_eq(parse("user"), 0);
	program = service_start(&service, &device, loop, &err);
	ck_assert_msg(program, "%s", err.text);
	ck_assert_int_eq(send(device.fd, "you\n", 4, 0), 4);
	ck_assert_int_eq(recv(device.fd, word, 7, MSG_WAITALL), 7);
	ck_assert_str_eq(word, "you too");
	fd_close(&device.fd);
	program_end(program, 5000);
}
END_TEST

/* So a guest finds the same card after it has begun anew. */
START_TEST(a_card_has_an_address)
{
	static const uint8_t none[6], given[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

	last_words("user,mac=52:54:00:12:34:56", "true");
	ck_assert_mem_eq(device.choice.mac, given, 6);
	last_words("user", "true");
	ck_assert(device.choice.has_mac && memcmp(device.choice.mac, none, 6) != 0);
	ck_assert_int_eq(device.choice.mac[0] & 3, 2);
}
END_TEST

START_TEST(one_that_is_too_old_is_told)
{
	struct program *program;
	char words[PROGRAM_WORDS_MAX];

	install("echo \"passt: unrecognized option '--vhost-user'\" >&2\necho Usage:; exit 1");
	ck_assert_int_eq(parse("user"), 0);
	program = service_start(&service, &device, loop, &err);
	ck_assert_msg(program, "%s", err.text);
	program_last_words(program, words, 30000);
	ck_assert_ptr_nonnull(strstr(program_why_unfit(program), "since 2024_11_27: Debian's"));
	program_end(program, 5000);
	fd_close(&device.fd);
	install("echo \"passt: unrecognized option '--other'\" >&2; exit 1");
	program = service_start(&service, &device, loop, &err);
	ck_assert_msg(program, "%s", err.text);
	program_last_words(program, words, 30000);
	ck_assert_ptr_null(program_why_unfit(program));
	program_end(program, 5000);
	fd_close(&device.fd);
}
END_TEST

START_TEST(none_is_told)
{
	char path[PATH_MAX];

	ck_assert_int_eq(parse("user"), 0);
	ck_assert_ptr_null(service_start(&service, &device, loop, &err));
	ck_assert_str_eq(err.text, "there is no program passt: Debian's package passt has it");
	ck_assert_int_eq(device.fd, -1);
	ck_assert_int_eq(service_find(SERVICE_NETWORK, path, &err), -ENOENT);
	ck_assert_str_eq(service_option(service.kind), "--net");
}
END_TEST

START_TEST(parts)
{
	char many[64 * SERVICE_FORWARDS_MAX + 64] = "user";

	refused("user,queues=2", "queues=2: such a card has one pair: leave it out, or take a tap");
	refused("user,tap=a", "'tap=a': unknown part: it takes forward=tcp|udp:[ADDRESS/]");
	refused("user,tap", "'tap': unknown part: it takes forward=tcp|udp:[ADDRESS/]");
	refused("user,queues", "queues: such a card has one pair: leave it out, or take a tap");
	refused("user,forward", "'forward': it needs a value, such as forward=tcp:8080:80");
	refused("user,mac", "'mac': it needs a value, such as mac=52:54:00:12:34:56");
	refused("user,mtu", "'mtu': it needs a value, such as mtu=1400");
	refused("user,host", "'host': it needs a value, such as host=192.0.2.2");
	refused("user,mtu=67", "mtu=67: it takes a number from 68");
	refused("user,mac=1", "mac=1: not an address");
	refused("user,host=a", "host=a: no address");
	for (unsigned int i = 0; i <= SERVICE_FORWARDS_MAX; i++)
		snprintf(many + strlen(many), 32, ",forward=tcp:%u:%u", i + 1, i + 1);
	refused(many, "forward=tcp:9:9: 8 of them are the most");
}
END_TEST

/* Of which each second has nothing left of the host's to listen at. */
static const char *const same_ports[][2] = {
	{"tcp:8080:80", "tcp:8080:81"},
	{"udp:53:53", "udp:127.0.0.1/53:53"},
	{"tcp:127.0.0.1/8080:80", "tcp:0.0.0.0/8080:80"},
	{"tcp:0.0.0.0/8080:80", "tcp:8080:80"},
	{"tcp:::1/80:80", "tcp:0:0:0:0:0:0:0:1/080:80"},
	{"tcp:::/80:80", "tcp:::1/80:80"},
	{"tcp:80:80", "tcp:::ffff:127.0.0.1/80:80"},
};

START_TEST(a_port_is_forwarded_once)
{
	char text[128];

	snprintf(text, sizeof(text), "user,forward=tcp:1:1,forward=%s,forward=%s",
		 same_ports[_i][0], same_ports[_i][1]);
	refused(text, "has that port of the host's already: give another");
}
END_TEST

START_TEST(what_has_a_port_is_said)
{
	refused("user,forward=tcp:0.0.0.0/8080:80,forward=tcp:8080:81",
		"forward=tcp:127.0.0.1/8080:81: forward=tcp:0.0.0.0/8080:80 has that port of the host's");
	refused("user,forward=udp:53:53,forward=udp:53:54",
		"forward=udp:127.0.0.1/53:54: forward=udp:127.0.0.1/53:53 has that port of the host's");
}
END_TEST

static const char *const other_ports[][2] = {
	{"tcp:80:80", "udp:80:80"},
	{"tcp:80:80", "tcp:81:80"},
	{"tcp:127.0.0.1/80:80", "tcp:127.0.0.2/80:80"},
	{"tcp:0.0.0.0/80:80", "tcp:::1/80:80"},
	{"tcp:::/80:80", "tcp:127.0.0.1/80:80"},
};

START_TEST(other_ports_are_forwarded)
{
	char text[128];

	snprintf(text, sizeof(text), "user,forward=%s,forward=%s", other_ports[_i][0],
		 other_ports[_i][1]);
	ck_assert_msg(parse(text) == 0, "%s: %s", text, err.text);
}
END_TEST

static const char *const wrong_forwards[] = {
	"",
	"tcp",
	"tcp:",
	"tcp:80",
	"80:80",
	"icmp:80:80",
	"tcp:0:80",
	"tcp:80:0",
	"tcp:65536:80",
	"tcp:a:80",
	"tcp:80:65536",
	"tcp:80:80:80",
	"tcp:/8:80",
	"tcp:a/8:80",
	"tcp:1.2.3/8:1",
	"tcp:::80",
	"tcp:80:",
	"udp::80",
	"tcp:11111111111111111111111111111111111111111111111/80:80",
};

START_TEST(a_forward_is_of_ports)
{
	char text[128];

	snprintf(text, sizeof(text), "user,forward=%s", wrong_forwards[_i]);
	refused(text, "it takes tcp or udp, a port of the host's and one of the guest's");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_it_is_told);
	tcase_add_test(tests, it_has_the_other_end_of_the_connection);
	tcase_add_test(tests, a_card_has_an_address);
	tcase_add_test(tests, one_that_is_too_old_is_told);
	tcase_add_test(tests, none_is_told);
	tcase_add_test(tests, parts);
	tcase_add_loop_test(tests, a_port_is_forwarded_once, 0, ARRAY_SIZE(same_ports));
	tcase_add_test(tests, what_has_a_port_is_said);
	tcase_add_loop_test(tests, other_ports_are_forwarded, 0, ARRAY_SIZE(other_ports));
	tcase_add_loop_test(tests, a_forward_is_of_ports, 0,
			    sizeof(wrong_forwards) / sizeof(wrong_forwards[0]));
}

int main(void)
{
	return run_suite("service_network", add_tests);
}
