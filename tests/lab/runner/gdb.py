# SPDX-License-Identifier: BSD-3-Clause
"""gdb sessions: gdb runs on this machine, where it is fast, and reaches the monitor in a host
through a port of the host's machine. A session never holds the runner up."""

import contextlib
import os
import signal
import subprocess
import time

SILENCE = 180  # seconds in which gdb may print nothing

# Commands of a session's own (l1/gdb.sh), and nothing that would wait for a person.
PROLOGUE = """\
set pagination off
set confirm off
set width 0
set style enabled off
set remotetimeout {timeout}
define symbols
file {symbols}
end
define symbols-at
file {symbols}
set $offset = $arg0 - (unsigned long)&_stext
symbol-file -o $offset {symbols}
end
define connect
target remote ./{host}.gdb
end
"""


class Sessions:
    """Those of one host, one at a time. A scenario asks by a file NAME.commands, sees what gdb
    prints in NAME.out, finds all of it in NAME.answer at the end, presses Ctrl-C by a file
    NAME.interrupt, and gives up by NAME.end."""

    def __init__(self, lab, host, clock=time.monotonic):
        self.lab, self.host, self.clock = lab, host, clock
        self.folder = lab.share / host / "gdb"
        self.process = self.name = None
        self.printed = 0  # bytes, when that was looked at last
        self.limit = 0  # when it is given up, unless it prints more

    def file(self, suffix):
        return self.folder / f"{self.name}.{suffix}"

    def serve(self):
        if self.process:
            self.follow()
        for commands in self.folder.glob("*.commands"):
            self.start(commands)

    def start(self, commands):
        """A session that is still going is given up."""
        self.end()
        self.name = commands.stem
        symbols = self.lab.images / "symbols"
        self.file("prologue").write_text(PROLOGUE.format(
            timeout=60 * self.lab.slow, symbols=symbols / "vmlinux-cloud", host=self.host))
        try:
            commands.rename(self.file("script"))
        except FileNotFoundError:  # its scenario has begun anew
            return
        command = [self.lab.values["lab_gdb"], "-nx", "-batch",
                   "-iex", f"set index-cache directory {symbols}/index",
                   "-iex", "set index-cache enabled on",
                   "-x", self.file("prologue"), "-x", self.file("script")]
        self.printed, self.limit = 0, self.clock() + SILENCE * self.lab.slow
        with open(self.file("out"), "w", encoding="utf-8") as out:
            try:
                self.process = subprocess.Popen(command, cwd=self.lab.runs, stdout=out, stderr=out,
                                                stdin=subprocess.DEVNULL)
                return
            except OSError as error:
                out.write(f"{error}\n")
        self.tell()

    def tell(self):
        with contextlib.suppress(FileNotFoundError):  # nobody wants to know
            self.file("out").rename(self.file("answer"))

    def overdue(self):
        """A session may take as long as it likes, while it gets on."""
        try:
            printed = os.stat(self.file("out")).st_size
        except FileNotFoundError:  # its scenario has begun anew
            return False
        if printed != self.printed:
            self.printed, self.limit = printed, self.clock() + SILENCE * self.lab.slow
        return self.clock() > self.limit

    def follow(self):
        if not self.file("script").exists():  # its scenario has begun anew, or is no more
            self.end()
            return
        if self.process.poll() is not None:
            self.tell()
            self.process = None
            return
        if self.file("interrupt").exists():
            self.file("interrupt").unlink(missing_ok=True)
            self.process.send_signal(signal.SIGINT)
        if self.file("end").exists() or self.overdue():
            with open(self.file("out"), "a", encoding="utf-8") as out:
                out.write("the session was given up\n")
            self.process.kill()
            self.process.wait()

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
