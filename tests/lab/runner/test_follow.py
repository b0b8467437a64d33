# SPDX-License-Identifier: BSD-3-Clause
"""Which host comes next; what hosts report, in pieces; deadlines; hosts and guests that hang."""

import json
import os
from unittest import mock

from runner.fake_lab import LabTest
from runner.follow import FAILED_ONCE, GIVEN_BACK, STARTS
from runner.hosts import GRACE
from runner.lab import LATE
from runner.tasks import Kind, select

PLENTY = mock.patch("runner.follow.free_mib", lambda: 100000)


@PLENTY
class NextKind(LabTest):
    def setUp(self):
        super().setUp()
        self.scenario("usual", "scenarios: usual", "seconds: 40")
        self.scenario("newer", "scenarios: newer", "host-kernel: 6.12", "seconds: 50")
        self.scenario("big", "scenarios: big", "host-memory: 8192", "seconds: 90")

    def started(self, run):
        return [host.name for host in run.alive] if run.start_next() else None

    def test_most_to_do_and_memory_last(self):
        run = self.run_of()
        self.assertEqual(self.started(run), ["host0-6.12"])
        run.alive[0].take(run.tasks["newer"])
        self.assertEqual(self.started(run), ["host0-6.12", "host1"])
        run.alive[1].take(run.tasks["usual"])
        self.assertEqual(self.started(run), ["host0-6.12", "host1", "host2-8192"])
        run.alive[2].take(run.tasks["big"])
        self.assertIsNone(self.started(run))

    def test_second_of_a_kind_is_worth_its_start(self):
        run = self.run_of(only=["usual"])
        self.assertEqual(self.started(run), ["host0"])
        self.assertEqual(self.started(run), ["host0", "host1"])
        self.assertIsNone(self.started(run))

    def test_broken_kind(self):
        run = self.run_of(only=["usual"])
        run.broken.add(Kind())
        self.assertIsNone(self.started(run))

    def test_too_little_memory(self):
        run = self.run_of(only=["big", "usual"])
        with mock.patch("runner.follow.free_mib", lambda: 8000):
            self.assertTrue(run.start_next())
            run.alive[0].take(run.tasks["usual"])
            self.assertFalse(run.start_next())  # there may be enough when that one is over
            run.alive.clear()
            self.assertTrue(run.start_next())
            self.assertFalse(run.start_next())
        self.assertIn("skip big                          this machine has 8000 MiB free, 8704 are"
                      " needed\n", self.said.getvalue())

    def test_kernel_that_cannot_be_had(self):
        self.scenario("nvme", "scenarios: reads writes", "host-kernel: 6.12", "seconds: 40")
        run = self.run_of(only=["nvme", "usual"])
        run.lab.note_absent("other words\nabsent 6.12 there is no such package\n")
        while run.start_next():
            pass
        self.assertEqual({host.kind for host in run.alive}, {Kind()})
        self.assertEqual(run.results.told, {"reads": "skip", "writes": "skip"})
        self.assertIn("skip reads                        there is no such package\n",
                      self.said.getvalue())

    def test_root_file_system_that_cannot_be_had(self):
        self.scenario("debian", "scenarios: login", "root: debian")
        run = self.run_of(only=["debian", "usual"])
        run.lab.note_absent("absent root its programs cannot be run here\n")
        with mock.patch.object(run, "start_next", return_value=False):
            run.follow()
        self.assertEqual(run.results.told, {"login": "skip"})
        self.assertIn("its programs cannot be run here", self.said.getvalue())

    def test_waits_for_room(self):
        run = self.run_of()
        with mock.patch.object(run.lab, "room", side_effect=[0, 0, 1]), \
                mock.patch.object(run, "start_next", return_value=False) as start, \
                mock.patch("time.sleep") as sleep:
            run.follow()
        self.assertEqual((sleep.call_count, start.call_count), (2, 1))


