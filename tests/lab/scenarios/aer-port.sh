# SPDX-License-Identifier: BSD-3-Clause
# scenarios: aer-port-correctable aer-port-nonfatal aer-port-poisoned aer-port-fatal aer-port-above aer-port-unheard
# scenarios: aer-port-own-drivers
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# guest-kernels: 6.12
# host-devices: more
# tier: all
# seconds: 90
# deadline: 600
# A network card that reports errors, and a disk, two functions of one device behind a port, while both are at work: the
# guest's kernel hears of each error and recovers, with the drivers, and files and sums are right. Then an error of the
# host's port above, and a guest without AER.

only_ferry "QEMU ends the guest at an error"

card=$(grouped_ported_device "$e1000e_id")
disk=$(grouped_ported_device "$nvme_id")
port=$(readlink -f "$card/..")
give "$card" "$disk"
modprobe aer_inject

bytes() {
	local byte
	for byte in "$@"; do
		printf '%b' "\\0$(printf %o "$byte")"
	done
}

word() {
	bytes $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24))
}

# inject DEVICE UNCORRECTABLE CORRECTABLE: for the host's kernel the device reports those errors, by their bits. QEMU's own
# injection is for few devices, and none of these.
inject() {
	local bus=${1##*/} place
	bus=${bus#*:}
	place=${bus#*:}
	{
		bytes "0x${bus%%:*}" "0x${place%.*}" "${place#*.}" 0
		word "$2"
		word "$3"
		word 0x11 && word 0x22 && word 0x33 && word 0x44
		word 0
	} > "$work/error"
	dd if="$work/error" of=/dev/aer_inject bs=32 count=1 2> /dev/null
}

begin() {
	guest_start "busy:e1000e,io,ask" --vfio "$card,port" --vfio "$disk,port"
	guest_see 1 '^LAB: ask'
	sleep 2
}

# The sum of the file that was fetched, and that of the disk; and whether reads from it have failed meanwhile.
work_done() {
	echo "$(value 'net e1000e' | cut -d ' ' -f 1) $(value nvme-sum) $(value io-end)"
}

all_done="$LAB_TFTP_SHA256 $LAB_DISK_SHA256 "

# told NAME SAID...: the guest's kernel says each SAID, WORD:COUNT, and the drivers work.
told() {
	local name=$1 said missing=
	shift
	for said in "$@"; do
		guest_do "errors:$said"
		[ "$(value "errors ${said%:*}")" = "${said#*:}" ] || missing="$missing $said"
	done
	guest_do "busy_end"
	guest_do "net:e1000e"
	guest_do "nvme_sum"
	check "$name" "not said:$missing; work done: $(work_done); $(cat "$errors")" [ "$missing $(work_done)" = " $all_done" ]
	guest_do "busy:e1000e"
}

# The NVMe driver of 6.1 freezes its queues twice as it loses its disk, and thaws them once.
flavour=6.12
begin
inject "$card" 0 0x40 # BAD_TLP
told aer-port-correctable corrected:1
guest_do "corrected:8086.10d3"
inject "$card" 0x4000 0 # COMP_TIME
told aer-port-nonfatal nonfatal:1 recovered:1
inject "$card" 0x1000 0 # POISON_TLP
told aer-port-poisoned nonfatal:2 recovered:2
inject "$card" 0x10 0 # DLP
told aer-port-fatal reset:1 recovered:3
inject "$port" 0x10 0
told aer-port-above reset:2 recovered:4
guest_poweroff
note "corrected: $(value corrected)"

# A guest that does not hear is treated as one without a port: the disk is at work meanwhile.
flavour=generic
kernel_options="$kernel_options pci=noaer"
echo "wanted complaint: e1000e 0000:01:00.0 eth0: NETDEV WATCHDOG"
begin
inject "$card" 0x4000 0
wait_for 60 grep -q "${card##*/}: it recovered" "$errors"
guest_do "busy_end"
guest_do "reload:8086.10d3"
guest_do "net:e1000e"
guest_do "nvme_sum"
guest_poweroff
check aer-port-unheard "work done: $(work_done); $(cat "$errors"); $(why)" [ "$status $(work_done)" = "0 $all_done" ]

own_net aer-port-own-drivers "$card" e1000e e1000e
