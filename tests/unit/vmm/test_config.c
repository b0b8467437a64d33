/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: every option's forms, and the sentence for each way to get it wrong. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/test_config.h"
#include "vmm/base/bits.h"

START_TEST(defaults)
{
	ck_assert_int_eq(parse("vmlinux"), 0);
	ck_assert_int_eq(action, CONFIG_RUN);
	ck_assert_str_eq(config.kernel, "vmlinux");
	ck_assert_ptr_null(config.cmdline);
	ck_assert_uint_eq(config.cpus, 1);
	ck_assert(!config.pinned);
	ck_assert_uint_eq(config.memory, 512 * MIB);
	ck_assert_uint_eq(config.page_size, 0);
	ck_assert_int_eq(config.serial, SERIAL_STDIO);
	ck_assert(!config.exit_on_reboot && !config.paused && !config.debug_exit);
}
END_TEST

START_TEST(both_spellings_and_any_order)
{
	ck_assert_int_eq(parse("--memory=1G k --cpus 4 --initrd a --initrd=b --cmdline quiet "
			       "--on-reboot exit --paused --debug-exit --log error"),
			 0);
	ck_assert_str_eq(config.kernel, "k");
	ck_assert_uint_eq(config.memory, GIB);
	ck_assert_uint_eq(config.cpus, 4);
	ck_assert_uint_eq(config.initrd_count, 2);
	ck_assert_str_eq(config.initrds[1], "b");
	ck_assert_str_eq(config.cmdline, "quiet");
	ck_assert(config.exit_on_reboot && config.paused && config.debug_exit);
}
END_TEST

START_TEST(debuggers)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_ptr_null(config.gdb);
	ck_assert_int_eq(parse("--gdb unix:/run/guest.gdb k"), 0);
	ck_assert_str_eq(config.gdb, "unix:/run/guest.gdb");
	ck_assert_int_eq(parse("--gdb=[::1]:1234 k"), 0);
	refused("--gdb 65536 k", "--gdb: '65536': no place to listen at: give unix:PATH");
	refused("--gdb unix: k", "--gdb: 'unix:': no path");
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_ptr_null(config.control);
	ck_assert_int_eq(parse("--control unix:vm.sock k"), 0);
	ck_assert_str_eq(config.control, "unix:vm.sock");
	refused("--control vm.sock k", "--control: 'vm.sock': it takes unix:PATH");
	refused("--control unix: k", "--control: 'unix:': no path");
}
END_TEST

START_TEST(processors)
{
	ck_assert_int_eq(parse("--cpus 5,pin=0-3:8 k"), 0);
	ck_assert(config.pinned);
	ck_assert_uint_eq(config.pins[3], 3);
	ck_assert_uint_eq(config.pins[4], 8);
	ck_assert_int_eq(parse("--cpus 64 k"), 0);
	refused("--cpus 0 k", "from 1 to 64");
	refused("--cpus 65 k", "from 1 to 64");
	refused("--cpus 2x k", "'2x'");
	refused("--cpus 2,pin=0 k", "names 1 host processors for 2 vCPUs");
	refused("--cpus 2,pin=3-1 k", "not a list");
	refused("--cpus 2,pin=0-99999 k", "not a list");
	refused("--cpus 2,pin k", "pin=LIST");
	refused("--cpus 2,sockets=1 k", "'sockets'");
}
END_TEST

