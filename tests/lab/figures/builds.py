# SPDX-License-Identifier: BSD-3-Clause
"""The monitors that are measured: of this tree, and of another commit, in a work tree of its own
under build/."""

import os
import subprocess

from figures.records import git


class NoBuild(Exception):
    """It cannot be had."""


def make(lab, tree):
    """The monitor of a work tree, brought up to date."""
    words = ["make", "-s", f"-j{len(os.sched_getaffinity(0))}", "-C", tree, f"ARCH={lab.arch}",
             "all"]
    # What a make hands on to those below it is not for this one.
    own = {key: value for key, value in os.environ.items()
           if not key.startswith(("MAKE", "MFLAGS"))}
    ferry = tree / lab.ferry.relative_to(lab.top)
    made = subprocess.run(words, env=own, capture_output=True, text=True, check=False)
    if made.returncode or not ferry.exists():
        said = (made.stderr.splitlines() or ["there is no monitor then"])[-1]
        raise NoBuild(f"no monitor can be built, try make in {tree}: {said}")
    return ferry


def build(lab, name):
    """The commit's number, and its monitor. A work tree is kept: the next time little is built."""
    number = git(lab.top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not number:
        raise NoBuild(f"there is no commit '{name}'")
    tree = lab.top / "build/bench/trees" / number
    if not (tree / "Makefile").exists():
        subprocess.run(["git", "-C", lab.top, "worktree", "prune"], check=True)
        if subprocess.run(["git", "-C", lab.top, "worktree", "add", "--quiet", "--force",
                           "--detach", tree, number], check=False).returncode:
            raise NoBuild(f"git makes no work tree of {name} at {tree}")
    return number, make(lab, tree)
