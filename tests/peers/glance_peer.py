"""A real glance-api: sqlite, file store, every request validated at Keystone."""

from pathlib import Path

import rest
from keystone_peer import DOMAIN, REGION, Keystone, User, write_ahead

OCTETS = {"Content-Type": "application/octet-stream"}


class Glance:
    """Part of an OpenStack peer, which owns the processes, the ports and the directory."""

    def __init__(self, peer, keystone: Keystone, user: User, show_direct_url: bool):
        """user: as whom it validates tokens; may be added to Keystone later."""
        self._peer = peer
        self._keystone = keystone
        self._directory = peer.scratch / "glance"
        self._port = peer.port()
        self._config = self._directory / "glance-api.conf"
        self._show_direct_url = show_direct_url
        self.url = f"http://127.0.0.1:{self._port}"
        self.store = self._directory / "images"  # the file store: a file an image, named by its id
        for directory in (self._directory, self.store, self._directory / "staging", self._directory / "locks"):
            directory.mkdir()
        self._write_config(user)

    def begin_database(self) -> None:
        """Goes on by itself, while Keystone is started."""
        self._database = self._peer.daemon("glance-manage", ["glance-manage", "--config-file", self._config, "db_sync"])

    def begin(self) -> None:
        self._database.wait_success()
        write_ahead(self._directory / "glance.db")
        self._daemon = self._peer.daemon("glance", ["glance-api", "--config-file", self._config,
                                                    "--config-file", "/etc/glance/glance-api-paste.ini"])

    def wait_ready(self) -> None:
        self._daemon.wait_until(lambda: rest.answers(self.url))

    def _write_config(self, user: User) -> None:
        # workers = 0: one process. api_limit_max: a list of a few images has pages. allowed_hosts, allowed_ports: a
        # location may be of a test's own server. token_cache_time: a token that was revoked is refused at once.
        self._config.write_text(f"""[DEFAULT]
bind_host = 127.0.0.1
bind_port = {self._port}
workers = 0
api_limit_max = 10
show_image_direct_url = {self._show_direct_url}
show_multiple_locations = {self._show_direct_url}
node_staging_uri = file://{self._directory}/staging
[database]
connection = sqlite:///{self._directory}/glance.db?timeout=60
[glance_store]
stores = file,http
default_store = file
filesystem_store_datadir = {self.store}
[import_filtering_opts]
allowed_hosts = [127.0.0.1]
allowed_ports = []
[keystone_authtoken]
www_authenticate_uri = {self._keystone.url}
auth_url = {self._keystone.url}
auth_type = password
project_name = {user.project}
project_domain_name = {DOMAIN}
username = {user.name}
user_domain_name = {DOMAIN}
password = {user.password}
region_name = {REGION}
token_cache_time = -1
[paste_deploy]
flavor = keystone
[oslo_concurrency]
lock_path = {self._directory}/locks
""")

    # What a test does to its images, as the administrator.

    def create(self, name: str, content: bytes | None, disk_format: str = "qcow2", **fields: object) -> dict:
        """The record of a new public image: active, or queued when there is no content."""
        record = {"name": name, "disk_format": disk_format, "container_format": "bare", "visibility": "public",
                  **fields}
        made = self._ask("POST", "/v2/images", 201, record).json
        return made if content is None else self.upload(made["id"], content)

    def upload(self, image: str, content: bytes) -> dict:
        self._ask("PUT", f"/v2/images/{image}/file", 204, content, OCTETS)
        return self.show(image)

    def show(self, image: str) -> dict:
        return self._ask("GET", f"/v2/images/{image}", 200).json

    def download(self, image: str) -> bytes:
        return self._ask("GET", f"/v2/images/{image}/file", 200).body

    def deactivate(self, image: str) -> None:
        self._ask("POST", f"/v2/images/{image}/actions/deactivate", 204)

    def reactivate(self, image: str) -> None:
        self._ask("POST", f"/v2/images/{image}/actions/reactivate", 204)

    def delete(self, image: str) -> None:
        self._ask("DELETE", f"/v2/images/{image}", 204)

    def stored_file(self, image: str) -> Path:
        return self.store / image

    def _ask(self, method: str, path: str, status: int, body: bytes | dict | None = None,
             headers: dict[str, str] | None = None) -> rest.Answer:
        token = {"X-Auth-Token": self._keystone.admin_token()}
        return rest.expect(status, rest.request(method, self.url + path, body, {**token, **(headers or {})}),
                           f"{method} {path}")
