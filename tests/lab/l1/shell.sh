# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # names for and from lib.sh and the architecture
# What a person's shell in L1 begins with: the scenarios' functions, a way for gdb, a word about both.

. /share/l1/lib.sh
. /share/l1/gdb.sh
flavour=generic

# Whoever connects to the port from outside gets the monitor's socket, as often as they like.
(
	trap '' INT
	while :; do
		labtool bridge "$(gdb_port)" unix:/tmp/gdb
		sleep 1
	done
) > "$work/bridge" 2>&1 < /dev/null &

cat <<-END
	The lab's host. The monitor is ferry; /images and /share are the lab's folders; the scenarios' functions
	(device, give, guest, value, machine ...) are at hand. docs/lab.md has an example.
	The shell's end powers the host off; Ctrl-] X ends it from outside. Ctrl-A is ferry's.
	To debug a guest start it with --gdb unix:/tmp/gdb (and --paused, and nokaslr for its kernel), then outside,
	at the top of Ferry's tree:
	    $lab_gdb build/lab/images/$LAB_ARCH/symbols/vmlinux-cloud -ex 'target remote build/lab/run/$LAB_ARCH/shell.gdb'
END
