# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # some come from lib.sh and root.sh
# scenarios: root-login root-fio root-discard root-iperf root-sound
# tier: all
# root: debian
# seconds: 200
# Debian itself from a disk, with systemd, to its login; fio verifies what four jobs have written by four queues, of
# sectors of 512 and of 4096 bytes, and what was discarded reads as zeros; iperf3 over a tap with two queues both ways;
# the file system is whole afterwards.

only_ferry "QEMU's disks are QEMU's"
# shellcheck source=tests/lab/l1/root.sh
. /share/l1/root.sh
cpus=4

modprobe tun && modprobe vhost_net || die "this kernel has no tun or vhost_net"
tap tap0 2 0
for size in 512 4096; do
	head -c 67108864 /dev/zero > "$work/$size"
done
root_start --disk "$work/512,queues=4" --disk "$work/4096,queues=4,block-size=4096,discard=on" --net "tap=tap0,queues=2"
root_login
typed 'echo queues=$(ls /sys/block/vdb/mq | wc -l).'
typed 'echo state=$(systemctl is-system-running --wait).; systemctl --failed --plain --no-legend'
check root-login "systemd is '$(answered state)', its disk has $(answered queues) queues; $(first_error)" \
	[ "$(answered state) $(answered queues)" = "running 4" ]

# verify DISK SECTOR: each job has 16 MiB of its own.
verify() {
	typed "fio --name=verify --filename=$1 --direct=1 --ioengine=libaio --iodepth=16 --rw=randwrite --bs=$2 \
--numjobs=4 --size=16m --io_size=1m --offset_increment=16m --verify=crc32c --verify_fatal=1 > /dev/null"
}
verify /dev/vdb 512
small=$ended
verify /dev/vdc 4096
check root-fio "fio ended with $small for sectors of 512 bytes, with $ended for 4096; $(first_error)" [ "$small $ended" = "0 0" ]
written=$(tr -d '\0' < "$work/4096" | head -c 1 | wc -c)
typed 'blkdiscard /dev/vdc && cmp -n 67108864 /dev/vdc /dev/zero'
check root-discard "status $ended; some was written: $written; $(du -k "$work/4096"); $(first_error)" \
	[ "$ended $written $(du -k "$work/4096" | cut -f 1)" = "0 1 0" ]

# What serves it here is the guest's own program.
mkdir -p "$work/tree"
modprobe crc32c_generic
modprobe ext4
mount -t ext4 -o ro,loop "$images/root" "$work/tree" || die "Debian's root file system cannot be mounted"
mount -t tmpfs tmpfs "$work/tree/tmp"
mount -o bind /dev "$work/tree/dev"
chroot "$work/tree" iperf3 --server --bind 10.77.0.1 > "$work/iperf" 2>&1 &
server=$!
typed 'ip link set eth0 up && ip addr add 10.77.0.2/24 dev eth0'
typed 'iperf3 --client 10.77.0.1 --bytes 32M --parallel 2 > /dev/null'
there=$ended
typed 'iperf3 --client 10.77.0.1 --bytes 32M --parallel 2 --reverse > /dev/null'
kill "$server"
wait "$server"
umount "$work/tree/tmp" "$work/tree/dev" "$work/tree"
check root-iperf "iperf3 ended with $there, back with $ended; $(tail -n 2 "$work/iperf" | tr '\n' ' '); $(first_error)" \
	[ "$there $ended" = "0 0" ]
root_poweroff
root_is_sound
sound=$?
check root-sound "status $status, e2fsck's $sound; $(tail -n 3 "$work/fsck" | tr '\n' ' ')" \
	[ "$status $sound" = "0 0" ]
rm -f "$root" "$work/512" "$work/4096"
