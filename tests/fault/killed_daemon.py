"""A daemon that is killed as by kill -9 in the middle of its work, at a chosen system call (strace injects it)."""

import http.client
import os
import signal
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
        eventually(lambda: daemon.is_ready() or daemon.has_ended(), "the daemon starting or dying")
        survived = daemon.is_ready() and self._is_done(work, client)
        if survived:
            for pid in daemon.children():  # strace's
                os.kill(pid, signal.SIGTERM)
        daemon.wait()
        (self.scratch / "traced.sock").unlink(missing_ok=True)
        return not survived

    @staticmethod
    def _is_done(work: Callable[[Client], None], client: Client) -> bool:
        """False when the daemon went away meanwhile."""
        try:
            work(client)
            return True
        except (OSError, EOFError, http.client.HTTPException):
            return False
