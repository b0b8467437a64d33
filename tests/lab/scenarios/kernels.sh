# SPDX-License-Identifier: BSD-3-Clause
# scenarios: kernel-bzimage kernel-gzip kernel-6.12 kernel-7.3
# not-on-x86_64: kernel-gzip: a bzImage unpacks itself
# not-on-aarch64: kernel-bzimage: the boot protocol has an Image, not an ELF file
# guest-kernels: 6.12 7.3
# seconds: 55
# deadline: 480
# Kinds of file that the usual kernel comes in, and newer kernels. Of an ELF file and the other flavour guests tell that
# have these anyway (groups.sh, successive.sh).

disk=$(device "$nvme_id")
give "$disk"

for file in bzimage:vmlinuz-generic gzip:vmlinuz-generic.gz; do
	applies "kernel-${file%:*}" || continue
	kernel=$images/${file#*:}
	guest "info,nvme_file" --vfio "$disk"
	check "kernel-${file%:*}" "$(why)" [ "$status $(same_sums)" = "0 yes" ]
done

for flavour in 6.12 7.3; do
	name=kernel-$flavour
	applies "$name" || continue
	if [ ! -e "$images/vmlinuz-$flavour" ]; then
		skip "$name" "Debian's kernel $flavour could not be fetched"
		continue
	fi
	kernel=$images/vmlinuz-$flavour
	guest "info,nvme_file" --vfio "$disk"
	found=$(value kernel)
	case $found in
	"$flavour".*) found=yes ;;
	esac
	check "$name" "kernel '$found'; $(why)" [ "$found $status $(same_sums)" = "yes 0 yes" ]
done
