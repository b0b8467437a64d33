/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line's virtio devices: each option's forms, and what is wrong with them. */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/test_config.h"

START_TEST(devices_of_others)
{
	char line[CONFIG_VHOST_USER_MAX * 32 + 64] = "";

	ck_assert_int_eq(parse("k"), 0);
	ck_assert_uint_eq(config.vhost_user_count, 0);
	ck_assert_int_eq(parse("--vhost-user blk,socket=a --vhost-user=fs,socket=b,tag=c k"), 0);
	ck_assert_uint_eq(config.vhost_user_count, 2);
	ck_assert_str_eq(config.vhost_user[0].device.path, "a");
	ck_assert_str_eq(config.vhost_user[1].device.choice.tag, "c");
	refused("--vhost-user blk k", "--vhost-user: it takes one of socket=PATH");
	refused("--vhost-user blk,fd=2 k", "--vhost-user: 'fd=2': it takes fd=N");
	for (unsigned int i = 0; i <= CONFIG_VHOST_USER_MAX; i++)
		strcat(line, "--vhost-user=blk,socket=a ");
	refused(line, "--vhost-user: given too often: 16 such devices are the most");
}
END_TEST

/* Its server is at the other end of a socket that is connected. */
START_TEST(a_device_of_others_by_a_descriptor)
{
	int ends[2], zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(dup2(ends[0], 60), 60);
	ck_assert_int_eq(dup2(zero, 61), 61);
	ck_assert_int_eq(parse("--vhost-user blk,fd=60 k"), 0);
	ck_assert_int_eq(config.vhost_user[0].device.fd, 60);
	refused("--vhost-user blk,fd=60 --vhost-user blk,fd=60 k", "fd=60: it was given already");
	refused("--vhost-user blk,fd=61 k", "fd=61: it is no socket");
	close(60);
	close(61);
	close(zero);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_disk_that_is_open_already)
{
	int file = memfd_create("image", MFD_CLOEXEC);
	int reads = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(dup2(file, 60), 60);
	ck_assert_int_eq(dup2(reads, 61), 61);
	ck_assert_int_eq(parse("--disk fd=60,serial=x --disk fd=61,readonly k"), 0);
	ck_assert_int_eq(config.disks[0].disk.image.fd, 60);
	ck_assert_int_eq(config.disks[1].disk.image.fd, 61);
	ck_assert_int_eq(fcntl(60, F_GETFD), FD_CLOEXEC);
	refused("--disk fd=60 --disk fd=60,readonly k", "--disk: fd=60: it was given already");
	refused("--disk fd=61 k", "--disk: fd=61: it is not open for ");
	refused("--disk fd=99 k", "--disk: fd=99: it is not open: who starts ferry");
	refused("--disk fd=60,format=qcow2 k", "fd=60: with format= it is qemu-storage-daemon's");
	close(60);
	close(61);
	close(file);
	close(reads);
}
END_TEST

/* By a number and by a name, or by two numbers. */
START_TEST(a_disk_that_is_open_already_is_one_disk)
{
	char path[] = "/tmp/ferry-config-XXXXXX", line[128];
	int file = mkstemp(path);

	ck_assert_int_eq(dup2(file, 60), 60);
	ck_assert_int_eq(dup2(file, 61), 61);
	snprintf(line, sizeof(line), "--disk fd=60 --disk %s,readonly k", path);
	refused(line, "--disk: fd=60: it is written to, and --disk has it too, as /tmp/ferry");
	snprintf(line, sizeof(line), "--disk fd=60,readonly --disk %s,format=vdi k", path);
	refused(line, ": it is written to, and --disk has it too, as fd=60: give it a file of");
	refused("--disk fd=60 --disk fd=61,readonly k", "--disk has it too, as fd=61");
	snprintf(line, sizeof(line), "--serial file:%s --disk fd=60,readonly k", path);
	refused(line, "it is written to, and --disk has it too, as fd=60");
	snprintf(line, sizeof(line),
		 "--disk fd=60,readonly --disk fd=61,readonly --disk %s,readonly k", path);
	ck_assert_int_eq(parse(line), 0);
	/* A file of such a name is another. */
	ck_assert_int_eq(parse("--disk fd=60 --serial file:fd=60 k"), 0);
	close(60);
	close(61);
	close(file);
	unlink(path);
}
END_TEST

