# SPDX-License-Identifier: BSD-3-Clause
"""The machine that a host (L1) is: QEMU with emulated virtualization and IOMMU, and the devices to
hand on."""

import os

# A word in braces alone stands for as many words as it has.
MACHINE = """
-name lab-{name} -nodefaults -no-reboot -display none {serial} {machine} {speed} -m {memory}
-chardev pipe,id=monitor,path={runs}/{name} -mon chardev=monitor,mode=control
-kernel {images}/vmlinuz-host{kernel} -initrd {images}/initrd-host{kernel} -append {append}
-fsdev local,id=images,path={images},security_model=none,readonly=on
-device virtio-9p-pci,fsdev=images,mount_tag=images,{virtio}
-fsdev local,id=share,path={share},security_model=none
-device virtio-9p-pci,fsdev=share,mount_tag=share,{virtio}
"""

USUAL = """
-drive file={runs}/{name}.disk,format=raw,if=none,id=disk -device nvme,drive=disk,serial=lab
-netdev {net},id=net0 -device e1000e,netdev=net0
-netdev {net},id=net1 -device e1000,netdev=net1
-device edu,dma_mask=0xffffffffff
-netdev {net},id=net2 -device e1000,multifunction=on,addr=0x10,netdev=net2
-device edu,multifunction=on,addr=0x10.1,dma_mask=0xffffffffff
"""

# Disks begin as copies of one file, which is not written to. Those with an id are spoken of to the
# machine's monitor.
MORE = """
-drive {disk},id=xhci-disk -drive {disk},id=nec-disk -drive {disk},id=block-disk
-device qemu-xhci,id=xhci -device usb-storage,bus=xhci.0,drive=xhci-disk
-device nec-usb-xhci,id=nec,msix=off -device usb-storage,bus=nec.0,drive=nec-disk
-device virtio-blk-pci,drive=block-disk,{virtio}
-object memory-backend-ram,id=shared,size=1G -device ivshmem-plain,memdev=shared
-device pcie-root-port,id=port0,chassis=1
-device pcie-root-port,id=port1,chassis=2
-device pcie-root-port,id=port2,chassis=3
-netdev {net},id=net3 -device virtio-net-pci,{virtio},netdev=net3
-netdev {net},id=net4 -device rtl8139,netdev=net4
-netdev {net},id=net5 -device e1000,bus=port0,netdev=net5,id=pulled
-netdev {net},id=net6 -device e1000,bus=port1,addr=0,multifunction=on,netdev=net6
-device edu,bus=port1,addr=0.1,multifunction=on,dma_mask=0xffffffffff
-netdev {net},id=net7 -device virtio-net-pci,bus=port2,id=aer,aer=on,{virtio},netdev=net7
-device pcie-root-port,id=port5,chassis=6 -netdev {net},id=net9 -drive {disk},id=ported-disk
-device e1000e,bus=port5,addr=0,multifunction=on,netdev=net9
-device nvme,bus=port5,addr=0.1,multifunction=on,drive=ported-disk,serial=ported
"""

# What makes virtual functions: a disk, which has its first namespace itself, while the others are
# for them, and a network card.
FUNCTIONS = """
-drive {disk},id=space1 -drive {disk},id=space2 -drive {disk},id=space3
-device pcie-root-port,id=port3,chassis=4
-device nvme-subsys,id=subsystem
-device nvme,id=physical,bus=port3,serial=functions,subsys=subsystem,{virtual}
-device nvme-ns,bus=physical,drive=space1,nsid=1,shared=off
-device nvme-ns,bus=physical,drive=space2,nsid=2,shared=off,detached=on
-device nvme-ns,bus=physical,drive=space3,nsid=3,shared=off,detached=on
-device pcie-root-port,id=port4,chassis=5 -netdev {net},id=net8 -device igb,bus=port4,netdev=net8
"""

# What a scenario plugs its devices into while the host runs, and what those want on the machine's
# side.
SLOTS = """
-device pcie-root-port,id=slot0,chassis=11
-netdev {net},id=slot-net -audiodev none,id=slot-audio -chardev ringbuf,id=slot-char,size=1024
-object can-bus,id=slot-can -object rng-builtin,id=slot-rng
-object cryptodev-backend-builtin,id=slot-crypto
-object memory-backend-ram,id=slot-memory,size=64M
-fsdev local,id=slot-files,path={images}/tftp,security_model=none,readonly=on
-device ipmi-bmc-sim,id=slot-bmc
"""

