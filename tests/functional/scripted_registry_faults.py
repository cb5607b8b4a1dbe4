"""What a scripted registry may do wrong with one request. Faults of one request may be combined.

A fault hides headers of the request from the registry, changes its answer, or sends it in a way of its own.
"""

import gzip as gzip_codec
import threading
from dataclasses import dataclass, field
from typing import Callable, Protocol

from image_server import Gate

BLOCK = 1 << 16
UNTOLD = -1  # no Content-Length


@dataclass
class Answer:
    """What goes over the wire. The body is bytes or a view of a file; a HEAD has its length, not its bytes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | memoryview = b""


class Exchange(Protocol):
    """One request being answered: what a fault may do with its connection."""

    def head(self, answer: Answer, length: int | None = None) -> None:
        """Status line and headers. The length is the body's, unless another one, or UNTOLD, is given."""

    def write(self, part: bytes | memoryview) -> None:
        """Counted as body."""

    def frame(self, part: bytes) -> None:
        """What isn't body."""

    def hang_up(self) -> None:
        """Ends the connection once everything written has been sent."""

    def linger(self) -> None:
        """Hangs up, and throws away what the client still sends: a reset would take the answer from it."""

    def wait_client_gone(self) -> None: ...

    def hold(self, gate: Gate) -> bool:
        """Whether the gate was opened; False when the client went away first."""

    def read_request(self, size: int | None = None) -> bytes:
        """What the client uploads: all of it, or that many bytes of it at most."""

    def store(self, content: bytes) -> None:
        """As if that had been uploaded."""


def send_whole(exchange: Exchange, answer: Answer) -> None:
    exchange.head(answer)
    write_blocks(exchange, answer.body, BLOCK)


def write_blocks(exchange: Exchange, body: bytes | memoryview, size: int) -> None:
    view = memoryview(body)
    for start in range(0, len(view), size):
        exchange.write(view[start:start + size])


@dataclass(frozen=True)
class Fault:
    hides: tuple[str, ...] = ()  # headers of the request, in lower case
    changes: Callable[[Answer], None] | None = None
    sends: Callable[[Exchange, Answer], None] | None = None
    # Takes the place of the registry: the request isn't even looked at.
    instead: Callable[[Exchange], Answer] | None = None


# In place of an answer.

def refuse() -> Fault:
    """Hangs up without a word."""
    def send(exchange: Exchange, _: Answer) -> None:
        exchange.hang_up()
    return Fault(instead=lambda _: Answer(500), sends=send)


def silence() -> Fault:
    """Takes the request and says nothing until the client gives up."""
    def send(exchange: Exchange, _: Answer) -> None:
        exchange.wait_client_gone()
    return Fault(instead=lambda _: Answer(500), sends=send)


