# SPDX-License-Identifier: BSD-3-Clause
# scenarios: virtio-all
# servers: qemu-system-common
# tier: all
# seconds: 300
# Every device of ferry's own at once, beside a disk that is handed over: an image, a tap, sockets, a folder, random
# bytes, all of them driven in each of six lives of one guest.

only_ferry "QEMU's devices are QEMU's"
. /share/l1/servers.sh
initrd=$images/initrd-more
image=$work/image
tree=$work/tree
address=52:54:00:77:00:04
size=262144
for module in tun vhost_net vhost_vsock; do
	modprobe $module || die "this kernel has no $module"
done
virtiofsd_in_place
mkdir -p "$tree/from"
cp /share/settings "$tree/from/file"
head -c 16777216 "$images/disk" > "$image"
head -c $size /dev/urandom > "$work/data"
data=$(sha256sum < "$work/data" | cut -d ' ' -f 1)
tap tap5 1 0
nvme=$(device "$nvme_id")
give "$nvme"

# What one life has told, without the checksums of what was made up for it: each part is whole, or not.
life() { # NUMBER
	local flushed whole port=$((7000 + 10 * $1)) way
	flushed=$(dd if="$image" bs=1M count=4 2> /dev/null | sha256sum | cut -d ' ' -f 1)
	guest_do "disk:1af4.1042:4:life$1:$((4 + $1))"
	[ "$(value "disk 1af4.1042")" = \
		"$flushed $(dd if="$image" bs=1M skip=$((4 + $1)) count=1 2> /dev/null | sha256sum | cut -d ' ' -f 1) MSI-X 2" ] &&
		whole=disk
	labtool stream listen "tcp:10.77.0.1:$port" "$work/data" > "$work/came" &
	guest_do "card:$port:$size"
	[ "$(value card)" = "$(sha256sum < "$work/came" | cut -d ' ' -f 1) $data $address 1500 1 MSI-X 3" ] &&
		whole="$whole card"
	labtool stream listen "vsock:any:$port" "$work/data" > "$work/came-connect" &
	guest_begin "sockets:$port:$((port + 1)):$size"
	guest_see "$1" '^LAB: sockets connect'
	labtool stream connect "vsock:9:$((port + 1))" "$work/data" > "$work/came-listen"
	guest_see $((asked + 1)) '^LAB: ask'
	for way in connect listen; do
		[ "$(value "sockets $way")" != "$(sha256sum < "$work/came-$way" | cut -d ' ' -f 1) $data" ] ||
			whole="$whole $way"
	done
	guest_do "share:lab:to$1:life$1"
	[ "$(value "share lab")" = "$(sum_of_tree "$tree/from") $(sum_of_tree "$tree/to$1")" ] && whole="$whole share"
	guest_do rng
	[ "$(value rng)" = "virtio_rng 65536 2" ] && whole="$whole rng"
	guest_do nvme_sum
	[ "$(value nvme-sum)" = "$LAB_DISK_SHA256" ] && whole="$whole nvme"
	echo "life $1: $whole"
	[ "$whole" = "disk card connect listen share rng nvme" ]
}

guest_start ask --vfio "$nvme" --disk "$image" --net "tap=tap5,mac=$address" --vsock 9 --share "$tree,tag=lab"
good=0
for number in 1 2 3 4 5 6; do
	! life $number || good=$((good + 1))
	[ $number -eq 6 ] || guest_begin reboot
done
guest_see $((asked + 1)) '^LAB: ask'
guest_poweroff
ip link del tap5 2> /dev/null
check virtio-all "$good of 6 lives had all of it; $(why)" [ "$status $good" = "0 6" ]