# What cannot be plugged in while the host runs, or ends QEMU as it leaves (rocker); each has its
# own name for an id. The USB controllers are functions of two devices, as in Intel's ICH9.
COLD = """
-drive {disk},id=cold0 -device pci-ohci,id=pci-ohci -device usb-storage,bus=pci-ohci.0,drive=cold0
-drive {disk},id=cold1 -device ich9-ahci,id=ich9-ahci -device ide-hd,bus=ich9-ahci.0,drive=cold1
-drive {disk},id=cold2 -device sdhci-pci,id=sdhci-pci -device sd-card,drive=cold2
-drive {disk},id=cold3 -device ich9-usb-uhci1,id=ich9-usb-uhci1,addr=1d.0,multifunction=on
-device usb-storage,bus=ich9-usb-uhci1.0,drive=cold3
-drive {disk},id=cold4 -device ich9-usb-uhci2,id=ich9-usb-uhci2,addr=1d.1
-device usb-storage,bus=ich9-usb-uhci2.0,drive=cold4
-drive {disk},id=cold5 -device ich9-usb-uhci3,id=ich9-usb-uhci3,addr=1d.2
-device usb-storage,bus=ich9-usb-uhci3.0,drive=cold5
-drive {disk},id=cold6 -device ich9-usb-ehci1,id=ich9-usb-ehci1,addr=1d.7
-device usb-storage,bus=ich9-usb-ehci1.0,drive=cold6
-drive {disk},id=cold7 -device ich9-usb-uhci4,id=ich9-usb-uhci4,addr=1a.0,multifunction=on
-device usb-storage,bus=ich9-usb-uhci4.0,drive=cold7
-drive {disk},id=cold8 -device ich9-usb-uhci5,id=ich9-usb-uhci5,addr=1a.1
-device usb-storage,bus=ich9-usb-uhci5.0,drive=cold8
-drive {disk},id=cold9 -device ich9-usb-uhci6,id=ich9-usb-uhci6,addr=1a.2
-device usb-storage,bus=ich9-usb-uhci6.0,drive=cold9
-drive {disk},id=cold10 -device ich9-usb-ehci2,id=ich9-usb-ehci2,addr=1a.7
-device usb-storage,bus=ich9-usb-ehci2.0,drive=cold10
-drive {disk},id=cold11 -device ufs,id=ufs,serial=every -device ufs-lu,bus=ufs,drive=cold11,lun=0
-audiodev wav,id=noise,path={share}/{name}/noise.wav
-device intel-hda,id=intel-hda -device hda-duplex,bus=intel-hda.0,audiodev=noise
-device ich9-intel-hda,id=ich9-intel-hda -device hda-duplex,bus=ich9-intel-hda.0,audiodev=noise
-device cirrus-vga,id=cirrus-vga -device VGA,id=VGA
-device virtio-gpu-pci,id=virtio-gpu-pci,{virtio}
-device ati-vga,id=ati-vga -device virtio-vga,id=virtio-vga,{virtio}
-device rocker,id=rocker
"""

DEVICES = {"": "", "more": MORE, "functions": FUNCTIONS, "slots": SLOTS + COLD}

# QEMU for a guest's place, where it is compared.
PEER = """
-fsdev local,id=qemu,path={peer},security_model=none,readonly=on
-device virtio-9p-pci,fsdev=qemu,mount_tag=qemu,{virtio}
"""

# The port for gdb comes last, so that no other device's place depends on it. A socket's name has to
# be short, so it is one in the folder that QEMU and gdb are in.
PORTS = """
-device virtio-serial-pci,id=ports,{virtio}
-chardev socket,id=gdb,path={name}.gdb,server=on,wait=off
-device virtserialport,bus=ports.0,chardev=gdb,name=gdb
"""


def libraries(root):
    """The folders of an unpacked system's libraries."""
    return [*root.glob("lib/*-linux-gnu"), *root.glob("usr/lib/*-linux-gnu")]


def loader(root):
    """Its dynamic loader: the machine's own may not know libraries of another release."""
    return next(file for folder in libraries(root) for file in folder.glob("ld-linux-*.so.?"))


def program(name, root):
    """QEMU itself, or another one that is unpacked with its own loader and libraries."""
    if not root:
        return [name]
    return [str(loader(root)), "--library-path", ":".join(map(str, libraries(root))),
            f"{root}/usr/bin/{name}",
            "-L", f"{root}/usr/share/qemu", "-L", f"{root}/usr/share/seabios"]


def bundle(root):
    """Has an unpacked QEMU find its own modules, not those of the machine's QEMU: it looks for a
    folder of this name beside the program that runs, which is the loader."""
    link = loader(root).parent / "qemu-bundle"
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(root, link.parent))


def command(lab, name, kind, shell=False):
    """With the clock icount an instruction takes a nanosecond, however slow the machine is that
    does it. In a shell that is typed into, Ctrl-A is the monitor's and Ctrl-] the machine's."""
    values, counted = lab.values, kind.clock == "icount"
    options = " ".join(values["lab_options"].split())
    places = {
        "name": name, "runs": lab.runs, "images": lab.images, "share": lab.share,
        "kernel": kind.kernel, "memory": kind.memory or values["lab_memory"],
        "machine": values["lab_machine"].split(),
        "speed": ("-accel tcg,thread=single -icount shift=0 -smp 1" if counted else
                  "-accel tcg,thread=multi -smp 2").split(),
        "serial": ["-serial", *(["mon:stdio", "-echr", "0x1d"] if shell else
                                [f"file:{lab.logs}/{name}.console.log"])],
        "append": f"{options} mitigations=off softlockup_panic=1 panic=-1 quiet"
                  f"{' lab.shell' if shell else ''} lab.host={name} lab.queue={kind}",
        "virtio": "disable-legacy=on,iommu_platform=on",
        "virtual": "max_ioqpairs=8,msix_qsize=9,"
                   "sriov_max_vfs=2,sriov_vq_flexible=6,sriov_vi_flexible=6",
        "net": f"user,tftp={lab.images}/tftp",
        "disk": f"file={lab.images}/disk,format=raw,if=none,snapshot=on",
        "peer": lab.qemu_root}
    parts = (MACHINE, USUAL, DEVICES[kind.devices], PEER if lab.qemu_root else "", PORTS)
    words = program(values["lab_qemu"], lab.roots.get(kind.machine))
    for word in " ".join(parts).split():
        several = places.get(word.strip("{}"))
        words += several if isinstance(several, list) else [word.format(**places)]
    return words
