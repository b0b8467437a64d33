# SPDX-License-Identifier: BSD-3-Clause
"""A run's settings and their refusals, QEMU's options for each kind of host, what hosts share."""

import os
from unittest import mock

from runner import machine
from runner.fake_lab import HERE, LabTest
from runner.hosts import make_share
from runner.tasks import Kind


class Settings(LabTest):
    def test_values(self):
        lab = self.lab()
        self.assertEqual(lab.values["lab_qemu"], "qemu-system-x86_64")
        self.assertEqual(lab.values["lab_machine"].split()[:3], ["-machine", "q35", "-cpu"])
        self.assertEqual(lab.offers("kernels"), ["6.12", "6.12-iommufd", "7.3", "7.3-iommufd"])
        self.assertEqual(lab.offers("machines"), ["newer", "newest"])

    def test_another_architecture(self):
        self.arch = "aarch64"
        lab = self.lab()
        self.assertEqual(len(lab.values["lab_machine"].split()), 4)
        self.assertEqual(lab.offers("kernels"), ["6.12-iommufd", "7.3", "7.3-iommufd", "7.3-16k"])
        self.assertEqual(lab.logs.name, "aarch64")

    def test_slow(self):
        with mock.patch.dict(os.environ, {"LAB_SLOW": "3"}):
            self.assertEqual(self.lab().slow, 3)
            self.arch = "aarch64"
            self.assertEqual(self.lab().slow, 6)

    def test_jobs(self):
        self.assertEqual(self.lab(jobs="7").jobs, 7)
        for mib, cores, jobs in ((9000, 4, 2), (8000, 4, 1), (9000, 1, 1)):
            with mock.patch("runner.lab.free_mib", lambda: mib), \
                    mock.patch("os.sched_getaffinity", lambda _: range(cores)):
                self.assertEqual(self.lab().jobs, jobs)

    def test_room_beside_another_run(self):
        pid = str(os.getpid())
        for cores, mib, jobs, rest in ((2, 9000, 2, 1), (4, 13000, 2, 2), (4, 9000, 2, 1),
                                       (1, 9000, 1, 0), (2, 5000, 1, 0), (2, 3000, 1, 0)):
            with mock.patch("runner.lab.free_mib", lambda: mib), \
                    mock.patch("os.sched_getaffinity", lambda _: range(cores)):
                self.assertEqual(self.lab().room(), jobs)
                self.assertEqual(self.lab(beside=pid).room(), rest)
                self.assertEqual(self.lab(beside="0").room(), jobs)  # it has ended

    def test_refused(self):
        for wrong, why in (({"jobs": "none"}, "--jobs none: it is a number of hosts"),
                           ({"jobs": "0"}, "--jobs 0: it is"),
                           ({"until": "noon"}, "--until noon: it is a number"),
                           ({"beside": "me"}, "--beside me: it is a number"),
                           ({"machine": "older"}, "--machine older: there is none of that name"),
                           ({"monitor": "vmm"}, "--monitor vmm: it is ferry or qemu")):
            with self.assertRaises(SystemExit):
                self.lab(**wrong)
            self.assertIn(f"lab: {why}", self.said.getvalue())
        self.arch = "mips"
        self.assertIn("lab: no lab for architecture mips\n", self.refused(self.lab))


