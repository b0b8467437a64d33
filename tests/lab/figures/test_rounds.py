# SPDX-License-Identifier: BSD-3-Clause
"""Rounds of which hosts fell: those that are there count, and the others are told; over the lab's
runner with hosts that the test plays."""

import unittest
from unittest import mock

from figures.rounds import Rounds
from figures.starts import Incomplete
from figures.test_starts import COUNTERS, text
from figures.test_trials import TINY, others
from runner.fake_lab import LabTest
from runner.follow import STARTS

MONITORS = ("ferry", "microvm", "q35")
NAMES = [f"bench-start@{number}" for number in range(4)]


def written(number):
    """What a host writes down in a round."""
    lines = "".join(text(f"{number} {monitor} 256") for monitor in MONITORS)
    return lines + "".join(line.replace("1 ", f"{number} ", 1) + "\n"
                           for line in (TINY + others()).splitlines()
                           if line.startswith("1 ") and (number or " tiny " in line))


@mock.patch("runner.follow.free_mib", lambda: 100000)
class Lab(LabTest):
    """Three rounds that count and the one before them."""

    def setUp(self):
        super().setUp()
        (self.here / "bench-start.sh").write_text("# scenarios: bench-start\n# seconds: 200\n"
                                                  "# deadline: 900\n")
        self.folder = self.here / "kept"
        self.folder.mkdir()
        self.run_ = self.run_of(alone="bench-start", rounds="0 1 2 3", keep=str(self.folder))
        self.run_.start_next()
        self.host, = self.run_.alive

    def queued(self):
        return [entry.name for entry in
                sorted((self.run_.lab.share / "queue/::::").iterdir())]

    def begin(self, number):
        self.host.take(self.run_.tasks[NAMES[number]])
        self.run_.step()

    def measure(self, number, lines=None):
        self.begin(number)
        (self.host.folder / f"logs/{NAMES[number]}.figures.log").write_text(
            written(number) if lines is None else lines)
        self.host.say(f"ok {NAMES[number]} 100")
        self.run_.step()

    def fall(self):
        """As one that meets a fault or a panic does: its machine ends."""
        self.host.kill()
        self.run_.step()

    def end(self):
        self.run_.tell_unheard()
        self.run_.results.tell_tries(self.run_.anew, self.run_.broken)
        rounds = Rounds(3, MONITORS, [256], COUNTERS)
        rounds.gather(self.folder, "bench-start",
                      (self.run_.lab.logs / "results").read_text())
        return rounds


class Fallen(Lab):
    def test_none(self):
        for number in range(4):
            self.measure(number)
        rounds = self.end()
        rounds.join()
        self.assertEqual((rounds.series.rounds, rounds.fell, rounds.lost, rounds.again),
                         ([1, 2, 3], 0, {}, {}))
        self.assertEqual(len(rounds.trials.values["disk", "rate1", "ferry"]), 3)

    def test_the_missing_rounds_are_measured_by_the_next(self):
        self.measure(0)
        self.measure(1)
        self.begin(2)
        self.fall()
        self.assertEqual(self.queued(), [f"799-{name}" for name in NAMES[2:]])
        for number in (2, 3):
            self.measure(number)
        rounds = self.end()
        rounds.join()
        self.assertEqual((rounds.series.rounds, rounds.fell, rounds.lost), ([1, 2, 3], 1, {}))
        self.assertEqual(list(rounds.again), [2])
        self.assertIn("its host hung: its machine ended, status -9", rounds.again[2])

    def test_one_that_stands_still(self):
        """Its heart beats and nothing goes on."""
        self.begin(0)
        seconds = 0
        while not self.host.given_up:
            (self.host.folder / "alive").write_text(f"{seconds} 7\n")
            self.clock.now += 10
            seconds += 10
            self.run_.step()
        self.assertLess(seconds, 1020)
        self.assertIn("it told nothing", self.host.given_up)
        self.fall()
        self.assertEqual((self.host.starts, len(self.queued())), (2, 4))

    def test_twice_in_a_round(self):
        for number in (0, 1):
            self.measure(number)
        for _ in range(2):
            self.begin(2)
            self.fall()
        self.measure(3)
        rounds = self.end()
        rounds.join()
        self.assertEqual((rounds.series.rounds, rounds.fell, list(rounds.lost)), ([1, 3], 2, [2]))
        self.assertRegex(rounds.lost[2], "^nothing was heard of it; its host hung: .*status -9")

    def test_so_often_that_there_is_none_any_more(self):
        self.measure(1)
        while self.run_.alive:
            self.fall()
        rounds = self.end()
        rounds.join()
        self.assertEqual((rounds.fell, list(rounds.lost), rounds.series.rounds),
                         (STARTS, [0, 2, 3], [1]))
        self.assertEqual(rounds.series.events()["ferry"], {})

    def test_just_behind_a_round(self):
        """What it wrote down is there before it says so."""
        self.begin(1)
        self.host.say(f"fail {NAMES[1]} 5 no guest")
        (self.folder / f"{NAMES[1]}.figures.log").write_text(written(1))
        self.run_.step()
        rounds = self.end()
        self.assertEqual((list(rounds.texts), list(rounds.lost)), ([1], [0, 2, 3]))


class InPart(Lab):
    def test_nonsense_is_lost_alone(self):
        self.measure(0)
        self.measure(1)
        self.measure(2, written(2).replace("2 q35 256 threads", "2 q35 256 what"))
        self.measure(3, "")
        rounds = self.end()
        rounds.join()
        self.assertEqual(rounds.series.rounds, [1])
        self.assertEqual(rounds.lost, {2: "the line '2 q35 256 what 6' is no figure",
                                       3: "ferry with 256 MiB: no figures"})

    def test_trials_are_missing(self):
        self.measure(1, written(1).replace("1 host disk rate32 1500.0\n", ""))
        self.assertIn("host: 0 figures of 'reads a second, 32 at a time'", self.end().lost[1])

    def test_nothing(self):
        self.measure(0)
        rounds = self.end()
        with self.assertRaises(Incomplete) as caught:
            rounds.join()
        self.assertEqual(str(caught.exception), "no round was measured: nothing was heard of it")

    def test_told(self):
        rounds = self.end()
        self.assertEqual(rounds.data(), {
            "asked": 3, "fell": 0, "again": [],
            "lost": [{"round": number, "why": "nothing was heard of it"} for number in range(4)]})


if __name__ == "__main__":
    unittest.main()
