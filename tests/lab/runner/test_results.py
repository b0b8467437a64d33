# SPDX-License-Identifier: BSD-3-Clause
"""What is printed, counted and written of results; the list of tries over all runs."""

from collections import Counter

from runner.fake_lab import LabTest
from runner.results import Results
from runner.tasks import Kind, select


class OneTask(LabTest):
    def setUp(self):
        super().setUp()
        self.scenario("nvme", "scenarios: reads writes resets", "seconds: 5")
        self.settings = self.lab()
        self.task, = select(self.settings)
        self.results = Results(self.settings, [self.task])

    def written(self):
        return (self.settings.logs / "results").read_text()


class Told(OneTask):
    def test_rows(self):
        self.results.tell("ok", "reads", 1234)
        self.results.tell("fail", "writes", 5, "no sums")
        self.results.tell("skip", "resets", 0, "no memory")
        self.results.mention("none", "other", "no such thing")
        self.assertEqual(self.said.getvalue(), (
            "ok   reads                        12.3 s\n"
            f"FAIL writes                       no sums, log {self.settings.logs}/nvme.log\n"
            "skip resets                       no memory\n"
            "none other                        no such thing\n"))
        self.assertEqual(self.written(), (
            "ok reads 1234 \nfail writes 5 no sums\nskip resets 0 no memory\n"
            "none other 0 no such thing\n"))

    def test_told_once(self):
        self.results.tell("ok", "reads", 1)
        self.results.tell("fail", "reads", 1, "late")
        self.results.tell("what", "writes", 1)
        self.assertEqual(self.results.told, {"reads": "ok"})

    def test_count(self):
        self.results.tell("ok", "reads", 1)
        self.assertEqual(self.results.count(), 0)
        self.results.tell("fail", "writes", 1, "why")
        (self.settings.logs / "nvme.log").write_text("".join(f"line {n}\n" for n in range(100)))
        self.assertEqual(self.results.count(), 1)
        said = self.said.getvalue()
        self.assertTrue(said.endswith("\nline 99\n1 passed, 1 failed, 0 skipped\n"))
        self.assertIn(f"--- writes: the end of {self.settings.logs}/nvme.log\nline 75\n", said)

    def test_kernel_log(self):
        self.results.tell_kernel_log()
        self.assertEqual(self.results.told, {"kernel-log": "ok"})
        del self.results.told["kernel-log"]
        (self.settings.logs / "nvme.log").write_text("LAB: kernel 6\nLAB: complaint WARNING\n")
        self.results.tell_kernel_log()
        self.assertIn("FAIL kernel-log                   1 complaints of", self.said.getvalue())
        self.assertEqual((self.settings.logs / "kernel-log.log").read_text(),
                         f"{self.settings.logs}/nvme.log:LAB: complaint WARNING\n")

    def test_wanted_complaints(self):
        (self.settings.logs / "nvme.log").write_text(
            "wanted complaint: of a card\nLAB: complaint of a card that is out of reach\n")
        (self.settings.logs / "net.log").write_text("LAB: complaint of a card\n")
        self.results.tell_kernel_log()
        self.assertIn("FAIL kernel-log                   1 complaints of", self.said.getvalue())


class Tries(OneTask):
    def test_only_what_passed_later_is_told(self):
        self.results.tell("ok", "reads", 1)
        self.results.try_again(self.task, "its host hung")
        self.results.tell("ok", "writes", 1)
        self.results.tell("fail", "resets", 1, "why")
        self.results.tell_tries(Counter())
        self.assertEqual(self.said.getvalue().split("\n")[3:], [
            "again writes                      its host hung; it passed on its second try", ""])
        self.assertIn("again writes 0 its host hung; it passed on its second try\n", self.written())

    def test_number_of_the_try(self):
        for name in ("reads", "writes"):
            for _ in range(2):
                self.results.try_again(self.task, "a guest stood still")
            self.results.tell("ok", name, 1)
        self.results.tell_tries(Counter({Kind("6.12"): 2}))
        said = self.said.getvalue()
        self.assertIn("a guest stood still; it passed on its third try\n", said)
        self.assertIn("a guest stood still; it passed on its 5th try\n", said)
        self.assertIn("again host-6.12                   started anew 2 times, having hung\n", said)

    def test_counted_over_all_runs(self):
        self.settings.tries.parent.mkdir(parents=True, exist_ok=True)
        self.settings.tries.write_text("host 7 1\nreads 9 2\n")
        self.results.try_again(self.task, "its host hung")
        self.results.tell("ok", "reads", 1)
        self.results.count_tries(Counter({Kind(): 1}), Counter({Kind(): 1}))
        self.results.tell_tries(Counter({Kind(): 1}))
        said = self.said.getvalue()
        self.assertIn("it passed on its second try (in all runs 3 of 10)\n", said)
        self.assertIn("started anew 1 times, having hung (in all runs 2 of 8)\n", said)

    def test_list_over_all_runs(self):
        begun, anew = Counter({Kind(): 1}), Counter({Kind(): 2})
        self.results.tell("ok", "reads", 1)
        self.results.try_again(self.task, "why")
        self.results.tell("ok", "writes", 1)
        self.results.tell("skip", "resets", 0, "why")
        self.results.count_tries(begun, anew)
        self.assertEqual(self.settings.tries.read_text(), "host 1 2\nreads 1 0\nwrites 1 1\n")
        with self.settings.tries.open("a", encoding="utf-8") as tries:
            tries.write("damaged 1\n")
        self.results.count_tries(begun, Counter())
        self.assertEqual(self.settings.tries.read_text(), "host 2 2\nreads 2 0\nwrites 2 2\n")