@PLENTY
class OneHost(LabTest):
    def setUp(self):
        super().setUp()
        self.scenario("nvme", "scenarios: reads writes", "seconds: 5")
        self.scenario("own-nvme", "scenarios: own", "seconds: 4")
        self.run_ = self.run_of()
        self.run_.start_next()
        self.host, = self.run_.alive
        self.nvme = self.run_.tasks["nvme"]
        self.told = self.run_.results.told
        self.may_fail(False)

    def may_fail(self, once):
        """Whether a row that fails is tried once more."""
        for task in self.run_.tasks.values():
            task.failed = not once

    def step(self, *lines, seconds=0):
        self.host.say(*lines)
        self.clock.now += seconds
        self.run_.step()

    def queued(self):
        return sorted(entry.name for entry in (self.run_.lab.share / "queue/::::").iterdir())


class Reports(OneHost):
    def test_in_pieces(self):
        with open(self.host.folder / "results", "a", encoding="utf-8") as file:
            for part in ("start nv", "me 0\nok reads 12", "3\nfail writes 5 no", " sums at all\n"):
                file.write(part)
                file.flush()
                self.run_.step()
        self.assertEqual(self.host.task, "nvme")
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})
        self.assertIn("no sums at all, log", self.said.getvalue())

    def test_notes(self):
        self.step("ready 0 250", "note  on the way")
        self.assertEqual(self.said.getvalue(), "")
        self.run_.lab.verbose = True
        self.step("ready 0 250", "note  on the way")
        self.assertEqual(self.said.getvalue(),
                         "     host host0 is up             2.5 s\n      on the way\n")

    def test_nonsense(self):
        self.step("", "what is this", "again nobody 0", "ok reads soon")
        self.assertEqual(self.told, {"reads": "ok"})

    def test_end(self):
        (self.host.folder / "logs/nvme.log").write_text("log")
        self.step("ok reads 1", "ok writes 1", "ok own 1", "end 0 100")
        self.host.kill()
        self.step()
        self.assertEqual(self.run_.alive, [])
        self.assertEqual((self.run_.lab.logs / "nvme.log").read_text(), "log")
        self.assertEqual(self.run_.anew.total(), 0)

    def test_nothing_heard(self):
        self.step("ok reads 1")
        self.run_.tell_unheard()
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail", "own": "fail"})
        self.assertIn("nothing was heard of it", self.said.getvalue())

    def test_monitor(self):
        (self.host.folder / "monitor/a.request").write_text("info pci")
        self.step()
        self.step(seconds=10 * self.run_.lab.slow + 1)
        self.assertEqual((self.host.folder / "monitor/a.answer").read_text(),
                         "no answer from the machine's monitor\n")


class Time(OneHost):
    """The whole run's."""

    def setUp(self):
        super().setUp()
        self.host.take(self.nvme)
        self.step()
        self.lab = self.run_.lab
        self.time = mock.patch("time.time", lambda: self.lab.until + self.since).start()
        self.addCleanup(mock.patch.stopall)
        self.lab.until = 5000

    def pass_by(self, seconds):
        self.since = seconds
        self.run_.end_in_time()

    def test_not_yet(self):
        self.pass_by(-1)
        self.assertEqual(self.queued(), ["995-own-nvme"])
        self.lab.until = 0
        self.pass_by(9000)
        self.assertEqual((self.queued(), self.told), (["995-own-nvme"], {}))

    def test_nothing_is_begun_any_more(self):
        self.pass_by(1)
        self.assertEqual((self.queued(), self.told), ([], {"own": "skip"}))
        self.assertTrue(self.host.alive())
        self.assertFalse(self.run_.start_next())
        self.step("ok reads 1", "ok writes 1", "end 0 1")
        self.assertEqual(self.told, {"own": "skip", "reads": "ok", "writes": "ok"})

    def test_what_is_under_way_is_ended(self):
        self.step("ok reads 1")
        self.pass_by(LATE * self.lab.slow + 1)
        self.assertFalse(self.host.alive())
        self.step()
        self.assertEqual((self.run_.alive, self.run_.anew.total()), ([], 0))
        self.assertEqual(self.told, {"own": "skip", "reads": "ok", "writes": "skip"})
        self.assertIn("skip writes                       the time for the whole run was over before"
                      " it ended\n", self.said.getvalue())

    def test_what_failed_is_no_skip(self):
        self.step("fail writes 5 no sums")
        self.pass_by(LATE * self.lab.slow + 1)
        self.assertEqual(self.told, {"own": "skip", "writes": "fail", "reads": "skip"})

    def test_what_stood_still_is_no_skip(self):
        self.step("again nvme 0", "stuck nvme 0", "fail reads 5 no sums")
        self.assertEqual(self.queued(), ["994-nvme", "995-own-nvme"])
        self.pass_by(1)
        self.assertEqual(self.told, {"own": "skip", "reads": "fail", "writes": "fail"})
        self.assertIn("no sums, log", self.said.getvalue())


