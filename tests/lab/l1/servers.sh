# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # some come from lib.sh, some are for who reads this
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

# passt_in RELEASE: has that one in $work/RELEASE, with the libraries that are its own.
passt_in() {
	local root=$images/passt-$1 libraries
	libraries=$(dirname "$root"/lib/*-linux-gnu/ld-linux-*.so.?)
	[ -e "$libraries" ] || libraries=$(dirname "$root"/usr/lib/*-linux-gnu/ld-linux-*.so.?)
	mkdir -p "$work/$1"
	echo "#!/bin/sh
exec $(echo "$libraries"/ld-linux-*.so.?) --library-path $libraries $root/usr/bin/passt \"\$@\"" > "$work/$1/passt"
	chmod +x "$work/$1/passt"
}

# An initramfs's root cannot be left, as passt's walls would have it. So the monitor has all of it once more, above.
mkdir -p "$work/root"
cat > "$work/rooted" <<'END'
#!/bin/sh
mount -o rbind / "${0%/*}/root" && cd "${0%/*}/root" && mount -o move . / && exec chroot . "$@"
END
chmod +x "$work/rooted"
rooted="busybox unshare -m $work/rooted"
