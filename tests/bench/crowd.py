"""Many requests to the agent's socket at the same time, by one thread: a client that costs next to nothing."""

import json
import selectors
import socket
import time
from pathlib import Path

from harness import new_uuid

PATIENCE = 600.0
LARGEST_READ = 1 << 16


class _Call:
    def __init__(self, path: Path, request: dict):
        body = json.dumps(request).encode()
        head = (f"POST /v1/instances/{new_uuid()}/disks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        self._request = head.encode() + body
        self._answer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self) -> None:
        self.began = time.monotonic()
        self._socket.sendall(self._request)

    def take(self) -> bool:
        """What there is to read; whether that was the end."""
        received = self._socket.recv(LARGEST_READ)
        self._answer += received
        self.ended = time.monotonic()
        return not received

    def close(self) -> None:
        self._socket.close()

    def seconds(self) -> float:
        if not self._answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"a creation failed: {self._answer.decode(errors='replace')}")
        return self.ended - self.began


def create_at_once(path: Path, request: dict, count: int) -> list[float]:
    """The seconds of each of so many creations, from the request's first byte to the answer's last."""
    calls = [_Call(path, request) for _ in range(count)]
    try:
        with selectors.DefaultSelector() as selector:
            for call in calls:
                selector.register(call, selectors.EVENT_READ)
            for call in calls:
                call.send()
            _wait_for_all(selector)
        return [call.seconds() for call in calls]
    finally:
        for call in calls:
            call.close()


def _wait_for_all(selector: selectors.BaseSelector) -> None:
    while selector.get_map():
        ready = selector.select(PATIENCE)
        if not ready:
            raise RuntimeError(f"no answer of {len(selector.get_map())} creations in {PATIENCE:.0f} s")
        for key, _ in ready:
            if key.fileobj.take():
                selector.unregister(key.fileobj)