START_TEST(memory)
{
	ck_assert_int_eq(parse("--memory 4g,hugepages=1G,prealloc k"), 0);
	ck_assert_uint_eq(config.memory, 4 * GIB);
	ck_assert_uint_eq(config.page_size, GIB);
	ck_assert(config.prealloc);
	ck_assert_int_eq(parse("--memory 1048576K k"), 0);
	ck_assert_uint_eq(config.memory, GIB);
	refused("--memory 524289.5K k", "page size, 4 KiB");
	refused("--memory 513M,hugepages=2M k", "2048 KiB");
	refused("--memory 1K k", "page size");
	refused("--memory 4K k", "too small");
	refused("--memory 0 k", "too small");
	refused("--memory lots k", "not a size");
	refused("--memory 1Q k", "not a size");
	refused("--memory 99999999999999999999 k", "--memory: '99999999999999999999': more than");
	refused("--memory 16777216T k", "more than");
	refused("--memory 1G,hugepages=4M k",
		"--memory: hugepages: '4M': huge pages are of 2M or 1G");
	refused("--memory 1G,hugepages=2 k", "--memory: hugepages: '2': it has no unit: write 2M");
	ck_assert_int_eq(parse("--memory 1G,hugepages=2MiB k"), 0);
	ck_assert_uint_eq(config.page_size, 2 * MIB);
	refused("--memory 1G,prealloc=yes k", "prealloc=yes");
	refused("--memory 1G, k", "nothing after a comma");
}
END_TEST

