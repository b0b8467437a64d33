# SPDX-License-Identifier: BSD-3-Clause
"""Medians, quartiles, ratios pair by pair; a run as it is kept and as it is told."""

import datetime
import json
import tempfile
import unittest
from pathlib import Path

from figures import records, tables
from figures.aims import find
from figures.measures import MEASURES
from figures.rounds import Rounds
from figures.spread import Series, ratios, spread
from figures.starts import parse
from figures.test_starts import COUNTERS, FIGURES, text
from figures.test_trials import trials

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


def series(monitors=("ferry", "microvm", "q35"), sizes=(256, 5120)):
    """Two rounds and the one that does not count; the n-th monitor takes n times as long, the
    n-th size n times that, the second round one second more."""
    lines = "".join(
        text(f"{number} {monitor} {mib}",
             FIGURES.replace("5.125", str((1 + place) * (1 + size) + (number == 2)))
             .replace("262144", str(mib << 10)))
        for number in range(3) for size, mib in enumerate(sizes)
        for place, monitor in enumerate(monitors))
    return Series(parse(lines, COUNTERS), monitors, sizes)


class Spread(unittest.TestCase):
    def test_odd_and_even(self):
        self.assertEqual(spread([5, 1, 3]), {"median": 3, "low": 2, "high": 4, "min": 1, "max": 5,
                                             "count": 3})
        self.assertEqual(spread([4, 1, 2, 3])["median"], 2.5)
        self.assertEqual(spread([4, 1, 2, 3])["low"], 1.75)

    def test_one(self):
        self.assertEqual(spread([7]), {"median": 7, "low": 7, "high": 7, "min": 7, "max": 7,
                                       "count": 1})

    def test_none(self):
        for call in (lambda: spread([]), lambda: ratios([], [])):
            with self.assertRaises(ValueError):
                call()

    def test_ratios_are_of_pairs(self):
        told = ratios([1, 4, 9], [2, 2, 3])
        self.assertEqual((told["median"], told["min"], told["max"]), (2, 0.5, 3))
        with self.assertRaises(ValueError):
            ratios([1, 2], [1])


class OfSeries(unittest.TestCase):
    def test_figures(self):
        figures = series().figures()
        self.assertEqual(len(figures), 2 * 3 * len(MEASURES))
        told = find(figures, monitor="q35", mib=5120, measure="init")
        self.assertEqual((told["median"], told["min"], told["unit"]), (6.5, 6, "s"))

    def test_against_rivals(self):
        told = series().against_rivals()
        self.assertEqual(len(told), 2 * 2 * len(MEASURES))
        told = find(told, against="microvm", mib=256, measure="init")
        self.assertEqual((told["min"], told["max"]), (1 / 2, 2 / 3))

    def test_against_smallest(self):
        told = series().against_smallest()
        self.assertEqual(len(told), 3 * len(MEASURES))
        told = find(told, monitor="ferry", measure="init")
        self.assertEqual((told["against_mib"], told["min"], told["max"]), (256, 3 / 2, 2))
        self.assertEqual(series(sizes=(256,)).against_smallest(), [])

    def test_mappings(self):
        self.assertEqual(list(series().mappings()["q35"].items()),
                         [("r-xp /bin/ferry", 700), ("rw-p anonymous", 50)])

    def test_events(self):
        told = series().events()["ferry"]
        self.assertEqual(list(told), ["kvm_exit", "kvm_mmio", "kvm_pio", "kvm_userspace_exit"])
        self.assertEqual(list(told["kvm_userspace_exit"].items()), [("2", 560), ("6", 40)])

    def test_events_that_were_lost(self):
        told = series()
        told.starts = {where: start for where, start in told.starts.items() if where[0]}
        self.assertEqual(told.events(), {"ferry": {}, "microvm": {}, "q35": {}})


def rounds(**options):
    """Two rounds of that, whole."""
    told = Rounds(2, (), (), ())
    told.series = series(**options)
    told.trials = trials(told.series.monitors)
    return told


def record(told=None, **options):
    """A run of that."""
    return records.record(told or rounds(**options), "x86_64", {"ferry": "a" * 40}, NOW)