class Deadlines(OneHost):
    progress = ""

    def beat(self):
        (self.host.folder / "alive").write_text(f"{self.clock.now} {self.progress}\n")

    def lasts(self, beating=True):
        """After how many seconds it is given up, in tens."""
        for tens in range(1, 1000):
            if beating:
                self.beat()
            self.step(seconds=10)
            if self.host.given_up:
                return tens * 10
        return None

    def test_start(self):
        self.assertEqual(self.lasts(beating=False), 130)

    def test_heart(self):
        self.beat()
        self.step("start nvme 0")
        self.assertEqual(self.lasts(beating=False), 70)
        self.assertEqual(self.host.given_up, "its heart stood still for 70 s")

    def test_silence(self):
        self.step("start nvme 0")
        self.assertEqual(self.lasts(), 340)
        self.assertEqual(self.host.given_up, "it told nothing for 340 s, and nothing went on")

    def test_half_a_beat_is_none(self):
        self.progress = 7
        self.beat()
        self.step("start nvme 0")
        for tens in range(33):
            self.assertEqual(self.host.given_up, "")
            self.beat()
            if tens % 2:
                (self.host.folder / "alive").write_text("")
            self.step(seconds=10)
        self.step(seconds=10)
        self.assertEqual(self.host.given_up, "it told nothing for 340 s, and nothing went on")

    def test_silence_while_something_goes_on(self):
        self.step("start nvme 0")
        for tens in range(100):
            self.progress = tens // 30
            self.beat()
            self.step(seconds=10)
        self.assertEqual(self.host.given_up, "")
        self.assertEqual(self.lasts(), 250)  # it went on 90 seconds ago

    def test_silence_of_a_long_scenario(self):
        self.scenario("own-nvme", "scenarios: own", "seconds: 4", "deadline: 480")
        self.run_.tasks = {task.name: task for task in select(self.run_.lab)}
        self.step("start own-nvme 0")
        self.assertEqual(self.lasts(), 580)

    def test_no_power_off(self):
        self.step("start nvme 0", "end 0 1")
        self.assertEqual(self.lasts(), 30)
        self.step(seconds=GRACE + 1)
        self.step()
        self.assertEqual((self.run_.alive, self.run_.anew.total()), ([], 0))

    def test_counted_clock_has_more_time(self):
        self.host.patience *= 5
        self.assertEqual(self.lasts(), 610)

    def test_no_processor_for_it(self):
        """One of its machine's threads waits for nine seconds in ten, the other for none."""
        self.beat()
        self.step("start nvme 0")
        self.host.proc = self.here
        for thread in (1, 2):
            (self.here / f"0/task/{thread}").mkdir(parents=True)
        for tens in range(51):
            for thread in (1, 2):
                (self.here / f"0/task/{thread}/schedstat").write_text(
                    f"5 {tens * 9 * 10 ** 9 if thread == 1 else 8} 7\n")
            self.step(seconds=10)
        self.assertEqual(self.host.given_up, "")
        self.assertEqual(self.lasts(beating=False), 10)

    def test_nobody_looked(self):
        """This machine stood still itself, and the host with it."""
        self.beat()
        self.step("start nvme 0", seconds=1000)
        self.step(seconds=1000)
        self.assertEqual(self.host.given_up, "")
        self.assertEqual(self.lasts(beating=False), 60)


