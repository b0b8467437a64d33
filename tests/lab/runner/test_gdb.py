# SPDX-License-Identifier: BSD-3-Clause
"""The life of a gdb session, with scripts of shell in gdb's place."""

import time

from runner.fake_lab import LabTest
from runner.gdb import Sessions


class Session(LabTest):
    def setUp(self):
        super().setUp()
        self.settings = self.lab()
        self.folder = self.settings.share / "host0/gdb"
        self.folder.mkdir(parents=True)
        self.sessions = Sessions(self.settings, "host0", self.clock)
        self.addCleanup(self.sessions.end)

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

    def test_given_up_by_its_deadline(self):
        self.start("echo up; exec sleep 100")
        self.see("up")
        self.clock.now += 180 * self.settings.slow + 1
        self.assertIn("the session was given up\n", self.file("first.answer"))

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
