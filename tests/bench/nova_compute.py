"""Nova's own code in a process of its own (nova_peer.py), started once: what it takes to import it isn't measured."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from contest import ProcessCost
from figures import Sample
from harness import cache_key
from process import environment

PROGRAM = Path(__file__).with_name("nova_peer.py")
PYTHON = "/usr/bin/python3"  # the distribution's, which has its packages


class NovaCompute:
    """A context manager. openrc: the OS_* variables; without them there are no images."""

    def __init__(self, openrc: dict[str, str] | None = None):
        self._openrc = openrc or {}

    def __enter__(self):
        self._state = Path(tempfile.mkdtemp(prefix="basecache-nova."))
        self._log = open(self._state / "stderr", "wb")
        self._process = subprocess.Popen(
            [PYTHON, PROGRAM, self._state], text=True, env=environment(**{**self._openrc, "HOME": self._state}),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self.version = self._answer()["ready"]
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()  # it ends then
        self._process.wait()
        self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self._state)

    def create(self, instances: Path, image: str, images_type: str, request: dict, count: int = 1) -> list[Sample]:
        """All of them at once, as far as nova-compute does anything at once."""
        return self._work({"work": "create", "instances_path": str(instances), "image": image, "images_type": images_type,
                           "flavor": request["flavor"], "config_drive": request.get("config_drive", False), "count": count})

    def prune(self, instances: Path, known: list[tuple[str, str]]) -> list[Sample]:
        """known: the UUIDs of the instances with their images'."""
        return self._work({"work": "prune", "instances_path": str(instances), "instances": known})

    @staticmethod
    def remove_instances(instances: Path) -> None:
        for folder in instances.glob("*-*-*-*-*"):
            shutil.rmtree(folder)

    @staticmethod
    def forget(instances: Path, image: str) -> None:
        (instances / "_base" / cache_key(image)).unlink(missing_ok=True)

    def _work(self, request: dict) -> list[Sample]:
        cost = ProcessCost(self._process.pid)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return cost.samples(self._answer()["seconds"])

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            self._log.flush()
            said = (self._state / "stderr").read_text(errors="replace")[-4000:]
            raise RuntimeError(f"Nova's code ended: {said}")
        return json.loads(line)


def is_installed() -> bool:
    return subprocess.run([PYTHON, "-c", "import nova.virt.libvirt.driver"], env=environment(), capture_output=True).returncode == 0
