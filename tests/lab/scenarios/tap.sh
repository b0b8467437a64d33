# SPDX-License-Identifier: BSD-3-Clause
# scenarios: net-tap net-exits net-stops net-unbind net-reboot net-queues net-given net-nomsi net-refusals
# tier-aarch64: all
# also-on: 6.12 7.3
# seconds: 120
# A network card of ferry's own over a tap (vhost_net): 16 MiB by TCP both ways at once, while the machine stands
# and goes on, after its driver was taken off time and again and the guest has begun anew; with two
# queues, with a tap that somebody else has opened, with INTx, as an ordinary user; what is refused.

only_ferry "QEMU's cards are QEMU's"
initrd=$images/initrd-more
size=16777216
address=52:54:00:77:00:02
for module in tun vhost_net; do
	modprobe $module || die "this kernel has no $module"
done
head -c $size /dev/urandom > "$work/data"
data=$(sha256sum < "$work/data" | cut -d ' ' -f 1)

# untap NAME
untap() {
	ip link del "$1" 2> /dev/null || ip addr flush dev "$1"
	ip link set "$1" down 2> /dev/null
}

# serve PORT: sends the data to who connects, and keeps what comes.
serve() {
	labtool stream listen "tcp:10.77.0.1:$1" "$work/data" > "$work/came" &
	server=$!
}

# whole REST: whether the guest said that what it had sent has come, and the other way round, and REST.
whole() {
	local came
	wait_for 5 [ ! -e "/proc/$server/exe" ] || kill "$server"
	wait "$server"
	came=$(sha256sum < "$work/came" | cut -d ' ' -f 1)
	expr "$(value card)" : "$came $data $1\$" > /dev/null
}

tap tap0 1 1000
as_user 65536
chmod 666 /dev/net/tun /dev/vhost-net
control=/tmp/tap.control
alone="$address 1400 1 MSI-X 3"
guest_start ask --net "tap=tap0,mac=$address,mtu=1400" --control "unix:$control"
serve 5001
guest_do "card:5001:$size"
check net-tap "the guest said '$(value card)', $(first_error)" whole "$alone"

# Talking on the console costs exits, so the same talk is had twice, the first time with no data to speak of.
count() { # PORT SIZE
	local before
	before=$(monitor_exits)
	serve "$1"
	guest_do "card:$1:$2"
	exits=$(($(monitor_exits) - before))
}
silent() {
	whole "$alone" && [ "$talk" -gt 0 ] && [ "$exits" -ge -40 ] && [ "$exits" -le 40 ]
}
mv "$work/data" "$work/all"
: > "$work/data"
count 5002 1
talk=$exits
mv "$work/all" "$work/data"
count 5003 $size
exits=$((exits - talk))
check net-exits "$exits exits to the monitor for 16 MiB both ways; 40 allowed (the talk alone: $talk); the guest said '$(value card)'" \
	silent

# A guest that stands takes nothing in and sends nothing.
sent() {
	cat /sys/class/net/tap0/statistics/rx_packets
}
serve 5004
before=$(sent)
guest_begin "card:5004:$size"
# In the middle, however fast it is.
for tick in $(seq 2000); do
	[ "$(sent)" -le $((before + 20)) ] || break
	usleep 10000
done
ferry ctl "$control" stop > /dev/null
sleep 1
before=$(sent)
sleep 2
stood=$(($(sent) - before))
ferry ctl "$control" cont > /dev/null
guest_see $((asked + 1)) '^LAB: ask'
later=$(($(sent) - before))
check net-stops "it sent $stood packets while it stood, $later later, then said '$(value card)'" \
	expr "$stood $((later > 100)) $(whole "$alone" && echo same)" : "0 1 same\$"

reloads=$(often 5 20)
guest_do "card_reloads:$reloads"
serve 5005
guest_do "card:5005:$size"
check net-unbind "it was reloaded $(value card-reloads) times, then said '$(value card)'" \
	expr "$(value card-reloads) $(whole "$alone" && echo same)" : "$reloads same\$"

good=0
boots=$(often 2 5)
for boot in $(seq "$boots"); do
	guest_begin reboot
	serve $((5010 + boot))
	guest_do "card:$((5010 + boot)):1048576"
	! whole "$alone" || good=$((good + 1))
done
check net-reboot "$good of $boots boots had their data, the last said '$(value card)'; $(first_error)" [ "$good" -eq "$boots" ]
guest_poweroff
as_root
untap tap0

tap tap1 2 0
cpus=2
serve 5031
guest "card:5031:$size" --net "tap=tap1,queues=2" --user lab
check net-queues "the guest said '$(value card)'; $(why)" whole "[0-9a-f][26ae]:[0-9a-f:]* 1500 2 MSI-X 5"
untap tap1

tap tap2 2 0
run_as="labtool with-tap tap2 2"
serve 5041
guest "card:5041:$size" --net "fd=3:4,mac=$address"
check net-given "the guest said '$(value card)'; $(why)" whole "$address 1500 2 MSI-X 5"
run_as=
cpus=1
untap tap2

tap tap3 1 0
kernel_options="$kernel_options pci=nomsi"
serve 5051
guest "card:5051:$size" --net "tap=tap3,mac=$address"
check net-nomsi "the guest said '$(value card)'; $(why)" whole "$address 1500 1 INTx"
kernel_options=${kernel_options% pci=nomsi}

# refused SENTENCE OPTION...: a run with them ends with that sentence.
refused=
refuse() {
	local sentence=$1
	shift
	$run_as ferry run "$(guest_kernel)" --memory 64M --serial none "$@" > "$work/refused" 2>&1
	grep -q "$sentence" "$work/refused" || refused="$refused; $*: $(cat "$work/refused")"
}
refuse "tap eth9: No such device: ip tuntap" --net tap=eth9
refuse "tap tap3: it is no tap of several queues" --net tap=tap3,queues=2
refuse "tap lo: it is no tap of one queue" --net tap=lo
refuse "tap=tap3: another card has it" --net tap=tap3 --net tap=tap3
as_user 65536
refuse "tap tap3: it is another user's" --net tap=tap3
chmod 600 /dev/vhost-net
labtool tap-make tap4 1 1000
refuse "/dev/vhost-net: this user may not open it" --net tap=tap4
as_root
rmmod vhost_net
refuse "/dev/vhost-net: .*: modprobe vhost_net" --net tap=tap3
check net-refusals "${refused#; }" [ -z "$refused" ]
untap tap3
untap tap4
