# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # many names come from lib.sh, or are for the scenarios
# Hands over every PCI device that the machine's QEMU can make, one guest each, for scenarios that begin with
# ". /share/l1/every.sh". Which there are QEMU itself is asked. Those that it can plug in while the host runs
# come into the slot one after another, those that it cannot are there from the host's start.

initrd=$images/initrd-every
# Those that a guest has had and used. A name is added when that was seen; what does not work is told in
# every_recipe(), with why.
every_known="am53c974 dc390 ich9-ahci lsi53c810 lsi53c895a megasas megasas-gen2 nvme sdhci-pci
	virtio-9p-pci virtio-blk-pci virtio-scsi-pci
	nec-usb-xhci qemu-xhci
	e1000 e1000-82544gc e1000-82545em e1000e i82550 i82557a i82557b i82557c i82558a i82558b i82559a i82559b
	i82559c i82559er i82562 i82801 igb ne2k_pci pcnet rocker rtl8139 tulip virtio-net-pci vmxnet3
	pci-serial pci-serial-4x virtio-keyboard-pci virtio-mouse-pci virtio-serial-pci
	cirrus-vga VGA virtio-gpu-pci AC97 ES1370 intel-hda
	ivshmem-plain kvaser_pci virtio-crypto-pci virtio-rng-pci
	pci-serial-2x virtio-tablet-pci virtio-multitouch-pci virtio-sound-pci ich9-intel-hda virtio-vga
	ctucan_pci virtio-rtc-pci pvpanic-pci edu pci-testdev"
modern=disable-legacy=on,iommu_platform=on

# every_name CATEGORY: the PCI devices that QEMU lists under such a heading.
every_name() {
	machine "info qdm" | tr -d '\r' | awk -v heading="$1 devices:" '
		/^[A-Z].*:$/ { inside = $0 == heading }
		inside && /bus PCI/ && !/no-user/ { split($0, word, "\""); print word[2] }'
}

