"""Storage that is full, read-only or not ours, tools that are missing or fail: clear errors, nothing left, and the next
attempt succeeds."""

import os
import subprocess
import unittest
from pathlib import Path

import images
from harness import DAEMON, MIB, creation, eventually, new_uuid, tool
from image_story import ImageStory
from loop_file_system import LoopFileSystem


class SmallFileSystem(LoopFileSystem):
    """instances_path on an ext4 file system of its own, of 48 MiB."""

    def setUp(self) -> None:
        super().setUp()
        self.mount(48 * MIB, "mkfs.ext4", "-q", "-F", "-m", "0")
        self.room = self.free()

    def remount(self, how: str) -> None:
        tool("mount", "-o", f"remount,{how}", self.instances_path)

    def fill(self, leave: int) -> Path:
        # What was removed counts as free from a later commit on.
        eventually(lambda: self.free() > self.room - 2 * MIB, "all room being free again")
        filler = self.instances_path / "filler"
        tool("fallocate", "-l", str(self.free() - leave), filler)
        return filler

    def free(self) -> int:
        tool("sync", "--file-system", self.instances_path)
        free = os.statvfs(self.instances_path)
        return free.f_bavail * free.f_bsize

    def test_a_full_file_system_is_said_so_and_room_made_later_is_used(self):
        # Full during the download, after it, during the conversion; and while the image is decoded on the way.
        for image, leave in ((images.vmdk(), 1 * MIB), (images.vmdk(), 8 * MIB), (images.vmdk(), 11 * MIB),
                             (images.qcow2(), 1 * MIB), (images.qcow2(), 8 * MIB)):
            with self.subTest(image=image.name, leave=leave):
                url = self.serve(image, f"/{image.name}-{leave}")
                daemon, client = self.daemon()
                filler = self.fill(leave)
                before = self.tree()
                uuid = new_uuid()
                self.assert_problem(client.create(uuid, creation(url)), 507, "no_space")
                self.assertEqual(self.tree(), before)
                filler.unlink()
                self.assert_created(client.create(uuid, creation(url)))
                client.delete(uuid)
                self.assertEqual(client.request("DELETE", f"/v1/cache/{self.base_file(url).name}").status, 200)
                daemon.stop()

    def test_a_file_system_that_becomes_read_only_is_said_so(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        before = self.tree()
        self.remount("ro")
        self.addCleanup(self.remount, "rw")
        uuid = new_uuid()
        self.assert_problem(client.create(uuid, creation(url)), 500, "storage_unusable", "ead-only")
        self.assertEqual(client.get("/v1/health").status, 200)
        self.assertEqual(self.tree(), before)
        self.remount("rw")
        self.assert_created(client.create(uuid, creation(url)))

    def test_the_daemon_does_not_start_on_a_read_only_instances_path(self):
        self.remount("ro")
        self.addCleanup(self.remount, "rw")
        done = subprocess.run([DAEMON, "--config", self.config(), "--socket", self.scratch / "agent.sock"],
                              env=self.environment(), text=True, capture_output=True, timeout=60)
        self.assertGreater(done.returncode, 0)
        self.assertIn(str(self.instances_path), done.stderr)
        self.assertIn("ead-only", done.stderr)


class Tools(ImageStory):
    def path_without(self, *missing: str) -> str:
        """A PATH on which everything is found but those."""
        folder = self.scratch / "bin"
        folder.mkdir(exist_ok=True)
        for directory in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            for program in os.listdir(directory):
                if program not in missing and not (folder / program).is_symlink():
                    (folder / program).symlink_to(f"{directory}/{program}")
        return str(folder)

    def stand_in(self, program: str, script: str) -> str:
        folder = self.scratch / "stand-in"
        folder.mkdir(exist_ok=True)
        (folder / program).write_text(f"#!/bin/sh\n{script}\n")
        (folder / program).chmod(0o755)
        self.scratch.chmod(0o755)  # whoever reads images isn't root
        return f"{folder}:{os.environ['PATH']}"

    def refused(self, path: str, code: str, *words: str, request: dict | None = None) -> None:
        url = self.serve(images.vmdk())  # which qemu-img converts
        daemon, client = self.daemon(path=path)
        before = self.tree()
        answer = client.create(new_uuid(), {**creation(url), **(request or {})})
        self.assert_problem(answer, 500, code, *words)
        self.assertEqual({name for name in self.tree() if name.endswith((".part", ".converted"))}, set())
        if request is None:
            self.assertEqual(self.tree(), before)
        daemon.stop()
        _, client = self.daemon()
        self.assert_created(client.create(new_uuid(), {**creation(url), **(request or {})}))

    def test_a_missing_qemu_img_is_named_with_its_package(self):
        self.refused(self.path_without("qemu-img"), "tool_failed", "qemu-img", "qemu-utils")

    def test_a_missing_mkfs_is_named(self):
        request = {"flavor": {"root_gb": 0, "ephemeral_gb": 1}, "os_type": "linux"}
        self.refused(self.path_without("mkfs.ext4", "mke2fs"), "tool_failed", "mkfs.ext4", request=request)

    def test_a_qemu_img_that_fails_is_quoted(self):
        real = tool("sh", "-c", "command -v qemu-img").strip()
        script = f'for w in "$@"; do [ "$w" = convert ] && {{ echo "disk on fire" >&2; exit 1; }}; done; exec {real} "$@"'
        self.refused(self.stand_in("qemu-img", script), "tool_failed", "qemu-img", "disk on fire")

    def test_a_qemu_img_that_is_killed_is_said_so(self):
        real = tool("sh", "-c", "command -v qemu-img").strip()
        script = f'for w in "$@"; do [ "$w" = convert ] && {{ ulimit -f 0; echo x >&4; }}; done; exec {real} "$@"'
        self.refused(self.stand_in("qemu-img", script), "tool_failed", "qemu-img", "signal", "wrote more than it may")

    def test_a_qemu_img_that_makes_nothing_is_noticed(self):
        real = tool("sh", "-c", "command -v qemu-img").strip()
        script = f'for w in "$@"; do [ "$w" = convert ] && exit 0; done; exec {real} "$@"'
        self.refused(self.stand_in("qemu-img", script), "tool_failed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
