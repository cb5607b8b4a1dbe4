"""A scripted HTTP server of images on a free port of the loopback: counts requests and misbehaves on demand.

Each path has a list of replies; each GET takes the next one, the last one stays. A reply is a function of the handler.
"""

import select
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable

BLOCK = 1 << 16
PATIENCE = 120.0


class Gate:
    """Holds a transfer in the middle of its body until it is opened, or its client has gone."""

    def __init__(self):
        self.reached = threading.Event()
        self.client_gone = threading.Event()
        self._opened, self._opener = socket.socketpair()

    def open(self) -> None:
        try:
            self._opener.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # open already

    def close(self) -> None:
        self.open()
        self._opened.close()
        self._opener.close()

    def hold(self, client: socket.socket) -> bool:
        """Whether it was opened; False when the client went away first."""
        self.reached.set()
        ready, _, _ = select.select([client, self._opened], [], [], PATIENCE)
        if self._opened in ready:
            return True
        self.client_gone.set()
        return False

    def wait_reached(self) -> None:
        if not self.reached.wait(PATIENCE):
            raise AssertionError("the transfer never reached the gate")

    def wait_client_gone(self) -> None:
        if not self.client_gone.wait(PATIENCE):
            raise AssertionError("the transfer was not stopped")


Reply = Callable[["_Handler"], None]


def whole(content: bytes) -> Reply:
    def reply(handler: "_Handler") -> None:
        handler.head(200, len(content))
        handler.wfile.write(content)
    return reply


def status(code: int, content: bytes = b"", **headers: str) -> Reply:
    def reply(handler: "_Handler") -> None:
        handler.head(code, len(content), **headers)
        handler.wfile.write(content)
    return reply


def html(code: int = 200) -> Reply:
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
    return status(code, page, Content_Type="text/html; charset=utf-8")


def truncated(content: bytes, at: int) -> Reply:
    """Promises everything, sends `at` bytes, hangs up."""
    def reply(handler: "_Handler") -> None:
        handler.head(200, len(content))
        handler.wfile.write(content[:at])
        handler.hang_up()
    return reply


def gated(content: bytes, gate: Gate, at: int | None = None) -> Reply:
    def reply(handler: "_Handler") -> None:
        middle = len(content) // 2 if at is None else at
        handler.head(200, len(content))
        handler.wfile.write(content[:middle])
        handler.wfile.flush()
        if gate.hold(handler.connection):
            handler.wfile.write(content[middle:])
        else:
            handler.hang_up()
    return reply


def endless() -> Reply:
    def reply(handler: "_Handler") -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"\1" * BLOCK)
        except OSError:
            handler.server.images.endless_stopped.set()
    return reply


def redirect(target: str) -> Reply:
    return status(302, Location=target)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def head(self, code: int, length: int, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()

    def do_GET(self) -> None:
        reply = self.server.images.next_reply(self.path, self.headers)
        try:
            reply(self)
        except OSError:
            self.close_connection = True  # the client went away; stories look for that themselves

    def do_HEAD(self) -> None:
        self.server.images.count_head(self.path)
        self.head(405, 0)

    def log_message(self, *_) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address) -> None:
        pass


class ImageServer:
    def __init__(self):
        self._replies: dict[str, list[Reply]] = {}
        self._gates: list[Gate] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.images = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.gets: Counter[str] = Counter()
        self.requests: list[dict[str, str]] = []
        self.endless_stopped = threading.Event()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(self, path: str, *replies: Reply | bytes | Path) -> str:
        """Sets what that path answers from now on; its URL."""
        with self._lock:
            self._replies[path] = [self._as_reply(reply) for reply in replies]
        return self.url(path)

    @staticmethod
    def _as_reply(reply: Reply | bytes | Path) -> Reply:
        if isinstance(reply, Path):
            reply = reply.read_bytes()
        return whole(reply) if isinstance(reply, bytes) else reply

    def gate(self) -> Gate:
        gate = Gate()
        self._gates.append(gate)
        return gate

    def next_reply(self, path: str, headers) -> Reply:
        with self._lock:
            self.gets[path] += 1
            self.requests.append({"path": path, **{name.lower(): value for name, value in headers.items()}})
            replies = self._replies.get(path)
            if replies is None:
                return status(404, b"no such image\n")
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def count_head(self, path: str) -> None:
        with self._lock:
            self.requests.append({"path": path, "method": "HEAD"})

    def close(self) -> None:
        for gate in self._gates:
            gate.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
