"""What every story needs: a scratch directory, the real daemon and CLI, a client of the socket, a way to wait.

A story is a TestCase that derives from Story. Whatever it starts is ended and removed afterwards, also when it fails:
processes by their pid, directories by their path. BASECACHE_KEEP=1 leaves the scratch directory and says where it is.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import uuid
from pathlib import Path
from typing import Callable, NamedTuple

from socket_client import Client

ROOT = Path(__file__).resolve().parents[2]
DAEMON = Path(os.environ.get("BASECACHE_DAEMON", ROOT / "build/agent/basecached"))
CLI = Path(os.environ.get("BASECACHE_CLI", ROOT / "build/tools/basecache/basecache"))
PATIENCE = 60.0  # seconds until a wait is a failure; never what a passing test waits for
DAY = 86400

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def cache_key(image_ref: str) -> str:
    return hashlib.sha1(image_ref.encode()).hexdigest()


def eventually(condition: Callable[[], object], what: str, patience: float = PATIENCE):
    """The condition's first true value. Fails with `what` when it doesn't come true."""
    never = threading.Event()
    for _ in range(int(patience / 0.01)):
        if value := condition():
            return value
        never.wait(0.01)
    raise AssertionError(f"never happened: {what}")


class Daemon:
    """One basecached. Ready when the constructor returns, unless `ready` is False."""

    def __init__(self, command: list, environment: dict[str, str], ready: bool = True):
        self.log: list[str] = []
        self._ready = threading.Event()
        self._process = subprocess.Popen([str(word) for word in command], env=environment, text=True,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                         start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if ready:
            self._ready.wait(PATIENCE)
            if not self.is_ready():
                self.kill()
                raise AssertionError(f"the daemon did not become ready:\n{self.text()}")

    def _read(self) -> None:
        for line in self._process.stderr:
            self.log.append(line)
            if "event=ready" in line:
                self._ready_seen = True
                self._ready.set()
        self._ready.set()  # it ended: stop waiting

    def is_ready(self) -> bool:
        return getattr(self, "_ready_seen", False) and self._process.poll() is None

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    def text(self) -> str:
        return "".join(self.log)

    def wait(self) -> int:
        """The exit code; negative for a signal."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()

    def children(self) -> list[int]:
        found = []
        for task in Path(f"/proc/{self.pid}/task").glob("*/children"):
            found += [int(pid) for pid in task.read_text().split()]
        return found

    def close(self) -> None:
        try:
            self._signal_group(signal.SIGTERM)
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._signal_group(signal.SIGKILL)
            self._process.wait()
        self._reader.join(PATIENCE)
        self._process.stderr.close()

    def _signal_group(self, number: int) -> None:
        """A wrapper (strace) and the daemon below it too: the group was made for them."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # all of it has ended


class CliResult(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Story(unittest.TestCase):
    def setUp(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="basecache-story."))
        self.addCleanup(self._remove_scratch)
        self.instances_path = self.scratch / "instances"
        self.instances_path.mkdir()
        self.daemons: list[Daemon] = []

    def _remove_scratch(self) -> None:
        if os.environ.get("BASECACHE_KEEP"):
            print(f"kept {self.scratch}")
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)

    @property
    def base(self) -> Path:
        return self.instances_path / "_base"

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS")
                if name in os.environ}
        return {**kept, "LC_ALL": "C.UTF-8", **changes}

    def config(self, name: str = "basecache.conf", **sections: dict) -> Path:
        """A configuration file for this story's instances_path; sections by name, DEFAULT and basecache have defaults."""
        merged = {"DEFAULT": {"instances_path": self.instances_path},
                  "basecache": {"registry_directory": self.scratch / "registry",
                                "file_url_directories": self.scratch / "files",
                                "domains": "none"}}  # a libvirt that is installed here and doesn't run stops all pruning
        for section, options in sections.items():
            merged.setdefault(section, {}).update(options)
        text = "".join(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
                       for section, options in merged.items())
        (self.scratch / "files").mkdir(exist_ok=True)
        (self.scratch / "registry").mkdir(exist_ok=True)
        path = self.scratch / name
        path.write_text(text)
        return path

    def daemon(self, config: Path | None = None, socket: str = "agent.sock", wrapper: list | None = None,
               ready: bool = True, path: str | None = None) -> tuple[Daemon, Client]:
        command = [*(wrapper or []), DAEMON, "--config", config or self.config(), "--socket", self.scratch / socket]
        environment = self.environment(**({"PATH": path} if path else {}))
        daemon = Daemon(command, environment, ready)
        self.daemons.append(daemon)
        self.addCleanup(daemon.close)
        return daemon, Client(self.scratch / socket)

    def cli(self, *arguments, config: Path | None = None, path: str | None = None,
            variables: dict[str, str] | None = None) -> CliResult:
        command = [str(word) for word in (CLI, "--config", config or self.config(), *arguments)]
        changes = {**(variables or {}), **({"PATH": path} if path else {})}
        done = subprocess.run(command, env=self.environment(**changes), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE * 2)
        return CliResult(done.returncode, done.stdout, done.stderr)

    # Looking at what is there.

    def tree(self) -> dict[str, tuple]:
        """Everything below instances_path that a request could leave behind: kind and size by path, locks left out."""
        found = {}
        for path in sorted(self.instances_path.rglob("*")):
            relative = path.relative_to(self.instances_path)
            if "locks" in relative.parts or "lost+found" in relative.parts:
                continue
            with contextlib.suppress(FileNotFoundError):  # it went between the listing and the look
                found[str(relative)] = ("directory",) if path.is_dir() else ("file", path.lstat().st_size)
        return found

    def staged_files(self) -> list[str]:
        return [path for path in self.tree() if path.split("/")[-1].endswith((".part", ".converted"))]

    def assert_same_content(self, expected: Path, actual: Path, expected_format: str, actual_format: str) -> None:
        done = subprocess.run(["qemu-img", "compare", "-f", expected_format, "-F", actual_format, expected, actual],
                              text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, f"{actual} differs from {expected}: {done.stdout}{done.stderr}")

    def assert_clean_disk(self, path: Path, disk_format: str, virtual_size: int) -> dict:
        """The disk is sound and has that size, by qemu-img; returns what qemu-img says of it."""
        told = json.loads(tool("qemu-img", "info", "--output=json", "-f", disk_format, path))
        self.assertEqual(told["virtual-size"], virtual_size, path)
        if disk_format == "qcow2":
            tool("qemu-img", "check", "-f", "qcow2", path)
        return told

    def grow_old(self, path: Path, seconds: int = 2 * DAY) -> None:
        """As if the file had last been used that long ago."""
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def tool(*command, **options) -> str:
    """Runs a program that isn't ours; its output. Fails with what it said."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed ({done.returncode}): {done.stdout}{done.stderr}")
    return done.stdout


def new_uuid() -> str:
    return str(uuid.uuid4())


def creation(image_ref: str | None, root_gb: int = 0, **fields) -> dict:
    request = {"flavor": {"root_gb": root_gb, **fields.pop("flavor", {})}, **fields}
    if image_ref is not None:
        request["image_ref"] = image_ref
    return request
