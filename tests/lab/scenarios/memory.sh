# SPDX-License-Identifier: BSD-3-Clause
# scenarios: memory-5g dma-above-4g
# tier-aarch64: all
# also-on: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 60
# host-memory: 8192
# deadline: 300
# A guest of 5 GiB: it comes up, and its devices reach memory above 4 GiB.

disk=$(device "$nvme_id")
flavour=$small_flavour
edu=$(device "$edu_id")
give "$disk" "$edu"
ram=5G
guest_deadline=240
guest "info,nvme_high:0x100000000,edu:0x100000000" --vfio "$disk" --vfio "$edu"
memory=$(value memory)
check memory-5g "the guest has ${memory:-no} KiB; $(why)" [ "${memory:-0}" -gt 4900000 -a "$status" -eq 0 ]
sum=$(value nvme-high)
check dma-above-4g "the disk's sum $sum; $(value edu)" \
	expr "$sum $(value edu)" : "$LAB_DISK_SHA256 .*edu ok"
