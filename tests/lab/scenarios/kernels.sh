# SPDX-License-Identifier: BSD-3-Clause
# scenarios: kernel-cloud kernel-bzimage kernel-elf kernel-gzip
# not-on-x86_64: kernel-gzip: a bzImage unpacks itself
# not-on-aarch64: kernel-bzimage kernel-elf: the boot protocol has an Image, not an ELF file
# seconds: 45
# The other flavour of kernel, and each kind of file that the usual one comes in.

disk=$(device "$nvme_id")
give "$disk"

flavour=cloud
guest "info,nvme_file" --vfio "$disk"
check kernel-cloud "$(why)" [ "$status $(same_sums)" = "0 yes" ]
flavour=generic

for file in bzimage:vmlinuz-generic elf:vmlinux-generic gzip:vmlinuz-generic.gz; do
	applies "kernel-${file%:*}" || continue
	kernel=$images/${file#*:}
	guest "info,nvme_file" --vfio "$disk"
	check "kernel-${file%:*}" "$(why)" [ "$status $(same_sums)" = "0 yes" ]
done
