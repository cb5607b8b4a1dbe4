"""The HTTP side of a scripted registry: records every request, gives it its faults, counts the bytes of every body."""

import select
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

from image_server import PATIENCE, Gate
from scripted_registry_faults import UNTOLD, Answer, Fault, send_whole

SEND_BUFFER = 1 << 17  # small: what is counted as sent isn't far ahead of what has arrived
KEPT_BODY = 1 << 20  # of an upload, in the record of its request


@dataclass
class Request:
    method: str
    path: str  # without the query
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""  # its first MiB


class Turn(NamedTuple):
    """What the next `times` requests get; None: every one."""

    faults: tuple[Fault, ...]
    times: int | None


class _Handler(BaseHTTPRequestHandler):
    """One connection; while it answers, the Exchange of its faults."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        server: ScriptedServer = self.server.scripted
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.request_now = Request(self.command, parts.path, parts.query, headers)
        self._upload = _Chunks(self.rfile) if "transfer-encoding" in headers else _Sized(self.rfile, headers)
        try:
            self._give(server, server._begin(self.request_now))
        except OSError:
            self.close_connection = True  # the client went away; stories look for that themselves

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def _give(self, server: "ScriptedServer", faults: tuple[Fault, ...]) -> None:
        hidden = {name for fault in faults for name in fault.hides}
        seen = {name: value for name, value in self.request_now.headers.items() if name not in hidden}
        instead = next((fault.instead for fault in faults if fault.instead), None)
        answer = instead(self) if instead else server.respond(self.request_now, seen, self.read_request())
        for fault in faults:
            if fault.changes:
                fault.changes(answer)
        next((fault.sends for fault in faults if fault.sends), send_whole)(self, answer)
        self.wfile.flush()

    # What Exchange asks for.

    def head(self, answer: Answer, length: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if length != UNTOLD and answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        self.end_headers()

    def write(self, part: bytes | memoryview) -> None:
        if self.command != "HEAD":
            self.connection.sendall(part)
            self.server.scripted._count_sent(self.request_now.path, len(part))

    def frame(self, part: bytes) -> None:
        self.connection.sendall(part)

    def hang_up(self) -> None:
        self.close_connection = True

    def linger(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)
        while self.connection.recv(1 << 16):
            pass

    def wait_client_gone(self) -> None:
        self.close_connection = True
        select.select([self.connection], [], [], PATIENCE)

    def hold(self, gate: Gate) -> bool:
        opened = gate.hold(self.connection)
        self.close_connection = self.close_connection or not opened
        return opened

    def read_request(self, size: int | None = None) -> bytes:
        content = self._upload.read_all(size)
        self.request_now.body += content[:KEPT_BODY - len(self.request_now.body)]
        self.server.scripted._count_received(self.request_now.path, len(content))
        return content

    def store(self, content: bytes) -> None:
        self.server.scripted.store(self.request_now.path, content)

    def log_message(self, *_) -> None:
        pass


class _Upload(ABC):
    """A request's body."""

    def __init__(self, stream):
        self._stream = stream

    @abstractmethod
    def read(self, size: int) -> bytes:
        """At most that much of it; nothing at its end."""

    def read_all(self, size: int | None) -> bytes:
        """That much of it, all when None."""
        parts, left = [], 1 << 62 if size is None else size
        while left > 0 and (part := self.read(min(left, 1 << 16))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


class _Sized(_Upload):
    def __init__(self, stream, headers: dict[str, str]):
        super().__init__(stream)
        self._left = int(headers.get("content-length", "0"))

    def read(self, size: int) -> bytes:
        part = self._stream.read(min(size, self._left))
        self._left -= len(part)
        return part


class _Chunks(_Upload):
    """http.server leaves Transfer-Encoding: chunked to us."""

    _left = 0
    _ended = False

    def read(self, size: int) -> bytes:
        if self._left == 0 and not self._ended:
            self._begin_chunk()
        part = self._stream.read(min(size, self._left))
        self._left -= len(part)
        if part and self._left == 0:
            self._stream.readline()
        return part

    def _begin_chunk(self) -> None:
        self._left = int(self._stream.readline().split(b";")[0].strip() or b"0", 16)
        if self._left == 0:
            self._ended = True
            while self._stream.readline().strip():
                pass  # trailers


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    tls: ssl.SSLContext | None = None

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if self.tls:  # the handshake is its thread's, so that a slow one holds up nobody
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address) -> None:
        pass


class ScriptedServer(ABC):
    """Answers as `respond` says, unless a request was given faults. On a free port of the loopback until `close`."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self._turns: dict[tuple[str, str], list[Turn]] = defaultdict(list)
        self._gates: list[Gate] = []
        self._changed = threading.Condition()
        self.requests: list[Request] = []
        self.sent: Counter[str] = Counter()  # bytes of bodies by path
        self.received: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.scripted, self._server.tls = self, tls
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @abstractmethod
    def respond(self, request: Request, headers: dict[str, str], content: bytes) -> Answer:
        """The right answer. `headers`: the request's, without those that a fault hides."""

    @abstractmethod
    def store(self, path: str, content: bytes) -> None:
        """As if that had been uploaded there."""

    @property
    def address(self) -> str:
        """scheme://host:port"""
        return f"{'https' if self._server.tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str) -> str:
        return self.address + path

    def misbehave(self, method: str, path: str, *faults: Fault, times: int | None = 1) -> None:
        """The next `times` such requests (None: all) get those faults; later calls follow. None: the right answer."""
        with self._changed:
            self._turns[method, path].append(Turn(faults, times))

    def behave(self) -> None:
        """Takes back every fault that wasn't used."""
        with self._changed:
            self._turns.clear()

    def gate(self) -> Gate:
        gate = Gate()
        self._gates.append(gate)
        return gate

    def asked(self, method: str, path: str) -> list[Request]:
        with self._changed:
            return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def wait_sent(self, path: str, size: int) -> None:
        """Until so many bytes of bodies have been sent for that path, over all requests."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.sent[path] >= size, PATIENCE):
                raise AssertionError(f"only {self.sent[path]} bytes of {path} were sent, not {size}")

    def close(self) -> None:
        for gate in self._gates:
            gate.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What the handlers, on their threads, tell and ask.

    def _begin(self, request: Request) -> tuple[Fault, ...]:
        """Records the request; its faults."""
        with self._changed:
            self.requests.append(request)
            turns = self._turns.get((request.method, request.path))
            if not turns:
                return ()
            faults, times = turns[0]
            if times is not None:
                turns[:1] = [Turn(faults, times - 1)] if times > 1 else []
            return faults

    def _count_sent(self, path: str, size: int) -> None:
        with self._changed:
            self.sent[path] += size
            self._changed.notify_all()

    def _count_received(self, path: str, size: int) -> None:
        with self._changed:
            self.received[path] += size
