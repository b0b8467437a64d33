# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2154 # some come from lib.sh
# Programs that serve devices, for a scenario that begins with this file and has "# servers:" in its head.

# program PATH FILE [ARGUMENT]: at PATH, with the libraries that are its own.
program() {
	local folders='' folder
	for folder in "$images"/servers/lib/*-linux-gnu "$images"/servers/usr/lib/*-linux-gnu; do
		folders="${folders:+$folders:}$folder"
	done
	mkdir -p "${1%/*}"
	echo "#!/bin/sh
exec $(echo "$images"/servers/lib/*-linux-gnu/ld-linux-*.so.?) --library-path $folders $images/servers/$2 \"\$@\" $3" > "$1"
	chmod +x "$1"
}

# A root folder of an initramfs cannot be left, as the program's own walls would have it.
virtiofsd_in_place() {
	program /usr/lib/qemu/virtiofsd usr/lib/qemu/virtiofsd "-o sandbox=chroot"
}

sum_of_tree() {
	(cd "$1" && find . -type f | sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)
}
