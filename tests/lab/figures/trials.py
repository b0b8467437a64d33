# SPDX-License-Identifier: BSD-3-Clause
"""Trials, as the lab's host writes them down: lines ROUND WHO TRIAL MEASURE VALUE. A line that
comes again in a round is one more try; the tries of those compared took turns."""

from figures.measures import TRIALS
from figures.spread import ratios, spread
from figures.starts import Incomplete

KEYS = {trial.key: {measure.key for measure in trial.measures} for trial in TRIALS}


def divide(text):
    """What a host wrote down: of starts, and of trials."""
    parts = ([], [])
    for line in text.splitlines():
        parts[line.split()[2:3] in [[key] for key in KEYS]].append(f"{line}\n")
    return tuple("".join(part) for part in parts)


def parse(text):
    """The values by trial, measure and who, in the order of tries; round 0 does not count."""
    values = {}
    for line in text.splitlines():
        try:
            number, who, trial, measure, value = line.split()
            number, value = int(number), float(value)
            if measure not in KEYS[trial] or not 0 <= value < float("inf"):
                raise ValueError(measure)
        except (ValueError, KeyError) as error:
            raise Incomplete(f"the line '{line}' is no figure") from error
        if number:
            values.setdefault((trial, measure, who), []).append(value)
    return values


class Trials:
    """Trials, complete: of as many tries of everybody, one at least."""

    def __init__(self, values, monitors):
        self.values, self.monitors = values, monitors
        for trial in TRIALS:
            for measure in trial.measures:
                self.check(trial, measure)

    def check(self, trial, measure):
        counts = {who: len(self.values.get((trial.key, measure.key, who), []))
                  for who in trial.who(self.monitors, measure)}
        for who, count in counts.items():
            if count != max(1, *counts.values()):
                raise Incomplete(f"{trial.title}: {who}: {count} figures of '{measure.name}'"
                                 f" where {max(1, *counts.values())} should be")

    def each(self):
        """Every trial's measures, each with those that tell of it."""
        for trial in TRIALS:
            for measure in trial.measures:
                yield trial.key, measure, trial.who(self.monitors, measure)

    def figures(self):
        return [{"trial": trial, "who": one, "measure": measure.key, "unit": measure.unit,
                 **spread(self.values[trial, measure.key, one])}
                for trial, measure, who in self.each() for one in who]

    def against(self):
        """The first monitor against each of the others, try by try, where theirs is not 0."""
        return [{"trial": trial, "who": first, "against": other, "measure": measure.key,
                 **ratios(self.values[trial, measure.key, first],
                          self.values[trial, measure.key, other])}
                for trial, measure, (first, *others) in self.each() for other in others
                if min(self.values[trial, measure.key, other]) > 0]
