"""The agent that is measured, over its socket."""

import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Callable

from contest import ProcessCost
from crowd import create_at_once
from figures import Sample
from harness import CLI, DAEMON, Daemon, cache_key, new_uuid, tool
from process import environment
from socket_client import Client

END_WITH_US = ("setpriv", "--pdeathsig", "TERM")  # it becomes the daemon

class Agent:
    """A context manager: a daemon whose instances are in a folder. It must be there and is left behind."""

    def __init__(self, folder: Path, images_type: str = "qcow2", sections: dict[str, dict] | None = None):
        self.images_type = images_type
        self.instances = folder / "instances"
        self._config = folder / "basecache.conf"
        self._socket = folder / "agent.sock"
        for made in (self.instances, folder / "registry"):
            made.mkdir(exist_ok=True)
        merged = {"DEFAULT": {"instances_path": self.instances}, "libvirt": {"images_type": images_type},
                  "basecache": {"registry_directory": folder / "registry", "file_url_directories": folder,
                                "socket": self._socket, "domains": "none"}, **(sections or {})}
        self._config.write_text("".join(
            f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
            for section, options in merged.items()))
        self._steps: dict[str, list[dict[str, float]]] = defaultdict(list)

    def __enter__(self):
        self._daemon = Daemon([*END_WITH_US, DAEMON, "--config", self._config], environment())
        self.client = Client(self._socket)
        return self

    def __exit__(self, *_) -> None:
        self._daemon.close()

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def children(self) -> list[int]:
        return self._daemon.children()

    def create(self, request: dict) -> dict:
        """The answer; it has succeeded."""
        answer = self.client.create(new_uuid(), request)
        if answer.status != 200:
            raise RuntimeError(f"the creation of {request} failed: {answer.body}")
        self._note_steps(request["image_ref"], answer.body)
        return answer.body

    def timed_create(self, request: dict) -> list[Sample]:
        return self.timed_creates_in_turn(request, 1)

    def timed_creates(self, request: dict, count: int) -> list[Sample]:
        """All at once."""
        cost = ProcessCost(self.pid)
        return cost.samples(create_at_once(self._socket, request, count))

    def timed_creates_in_turn(self, request: dict, count: int) -> list[Sample]:
        cost = ProcessCost(self.pid)
        return cost.samples([self._seconds(lambda: self.create(request)) for _ in range(count)])

    def timed_prune(self) -> list[Sample]:
        cost = ProcessCost(self.pid)
        return cost.samples([self._seconds(self.client.prune)])

    def timed_command(self, *words: str) -> list[Sample]:
        """A command of the command line, from its start to its end."""
        cost = ProcessCost(self.pid)
        return cost.samples([self._seconds(lambda: tool(CLI, "--config", self._config, *words))])

    @staticmethod
    def _seconds(work: Callable[[], object]) -> float:
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def remove_instances(self) -> None:
        for folder in self.instances.glob("*-*-*-*-*"):
            answer = self.client.delete(folder.name)
            if answer.status not in (200, 204):
                raise RuntimeError(f"the removal of {folder} failed: {answer.body}")

    def forget(self, image_ref: str) -> None:
        """The next creation of it is a cold one."""
        answer = self.client.request("DELETE", f"/v1/cache/{cache_key(image_ref)}")
        if answer.status not in (200, 204, 404):
            raise RuntimeError(f"the base file of {image_ref} isn't removed: {answer.body}")

    def taken_steps(self, image_ref: str) -> dict[str, float]:
        """Median seconds of each step of that image's creations, one at a time, since the last call."""
        taken = self._steps.pop(image_ref, [])
        names = list(dict.fromkeys(name for steps in taken for name in steps))
        return {name: statistics.median([steps.get(name, 0.0) for steps in taken]) for name in names}

    def _note_steps(self, image_ref: str, body: dict) -> None:
        steps: dict[str, float] = {}
        for step in body["steps"]:
            steps[step["name"]] = steps.get(step["name"], 0.0) + step["seconds"]
        self._steps[image_ref].append(steps)
