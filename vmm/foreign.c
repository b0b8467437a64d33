/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of other monitors (QEMU, crosvm, cloud-hypervisor, kvmtool), and Ferry's word for
 * each.
 */

#include "vmm/foreign.h"

#include <ctype.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/text.h"

/* Names without dashes, a blank between them; each one's advice goes on after a colon. */
static const struct {
	const char *names;
	const char *advice;
} foreign_options[] = {
	{"m mem ram memory", "Ferry's word is --memory SIZE, with a unit, as in 512M"},
	{"mem-path hugetlbfs hugepages", "Ferry's word is --memory SIZE,hugepages=2M (or 1G)"},
	{"mem-prealloc overcommit", "Ferry's word is --memory SIZE,prealloc"},
	{"smp c cpus vcpus", "Ferry's word is --cpus N"},
	{"cpu-affinity vcpu-affinity", "Ferry's word is --cpus N,pin=LIST"},
	{"cpu", "a guest's processors are the host's, as KVM offers them: leave it out; --cpus N "
		"is how many"},
	{"kernel k vmlinux", "Ferry takes the kernel without an option, after all others"},
	{"append params p", "Ferry's word is --cmdline TEXT, in quotes"},
	{"cmdline", "Ferry's word is --cmdline TEXT, in quotes"},
	{"initrd i initramfs", "Ferry's word is --initrd FILE"},
	{"device vfio-pci vfio-user-pci",
	 "Ferry's word for handing over a PCI device is --vfio 0000:01:00.0, and for one behind a "
	 "vfio-user server --vfio-user socket=PATH; others it does not emulate"},
	{"user-device", "Ferry's word is --vfio-user socket=PATH"},
	{"vfio", "Ferry's word is --vfio 0000:01:00.0"},
	{"drive disks d b block blockdev hda hdb hdc hdd cdrom fda sd mtdblock pmem rwdisk "
	 "rwroot root snapshot",
	 "Ferry's word is --disk FILE, for a raw image or a block device; a disk's controller is "
	 "handed over with --vfio 0000:01:00.0"},
	{"fs fsdev virtfs virtiofs shared-dir 9p sandbox-dir",
	 "Ferry's word is --share DIR, or --vhost-user fs,socket=PATH,tag=TEXT with a virtiofsd "
	 "that runs already"},
	{"generic-vhost-user", "Ferry's word is --vhost-user KIND,socket=PATH"},
	{"netdev nic n network nd tap tap-name tap-fd tapif host-ip mac netmask",
	 "Ferry's word is --net tap=NAME; a card of the host's, or a virtual function of one, is "
	 "handed over with --vfio 0000:01:00.0"},
	{"cid guest-cid vhost-vsock", "Ferry's word is --vsock CID"},
	{"nographic curses", "it is always so: leave it out; the serial port is the terminal"},
	{"display wayland-sock x-display vga vnc spice sdl gpu gtk full-screen g",
	 "Ferry shows no display: the serial port is the terminal; a graphics card can be handed "
	 "over with --vfio 0000:01:00.0"},
	{"audio audiodev soundhw sound usb usbdevice tpm tpmdev balloon watchdog vdpa input "
	 "pvpanic",
	 "Ferry emulates no such device: leave it out, or hand a real one over with --vfio "
	 "0000:01:00.0"},
	{"rng", "Ferry's word is --rng on|off"},
	{"serial", "Ferry's word is --serial stdio|pty|file:PATH|none"},
	{"console virtio-console", "Ferry's word is --console stdio|pty, beside --serial"},
	{"chardev tty parallel debugcon debug-console",
	 "Ferry's guest has one serial port, --serial stdio|pty|file:PATH|none, and --console "
	 "stdio|pty beside it"},
	{"monitor mon qmp qmp-pretty api-sock api-socket config-file socket event-monitor",
	 "Ferry's word is --control unix:PATH, which speaks QMP, and ferry ctl; on the terminal "
	 "Ctrl-A h lists the keys"},
	{"gdb", "Ferry's word is --gdb unix:PATH or --gdb PORT"},
	{"s", "Ferry's word is --gdb 1234"},
	{"S", "Ferry's word is --paused"},
	{"no-reboot", "Ferry's word is --on-reboot exit"},
	{"no-shutdown reboot shutdown action", "Ferry ends when its guest powers off; --on-reboot "
					       "says what a reboot does"},
	{"enable-kvm accel machine M no-acpi no-hpet nodefaults no-user-config boot platform",
	 "Ferry has one kind of machine, always with KVM: leave it out"},
	{"bios firmware flash f pflash L", "Ferry has no firmware: it boots a KERNEL itself"},
	{"dtb", "Ferry makes the device tree itself: leave it out; --dump-fdt FILE shows it"},
	{"dump-dtb dump-device-tree-blob", "Ferry's word is --dump-fdt FILE"},
	{"acpitable smbios", "Ferry makes the guest's tables itself: leave it out"},
	{"option-rom", "Ferry's word is --vfio 0000:01:00.0,rom=FILE"},
	{"trace", "Ferry's word is --vfio 0000:01:00.0,trace=FILE"},
	{"daemonize pidfile runas run-with sandbox seccomp seccomp-level jail jailer chroot landlock landlock-rules disable-sandbox",
	 "a run stays in the foreground as the user who starts it: leave it out, and start it "
	 "from systemd or a shell's background"},
	{"D log-file", "messages go to standard error: add 2>FILE; --log LEVEL says how many"},
	{"v verbose debug loglevel log-level", "Ferry's word is --log LEVEL"},
	{"name id uuid numa object global icount rtc loadvm incoming restore plugin protected-vm",
	 "Ferry has nothing like it: leave it out"},
	{"readconfig", "Ferry's word is @FILE, which has an option a line, as on the command line"},
	{"version V", "`ferry --version` tells it"},
};

const char *foreign_advice(const char *word)
{
	const char *name = word + strspn(word, "-");
	size_t length = strcspn(name, "=");
	char plain[32];

	/* A number that hangs on its letter, as in -m512. */
	if (name - word == 1 && *name && isdigit((unsigned char)name[1]) && name[1])
		length = 1;
	snprintf(plain, sizeof(plain), "%.*s", (int)length, name);
	for (size_t i = 0; i < ARRAY_SIZE(foreign_options); i++)
		if (text_has_word(foreign_options[i].names, " ", plain))
			return foreign_options[i].advice;
	return NULL;
}

/*
 * It leaves optopt 0 for a long option, and goes past a word of short ones only at its last letter.
 */
const char *foreign_word(char *const *argv)
{
	const char *last = argv[optind - 1];

	if (optopt > 255)
		return "";
	if (optopt == 0 || (last[0] == '-' && last[1] == optopt && last[2] == '\0'))
		return last;
	return argv[optind];
}
