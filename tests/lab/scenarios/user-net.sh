# SPDX-License-Identifier: BSD-3-Clause
# scenarios: net-user net-user-forward net-user-reboot net-user-gone net-user-old net-user-absent
# tier-aarch64: all
# servers: passt
# seconds: 40
# deadline: 700
# A network card without a tap, by passt, which the monitor starts itself: 8 MiB by TCP both ways at once, with --all
# 64, over a connection of the guest's and over a port of the host's, as an ordinary user; less of it as root, and in
# the guest's next life; what becomes of it when passt ends; one that is too old, and none.

only_ferry "QEMU's passt is QEMU's"
. /share/l1/servers.sh
initrd=$images/initrd-more
address=52:54:00:77:00:03
ram=$(often "$ram" 512M)       # the guest keeps in memory what it sends, and what comes
guest_deadline=$(often 90 300) # it says nothing meanwhile

# offer SIZE: so much goes each way.
offer() {
	size=$1
	head -c "$size" /dev/urandom > "$work/data"
	data=$(sha256sum < "$work/data" | cut -d ' ' -f 1)
}

# serve PORT: sends the data to who connects, and keeps what comes.
serve() {
	labtool stream listen "tcp:127.0.0.1:$1" "$work/data" > "$work/came" &
	server=$!
}

# whole KEY: whether the guest said that what it had sent has come, and the other way round.
whole() {
	wait_for 5 [ ! -e "/proc/$server/exe" ] || kill "$server"
	expr "$(value "card-user-$1")" : \
		"$(sha256sum < "$work/came" | cut -d ' ' -f 1) $data 169.254.2.1 $address 65520" > /dev/null
}

# forwarded: connects to the guest until it listens.
forwarded() {
	local try
	for try in $(seq 20); do
		labtool stream connect tcp:127.0.0.1:8080 "$work/data" > "$work/came" && [ -s "$work/came" ] && return
		sleep 1
	done
}

# exchange PORT TIMES: both connections, for the so manieth time.
exchange() {
	serve "$1"
	guest_begin "card_user:10.77.0.1:$1:$size:80"
	guest_see "$2" '^LAB: card-user listening'
	both=
	! whole connect || both=connect
	forwarded
	guest_see $((asked + 1)) '^LAB: ask'
	server=0
	! whole listen || both="$both listen"
}

programs() {
	grep -l 'pass[t]-trixie' /proc/[0-9]*/cmdline 2> /dev/null | wc -l
}

absent=$(ferry run --net user "$images/vmlinuz-generic" 2>&1)
check net-user-absent "the monitor said '$absent'" \
	[ "$absent" = "ferry: --net: there is no program passt: Debian's package passt has it" ]
passt_in bookworm
passt_in trixie
usual_path=$PATH
export PATH="$work/bookworm:$usual_path"
old=$(ferry run --net user --memory 64M --serial none "$(guest_kernel)" 2>&1)
old="$? $old"
check net-user-old "status $old" \
	expr "$old" : "1 ferry: --net: passt: it is too old: passt has vhost-user since 2024_11_27: Debian's"

export PATH="$work/trixie:$usual_path"
as_user 65536
run_as="$rooted $run_as"
card="user,forward=tcp:8080:80,host=10.77.0.1,mac=$address"
offer "$(often 8388608 67108864)"
guest_start ask --net "$card" --log info
exchange 5001 1
check net-user "whole: $both; the guest said '$(value card-user-connect)'; $(first_error)" [ "${both%% *}" = connect ]
check net-user-forward "whole: $both; the guest said '$(value card-user-listen)'; $(first_error)" \
	[ "${both##* }" = listen ]
guest_poweroff
ended="$status $(programs)"
as_root

# Root's goes on as nobody.
run_as=$rooted
offer 65536
guest_start ask --net "$card"
exchange 5002 1
guest_begin reboot
first=$both
exchange 5003 2
check net-user-reboot "the first ended with '$ended'; whole: $first, then $both; $(first_error)" \
	[ "$ended, $first, $both" = "0 0, connect listen, connect listen" ]
for process in /proc/[0-9]*; do
	! grep -q 'pass[t]-trixie' "$process/cmdline" 2> /dev/null || kill -KILL "${process#/proc/}"
done
wait_for 20 grep -q "passt has ended.*: the guest's network is gone" "$errors"
guest_do info
guest_poweroff
run_as=
check net-user-gone "status $status, $(programs) programs; $(cat "$errors")" \
	[ "$status $(programs) $(grep -c 'passt has ended' "$errors")" = "0 0 1" ]
