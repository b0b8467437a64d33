# SPDX-License-Identifier: BSD-3-Clause
# scenarios: user-nobody user-given-back
# tier-aarch64: all
# also-on: 6.12-iommufd
# seconds: 20
# A run that root starts and that goes on as another user, in a root folder without files; the device afterwards.

only_ferry "its option is Ferry's own"

flavour=$small_flavour
disk=$(device "$nvme_id")
give "$disk"

# As the host's /proc tells of it.
told() {
	local place=/proc/$guest_pid space
	awk '/^(Uid|Gid|Groups):/ { $1 = $1; print }' "$place/status"
	echo "root: $(ls -A "$place/root/" | tr '\n' ' ')"
	for space in mnt net ipc; do
		[ "$(readlink "$place/ns/$space")" = "$(readlink "/proc/self/ns/$space")" ] || echo "own $space"
	done
}

guest_start "nvme_file,ask" --vfio "$disk" --user 65534:65533 --log info
guest_see 1 '^LAB: ask'
told > "$work/told"
cat "$work/told"
guest_poweroff
cat > "$work/wanted" <<-'END'
	Uid: 65534 65534 65534 65534
	Gid: 65533 65533 65533 65533
	Groups:
	root: sys 
	own mnt
	own net
	own ipc
END
check user-nobody "$(same_sums), it is $(tr '\n' ' ' < "$work/told"); $(why)" \
	[ "$status $(same_sums) $(cmp "$work/told" "$work/wanted" && echo as wanted)" = "0 yes as wanted" ]
bind "$disk" nvme
host_sees() { [ -n "$(ls "$disk/nvme" 2> /dev/null)" ]; }
wait_for 20 host_sees
check user-given-back "nvme does not have it: $(ls "$disk")" host_sees