# What a device is tried with:
#   $options  of its own
#   $behind   what is plugged into it
#   $makes    what its driver makes of it, a word of the kernel's for a kind of device or a driver; "none" where
#             Debian has no driver
#   $driver   which driver has to be told that it is for it
#   $kib      how much of a disk is read; 0: nothing is drawn or played, either
#   $poke     what the machine's monitor does to it while the guest looks
#   $step     what else the guest does
#   $wanted   what comes of either
# or why it is not tried ($without).
every_recipe() {
	options='' behind='' makes='' without='' driver='' kib=4096 poke='' step='' wanted=''
	case $1 in
	*-non-transitional) without="is the same as ${1%-non-transitional}, which is tried with disable-legacy=on" ;;
	*-transitional) without="is a virtio device in its older form, which goes past the IOMMU" ;;
	vhost-* | vfio-* | x-pci-proxy-dev | virtio-input-host-pci | ivshmem-doorbell)
		without="wants a device or a program of the machine that the lab runs on"
		;;
	cxl-type3) makes=cxl_pci options="volatile-memdev=slot-cxl" ;;
	cxl-*) without="is a part of a switch" ;;
	virtio-mem-pci | virtio-pmem-pci | virtio-iommu-pci) without="has its memory, or its say, beside the bus" ;;
	piix?-ide) without="interrupts by two lines of ISA's" ;;
	xen-platform | AMDVI-PCI) without="belongs to another machine" ;;
	acpi-erst) without="is ACPI's, and has no driver on PCI" ;;
	vmware-svga) without="does not go beside a VGA" ;;
	*uhci? | *uhci | *ehci? | *ehci | *ohci | *xhci)
		makes=block behind="usb-storage,bus=dut.0,drive=slot-disk"
		case $1 in
		*uhci* | *-ohci) kib=256 ;; # of full speed
		esac
		;;
	mptsas1068) without="has Linux's driver read its doorbell for ever, without a guest's monitor in between too" ;;
	pvscsi) without="writes its completions past the IOMMU, as QEMU makes it" ;;
	am53c974 | dc390 | lsi53c* | megasas*) # lsi53c* reach their own registers and memory by DMA
		makes=block behind="scsi-hd,bus=dut.0,drive=slot-disk"
		;;
	virtio-scsi-pci) makes=block options=$modern behind="scsi-hd,bus=dut.0,drive=slot-disk" ;;
	virtio-blk-pci) makes=block options="drive=slot-disk,$modern" ;;
	nvme) makes=block options="drive=slot-disk,serial=every" ;;
	ich9-ahci | sdhci-pci) makes=block ;;
	ufs) makes=block driver=ufshcd-pci ;; # which knows it from 6.6 on
	rocker) makes=none step=register:1b36.0006:0:16:32:21 wanted=0x0000002A ;; # doubled
	i82551) without="wants firmware that is not free, e100/d102e_ucode.bin" ;;
	e1000* | i825* | i828* | igb | ne2k_pci | pcnet | rtl8139 | tulip | vmxnet3)
		makes=net options="netdev=slot-net"
		;;
	virtio-net-pci) makes=net options="netdev=slot-net,$modern" ;;
	kvaser_pci) makes=kvaser_pci options="canbus=slot-can" ;;
	ctucan_pci) makes=none options="canbus0=slot-can,canbus1=slot-can" step=register:1760.ff00:1:0:16 wanted=0xCAFD ;;
	mioe3680_pci) makes=none options="canbus0=slot-can,canbus1=slot-can" step=register:13fe.c302:0:0:8 wanted=0x01 ;; # is in reset
	pcm3680_pci) makes=none options="canbus0=slot-can,canbus1=slot-can" step=register:13fe.c002:0:0:8 wanted=0x01 ;;
	virtio-rng-pci) makes=virtio_rng options="rng=slot-rng,$modern" ;;
	virtio-crypto-pci) makes=virtio_crypto options="cryptodev=slot-crypto,$modern" ;;
	virtio-9p-pci) makes=9pnet_virtio options="fsdev=slot-files,mount_tag=every,$modern" ;;
	virtio-sound-pci) makes=none options="audiodev=slot-audio,$modern" ;;
	virtio-serial-pci) makes=virtio-ports options=$modern behind="virtserialport,bus=dut.0,chardev=slot-char,name=every" ;;
	virtio-gpu-pci | virtio-vga) makes=drm ;;
	virtio-rtc-pci) makes=none options="iommu_platform=on" ;;
	virtio-balloon-pci) makes=virtio_balloon options=$modern ;;
	virtio-keyboard-pci) makes=input options=$modern poke="sendkey a" wanted="1 30 1" ;;
	virtio-mouse-pci) makes=input options=$modern poke="mouse_move 5 0" wanted="2 0 5" ;;
	virtio-tablet-pci) makes=input options=$modern poke="mouse_button 1" wanted="1 272 1" ;;
	virtio-multitouch-pci) makes=virtio_input options=$modern ;; # which no command touches
	pci-serial) makes=tty options="chardev=slot-char" ;;
	pci-serial-?x) makes=tty options="chardev1=slot-char" ;;
	AC97 | ES1370) makes=sound options="audiodev=slot-audio" kib=0 ;;
	*intel-hda) makes=sound ;;
	bochs-display) without="got no driver in a guest when it was tried, for a reason not found yet" ;;
	VGA | secondary-vga) makes=drm ;;
	cirrus-vga) makes=drm kib=0 ;;
	ati-vga) without="had its guest stand still when it was tried, for a reason not found yet" ;;
	pci-ipmi-kcs) without="had its guest stand still when it was tried, and ends QEMU as it leaves" ;;
	pci-ipmi-bt) makes=ipmi options="bmc=slot-bmc" ;;
	i6300esb) makes=watchdog ;;
	pvpanic-pci) makes=pvpanic-pci ;;
	ivshmem-plain) makes=none options="memdev=slot-memory" step=bar:1af4.1110:2:4096 wanted="1af4.1110 ok" ;;
	edu) makes=none step=edu:0 wanted="edu ok" ;;
	pci-testdev) makes=none step=register:1b36.0005:0:0:8:0,register:1b36.0005:0:16:8 wanted=0x6D ;; # of the name of its first test
	iommu-testdev) makes=none step=register:1b36.0005:0:16:32 ;;
	tpci200) makes=none ;;
	esac
}

# every_why_not DEVICE: why it is not handed over, or nothing.
every_why_not() {
	# shellcheck disable=SC2086 # one line of it
	case " $(echo $every_known) " in
	*" $1 "*) echo "$without" ;;
	*) echo "${without:-is not known to work in a guest: when it does, add it to every_known}" ;;
	esac
}

# every_find ID: the device in sysfs that has that name in QEMU.
every_find() {
	machine "info pci" | tr -d '\r' | awk -v id="id \"$1\"" '
		/^ *Bus / { gsub(",", ""); place = sprintf("0000:%02x:%02x.%x", $2, $4, $6) }
		index($0, id) { print "/sys/bus/pci/devices/" place }'
}

every_there() {
	device=$(every_find "$1")
	[ -n "$device" ] && [ -e "$device" ]
}

