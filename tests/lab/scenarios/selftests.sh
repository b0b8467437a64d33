# SPDX-License-Identifier: BSD-3-Clause
# scenarios: selftest-iommufd selftest-device selftest-mapping selftest-mapping-mmio selftest-driver selftest-token
# not-on: aarch64: its kernel 7.3 gives devices of iommufd's no MSI
# host-machine: newer
# host-kernel: 7.3-iommufd
# host-devices: functions
# selftests: vfio
# tier: all
# seconds: 90
# What the kernel's own developers try VFIO with, on the same host and devices, without ferry: where one fails, a row
# of ferry's that fails on such a host may be the host's fault.

# selftest NAME DEVICE PROGRAM [OPTION...]: the program's own word for it; a test of its that is skipped has passed.
selftest() {
	local name=$1 address=${2##*/} program=$images/selftests/$3 rc
	shift 3
	"$program" "$@" "$address" > "$work/$name" 2>&1
	rc=$?
	cat "$work/$name"
	check "$name" "status $rc: $(grep '^not ok' "$work/$name" | tr '\n' ' ')$(tail -n 1 "$work/$name")" [ $rc = 0 ]
}

disk=$(device "$nvme_id")
physical=$(ported_device 8086:10c9)
give "$disk" "$physical"
echo 1 > /sys/module/vfio_pci/parameters/enable_sriov

selftest selftest-iommufd "$disk" vfio_iommufd_setup_test
selftest selftest-device "$disk" vfio_pci_device_test
selftest selftest-mapping "$disk" vfio_dma_mapping_test
selftest selftest-mapping-mmio "$disk" vfio_dma_mapping_mmio_test
# The others wait for what QEMU's card does not do: complain of DMA to nowhere, hurry.
selftest selftest-driver "$physical" vfio_pci_driver_test -t init_remove -t memcpy_success
# Its virtual function is to get a driver by itself.
echo 1 > /sys/bus/pci/drivers_autoprobe
selftest selftest-token "$physical" vfio_pci_sriov_uapi_test
echo 0 > /sys/bus/pci/drivers_autoprobe
