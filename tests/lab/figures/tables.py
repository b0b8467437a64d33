# SPDX-License-Identifier: BSD-3-Clause
"""A run for a person: tables of figures and ratios; what is in memory, and what exits are for."""

from figures.measures import MEASURES
from figures.records import short

SHOWN = 8  # lines of a list whose rest is summed up
LABEL, COLUMN = 30, 23

# What KVM calls the reasons to leave for the monitor (linux/kvm.h).
TO_MONITOR = {"2": "port", "4": "debugger", "5": "halt", "6": "memory", "8": "shutdown",
              "10": "signal", "24": "system event"}
EVENTS = {"kvm_userspace_exit": "exits to the monitor, by reason",
          "kvm_exit": "exits to KVM, by the processor's code",
          "kvm_pio": "port accesses, by port", "kvm_mmio": "memory accesses, by address"}


def number(value, digits):
    return f"{value:,.{digits}f}"


def cell(figure, digits):
    return (f"{number(figure['median'], digits)}"
            f" ({number(figure['low'], digits)}-{number(figure['high'], digits)})")


def row(label, cells):
    return f"{label:<{LABEL}}" + "".join(f"{text:>{COLUMN}}" for text in cells)


def find(figures, **wanted):
    """The one that has these values."""
    return next(figure for figure in figures
                if all(figure.get(key) == value for key, value in wanted.items()))


def figure_table(run, mib):
    yield row(f"guest of {mib} MiB", run["monitors"])
    for measure in MEASURES:
        label = measure.name + (f", {measure.unit}" if measure.unit else "")
        yield row(label, [cell(find(run["figures"], monitor=monitor, mib=mib, measure=measure.key),
                               measure.digits) for monitor in run["monitors"]])
    if mib == run["sizes"][0]:
        yield row("exits to monitor (one start)",
                  [number(sum(run["events"][monitor]["kvm_userspace_exit"].values()), 0)
                   for monitor in run["monitors"]])


def ratio_table(run, mib):
    """The columns stand below those of the rivals' figures."""
    first, *rivals = run["monitors"]
    yield row(f"{first} against, pair by pair", ["", *rivals])
    for measure in MEASURES:
        yield row(measure.name, ["", *(cell(find(run["ratios"], against=rival, mib=mib,
                                                 measure=measure.key), 2) for rival in rivals)])


def size_table(run):
    least, *more = run["sizes"]
    for mib in more:
        yield row(f"{mib} against {least} MiB, by pairs", run["monitors"])
        for measure in MEASURES:
            yield row(measure.name, [cell(find(run["ratios_of_sizes"], monitor=monitor, mib=mib,
                                               measure=measure.key), 2)
                                     for monitor in run["monitors"]])
        yield ""


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


def table(run):
    """The lines."""
    commits = ", ".join(f"{name} {short(number)}" for name, number in run["commits"].items())
    where = run["machine"]
    yield (f"{commits}; {run['rounds']} starts each, {run['date']}; a software host"
           f" ({where['lab']}) on {where['cores']} cores of {where['processor'] or 'unknown'}")
    yield "Medians, with quartiles in brackets."
    for start in run["starts"]:
        if start["again"]:
            yield (f"{start['monitor']} with {start['mib']} MiB was started twice in round"
                   f" {start['round']}, as the first guest did not come to its end.")
    for mib in run["sizes"]:
        yield ""
        yield from figure_table(run, mib)
        yield ""
        yield from ratio_table(run, mib)
    yield ""
    yield from size_table(run)
    yield f"Of a guest of {run['sizes'][0]} MiB up to its /init (exits: of one start)."
    for monitor in run["monitors"]:
        yield ""
        yield from monitor_lists(run, monitor)
