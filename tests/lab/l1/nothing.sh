# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2154 # names of who reads this
# A monitor that reaches no file but sysfs': its root folder has nothing else in it, its user no rights, and all
# that it needs is open before.

nothing=/nothing

nothing_make() {
	mkdir -p $nothing/sys
	mount --bind /sys $nothing/sys
	cp "$(command -v "$monitor")" $nothing/ferry
	cp "$(command -v labtool)" $nothing/labtool
}

nothing_remove() {
	umount $nothing/sys
	rm -r $nothing
}

# nothing_run MONITOR run KERNEL --initrd FILE OPTION...: KVM, kernel, initrd and memory (256 MiB in $memory_folder,
# which is a tmpfs) are descriptors 3 to 6. Standard input and output are its console, as ever.
nothing_run() {
	local kernel=$3 initrd=$5 memory=${memory_folder:-/dev}/nothing.$$
	shift 5
	dd if=/dev/zero of="$memory" bs=1M count=0 seek=256 2> /dev/null
	exec 3<> /dev/kvm 4< "$kernel" 5< "$initrd" 6<> "$memory"
	rm "$memory"
	exec chroot $nothing /labtool as-user 1000 unlimited /ferry run fd=4 --initrd fd=5 "$@" \
		--kvm fd=3 --memory fd=6
}
