# SPDX-License-Identifier: BSD-3-Clause
# scenarios: kernel-cloud kernel-elf kernel-gzip
# not-on-x86_64: kernel-gzip: a bzImage unpacks itself
# not-on-aarch64: kernel-elf: the boot protocol has an Image, not an ELF file
# seconds: 40
# The other flavour of kernel, and the other kind of file.

disk=$(device "$nvme_id")
give "$disk"

flavour=cloud
guest "info,nvme_file" --vfio "$disk"
check kernel-cloud "$(why)" [ "$status $(same_sums)" = "0 yes" ]
flavour=generic

name="kernel-gzip"
! applies kernel-elf || name="kernel-elf"
kernel=$images/$other_kernel
guest "info,nvme_file" --vfio "$disk"
check $name "$(why)" [ "$status $(same_sums)" = "0 yes" ]
