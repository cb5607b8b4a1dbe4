"""The rig hands on what its program says and how it ends, and leaves nothing behind; skipped where it can't run."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from requirements import Missing, require, require_file

RIG = Path(__file__).resolve().with_name("lvm_rig.py")
SKIPPED, TOOK_TOO_LONG = 77, 124


class Rig(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="basecache-rig.")
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)
        self.rigs = self.directory / "rigs"  # where the rig keeps what it makes
        self.rigs.mkdir()

    def run_rig(self, script: str, **environment: str) -> subprocess.CompletedProcess:
        program = self.directory / "program.sh"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        done = subprocess.run([sys.executable, RIG, program, "an argument"], text=True, capture_output=True,
                              env=os.environ | environment | {"TMPDIR": str(self.rigs)})
        if done.returncode == SKIPPED:
            self.skipTest(done.stdout.strip())
        self.assertEqual(list(self.rigs.iterdir()), [], "the rig left something behind")
        self.assertEqual(processes_with(str(self.rigs)), [])
        return done

    def test_the_programs_words_and_its_exit_code_come_out_and_it_has_a_volume_group_of_its_own(self):
        done = self.run_rig('echo "$1"; lvm vgs --noheadings -o vg_name,lv_count "$BASECACHE_TEST_VOLUME_GROUP"; exit 3')
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^an argument\n +basecache-test-\d+ +0 *\n$")

    def test_a_program_that_goes_on_for_too_long_is_ended(self):
        done = self.run_rig("exec tail -f /dev/null", BASECACHE_TEST_SECONDS="2")
        self.assertEqual(done.returncode, TOOK_TOO_LONG, done.stdout + done.stderr)
        self.assertIn("it took longer than 2 s", done.stderr)

    def test_what_is_missing_is_named_with_what_installs_it(self):
        with self.assertRaisesRegex(Missing, r"no-such-program\): tools/install-packages.sh lvm"):
            require("lvm", "LVM", "sh", "no-such-program")
        with self.assertRaisesRegex(Missing, r"no-such-file\): tools/install-packages.sh lvm"):
            require_file("lvm", "kernel", "/no-such-file")


def processes_with(word: str) -> list[str]:
    found: list[str] = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word in Path(f"/proc/{pid}/cmdline").read_text(errors="replace"):
                found.append(pid)
        except OSError:
            pass  # ended meanwhile
    return found


if __name__ == "__main__":
    unittest.main(verbosity=2)
