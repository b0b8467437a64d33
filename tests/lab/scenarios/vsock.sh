# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vsock-stream vsock-reboots vsock-taken
# tier-aarch64: all
# also-on: 6.12 7.3
# seconds: 60
# Sockets between guest and host (vhost_vsock): 4 MiB both ways at once, over a connection from the guest and one
# from the host, and again in the guest's next life. No two guests have one address.

only_ferry "QEMU's sockets are QEMU's"
initrd=$images/initrd-more
size=4194304
modprobe vhost_vsock || die "this kernel has no vhost_vsock"
head -c $size /dev/urandom > "$work/data"
data=$(sha256sum < "$work/data" | cut -d ' ' -f 1)

# exchange COUNT-OF-ASKS PORT: both connections; sets $good to what was whole.
exchange() {
	local way
	good=
	labtool stream listen "vsock:any:$2" "$work/data" > "$work/came-connect" &
	guest_send "sockets:$2:$(($2 + 1)):$size"
	guest_see "$3" '^LAB: sockets connect'
	labtool stream connect "vsock:7:$(($2 + 1))" "$work/data" > "$work/came-listen"
	guest_see "$1" '^LAB: ask'
	for way in connect listen; do
		[ "$(value "sockets $way")" != "$(sha256sum < "$work/came-$way" | cut -d ' ' -f 1) $data" ] ||
			good="$good $way"
	done
}

guest_start "ask" --vsock 7
guest_see 1 '^LAB: ask'
exchange 2 6001 1
check vsock-stream "whole were:$good; the guest said '$(value sockets)'; $(first_error)" \
	[ "$good" = " connect listen" ]

ferry run "$(guest_kernel)" --memory 64M --serial none --vsock 7 > "$work/second" 2>&1
second=$?
check vsock-taken "status $second: $(cat "$work/second")" \
	expr "$second $(cat "$work/second")" : "1 .*CID 7: another guest has it"

guest_send reboot
guest_see 3 '^LAB: ask'
exchange 4 6011 2
guest_poweroff
check vsock-reboots "whole were:$good; the guest said '$(value sockets)'; $(why)" \
	[ "$good $status" = " connect listen 0" ]