START_TEST(disks)
{
	static char line[32 * CONFIG_DISKS_MAX];

	ck_assert_int_eq(parse("k"), 0);
	ck_assert_uint_eq(config.disk_count, 0);
	ck_assert_int_eq(parse("--disk a,readonly --disk=b k"), 0);
	ck_assert_uint_eq(config.disk_count, 2);
	ck_assert_str_eq(config.disks[0].disk.image.path, "a");
	ck_assert_str_eq(config.disks[1].disk.image.path, "b");
	ck_assert(config.disks[0].disk.image.readonly && !config.disks[1].disk.image.readonly);
	refused("--disk a,queues=17 k", "--disk: queues=17: it takes a number from 1 to 16");
	refused("--disk= k", "--disk: empty");
	refused("--disk", "needs a value");
	for (unsigned int i = 0; i <= CONFIG_DISKS_MAX; i++)
		strcat(line, "--disk=a ");
	refused(line, "--disk: given too often: 16 disks are the most");
}
END_TEST

START_TEST(cards)
{
	static char line[32 * CONFIG_NETS_MAX];

	ck_assert_int_eq(parse("k"), 0);
	ck_assert_uint_eq(config.net_count, 0);
	ck_assert_int_eq(parse("--net tap=a,queues=2 --net=tap=b k"), 0);
	ck_assert_uint_eq(config.net_count, 2);
	ck_assert_str_eq(config.nets[0].net.tap, "a");
	ck_assert_uint_eq(config.nets[0].net.pairs, 2);
	ck_assert_str_eq(config.nets[1].net.tap, "b");
	refused("--net a k", "--net: 'a': it takes tap=NAME, fd=N or user");
	refused("--net fd=199 k", "--net: fd=199: it is not open");
	refused("--net tap=a,queues=2 --net tap=b --net tap=a,queues=2 k",
		"--net: tap=a: another card has it: give this one its own");
	refused("--net", "needs a value");
	for (unsigned int i = 0; i <= CONFIG_NETS_MAX; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "--net=tap=t%u ", i);
	refused(line, "--net: given too often: 8 cards are the most");
}
END_TEST

START_TEST(sockets)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_uint_eq(config.vsock, 0);
	ck_assert_int_eq(parse("--vsock 3 k"), 0);
	ck_assert_uint_eq(config.vsock, 3);
	ck_assert_int_eq(parse("--vsock=4294967294 k"), 0);
	ck_assert_uint_eq(config.vsock, 4294967294);
	refused("--vsock 2 k", "--vsock: '2': not a CID from 3 to 4294967294");
	refused("--vsock 4294967295 k", "not a CID from 3 to 4294967294");
	refused("--vsock= k", "not a CID");
}
END_TEST

START_TEST(random_bytes)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_int_eq(config.rng, RNG_IF_ROOM);
	ck_assert_int_eq(parse("--rng on k"), 0);
	ck_assert_int_eq(config.rng, RNG_ON);
	ck_assert_int_eq(parse("--rng=on --rng=off k"), 0);
	ck_assert_int_eq(config.rng, RNG_OFF);
	refused("--rng maybe k", "--rng: 'maybe': it takes on or off");
}
END_TEST

START_TEST(consoles)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_int_eq(config.hvc, HVC_NONE);
	ck_assert_int_eq(parse("--console pty k"), 0);
	ck_assert_int_eq(config.hvc, HVC_PTY);
	ck_assert_int_eq(parse("--console stdio --serial none k"), 0);
	ck_assert_int_eq(config.hvc, HVC_STDIO);
	ck_assert_int_eq(parse("--console=stdio --console=pty k"), 0);
	refused("--console stdio k", "--console stdio: the serial port has the terminal");
	refused("--console file:x k", "--console: 'file:x': it takes stdio or pty");
}
END_TEST

START_TEST(folders)
{
	static char line[32 * CONFIG_VHOST_USER_MAX + 64];

	ck_assert_int_eq(parse("--share /a --share=/b,,c,tag=b,readonly k"), 0);
	ck_assert_uint_eq(config.vhost_user_count, 2);
	ck_assert_int_eq(config.vhost_user[0].service.kind, SERVICE_FOLDER);
	ck_assert_str_eq(config.vhost_user[0].service.path, "/a");
	ck_assert_str_eq(config.vhost_user[0].device.choice.tag, "share");
	ck_assert(!config.vhost_user[0].service.readonly);
	ck_assert_str_eq(config.vhost_user[1].service.path, "/b,c");
	ck_assert_str_eq(config.vhost_user[1].device.choice.tag, "b");
	ck_assert(config.vhost_user[1].service.readonly);
	refused("--share= k", "--share: empty: it takes a folder");
	refused("--share /a,tag= k", "--share: tag=: it takes 1 to 36 bytes");
	refused("--share /a,queues=2 k", "'queues=': unknown part: it takes tag=TEXT and readonly");
	refused("--share /a --share /b k", "--share: tag=share: another folder has it");
	refused("--share /b,tag=t --vhost-user fs,socket=s,tag=t k", "tag=t: another folder");
	refused("--vhost-user fs,socket=s,tag=t --share /b,tag=t k",
		"tag=t: another folder has it");
	for (unsigned int i = 0; i <= CONFIG_VHOST_USER_MAX; i++)
		snprintf(line + strlen(line), 32, "--share=a,tag=%u ", i);
	refused(line, "--share: given too often: 16 such devices are the most");
}
END_TEST

