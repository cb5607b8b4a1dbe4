"""Watches a `_base` directory through inotify: a visible file may only appear by a rename and is never written again."""

import ctypes
import os
import struct
from pathlib import Path

IN_MODIFY, IN_CLOSE_WRITE, IN_CREATE = 0x2, 0x8, 0x100
IN_NONBLOCK, IN_CLOEXEC = 0x800, 0x80000
EVENT = struct.Struct("iIII")
FORBIDDEN = {IN_MODIFY: "written after it was visible", IN_CLOSE_WRITE: "open for writing while visible",
             IN_CREATE: "created under its final name"}


class BaseWatch:
    def __init__(self, directory: Path):
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        mask = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE
        if self._fd < 0 or libc.inotify_add_watch(self._fd, os.fsencode(directory), mask) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self._violations: list[str] = []

    def violations(self) -> list[str]:
        """What happened to visible base files since the watch began and must not happen."""
        while events := self._read():
            at = 0
            while at < len(events):
                _, mask, _, length = EVENT.unpack_from(events, at)
                name = events[at + EVENT.size:at + EVENT.size + length].rstrip(b"\0").decode()
                at += EVENT.size + length
                self._judge(name, mask)
        return sorted(set(self._violations))

    def _judge(self, name: str, mask: int) -> None:
        if name.startswith(".") or name.endswith((".part", ".converted")):
            return
        self._violations += [f"{name}: {what}" for bit, what in FORBIDDEN.items() if mask & bit]

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self._fd)
