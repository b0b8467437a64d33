# SPDX-License-Identifier: BSD-3-Clause
"""Hosts (L1): what they share with this machine, their start, what they report, their deadlines."""

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from runner import machine
from runner.gdb import Sessions
from runner.lab import die
from runner.qmp import Monitor

LOOK = 10   # seconds that count of the time between two looks at a host
HEART = 60  # seconds for which a host's heart may stand still, twice as many until it begins
GRACE = 15  # seconds in which a host that is given up says why


def copy_monitor(lab, file, name):
    """A monitor and the shared libraries it needs, as a tree to be laid over the host's root."""
    if not os.access(file, os.X_OK):
        die(f"{file} is not there: run make")
    overlay = lab.share / "overlay"
    (overlay / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(file, overlay / "bin" / name)
    said = subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout
    for library in (word for word in said.split() if word.startswith("/")):
        (overlay / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, overlay / library[1:])


def make_share(lab):
    """The folder that every host gets: scenarios, and a queue of tasks for each kind of host. Hosts
    of one kind take from one queue, and each has a folder of its own to write to."""
    shutil.rmtree(lab.share, ignore_errors=True)
    for part in ("l1", "scenarios", "queue", "taken"):
        (lab.share / part).mkdir(parents=True)
    for file in (*(lab.here / "l1").iterdir(), lab.here / "arch" / f"{lab.arch}.inc"):
        shutil.copy(file, lab.share / "l1")
    for pattern in ("*.sh", "*.inc", "scenarios/*.sh"):
        for file in lab.here.glob(pattern):
            shutil.copy(file, lab.share / "scenarios")
    settings = {
        "LAB_ARCH": lab.arch,
        "LAB_SLOW": lab.slow,
        "LAB_ALL": "yes" if lab.everything else "",
        "LAB_MONITORS": shlex.quote(os.environ.get("LAB_MONITORS") or "ferry"),
        "LAB_MONITOR": "ferry" if lab.monitor == "ferry" else f"/share/l1/{lab.monitor}",
        "LAB_GUEST_DEADLINE": 90 * lab.slow,
        "LAB_DISK": lab.images / "disk",
        "LAB_DISK_SHA256": (lab.images / "disk.sha256").read_text().strip(),
        "LAB_TFTP_SHA256": (lab.images / "tftp.sha256").read_text().strip()}
    (lab.share / "settings").write_text(
        "".join(f"export {name}={value}\n" for name, value in settings.items()))
    copy_monitor(lab, lab.ferry, "ferry")
    if lab.rival:
        copy_monitor(lab, lab.rival, "rival")


class Host:
    """One of a kind; it keeps its name when it is started anew. `task` is what it is at."""

    def __init__(self, lab, name, kind, clock=time.monotonic):
        self.lab, self.name, self.kind, self.clock = lab, name, kind, clock
        self.folder = lab.share / name
        self.console = lab.logs / f"{name}.console.log"
        self.starts = 0
        self.process = self.monitor = None
        self.gdb = Sessions(lab, name, clock)
        # Its clock goes slower than the machine's.
        self.patience = lab.slow * (5 if kind.clock == "icount" else 1)
        self.registers = lab.logs / f"{name}.registers.log"
        self.task = self.beat = ""
        self.deadline = 0  # of the scenario that it is at, seconds
        self.ended = False
        self.looked_at = clock()
        self.proc = Path("/proc")
        self.waits = {}  # of each thread of its machine for a processor, so far
        self.silent = self.still = 0  # for so many seconds
        self.given_up, self.gone_at = "", 0  # why, and when it is waited for no longer
        self.offset = 0
        self.discards = False  # failures of the task that goes to another host

    def prepare(self):
        """Makes the files that its machine wants."""
        for part in ("logs", "monitor", "gdb"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "results").write_text("")
        self.remove_files()
        subprocess.run(["cp", "--sparse=always", self.lab.images / "disk",
                        self.lab.runs / f"{self.name}.disk"], check=True)
        for end in ("in", "out"):
            os.mkfifo(self.lab.runs / f"{self.name}.{end}")

    def remove_files(self):
        for end in ("disk", "in", "out", "gdb"):
            (self.lab.runs / f"{self.name}.{end}").unlink(missing_ok=True)

    def shell(self):
        """Leaves the terminal to it, and returns its machine's status."""
        self.prepare()
        with subprocess.Popen(machine.command(self.lab, self.name, self.kind, shell=True),
                              cwd=self.lab.runs) as self.process:
            return self.process.wait()

    def start(self):
        self.end()
        self.prepare()
        self.starts += 1
        self.monitor = Monitor(self.lab.runs / self.name, 10 * self.lab.slow, self.clock)
        self.start_machine()
        self.task, self.offset, self.discards = "", 0, False
        self.looked_at, self.silent, self.still, self.given_up = self.clock(), 0, 0, ""
        self.waits = {}

    def start_machine(self):
        with open(self.lab.logs / f"{self.name}.qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                machine.command(self.lab, self.name, self.kind), cwd=self.lab.runs,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def serve(self):
        self.monitor.serve(self.folder / "monitor")
        self.gdb.serve()

    def alive(self):
        return self.process.poll() is None

    def reports(self):
        """The whole lines that it has written since last time."""
        with open(self.folder / "results", "rb") as file:
            file.seek(self.offset)
            text, newline, _ = file.read().rpartition(b"\n")
        self.offset += len(text + newline)
        if newline:
            self.silent = 0
        return text.decode(errors="replace").split("\n") if newline else []

    def starved(self):
        """For how many seconds the thread of its machine that waited longest for a processor of
        this machine's has done so since last time."""
        before, self.waits = self.waits, {}
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ends, or nobody counts
            for thread in (self.proc / str(self.process.pid) / "task").iterdir():
                nanoseconds = int((thread / "schedstat").read_text().split()[1])
                self.waits[thread.name] = nanoseconds / 1e9
        return max((wait - before.get(name, wait) for name, wait in self.waits.items()), default=0)

    def listen(self):
        """Its heart writes two words: one changes while it lives, the other while its scenario gets
        on. Time in which this machine did not get to look counts for little, and time in which the
        host got no processor for nothing."""
        now = self.clock()
        passed, self.looked_at = min(now - self.looked_at, LOOK), now
        passed -= min(self.starved(), passed)
        self.silent += passed
        self.still += passed
        try:
            beat = (self.folder / "alive").read_text()
        except OSError:
            return
        if not beat.endswith("\n"):  # it is being written
            return
        if beat != self.beat:
            self.still = 0
        if beat.split()[1:] != self.beat.split()[1:]:
            self.silent = 0
        self.beat = beat

    def why_overdue(self):
        """In words; none while it gets on. Failures are told at the scenario's end."""
        self.listen()
        limit = 20 if self.ended else 90 + self.deadline if self.task else 2 * HEART
        if self.still > (HEART if self.task else 2 * HEART) * self.patience:
            return f"its heart stood still for {int(self.still)} s"
        if self.silent > limit * self.patience:
            return ("it did not power off" if self.ended else
                    f"it told nothing for {int(self.silent)} s, and nothing went on")
        return ""

    def give_up(self, why):
        """Ends it, once its machine has said what its processors are at. A non-maskable interrupt
        has its kernel say more on its console, in a panic, and end by itself."""
        if not self.given_up:
            self.given_up, self.gone_at = why, self.clock() + GRACE * self.lab.slow
            for _ in range(2):
                self.monitor.ask("info registers -a", self.note_registers)
            self.monitor.ask("nmi", self.note_registers)
        elif self.clock() > self.gone_at:
            self.kill()

    def note_registers(self, text):
        with open(self.registers, "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def why_ended(self):
        """It hung: what for, as far as that is known. Where each processor is follows a panic in
        many lines."""
        said = [self.given_up or f"its machine ended, status {self.process.poll()}"]
        if self.console.exists():
            lines = self.console.read_text(errors="replace").splitlines()
            said += [line for line in lines if "BUG: soft lockup" in line][:1]
            said += [line for line in lines if "Kernel panic" in line][:1]
        return ": ".join(line.strip() for line in said)

    def kill(self):
        self.process.kill()

    def end(self):
        """Ends what was started for it."""
        self.gdb.end()
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.monitor:
            self.monitor.close()
        self.process = self.monitor = None

    def tail(self):
        """The end of what its machine and its kernel printed."""
        said = []
        for file, count in ((self.lab.logs / f"{self.name}.qemu.log", 5), (self.console, 30)):
            if file.exists():
                lines = file.read_text(errors="replace").splitlines()
                said += [line for line in lines if "TCG doesn't support" not in line][-count:]
        return said