/* In the place of devices that others serve. */
START_TEST(cards_without_taps)
{
	static char line[32 * CONFIG_VHOST_USER_MAX + 64];

	ck_assert_int_eq(parse("--net tap=a --net user,forward=tcp:1:2,forward=udp:3:4 k"), 0);
	ck_assert_uint_eq(config.net_count, 1);
	ck_assert_uint_eq(config.vhost_user_count, 1);
	ck_assert_int_eq(config.vhost_user[0].service.kind, SERVICE_NETWORK);
	ck_assert_uint_eq(config.vhost_user[0].service.forward_count, 2);
	ck_assert_uint_eq(config.vhost_user[0].device.kind->id, 1);
	refused("--net user,mac=52:54:00:12:34:56,mac=52:54:00:12:34:57 k",
		"--net: mac: given twice");
	refused("--net user,forward=tcp:1:2 --share /a --net user,forward=udp:1:2,forward=tcp:1:3 k",
		"--net: forward=tcp:127.0.0.1/1:3: forward=tcp:127.0.0.1/1:2 has that port");
	refused("--net user,forward=1:2 k", "--net: forward=1:2: it takes tcp or udp");
	refused("--net tap=a,forward=tcp:1:2 k", "'forward=tcp:1:2': unknown part: it takes mac=");
	for (unsigned int i = 0; i <= CONFIG_VHOST_USER_MAX; i++)
		strcat(line, "--net=user ");
	refused(line, "--net: given too often: 16 such devices are the most");
}
END_TEST

START_TEST(images_of_other_formats)
{
	ck_assert_int_eq(parse("--disk a,format=qcow2,queues=2,block-size=4096 --disk b k"), 0);
	ck_assert_uint_eq(config.disk_count, 1);
	ck_assert_uint_eq(config.vhost_user_count, 1);
	ck_assert_int_eq(config.vhost_user[0].service.kind, SERVICE_IMAGE);
	ck_assert_str_eq(config.vhost_user[0].service.path, "a");
	ck_assert_str_eq(config.vhost_user[0].service.format, "qcow2");
	ck_assert_uint_eq(config.vhost_user[0].service.block_size, 4096);
	ck_assert_uint_eq(config.vhost_user[0].device.choice.queues, 2);
	ck_assert_int_eq(parse("--disk a,format=raw,direct k"), 0);
	ck_assert(config.disks[0].disk.image.raw && config.vhost_user_count == 0);
	refused("--disk a,format=ram k", "--disk: format=ram: it takes qcow2, qcow, ");
	refused("--disk a,format k", "--disk: 'format': with format= it takes readonly");
	refused("--disk a,format=qcow2,direct k", "'direct': with format= it takes readonly");
	refused("--disk a,format=qcow2,queues=17 k", "'queues=17': with format= it takes");
	refused("--disk ,format=qcow2 k", "--disk: empty");
	refused("--disk /d,format=vdi --serial file:/d k",
		"--disk: /d: it is written to, and --serial file has it too");
}
END_TEST

/* One that systemd hands over may be called anything of up to 255 characters. */
START_TEST(a_long_name_is_taken_whole)
{
	char line[512], name[301];

	for (unsigned int length = 60; length <= 300; length += 60) {
		memset(name, 'n', length);
		name[length] = '\0';
		snprintf(line, sizeof(line), "--vhost-user blk,fd=%s k", name);
		refused(line, length < 256 ? name : "n...: no descriptor has so long a name");
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_long_name_is_taken_whole);
	tcase_add_test(tests, devices_of_others);
	tcase_add_test(tests, a_device_of_others_by_a_descriptor);
	tcase_add_test(tests, a_disk_that_is_open_already);
	tcase_add_test(tests, a_disk_that_is_open_already_is_one_disk);
	tcase_add_test(tests, disks);
	tcase_add_test(tests, cards);
	tcase_add_test(tests, sockets);
	tcase_add_test(tests, random_bytes);
	tcase_add_test(tests, consoles);
	tcase_add_test(tests, folders);
	tcase_add_test(tests, cards_without_taps);
	tcase_add_test(tests, images_of_other_formats);
}

int main(void)
{
	int rc = run_suite("config of virtio devices", add_tests);

	config_release(&config);
	return rc;
}
