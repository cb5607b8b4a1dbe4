"""A story with libvirt's hook, called by hand as libvirt calls it: argv, the domain's description on stdin, nothing in
the environment. A script in its place names the story's configuration."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from harness import PATIENCE, ROOT
from image_story import ImageStory

HOOK = Path(os.environ.get("BASECACHE_QEMU_HOOK", ROOT / "build/tools/basecache-qemu-hook/basecache-qemu-hook"))
LIBVIRT_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
NAMESPACE = "https://basecache.dev/xmlns/instance/1"
NOVA_NAMESPACE = "http://openstack.org/xmlns/libvirt/nova/1.1"


class HookResult(NamedTuple):
    code: int
    out: str
    err: str


class HookStory(ImageStory):
    def hook_config(self, libvirt: dict | None = None, **basecache: object) -> Path:
        options = {"socket": self.scratch / "agent.sock", "hook_deadline": 60, **basecache}
        config = self.config(basecache=options, libvirt=libvirt or {})
        script = self.scratch / "hook"
        script.write_text(f'#!/bin/sh\nBASECACHE_CONFIG="{config}" exec "{HOOK}" "$@"\n')
        script.chmod(0o755)
        return config

    def start_hook(self, xml: str | bytes, operation: str = "prepare", sub_operation: str = "begin",
                   **options) -> subprocess.Popen:
        process = subprocess.Popen([self.scratch / "hook", "web01", operation, sub_operation, "-"],
                                   env=LIBVIRT_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(self._end_hook, process)
        process.stdin.write(xml if isinstance(xml, bytes) else xml.encode())
        process.stdin.close()
        return process

    @staticmethod
    def _end_hook(process: subprocess.Popen) -> None:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    @staticmethod
    def ended(process: subprocess.Popen) -> HookResult:
        """Read as libvirt does: to the end of its output, whoever holds it open."""
        process.stdin = None
        out, err = process.communicate(timeout=PATIENCE)
        return HookResult(process.returncode, out.decode(), err.decode())

    def hook(self, xml: str | bytes, operation: str = "prepare", sub_operation: str = "begin", **options) -> HookResult:
        return self.ended(self.start_hook(xml, operation, sub_operation, **options))

    def disk(self, uuid: str, name: str = "disk") -> Path:
        return self.instances_path / uuid / name

    def domain(self, uuid: str, metadata: str, disks: tuple[str, ...] = ("disk",), more: str = "") -> str:
        devices = "".join(
            f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{self.disk(uuid, name)}'/>"
            f"<target dev='vd{chr(ord('a') + number)}' bus='virtio'/></disk>" for number, name in enumerate(disks))
        return (f"<domain type='qemu'><name>web01</name><uuid>{uuid}</uuid><metadata>{metadata}</metadata>"
                f"<devices>{devices}{more}</devices></domain>")

    def our_domain(self, uuid: str, request: dict | None, **options) -> str:
        text = "" if request is None else escape(json.dumps(request))
        return self.domain(uuid, f'<basecache:instance xmlns:basecache="{NAMESPACE}">{text}</basecache:instance>', **options)

    def nova_domain(self, uuid: str, image: str, swap: int = 0, **options) -> str:
        return self.domain(uuid, f'<nova:instance xmlns:nova="{NOVA_NAMESPACE}"><nova:name>shop</nova:name>'
                           f'<nova:flavor name="m1.tiny"><nova:memory>512</nova:memory><nova:disk>1</nova:disk>'
                           f'<nova:swap>{swap}</nova:swap><nova:ephemeral>0</nova:ephemeral><nova:vcpus>1</nova:vcpus>'
                           f'</nova:flavor><nova:root type="image" uuid="{image}"/></nova:instance>', **options)

    def leases(self) -> set[str]:
        return {path.stem for path in (self.base / ".basecache" / "domains").glob("*.json")}

    def assert_goes_on(self, result: HookResult) -> None:
        self.assertEqual(result, (0, "", ""))

    def assert_refused(self, result: HookResult, *words: str) -> None:
        self.assertEqual((result.code, result.out), (1, ""), result.err)
        self.assertTrue(result.err.startswith("basecache: "), result.err)
        self.assertLess(len(result.err.encode()), 300)
        self.assertEqual(result.err.count("\n"), 1, result.err)
        for word in words:
            self.assertIn(word, result.err)
