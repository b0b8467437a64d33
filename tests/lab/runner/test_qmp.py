# SPDX-License-Identifier: BSD-3-Clause
"""A machine's monitor: answers in pieces, errors, events, none, a machine that takes nothing."""

import json
import os
import tempfile
import unittest
from pathlib import Path

from runner.fake_lab import Clock
from runner.qmp import Monitor


class Answers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for end in ("in", "out"):
            os.mkfifo(self.folder / f"host.{end}")
        self.clock = Clock()
        self.monitor = Monitor(self.folder / "host", 10, self.clock)
        self.addCleanup(self.monitor.close)
        self.machine = os.open(self.folder / "host.out", os.O_WRONLY)
        self.addCleanup(os.close, self.machine)
        self.answers = []

    def ask(self, command):
        self.monitor.ask(command, self.answers.append)

    def say(self, text):
        os.write(self.machine, text.encode())
        self.monitor.poll()
        return self.answers

    def asked(self):
        """What the machine has been told since last time."""
        return [json.loads(line) for line in os.read(self.monitor.into, 65536).splitlines()]

    def test_command(self):
        self.ask('device_add "a\\b"')
        capabilities, command = self.asked()
        self.assertEqual(capabilities, {"execute": "qmp_capabilities"})
        self.assertEqual(command["execute"], "human-monitor-command")
        self.assertEqual(command["arguments"], {"command-line": 'device_add "a\\b"'})

    def test_answer(self):
        self.ask("info pci")
        self.assertEqual(self.say('{"return": "one \\"two\\"\\r\\nthree\\r\\n", "id": 1}\r\n'),
                         ['one "two"\nthree\n'])

    def test_answer_in_pieces(self):
        self.ask("info pci")
        self.say('{"QMP": {"version": {}}}\r\n{"return": {}}\r\n{"retu')
        self.assertEqual(self.say('rn": "so", "id"'), [])
        self.assertEqual(self.say(': 1}'), [])
        self.assertEqual(self.say('\r\n'), ["so"])

    def test_answers_in_another_order(self):
        self.ask("a")
        self.ask("b")
        said = '{"id": 2, "return": "b"}\n{"id": 1, "return": "a"}\n'
        self.assertEqual(self.say(said), ["b", "a"])

    def test_error(self):
        self.ask("nonsense")
        said = '{"error": {"class": "GenericError", "desc": "no"}, "id": 1}\n'
        self.assertEqual(self.say(said), ["no"])

    def test_what_was_not_asked_for(self):
        self.ask("quit")
        for line in ('{"event": "RESET"}', "no json", "[1]", '{"return": "", "id": 7}',
                     '{"id": []}'):
            self.assertEqual(self.say(f"{line}\n"), [])

    def test_no_answer(self):
        self.ask("info pci")
        self.clock.now += 10
        self.assertEqual(self.say(""), [])
        self.clock.now += 1
        self.assertEqual(self.say(""), ["no answer from the machine's monitor"])
        self.assertEqual(len(self.say('{"return": "late", "id": 1}\n')), 1)

    def test_machine_that_takes_nothing(self):
        for _ in range(3000):
            self.ask("info registers" * 10)
        self.clock.now += 11
        self.assertEqual(len(self.say("")), 3000)

    def test_files(self):
        request = self.folder / "abc.request"
        request.write_text("info pci\n")
        self.monitor.serve(self.folder)
        self.assertFalse(request.exists())
        self.say('{"return": "so\\r\\n", "id": 1}\n')
        self.assertEqual((self.folder / "abc.answer").read_text(), "so\n")
