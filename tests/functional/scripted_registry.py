"""A scripted Keystone v3 and Glance (v2, v1) on one port: right by itself, wrong as a story asks for.

    registry = ScriptedRegistry()
    image = registry.add_image(content)
    registry.misbehave("GET", image.file_path, faults.cut(1 << 20), times=3)

The right answers follow a real Glance 25 and Keystone 22, of what our client uses. `sent[path]` counts the bytes of
bodies, `asked(method, path)` are the requests so far, `wait_sent` waits for an offset. Paths are without a query.
"""

import hashlib
import json
import mmap
import re
import secrets
import ssl
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qs

from scripted_registry_faults import Answer
from scripted_registry_http import Request, ScriptedServer

TOKENS = "/v3/auth/tokens"
REGION = "RegionOne"
RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


class Image:
    """A record and its bytes (of a file: mapped, not read). Change `record` to make it lie."""

    def __init__(self, content: bytes | Path | None, **record: object):
        identity = record.get("id") or str(uuid.uuid4())
        self.id = str(identity)
        self.etag: str | None = None  # Glance sends none
        self.content: bytes | memoryview | None = None
        self.record: dict = {"name": self.id, "disk_format": "qcow2", "container_format": "bare", "status": "queued",
                             "visibility": "public", "protected": False, "min_disk": 0, "min_ram": 0, "tags": [],
                             "size": None, "checksum": None, "os_hash_algo": None, "os_hash_value": None,
                             "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:06Z",
                             "id": self.id, "self": self.path, "file": self.file_path, "schema": "/v2/schemas/image"}
        if content is not None:
            self.put(content)
        self.record.update(record)

    @property
    def path(self) -> str:
        return f"/v2/images/{self.id}"

    @property
    def file_path(self) -> str:
        return f"{self.path}/file"

    @property
    def v1_path(self) -> str:
        return f"/v1/images/{self.id}"

    def put(self, content: bytes | Path) -> None:
        """As after an upload: active, with size and hashes."""
        self.content = _mapped(content) if isinstance(content, Path) else content
        self.record.update(status="active", size=len(self.content), checksum=hashlib.md5(self.content).hexdigest(),
                           os_hash_algo="sha512", os_hash_value=hashlib.sha512(self.content).hexdigest())


