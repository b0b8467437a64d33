# SPDX-License-Identifier: BSD-3-Clause
# scenarios: kernel-cloud kernel-elf
# seconds: 40
# The other flavour of kernel, and the other kind of file.

disk=$(device "$nvme_id")
give "$disk"

flavour=cloud
guest "info,nvme_file" --vfio "$disk"
check kernel-cloud "$(why)" [ "$status $(same_sums)" = "0 yes" ]
flavour=generic

kernel=$images/vmlinux-generic
guest "info,nvme_file" --vfio "$disk"
check kernel-elf "$(why)" [ "$status $(same_sums)" = "0 yes" ]
