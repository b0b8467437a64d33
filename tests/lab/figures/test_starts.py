# SPDX-License-Identifier: BSD-3-Clause
"""What the host wrote down: whole, in part, nonsense."""

import unittest

from figures.starts import Incomplete, check, parse

FIGURES = """entry 0.0625
init 5.125
kvm exits 4950
kvm io_exits 800
kvm mmio_exits 280
event kvm_pio { port:       3320 } hitcount:        410
event kvm_exit { exit_reason:        123 } hitcount:       4100
event kvm_userspace_exit { reason:          2 } hitcount:        560
event kvm_userspace_exit { reason:          6 } hitcount:         40
event kvm_mmio { gpa: fee000b0 } hitcount:         12
threads 6
map 262144 262144 rw-p
map 900 700 r-xp /bin/ferry
map 100 20 rw-p
map 40 30 rw-p
map 16 0 r--p [vvar]
poweroff 0.250
"""
COUNTERS = ["io_exits", "mmio_exits"]


def text(where, figures=FIGURES):
    return "".join(f"{where} {line}\n" for line in figures.splitlines())


class Parse(unittest.TestCase):
    def test_a_start(self):
        start = parse(text("3 ferry 256"), COUNTERS)[3, "ferry", 256]
        self.assertEqual(start.measures, {"entry": 0.0625, "init": 5.125, "poweroff": 0.25,
                                          "exits": 4950, "accesses": 1080, "beyond": 750,
                                          "threads": 6})
        self.assertEqual(start.mappings["rw-p anonymous"], 50)
        self.assertEqual(start.mappings["r-xp /bin/ferry"], 700)
        self.assertEqual(start.events, {
            "kvm_pio": {"3320": 410}, "kvm_mmio": {"fee000b0": 12}, "kvm_exit": {"123": 4100},
            "kvm_userspace_exit": {"2": 560, "6": 40}})
        self.assertEqual(start.data()["monitor"], "ferry")

    def test_ram_in_pieces(self):
        pieces = FIGURES.replace("map 262144 262144 rw-p\n",
                                 "map 131072 131072 rw-p\nmap 131072 131000 rw-s /memfd:ram\n")
        start = parse(text("1 q35 256", pieces), COUNTERS)[1, "q35", 256]
        self.assertEqual((start.ram, start.measures["beyond"]), (262072, 750))

    def test_a_heap_is_none_of_it(self):
        start = parse(text("1 virt 256", FIGURES + "map 77300 45704 rw-p [heap]\n"),
                      COUNTERS)[1, "virt", 256]
        self.assertEqual((start.ram, start.measures["beyond"]), (262144, 750 + 45704))

    def test_what_is_taken_for_ram_falsely(self):
        more = FIGURES + "map 20000 17000 rw-p\n"
        less = FIGURES.replace("map 262144 262144 rw-p\n", "map 250000 250000 rw-p\n"
                               + "map 12144 12144 rw-p\n")
        for figures, kib in ((more, 279144), (less, 250000)):
            with self.assertRaises(Incomplete) as caught:
                parse(text("1 q35 256", figures), COUNTERS)
            self.assertIn(f": {kib} KiB in mappings", str(caught.exception))

    def test_again(self):
        starts = parse(text("1 ferry 256") + text("2 ferry 256", FIGURES + "again\n"), COUNTERS)
        self.assertEqual([start.again for start in starts.values()], [False, True])

    def test_several(self):
        starts = parse(text("1 ferry 256") + text("1 q35 256") + text("2 ferry 256"), COUNTERS)
        self.assertEqual(list(starts), [(1, "ferry", 256), (1, "q35", 256), (2, "ferry", 256)])

    def test_lines_that_are_no_figures(self):
        for line in ("init", "init soon", "init 1 2", "threads 5.5", "kvm exits", "map 1", "what 5",
                     "again 2",
                     "event kvm_pio { port: 1 }", "event", ""):
            with self.assertRaises(Incomplete, msg=line) as caught:
                parse(text("1 ferry 256") + f"1 ferry 256 {line}\n", COUNTERS)
            self.assertIn("is no figure", str(caught.exception))
        for line in ("", "ferry 256 init 1", "1 ferry much init 1"):
            with self.assertRaises(Incomplete, msg=line):
                parse(line + "\n", COUNTERS)

    def test_what_is_missing_is_told(self):
        for gone, why in (("entry", "there is no figure of 'exec to first guest code'"),
                          ("init", "round 1: there is no figure of 'exec to /init'"),
                          ("poweroff", "no figure of 'power-off to exit'"),
                          ("threads", "no figure of 'threads'"),
                          ("kvm exits", "KVM has no counter exits"),
                          ("kvm io_exits", "KVM has no counter io_exits"),
                          ("map 262144", "256 MiB, round 1: 0 KiB in mappings are taken for"),
                          ("map", "0 KiB in mappings are taken for the guest's memory")):
            left = "".join(f"{line}\n" for line in FIGURES.splitlines()
                           if not line.startswith(gone))
            with self.assertRaises(Incomplete, msg=gone) as caught:
                parse(text("1 ferry 256", left), COUNTERS)
            self.assertIn(why, str(caught.exception))


class Check(unittest.TestCase):
    def starts(self, *rounds):
        return parse("".join(text(f"{number} {monitor} 256") for number in rounds
                             for monitor in ("ferry", "q35")), COUNTERS)

    def test_whole(self):
        for number in range(3):
            check(self.starts(0, 1, 2), ["ferry", "q35"], [256], number)
        check(self.starts(0), ["ferry", "q35"], [256, 5120], 0)

    def test_empty(self):
        self.assertEqual(parse("", COUNTERS), {})
        with self.assertRaises(Incomplete):
            check({}, ["ferry"], [256], 1)

    def test_in_part(self):
        for monitors, sizes, number, why in (
                (["ferry"], [256], 3, "ferry with 256 MiB: no figures"),
                (["ferry", "microvm"], [256], 0, "microvm with 256 MiB: no figures"),
                (["ferry"], [256, 5120], 2, "ferry with 5120 MiB: no figures")):
            with self.assertRaises(Incomplete) as caught:
                check(self.starts(0, 1, 2), monitors, sizes, number)
            self.assertIn(why, str(caught.exception))

    def test_no_events(self):
        starts = self.starts(0, 1)
        del starts[0, "q35", 256].events["kvm_userspace_exit"]
        starts[1, "ferry", 256].events.clear()
        check(starts, ["ferry", "q35"], [256], 1)
        with self.assertRaises(Incomplete) as caught:
            check(starts, ["ferry", "q35"], [256], 0)
        self.assertIn("q35 with 256 MiB: no kvm_userspace_exit was", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