class HostThatHangs(OneHost):
    def hang(self, *lines):
        self.host.console.write_text("panic\n")
        self.host.kill()
        self.step(*lines)

    def test_task_goes_back_once(self):
        self.host.take(self.nvme)
        self.host.take(self.run_.tasks["own-nvme"])
        self.host.say("start nvme 0")
        self.hang("ok reads 1")
        self.assertTrue(self.host.alive())
        self.assertEqual(self.queued(), ["994-nvme"])
        self.assertEqual(self.host.task, "")
        self.assertIn("lab: host host0 hung at nvme: its machine ended, status -9; it is started"
                      " anew\n", self.said.getvalue())
        self.assertEqual((self.run_.lab.logs / "host0.console.1.log").read_text(), "panic\n")
        self.host.take(self.nvme)
        self.hang()
        self.assertEqual(self.queued(), [])
        self.step("ok writes 1")
        self.run_.results.tell_tries(self.run_.anew)
        said = self.said.getvalue()
        self.assertIn("again writes", said)
        self.assertIn("host0.console.1.log; it passed on its second try\n", said)
        self.assertNotIn("again reads", said)
        self.assertIn("again host                        started anew 2 times", said)

    def given_up(self):
        """By its heart; and what its machine's monitor was told."""
        self.host.take(self.nvme)
        while not self.host.given_up:
            self.step(seconds=10)
        return [json.loads(line)["arguments"]["command-line"]
                for line in os.read(self.host.monitor.into, 65536).splitlines()[1:]]

    def test_says_what_it_is_at(self):
        self.assertEqual(self.given_up(), ["info registers -a", "info registers -a", "nmi"])
        with open(self.run_.lab.runs / "host0.out", "w", encoding="utf-8") as machine:
            machine.write('{"return": "CPU#0 RIP=ff", "id": 1}\n')
        self.step()
        self.assertTrue(self.host.alive())
        self.host.console.write_text("[ 8.1] BUG: soft lockup - CPU#1 stuck for 23s!\n"
                                     "[ 9.1] Kernel panic - not syncing: NMI\n"
                                     + 100 * "[ 9.2] where it is\n")
        self.host.process.status = 0
        self.step()
        self.assertIn("hung at nvme: its heart stood still for 70 s: [ 8.1] BUG: soft lockup -"
                      " CPU#1 stuck for 23s!: [ 9.1] Kernel panic - not syncing: NMI; it is started"
                      " anew\n", self.said.getvalue())
        self.assertEqual((self.run_.lab.logs / "host0.registers.1.log").read_text(),
                         "CPU#0 RIP=ff\n")
        self.assertEqual(self.host.given_up, "")

    def test_says_nothing(self):
        self.given_up()
        self.step(seconds=GRACE - 1)
        self.assertEqual(self.host.starts, 1)
        self.step(seconds=2)
        self.step()
        self.assertEqual(self.host.starts, 2)
        self.assertEqual((self.run_.lab.logs / "host0.registers.1.log").read_text(),
                         3 * "no answer from the machine's monitor\n")

    def test_at_its_start_so_often(self):
        for _ in range(STARTS):
            self.assertEqual(self.run_.alive, [self.host])
            self.hang()
        self.assertEqual(self.run_.alive, [])
        self.assertEqual(self.run_.broken, {Kind()})
        self.assertEqual(self.run_.anew[Kind()], STARTS - 1)
        said = self.said.getvalue()
        self.assertIn("hung at its start", said)
        self.assertIn("did not come to its end", said)
        self.assertTrue(said.endswith("panic\n"))


