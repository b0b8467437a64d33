# SPDX-License-Identifier: BSD-3-Clause
# scenarios: mode-msix mode-intx mode-again
# also-on: 6.12 7.3 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 25
# A network card in one guest by MSI-X and by INTx in turn, its driver loaded anew each time. Not by
# MSI: the driver's test of it fails with QEMU's e1000e, on the host too; see devices.sh.

nic=$(device "$e1000e_id")
give "$nic"
guest "e1000e_mode:2,e1000e_mode:0,e1000e_mode:2" --vfio "$nic"

# fetched N: what the guest said of its Nth fetch.
fetched() {
	tr -d '\r' < "$console" | sed -n 's/^LAB: e1000e-mode //p' | sed -n "$1p"
}

for row in "msix 1 2 MSI-X" "intx 2 0 INTx" "again 3 2 MSI-X"; do
	# shellcheck disable=SC2086 # its words
	set -- $row
	found=$(fetched "$2")
	check "mode-$1" "it fetched '$found'; $(why)" \
		expr "$status $found" : "0 $3 $LAB_TFTP_SHA256 [1-9][0-9]* [0-9]* $4\$"
done