# every_plug DEVICE: sets $device, the function that the host has then; or $fault.
every_plug() {
	device=$(every_find "$1")
	[ -z "$device" ] || return 0
	machine "drive_add 0 file=$LAB_DISK,format=raw,if=none,snapshot=on,id=slot-disk" > /dev/null
	fault=$(machine "device_add $1,id=dut,bus=slot0${options:+,$options}" | grep "^Error")
	[ -n "$fault" ] || [ -z "$behind" ] || fault=$(machine "device_add $behind,id=behind" | grep "^Error")
	[ -z "$fault" ] || return 1
	fault="the host does not see it"
	wait_for 30 every_there dut || return 1
	fault=''
}

every_gone() {
	[ -z "$(every_find dut)" ]
}

every_unplug() {
	[ -n "$(every_find dut)" ] || return 0
	machine "device_del dut" > /dev/null
	wait_for 30 every_gone || echo "$1 does not leave the host"
	machine "drive_del slot-disk" > /dev/null
}

# All functions of a group must be vfio-pci's for one of them to be handed over.
every_give() {
	local member
	for member in "$device"/iommu_group/devices/*; do
		case $(cat "$member/class") in
		0x0604*) ;;
		*) give "/sys/bus/pci/devices/${member##*/}" ;;
		esac
	done
}

# What is amiss with what the guest found, nothing when all is well.
every_fault() {
	local found driver data
	found=$(value try)
	data=$(value try-data)
	driver=$(echo "$found" | cut -d ' ' -f 3)
	[ "$status" -eq 0 ] || why
	[ -n "$found" ] || { echo "the guest does not see it"; return; }
	case $makes in
	none)
		case $driver in
		- | virtio-pci) ;;
		*) echo "it has a driver, $driver" ;;
		esac
		;;
	*)
		[ "$driver" != - ] || echo "no driver"
		case " $found " in
		*" $makes "*) ;;
		*) echo "the driver makes no $makes" ;;
		esac
		;;
	esac
	case $makes in
	block) [ "$data" = "$(every_sum < "$images/disk") $(yes try | kib=1024 every_sum)" ] ;;
	net | 9pnet_virtio) expr "$data " : "$LAB_TFTP_SHA256 " > /dev/null ;;
	virtio_rng) [ "$data" = 2 ] ;;
	virtio-ports | tty) machine "ringbuf_read slot-char 64" | grep -q "^a line by" ;;
	ipmi) [ "$data" = 2.0 ] ;;
	kvaser_pci) [ "$data" = "sent every" ] ;;
	sound) [ "$kib" = 0 ] || [ "$data:$(($(every_noise) > noise + 10000))" = played:1 ] ;;
	drm) [ "$kib:${data% *}" = "$kib:$([ "$kib" = 0 ] || echo drawn)" ] ;;
	input) [ "$data" = "$wanted" ] ;;
	esac || echo "the data: $data"
	[ -z "$step" ] || expr "$(value "${step%%:*}")" : "$wanted" > /dev/null ||
		echo "$step: $(value "${step%%:*}")"
}

# How many bytes that are no silence the machine has played so far.
every_noise() {
	tr -d '\0' < "$out/noise.wav" | wc -c
}

# The checksum of its input's first $kib KiB.
every_sum() {
	head -c $((kib * 1024)) | sha256sum | cut -d ' ' -f 1
}

# every_try DEVICE: one guest with it; $fault is empty when all is well.
every_try() {
	local noise
	fault=''
	every_plug "$1" || return
	every_give
	noise=$(every_noise)
	guest_start "try:$makes:$kib:$driver${step:+,$step}" --vfio "$device"
	[ -z "$poke" ] || {
		wait_for 90 guest_seen 1 '^LAB: try-ready'
		machine "$poke"
	}
	guest_wait
	fault=$(every_fault "$1" | tr '\n' ' ')
	note "$1: $(value try), data $(value try-data)$(value "${step%%:*}");" \
		"resets by $(tr '\n' ' ' < "$device/reset_method")${fault:+; FAULT $fault}"
}

# every_row NAME CATEGORY...: the scenario NAME stands if all of these do.
every_row() {
	local name=$1 category kind faults='' tried=0
	shift
	for category; do
		for kind in $(every_name "$category"); do
			every_recipe "$kind"
			without=$(every_why_not "$kind")
			if [ -n "$without" ]; then
				note "$kind is left out: it $without"
				continue
			fi
			tried=$((tried + 1))
			every_try "$kind"
			[ -z "$fault" ] || faults="$faults$kind: $fault; "
			every_unplug "$kind"
		done
	done
	check "$name" "of $tried devices: $faults" [ "$tried:$faults" = "$((tried > 0 ? tried : 1)):" ]
}
