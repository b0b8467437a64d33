# SPDX-License-Identifier: BSD-3-Clause
"""Trials that the host wrote down: whole, in part, nonsense; ratios try by try."""

import unittest

from figures.aims import find
from figures.starts import Incomplete
from figures.trials import Trials, divide, parse

MONITORS = ("ferry", "microvm", "q35")
TINY = """0 ferry tiny entry 7
0 kvm-bare tiny entry 7
1 ferry tiny entry 0.02
1 kvm-bare tiny entry 0.01
2 ferry tiny entry 0.03
2 kvm-bare tiny entry 0.015
"""


def others(monitors=MONITORS):
    """Two rounds of the other trials; the n-th takes n times as long as the first."""
    lines, known = [], [name for name in monitors if name != "ferry-vmlinux"]
    for number in (1, 2):
        lines += [f"{number} {who} map time 2" for who in ("ferry", "map-bare")]
        for place, who in enumerate([*known, "host"], 1):
            lines += [f"{number} {who} disk rate1 {1200 / place}",
                      f"{number} {who} disk rate32 {6000 / place}"]
        for place, who in enumerate(known, 1):
            lines += [f"{number} {who} disk monitor_exits {place - 1}",
                      f"{number} {who} disk exits {4000 * place}",
                      f"{number} {who} disk cpu {10 * place}", f"{number} {who} gdb stop {place}"]
    return "\n".join([*lines, ""])


def trials(monitors=MONITORS, text=TINY):
    """Two rounds, and the one that does not count; ferry takes twice as long as the base."""
    return Trials(parse(text + others(monitors)), monitors)


class Parse(unittest.TestCase):
    def test_divided_from_starts(self):
        start = "1 ferry 256 init 5\n"
        self.assertEqual(divide(start + TINY + start), (start + start, TINY))
        self.assertEqual(divide("what\n"), ("what\n", ""))

    def test_round_0_does_not_count(self):
        self.assertEqual(parse(TINY)["tiny", "entry", "ferry"], [0.02, 0.03])

    def test_lines_that_are_no_figures(self):
        for line in ("1 ferry tiny entry", "1 ferry tiny entry soon", "one ferry tiny entry 1",
                     "1 ferry tiny init 1", "1 ferry tiny entry -1", "1 ferry tiny entry inf",
                     "1 ferry tiny entry nan", "1 ferry tiny entry 1 2", "1 ferry large entry 1"):
            with self.assertRaises(Incomplete, msg=line) as caught:
                parse(line)
            self.assertIn(f"the line '{line}' is no figure", str(caught.exception))


class Complete(unittest.TestCase):
    def test_figures_and_ratios(self):
        told = trials()
        figure = find(told.figures(), trial="tiny", who="ferry", measure="entry")
        self.assertEqual((figure["median"], figure["count"]), (0.025, 2))
        ratio = find(told.against(), trial="tiny", against="kvm-bare")
        self.assertEqual((ratio["who"], ratio["median"], ratio["max"]), ("ferry", 2, 2))
        self.assertIsNone(find(told.figures(), trial="tiny", who="q35"))

    def test_what_the_base_has_nothing_of(self):
        told = trials()
        self.assertEqual(find(told.figures(), who="host", measure="rate32")["median"], 1500)
        self.assertIsNone(find(told.figures(), who="host", measure="cpu"))
        self.assertEqual([ratio["against"] for ratio in told.against() if ratio["trial"] == "gdb"],
                         ["microvm", "q35"])

    def test_no_ratio_to_nothing(self):
        exits = [ratio for ratio in trials(("microvm", "ferry")).against()
                 if ratio["measure"] == "monitor_exits"]
        self.assertEqual([ratio["against"] for ratio in exits], ["ferry"])
        self.assertEqual([ratio for ratio in trials(("ferry",)).against()
                          if ratio["measure"] == "monitor_exits"], [])

    def test_what_is_started_alone(self):
        told = trials(("ferry", "q35", "ferry-vmlinux"))
        self.assertIsNone(find(told.figures(), who="ferry-vmlinux"))
        self.assertEqual([ratio["against"] for ratio in told.against() if ratio["trial"] == "gdb"],
                         ["q35"])

    def test_another_build(self):
        rival = "1 rival tiny entry 0.04\n2 rival tiny entry 0.06\n"
        rival += "1 rival map time 4\n2 rival map time 4\n"
        told = trials(("ferry", "rival"), TINY + rival)
        self.assertEqual([ratio["against"] for ratio in told.against() if ratio["trial"] == "tiny"],
                         ["rival", "kvm-bare"])

    def test_in_part(self):
        with self.assertRaises(Incomplete) as caught:
            Trials(parse(TINY), MONITORS)
        self.assertIn("ferry: 0 figures of 'provided and mapped'", str(caught.exception))
        few = TINY.replace("2 kvm-bare tiny entry 0.015\n", "")
        for text, why in (
                (few, "kvm-bare: 1 figures of 'exec to first instruction' where 2 should be"),
                ("", "guest of three instructions, 256 MiB: ferry: 0 figures of")):
            with self.assertRaises(Incomplete, msg=text) as caught:
                trials(text=text)
            self.assertIn(why, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
