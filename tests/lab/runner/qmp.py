# SPDX-License-Identifier: BSD-3-Clause
"""The monitor of the machine that a host is: QEMU's, spoken to in QMP. Nothing is waited for."""

import contextlib
import json
import os
import time


class Monitor:
    """Commands as a person would type them travel over two pipes, BASE.in and BASE.out."""

    def __init__(self, base, patience, clock=time.monotonic):
        self.into, self.out = (os.open(f"{base}.{end}", os.O_RDWR | os.O_NONBLOCK)
                               for end in ("in", "out"))
        self.patience, self.clock = patience, clock
        self.rest = b""
        self.asked = 0
        self.waiting = {}  # number: who wants the answer, and until when
        self.send({"execute": "qmp_capabilities"})

    def send(self, message):
        try:
            os.write(self.into, json.dumps(message).encode() + b"\n")
        except BlockingIOError:
            pass  # a machine that hangs: there will be no answer

    def ask(self, command, answer):
        """Has the machine do it; answer(TEXT) is called with what it says."""
        self.asked += 1
        self.waiting[self.asked] = answer, self.clock() + self.patience
        self.send({"execute": "human-monitor-command", "id": self.asked,
                   "arguments": {"command-line": command}})

    def poll(self):
        """Takes what has come, and gives up what has not come in time."""
        try:
            while part := os.read(self.out, 65536):
                self.rest += part
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            self.hear(line)
        for number, (answer, end) in list(self.waiting.items()):
            if self.clock() > end:
                del self.waiting[number]
                answer("no answer from the machine's monitor")

    def hear(self, line):
        try:
            message = json.loads(line)
            answer, _ = self.waiting.pop(message["id"])
        except (ValueError, TypeError, KeyError):
            return  # the greeting, an event, or nothing that was asked for
        if "error" in message:
            answer(str(message["error"].get("desc", "an error without a word")))
        else:
            answer(str(message.get("return", "")).replace("\r", ""))

    def serve(self, folder):
        """A scenario asks by a file NAME.request, and finds what was said in NAME.answer."""
        for request in folder.glob("*.request"):
            with contextlib.suppress(FileNotFoundError):  # the scenario waited long enough
                command = request.read_text().strip()
                request.unlink()
                self.ask(command, lambda text, file=request: self.deliver(file, text))
        self.poll()

    @staticmethod
    def deliver(request, text):
        request.with_suffix(".new").write_text(text.rstrip("\n") + "\n")
        request.with_suffix(".new").rename(request.with_suffix(".answer"))

    def close(self):
        os.close(self.into)
        os.close(self.out)
