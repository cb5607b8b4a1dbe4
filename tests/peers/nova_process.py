"""Nova's own code in a process of its own (nova_disks.py), for a story; it ends with the story."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import ROOT, Story

PYTHON = "/usr/bin/python3"  # the distribution's, which has its packages
PROGRAM = Path(__file__).with_name("nova_disks.py")


def require_nova() -> None:
    if subprocess.run([PYTHON, "-c", "import nova.virt.libvirt.driver"], capture_output=True).returncode != 0:
        raise unittest.SkipTest("python3-nova isn't installed: tools/install-packages.sh peers")


class Nova:
    """Of the story's instances_path unless `instances_path` says otherwise; `options` are of [DEFAULT], or "section.option"."""

    def __init__(self, story: Story, instances_path: Path | None = None, **options):
        self._story = story
        self._options = {"instances_path": str(instances_path or story.instances_path), **options}
        state = Path(tempfile.mkdtemp(prefix="nova.", dir=story.scratch))
        self._log = open(state / "stderr", "w+")
        self._process = subprocess.Popen(
            [PYTHON, PROGRAM, state], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env=story.environment(HOME="/dev/null", PYTHONPATH=f"{ROOT / 'tests/bench'}:{PROGRAM.parent}"))
        story.addCleanup(self._close)

    def _close(self) -> None:
        self._process.stdin.close()  # it ends then
        self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def ask(self, work: str, **request) -> tuple[object, list[str]]:
        """The answer, and what Nova has warned of."""
        request = {"work": work, "options": self._options, **request}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        told = json.loads(line) if line else {"error": "it ended"}
        if "error" in told:
            self._log.seek(0)
            self._story.fail(f"Nova's code can't do {work}: {told['error']}\n{self._log.read()[-4000:]}")
        return told["answer"], told["warnings"]

    def do(self, work: str, **request) -> object:
        """The answer; a warning fails the story."""
        answer, warnings = self.ask(work, **request)
        self._story.assertEqual(warnings, [], f"Nova warns while it does {work}")
        return answer
