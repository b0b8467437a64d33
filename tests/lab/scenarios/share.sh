# SPDX-License-Identifier: BSD-3-Clause
# scenarios: share-folder disk-qcow2 share-ended share-absent
# tier-aarch64: all
# servers: qemu-system-common
# seconds: 60
# A folder and an image of another format, whose servers the monitor starts itself: what a guest reads and writes,
# what is in the image for the next one, and what becomes of a guest whose folder's server ends.

only_ferry "QEMU's servers are QEMU's"
. /share/l1/servers.sh
initrd=$images/initrd-more
disk_id=1af4.1042
tree=$work/tree
image=$work/image.qcow2

# An empty image of 64 MiB, in clusters of 64 KiB: header, table of reference counts, a block of these, L1 table.
empty_qcow2() {
	{
		printf 'QFI\373\0\0\0\2'                         # version
		printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\20'       # no backing file; bits of a cluster
		printf '\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\1'        # size; no encryption; entries of L1
		printf '\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0'        # where L1 is; where the reference counts are
		printf '\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0'        # one cluster of these; no snapshots
	} > "$image"
	printf '\0\0\0\0\0\2\0\0' | dd of="$image" bs=65536 seek=1 conv=notrunc 2> /dev/null
	printf '\0\1\0\1\0\1\0\1' | dd of="$image" bs=65536 seek=2 conv=notrunc 2> /dev/null
	dd if=/dev/zero of="$image" bs=65536 seek=3 count=1 conv=notrunc 2> /dev/null
}

# told KEY N: what the guest said of that for the Nth time.
told() {
	tr -d '\r' < "$console" | sed -n "s/^LAB: $1 //p" | sed -n "$2p"
}

programs() {
	grep -lE 'virtiofs[d]|qemu-storage-daemo[n]' /proc/[0-9]*/cmdline 2> /dev/null | wc -l
}

# Another scenario may have left it there.
rm -f /usr/lib/qemu/virtiofsd
absent=$(ferry run --share /tmp "$images/vmlinuz-generic" 2>&1)
check share-absent "the monitor said '$absent'" \
	expr "$absent" : "ferry: --share: there is no program virtiofsd: Debian's package .*virtiofsd.* has it"

virtiofsd_in_place
program "$work/bin/qemu-storage-daemon" usr/bin/qemu-storage-daemon ""
export PATH="$work/bin:$PATH"
mkdir -p "$tree/from/deep"
for n in 1 2 3; do
	head -c $((n * 300001)) /dev/urandom > "$tree/from/deep/$n"
done
cp /share/settings "$tree/from/file"
empty_qcow2

guest_start ask --share "$tree,tag=lab" --disk "$image,format=qcow2"
guest_see 1 '^LAB: ask'
from=$(sum_of_tree "$tree/from")
guest_send "share:lab:to:first"
guest_see 2 '^LAB: ask'
check share-folder "the guest said '$(told "share lab" 1)'; here are $from and $(sum_of_tree "$tree/to"); $(first_error)" \
	[ "$(told "share lab" 1)" = "$from $(sum_of_tree "$tree/to")" ]
guest_send "disk:$disk_id:4:ferry:5"
guest_see 3 '^LAB: ask'
guest_poweroff
zeros=$(head -c 4194304 /dev/zero | sha256sum | cut -d ' ' -f 1)
first=$(told "disk $disk_id" 1)
ended="$status $(programs)"

# The next guest finds it there. Its folder's server ends first, and it goes on.
guest_start ask --share "$tree,tag=lab" --disk "$image,format=qcow2"
guest_see 1 '^LAB: ask'
guest_send "disk:$disk_id:6:again:8"
guest_see 2 '^LAB: ask'
written=$( (head -c 5242880 /dev/zero; yes ferry | head -c 1048576) | sha256sum | cut -d ' ' -f 1)
check disk-qcow2 "the first guest read and wrote '$first', ending with '$ended'; the second '$(told "disk $disk_id" 1)', of $written; $(first_error)" \
	[ "${first%% *} $ended $(told "disk $disk_id" 1 | cut -d ' ' -f 1)" = "$zeros 0 0 $written" ]
for process in /proc/[0-9]*; do
	! grep -q 'virtiofs[d]' "$process/cmdline" 2> /dev/null || kill -KILL "${process#/proc/}"
done
wait_for 20 grep -q "virtiofsd has ended.*: the guest's folder is gone" "$errors"
guest_send "disk:$disk_id:6:third:9"
guest_see 3 '^LAB: ask'
guest_poweroff
check share-ended "the guest said '$(told "disk $disk_id" 2)'; $(cat "$errors")" \
	[ "$status $(programs) $(grep -c 'virtiofsd has ended' "$errors") $(told "disk $disk_id" 2 | cut -d ' ' -f 1)" = "0 0 1 $written" ]
