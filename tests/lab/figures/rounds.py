# SPDX-License-Identifier: BSD-3-Clause
"""The rounds of a run: what each wrote down, those that were lost or measured again, the hosts that
fell. A round counts when it is whole, whatever became of the others."""

import re

from figures import starts, trials
from figures.spread import Series

FILE = "@{}.figures.log"  # behind the scenario's name, as the lab's runner keeps a round


class Rounds:
    """Of a run that was to have `count` rounds that count, and round 0 before them; `counters` are
    those of exits for a port or memory."""

    def __init__(self, count, monitors, sizes, counters):
        self.count, self.monitors, self.sizes, self.counters = count, monitors, sizes, counters
        self.texts = {}  # what was written down, by round
        self.lost, self.again = {}, {}  # why, by round
        self.fell = 0  # hosts
        self.series = self.trials = None

    def numbers(self):
        return range(self.count + 1)

    def take(self, number, text):
        """Takes in what a round wrote down: all of it, or nothing."""
        try:
            of_starts, of_trials = trials.divide(text)
            starts.check(starts.parse(of_starts, self.counters), self.monitors, self.sizes, number)
            values = trials.parse(of_trials)
            if number:
                trials.Trials(values, self.monitors)
        except starts.Incomplete as error:
            self.lost[number] = str(error)
        else:
            self.texts[number] = text

    def tell(self, results):
        """Takes in what the lab's runner says of a run: lines KIND NAME TIME REASON."""
        for line in results.splitlines():
            kind, name, _, reason = (line.split(" ", 3) + [""] * 4)[:4]
            number = re.search("@([0-9]+)$", name)
            if number and kind in ("fail", "skip"):
                self.lost[int(number[1])] = reason
            elif number and kind == "again":
                self.again[int(number[1])] = reason
            elif kind == "again":  # a host
                times = re.match("started anew ([0-9]+) times", reason)
                self.fell += int(times[1]) if times else 1

    def gather(self, folder, name, results):
        """All that a run has left: the rounds in the folder, and what was said of them."""
        self.tell(results)
        for number in self.numbers():
            file = folder / f"{name}{FILE.format(number)}"
            if file.exists():
                self.lost.pop(number, None)  # its host may have fallen just behind it
                self.take(number, file.read_text())
            else:
                self.lost.setdefault(number, "nothing was heard of it")

    def join(self):
        """Makes one of all rounds that are whole; of those that count one has to be."""
        if not self.texts.keys() - {0}:
            raise starts.Incomplete(f"no round was measured: {self.lost[max(self.lost)]}")
        of_starts, of_trials = trials.divide("".join(self.texts.values()))
        self.series = Series(starts.parse(of_starts, self.counters), self.monitors, self.sizes)
        self.trials = trials.Trials(trials.parse(of_trials), self.monitors)

    def data(self):
        return {"asked": self.count, "fell": self.fell,
                "lost": [{"round": number, "why": why} for number, why in
                         sorted(self.lost.items())],
                "again": [{"round": number, "why": why} for number, why in
                          sorted(self.again.items())]}
