"""A program called lvm that stops at a chosen place, until the daemon that runs it is killed."""

import os
import select
import shutil
from pathlib import Path

from harness import PATIENCE

# Tells that it is there and waits for ever; the kernel ends it with its daemon.
SCRIPT = """#!/bin/sh
stop() {{ echo >"{reached}"; read -r never <"{never}"; }}
[ "$1" != {verb} ] || [ {place} != before ] || stop
{real} "$@"
status=$?
[ "$1" != {verb} ] || [ {place} != after ] || stop
exit $status
"""


class StoppedLvm:
    def __init__(self, folder: Path, verb: str, place: str):
        """`place`: before the verb's first command has done anything, or after it has."""
        self._reached, never = folder / "reached", folder / "never"
        folder.mkdir()
        for pipe in (self._reached, never):
            os.mkfifo(pipe)
        program = folder / "lvm"
        program.write_text(SCRIPT.format(reached=self._reached, never=never, verb=verb, place=place, real=shutil.which("lvm")))
        program.chmod(0o755)
        # Open for both, so that no end waits for the other and `never` never ends.
        self._pipes = [os.open(pipe, os.O_RDWR) for pipe in (self._reached, never)]
        self.path = f"{folder}:{os.environ['PATH']}"

    def wait_reached(self) -> None:
        ready, _, _ = select.select([self._pipes[0]], [], [], PATIENCE)
        if not ready:
            raise AssertionError("lvm was never run so far")

    def close(self) -> None:
        for pipe in self._pipes:
            os.close(pipe)
