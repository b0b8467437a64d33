# SPDX-License-Identifier: BSD-3-Clause
"""A run as it is kept under build/bench: what was measured, of which commit, when, on what."""

import datetime
import json
import os
import platform
import re
import subprocess

from figures.aims import judge


def git(top, *words):
    """What git says, or nothing where there is no repository."""
    said = subprocess.run(["git", "-C", top, *words], capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""


def commit(top):
    """The commit's number; "+" follows where files differ from it."""
    name = git(top, "rev-parse", "HEAD")
    return name + ("+" if name and git(top, "status", "--porcelain") else "") or "unknown"


def short(name):
    """A commit's number as a person writes it."""
    return re.sub(r"^([0-9a-f]{9})[0-9a-f]+", r"\1", name)


def first_value(file, key):
    """What a file of lines "KEY: VALUE" says of a key first."""
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            return next((line.split(":", 1)[1].strip() for line in lines
                         if line.split(":")[0].strip() == key), "")
    except OSError:
        return ""


def machine(arch):
    """What the figures were measured on: a host of software, and the machine that plays it."""
    return {"lab": arch, "name": platform.node(), "architecture": platform.machine(),
            "processor": first_value("/proc/cpuinfo", "model name"),
            "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "memory": first_value("/proc/meminfo", "MemTotal")}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stem(date, arch, commits):
    """What a run's files are called, by the millisecond."""
    return "-".join([f"{date:%Y%m%dT%H%M%S.%f}"[:-3], arch, *map(short, commits.values())])


def record(rounds, arch, commits, date):
    """All of a run, of rounds that are there. `commits` are those of the monitors built from this
    repository, by name."""
    series, trials = rounds.series, rounds.trials
    run = {"date": date.isoformat(timespec="seconds"), "commits": commits, "machine": machine(arch),
           "monitors": list(series.monitors), "sizes": list(series.sizes),
           "rounds": len(series.rounds), **rounds.data(), "figures": series.figures(),
           "ratios": series.against_rivals(), "ratios_of_sizes": series.against_smallest(),
           "trials": trials.figures(), "trial_ratios": trials.against(),
           "mappings": series.mappings(), "events": series.events(),
           "starts": [start.data() for _, start in sorted(series.starts.items())
                      if start.number]}
    return {**run, "aims": judge(run)}


def keep(file, run):
    """Writes it to a file of its own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    new.rename(file)
