"""Processes, ports and a directory of a peer: each is given back when the peer ends, however its test ends."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

PATIENCE = 120.0  # seconds until a wait is a failure
STOP_PATIENCE = 15.0  # for a daemon to end by itself, before it is killed
PR_SET_PDEATHSIG = 1  # linux/prctl.h

_libc = ctypes.CDLL(None, use_errno=True)


def require(what: str, *programs: str) -> None:
    """Skips the test, saying why, when the machine lacks one of a peer's programs."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        raise unittest.SkipTest(f"{what} isn't installed ({', '.join(missing)}): tools/install-packages.sh peers")


def environment(**changes: object) -> dict[str, str]:
    """For programs of the distribution: none of the test's own OS_*, PYTHON* or CEPH_* settings,
    and a home that nobody, root included, can make a cache in."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/dev/null", "LC_ALL": "C.UTF-8",
            **{name: str(value) for name, value in changes.items()}}


def _end_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Port:
    """A free port of the loopback that nobody else is given meanwhile.

    A bound socket that doesn't listen holds it: the kernel gives the port to nobody who asks for any port, but lets a
    daemon bind it that sets SO_REUSEADDR, as all of ours do.
    """

    def __init__(self):
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number = self._holder.getsockname()[1]

    def close(self) -> None:
        self._holder.close()


class Process:
    """One daemon in a process group of its own, its output in a file. It ends with the thread that started it, too."""

    def __init__(self, name: str, command: list, log: Path, **environ: object):
        self.name = name
        self.log = log
        self._ended = False
        with open(log, "ab") as output:
            self._process = subprocess.Popen([str(word) for word in command], env=environment(**environ),
                                             stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                             cwd=log.parent, start_new_session=True, preexec_fn=_end_with_parent)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, ready: Callable[[], object]) -> None:
        """Until `ready()` is true. Fails, with the end of the log, when the daemon ends before or takes too long."""
        never = threading.Event()
        for _ in range(int(PATIENCE / 0.05)):
            if ready():
                return
            if (code := self._process.poll()) is not None:
                raise AssertionError(f"{self.name} ended with {code}:\n{tail(self.log)}")
            never.wait(0.05)
        raise AssertionError(f"{self.name} did not become ready in {PATIENCE:.0f} s:\n{tail(self.log)}")

    def wait_success(self) -> None:
        """For a program that ends by itself."""
        if (code := self._process.wait(PATIENCE)) != 0:
            raise AssertionError(f"{self.name} ended with {code}:\n{tail(self.log)}")
        self._ended = True

    def close(self) -> None:
        """Ends the whole group; none of it runs afterwards."""
        if self._ended:
            return  # its number may be somebody else's by now
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # all of it has ended


class Peer(ABC):
    """Something real to talk to: a context manager that starts it in a scratch directory and leaves nothing behind.

    A peer overrides `_start`, and gets what it starts from `daemon`, `port` and `run`. BASECACHE_KEEP=1 leaves the
    directory, and says where it is.
    """

    def __init__(self):
        self.scratch: Path | None = None  # until it is started
        self._cleanups = ExitStack()  # all of them happen, the last first

    def start(self):
        self.scratch = Path(tempfile.mkdtemp(prefix=f"basecache-{type(self).__name__.lower()}."))
        self._cleanups.callback(self._remove_scratch)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    @abstractmethod
    def _start(self) -> None:
        """Starts what it consists of, below the scratch directory; what is to be ended goes to the cleanups."""

    def close(self) -> None:
        self._cleanups.close()

    def _remove_scratch(self) -> None:
        if os.environ.get("BASECACHE_KEEP"):
            print(f"kept {self.scratch}")
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_) -> None:
        self.close()

    def log(self) -> str:
        """The end of every log, for the message of a test that fails."""
        return "\n".join(f"== {path.name}\n{tail(path)}" for path in sorted(self.scratch.glob("*.log")))

    # For what a peer is made of.

    def port(self) -> int:
        port = Port()
        self._cleanups.callback(port.close)
        return port.number

    def daemon(self, name: str, command: list, **environ: object) -> Process:
        """Its output is in <name>.log."""
        daemon = Process(name, command, self.scratch / f"{name}.log", **environ)
        self._cleanups.callback(daemon.close)
        return daemon

    def run(self, *command: object, give: str = "", **environ: object) -> str:
        """A program that ends by itself; what it wrote to its standard output."""
        done = subprocess.run([str(word) for word in command], env=environment(**environ), text=True, input=give,
                              capture_output=True, timeout=PATIENCE, cwd=self.scratch, preexec_fn=_end_with_parent)
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-6000:]
            raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{said}")
        return done.stdout


def tail(path: Path, size: int = 6000) -> str:
    return path.read_text(errors="replace")[-size:] if path.exists() else ""
