# SPDX-License-Identifier: BSD-3-Clause
"""Heads of scenario files, kinds of hosts and their refusals, what --only selects, queues."""

from runner.fake_lab import LabTest
from runner.tasks import Kind, asked_kind, queued_seconds, select


class Heads(LabTest):
    def test_names_and_kind(self):
        self.scenario("ports", "scenarios: one two", "scenarios: three", "host-devices: more",
                      "host-memory: 4096", "seconds: 70", "symbols: cloud", "guests: tiny",
                      "selftests: vfio", "program: walls")
        task, = select(self.lab())
        self.assertEqual(task.names, ["one", "two", "three"])
        self.assertEqual(task.kind, Kind(devices="more", memory="4096"))
        self.assertEqual((task.seconds, task.symbols, task.tiny, task.selftests, task.walls),
                         (70, True, True, True, True))

    def test_a_program_of_the_tests(self):
        self.scenario("device", "scenarios: one", "program: user-server", "seconds: 5")
        task, = select(self.lab())
        self.assertEqual((task.walls, task.user_server), (False, True))

    def test_also_on_another_kernel(self):
        self.scenario("nvme", "scenarios: reads", "also-on: 6.12", "seconds: 5")
        usual, other = select(self.lab(everything=True))
        self.assertEqual((usual.name, usual.names), ("nvme", ["reads"]))
        self.assertEqual((other.name, other.names), ("nvme@6.12", ["reads@6.12"]))
        self.assertEqual(other.kind, Kind("6.12"))

    def test_rows_that_show_something_new(self):
        self.scenario("nvme", "scenarios: reads", "also-on: 6.12", "seconds: 5")
        self.scenario("modes", "scenarios: msix", "also-on: 7.3", "new-on: 6.12: its vectors: one"
                      " by one", "seconds: 5")
        self.scenario("huge", "scenarios: huge", "host-kernel: 6.12", "seconds: 5")
        self.scenario("every", "scenarios: every", "tier: all", "seconds: 5")
        tasks = select(self.lab())
        self.assertEqual([task.name for task in tasks], ["huge", "modes", "modes@6.12", "nvme"])
        self.assertEqual(tasks[1].new_on, {"6.12": "its vectors: one by one"})
        self.assertEqual(len(select(self.lab(everything=True))), 7)

    def test_what_one_architecture_shows_for_both(self):
        self.scenario("nvme", "scenarios: reads", "tier-aarch64: all", "seconds: 5")
        for self.arch, names in (("x86_64", ["nvme"]), ("aarch64", [])):
            self.assertEqual([task.name for task in select(self.lab())], names)
            self.assertEqual([task.name for task in select(self.lab(everything=True))], ["nvme"])

    def test_what_is_new_on_one_architecture_repeats_on_the_other(self):
        self.scenario("nvme", "scenarios: reads", "also-on: 6.12 7.3", "new-on: 7.3-16k: pages",
                      "new-on-x86_64: 7.3: the newest", "seconds: 5")
        new = {}
        for self.arch in ("x86_64", "aarch64"):
            tasks = select(self.lab(everything=True))
            self.assertEqual(sorted(task.name for task in tasks),
                             ["nvme", "nvme@6.12", "nvme@7.3", "nvme@7.3-16k"])
            new[self.arch] = [task.name for task in select(self.lab())]
        self.assertEqual(new, {"x86_64": ["nvme", "nvme@7.3-16k", "nvme@7.3"],
                               "aarch64": ["nvme", "nvme@7.3-16k"]})

    def test_also_on_another_kernel_of_one_architecture(self):
        self.scenario("nvme", "scenarios: reads", "also-on: 6.12", "also-on-x86_64: 7.3",
                      "seconds: 5")
        names = {}
        for self.arch in ("x86_64", "aarch64"):
            names[self.arch] = [task.name for task in select(self.lab(everything=True))]
        self.assertEqual(names, {"x86_64": ["nvme", "nvme@6.12", "nvme@7.3"],
                                 "aarch64": ["nvme", "nvme@6.12"]})

    def test_some_names_are_absent(self):
        self.scenario("kernels", "scenarios: elf gzip zstd", "seconds: 5",
                      "not-on-x86_64: gzip zstd: a bzImage: it unpacks itself",
                      "not-on-aarch64: elf: no")
        task, = select(self.lab())
        self.assertEqual(task.names, ["elf"])
        self.assertEqual(task.absent["zstd"], "a bzImage: it unpacks itself")

    def test_usual_machine_that_is_new_enough(self):
        self.scenario("gdb", "scenarios: stops", "host-machine: newer", "seconds: 5")
        self.assertEqual(select(self.lab())[0].kind, Kind(machine="newer"))
        self.assertEqual(select(self.lab(machine="newest"))[0].kind, Kind(machine="newest"))
        self.arch = "aarch64"
        self.assertEqual(select(self.lab())[0].kind, Kind())


