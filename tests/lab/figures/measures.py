# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: of each start of a monitor, and in trials beside them."""

from typing import NamedTuple


# Ferry with its kernel unpacked, as it is recommended; no other is started with that, and nothing
# but its starts is measured.
UNPACKED = "ferry-vmlinux"


class Measure(NamedTuple):
    key: str
    name: str
    unit: str
    digits: int  # behind the point


MEASURES = (
    Measure("entry", "exec to first guest code", "s", 3),
    Measure("init", "exec to /init", "s", 2),
    Measure("poweroff", "power-off to exit", "s", 2),
    Measure("exits", "exits of all kinds", "", 0),
    Measure("accesses", "port and memory exits", "", 0),
    Measure("beyond", "resident beyond RAM", "KiB", 0),
    Measure("threads", "threads", "", 0))


class Trial(NamedTuple):
    """Something that is measured without a start of the usual guest; `base`, where there is one,
    does the same with nothing in between."""

    key: str
    title: str
    base: str
    own: bool  # only builds of ferry can do it, not other monitors
    measures: tuple
    alone: tuple = ()  # measures that the base has nothing of

    def who(self, monitors, measure):
        """Those that tell of a measure."""
        told = [name for name in monitors
                if name != UNPACKED and (not self.own or name in ("ferry", "rival"))]
        return told + ([self.base] if self.base and measure.key not in self.alone else [])


TRIALS = (
    Trial("tiny", "guest of three instructions, 256 MiB", "kvm-bare", True, (
        Measure("entry", "exec to first instruction", "s", 4),)),
    Trial("map", "all of the memory for DMA", "map-bare", True, (
        Measure("time", "provided and mapped", "s", 2),)),
    Trial("disk", "NVMe disk, random reads of 4 KiB", "host", False, (
        Measure("rate1", "reads a second, one at a time", "", 0),
        Measure("rate32", "reads a second, 32 at a time", "", 0),
        Measure("monitor_exits", "port and memory exits of 4,000", "", 0),
        Measure("exits", "exits of all kinds of 4,000", "", 0),
        Measure("cpu", "monitor's own time for 4,000", "ms", 0)),
        ("monitor_exits", "exits", "cpu")),
    Trial("gdb", "100 stops by a debugger", "", False, (
        Measure("stop", "Ctrl-C to its answer", "ms", 2),)))
