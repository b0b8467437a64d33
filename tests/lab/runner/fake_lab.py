# SPDX-License-Identifier: BSD-3-Clause
"""A lab in a temporary folder, for the unit tests: scenarios that are heads alone, hosts whose
machines are played by the test, and a clock that it sets."""

import contextlib
import io
import shutil
import tempfile
import unittest
from pathlib import Path

from runner.follow import Run
from runner.hosts import Host
from runner.lab import Lab
from runner.results import Results
from runner.tasks import select

HERE = Path(__file__).resolve().parent.parent


class Clock:
    def __init__(self):
        self.now = 1000

    def __call__(self):
        return self.now


class Process:
    """A machine: it runs until it is killed or the test ends it."""

    pid = 0

    def __init__(self):
        self.status = None

    def poll(self):
        return self.status

    def kill(self):
        if self.status is None:
            self.status = -9

    def wait(self):
        return self.status


class FakeHost(Host):
    """A host without QEMU. The test says what it reports."""

    clock_of_all = None

    def __init__(self, lab, name, kind):
        super().__init__(lab, name, kind, self.clock_of_all)

    def start_machine(self):
        self.process = Process()

    def say(self, *lines):
        with open(self.folder / "results", "a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def take(self, task):
        """As l1/main does."""
        entry = task.entry()
        (self.lab.share / "queue" / str(task.kind) / entry).rename(self.lab.share / "taken" / entry)
        self.say(f"start {task.name} 0")


class LabTest(unittest.TestCase):
    """A test with such a lab."""

    arch = "x86_64"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = Path(folder.name) / "tests/lab"
        (self.here / "scenarios").mkdir(parents=True)
        shutil.copytree(HERE / "arch", self.here / "arch")
        self.clock = Clock()
        self.said = io.StringIO()
        for redirect in (contextlib.redirect_stdout, contextlib.redirect_stderr):
            self.enterContext(redirect(self.said))

    def scenario(self, name, *heads):
        text = "".join(f"# {head}\n" for head in heads)
        (self.here / f"scenarios/{name}.sh").write_text(text)

    def lab(self, **options):
        lab = Lab(self.here, arch=self.arch, **options)
        for folder in (lab.logs, lab.images, lab.share / "taken"):
            folder.mkdir(parents=True, exist_ok=True)
        (lab.images / "disk").write_text("")
        return lab

    def run_of(self, **options):
        """A run whose tasks are all in their queues."""
        lab = self.lab(**options)
        tasks = select(lab)
        for task in tasks:
            task.enqueue(lab.share)
        FakeHost.clock_of_all = self.clock
        run = Run(lab, Results(lab, tasks), FakeHost)
        self.addCleanup(lambda: [host.end() for host in run.alive])
        return run

    def refused(self, call, *arguments):
        """What is said by a call that ends the run."""
        with self.assertRaises(SystemExit) as ended:
            call(*arguments)
        self.assertEqual(ended.exception.code, 2)
        return self.said.getvalue()
