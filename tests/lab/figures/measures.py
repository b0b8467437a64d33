# SPDX-License-Identifier: BSD-3-Clause
"""What is measured of each start of a monitor, and what a person calls it."""

from typing import NamedTuple


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