def status(code: int, body: bytes = b"scripted\n", **headers: str) -> Fault:
    """Header names with underscores: status(429, Retry_After="1"). An upload is read to its end first."""
    def reply(exchange: Exchange) -> Answer:
        exchange.read_request()
        return Answer(code, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    return Fault(instead=reply)


def redirect(target: str, code: int = 302) -> Fault:
    return status(code, Location=target)


def answer_unread(code: int, **headers: str) -> Fault:
    """Answers an upload before reading it, and says no more."""
    def send(exchange: Exchange, answer: Answer) -> None:
        send_whole(exchange, answer)
        exchange.linger()
    whole = {name.replace("_", "-"): value for name, value in headers.items()} | {"Connection": "close"}
    return Fault(instead=lambda _: Answer(code, whole), sends=send)


def upload_cut(after: int) -> Fault:
    """Reads that many bytes of an upload, then hangs up."""
    def send(exchange: Exchange, _: Answer) -> None:
        exchange.read_request(after)
        exchange.hang_up()
    return Fault(instead=lambda _: Answer(500), sends=send)


# In an answer's head.

def header(name: str, value: str | None) -> Fault:
    """Sets it; None leaves it out."""
    def change(answer: Answer) -> None:
        answer.headers.pop(name, None)
        if value is not None:
            answer.headers[name] = value
    return Fault(changes=change)


def etag(value: str) -> Fault:
    return header("ETag", f'"{value}"')


def no_range() -> Fault:
    """Answers a Range with 200 and everything."""
    return Fault(hides=("range", "if-range"))


def content_range(text: str) -> Fault:
    """A lie: "bytes 0-9/100"."""
    return header("Content-Range", text)


def length_off(by: int) -> Fault:
    """Promises so many bytes more (or fewer) than it sends, then hangs up."""
    def send(exchange: Exchange, answer: Answer) -> None:
        exchange.head(answer, len(answer.body) + by)
        write_blocks(exchange, answer.body, BLOCK)
        exchange.hang_up()
    return Fault(sends=send)


# In an answer's body.

def other_bytes(content: bytes) -> Fault:
    """Other content, honestly announced."""
    def change(answer: Answer) -> None:
        answer.body = content
    return Fault(changes=change)


def gzip() -> Fault:
    def change(answer: Answer) -> None:
        answer.body = gzip_codec.compress(bytes(answer.body), compresslevel=1)
        answer.headers["Content-Encoding"] = "gzip"
    return Fault(changes=change)


def cut(after: int) -> Fault:
    """Promises everything, hangs up after that many bytes. With times=k: a connection that drops k times."""
    def send(exchange: Exchange, answer: Answer) -> None:
        exchange.head(answer)
        write_blocks(exchange, memoryview(answer.body)[:after], BLOCK)
        exchange.hang_up()
    return Fault(sends=send)


def stall(after: int) -> Fault:
    """Sends that many bytes, then nothing more until the client gives up."""
    def send(exchange: Exchange, answer: Answer) -> None:
        exchange.head(answer)
        write_blocks(exchange, memoryview(answer.body)[:after], BLOCK)
        exchange.wait_client_gone()
    return Fault(sends=send)


def gated(gate: Gate, after: int) -> Fault:
    """Sends that many bytes, goes on when the gate is opened; stops when the client goes away before."""
    def send(exchange: Exchange, answer: Answer) -> None:
        exchange.head(answer)
        body = memoryview(answer.body)
        write_blocks(exchange, body[:after], BLOCK)
        if exchange.hold(gate):
            write_blocks(exchange, body[after:], BLOCK)
    return Fault(sends=send)


def endless() -> Fault:
    """Never says how long it is, nor ends."""
    def send(exchange: Exchange, answer: Answer) -> None:
        answer.headers["Connection"] = "close"
        exchange.head(answer, UNTOLD)
        write_blocks(exchange, answer.body, BLOCK)
        while True:  # until writing fails: the client went away
            exchange.write(b"\1" * BLOCK)
    return Fault(sends=send)


def crumbs(size: int = 1) -> Fault:
    """So many bytes a packet."""
    def send(exchange: Exchange, answer: Answer) -> None:
        exchange.head(answer)
        write_blocks(exchange, answer.body, size)
    return Fault(sends=send)


def chunked(size: int = 1) -> Fault:
    """Transfer-Encoding: chunked, so many bytes a chunk."""
    def send(exchange: Exchange, answer: Answer) -> None:
        answer.headers["Transfer-Encoding"] = "chunked"
        exchange.head(answer, UNTOLD)
        view = memoryview(answer.body)
        for start in range(0, len(view), size):
            part = view[start:start + size]
            exchange.frame(b"%x\r\n" % len(part))
            exchange.write(part)
            exchange.frame(b"\r\n")
        exchange.frame(b"0\r\n\r\n")
    return Fault(sends=send)


def slow(bytes_per_second: int) -> Fault:
    """Twenty parts a second."""
    def send(exchange: Exchange, answer: Answer) -> None:
        exchange.head(answer)
        size, never = max(bytes_per_second // 20, 1), threading.Event()
        view = memoryview(answer.body)
        for start in range(0, len(view), size):
            exchange.write(view[start:start + size])
            never.wait(size / bytes_per_second)
    return Fault(sends=send)


def stored_as(content: bytes) -> Fault:
    """An upload arrives whole, yet other bytes are stored and recorded."""
    def reply(exchange: Exchange) -> Answer:
        exchange.read_request()
        exchange.store(content)
        return Answer(204)
    return Fault(instead=reply)
