"""A real Keystone: uwsgi, fernet tokens, sqlite. Its accounts are made over its own API."""

import base64
import os
import secrets
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

import rest

DOMAIN = "Default"
REGION = "RegionOne"


class User(NamedTuple):
    name: str
    project: str
    password: str


def new_user(name: str, project: str) -> User:
    return User(name, project, secrets.token_hex(16))


class ApplicationCredential(NamedTuple):
    id: str
    secret: str


def write_ahead(database: Path) -> None:
    """A reader of an sqlite file blocks its writer otherwise: "database is locked". The mode stays in the file."""
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


class Keystone:
    """Part of an OpenStack peer, which owns the processes, the ports and the directory."""

    def __init__(self, peer, token_expiration: int):
        self._peer = peer
        self._directory = peer.scratch / "keystone"
        self._directory.mkdir(mode=0o700)
        self._port = peer.port()
        self._config = self._directory / "keystone.conf"
        self._expiration = token_expiration
        self._admin_token, self._renew_at = "", 0.0
        self.url = f"http://127.0.0.1:{self._port}/v3"
        self.admin = new_user("admin", "admin")
        self._write_config()
        self._write_fernet_keys()

    def _write_config(self) -> None:
        # password_hash_rounds: bcrypt's default costs a third of a second for each token.
        self._config.write_text(f"""[DEFAULT]
max_token_size = 255
[database]
connection = sqlite:///{self._directory}/keystone.db?timeout=60
[token]
provider = fernet
expiration = {self._expiration}
[fernet_tokens]
key_repository = {self._directory}/fernet
[fernet_receipts]
key_repository = {self._directory}/fernet
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
""")

    def _write_fernet_keys(self) -> None:
        """The staged key and the primary one; what `keystone-manage fernet_setup` makes, without its two seconds."""
        keys = self._directory / "fernet"
        keys.mkdir(mode=0o700)
        for name in ("0", "1"):
            (keys / name).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
            (keys / name).chmod(0o600)

    def start(self) -> None:
        manage = ("keystone-manage", "--config-file", self._config)
        self._peer.run(*manage, "db_sync")
        write_ahead(self._directory / "keystone.db")
        self._peer.run(*manage, "bootstrap", "--bootstrap-region-id", REGION,
                        "--bootstrap-public-url", self.url, "--bootstrap-internal-url", self.url,
                        "--bootstrap-admin-url", self.url, OS_BOOTSTRAP_PASSWORD=self.admin.password)
        # One process: its cache, without which each validation of a token costs a second, knows of every revocation.
        # One thread: an sqlite connection that another one closes keeps the file locked.
        daemon = self._peer.daemon(
            "keystone", ["uwsgi", "--plugin", "python3", "--http-socket", f"127.0.0.1:{self._port}",
                         "--wsgi-file", "/usr/bin/keystone-wsgi-public", "--master", "--processes", "1",
                         "--threads", "1", "--enable-threads", "--die-on-term", "--no-orphans", "--lazy-apps",
                         "--buffer-size", "65535", "--add-header", "Connection: close", "--need-app"],
            OS_KEYSTONE_CONFIG_FILES=self._config)
        daemon.wait_until(lambda: rest.answers(self.url))

    def token(self, user: User) -> str:
        identity = {"methods": ["password"], "password": {"user": {
            "name": user.name, "password": user.password, "domain": {"name": DOMAIN}}}}
        scope = {"project": {"name": user.project, "domain": {"name": DOMAIN}}}
        return self._issue({"identity": identity, "scope": scope}, user.name)

    def application_credential_token(self, credential: ApplicationCredential) -> str:
        identity = {"methods": ["application_credential"],
                    "application_credential": {"id": credential.id, "secret": credential.secret}}
        return self._issue({"identity": identity}, f"application credential {credential.id}")

    def _issue(self, auth: dict, who: str) -> str:
        answer = rest.request("POST", f"{self.url}/auth/tokens", {"auth": auth})
        return rest.expect(201, answer, f"a token for {who}").headers["X-Subject-Token"]

    def revoke(self, token: str) -> None:
        """Nobody may use it from now on, Glance included."""
        headers = {"X-Auth-Token": self.admin_token(), "X-Subject-Token": token}
        rest.expect(204, rest.request("DELETE", f"{self.url}/auth/tokens", headers=headers), "revoking a token")

    def is_valid(self, token: str) -> bool:
        headers = {"X-Auth-Token": self.admin_token(), "X-Subject-Token": token}
        return rest.request("HEAD", f"{self.url}/auth/tokens", headers=headers).status == 200

    def admin_token(self) -> str:
        if time.monotonic() >= self._renew_at:
            self._admin_token = self.token(self.admin)
            self._renew_at = time.monotonic() + self._expiration / 2
        return self._admin_token

    def add_user(self, user: User, *roles: str) -> None:
        """Its project and the roles are made when there are none of that name."""
        user_id = self._create("user", name=user.name, password=user.password, domain_id="default")
        project = self._find("project", user.project) or self._create("project", name=user.project, domain_id="default")
        for name in roles:
            role = self._find("role", name) or self._create("role", name=name)
            self._ask("PUT", f"projects/{project}/users/{user_id}/roles/{role}", None, 204)

    def add_application_credential(self, user: User, name: str) -> ApplicationCredential:
        token = self.token(user)
        owner = self._find("user", user.name)
        answer = rest.request("POST", f"{self.url}/users/{owner}/application_credentials",
                              {"application_credential": {"name": name}}, {"X-Auth-Token": token})
        made = rest.expect(201, answer, f"an application credential for {user.name}").json["application_credential"]
        return ApplicationCredential(made["id"], made["secret"])

    def add_service(self, name: str, kind: str, url: str) -> None:
        service = self._create("service", name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            self._create("endpoint", service_id=service, interface=interface, url=url, region_id=REGION)

    def _create(self, kind: str, **fields: object) -> str:
        return self._ask("POST", f"{kind}s", {kind: fields}, 201).json[kind]["id"]

    def _find(self, kind: str, name: str) -> str | None:
        found = self._ask("GET", f"{kind}s?name={name}", None, 200).json[f"{kind}s"]
        return found[0]["id"] if found else None

    def _ask(self, method: str, path: str, body: dict | None, status: int) -> rest.Answer:
        answer = rest.request(method, f"{self.url}/{path}", body, {"X-Auth-Token": self.admin_token()})
        return rest.expect(status, answer, f"{method} {path}")
