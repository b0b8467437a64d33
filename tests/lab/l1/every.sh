# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # many names come from lib.sh, or are for the scenarios
# Hands over every PCI device that the machine's QEMU can make, one guest each, for scenarios that begin with
# ". /share/l1/every.sh". Which there are QEMU itself is asked. Those that it can plug in while the host runs
# come into the slot one after another, those that it cannot are there from the host's start.

initrd=$images/initrd-every
# Those that a guest has had. A name is added when its device was seen to work; what does not work is told in
# every_recipe(), with why.
every_known="am53c974 dc390 ich9-ahci megasas megasas-gen2 nvme i82550 pcnet tulip vmxnet3 AC97 ES1370 pci-serial cirrus-vga kvaser_pci"
modern=disable-legacy=on,iommu_platform=on

# every_name CATEGORY: the PCI devices that QEMU lists under such a heading.
every_name() {
	machine "info qdm" | tr -d '\r' | awk -v heading="$1 devices:" '
		/^[A-Z].*:$/ { inside = $0 == heading }
		inside && /bus PCI/ && !/no-user/ { split($0, word, "\""); print word[2] }'
}

# What a device is tried with: $options of its own, what is plugged into it ($behind), what its driver makes
# of it ($makes: a word of the kernel's for a kind of device, "none" where Debian has no driver), how many KiB
# of a disk are read; or why it is not tried ($without).
every_recipe() {
	options='' behind='' makes='' without='' kib=4096
	case $1 in
	*transitional) without="is a virtio device in its older form, which goes past the IOMMU" ;;
	vhost-* | vfio-* | x-pci-proxy-dev | virtio-input-host-pci | ivshmem-doorbell)
		without="wants a device or a program of the machine that the lab runs on"
		;;
	cxl-*) without="sits on no other bus than CXL's" ;;
	virtio-mem-pci | virtio-pmem-pci | virtio-iommu-pci) without="has its memory, or its say, beside the bus" ;;
	piix?-ide) without="interrupts by two lines of ISA's" ;;
	xen-platform | AMDVI-PCI) without="belongs to another machine" ;;
	acpi-erst) without="is ACPI's, and has no driver on PCI" ;;
	vmware-svga) without="does not go beside another VGA" ;;
	*uhci? | *uhci | *ehci? | *ehci | *ohci)
		makes=block behind="usb-storage,bus=dut.0,drive=slot-disk"
		case $1 in
		*uhci* | *-ohci) kib=256 ;; # of full speed
		esac
		;;
	lsi53c810) without="got no driver in a guest when it was tried, for a reason not found yet" ;;
	lsi53c895a | mptsas1068 | pvscsi) without="had its guest stand still when it was tried, for a reason not found yet" ;;
	am53c974 | dc390 | megasas*)
		makes=block behind="scsi-hd,bus=dut.0,drive=slot-disk"
		;;
	virtio-scsi-pci) makes=block options=$modern behind="scsi-hd,bus=dut.0,drive=slot-disk" ;;
	virtio-blk-pci) makes=block options="drive=slot-disk,$modern" ;;
	nvme) makes=block options="drive=slot-disk,serial=every" ;;
	ich9-ahci | sdhci-pci | ufs) makes=block ;;
	e1000* | i825* | i828* | igb | ne2k_pci | pcnet | rtl8139 | tulip | vmxnet3)
		makes=net options="netdev=slot-net"
		;;
	virtio-net-pci) makes=net options="netdev=slot-net,$modern" ;;
	kvaser_pci) makes=kvaser_pci options="canbus=slot-can" ;;
	ctucan_pci | mioe3680_pci | pcm3680_pci) makes=none options="canbus0=slot-can" ;;
	virtio-rng-pci) makes=virtio_rng options="rng=slot-rng,$modern" ;;
	virtio-crypto-pci) makes=virtio_crypto options="cryptodev=slot-crypto,$modern" ;;
	virtio-9p-pci) makes=9pnet_virtio options="fsdev=slot-files,mount_tag=every,$modern" ;;
	virtio-sound-pci) makes=none options="audiodev=slot-audio,$modern" ;;
	virtio-serial-pci) makes=virtio-ports options=$modern behind="virtserialport,bus=dut.0,chardev=slot-char,name=every" ;;
	virtio-gpu-pci | virtio-vga) makes=drm ;;
	virtio-rtc-pci) makes=none options="iommu_platform=on" ;;
	virtio-balloon-pci) makes=virtio_balloon options=$modern ;;
	virtio-*-pci) makes=input options=$modern ;;
	pci-serial) makes=tty options="chardev=slot-char" ;;
	pci-serial-?x) makes=tty options="chardev1=slot-char" ;;
	AC97 | ES1370) makes=sound options="audiodev=slot-audio" ;;
	*intel-hda) makes=sound ;;
	VGA | secondary-vga | bochs-display | cirrus-vga) makes=drm ;;
	ati-vga) makes=graphics ;;
	pci-ipmi-*) makes=ipmi options="bmc=slot-bmc" ;;
	i6300esb) makes=watchdog ;;
	pvpanic-pci) makes=pvpanic-pci ;;
	ivshmem-plain) makes=none options="memdev=slot-memory" ;;
	edu | iommu-testdev | pci-testdev | rocker | tpci200) makes=none ;;
	esac
}

# every_why_not DEVICE: why it is not handed over, or nothing.
every_why_not() {
	case " $every_known " in
	*" $1 "*) echo "$without" ;;
	*) echo "${without:-was never handed to a guest: try it, then add it to every_known}" ;;
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
	fault=$(machine "device_add $1,id=dut,bus=slot0${options:+,$options}")
	[ -n "$fault" ] || [ -z "$behind" ] || fault=$(machine "device_add $behind,id=behind")
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
	local found driver
	found=$(value try)
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
	block)
		[ "$(value try-disk)" = "$(every_sum < "$images/disk") $(yes try | kib=1024 every_sum)" ] ||
			echo "the disk: $(value try-disk)"
		;;
	net)
		expr "$(value try-net)" : "$LAB_TFTP_SHA256 " > /dev/null || echo "the network: $(value try-net)"
		;;
	esac
}

# The checksum of its input's first $kib KiB.
every_sum() {
	head -c $((kib * 1024)) | sha256sum | cut -d ' ' -f 1
}

# every_try DEVICE: one guest with it; $fault is empty when all is well.
every_try() {
	fault=''
	every_plug "$1" || return
	every_give
	guest "try:$makes:$kib" --vfio "$device"
	fault=$(every_fault "$1" | tr '\n' ' ')
	note "$1: $(value try); resets by $(tr '\n' ' ' < "$device/reset_method")${fault:+; FAULT $fault}"
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
