# SPDX-License-Identifier: BSD-3-Clause
"""What there is to run: scenario files, the names they tell about, what they ask of their host."""

import re
from typing import NamedTuple

from runner.lab import die, free_mib


# Sets of devices that the usual ones are a part of, and that harm no scenario about those.
JOINED = ("functions", "more")


class Kind(NamedTuple):
    """What a task asks of its host; each field is empty where it is the usual one."""

    kernel: str = ""
    devices: str = ""
    memory: str = ""
    clock: str = ""
    machine: str = ""

    def __str__(self):
        return ":".join(self)

    def host(self, number=""):
        """The name of a host of this kind."""
        return "-".join([f"host{number}", *filter(None, self)])


def asked_kind(text, lab):
    """The kind that a person asks for by --shell."""
    def refuse(why):
        die(f"--shell {text}: {why}")

    def one_of(what, value, values):
        if value and value not in values:
            refuse(f"there is no {what} '{value}': leave it empty"
                   + (f", or say {' or '.join(values)}" if values else ""))

    fields = text.split(":")
    if len(fields) > len(Kind._fields):
        refuse("it is KERNEL:DEVICES:MEMORY:CLOCK:MACHINE, five fields at most")
    kind = Kind(*fields)
    one_of("kernel", kind.kernel, lab.offers("kernels"))
    one_of("set of devices", kind.devices, lab.offers("devices"))
    one_of("clock", kind.clock, lab.offers("clocks"))
    one_of("machine", kind.machine, lab.offers("machines"))
    if not re.fullmatch("([1-9][0-9]{2,6})?", kind.memory) or int(kind.memory or 1024) < 1024:
        refuse(f"there is no memory '{kind.memory}': leave it empty, or say how many MiB,"
               " 1024 at least")
    if int(kind.memory or 0) > free_mib():
        refuse(f"this machine has no more than {free_mib()} MiB free")
    return kind


class Task:
    """A scenario file, run once: "nvme" on the host's usual kernel, "nvme@6.12" on that one, where
    the names it tells about end likewise, as do those of a round, "bench-start@3". `absent` has
    those it does not tell about on this architecture, each with the reason."""

    def __init__(self, lab, file, kernel="", part=""):
        self.text = file.read_text(encoding="utf-8")
        suffix = f"@{kernel or part}" if kernel or part else ""
        self.name = file.stem + suffix
        # Where the usual machine does what a newer one is asked for, there is no other.
        machine = lab.machine or self.header("host-machine")
        self.kind = Kind(kernel or self.header("host-kernel"), self.header("host-devices"),
                         self.header("host-memory"), self.header("host-clock"),
                         machine if machine in lab.offers("machines") else "")
        self.seconds = int(self.header("seconds") or 0)
        self.deadline = int(self.header("deadline") or 240)  # as l1/main has it
        # Kernels on which it shows something new, each with what that is; on the others it repeats.
        self.new_on = dict(line.split(": ", 1) for key in ("new-on", f"new-on-{lab.arch}")
                           for line in self.headers(key))
        self.also_on = [other for key in ("also-on", f"also-on-{lab.arch}")
                        for other in self.header(key).split() if other not in self.new_on]
        self.repeats = kernel != "" and kernel not in self.new_on
        self.only_with_all = (self.repeats
                              or "all" in (self.header("tier"), self.header(f"tier-{lab.arch}"))
                              or self.kind.devices in lab.offers("devices_all"))
        self.guest_kernels = [kernel for kernel in self.header("guest-kernels").split()
                              if kernel in lab.offers("guest_kernels")]
        self.symbols = self.header("symbols") != ""
        self.selftests = self.header("selftests") != ""
        self.servers = self.header("servers") != ""
        self.root = self.header("root") != ""
        self.tiny = self.header("guests") == "tiny"
        self.walls = self.header("program") == "walls"
        self.user_server = self.header("program") == "user-server"
        reasons = {}
        for line in self.headers(f"not-on-{lab.arch}"):
            names, _, reason = line.partition(": ")
            reasons.update(dict.fromkeys(names.split(), reason))
        everything = self.why_absent(lab)
        declared = [name for line in self.headers("scenarios") for name in line.split()]
        absent = {name: everything or reasons.get(name) for name in declared}
        self.names = [name + suffix for name in declared if not absent[name]]
        self.absent = {name + suffix: why for name, why in absent.items() if why}
        # A task goes back to its queue once because its host hung, once because its guests did,
        # once because a row failed.
        self.host_hung = self.guests_hung = self.failed = False

    def headers(self, key):
        """What the file's lines "# KEY: ..." say."""
        return re.findall(rf"^# {re.escape(key)}: (.*)$", self.text, re.MULTILINE)

    def header(self, key):
        """What the first of them says."""
        return next(iter(self.headers(key)), "")

    def why_absent(self, lab):
        """Why nothing of the file runs: it says so itself, or there is no such host."""
        said = self.header(f"not-on: {lab.arch}")
        if said:
            return said
        for value, values, what in ((self.kind.kernel, "kernels", "kernel {}"),
                                    (self.kind.devices, "devices", "{} devices"),
                                    (self.kind.clock, "clocks", "an {} clock")):
            if value not in ["", *lab.offers(values)]:
                return f"there is no host with {what.format(value)}"
        return ""

    def enqueue(self, share):
        """Hands the task to hosts: a file that holds its names. Its own name says how many seconds
        the task lacks to 999, so that the longest comes first."""
        queue = share / "queue" / str(self.kind)
        queue.mkdir(parents=True, exist_ok=True)
        (queue / self.entry()).write_text("".join(f"{name}\n" for name in self.names))

    def entry(self):
        """The name of its file in a queue."""
        return f"{999 - self.seconds:03}-{self.name}"


def queued_seconds(share, kind):
    """What the tasks left in a queue will take, about."""
    queue = share / "queue" / str(kind)
    return sum(999 - int(entry.name.split("-")[0]) for entry in queue.glob("*-*"))


def join_hosts(tasks):
    """Has tasks that ask for the usual devices go to a host with more of them, where other tasks
    ask for one that is the same otherwise: that is one host less to start."""
    richer = {task.kind._replace(devices=""): task.kind for task in tasks
              if task.names and task.kind.devices in JOINED}
    for task in tasks:
        task.kind = richer.get(task.kind, task.kind)
    return tasks


def select(lab):
    """The tasks that --only asks for by their own names or the names they tell about. Without it
    all, or all but those that take long or repeat on a newer host what they show on the usual
    one."""
    if lab.alone:
        file = lab.here / f"{lab.alone}.sh"
        if not file.exists():
            die(f"no scenario {lab.alone}")
        return [Task(lab, file, part=part) for part in lab.rounds or [""]]
    tasks = []
    for file in sorted((lab.here / "scenarios").glob("*.sh")):
        usual = Task(lab, file)
        tasks += [usual, *(Task(lab, file, kernel) for kernel in [*usual.new_on, *usual.also_on])]
    known = {task.name: {task.name, *task.names, *task.absent} for task in tasks}
    for name in sorted(lab.only - set().union(*known.values())):
        die(f"no scenario {name}; --list prints their names")
    if lab.only:
        return join_hosts([task for task in tasks if lab.only & known[task.name]])
    return join_hosts([task for task in tasks if lab.everything or not task.only_with_all])
