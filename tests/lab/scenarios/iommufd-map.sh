# SPDX-License-Identifier: BSD-3-Clause
# scenarios: iommufd-map
# tier-aarch64: all
# host-kernel: 6.12-iommufd
# seconds: 40
# How long it takes to provide and map all of a guest's memory by either way, beside programs of nothing but the
# kernel's calls, which is noted; and that by iommufd parts are mapped side by side.

only_ferry "QEMU of Debian 12 has no iommufd"

size=1024
nic=$(device "$e1000e_id")
give "$nic"
[ -e /sys/kernel/tracing/events ] || mount -t tracefs trace /sys/kernel/tracing
labtool tiny-guest > /tmp/tiny

# map_time WHAT COMMAND...: notes the seconds; in $at_once is how many maps were under way at once, at most.
map_time() {
	local what=$1
	shift
	rm -f "$work/gdb"
	labtool measure-map $((120 * LAB_SLOW)) $size "$@" > "$work/time" 2> "$work/said" ||
		die "$what: $(tail -n 1 "$work/said")"
	at_once=$(sed -n 's/measure-map: \(.*\) at once/\1/p' "$work/said")
	note "$what: $(cat "$work/time") s, $at_once at once"
}

map_by() { # map_by WAY
	map_time "ferry by $1" ferry run /tmp/tiny --cpus 1 --memory ${size}M --serial none --vfio "$nic,via=$1" \
		--gdb "unix:$work/gdb" --paused
}

map_time "bare by group" labtool map-bare "$nic" $size
map_by group
by_group=$at_once
for threads in 1 2; do
	map_time "bare by iommufd" labtool map-bare-iommufd "$nic" $size $threads
done
# On a busy machine the second processor may come too late for the few parts there are.
for try in 1 2 3; do
	map_by iommufd
	[ "$at_once" -lt 2 ] || break
done
check iommufd-map "$by_group at once by its group, $at_once by iommufd" [ "$by_group $at_once" = "1 2" ]
