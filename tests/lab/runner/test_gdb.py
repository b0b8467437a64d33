# SPDX-License-Identifier: BSD-3-Clause
"""The life of a gdb session, with scripts of shell in gdb's place; what a scenario says of it."""

import os
import signal
import subprocess
import tempfile
import time
import unittest

from runner.fake_lab import HERE, LabTest
from runner.gdb import SILENCE, Sessions


class Session(LabTest):
    def setUp(self):
        super().setUp()
        self.settings = self.lab()
        self.folder = self.settings.share / "host0/gdb"
        self.folder.mkdir(parents=True)
        self.sessions = Sessions(self.settings, "host0", self.clock)
        self.addCleanup(self.sessions.end)
        # Who has it ignored, as in the background, has its children ignore it too.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)

    def start(self, script, name="first"):
        """gdb is a shell that does the script with gdb's commands as its arguments."""
        gdb = self.settings.top / "gdb"
        gdb.write_text(f"#!/bin/sh\n{script}\n")
        gdb.chmod(0o755)
        self.settings.values["lab_gdb"] = str(gdb)
        (self.folder / f"{name}.commands").write_text("connect\n")
        self.sessions.serve()

    def file(self, name):
        """Its text, once it is there."""
        end = time.monotonic() + 20
        while not (self.folder / name).exists() and time.monotonic() < end:
            self.sessions.serve()
            time.sleep(0.01)
        return (self.folder / name).read_text()

    def see(self, text):
        end = time.monotonic() + 20
        while text not in (self.folder / "first.out").read_text() and time.monotonic() < end:
            time.sleep(0.01)

    def test_ends_by_itself(self):
        self.start('for last; do :; done; cat "$last"; echo bad >&2')
        self.assertEqual(self.file("first.answer"), "connect\nbad\n")
        self.assertFalse((self.folder / "first.out").exists())
        prologue = (self.folder / "first.prologue").read_text()
        self.assertIn("target remote ./host0.gdb\n", prologue)
        self.assertIn("set $offset = $arg0 - (unsigned long)&_stext\n", prologue)

    def test_interrupt(self):
        self.start("trap 'echo interrupted; exit' INT; echo up; while :; do sleep 0.01; done")
        self.see("up")
        (self.folder / "first.interrupt").write_text("")
        self.assertEqual(self.file("first.answer"), "up\ninterrupted\n")
        self.assertFalse((self.folder / "first.interrupt").exists())

    def test_given_up_by_the_scenario(self):
        self.start("echo up; exec sleep 100")
        self.see("up")
        (self.folder / "first.end").write_text("")
        self.assertEqual(self.file("first.answer"), "up\nthe session was given up\n")

    def later(self, seconds):
        """Whether it goes on then."""
        self.clock.now += seconds * self.settings.slow
        self.sessions.serve()
        return self.sessions.process.poll() is None

    def test_given_up_by_its_deadline(self):
        self.start("echo up; exec sleep 100")
        self.see("up")
        self.assertTrue(self.later(SILENCE - 1))
        self.clock.now += 2 * SILENCE * self.settings.slow
        self.assertEqual(self.file("first.answer"), "up\nthe session was given up\n")

    def test_what_it_prints_gives_it_more_time(self):
        more = self.settings.top / "more"
        os.mkfifo(more)
        self.start(f"echo up; cat {more}; exec sleep 100")
        self.see("up")
        self.assertTrue(self.later(SILENCE - 1))
        more.write_text("breakpoint\n")
        self.see("breakpoint")
        self.assertTrue(self.later(SILENCE - 1))
        self.assertTrue(self.later(SILENCE - 1))
        self.clock.now += 2 * SILENCE * self.settings.slow
        self.assertEqual(self.file("first.answer"),
                         "up\nbreakpoint\nthe session was given up\n")

    def test_another_takes_its_place(self):
        self.start("echo up; exec sleep 100")
        self.see("up")
        process = self.sessions.process
        self.start("echo second", "second")
        self.assertEqual(process.poll(), -9)
        self.assertEqual(self.file("second.answer"), "second\n")

    def test_scenario_that_begins_anew(self):
        self.start("echo up; exec sleep 100")
        self.see("up")
        process = self.sessions.process
        for file in self.folder.glob("first.*"):
            file.unlink()
        self.sessions.serve()
        self.assertEqual(process.poll(), -9)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_no_gdb(self):
        self.settings.values["lab_gdb"] = "/nowhere/gdb"
        (self.folder / "first.commands").write_text("connect\n")
        self.sessions.serve()
        self.assertIn("No such file", self.file("first.answer"))


class Words(unittest.TestCase):
    """What l1/gdb.sh has a row say that failed."""

    def check(self, output, *arguments):
        with tempfile.NamedTemporaryFile("w", suffix=".output") as file:
            file.write(output)
            file.flush()
            script = (f"gdb_output={file.name}; . {HERE}/l1/gdb.sh; ok() {{ echo ok; }};"
                      ' fail() { echo "$2"; }; gdb_check row "$@"')
            return subprocess.run(["sh", "-c", script, "sh", *arguments], check=True,
                                  env={**os.environ, "work": "", "out": ""},
                                  capture_output=True, text=True).stdout

    def test_it_stands(self):
        said = "break:\nBreakpoint 1\nfinish:\nin caller\nValue returned is 1\n"
        self.assertEqual(self.check(said, "finish", "in caller$", "= 1$|is 1$"), "ok\n")

    def test_the_error_that_ended_the_session(self):
        said = ("finish:\n[Inferior 1 exited normally]\nhits:\nBreakpoint 2 at 0xff\n"
                "start.script:48: Error in sourced command file:\n"
                "The program is not\033 being run.\n\n")
        self.assertEqual(
            self.check(said, "finish", "in caller"),
            "gdb printed no 'in caller' in its place after 'finish:', where its last words are"
            " '[Inferior 1 exited normally]'; those of the session are 'start.script:48: Error in"
            " sourced command file: The program is not being run.'\n")

    def test_nothing_in_its_place(self):
        self.assertIn("after 'detach:', where its last words are ''; those of the session are"
                      " 'steps: rip 0x1'", self.check("steps:\nrip 0x1\n", "detach", "detached"))