def _mapped(path: Path) -> memoryview:
    with open(path, "rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class ScriptedRegistry(ScriptedServer):
    """Lets in user `nova` of project `service`, and one application credential. Every image is everybody's."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.images: dict[str, Image] = {}
        self.password = secrets.token_hex(16)
        self.application_credential = (secrets.token_hex(16), secrets.token_hex(32))  # id, secret
        self.token_seconds = 3600  # until a new token expires, as Keystone says; negative: it has already
        self.tokens: set[str] = set()  # those that are valid
        self.issued: list[str] = []
        self.wants_token = True
        self.catalog: list[dict] | None = None  # None: an image service, here
        super().__init__(tls)

    @property
    def auth_url(self) -> str:
        return self.url("/v3")

    def add_image(self, content: bytes | Path | None, **record: object) -> Image:
        """Active, or queued without content; members of the record may be given, "id" among them."""
        image = Image(content, **record)
        self.images[image.id] = image
        return image

    def revoke_tokens(self) -> None:
        """Those issued so far are refused from now on."""
        self.tokens.clear()

    def service(self, url: str | None = None, region: str = REGION, kind: str = "image") -> dict:
        """For `catalog`: a service with its three endpoints."""
        endpoints = [{"id": uuid.uuid4().hex, "interface": interface, "region": region, "region_id": region,
                      "url": url or self.address} for interface in ("public", "internal", "admin")]
        return {"id": uuid.uuid4().hex, "type": kind, "name": "glance", "endpoints": endpoints}

    def store(self, path: str, content: bytes) -> None:
        self.images[path.split("/")[3]].put(content)

    def respond(self, request: Request, headers: dict[str, str], content: bytes) -> Answer:
        if request.path in ("/v3", "/v3/"):
            return _json(200, {"version": {"id": "v3.14", "status": "stable", "links": [
                {"rel": "self", "href": self.auth_url}]}})
        if request.path == TOKENS and request.method == "POST":
            return self._issue_token(json.loads(content))
        if self.wants_token and headers.get("x-auth-token") not in self.tokens:
            return _html(401, **{"WWW-Authenticate": f'Keystone uri="{self.auth_url}"'})
        return self._respond_as_glance(request, headers, content)

    def _issue_token(self, wish: dict) -> Answer:
        identity = wish["auth"]["identity"]
        if not self._knows(identity):
            return _json(401, {"error": {"code": 401, "title": "Unauthorized",
                                         "message": "The request you have made requires authentication."}})
        token = f"scripted-token-{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        self.issued.append(token)
        now = datetime.now(timezone.utc)
        told = {"methods": identity["methods"], "user": {"id": uuid.uuid4().hex, "name": "nova",
                                                         "domain": {"id": "default", "name": "Default"}},
                "audit_ids": [secrets.token_urlsafe(16)], "issued_at": _time(now),
                "expires_at": _time(now + timedelta(seconds=self.token_seconds)),
                "project": {"id": uuid.uuid4().hex, "name": "service", "domain": {"id": "default", "name": "Default"}},
                "catalog": [self.service()] if self.catalog is None else self.catalog}
        return _json(201, {"token": told}, **{"X-Subject-Token": token, "Vary": "X-Auth-Token"})

    def _knows(self, identity: dict) -> bool:
        method, = identity["methods"]
        given = identity[method]
        if method == "password":
            return (given["user"].get("name"), given["user"]["password"]) == ("nova", self.password)
        if method == "application_credential":
            return (given.get("id"), given["secret"]) == self.application_credential
        return method == "token" and given["id"] in self.tokens

    def _respond_as_glance(self, request: Request, headers: dict[str, str], content: bytes) -> Answer:
        version, kind, identity, part = (request.path.strip("/").split("/") + [""] * 4)[:4]
        if version == "images":  # the old registry: GET /images/<id>
            version, kind, identity = "registry", "images", kind
        if kind != "images":
            return _html(404)
        if not identity:
            return self._list(request) if request.method == "GET" else self._create(json.loads(content))
        image = self.images.get(identity)
        if image is None:
            return _html(404)
        if version == "registry":
            return _json(200, {"image": _v1_record(image)})
        if version == "v1":
            return _v1(image, request.method, headers)
        if part == "file":
            return self._put_file(image, content) if request.method == "PUT" else _file(image, headers)
        return self._record(image, request.method)

    def _list(self, request: Request) -> Answer:
        """With marker, limit and equality filters."""
        wish = {name: values[0] for name, values in parse_qs(request.query).items()}
        limit, marker = int(wish.pop("limit", "25")), wish.pop("marker", None)
        wanted = [image for image in self.images.values()
                  if all(str(image.record.get(name)) == value for name, value in wish.items()
                         if not name.startswith("sort"))]
        if marker:
            wanted = wanted[[image.id for image in wanted].index(marker) + 1:]
        told = {"images": [image.record for image in wanted[:limit]],
                "first": "/v2/images", "schema": "/v2/schemas/images"}
        if len(wanted) > limit:
            told["next"] = f"/v2/images?limit={limit}&marker={wanted[limit - 1].id}"
        return _json(200, told)

    def _create(self, record: dict) -> Answer:
        image = self.add_image(None, **record)
        return _json(201, image.record, Location=self.url(image.path))

    def _put_file(self, image: Image, content: bytes) -> Answer:
        if image.record["status"] != "queued":
            return _html(409)
        image.put(content)
        return Answer(204)

    def _record(self, image: Image, method: str) -> Answer:
        if method == "DELETE":
            del self.images[image.id]
            return Answer(204)
        return _json(200, image.record)


def _file(image: Image, headers: dict[str, str]) -> Answer:
    if image.content is None:
        return Answer(204)
    if image.record["status"] == "deactivated":
        return _html(403)
    answer = Answer(200, {"Content-Type": "application/octet-stream"}, image.content)
    if image.record["checksum"]:
        answer.headers["Content-Md5"] = image.record["checksum"]
    if image.etag:
        answer.headers["ETag"] = f'"{image.etag}"'
    return _ranged(answer, headers)


def _ranged(answer: Answer, headers: dict[str, str]) -> Answer:
    """The part that a Range asks for; all of it when If-Range names another entity."""
    wish, size = RANGE.match(headers.get("range", "")), len(answer.body)
    if wish is None or headers.get("if-range", answer.headers.get("ETag")) != answer.headers.get("ETag"):
        return answer
    first, last = int(wish[1]), min(int(wish[2] or size - 1), size - 1)
    if first > last:
        return Answer(416, {"Content-Range": f"bytes */{size}"})
    answer.status, answer.body = 206, memoryview(answer.body)[first:last + 1]
    answer.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return answer


def _v1(image: Image, method: str, headers: dict[str, str]) -> Answer:
    meta = {}
    for name, value in _v1_record(image).items():
        if isinstance(value, dict):
            meta |= {f"X-Image-Meta-Property-{key}": str(text) for key, text in value.items()}
        elif value is not None:
            meta[f"X-Image-Meta-{name.capitalize()}"] = str(value)
    if method == "HEAD":
        return Answer(200, meta)
    answer = _file(image, headers)
    answer.headers |= meta
    return answer


def _v1_record(image: Image) -> dict:
    record = image.record
    same = ("id", "name", "status", "size", "checksum", "disk_format", "container_format", "min_disk", "min_ram",
            "protected", "created_at", "updated_at", "owner")
    told = {name: record.get(name) for name in same}
    told |= {"is_public": record["visibility"] == "public", "deleted": record["status"] == "deleted"}
    return {**told, "properties": record.get("properties", {})}


def _json(code: int, told: dict, **headers: str) -> Answer:
    return Answer(code, {"Content-Type": "application/json", **headers}, json.dumps(told).encode())


def _html(code: int, **headers: str) -> Answer:
    page = f"<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n </body>\n</html>"
    return Answer(code, {"Content-Type": "text/html; charset=UTF-8", **headers}, page.encode())


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
