# SPDX-License-Identifier: BSD-3-Clause
# scenarios: disk-killed
# tier-aarch64: all
# seconds: 20
# A monitor is killed while its guest writes to a disk of ferry's own: the file system in the image is whole, and so
# is every file that the guest was told is kept.

only_ferry "QEMU's disks are QEMU's"
initrd=$images/initrd-more
modprobe loop && modprobe ext4 || die "this kernel has no loop devices or no ext4"
image=$work/image
cp "$images/ext4" "$image"
chmod 600 "$image"
cpus=2

guest_start "disk_storm:1af4.1042" --disk "$image,queues=2"
guest_see 25 '^LAB: kept '
guest_end

# Lines that are cut short by the end told of nothing.
tr -d '\r' < "$console" | awk '$2 == "kept" && length($4) == 64 { print $3, $4 }' > "$work/kept"
last=$(tail -n 1 "$work/kept" | cut -d ' ' -f 1)
"$images/e2fsck" -fp "$image" > "$work/repair" 2>&1
repaired=$?
"$images/e2fsck" -fn "$image" > "$work/look" 2>&1
clean=$?
mkdir -p "$work/mnt"
mount -t ext4 -o loop,ro "$image" "$work/mnt" || die "what is left cannot be mounted: $(tail -n 1 "$work/repair")"
# The guest takes away what is twenty files old, to have room, before it writes the next.
tail -n 18 "$work/kept" > "$work/want"
while read -r number sum; do
	echo "$number $(sha256sum < "$work/mnt/$number" | cut -d ' ' -f 1)"
done < "$work/want" > "$work/have"
umount "$work/mnt"
check disk-killed "$(wc -l < "$work/want") of $last files, $(cmp "$work/want" "$work/have"); e2fsck said $repaired '$(tail -n 1 "$work/repair")', then $clean '$(tail -n 1 "$work/look")'; $(first_error)" \
	[ "$(wc -l < "$work/have") $(cat "$work/have") $((repaired <= 1)) $clean" = "18 $(cat "$work/want") 1 0" ]