class HeadsOfAnotherArchitecture(LabTest):
    arch = "aarch64"

    def test_whole_file_is_absent(self):
        for name, *head in (("a", "not-on: aarch64: no timer"), ("b", "host-kernel: 6.12"),
                            ("c", "host-devices: slots"), ("d", "host-clock: icount")):
            self.scenario(name, f"scenarios: {name}", "seconds: 5", *head)
        tasks = select(self.lab())
        self.assertEqual([task.names for task in tasks], [[]] * 4)
        self.assertEqual([task.absent[task.name] for task in tasks],
                         ["no timer", "there is no host with kernel 6.12",
                          "there is no host with slots devices",
                          "there is no host with an icount clock"])


    def test_devices_of_the_second_tier(self):
        self.scenario("devices", "scenarios: reads", "host-devices: more", "seconds: 5")
        self.scenario("nvme", "scenarios: writes", "seconds: 5")
        self.assertEqual([task.name for task in select(self.lab())], ["nvme"])
        self.assertEqual([task.name for task in select(self.lab(everything=True))],
                         ["devices", "nvme"])


class Selection(LabTest):
    def setUp(self):
        super().setUp()
        self.scenario("nvme", "scenarios: reads writes", "also-on: 6.12", "seconds: 5")
        self.scenario("net", "scenarios: fetch gone", "not-on-x86_64: gone: no", "seconds: 5")

    def names(self, *only):
        return [task.name for task in select(self.lab(only=only))]

    def test_only(self):
        self.assertEqual(self.names(), ["net", "nvme"])
        self.assertEqual(self.names("writes"), ["nvme"])
        self.assertEqual(self.names("nvme@6.12", "fetch"), ["net", "nvme@6.12"])
        self.assertEqual(self.names("reads@6.12"), ["nvme@6.12"])
        self.assertEqual(self.names("gone"), ["net"])

    def test_one_host_does_for_usual_devices_and_more(self):
        for name, *head in (("a", "host-devices: more"), ("f", "host-machine: newer"),
                            ("b", "host-devices: functions", "host-machine: newer"),
                            ("c", "host-devices: slots", "host-machine: newest"),
                            ("d", "host-machine: newest"), ("e", "host-memory: 4096")):
            self.scenario(name, f"scenarios: {name}", "seconds: 5", *head)
        kinds = {task.name: str(task.kind) for task in select(self.lab(everything=True))}
        self.assertEqual(kinds, {"a": ":more:::", "b": ":functions:::newer",
                                 "c": ":slots:::newest", "d": "::::newest",
                                 "e": "::4096::", "f": ":functions:::newer",
                                 "net": ":more:::", "nvme": ":more:::", "nvme@6.12": "6.12::::"})
        self.assertEqual(str(select(self.lab(only=["nvme"]))[0].kind), "::::")

    def test_no_such_name(self):
        said = self.refused(self.names, "reads", "nothing")
        self.assertEqual(said, "lab: no scenario nothing; --list prints their names\n")

    def test_alone(self):
        (self.here / "demo.sh").write_text("# scenarios: demo\n# seconds: 20\n")
        self.assertEqual([task.name for task in select(self.lab(alone="demo"))], ["demo"])
        first, second = select(self.lab(alone="demo", rounds="0 1"))
        self.assertEqual((first.name, second.names, second.kind), ("demo@0", ["demo@1"], Kind()))


class Kinds(LabTest):
    def test_names(self):
        self.assertEqual(str(Kind()), "::::")
        self.assertEqual(Kind().host(), "host")
        self.assertEqual(str(Kind("6.12", "more")), "6.12:more:::")
        self.assertEqual(Kind("6.12", machine="newer").host(3), "host3-6.12-newer")

    def test_asked_for(self):
        for text, kind in (("", Kind()), ("::::", Kind()), ("6.12:more", Kind("6.12", "more")),
                           ("::1024", Kind(memory="1024")),
                           (":::icount:newer", Kind(clock="icount", machine="newer"))):
            self.assertEqual(asked_kind(text, self.lab()), kind)

    def test_refused(self):
        for text, why in (
                ("6.13", "there is no kernel '6.13': leave it empty, or say 6.12"),
                (":less", "there is no set of devices 'less': leave it empty, or say more or"),
                (":::fast", "there is no clock 'fast': leave it empty, or say icount"),
                ("::::older", "there is no machine 'older': leave it empty, or say newer or"),
                ("::12", "there is no memory '12': leave it empty, or say how many MiB, 1024 at"),
                ("::999", "1024 at least"), ("::1G", "there is no memory '1G'"),
                ("::9999999", "this machine has no more than"),
                ("::::newer:", "five fields at most")):
            self.assertIn(f"lab: --shell {text}: ", self.refused(asked_kind, text, self.lab()))
            self.assertIn(why, self.said.getvalue())

    def test_refused_where_there_is_no_other(self):
        self.arch = "aarch64"
        said = self.refused(asked_kind, ":::icount", self.lab())
        self.assertTrue(said.endswith("leave it empty\n"))


class Queues(LabTest):
    def test_longest_comes_first(self):
        for name, seconds in (("short", 5), ("long", 90), ("longer", 100)):
            self.scenario(name, f"scenarios: {name}-a {name}-b", f"seconds: {seconds}")
        lab = self.lab()
        for task in select(lab):
            task.enqueue(lab.share)
        queue = lab.share / "queue/::::"
        self.assertEqual(sorted(entry.name for entry in queue.iterdir()),
                         ["899-longer", "909-long", "994-short"])
        self.assertEqual((queue / "909-long").read_text(), "long-a\nlong-b\n")
        self.assertEqual(queued_seconds(lab.share, Kind()), 195)
        self.assertEqual(queued_seconds(lab.share, Kind("6.12")), 0)
