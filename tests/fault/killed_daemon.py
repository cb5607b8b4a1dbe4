"""A daemon that is killed as by kill -9 in the middle of its work, at a chosen system call (strace injects it)."""

import os
import signal
from pathlib import Path
from typing import Callable

from harness import eventually
from image_story import ImageStory
from socket_client import Client


class KilledDaemonStory(ImageStory):
    def killed_at(self, call: str, number: int, work: Callable[[Client], None]) -> bool:
        """Does the work with a daemon that is killed when it makes that call for the `number`th time, at its start or in the
        middle of the work; False when it never was."""
        wrapper = ["strace", "-f", "-qq", "-o", self.scratch / "trace", "-e", f"trace={call}",
                   "-e", f"inject={call}:signal=KILL:when={number}"]
        daemon, client = self.daemon(wrapper=wrapper, ready=False, socket="traced.sock")
        eventually(lambda: daemon.is_ready() or not self._alive(daemon), "the daemon starting or dying")
        if daemon.is_ready():
            try:
                work(client)
            except (ConnectionError, EOFError, OSError):
                pass
        died = not self._alive(daemon)
        if not died:
            self._stop_traced(daemon)
        (self.scratch / "traced.sock").unlink(missing_ok=True)
        return died

    @staticmethod
    def _alive(daemon) -> bool:
        """The traced daemon, strace's child, runs."""
        def runs_it(pid: int) -> bool:
            try:
                return "basecached" in Path(f"/proc/{pid}/comm").read_text()
            except OSError:
                return False  # ended while we looked
        return any(runs_it(pid) for pid in daemon.children())

    @staticmethod
    def _stop_traced(daemon) -> None:
        for pid in daemon.children():
            os.kill(pid, signal.SIGTERM)
        daemon.wait()
