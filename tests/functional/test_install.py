"""What "meson install" puts where, and that the units it installs are what systemd takes."""

import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import service_unit
from harness import CLI, DAEMON, ROOT, Story, tool

BUILD = Path(os.environ.get("BASECACHE_BUILD", ROOT / "build"))
UNITS = ROOT / "packaging/systemd"
# What may be left open of each service, in tenths, by "systemd-analyze security".
EXPOSURE = {"basecached.service": 30, "basecache-prune.service": 10}


@unittest.skipUnless(shutil.which("meson"), "meson isn't installed: tools/install-packages.sh build")
class Installation(Story):
    def install(self) -> Path:
        tool("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", self.scratch / "root")
        return self.scratch / "root"

    def directory(self, name: str) -> str:
        """As the build was configured; relative ones are below its prefix."""
        options = {option["name"]: option["value"] for option in json.loads(tool("meson", "introspect", "--buildoptions", BUILD))}
        return os.path.join(options["prefix"], options[name]).lstrip("/")

    def test_everything_has_its_place(self):
        root = self.install()
        units = Path(self.directory("prefix")) / "lib/systemd/system"
        examples = Path(self.directory("datadir")) / "doc/basecache/examples"
        expected = {
            Path(self.directory("sbindir")) / "basecached": 0o755,
            Path(self.directory("bindir")) / "basecache": 0o755,
            Path(self.directory("sysconfdir")) / "basecache/basecached.conf": 0o644,
            units / "basecached.service": 0o644,
            units / "basecache-prune.service": 0o644,
            units / "basecache-prune.timer": 0o644,
            examples / "basecached.service.d/lvm.conf": 0o644,
            examples / "cron.d/basecache": 0o644,
        }
        found = {path.relative_to(root): path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}
        self.assertEqual(found | expected, found)
        self.assertFalse((root / "etc/cron.d").exists(), "cron would run it at once, beside the daemon's own prune")

    def test_a_configuration_that_is_there_stays(self):
        config = self.install() / self.directory("sysconfdir") / "basecache/basecached.conf"
        self.assertEqual(config.read_text(), (ROOT / "packaging/basecached.conf").read_text())
        config.write_text("[basecache]\nlog_level = debug\n")
        self.install()
        self.assertEqual(config.read_text(), "[basecache]\nlog_level = debug\n")


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd isn't installed: tools/install-packages.sh test")
class Units(Story):
    def setUp(self) -> None:
        super().setUp()
        for unit in UNITS.glob("basecache*"):  # with the programs where they are now
            text = unit.read_text().replace("/usr/sbin/basecached", str(DAEMON)).replace("/usr/bin/basecache ", f"{CLI} ")
            (self.scratch / unit.name).write_text(text)

    def test_systemd_has_nothing_to_say_of_them(self):
        units = sorted(self.scratch.glob("basecache*"))
        self.assertEqual([unit.name for unit in units],
                         ["basecache-prune.service", "basecache-prune.timer", "basecached.service"])
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], text=True, capture_output=True)
        ours = [line for line in done.stderr.splitlines() if "basecache" in line]  # the machine's others are its own affair
        self.assertEqual((done.returncode, ours), (0, []), done.stderr)

    def test_little_is_left_open(self):
        for unit, most in EXPOSURE.items():
            with self.subTest(unit):
                tool("systemd-analyze", "security", "--offline=true", f"--threshold={most}", "--no-pager", self.scratch / unit)

    def prune_words(self) -> list[str]:
        """The arguments of the timer's command."""
        lines = service_unit.PRUNE_UNIT.read_text().splitlines()
        words = next(line for line in lines if line.startswith("ExecStart=")).removeprefix("ExecStart=").split()
        self.assertEqual(words[0], "/usr/bin/basecache")
        return words[1:]

    def test_the_timers_command_is_one_and_tells_a_daemon_that_is_down(self):
        self.daemon()
        done = self.cli("--socket", self.scratch / "agent.sock", *self.prune_words())
        self.assertEqual(done, (0, "", ""))
        done = self.cli("--socket", self.scratch / "nobody.sock", *self.prune_words())
        self.assertEqual((done.code, done.out), (10, ""))
        self.assertIn("nobody.sock", done.err)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("strace"), "takes root and strace")
    def test_the_timers_command_needs_no_capability_and_only_the_system_calls_that_its_unit_allows(self):
        self.daemon()
        trace = self.scratch / "trace"
        command = [*service_unit.with_capabilities([]), "strace", "-f", "-qq", "-e", "signal=none", "-o", trace, CLI, "--config",
                   self.config(), "--socket", self.scratch / "agent.sock", *self.prune_words()]
        self.assertEqual(tool(*command), "")
        made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
        self.assertIn("connect", made)
        self.assertEqual(made - service_unit.system_calls(service_unit.PRUNE_UNIT), set())


if __name__ == "__main__":
    unittest.main()