class Record(unittest.TestCase):
    def test_kept_as_it_was(self):
        run = record()
        self.assertEqual(records.stem(NOW, "x86_64", {"ferry": "a" * 40 + "+", "rival": "b" * 40}),
                         "20260102T030405.000-x86_64-aaaaaaaaa+-bbbbbbbbb")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bench/run.json"
            records.keep(file, run)
            self.assertEqual(json.loads(file.read_text()), run)
            self.assertEqual([entry.name for entry in file.parent.iterdir()], [file.name])
        self.assertEqual((run["date"], run["rounds"]), ("2026-01-02T03:04:05+00:00", 2))
        self.assertEqual(len(run["starts"]), 2 * 2 * 3)
        self.assertTrue(run["machine"]["cores"] > 0 and run["machine"]["kernel"])

    def test_commit(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(records.commit(folder), "unknown")
            self.assertEqual(records.git(folder, "init", "-q"), "")
            self.assertEqual(records.commit(folder), "unknown")
            who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
            records.git(folder, *who, "commit", "-q", "--allow-empty", "-m", "first")
            number = records.commit(folder)
            self.assertRegex(number, "^[0-9a-f]{40}$")
            (Path(folder) / "new").write_text("")
            self.assertEqual(records.commit(folder), number + "+")
        self.assertEqual(records.short(number + "+"), number[:9] + "+")
        self.assertEqual(records.short("unknown"), "unknown")

    def test_values_of_files(self):
        self.assertRegex(records.first_value("/proc/meminfo", "MemTotal"), "^[0-9]+ kB$")
        self.assertEqual(records.first_value("/proc/meminfo", "Mem"), "")
        self.assertEqual(records.first_value("/proc/no-such", "MemTotal"), "")


class Table(unittest.TestCase):
    def test_figures_and_ratios(self):
        lines = list(tables.text(record()))
        self.assertTrue(lines[0].startswith("ferry aaaaaaaaa; 2 of 2 rounds, 2026-01-02T03:04:05"))
        told = [" ".join(line.split()) for line in lines]
        for line in ("guest of 256 MiB ferry microvm q35", "rounds that these are of 2 2 2",
                     "exec to /init, s 1.50 (1.25-1.75) 2.50 (2.25-2.75) 3.50 (3.25-3.75)",
                     "exits of all kinds 4,950 (4,950-4,950) 4,950 (4,950-4,950)"
                     " 4,950 (4,950-4,950)",
                     "ferry against, pair by pair, 256 MiB microvm q35", "560 port",
                     "exits to the monitor (one start) 600 600 600",
                     "exec to /init 0.58 (0.54-0.62) 0.42 (0.38-0.46)",
                     "5120 against 256 MiB, by pairs ferry microvm q35",
                     "guest of three instructions, 256 MiB ferry kvm-bare",
                     "exec to first instruction, s 0.0250 (0.0225-0.0275) 0.0125 (0.0112-0.0138)",
                     "ferry against, pair by pair 2.00 (2.00-2.00)",
                     "NVMe disk, random reads of 4 KiB ferry microvm q35 host",
                     "tries, in 2 rounds 2 2 2 2",
                     "monitor's own time for 4,000, ms 10 (10-10) 20 (20-20) 30 (30-30)",
                     "700 r-xp /bin/ferry", "ferry: port accesses, by port (410)", "410 0xcf8",
                     "12 0xfee000b0", "exits to the monitor up to /init <= 600 600 met"):
            self.assertIn(line, told)
        place = told.index("Ctrl-C to its answer, ms 1.00 (1.00-1.00) 2.00 (2.00-2.00)"
                           " 3.00 (3.00-3.00)")
        self.assertEqual(told[place + 1],
                         "ferry against, pair by pair 0.50 (0.50-0.50) 0.33 (0.33-0.33)")
        self.assertLessEqual(max(map(len, lines[2:])), 120)

    def test_a_page(self):
        lines = list(tables.markdown(record()))
        place = lines.index("| guest of 256 MiB | ferry | microvm | q35 |")
        self.assertEqual(lines[place - 1:place + 2:2], ["", "|---|---:|---:|---:|"])
        self.assertIn("| exec to /init, s | 1.50 (1.25-1.75) | 2.50 (2.25-2.75) |"
                      " 3.50 (3.25-3.75) |", lines)
        self.assertIn("| exec to /init, of microvm's time | <= 0.80 | 0.58 | met |", lines)
        self.assertEqual(lines.count("```"), 2)

    def test_second_tries(self):
        told = rounds()
        told.series.starts[2, "q35", 256].again = True
        lines = tables.text(record(told))
        self.assertIn("q35 with 256 MiB was started twice in round 2, as the first guest did not"
                      " come to its end.", list(lines))

    def test_an_unpacked_kernel(self):
        self.assertFalse(any("unpacked" in line for line in tables.text(record())))
        lines = list(tables.text(record(monitors=("ferry", "q35", "ferry-vmlinux"))))
        self.assertTrue(lines[2].startswith("ferry-vmlinux is ferry with the same kernel unpacked"))
        told = [" ".join(line.split()) for line in lines]
        self.assertIn("guest of 256 MiB ferry q35 ferry-vmlinux", told)
        self.assertIn("100 stops by a debugger ferry q35", told)

    def test_rounds_that_were_lost(self):
        told = rounds()
        told.count, told.fell, told.again = 4, 3, {1: "its host hung"}
        told.lost = {3: "no memory", 0: "nothing was heard of it"}
        told.series.starts = {where: start for where, start in told.series.starts.items()
                              if where[0]}
        for who in ("ferry", "kvm-bare"):
            told.trials.values["tiny", "entry", who].append(1)
        lines = list(tables.text(record(told)))
        self.assertIn("; 2 of 4 rounds, ", lines[0])
        self.assertEqual(lines[2:7], [
            "Hosts of the lab that fell on the way: 3.",
            "Round 1 was measured once more: its host hung.",
            "Round 0 is lost: nothing was heard of it.", "Round 3 is lost: no memory.", ""])
        told = "\n".join(" ".join(line.split()) for line in lines)
        self.assertIn("\ntries, in 2 rounds 3 3\n", told)
        self.assertNotIn("exits to the monitor", told)

    def test_one_size(self):
        self.assertFalse(any("5120" in line for line in tables.text(record(sizes=(256,)))))

    def test_columns_are_as_wide_as_they_must(self):
        lines = list(tables.Table("what", ["a", "much"], [("long label", ["1,000", "2"])]).text())
        self.assertEqual(lines, ["what            a  much", "long label  1,000     2", ""])

    def test_long_lists_are_summed_up(self):
        told = list(tables.counts([(str(place), 100 - place) for place in range(10)], 3))
        self.assertEqual((len(told), told[0], told[-1]), (9, "  100  0", "  183  in 2 more"))

    def test_names_of_events(self):
        for event, key, name in (("kvm_userspace_exit", "2", "port"), ("kvm_pio", "97", "0x61"),
                                 ("kvm_userspace_exit", "99", "reason 99"),
                                 ("kvm_mmio", "e000", "0xe000"), ("kvm_exit", "123", "0x7b")):
            self.assertEqual(tables.event_name(event, key), name)


if __name__ == "__main__":
    unittest.main()
