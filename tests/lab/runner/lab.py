# SPDX-License-Identifier: BSD-3-Clause
"""What a run is asked for, what is the architecture's own, and where files are."""

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path


LATE = 600  # seconds for what is under way when the run's time is over


def die(text):
    """Ends the run: it is asked for what it cannot do."""
    print(f"lab: {text}", file=sys.stderr)
    sys.exit(2)


def free_mib():
    """The memory that this machine has left."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if "MemAvailable" in line)


def read_values(file):
    """The variables that a file of shell sets: arch/ARCH.inc is read by the host's shell too."""
    said = subprocess.run(["env", "-i", "sh", "-c", 'set -a; . "$1"; env -0', "sh", file],
                          check=True, capture_output=True, text=True).stdout
    return dict(entry.split("=", 1) for entry in said.split("\0") if entry)


class Lab:
    """One run's settings: the options, of which `alone` is a file beside the scenarios, `shell` the
    kind asked for, `rival` a second build of the monitor, `rounds` how often `alone` is run,
    `until` when no scenario is begun any more and `beside` another run's process; the
    architecture's values; folders, of which `keep` is for what each round wrote down."""

    def __init__(self, here, arch="", ferry="", monitor="ferry", jobs="", alone="", verbose=False,
                 only=(), everything=False, listing=False, shell=None, rival="", machine="",
                 until="", beside="", rounds="", keep=""):
        if not re.fullmatch("([1-9][0-9]?)?", jobs):
            die(f"--jobs {jobs}: it is a number of hosts")
        if monitor not in ("ferry", "qemu"):
            die(f"--monitor {monitor}: it is ferry or qemu")
        for option, number in (("until", until), ("beside", beside)):
            if not re.fullmatch("[0-9]*", number):
                die(f"--{option} {number}: it is a number")
        self.until, self.beside = int(until or 0), beside
        self.everything, self.listing, self.shell = everything, listing, shell
        native = platform.machine()
        self.here, self.top = here, here.parents[1]
        self.arch = arch or native
        self.monitor, self.alone, self.verbose, self.only = monitor, alone, verbose, set(only)
        file = here / "arch" / f"{self.arch}.inc"
        if not file.exists():
            die(f"no lab for architecture {self.arch}")
        self.values = read_values(file)
        self.most = min(len(os.sched_getaffinity(0)), free_mib() // 4096)  # hosts of all runs
        self.jobs = int(jobs or self.usual_jobs())
        self.slow = int(os.environ.get("LAB_SLOW") or 1) * int(self.values["lab_slow"])
        build = self.top / "build"
        self.ferry = ferry or build / ("" if self.arch == native else self.arch) / "ferry"
        self.rival = rival
        self.rounds, self.keep = rounds.split(), keep and Path(keep)
        self.machine = machine  # of all hosts, or what each scenario asks for
        if machine and machine not in self.offers("machines"):
            die(f"--machine {machine}: there is none of that name")
        self.images = build / "lab/images" / self.arch
        self.logs = build / "lab/logs" / self.arch
        self.tries = build / "lab/tries" / self.arch
        self.runs = build / "lab/run" / self.arch
        self.share = self.runs / "share"
        self.qemu_root = None  # QEMU for a host
        self.roots = {}  # QEMU of other releases, by the machine that it plays
        self.absent = {}  # kernels, and "root", that cannot be had, each with the reason

    def usual_jobs(self):
        """Hosts side by side: fewer where processors or memory are."""
        return max(1, min(int(self.values["lab_jobs"]), self.most))

    def room(self):
        """Hosts that there may be now. Another run has one while it lasts; where processors and
        memory are for no second one, none."""
        others = self.beside and Path("/proc", self.beside).exists()
        return max(0, min(self.jobs, self.most - 1)) if others else self.jobs

    def late(self, seconds=0):
        """Whether the time for all of it was over so many seconds ago."""
        return self.until != 0 and time.time() > self.until + seconds

    def note_absent(self, said):
        """Takes in what guest-images/build said of kernels that cannot be had."""
        self.absent.update(line.split(" ", 2)[1:] for line in said.splitlines()
                           if line.startswith("absent "))

    def offers(self, what):
        """What hosts there are beside the usual one: kernels, devices, clocks, machines."""
        return self.values[f"lab_{what}"].split()