START_TEST(options_of_other_monitors)
{
	static const struct {
		const char *line, *told;
	} told[] = {
		{"-m 512 k", "unknown option '-m': Ferry's word is --memory SIZE"},
		{"k -m512", "unknown option '-m512': Ferry's word is --memory SIZE"},
		{"-smp 4 k", "unknown option '-smp': Ferry's word is --cpus N"},
		{"k -smp", "unknown option '-smp': Ferry's word is --cpus N"},
		{"-kernel k", "unknown option '-kernel': Ferry takes the kernel without an option"},
		{"--kernel=k", "unknown option '--kernel=k': Ferry takes the kernel"},
		{"-append quiet k", "unknown option '-append': Ferry's word is --cmdline TEXT"},
		{"--params quiet k", "--cmdline TEXT"},
		{"-initrd i k", "unknown option '-initrd': Ferry's word is --initrd FILE"},
		{"-nographic k", "leave it out"},
		{"-drive file=x k", "Ferry's word is --disk FILE"},
		{"--disks x k", "Ferry's word is --disk FILE"},
		{"-hda x k", "unknown option '-hda': Ferry's word is --disk FILE"},
		{"-netdev user k", "Ferry's word is --net tap=NAME"},
		{"--tap tap0 k", "Ferry's word is --net tap=NAME"},
		{"--cid 3 k", "Ferry's word is --vsock CID"},
		{"-device vfio-pci,host=01:00.0 k", "--vfio 0000:01:00.0"},
		{"--device path=/sys k", "--vfio 0000:01:00.0"},
		{"-cpu host k", "unknown option '-cpu': a guest's processors are the host's"},
		{"-enable-kvm k", "always with KVM: leave it out"},
		{"-S k", "Ferry's word is --paused"},
		{"-s k", "Ferry's word is --gdb 1234"},
		{"-monitor stdio k", "Ferry's word is --control unix:PATH"},
		{"-bios x k", "no firmware"},
		{"-display none k", "the serial port is the terminal"},
		{"--nonsense k", "unknown option '--nonsense': see ferry run --help"},
		{"-zap k", "unknown option '-zap': see ferry run --help"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		refused(told[i].line, told[i].told);
}
END_TEST

START_TEST(help_by_one_letter)
{
	ck_assert_int_eq(parse("-h"), 0);
	ck_assert_int_eq(action, CONFIG_HELP);
	ck_assert_int_eq(parse("k --cpus 2 -h"), 0);
	ck_assert_int_eq(action, CONFIG_HELP);
	refused("k --paused=", "takes no value");
}
END_TEST

START_TEST(devices)
{
	ck_assert_int_eq(parse("--vfio 01:00.0 --vfio /a,,b/0000:02:00.0 k"), 0);
	ck_assert_uint_eq(config.vfio_count, 2);
	ck_assert_str_eq(config.vfio[0].path, "01:00.0");
	ck_assert_str_eq(config.vfio[1].path, "/a,b/0000:02:00.0");
	refused("--vfio= k", "empty");
	refused("--vfio 01:00.0,turbo k", "'turbo'");
	ck_assert_int_eq(parse("--vfio 1:0.0,rom=/r,mmap=off:0:2-3,trace=/t --vfio 1:0.1,rom=off,"
			       "mmap=off --vfio 1:0.2 k"),
			 0);
	ck_assert_str_eq(config.vfio[0].rom, "/r");
	ck_assert(!config.vfio[0].no_rom);
	ck_assert_uint_eq(config.vfio[0].trapped, 0xd);
	ck_assert_str_eq(config.vfio[0].trace, "/t");
	ck_assert(config.vfio[1].no_rom && !config.vfio[1].rom && !config.vfio[1].trace);
	ck_assert_uint_eq(config.vfio[1].trapped, 0x3f);
	ck_assert(!config.vfio[2].no_rom && !config.vfio[2].rom);
	ck_assert_uint_eq(config.vfio[2].trapped, 0);
	refused("--vfio 1:0.0,rom k", "'rom': a value is missing: it is rom=FILE, or rom=off");
	refused("--vfio 1:0.0,rom= k", "'rom='");
	refused("--vfio 1:0.0,trace= k", "'trace='");
	refused("--vfio 1:0.0,names=/n k", "names=/n: it is for trace=FILE");
	ck_assert_int_eq(
		parse("--vfio 1:0.0,names=/n,trace=/t,vf-token=6ba7b810-9dad-11d1-80b4-00c04fd430c8 k"),
		0);
	ck_assert_str_eq(config.vfio[0].names, "/n");
	ck_assert_str_eq(config.vfio[0].vf_token, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	ck_assert_int_eq(config.vfio[0].via, VFIO_VIA_ANY);
	ck_assert_int_eq(parse("--vfio 1:0.0,via=iommufd --vfio 1:0.1,via=group k"), 0);
	ck_assert_int_eq(config.vfio[0].via, VFIO_VIA_IOMMUFD);
	ck_assert_int_eq(config.vfio[1].via, VFIO_VIA_GROUP);
	refused("--vfio 1:0.0,via=fd k", "via=fd: it takes iommufd or group");
	refused("--vfio 1:0.0,via k", "'via': a value is missing");
	ck_assert_int_eq(parse("--vfio 1:0.0,port --vfio 1:0.1 k"), 0);
	ck_assert(config.vfio[0].port && !config.vfio[1].port);
	refused("--vfio 1:0.0,port=1 k", "'port=1': unknown part");
	refused("--vfio 1:0.0,trace=/t --vfio 1:0.1,trace=/t k", "a file of its own");
	refused("--vfio 1:0.0,mmap=on k", "mmap=on");
	refused("--vfio 1:0.0,mmap=off: k", "mmap=off:");
	refused("--vfio 1:0.0,mmap=off:6 k", "BARs from 0 to 5");
	refused("--vfio 1:0.0,mmap=off:0-9 k", "BARs from 0 to 5");
	refused("--vfio eth0 k", "--vfio: passthrough device: eth0: not a PCI address");
	refused("--vfio 01:20.0 k", "not a PCI address");
	refused("--vfio", "needs a value");
}
END_TEST

START_TEST(slots)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_uint_eq(config.slots, 0);
	ck_assert_int_eq(parse("--hotplug 2 k"), 0);
	ck_assert_uint_eq(config.slots, 2);
	ck_assert_uint_eq(config.slot_memory, 32 * MIB);
	ck_assert_uint_eq(config.slot_prefetch, GIB);
	ck_assert_int_eq(parse("--hotplug=31,prefetch=128G,mmio=0 k"), 0);
	ck_assert_uint_eq(config.slots, 31);
	ck_assert_uint_eq(config.slot_memory, 0);
	ck_assert_uint_eq(config.slot_prefetch, 128 * GIB);
	ck_assert_int_eq(parse("--hotplug 1,mmio=1M,prefetch=4096T k"), 0);
	refused("--hotplug 0 k", "--hotplug: '0': not a number of slots from 1 to 31");
	refused("--hotplug 32 k", "'32': not a number of slots from 1 to 31");
	refused("--hotplug= k", "'': not a number of slots");
	refused("--hotplug two k", "'two': not a number of slots");
	refused("--hotplug 1,mmio k", "'mmio': unknown part: it takes mmio=SIZE and prefetch=SIZE");
	refused("--hotplug 1,io=4K k", "'io=4K': unknown part");
	refused("--hotplug 1,mmio=64 k", "--hotplug: mmio: '64': it has no unit: write 64M");
	refused("--hotplug 1,prefetch=1.5K k", "prefetch: '1.5K': not a multiple of 1M");
	refused("--hotplug 1,prefetch=4097T k", "prefetch: '4097T': more than any guest");
	refused("--hotplug 1,mmio= k", "mmio: '': not a size");
	refused("--hotplug", "needs a value");
}
END_TEST

/* What whoever started this has opened. */
static int open_so(int fd, int mode)
{
	int null = open("/dev/null", mode);

	ck_assert_int_eq(dup2(null, fd), fd);
	close(null);
	return fd;
}

static int open_at(int fd)
{
	return open_so(fd, O_RDWR);
}

START_TEST(descriptors)
{
	open_at(60);
	open_at(61);
	open_at(62);
	ck_assert_int_eq(
		parse("--vfio fd=60,rom=off,vf-token=6ba7b810-9dad-11d1-80b4-00c04fd430c8 --vfio 1:0.0 --iommufd fd=61 k"),
		0);
	ck_assert_int_eq(config.vfio[0].fd, 60);
	ck_assert_str_eq(config.vfio[0].path, "fd=60");
	ck_assert_str_eq(config.vfio[0].vf_token, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	ck_assert(config.vfio[0].no_rom);
	ck_assert_int_eq(config.vfio[1].fd, 0);
	ck_assert_int_eq(config.vfio[1].via, VFIO_VIA_IOMMUFD);
	ck_assert_int_eq(config.iommufd, 61);
	ck_assert_int_eq(fcntl(60, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(61, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(62, F_GETFD), 0);
	ck_assert_int_eq(parse("--vfio fd=60,via=iommufd --vfio fd=62 k"), 0);
	ck_assert_int_eq(config.vfio[0].via, VFIO_VIA_IOMMUFD);
	ck_assert_int_eq(config.vfio[1].via, VFIO_VIA_IOMMUFD);
	refused("--vfio fd=63 k", "--vfio: fd=63: it is not open");
	refused("--iommufd fd=63 k", "--iommufd: fd=63: it is not open");
	refused("--vfio fd=2 k", "'fd=2': it takes fd=N");
	refused("--vfio fd= k", "'fd=': it takes fd=N");
	refused("--vfio fd=99999999999 k", "it takes fd=N");
	refused("--vfio fd=-1 k", "it takes fd=N");
	refused("--vfio fd=60 --vfio fd=60 k", "fd=60: it was given already");
	refused("--vfio fd=60 --iommufd fd=60 k", "fd=60: it was given already");
	refused("--iommufd fd=61 --iommufd fd=61 k", "fd=61: it was given already");
	refused("--iommufd fd=61 --iommufd fd=62 --vfio 1:0.0 k", "given twice");
	refused("--iommufd /dev/iommu k", "'/dev/iommu': it takes fd=N");
	refused("--iommufd fd=61 k", "--iommufd: it is for the devices of --vfio and --hotplug");
	ck_assert_int_eq(parse("--iommufd fd=61 --hotplug 1 k"), 0);
	refused("--iommufd fd=61 --vfio 1:0.0,via=group k", "--vfio 1:0.0 asks for via=group");
	refused("--vfio fd=60,via=group k", "fd=60: via=group: a character device goes by iommufd");
	for (int fd = 60; fd <= 62; fd++)
		close(fd);
}
END_TEST

/* Those that are handed over by name begin at 3, which is somebody else's here. */
START_TEST(descriptors_with_names)
{
	char pid[16], names[60 - 3 + sizeof("disk")];
	int fd = open_at(60);

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	memset(names, ':', 60 - 3);
	strcpy(names + 60 - 3, "disk");
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "58", 1);
	setenv("LISTEN_FDNAMES", names, 1);
	ck_assert_int_eq(parse("--vfio fd=disk,rom=off k"), 0);
	ck_assert_int_eq(config.vfio[0].fd, 60);
	ck_assert_str_eq(config.vfio[0].path, "fd=disk");
	ck_assert_int_eq(config.vfio[0].via, VFIO_VIA_IOMMUFD);
	refused("--vfio fd=disk --iommufd fd=60 k", "--iommufd: fd=60: it was given already");
	refused("--vfio fd=disc k", "--vfio: fd=disc: no descriptor of this name was handed over");
	close(fd);
}
END_TEST

START_TEST(descriptors_of_other_modes)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_PATH, O_PATH | O_RDWR};
	int fd = open_so(60, modes[_i]);

	refused("--vfio fd=60 k", "--vfio: fd=60: it is not open for reading and writing");
	refused("--iommufd fd=60 --vfio 1:0.0 k",
		"--iommufd: fd=60: it is not open for reading and writing");
	close(fd);
}
END_TEST

START_TEST(serial_reboot_log)
{
	ck_assert_int_eq(parse("--serial file:/tmp/x,y k"), 0);
	ck_assert_int_eq(config.serial, SERIAL_FILE);
	ck_assert_str_eq(config.serial_path, "/tmp/x,y");
	ck_assert_int_eq(parse("--serial pty k"), 0);
	ck_assert_int_eq(parse("--serial none --sandbox log k"), 0);
	ck_assert_int_eq(config.sandbox, SANDBOX_LOG);
	refused("--serial file: k", "file:PATH");
	refused("--serial tcp k", "'tcp'");
	refused("--sandbox yes k", "'yes': it takes on, log or off");
	refused("--on-reboot never k", "reset or exit");
	refused("--on-term never k", "it takes quit, powerdown");
	refused("--on-term powerdown: k", "1 to 86400");
	refused("--on-term powerdown:0 k", "1 to 86400");
	refused("--on-term powerdown:86401 k", "1 to 86400");
	refused("--on-term powerdown9 k", "it takes quit, powerdown");
	refused("--log loud k", "--log: 'loud'");
}
END_TEST

/* Its own test is tests/unit/vmm/sandbox/test_user.c. */
START_TEST(another_user)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert_uint_eq(config.user.uid, 0);
	if (geteuid()) {
		ck_assert_int_eq(parse("--user 65534:65533 k"), -EPERM);
		ck_assert_ptr_nonnull(strstr(err.text, "--user: only root becomes another user"));
		return;
	}
	ck_assert_int_eq(parse("--user 65534:65533 k"), 0);
	ck_assert_uint_eq(config.user.uid, 65534);
	ck_assert_uint_eq(config.user.gid, 65533);
	refused("--user root k", "--user: 'root': it is root");
	refused("--user no-such-user k", "--user: there is no user 'no-such-user' in /etc/passwd");
}
END_TEST

START_TEST(usage)
{
	refused("", "no KERNEL");
	refused("one two",
		"'two': one kernel is booted, 'one': an initial RAM disk is --initrd FILE");
	refused("--unknown k", "unknown option '--unknown'");
	refused("-z k", "'-z'");
	refused("--paused=1 k", "takes no value");
	ck_assert_int_eq(parse("--help"), 0);
	ck_assert_int_eq(action, CONFIG_HELP);
	ck_assert_int_eq(parse("--dump-acpi /tmp"), 0);
	ck_assert_ptr_null(config.kernel);
	ck_assert_str_eq(config.dump_acpi, "/tmp");
	ck_assert_int_eq(parse("--dump-fdt /tmp/tree"), 0);
	ck_assert_ptr_null(config.kernel);
	ck_assert_ptr_null(config.dump_acpi);
	ck_assert_str_eq(config.dump_fdt, "/tmp/tree");
	refused("--dump-fdt", "needs a value");
	ck_assert_int_eq(parse("-- --odd-name"), 0);
	ck_assert_str_eq(config.kernel, "--odd-name");
}
END_TEST

START_TEST(too_many)
{
	char line[512] = "";

	for (int i = 0; i < CONFIG_VFIO_MAX + 1; i++)
		strcat(line, "--vfio=1:0.0 ");
	ck_assert_int_eq(strlen(line) < sizeof(line), 1);
	{
		char *argv[64] = {(char *)"run"};
		int argc = 1;

		for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
			argv[argc++] = word;
		argv[argc++] = (char *)"k";
		ck_assert_int_eq(config_parse(&config, argc, argv, &action, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "given too often"));
	}
}
END_TEST

/* As a shell's variable is that is not set. */
START_TEST(an_empty_name_is_none)
{
	const struct {
		const char *words[4], *sentence;
	} lines[] = {
		{{"run", ""}, "KERNEL: empty: it takes a file"},
		{{"run", "--initrd", "", "k"}, "--initrd: empty: it takes a file"},
		{{"run", "--dump-acpi", ""}, "--dump-acpi: empty: it takes a folder"},
		{{"run", "--dump-fdt="}, "--dump-fdt: empty: it takes a file"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *argv[ARRAY_SIZE(lines[i].words) + 1] = {NULL};
		int argc = 0;

		for (; argc < 4 && lines[i].words[argc]; argc++)
			argv[argc] = (char *)(uintptr_t)lines[i].words[argc];
		config_release(&config);
		ck_assert_int_eq(config_parse(&config, argc, argv, &action, &err), -EINVAL);
		ck_assert_str_eq(err.text, lines[i].sentence);
	}
}
END_TEST

START_TEST(what_is_written_is_nothing_else)
{
	refused("--serial file:k k",
		"--serial file: k: it is written to, and KERNEL has it too: give it a file of its own");
	refused("--initrd /i --serial file:/i k",
		"--serial file: /i: it is written to, and --initrd");
	refused("--serial file:/t --vfio 1:0.0,trace=/t k",
		"trace= of 1:0.0: /t: it is written to, and --serial file has it too");
	refused("--vfio 1:0.0,rom=/r,trace=/r k",
		"trace= of 1:0.0: /r: it is written to, and rom= of 1:0.0 has it too");
	refused("--vfio 1:0.0,trace=/t --vfio 1:0.1,trace=/t k",
		"trace= of 1:0.0: /t: it is written to, and trace= of 1:0.1 has it too");
	refused("--vfio 1:0.0,trace=/k /k", "KERNEL has it too");
	refused("--serial file:/d --disk /d k",
		"--disk: /d: it is written to, and --serial file has it too");
	refused("--disk /d --disk /d,readonly k", "--disk: /d: it is written to, and --disk has");
	refused("--serial file:/d --disk /d,readonly k",
		"--serial file: /d: it is written to, and --disk has it too");
	refused("--gdb unix:/s --control unix:/s k",
		"--control unix:/s: --gdb has it too: give another path");
	/* What is read only, or swallows all, may be. */
	ck_assert_int_eq(parse("--initrd k --vfio 1:0.0,rom=k --vfio 1:0.1,rom=k k"), 0);
	ck_assert_int_eq(parse("--serial file:/dev/null --vfio 1:0.0,trace=/dev/null "
			       "--vfio 1:0.1,trace=/dev/null k"),
			 0);
}
END_TEST

/* Opening the serial port's file would empty it, before anything else looks at it. */
START_TEST(by_whatever_name)
{
	char folder[] = "/tmp/ferry-config-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(scratch_shell(folder, "echo x >d; ln -s d s; ln d h; mkfifo f"), 0);
	refused("--serial file:./d --disk d k",
		"--disk: d: it is written to, and --serial file has it too, as ./d: give it a file "
		"of its own");
	refused("--serial file:s d",
		"--serial file: s: it is written to, and KERNEL has it too, as d");
	refused("--disk h,format=vpc --disk d,readonly k",
		"--disk: h: it is written to, and --disk");
	/* One that is not there yet. */
	refused("--serial file:n --vfio 1:0.0,trace=./n k", "--serial file has it too, as n");
	ck_assert_int_eq(parse("--serial file:n --vfio 1:0.0,trace=../n k"), 0);
	ck_assert_int_eq(parse("--serial file:nowhere/n --vfio 1:0.0,trace=./nowhere/n k"), 0);
	ck_assert_int_eq(parse("--serial file:f --vfio 1:0.0,trace=./f k"), 0);
	ck_assert_int_eq(parse("--disk s,readonly --disk d,readonly k"), 0);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_remove(folder);
}
END_TEST

/* A link makes the file that it leads to. */
START_TEST(by_links_to_what_is_not_there_yet)
{
	char folder[] = "/tmp/ferry-config-XXXXXX", line[128];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(
		scratch_shell(folder,
			      "mkdir in; ln -s a b; ln -s ../b in/c; ln -s \"$PWD/a\" d;"
			      "ln -s in up; ln -s one other; ln -s other one; ln -s a in/e"),
		0);
	refused("--serial file:a --dump-fdt b",
		"--serial file: a: it is written to, and --dump-fdt has it too, as b: give it a "
		"file of its own");
	refused("--serial file:in/c --dump-fdt a", "--dump-fdt has it too, as a");
	refused("--serial file:up/c --dump-fdt b", "--dump-fdt has it too, as b");
	refused("--serial file:d --vfio 1:0.0,trace=in/c k", "--serial file has it too, as d");
	snprintf(line, sizeof(line), "--serial file:in/e --dump-fdt %s/in/a", folder);
	refused(line, "--dump-fdt has it too");
	ck_assert_int_eq(parse("--serial file:a --dump-fdt in/e"), 0);
	ck_assert_int_eq(parse("--serial file:in/c --dump-fdt in/a"), 0);
	/* One that leads nowhere is nobody's. */
	ck_assert_int_eq(parse("--serial file:one --dump-fdt other"), 0);
	ck_assert_int_eq(scratch_shell(folder, "rm -r in"), 0);
	ck_assert_int_eq(chdir("/"), 0);
	scratch_remove(folder);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, defaults);
	tcase_add_test(tests, both_spellings_and_any_order);
	tcase_add_test(tests, debuggers);
	tcase_add_test(tests, processors);
	tcase_add_test(tests, memory);
	tcase_add_test(tests, options_of_other_monitors);
	tcase_add_test(tests, help_by_one_letter);
	tcase_add_test(tests, devices);
	tcase_add_test(tests, slots);
	tcase_add_test(tests, descriptors);
	tcase_add_test(tests, descriptors_with_names);
	tcase_add_loop_test(tests, descriptors_of_other_modes, 0, 4);
	tcase_add_test(tests, serial_reboot_log);
	tcase_add_test(tests, another_user);
	tcase_add_test(tests, usage);
	tcase_add_test(tests, too_many);
	tcase_add_test(tests, an_empty_name_is_none);
	tcase_add_test(tests, what_is_written_is_nothing_else);
	tcase_add_test(tests, by_whatever_name);
	tcase_add_test(tests, by_links_to_what_is_not_there_yet);
}

int main(void)
{
	int rc = run_suite("config", add_tests);

	config_release(&config);
	return rc;
}
