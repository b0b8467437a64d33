# SPDX-License-Identifier: BSD-3-Clause
# scenarios: share-tree
# servers: qemu-system-common
# tier: all
# seconds: 140
# A folder's 2,000 small files, copied into the guest and back by virtiofsd, which the monitor starts.

only_ferry "QEMU's servers are QEMU's"
. /share/l1/servers.sh
initrd=$images/initrd-more
tree=$work/tree
virtiofsd_in_place
mkdir -p "$tree/from"
for n in $(seq 0 19); do
	mkdir "$tree/from/$n"
done
awk -v from="$tree/from" 'BEGIN {
	for (i = 0; i < 2000; i++) {
		file = from "/" i % 20 "/" i
		for (j = 0; j <= i % 50; j++)
			print i, j > file
		close(file)
	}
}'

guest "share_tree:lab:back" --share "$tree,tag=lab"
from=$(sum_of_tree "$tree/from")
back=$(sum_of_tree "$tree/back")
check share-tree "the guest said '$(value share-tree)'; here are $from and $back; $(why)" \
	[ "$status $(find "$tree/back" -type f | wc -l) $(value share-tree) $back" = "0 2000 $from $from" ]
