# SPDX-License-Identifier: BSD-3-Clause
"""Results: what is told of each name is printed, counted and written down."""

import contextlib
import sys
import time
from collections import Counter

WANTED = "wanted complaint: "
ORDINALS = {2: "second", 3: "third"}


class Results:
    """Of one run. On a terminal, a last line says what is under way; each line that is printed
    takes its place."""

    def __init__(self, lab, tasks):
        self.lab, self.tasks = lab, tasks
        self.task_of = {name: task.name for task in tasks for name in task.names}
        self.began = time.monotonic()
        self.told = {}
        self.tries = {}  # of a name: the number of the one it is at, and why there was another
        self.runs, self.again = Counter(), Counter()  # of a name or kind of host, over all runs
        self.file = lab.logs / "results"
        self.file.write_text("")
        self.clear = "\r\033[K" if sys.stdout.isatty() else ""

    def say(self, text, **where):
        print(f"{self.clear}{text}", flush=True, **where)

    def warn(self, text):
        self.say(text, file=sys.stderr)

    def row(self, word, name, text):
        self.say(f"{f'{word:<4} {name}':<33} {text}")

    def note(self, text):
        if self.lab.verbose:
            self.say(f"     {text}")

    def progress(self, hosts):
        if self.clear:
            words = " ".join(host.task or f"starting {host.name}" for host in hosts)
            print(f"{self.clear}     {int(time.monotonic() - self.began):3} s  {words}", end="",
                  flush=True)

    def write(self, kind, name, time_taken, reason):
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(f"{kind} {name} {time_taken} {reason}\n")

    def log_of(self, name):
        return self.lab.logs / f"{self.task_of.get(name, name)}.log"

    def tell(self, kind, name, centiseconds=0, reason=""):
        """Once: a host that hung afterwards may have told it already."""
        if name in self.told or kind not in ("ok", "fail", "skip"):
            return
        text = {"ok": f"{centiseconds // 100}.{centiseconds % 100 // 10} s", "skip": reason,
                "fail": f"{reason}, log {self.log_of(name)}"}[kind]
        self.row("FAIL" if kind == "fail" else kind, name, text)
        self.told[name] = kind
        self.write(kind, name, centiseconds, reason)

    def mention(self, word, name, reason):
        """What is not counted: "none", as it does not apply to this architecture, and "again"."""
        self.row(word, name, reason)
        self.write(word, name, 0, reason)

    def try_again(self, task, why):
        """Whatever a task has not told of yet it tells on its next try."""
        for name in task.names:
            if name not in self.told:
                self.tries[name] = self.tries.get(name, (1, ""))[0] + 1, why

    def fail_once(self, name, why):
        """It has a second try, after this."""
        self.tries.setdefault(name, (2, f"it failed: {why}"))

    def tell_kernel_log(self):
        """What the kernels of all the guests found wrong with the machines they were on. A scenario
        may have said in its log what its guest's is to complain about."""
        complaints = []
        for log in sorted(self.lab.logs.glob("*.log")):
            lines = log.read_text(errors="replace").split("\n")
            wanted = [line.removeprefix(WANTED) for line in lines if line.startswith(WANTED)]
            complaints += [f"{log}:{line}\n" for line in lines if line.startswith("LAB: complaint")
                           and not any(text in line for text in wanted)]
        (self.lab.logs / "kernel-log.log").write_text("".join(complaints))
        self.tell("fail" if complaints else "ok", "kernel-log", 0,
                  f"{len(complaints)} complaints of the guests' kernels" if complaints else "")

    def tell_tries(self, anew, broken=()):
        """What took more than a try to pass, the kinds of hosts that were started anew, and those
        of which one was not any more."""
        for name, (count, why) in sorted(self.tries.items()):
            if self.told.get(name) == "ok":
                number = ORDINALS.get(count, f"{count}th")
                self.mention("again", name,
                             f"{why}; it passed on its {number} try{self.over_all_runs(name)}")
        for kind, count in anew.items():
            self.mention("again", kind.host(), f"started anew {count} times, having hung"
                         f"{self.over_all_runs(kind.host())}")
        for kind in sorted(broken):
            self.mention("again", kind.host(), "did not come to its end, and was given up")

    def over_all_runs(self, name):
        """How often that was so, where it is counted."""
        return f" (in all runs {self.again[name]} of {self.runs[name]})" if self.runs[name] else ""

    def count_tries(self, begun, anew):
        """Adds this run to the list that all runs share: NAME RUNS SECOND-TRIES."""
        runs, again = self.runs, self.again
        if self.lab.tries.exists():
            for line in self.lab.tries.read_text().splitlines():
                with contextlib.suppress(ValueError):  # a line that another hand has damaged
                    name, *numbers = line.split()
                    runs[name], again[name] = map(int, numbers)
        for name, kind in self.told.items():
            if kind != "skip":
                runs[name] += 1
                again[name] += name in self.tries
        for kind, count in begun.items():
            runs[kind.host()] += count
            again[kind.host()] += anew[kind]
        self.lab.tries.parent.mkdir(parents=True, exist_ok=True)
        new = self.lab.tries.with_name(self.lab.tries.name + ".new")
        new.write_text("".join(f"{name} {runs[name]} {again[name]}\n" for name in sorted(runs)))
        new.rename(self.lab.tries)

    def count(self):
        """The last words; returns the run's status."""
        for name in (name for name, kind in self.told.items() if kind == "fail"):
            log = self.log_of(name)
            if log.exists():
                print(f"\n--- {name}: the end of {log}")
                print("\n".join(log.read_text(errors="replace").splitlines()[-25:]))
        count = Counter(self.told.values())
        print(f"{count['ok']} passed, {count['fail']} failed, {count['skip']} skipped")
        return 1 if count["fail"] else 0
