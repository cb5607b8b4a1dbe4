"""A real object store that speaks S3 and Swift: Ceph's gateway, one monitor, one OSD that keeps its data in memory.

    cls.objects = cls.enterClassContext(ObjectStore())      # in setUpClass; some 11 seconds

One user owns every bucket, which is the same to both protocols. Skips where Ceph's packages aren't installed.
"""

import json
import secrets
import uuid
from urllib.parse import quote

import rest
from process import Peer, Process, require
from s3_signature import sign

REGION = "default"  # Ceph's name of its zone group
USER = "basecache"


class ObjectStore(Peer):
    """Everything is refused to strangers. `size`: bytes that fit into it, in memory."""

    def __init__(self, size: int = 1 << 30):
        super().__init__()
        self._size = size
        self.access_key = secrets.token_hex(10)
        self.secret_key = secrets.token_hex(20)
        self.swift_user = f"{USER}:swift"
        self.swift_key = secrets.token_hex(20)

    def start(self):
        require("Ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool")
        return super().start()

    def _start(self) -> None:
        self._config = self.scratch / "ceph.conf"
        self._keyring = self.scratch / "keyring"
        self._fsid = str(uuid.uuid4())
        self._write_config(self.port(), self.port(), self.port())
        self._start_monitor()
        self._start_osd()
        self._start_gateway()

    def _write_config(self, monitor: int, monitor_v1: int, gateway: int) -> None:
        self._monitor_address = f"[v2:127.0.0.1:{monitor},v1:127.0.0.1:{monitor_v1}]"
        self.url = f"http://127.0.0.1:{gateway}"
        self._config.write_text(f"""[global]
fsid = {self._fsid}
mon initial members = a
mon host = {self._monitor_address}
public network = 127.0.0.0/8
auth_allow_insecure_global_id_reclaim = false
keyring = {self._keyring}
run dir = {self.scratch}
pid file =
admin socket =
log file =
crash dir = {self.scratch}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
[mon]
mon data = {self.scratch}/mon
mon cluster log file =
mon data avail warn = 1
mon data avail crit = 1
[osd]
osd data = {self.scratch}/osd
osd objectstore = memstore
memstore device bytes = {self._size}
osd crush initial weight = 1
osd class update on start = false
[client.admin]
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw data = {self.scratch}/rgw
rgw enable usage log = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw thread pool size = 32
""")

    def _ceph(self, *arguments: object, give: str = "") -> str:
        return self.run("ceph", "--connect-timeout", "30", *arguments, give=give, CEPH_CONF=self._config)

    def _begin(self, name: str, *command: object) -> Process:
        return self.daemon(name, [*command, "--conf", self._config, "-f", "--log-to-stderr=true"])

    def _add_key(self, name: str, *caps: str, create: bool = False) -> None:
        self.run("ceph-authtool", *(["--create-keyring"] if create else []), self._keyring, "--gen-key",
                  "--name", name, *caps)

    def _start_monitor(self) -> None:
        map_file = self.scratch / "monmap"
        self._add_key("mon.", "--cap", "mon", "allow *", create=True)
        self._add_key("client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        self.run("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", self._monitor_address, map_file)
        self.run("ceph-mon", "--conf", self._config, "--mkfs", "-i", "a", "--monmap", map_file,
                  "--keyring", self._keyring)
        self._begin("monitor", "ceph-mon", "-i", "a")

    def _start_osd(self) -> None:
        identity = str(uuid.uuid4())
        key = self.run("ceph-authtool", "--gen-print-key").strip()
        number = self._ceph("osd", "new", identity, "-i", "-", give=json.dumps({"cephx_secret": key})).strip()
        (self.scratch / "osd").mkdir()
        self.run("ceph-authtool", self._keyring, "--name", f"osd.{number}", "--add-key", key)
        self.run("ceph-osd", "--conf", self._config, "-i", number, "--mkfs", "--osd-uuid", identity)
        self._begin("osd", "ceph-osd", "-i", number)

    def _start_gateway(self) -> None:
        admin = ("radosgw-admin", "--conf", self._config, "--name", "client.admin")
        (self.scratch / "rgw").mkdir()
        self.run(*admin, "user", "create", "--uid", USER, "--display-name", USER,
                  "--access-key", self.access_key, "--secret-key", self.secret_key)
        self.run(*admin, "subuser", "create", "--uid", USER, "--subuser", self.swift_user, "--access", "full",
                  "--key-type", "swift", "--secret-key", self.swift_key)
        gateway = self._begin("gateway", "radosgw", "--name", "client.admin")
        gateway.wait_until(lambda: rest.answers(self.url))

    def secrets(self) -> list[str]:
        """What no log of ours may hold."""
        return [self.secret_key, self.swift_key]

    @property
    def _host(self) -> str:
        return self.url.removeprefix("http://")

    # S3, path style.

    def s3(self, method: str, path: str, body: bytes = b"") -> rest.Answer:
        """Signed; "/bucket/object"."""
        url = self.url + quote(path)
        return rest.request(method, url, body, sign(method, url, body, self.access_key, self.secret_key, REGION))

    def put_object(self, bucket: str, name: str, content: bytes) -> None:
        """The bucket is made when there is none of that name."""
        rest.expect(200, self.s3("PUT", f"/{bucket}"), f"bucket {bucket}")
        rest.expect(200, self.s3("PUT", f"/{bucket}/{name}", content), f"object {bucket}/{name}")

    def get_object(self, bucket: str, name: str) -> bytes:
        return rest.expect(200, self.s3("GET", f"/{bucket}/{name}"), f"object {bucket}/{name}").body

    def s3_location(self, bucket: str, name: str) -> str:
        """As Glance writes it, with the credentials."""
        return f"s3://{self.access_key}:{self.secret_key}@{self._host}/{bucket}/{quote(name)}"

    # Swift: a bucket is a container, an S3 object an object.

    @property
    def swift_auth_url(self) -> str:
        """Of version 1 (tempauth): X-Auth-User and X-Auth-Key."""
        return f"{self.url}/auth/v1.0"

    def swift_location(self, container: str, name: str) -> str:
        """As Glance writes it, with the credentials."""
        user = quote(self.swift_user, safe="")
        return f"swift+http://{user}:{self.swift_key}@{self._host}/auth/v1.0/{container}/{quote(name)}"

    def swift_session(self) -> tuple[str, str]:
        """The storage URL and a token."""
        answer = rest.request("GET", self.swift_auth_url,
                              headers={"X-Auth-User": self.swift_user, "X-Auth-Key": self.swift_key})
        rest.expect(204, answer, "a token of Swift")
        return answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]

    def swift(self, method: str, path: str, body: bytes = b"") -> rest.Answer:
        """"/container/object"."""
        storage_url, token = self.swift_session()
        return rest.request(method, storage_url + quote(path), body, {"X-Auth-Token": token})
