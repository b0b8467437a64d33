# SPDX-License-Identifier: BSD-3-Clause
# scenarios: peer-to-memory
# host-kernel: 7.3-iommufd
# not-on: aarch64: no host there has an ivshmem
# host-devices: more
# tier: all
# seconds: 30
# One passed-through device writes into the memory of another, a BAR of 1 GiB, and reads it, before and after that
# was off.

only_ferry "QEMU of Debian 12 has no iommufd"

edu=$(device "$edu_id")
memory=$(device "$shared_memory_id")
give "$edu" "$memory"
guest "peer_memory" --vfio "$edu" --vfio "$memory" --log info
cat "$errors"
places=$(grep -c "^LAB: peer-memory ok, twice both ways" "$console")
check peer-to-memory "by '$(ways)', at $places of 2 places; $(value peer-memory); $(why)" \
	[ "$status $(ways) $places" = "0 iommufd 2" ]
