# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: ways
# host-kernel: 6.12-iommufd
# host-memory: 8192
# seconds: 200
# deadline: 900
# Both ways to a device in turn: 4 GiB mapped by nothing but the kernel's calls and by ferry, and ferry's start with
# 5 GiB. All is written to the round's log ways@ROUND.figures.log in lines WHAT WHO SECONDS.

. /share/l1/figures.sh
nic=$(device "$e1000e_id")
give "$nic"
[ -e /sys/kernel/tracing/events ] || mount -t tracefs trace /sys/kernel/tracing
labtool tiny-guest > /tmp/tiny
cp "$images/vmlinuz-generic" "$images/initrd-generic" /tmp/

map_by() { # map_by WHO COMMAND...
	local who=$1
	shift
	rm -f "$work/gdb"
	labtool measure-map $((120 * LAB_SLOW)) 4096 "$@" > "$work/part" 2> "$work/said" ||
		die "$who: $(tail -n 1 "$work/said")"
	figure map "$who" "$(cat "$work/part")"
}

map_by_ferry() { # map_by_ferry WAY
	map_by "ferry-$1" ferry run /tmp/tiny --cpus 1 --memory 4G --serial none --vfio "$nic,via=$1" \
		--gdb "unix:$work/gdb" --paused
}

start_by() { # start_by WAY
	labtool measure $((300 * LAB_SLOW)) 5120 ferry run /tmp/vmlinuz-generic --initrd /tmp/initrd-generic \
		--cmdline "console=$console_name quiet lab=ask" --cpus 1 --memory 5G --serial stdio --vfio "$nic,via=$1" \
		> "$work/part" 2> "$work/said" || die "ferry by $1 with 5 GiB: $(tail -n 1 "$work/said")"
	figure start "ferry-$1" "$(sed -n 's/^init //p' "$work/part")"
}

map_by bare-group labtool map-bare "$nic" 4096
map_by_ferry group
map_by bare-iommufd labtool map-bare-iommufd "$nic" 4096 "$(nproc)"
map_by_ferry iommufd
start_by group
start_by iommufd
figures_keep
