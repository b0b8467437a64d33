# SPDX-License-Identifier: BSD-3-Clause
"""Medians with their spread, and ratios pair by pair."""

import statistics

from figures.measures import MEASURES


def spread(values):
    """Of at least one number: median, quartiles, least and greatest."""
    low, _, high = (statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1
                    else values * 3)
    return {"median": statistics.median(values), "low": low, "high": high, "min": min(values),
            "max": max(values), "count": len(values)}


def ratios(ours, theirs):
    """The spread of each round's ratio: both lists are in the order of rounds."""
    return spread([our / their for our, their in zip(ours, theirs, strict=True)])


class Series:
    """The starts that count."""

    def __init__(self, starts, monitors, sizes):
        self.starts, self.monitors, self.sizes = starts, monitors, sizes
        self.rounds = sorted({number for number, *_ in starts if number})

    def values(self, monitor, mib, key):
        return [self.starts[number, monitor, mib].measures[key] for number in self.rounds]

    def figures(self):
        """Each measure of each monitor with each size."""
        return [{"monitor": monitor, "mib": mib, "measure": measure.key, "unit": measure.unit,
                 **spread(self.values(monitor, mib, measure.key))}
                for mib in self.sizes for monitor in self.monitors for measure in MEASURES]

    def against_rivals(self):
        """The first monitor against each of the others, in the same round."""
        first, *rivals = self.monitors
        return [{"monitor": first, "against": rival, "mib": mib, "measure": measure.key,
                 **ratios(self.values(first, mib, measure.key),
                          self.values(rival, mib, measure.key))}
                for mib in self.sizes for rival in rivals for measure in MEASURES]

    def against_smallest(self):
        """Each monitor with more memory against itself with least."""
        least, *more = self.sizes
        return [{"monitor": monitor, "mib": mib, "against_mib": least, "measure": measure.key,
                 **ratios(self.values(monitor, mib, measure.key),
                          self.values(monitor, least, measure.key))}
                for mib in more for monitor in self.monitors for measure in MEASURES]

    def mappings(self):
        """The median of what each mapping has resident, with the least of the sizes."""
        told = {}
        for monitor in self.monitors:
            starts = [self.starts[number, monitor, self.sizes[0]] for number in self.rounds]
            names = {name for start in starts for name in start.mappings}
            medians = {name: statistics.median(start.mappings[name] for start in starts)
                       for name in names}
            told[monitor] = {name: medians[name] for name in
                             sorted(names, key=lambda name: (-medians[name], name))
                             if medians[name]}
        return told

    def events(self):
        """KVM's events of the round that does not count, with the least of the sizes; none where
        that round was lost."""
        starts = {monitor: self.starts.get((0, monitor, self.sizes[0]))
                  for monitor in self.monitors}
        return {monitor: {event: dict(counts.most_common()) for event, counts in
                          sorted(start.events.items())} if start else {}
                for monitor, start in starts.items()}
