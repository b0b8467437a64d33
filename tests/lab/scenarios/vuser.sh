# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vuser-blk vuser-fs vuser-reboot vuser-gone vuser-vfio
# tier-aarch64: all
# servers: qemu-system-common
# seconds: 120
# A disk and a folder that other processes serve (vhost-user): what a guest reads and writes, again after it has
# begun anew, what becomes of it when the disk's server is killed and started again, and memory that is theirs and
# pinned for a device that is handed over.

only_ferry "QEMU's servers are QEMU's"
initrd=$images/initrd-more
image=$work/image
tree=$work/tree
disk_id=1af4.1042
head -c 16777216 "$images/disk" > "$image"
mkdir -p "$tree/from/deep"
for n in 1 2 3; do
	head -c $((n * 300001)) /dev/urandom > "$tree/from/deep/$n"
done
cp /share/settings "$tree/from/file"

# sum_of FIRST COUNT: of so many mebibytes of the image.
sum_of() {
	dd if="$image" bs=1M skip="$1" count="$2" 2> /dev/null | sha256sum | cut -d ' ' -f 1
}

sum_of_tree() {
	(cd "$1" && find . -type f | sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)
}

# told KEY N: what the guest said of that for the Nth time.
told() {
	tr -d '\r' < "$console" | sed -n "s/^LAB: $1 //p" | sed -n "$2p"
}

# server NAME PROGRAM ARGUMENT...: begins it, with the libraries that are its own, and waits for its socket.
server() {
	local name=$1 program=$images/servers/$2 folders folder
	shift 2
	for folder in "$images"/servers/lib/*-linux-gnu "$images"/servers/usr/lib/*-linux-gnu; do
		folders="${folders:+$folders:}$folder"
	done
	set -- "$images"/servers/lib/*-linux-gnu/ld-linux-*.so.? --library-path "$folders" "$program" "$@"
	rm -f "$work/$name.sock"
	"$@" > "$work/$name.log" 2>&1 &
	eval "${name}_server=$!"
	wait_for 30 [ -S "$work/$name.sock" ] || die "no server of $name: $(tail -n 1 "$work/$name.log")"
}

serve_disk() {
	server disk usr/bin/qemu-storage-daemon --blockdev "driver=file,node-name=file,filename=$image" \
		--blockdev driver=raw,node-name=disk,file=file --export \
		"type=vhost-user-blk,id=disk,node-name=disk,writable=on,addr.type=unix,addr.path=$work/disk.sock,num-queues=2"
}

serve_disk
server share usr/lib/qemu/virtiofsd "--socket-path=$work/share.sock" -o "source=$tree" -o sandbox=chroot
guest_start ask --vhost-user "blk,socket=$work/disk.sock,queues=2" \
	--vhost-user "fs,socket=$work/share.sock,tag=lab"
guest_see 1 '^LAB: ask'

first=$(sum_of 0 4)
guest_send "disk:$disk_id:4:ferry:4"
guest_see 2 '^LAB: ask'
check vuser-blk "the guest said '$(told "disk $disk_id" 1)'; the image has $first $(sum_of 4 1); $(first_error)" \
	[ "$(told "disk $disk_id" 1)" = "$first $(sum_of 4 1) MSI-X 2" ]

from=$(sum_of_tree "$tree/from")
guest_send "share:lab:to:first"
guest_see 3 '^LAB: ask'
check vuser-fs "the guest said '$(told "share lab" 1)'; here are $from and $(sum_of_tree "$tree/to"); $(first_error)" \
	[ "$(told "share lab" 1)" = "$from $(sum_of_tree "$tree/to")" ]

# The same two go on with a guest that begins anew.
flushed=$(sum_of 0 7)
guest_send reboot
guest_see 4 '^LAB: ask'
guest_send "disk:$disk_id:7:again:8"
guest_see 5 '^LAB: ask'
guest_send "share:lab:again:second"
guest_see 6 '^LAB: ask'
check vuser-reboot "the guest said '$(told "disk $disk_id" 2)', '$(told "share lab" 2)'; the image has $flushed $(sum_of 8 1), here are $from and $(sum_of_tree "$tree/again"); $(first_error)" \
	[ "$(told "disk $disk_id" 2), $(told "share lab" 2)" = "$flushed $(sum_of 8 1) MSI-X 2, $from $(sum_of_tree "$tree/again")" ]

# Without its server the disk wants a reset, which is told once; the folder goes on. A driver that begins anew has
# the server that is there by then.
kill -KILL "$disk_server"
wait_for 20 grep -q 'stands still until the guest resets it' "$errors" ||
	die "the monitor did not tell of the server's end: $(first_error)"
guest_send "virtio_status:$disk_id"
guest_see 7 '^LAB: ask'
guest_send "share:lab:gone:third"
guest_see 8 '^LAB: ask'
serve_disk
guest_send "reload:$disk_id"
guest_see 9 '^LAB: ask'
guest_send "disk:$disk_id:7:back:9"
guest_see 10 '^LAB: ask'
guest_poweroff
check vuser-gone "the guest said '$(told "virtio-status $disk_id" 1)', '$(told "share lab" 3)', '$(told "disk $disk_id" 3)'; the image has $flushed $(sum_of 9 1); $(why); $(cat "$errors")" \
	[ "$status $(told "virtio-status $disk_id" 1), $(told "share lab" 3), $(told "disk $disk_id" 3), $(grep -c 'stands still' "$errors")" = \
		"0 0x0000004f, $from $(sum_of_tree "$tree/gone"), $flushed $(sum_of 9 1) MSI-X 2, 1" ]
kill "$disk_server" "$share_server" 2> /dev/null

# Memory that others have is pinned all the same.
nvme=$(device "$nvme_id")
give "$nvme"
serve_disk
flushed=$(sum_of 0 4)
guest "nvme_sum,disk:$disk_id:4:beside:10" --vfio "$nvme" --vhost-user "blk,socket=$work/disk.sock"
check vuser-vfio "NVMe $(value nvme-sum), the guest said '$(told "disk $disk_id" 1)'; the image has $flushed $(sum_of 10 1); $(why)" \
	[ "$status $(value nvme-sum) $(told "disk $disk_id" 1)" = "0 $LAB_DISK_SHA256 $flushed $(sum_of 10 1) MSI-X 2" ]
kill "$disk_server" 2> /dev/null