class RowThatFails(OneHost):
    def setUp(self):
        super().setUp()
        self.may_fail(True)
        self.host.take(self.nvme)
        (self.host.folder / "logs/nvme.log").write_text("why\n")

    def fail(self):
        self.step("ok reads 1", "fail writes 5 no sums")

    def test_is_tried_once_more(self):
        self.fail()
        self.assertEqual(self.told, {"reads": "ok"})
        self.assertEqual(self.queued(), ["994-nvme", "995-own-nvme"])
        log = self.run_.lab.logs / "nvme.failed.log"
        self.assertEqual(log.read_text(), "why\n")
        self.assertIn(f"lab: a row of nvme failed; the scenario is run once more: {log}\n",
                      self.said.getvalue())
        self.host.take(self.nvme)
        self.step("ok reads 1", "ok writes 1")
        self.assertEqual(self.told, {"reads": "ok", "writes": "ok"})
        self.run_.results.tell_tries(self.run_.anew)
        self.assertIn("again writes                      it failed: no sums; it passed on its"
                      " second try\n", self.said.getvalue())

    def test_fails_twice(self):
        self.fail()
        self.host.take(self.nvme)
        self.step("ok reads 1", "fail writes 5 none again")
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})
        self.assertIn("none again, log", self.said.getvalue())
        self.assertEqual(self.queued(), ["995-own-nvme"])

    def test_is_not_heard_of_again(self):
        self.fail()
        self.run_.tell_unheard()
        self.assertIn("FAIL writes                       no sums, log", self.said.getvalue())

    def test_too_many(self):
        for number in range(FAILED_ONCE):
            self.run_.tasks[f"other{number}"] = mock.Mock(failed=True)
        self.fail()
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})
        self.assertEqual(self.queued(), ["995-own-nvme"])

    def test_somebody_looks_at_it(self):
        self.run_.lab.only = {"writes"}
        self.fail()
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})


class GuestThatStandsStill(OneHost):
    def setUp(self):
        super().setUp()
        self.host.take(self.nvme)
        self.log = self.run_.lab.logs / "nvme.hung.log"

    def stand(self, line, log, text):
        (self.host.folder / "logs" / log).write_text(text)
        self.step(line)

    def test_tries_in_one_host(self):
        for number in ("one", "two"):
            self.stand("again nvme 0", "nvme.hung.log", f"{number}\n")
        self.step("ok reads 1", "fail writes 1 why")
        self.assertEqual(self.log.read_text(), "one\ntwo\n")
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})
        self.run_.results.tell_tries(self.run_.anew)
        self.assertIn("again reads                       a guest stood still or crashed,"
                      f" see {self.log}; it passed on its third try\n", self.said.getvalue())

    def stuck(self):
        self.step("ok reads 1")
        self.stand("stuck nvme 0", "nvme.log", "stuck\n")
        self.step("fail writes 7 it did not report")

    def test_another_host_tries_it(self):
        self.stuck()
        self.assertEqual(self.told, {"reads": "ok"})
        self.assertEqual(self.queued(), ["994-nvme", "995-own-nvme"])
        self.assertEqual(self.log.read_text(), "stuck\n")
        self.host.take(self.run_.tasks["own-nvme"])
        self.step("fail own 1 of its own", "end 0 1")
        self.assertEqual(self.told["own"], "fail")
        self.host.kill()
        self.run_.step()
        self.assertTrue(self.run_.start_next())
        other, = self.run_.alive
        self.assertEqual(other.name, "host1")
        other.take(self.nvme)
        other.say("ok reads 1", "ok writes 1")
        self.run_.step()
        self.assertEqual(self.told["writes"], "ok")

    def test_once(self):
        self.stuck()
        self.host.take(self.nvme)
        self.stuck()
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})
        self.assertEqual(self.queued(), ["995-own-nvme"])

    def test_too_many(self):
        for number in range(GIVEN_BACK):
            self.run_.tasks[f"other{number}"] = mock.Mock(guests_hung=True)
        self.stuck()
        self.assertEqual(self.told, {"reads": "ok", "writes": "fail"})
        self.assertEqual(self.queued(), ["995-own-nvme"])

    def test_no_other_host(self):
        self.stuck()
        self.run_.tell_unheard()
        self.assertIn("FAIL writes                       it did not report, log",
                      self.said.getvalue())

    def test_host_hangs_then(self):
        self.stuck()
        self.host.kill()
        self.step()
        self.assertEqual(self.queued(), ["994-nvme", "995-own-nvme"])
        self.assertFalse(self.nvme.host_hung)