class Machine(LabTest):
    def words(self, kind=Kind(), **more):
        return " ".join(machine.command(self.lab_, "host0", kind, **more))

    def setUp(self):
        super().setUp()
        self.lab_ = self.lab()

    def test_usual(self):
        words = self.words()
        self.assertTrue(words.startswith("qemu-system-x86_64 -name lab-host0 "))
        self.assertIn(" -accel tcg,thread=multi -smp 2 -m 3072 ", words)
        self.assertIn(f" -serial file:{self.lab_.logs}/host0.console.log ", words)
        self.assertIn(" quiet lab.host=host0 lab.queue=:::: ", words)
        self.assertTrue(words.endswith("virtserialport,bus=ports.0,chardev=gdb,name=gdb"))
        for other in ("xhci", "mount_tag=qemu", "{", "None"):
            self.assertNotIn(other, words)

    def test_other_kinds(self):
        self.assertIn("vmlinuz-host6.12 ", self.words(Kind(kernel="6.12")))
        self.assertIn(" -device qemu-xhci,id=xhci ", self.words(Kind(devices="more")))
        self.assertNotIn("sriov", self.words(Kind(devices="more")))
        self.assertIn(",sriov_max_vfs=2,", self.words(Kind(devices="functions")))
        self.assertIn(" -m 8192 ", self.words(Kind(memory="8192")))
        self.assertIn(" -icount shift=0 -smp 1 ", self.words(Kind(clock="icount")))
        self.assertIn(" -device pcie-root-port,id=slot0,", self.words(Kind(devices="slots")))

    def test_unpacked(self):
        library = self.here / "usr/lib/any-linux-gnu"
        library.mkdir(parents=True)
        (library / "ld-linux-any.so.2").write_text("")
        (self.here / "usr/bin").mkdir()
        (self.here / "usr/bin/qemu").write_text("")
        self.lab_.roots["newer"] = self.here
        machine.bundle(self.here)
        machine.bundle(self.here)
        self.assertTrue((library / "qemu-bundle/usr/bin/qemu").exists())
        self.assertTrue(self.words(Kind(machine="newer")).startswith(
            f"{library}/ld-linux-any.so.2 --library-path {library} {self.here}/usr/bin/qemu"))
        self.assertTrue(self.words(Kind(machine="newest")).startswith("qemu-system-x86_64 "))

    def test_shell_and_peer(self):
        self.lab_.qemu_root = self.here
        words = self.words(shell=True)
        self.assertIn(" -serial mon:stdio -echr 0x1d ", words)
        self.assertIn(" quiet lab.shell lab.host=", words)
        self.assertIn(f"id=qemu,path={self.here},", words)


class Share(LabTest):
    def setUp(self):
        super().setUp()
        (self.here / "l1").symlink_to(HERE / "l1")
        self.scenario("nvme", "scenarios: reads")

    def lab_with_sums(self, **options):
        lab = self.lab(ferry=self.here / "ferry", **options)
        for name in ("disk", "tftp"):
            (lab.images / f"{name}.sha256").write_text(f"{name}-sum\n")
        return lab

    def test_what_hosts_find(self):
        lab = self.lab_with_sums(monitor="qemu")
        self.assertIn("ferry is not there: run make", self.refused(make_share, lab))
        lab.ferry.write_text("")
        lab.ferry.chmod(0o755)
        (lab.share / "queue").mkdir(exist_ok=True)
        (lab.share / "queue/old").write_text("")
        make_share(lab)
        self.assertEqual(list((lab.share / "queue").iterdir()), [])
        for name in ("l1/main", "l1/x86_64.inc", "scenarios/nvme.sh", "overlay/bin/ferry"):
            self.assertTrue((lab.share / name).exists(), name)
        settings = (lab.share / "settings").read_text()
        self.assertIn("export LAB_MONITOR=/share/l1/qemu\n", settings)
        self.assertIn("export LAB_DISK_SHA256=disk-sum\n", settings)
        self.assertIn("export LAB_MONITORS=ferry\n", settings)
        self.assertFalse((lab.share / "overlay/bin/rival").exists())

    def test_bench(self):
        lab = self.lab_with_sums(rival=self.here / "other")
        for file in (lab.ferry, lab.rival):
            file.write_text(file.name)
            file.chmod(0o755)
        with mock.patch.dict(os.environ, {"LAB_MONITORS": "ferry rival"}):
            make_share(lab)
        settings = (lab.share / "settings").read_text()
        self.assertIn("export LAB_MONITORS='ferry rival'\n", settings)
        self.assertEqual((lab.share / "overlay/bin/rival").read_text(), "other")
