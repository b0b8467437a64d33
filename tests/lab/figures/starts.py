# SPDX-License-Identifier: BSD-3-Clause
"""Starts of monitors, as the lab's host writes them down: lines ROUND MONITOR MIB FIGURE..., of
which guest-images/tool/measure.c says the last part. Round 0 does not count; its events do."""

import re
from collections import Counter

from figures.measures import MEASURES

EVENTS = ("kvm_exit", "kvm_userspace_exit")  # of every architecture's KVM
RAM_PIECE = 16 << 10  # KiB: a mapping without a file with so much in it is the guest's memory


class Incomplete(Exception):
    """A figure is missing, or is none."""


class Start:
    """One start: `measures` by their keys, `counters` of KVM, `mappings` with their resident KiB,
    `events` of KVM with their counts; `again` where the first try came to nothing."""

    def __init__(self, number, monitor, mib):
        self.number, self.monitor, self.mib = number, monitor, mib
        self.measures, self.counters = {}, {}
        self.mappings, self.events = Counter(), {}
        self.ram, self.again = 0, False

    def __str__(self):
        return f"{self.monitor} with {self.mib} MiB, round {self.number}"

    def add(self, kind, words):
        """One line. What it cannot make sense of is an error."""
        if kind in ("entry", "init", "poweroff"):
            self.measures[kind] = float(*words)
        elif kind == "threads":
            self.measures[kind] = int(*words)
        elif kind == "kvm":
            name, value = words
            self.counters[name] = int(value)
        elif kind == "again" and not words:
            self.again = True
        elif kind == "map":
            self.add_mapping(*words[1:3], " ".join(words[3:]))
        elif kind == "event":
            self.add_event(words[0], " ".join(words[1:]))
        else:
            raise ValueError(f"what is '{kind}'?")

    def add_mapping(self, resident, permissions, name):
        # QEMU's virt keeps a copy of kernel and initramfs in its heap.
        if int(resident) >= RAM_PIECE and (not name or name.startswith("/memfd:")):
            self.ram += int(resident)
        else:
            self.mappings[f"{permissions} {name or 'anonymous'}"] += int(resident)

    def add_event(self, event, text):
        key, count = re.fullmatch(r"\{ \w+: *(\w+) *\} hitcount: *(\d+)", text).groups()
        self.events.setdefault(event, Counter())[key] += int(count)

    def complete(self, counters):
        """Makes the measures that are sums; `counters` are those of exits for a port or memory."""
        if abs(self.ram - (self.mib << 10)) > RAM_PIECE // 2:
            raise Incomplete(f"{self}: {self.ram} KiB in mappings are taken for the guest's memory")
        for name in ("exits", *counters):
            if name not in self.counters:
                raise Incomplete(f"{self}: KVM has no counter {name}")
        self.measures["exits"] = self.counters["exits"]
        self.measures["accesses"] = sum(self.counters[name] for name in counters)
        self.measures["beyond"] = sum(self.mappings.values())
        for measure in MEASURES:
            if self.measures.get(measure.key, 0) <= 0:
                raise Incomplete(f"{self}: there is no figure of '{measure.name}'")

    def data(self):
        return {"round": self.number, "monitor": self.monitor, "mib": self.mib,
                "again": self.again, "measures": self.measures, "counters": self.counters,
                "mappings": dict(self.mappings)}


def parse(text, counters):
    """The starts by round, monitor and MiB."""
    starts = {}
    for line in text.splitlines():
        try:
            number, monitor, mib, kind, *words = line.split()
            where = int(number), monitor, int(mib)
            starts.setdefault(where, Start(*where)).add(kind, words)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise Incomplete(f"the line '{line}' is no figure") from error
    for start in starts.values():
        start.complete(counters)
    return starts


def check(starts, monitors, sizes, number):
    """Every monitor has to have been started with every size in a round; in round 0 with the first
    size, and with its events counted."""
    for monitor in monitors:
        for mib in sizes if number else sizes[:1]:
            if (number, monitor, mib) not in starts:
                raise Incomplete(f"{monitor} with {mib} MiB: no figures")
        for event in () if number else EVENTS:
            if not starts[0, monitor, sizes[0]].events.get(event):
                raise Incomplete(f"{monitor} with {sizes[0]} MiB: no {event} was counted")
