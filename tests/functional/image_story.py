"""A story with images: a scripted server of its own, and the usual checks of what a creation made."""

import os
import signal
from pathlib import Path

import images
from harness import Story, cache_key, eventually, tool
from image_server import ImageServer

# Sleeps where it should convert; in the sandbox it can tell nobody.
SLOW_QEMU_IMG = """#!/bin/sh
for word in "$@"; do
  [ "$word" = convert ] && exec perl -e 'sleep 600'
done
exec {real} "$@"
"""

class ImageStory(Story):
    def setUp(self) -> None:
        super().setUp()
        self.server = ImageServer()
        self.addCleanup(self.server.close)

    def serve(self, image: Path, path: str = "/image") -> str:
        return self.server.serve(path, image)

    def file_url(self, image: Path) -> str:
        """The image as a file:// URL below the one directory that file URLs may refer to."""
        target = self.scratch / "files" / image.name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            target.write_bytes(image.read_bytes())
        return f"file://{target}"

    def base_file(self, image_ref: str) -> Path:
        return self.base / cache_key(image_ref)

    def visible_base_files(self) -> list[Path]:
        if not self.base.is_dir():
            return []
        return [path for path in sorted(self.base.iterdir())
                if path.is_file() and not path.name.startswith(".") and path.suffix not in (".part", ".converted")]

    def path_of_slow_qemu_img(self) -> str:
        """A PATH whose qemu-img never ends a conversion."""
        folder = self.scratch / "slow"
        folder.mkdir()
        real = tool("sh", "-c", "command -v qemu-img").strip()
        (folder / "qemu-img").write_text(SLOW_QEMU_IMG.format(real=real))
        (folder / "qemu-img").chmod(0o755)
        self.scratch.chmod(0o755)  # whoever reads images isn't root
        return f"{folder}:{os.environ['PATH']}"

    def slow_conversion(self, daemon) -> int:
        """The process of it, once it runs. Ended after the story if it still runs."""
        pid = eventually(lambda: self._child(daemon.pid, "perl"), "the conversion starting")
        self.addCleanup(self._end, pid)
        return pid

    @staticmethod
    def _end(pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it died as it should

    @staticmethod
    def _child(parent: int, name: str) -> int | None:
        """Whose parent is the process, and which runs that program now."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                said = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            except OSError:
                continue  # it has ended
            if said["Name"] == name and int(said["PPid"]) == parent:
                return int(status.parent.name)
        return None

    def assert_published(self, image_ref: str, image: Path | None = None) -> Path:
        """The base file of the image is there, complete, read-only, raw, equal to its source."""
        path = self.base_file(image_ref)
        self.assertTrue(path.is_file(), f"{path} is missing")
        self.assertEqual(path.stat().st_mode & 0o777, 0o444)
        self.assert_same_content(image or images.raw(), path, "raw", "raw")
        return path

    def assert_nothing_staged(self) -> None:
        self.assertEqual(self.staged_files(), [])

    def assert_created(self, answer) -> dict:
        """The creation succeeded; its disks by name."""
        self.assertEqual(answer.status, 200, answer.body)
        return {disk["name"]: disk for disk in answer.body["disks"]}

    def assert_problem(self, answer, status: int, code: str, *words: str) -> dict:
        self.assertEqual((answer.status, answer.content_type.split(";")[0]), (status, "application/problem+json"), answer.body)
        self.assertEqual(answer.body["code"], code, answer.body)
        self.assertEqual(answer.body["type"], f"urn:basecache:error:{code}")
        self.assertEqual(answer.body["status"], status)
        said = f"{answer.body['detail']} {answer.body.get('hint', '')}"
        for word in words:
            self.assertIn(word, said)
        return answer.body
