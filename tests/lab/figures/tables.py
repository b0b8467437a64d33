# SPDX-License-Identifier: BSD-3-Clause
"""A run for a person: tables of figures and ratios; what is in memory, and what exits are for."""

import textwrap
from typing import NamedTuple

from figures.aims import find
from figures.measures import MEASURES, TRIALS, UNPACKED
from figures.records import short

SHOWN = 8  # lines of a list whose rest is summed up

# What KVM calls the reasons to leave for the monitor (linux/kvm.h).
TO_MONITOR = {"2": "port", "4": "debugger", "5": "halt", "6": "memory", "8": "shutdown",
              "10": "signal", "24": "system event"}
EVENTS = {"kvm_userspace_exit": "exits to the monitor, by reason",
          "kvm_exit": "exits to KVM, by the processor's code",
          "kvm_pio": "port accesses, by port", "kvm_mmio": "memory accesses, by address"}


class Table(NamedTuple):
    """A title over the labels, a name for each column, rows of a label and cells."""

    title: str
    columns: list
    rows: list

    def text(self):
        """Its lines, for a terminal."""
        lines = [[self.title, *self.columns], *([label, *cells] for label, cells in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for label, *cells in lines:
            yield f"{label:<{widths[0]}}" + "".join(
                f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield ""

    def markdown(self):
        """Its lines, for a page."""
        yield f"| {' | '.join([self.title, *self.columns])} |"
        yield "|---" + "|---:" * len(self.columns) + "|"
        for label, cells in self.rows:
            yield f"| {' | '.join([label, *cells])} |"
        yield ""


def number(value, digits):
    return f"{value:,.{digits}f}"


def cell(figure, digits):
    return (f"{number(figure['median'], digits)}"
            f" ({number(figure['low'], digits)}-{number(figure['high'], digits)})")


def label_of(measure):
    return measure.name + (f", {measure.unit}" if measure.unit else "")


def figure_table(run, mib):
    rows = [(label_of(measure),
             [cell(find(run["figures"], monitor=monitor, mib=mib, measure=measure.key),
                   measure.digits) for monitor in run["monitors"]]) for measure in MEASURES]
    if mib == run["sizes"][0] and all(run["events"].values()):
        rows.append(("exits to the monitor (one start)",
                     [number(sum(run["events"][monitor]["kvm_userspace_exit"].values()), 0)
                      for monitor in run["monitors"]]))
    rows.append(("rounds that these are of", [str(run["rounds"]) for _ in run["monitors"]]))
    return Table(f"guest of {mib} MiB", run["monitors"], rows)


def ratio_table(run, mib):
    first, *rivals = run["monitors"]
    return Table(f"{first} against, pair by pair, {mib} MiB", rivals, [
        (measure.name, [cell(find(run["ratios"], against=rival, mib=mib, measure=measure.key), 2)
                        for rival in rivals]) for measure in MEASURES])


def size_table(run, mib):
    least = run["sizes"][0]
    return Table(f"{mib} against {least} MiB, by pairs", run["monitors"], [
        (measure.name, [cell(find(run["ratios_of_sizes"], monitor=monitor, mib=mib,
                                  measure=measure.key), 2) for monitor in run["monitors"]])
        for measure in MEASURES])


def trial_table(run, trial):
    """A trial's figures, and below each how the first compares with the others."""
    columns = trial.who(run["monitors"], trial.measures[0])

    def cells(figures, key, measure, digits):
        found = [find(figures, trial=trial.key, measure=measure, **{key: who}) for who in columns]
        return [cell(figure, digits) if figure else "" for figure in found]

    rows = []
    for measure in trial.measures:
        rows.append((label_of(measure), cells(run["trials"], "who", measure.key, measure.digits)))
        if len(columns) > 1:
            rows.append((f"  {columns[0]} against, pair by pair",
                         cells(run["trial_ratios"], "against", measure.key, 2)))
    tries = [find(run["trials"], trial=trial.key, who=who)["count"] for who in columns]
    rows.append((f"tries, in {run['rounds']} rounds", [str(count) for count in tries]))
    return Table(trial.title, columns, rows)


def aim_table(run):
    return Table("aim (medians)", ["wanted", "measured", ""], [
        (aim["aim"], [f"{'>=' if aim['at_least'] else '<='} {number(aim['limit'], aim['digits'])}",
                      number(aim["value"], aim["digits"]), "met" if aim["met"] else "missed"])
        for aim in run["aims"]])


def tables(run):
    """All of a run's."""
    for mib in run["sizes"]:
        yield figure_table(run, mib)
        yield ratio_table(run, mib)
    for mib in run["sizes"][1:]:
        yield size_table(run, mib)
    for trial in TRIALS:
        yield trial_table(run, trial)
    yield aim_table(run)


def counts(entries, width, name=str):
    """The greatest of them, and the rest in one line."""
    for key, value in entries[:SHOWN]:
        yield f"  {value:>{width},.0f}  {name(key)}"
    if entries[SHOWN:]:
        rest = sum(value for _, value in entries[SHOWN:])
        yield f"  {rest:>{width},.0f}  in {len(entries) - SHOWN} more"


def event_name(event, key):
    if event == "kvm_userspace_exit":
        return TO_MONITOR.get(key, f"reason {key}")
    return f"{int(key):#x}" if event != "kvm_mmio" else f"0x{key}"


def monitor_lists(run, monitor):
    yield f"{monitor}: resident beyond RAM by mapping, KiB"
    yield from counts(list(run["mappings"][monitor].items()), 8)
    for event, title in EVENTS.items():
        entries = list(run["events"][monitor].get(event, {}).items())
        if entries:
            yield f"{monitor}: {title} ({sum(value for _, value in entries):,})"
            yield from counts(entries, 8, lambda key, event=event: event_name(event, key))


def troubles(run):
    """What did not go as it should, in sentences."""
    if run["fell"]:
        yield f"Hosts of the lab that fell on the way: {run['fell']}."
    for kind, text in (("again", "was measured once more"), ("lost", "is lost")):
        for one in run[kind]:
            yield f"Round {one['round']} {text}: {one['why']}."


def heading(run):
    """What was measured when on what, in sentences."""
    commits = ", ".join(f"{name} {short(number)}" for name, number in run["commits"].items())
    where = run["machine"]
    yield (f"{commits}; {run['rounds']} of {run['asked']} rounds, {run['date']}; a software host"
           f" ({where['lab']}) on {where['cores']} cores of {where['processor'] or 'unknown'}")
    yield "Medians, with quartiles in brackets."
    if UNPACKED in run["monitors"]:
        yield (f"{UNPACKED} is ferry with the same kernel unpacked; all others have one that"
               " unpacks itself, as microvm with a device does not come up with the other.")
    yield from troubles(run)
    for start in run["starts"]:
        if start["again"]:
            yield (f"{start['monitor']} with {start['mib']} MiB was started twice in round"
                   f" {start['round']}, as the first guest did not come to its end.")
    yield ""


def lists(run):
    """What is in memory, and what exits are for, of each monitor."""
    yield f"Of a guest of {run['sizes'][0]} MiB up to its /init (exits: of one start)."
    for monitor in run["monitors"]:
        yield ""
        yield from monitor_lists(run, monitor)


def text(run):
    """The lines for a terminal; the aims stand last."""
    yield from heading(run)
    *figures, aims = tables(run)
    for table in figures:
        yield from table.text()
    yield from lists(run)
    yield ""
    yield from aims.text()


def markdown(run):
    """The lines for a page."""
    for sentence in filter(None, heading(run)):
        yield from [*textwrap.wrap(sentence, 100), ""]
    for table in tables(run):
        yield from table.markdown()
    yield "```"
    yield from lists(run)
    yield "```"
