# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2154 # some come from lib.sh
# What a round of a benchmark measures, in lines WHAT WHO FIGURE, for a file that begins with this one.

figures=$work/figures
: > "$figures"

figure() { # figure WHAT WHO FIGURE
	echo "$*" >> "$figures"
	note "round ${suffix#@}: $*"
}

# The round is whole.
figures_keep() {
	cp "$figures" "$out/logs/$names$suffix.figures.log"
	ok "$names"
}
