# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # some come from lib.sh, some are for who reads this
# A guest whose root file system is Debian's, on a disk, for a scenario that has "# root:" in its head. It is spoken to
# by its serial console.

initrd=$images/initrd-more
flavour=generic
ram=512M
kernel_options="$kernel_options net.ifnames=0"
root=$work/root.image
rm -f "$root" # one of a try before may be broken
turn=0

# root_start [OPTION...]: on a copy of its own, which stays.
root_start() {
	[ -e "$root" ] || cp "$images/root" "$root"
	guest_start switch --disk "$root" "$@"
}

# Its kernel, and systemd until it asks who logs in.
root_login() {
	guest_see 1 'ferry login:'
	guest_send root
	guest_see 1 'root@ferry:'
}

# typed COMMAND: has root do it, and waits for its end; its status is in $ended.
typed() {
	turn=$((turn + 1))
	guest_send "$1; echo turn-$turn=\$?."
	guest_see 1 "turn-$turn=[0-9]*\\."
	ended=$(sed -n "s/.*turn-$turn=\([0-9]*\)\..*/\1/p" "$console")
}

# answered KEY: what it printed last behind KEY and an equals sign, up to a full stop.
answered() {
	sed -n "s/.*$1=\([^\$.]*\)\..*/\1/p" "$console" | tail -n 1
}

root_poweroff() {
	guest_send "systemctl poweroff"
	guest_wait
}

# Whether nothing is to be mended in it.
root_is_sound() {
	"$images/e2fsck" -f -n "$root" > "$work/fsck" 2>&1
}
