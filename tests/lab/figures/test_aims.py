# SPDX-License-Identifier: BSD-3-Clause
"""What a run is told of its aims: met, missed, none of its own."""

import unittest

from figures.aims import Aim, find, judge
from figures.test_spread import record


def of(run):
    return {aim["aim"]: (round(aim["value"], 2), aim["met"]) for aim in judge(run)}


class Judge(unittest.TestCase):
    def test_all(self):
        self.assertEqual(of(record()), {
            "exec to /init, of microvm's time": (0.58, True),
            "exec to /init, of q35's time": (0.42, True),
            "exits to the monitor up to /init": (600, True),
            "resident beyond RAM, KiB": (750, True),
            "exec to /init with 5 GiB, of the time with 256 MiB": (1.75, False),
            "exec to first instruction, of the time of KVM's own calls": (2, False),
            "NVMe reads one at a time, of the host's own driver's": (4, True),
            "NVMe reads 32 at a time, of the host's own driver's": (4, True)})

    def test_those_of_rivals_and_sizes_that_are_there(self):
        told = of(record(monitors=("ferry", "virt"), sizes=(256,)))
        self.assertEqual(list(told), [
            "exits to the monitor up to /init", "resident beyond RAM, KiB",
            "exec to first instruction, of the time of KVM's own calls",
            "NVMe reads one at a time, of the host's own driver's",
            "NVMe reads 32 at a time, of the host's own driver's"])

    def test_limits(self):
        self.assertTrue(Aim("", 5, 0, None).met(5))
        self.assertFalse(Aim("", 5, 0, None).met(5.1))
        self.assertTrue(Aim("", 5, 0, None, at_least=True).met(5))
        self.assertFalse(Aim("", 5, 0, None, at_least=True).met(4.9))

    def test_kept_with_the_run(self):
        run = record()
        self.assertEqual(run["aims"], judge(run))
        self.assertEqual(find(run["aims"], met=False)["limit"], 1.2)


if __name__ == "__main__":
    unittest.main()
