"""A story whose domains have their disks made by our hook, in a libvirtd that calls it, by an agent that is configured where the
hook looks for it."""

import json
import os
from pathlib import Path
from xml.sax.saxutils import escape

import tiny_guest
from harness import ROOT, Daemon, eventually, new_uuid
from libvirt_story import LibvirtStory

HOOK = Path(os.environ.get("BASECACHE_QEMU_HOOK", ROOT / "build/tools/basecache-qemu-hook/basecache-qemu-hook"))
# Of its processes, as the kernel cuts them: it becomes the second one for a domain of ours.
NAMES = ("basecache-qemu-", "basecache-domai")
CONFIGURED = Path("/etc/basecache/basecached.conf")
SOCKET = Path("/run/basecache/agent.sock")
NOVA = """<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
  <nova:package version="26.2.2"/>
  <nova:name>web01</nova:name>
  <nova:creationTime>2026-01-01 00:00:00</nova:creationTime>
  <nova:flavor name="m1.tiny">
    <nova:memory>128</nova:memory><nova:disk>1</nova:disk><nova:swap>0</nova:swap><nova:ephemeral>0</nova:ephemeral><nova:vcpus>1</nova:vcpus>
  </nova:flavor>
  <nova:root type="image" uuid="{image}"/>
</nova:instance>"""


def ours(request: dict) -> str:
    return ('<basecache:instance xmlns:basecache="https://basecache.dev/xmlns/instance/1">'
            f'{escape(json.dumps(request))}</basecache:instance>')


class DomainStory(LibvirtStory):
    options: dict = {}  # of [basecache]

    def setUp(self) -> None:
        super().setUp()
        self.libvirt.install_hook(HOOK)
        self.url = self.serve(tiny_guest.root_image())
        self.configure()
        self.boot_files = {"kernel_id": self.imported(tiny_guest.kernel()), "ramdisk_id": self.imported(tiny_guest.ramdisk())}
        self.agent = self.start_agent()
        self.libvirt.start()
        self.uuid = new_uuid()

    def configure(self, libvirt: dict | None = None, **options) -> Path:
        return self.config(str(CONFIGURED), basecache={"domains": "libvirt", **self.options, **options},
                           libvirt={"virt_type": "qemu", **(libvirt or {})})

    def imported(self, path: Path, **properties: str) -> str:
        """The UUID under which the registry has that image from now on."""
        uuid = new_uuid()
        said = [f"--property={name}={value}" for name, value in properties.items()]
        done = self.cli("image", "import", path, "--id", uuid, *said, config=CONFIGURED)
        self.assertEqual(done.code, 0, done.err)
        return uuid

    def start_agent(self) -> Daemon:
        SOCKET.parent.mkdir(exist_ok=True)
        self.agent, self.client = self.daemon(CONFIGURED, socket=str(SOCKET))
        return self.agent

    def request(self, **changes) -> dict:
        return {"image_ref": self.url, **self.boot_files, "flavor": {"root_gb": 0}, "config_drive": True, **changes}

    def domain(self, name: str = "web01", uuid: str | None = None, metadata: str | None = None, **changes) -> str:
        """A domain of ours whose files aren't there."""
        uuid = uuid or self.uuid
        drive = changes.pop("drive", metadata is None)
        return tiny_guest.domain(name, uuid, self.directory(uuid), ours(self.request()) if metadata is None else metadata,
                                 drive=drive, **changes)

    def lease(self, uuid: str) -> Path:
        return self.base / ".basecache/domains" / f"{uuid}.json"

    def assert_held(self, uuid: str | None = None) -> None:
        path = self.lease(uuid or self.uuid)
        eventually(path.exists, f"the lease {path}")

    def assert_let_go(self, uuid: str | None = None) -> None:
        path = self.lease(uuid or self.uuid)
        eventually(lambda: not path.exists(), f"the lease's end {path}")

    def downloads(self, path: str = "/image") -> int:
        return self.server.gets[path]

    def assert_libvirt_answers(self) -> None:
        """Nothing holds any domain: asking for all of them needs the lock of each."""
        self.libvirt.done("list", "--all")

    def wait_idle(self) -> None:
        eventually(lambda: not self.client.operations(), "the agent's work ending")


def hook_processes() -> list[int]:
    """Of those that run now."""
    found = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() in NAMES:
                found.append(int(comm.parent.name))
        except OSError:
            pass  # it has ended
    return found
