# SPDX-License-Identifier: BSD-3-Clause
"""What ferry is to reach, and whether a run did. An aim beside a rival that a run has not is none
of that run's."""

from typing import NamedTuple


def find(figures, **wanted):
    """The one that has these values, or None."""
    return next((figure for figure in figures
                 if all(figure.get(key) == value for key, value in wanted.items())), None)


def median(figures, **wanted):
    """The median of the one that has these values, or None."""
    figure = find(figures, **wanted)
    return figure and figure["median"]


def beside(rival):
    """The time to /init against the rival's."""
    return lambda run: median(run["ratios"], against=rival, mib=run["sizes"][0], measure="init")


def of_start(measure):
    """A figure of ferry's starts with the least memory."""
    return lambda run: median(run["figures"], monitor="ferry", mib=run["sizes"][0],
                              measure=measure)


def to_monitor(run):
    """The exits that reached ferry up to /init, where they were counted."""
    counted = run["events"]["ferry"].get("kvm_userspace_exit")
    return counted and sum(counted.values())


def of_sizes(run):
    """The time to /init with most memory against that with least."""
    return median(run["ratios_of_sizes"], monitor="ferry", mib=run["sizes"][-1], measure="init")


def of_trial(trial, measure, base):
    """A trial's figure against that of the base."""
    return lambda run: median(run["trial_ratios"], trial=trial, measure=measure, against=base)


class Aim(NamedTuple):
    name: str
    limit: float
    digits: int
    value: object  # of a run: the value, or None
    at_least: bool = False

    def met(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


AIMS = (
    Aim("exec to /init, of microvm's time", 0.80, 2, beside("microvm")),
    Aim("exec to /init, of q35's time", 0.50, 2, beside("q35")),
    Aim("exits to the monitor up to /init", 600, 0, to_monitor),
    Aim("resident beyond RAM, KiB", 900, 0, of_start("beyond")),
    Aim("exec to /init with 5 GiB, of the time with 256 MiB", 1.2, 2, of_sizes),
    Aim("exec to first instruction, of the time of KVM's own calls", 1.1, 2,
        of_trial("tiny", "entry", "kvm-bare")),
    Aim("NVMe reads one at a time, of the host's own driver's", 0.95, 2,
        of_trial("disk", "rate1", "host"), at_least=True),
    Aim("NVMe reads 32 at a time, of the host's own driver's", 0.95, 2,
        of_trial("disk", "rate32", "host"), at_least=True))


def judge(run):
    """Each aim that the run can tell about."""
    told = []
    for aim in AIMS:
        value = aim.value(run)
        if value is not None:
            told.append({"aim": aim.name, "limit": aim.limit, "at_least": aim.at_least,
                         "digits": aim.digits, "value": value, "met": aim.met(value)})
    return told
