# SPDX-License-Identifier: BSD-3-Clause
"""Hosts are started, so many side by side as there are to be, and followed to their ends."""

import contextlib
import shutil
import time
from collections import Counter

from runner.hosts import Host
from runner.lab import LATE, free_mib
from runner.tasks import queued_seconds

STARTS = 6  # of one host, which hangs now and then
GIVEN_BACK = 3  # tasks whose guests stood still; where more do, it is no accident
FAILED_ONCE = 3  # and tasks that failed otherwise


class Run:
    """What is under way."""

    def __init__(self, lab, results, new_host=Host):
        self.lab, self.results, self.new_host = lab, results, new_host
        self.tasks = {task.name: task for task in results.tasks}
        self.kinds = sorted({task.kind for task in results.tasks})
        self.alive = []
        self.begun, self.anew = Counter(), Counter()  # of each kind
        self.broken = set()  # kinds of which there are no more
        self.held = {}  # failures of a task that went to another host, by name

    # --- which host comes next -------------------------------------------------------------------

    def next_kind(self):
        """The one with most to do for each of its hosts, those with a memory or a clock of their
        own last. A second host of a kind must be worth its start."""
        choice, best = None, (False, 0)
        for kind in self.kinds:
            left = queued_seconds(self.lab.share, kind)
            hosts = sum(host.kind == kind for host in self.alive)
            rank = not (kind.memory or kind.clock), left / (hosts + 1)
            if left > hosts * 30 and kind not in self.broken and rank > best:
                choice, best = kind, rank
        return choice

    def start_next(self):
        """False when there is nothing to start now."""
        kind = self.next_kind()
        if not kind:
            return False
        if kind.kernel in self.lab.absent:
            self.skip(kind, self.lab.absent[kind.kernel])
            return True
        needed = int(kind.memory or -512) + 512
        if free_mib() < needed:
            if self.alive:
                return False
            self.skip(kind, f"this machine has {free_mib()} MiB free, {needed} are needed")
            return True
        host = self.new_host(self.lab, kind.host(self.begun.total()), kind)
        self.begun[kind] += 1
        self.alive.append(host)
        host.start()
        return True

    def skip(self, kind, why):
        for task in self.tasks.values():
            if task.kind == kind:
                for name in task.names:
                    self.results.tell("skip", name, 0, why)
        shutil.rmtree(self.lab.share / "queue" / str(kind))

    # --- when there is no time left --------------------------------------------------------------

    def end_in_time(self):
        """No scenario is begun any more, and later none goes on. What was not told is skipped, but
        for what failed before or stood still."""
        if not self.lab.late():
            return
        why = "the time for the whole run was over"
        for task in self.tasks.values():
            self.leave_out(task, why)
        if self.lab.late(LATE * self.lab.slow):
            for host in self.alive:
                self.collect(host)
                host.ended = True  # it is not started anew
                host.kill()
                if host.task in self.tasks:
                    self.give_up(self.tasks[host.task], f"{why} before it ended")

    def leave_out(self, task, why):
        with contextlib.suppress(FileNotFoundError):  # a host has taken it
            (self.lab.share / "queue" / str(task.kind) / task.entry()).unlink()
            self.give_up(task, why)

    def give_up(self, task, why):
        for name in task.names:
            if name in self.held:
                self.results.tell("fail", name, *self.held[name])
            else:
                tried = name in self.results.tries
                self.results.tell("fail" if tried else "skip", name, 0,
                                  f"{why}; {self.results.tries[name][1]}" if tried else why)

    # --- what they report ------------------------------------------------------------------------

    def collect(self, host):
        for line in host.reports():
            kind, name, centiseconds, reason = (line.split(None, 3) + [""] * 4)[:4]
            centiseconds = int(centiseconds) if centiseconds.isdigit() else 0
            if kind in ("start", "end"):
                host.task, host.discards, host.ended = name, False, kind == "end"
                host.deadline = self.tasks[name].deadline if name in self.tasks else 0
            elif kind == "ready":
                self.results.note(f"{f'host {host.name} is up':<28} {centiseconds / 100:.1f} s")
            elif kind == "note":
                self.results.note(line[len("note "):])
            elif kind in ("again", "stuck") and name in self.tasks:
                self.stood_still(host, kind, self.tasks[name])
            elif kind == "fail" and (host.discards or self.fails_once(host, name)):
                self.held[name] = centiseconds, reason
                self.results.fail_once(name, reason)
            else:
                self.keep(host, kind, name)
                self.results.tell(kind, name, centiseconds, reason)

    def keep(self, host, kind, name):
        """What a round wrote down is there from now on, whatever becomes of its host."""
        if self.lab.keep and kind == "ok":
            shutil.copy(host.folder / "logs" / f"{name}.figures.log", self.lab.keep)

    def stood_still(self, host, kind, task):
        """Guests of a task did: the host tries it again, or has done so as often as it may. Then
        another one does, once."""
        hung = [other for other in self.tasks.values() if other.guests_hung]
        if kind == "stuck" and (task in hung or len(hung) == GIVEN_BACK):
            return
        log = self.lab.logs / f"{task.name}.hung.log"
        part = host.folder / "logs" / (log.name if kind == "again" else f"{task.name}.log")
        if part.exists():
            with open(log, "ab") as file:
                file.write(part.read_bytes())
            part.unlink()
        if kind == "stuck":
            task.guests_hung = host.discards = True
            self.give_back(task)
        where = ", by another host" if host.discards else ""
        self.results.warn(f"lab: a guest of {task.name} stood still until its deadline, or crashed;"
                          f" the scenario is run once more{where}: {log}")
        self.results.try_again(task, f"a guest stood still or crashed, see {log}")

    def fails_once(self, host, name):
        """A row failed: its task is run once more by whichever host is there when its turn comes,
        unless somebody looks at that row alone."""
        task = self.tasks.get(self.results.task_of.get(name))
        failed = [other for other in self.tasks.values() if other.failed]
        if not task or task.failed or task.guests_hung or len(failed) == FAILED_ONCE \
                or self.lab.only or self.lab.alone:
            return False
        task.failed = host.discards = True
        log = self.lab.logs / f"{task.name}.failed.log"
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(host.folder / "logs" / f"{task.name}.log", log)
        self.give_back(task)
        self.results.warn(f"lab: a row of {task.name} failed; the scenario is run once more: {log}")
        return True

    def give_back(self, task):
        taken = self.lab.share / "taken" / task.entry()
        taken.rename(self.lab.share / "queue" / str(task.kind) / task.entry())

    # --- those that hang -------------------------------------------------------------------------

    def restart(self, host):
        """A host of software hangs now and then, and its kernel panics: it is started anew. The
        task that it was at goes back to the queue, once."""
        if host.ended or host.starts == STARTS:
            return False
        why = host.why_ended()
        self.results.warn(f"lab: host {host.name} hung at {host.task or 'its start'}: {why};"
                          " it is started anew")
        log = self.lab.logs / f"{host.name}.console.{host.starts}.log"
        for file in (host.console, host.registers):
            if file.exists():
                shutil.copy(file, file.with_suffix(f".{host.starts}.log"))
                file.unlink()
        self.anew[host.kind] += 1
        task = self.tasks.get(host.task)
        # One whose guests hung has gone back to its queue already.
        if task and not task.host_hung and not host.discards:
            task.host_hung = True
            self.results.try_again(task, f"its host hung: {why}, see {log}")
            self.give_back(task)
        host.start()
        return True

    def close(self, host):
        """What is left to say of a host that is no more."""
        for log in (host.folder / "logs").glob("*.log"):
            shutil.copy(log, self.lab.logs)
        host.end()
        host.remove_files()
        if not host.ended:
            self.broken.add(host.kind)
            self.results.warn(f"lab: host {host.name} did not come to its end; its console,"
                              f" {host.console}:")
            for line in host.tail():
                self.results.warn(line)

    def step(self):
        for host in list(self.alive):
            alive = host.alive()
            self.collect(host)
            host.serve()
            overdue = alive and host.why_overdue()
            if overdue:
                host.give_up(overdue)
            elif not alive and not self.restart(host):
                self.close(host)
                self.alive.remove(host)

    def follow(self):
        for task in self.tasks.values():
            if task.root and "root" in self.lab.absent:
                self.leave_out(task, self.lab.absent["root"])
        try:
            while True:
                self.end_in_time()
                room = self.lab.room()
                while len(self.alive) < room and self.start_next():
                    pass
                if room and not self.alive:
                    break
                self.step()
                self.results.progress(self.alive)
                time.sleep(0.2)
        finally:
            for host in self.alive:
                host.end()
        print(self.results.clear, end="", flush=True)

    def tell_unheard(self):
        for name in self.results.task_of:
            _, why = self.results.tries.get(name, (1, ""))
            unheard = 0, "nothing was heard of it" + (f"; {why}" if why else "")
            self.results.tell("fail", name, *self.held.get(name, unheard))
