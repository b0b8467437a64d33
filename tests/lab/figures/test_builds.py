# SPDX-License-Identifier: BSD-3-Clause
"""The monitor of another commit: built in a work tree, kept, refused."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from figures.builds import NoBuild, build

MAKEFILE = "all:\n\tmkdir -p build\n\techo $(MAKEFLAGS) > build/flags\n\tcp monitor build/ferry\n"


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.git("init", "-q")
        (self.top / ".gitignore").write_text("build\n")
        self.commit("first")
        self.commit("second")

    def git(self, *words):
        return subprocess.run(["git", "-C", self.top, "-c", "user.name=a", "-c", "user.email=a@b.c",
                               *words], check=True, stdout=subprocess.PIPE, text=True).stdout

    def commit(self, monitor, makefile=MAKEFILE):
        (self.top / "monitor").write_text(monitor)
        (self.top / "Makefile").write_text(makefile)
        self.git("add", ".")
        self.git("commit", "-q", "-m", monitor)

    def build(self, name):
        lab = SimpleNamespace(top=self.top, arch="any", ferry=self.top / "build/ferry")
        return build(lab, name)

    def refused(self, name):
        with self.assertRaises(NoBuild) as caught:
            self.build(name)
        return str(caught.exception)

    def test_built_and_kept(self):
        for _ in range(2):
            with mock.patch.dict(os.environ, {"MAKEFLAGS": "n", "MAKELEVEL": "1"}):
                number, ferry = self.build("HEAD~1")
            self.assertEqual(number, self.git("rev-parse", "HEAD~1").strip())
            self.assertEqual(ferry.read_text(), "first")
            self.assertTrue(ferry.is_relative_to(self.top / "build/bench/trees" / number))
        self.assertEqual(self.build("HEAD")[1].read_text(), "second")

    def test_its_tree_was_removed(self):
        _, ferry = self.build("HEAD")
        subprocess.run(["rm", "-r", self.top / "build"], check=True)
        self.assertEqual(self.build("HEAD")[1], ferry)

    def test_refused(self):
        self.assertEqual(self.refused("none"), "there is no commit 'none'")
        self.commit("third", "all:\n\t@exit 3\n")
        self.assertRegex(self.refused("HEAD"), "^no monitor can be built, try make in .*Error 3$")
        self.commit("fourth", "all:\n\t@true\n")
        self.assertRegex(self.refused("HEAD"), "^no monitor can be built, .*: there is no monitor")


if __name__ == "__main__":
    unittest.main()
