"""One HTTP request, as plain as it gets: no redirects, no retries, every status is an answer."""

import http.client
import json
from typing import Mapping, NamedTuple
from urllib.parse import urlsplit

PATIENCE = 120.0


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def request(method: str, url: str, body: bytes | dict | list | None = None,
            headers: Mapping[str, str] | None = None) -> Answer:
    """A dict or list is sent as JSON; a Content-Type among the headers stays."""
    sent = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def expect(status: int, answer: Answer, what: str) -> Answer:
    if answer.status != status:
        raise AssertionError(f"{what}: expected {status}, got {answer.status}: {answer.body[:2000]!r}")
    return answer


def answers(url: str) -> bool:
    """Whether an HTTP server is there, whatever it says."""
    try:
        request("GET", url)
        return True
    except (OSError, http.client.HTTPException):
        return False
