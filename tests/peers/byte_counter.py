"""A TCP proxy in front of a server of the loopback: what was asked, what was answered, how many bytes went through.

    counter = ByteCounter(cloud.image_url)      # give counter.url to the client
    counter.hold_at(4 << 20)                    # so many bytes come through
    counter.wait_sent(4 << 20)
    counter.cut()                               # every connection breaks off; new ones may come
    counter.let_go()

Requests are read off the wire, which is plain HTTP/1.1: one behind the other on a connection, never pipelined.
"""

import contextlib
import math
import re
import socket
import threading
from urllib.parse import urlsplit

PATIENCE = 60.0  # seconds until a wait is a failure
BLOCK = 1 << 16
REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.[01]\r\n")
TOKEN = re.compile(rb"\r\nx-auth-token: *([^\r\n]+)\r\n", re.IGNORECASE)
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


class ByteCounter:
    def __init__(self, url: str):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._closed = False
        self._asked = b""
        self._statuses: list[int] = []
        self._sent = 0
        self._limit = math.inf
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def sent(self) -> int:
        """Bytes from the server, heads included."""
        with self._changed:
            return self._sent

    @property
    def asked(self) -> list[str]:
        """"GET /v2/images/..." of each request."""
        with self._changed:
            return [f"{method.decode()} {path.decode()}" for method, path in REQUEST.findall(self._asked)]

    @property
    def heads(self) -> str:
        """All that clients have sent."""
        with self._changed:
            return self._asked.decode(errors="replace")

    @property
    def tokens(self) -> list[str]:
        """The X-Auth-Tokens that were seen, each once, in their order."""
        with self._changed:
            return list(dict.fromkeys(token.decode() for token in TOKEN.findall(self._asked)))

    @property
    def statuses(self) -> list[int]:
        with self._changed:
            return list(self._statuses)

    def wait_sent(self, count: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._sent >= count, PATIENCE):
                raise AssertionError(f"only {self._sent} bytes were sent, not {count}")

    def hold_at(self, count: int | float) -> None:
        """Bytes of answers behind the first `count` wait until there is another limit."""
        with self._changed:
            self._limit = count
            self._changed.notify_all()

    def let_go(self) -> None:
        self.hold_at(math.inf)

    def cut(self) -> None:
        with self._changed:
            for end in self._open:
                _shut(end)

    def wait_idle(self) -> None:
        """Until no connection is open."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._open, PATIENCE):
                raise AssertionError("a connection stays open")

    def close(self) -> None:
        with self._changed:
            self._closed = True
        _shut(self._listener)
        self._acceptor.join()
        self._listener.close()
        self.let_go()
        self.cut()
        self.wait_idle()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(self._target)
            except OSError:
                return
            with server:
                with self._changed:
                    if self._closed:
                        return
                    self._open |= {client, server}
                answers = threading.Thread(target=self._pass_answers, args=(server, client), daemon=True)
                answers.start()
                self._pass_requests(client, server)
                answers.join()
                with self._changed:
                    self._open -= {client, server}
                    self._changed.notify_all()

    def _pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        with _closing(client, server):
            while block := client.recv(BLOCK):
                with self._changed:
                    self._asked += block
                server.sendall(block)

    def _pass_answers(self, server: socket.socket, client: socket.socket) -> None:
        with _closing(server, client):
            while block := server.recv(BLOCK):
                self._note_status(block)
                while block:
                    count = self._admit(len(block))
                    client.sendall(block[:count])
                    block = block[count:]

    def _note_status(self, block: bytes) -> None:
        if status := STATUS.match(block):  # who answers in turn begins each answer with a block
            with self._changed:
                self._statuses.append(int(status[1]))

    def _admit(self, wish: int) -> int:
        """How many of these bytes may pass now; at least one."""
        with self._changed:
            self._changed.wait_for(lambda: self._sent < self._limit)
            count = int(min(wish, self._limit - self._sent))
            self._sent += count
            self._changed.notify_all()
            return count


@contextlib.contextmanager
def _closing(*ends: socket.socket):
    """A direction ends for both sides, and so does the other one."""
    try:
        yield
    except OSError:
        pass  # either side has gone away, or cut() came
    finally:
        for end in ends:
            _shut(end)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it isn't connected any more
