"""A client of the agent's socket: HTTP/1.1 and JSON, by Python's standard library alone."""

import http.client
import json
import socket
from pathlib import Path
from typing import Iterator, NamedTuple

TIMEOUT = 120.0


class Answer(NamedTuple):
    status: int
    body: object
    content_type: str


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path):
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


class Stream:
    """A running request that reports its progress; an iterator of its events."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse):
        self._connection = connection
        self._response = response
        self.status = response.status

    def __iter__(self) -> Iterator[dict]:
        while line := self._response.readline():
            yield json.loads(line)

    def started(self) -> str:
        """The operation's id, from the first event."""
        event = next(iter(self))
        if event.get("event") != "started":
            raise AssertionError(f"the first event is {event}")
        return event["operation"]

    def until_progress(self, step: str) -> dict:
        for event in self:
            if event["event"] == "progress" and event["step"] == step:
                return event
            if event["event"] in ("result", "error"):
                raise AssertionError(f"no progress of step '{step}' before {event}")
        raise AssertionError(f"no progress of step '{step}'")

    def last(self) -> dict:
        """Reads to the end: the result or error event."""
        event = {"event": "nothing"}
        for event in self:
            pass
        self.close()
        return event

    def close(self) -> None:
        """Goes away, whether or not the request has ended."""
        if self._connection.sock is not None:
            try:
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._response.close()
        self._connection.close()


class Client:
    def __init__(self, path: Path):
        self.path = Path(path)

    def request(self, method: str, target: str, body: object = None, raw: bytes | None = None) -> Answer:
        connection = _UnixConnection(self.path)
        try:
            content = raw if raw is not None else None if body is None else json.dumps(body).encode()
            connection.request(method, target, content, {"Content-Type": "application/json"} if content else {})
            response = connection.getresponse()
            text = response.read()
            kind = response.getheader("Content-Type", "")
            return Answer(response.status, json.loads(text) if "json" in kind else text, kind)
        finally:
            connection.close()

    def stream(self, method: str, target: str, body: object) -> Stream:
        connection = _UnixConnection(self.path)
        connection.request(method, target, json.dumps(body).encode(),
                           {"Content-Type": "application/json", "Accept": "application/x-ndjson"})
        return Stream(connection, connection.getresponse())

    def get(self, target: str) -> Answer:
        return self.request("GET", target)

    def create(self, uuid: str, request: dict) -> Answer:
        return self.request("POST", f"/v1/instances/{uuid}/disks", request)

    def create_stream(self, uuid: str, request: dict) -> Stream:
        return self.stream("POST", f"/v1/instances/{uuid}/disks", request)

    def delete(self, uuid: str) -> Answer:
        return self.request("DELETE", f"/v1/instances/{uuid}")

    def cancel(self, operation: str) -> Answer:
        return self.request("DELETE", f"/v1/operations/{operation}")

    def operations(self) -> list[dict]:
        return self.get("/v1/operations").body["operations"]

    def cache(self) -> list[dict]:
        return self.get("/v1/cache").body["entries"]

    def prune(self, dry_run: bool = False) -> dict:
        answer = self.request("POST", "/v1/cache/prune", {"dry_run": dry_run})
        if answer.status != 200:
            raise AssertionError(f"prune answered {answer}")
        return answer.body

    def connect_raw(self) -> socket.socket:
        """A connection that says nothing yet."""
        raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        raw.settimeout(TIMEOUT)
        raw.connect(str(self.path))
        return raw
