"""libvirtd and virtlogd, started by hand in a private machine, and virsh to ask them."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

import private_machine
from harness import PATIENCE, eventually

HOOKS = Path("/etc/libvirt/hooks/qemu.d")
SOCKET = Path("/run/libvirt/libvirt-sock")
# /dev/kvm is hidden by a mount, which libvirt couldn't move into a guest's own /dev; control groups are the machine's.
QEMU_CONF = "namespaces = []\ncgroup_controllers = []\n"
# As an init system gives it to them.
DAEMONS_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Said(NamedTuple):
    code: int
    out: str
    err: str


class OwnLibvirt:
    """Not running before start(). close() ends all of it, the guests too."""

    def __init__(self, logs: Path):
        private_machine.clear()
        self._logs = logs
        self._running: dict[str, subprocess.Popen] = {}
        HOOKS.mkdir(parents=True)
        Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF)

    def install_hook(self, program: Path, name: str = "basecache") -> None:
        """Before start(): libvirtd looks for hooks only then."""
        (HOOKS / name).symlink_to(program)

    def start(self) -> None:
        self._start("virtlogd")
        self._start("libvirtd")
        eventually(self._answers, f"libvirtd answering; it said: {self.log()[-2000:]}")

    def stop_libvirtd(self, number: int = signal.SIGTERM) -> None:
        """virtlogd and the guests go on."""
        libvirtd = self._running.pop("libvirtd")
        libvirtd.send_signal(number)
        libvirtd.wait(PATIENCE)

    def restart(self) -> None:
        self.stop_libvirtd()
        self.start_again()

    def start_again(self) -> None:
        """As at the start of the machine where autostarted domains haven't been started yet, else they go on."""
        self._start("libvirtd")
        eventually(self._answers, "libvirtd answering again")

    def _start(self, name: str) -> None:
        log = self._logs / f"{name}.log"
        variables = {"PATH": DAEMONS_PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "LIBVIRT_LOG_OUTPUTS": f"2:file:{log}"}
        with open(self._logs / f"{name}.out", "ab") as said:
            self._running[name] = subprocess.Popen([name], env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def _answers(self) -> bool:
        if self._running["libvirtd"].poll() is not None:
            raise AssertionError(f"libvirtd ended: {self.log()[-2000:]}")
        with socket.socket(socket.AF_UNIX) as asked:
            if asked.connect_ex(str(SOCKET)) != 0:
                return False
        return self.virsh("uri").code == 0

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self._logs.glob("libvirtd.*")))

    @property
    def pid(self) -> int:
        return self._running["libvirtd"].pid

    def virsh_process(self, *words: object, uri: str = "qemu:///system", **options) -> subprocess.Popen:
        variables = {"PATH": DAEMONS_PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **options.pop("variables", {})}
        return subprocess.Popen(["virsh", "--quiet", "--connect", uri, *map(str, words)], env=variables, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def virsh(self, *words: object, **options) -> Said:
        """What it said. A call that never ends is what hooks can do to libvirtd: that fails."""
        return said(self.virsh_process(*words, **options))

    def done(self, *words: object) -> str:
        """The output of what must succeed."""
        code, out, err = self.virsh(*words)
        if code != 0:
            raise AssertionError(f"virsh {' '.join(map(str, words))}: {err}{out}")
        return out.strip()

    def close(self) -> None:
        for guest in guests():
            try:
                os.kill(guest, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for daemon in reversed(self._running.values()):
            daemon.kill()
            daemon.wait()
        self._running.clear()
        eventually(lambda: not guests(), "the guests ending")


def said(process: subprocess.Popen) -> Said:
    try:
        out, err = process.communicate(timeout=PATIENCE * 2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"it never answered: {' '.join(process.args)}")
    return Said(process.returncode, out, err)


def guests() -> list[int]:
    """Every QEMU that runs: a private machine has no others than libvirt's."""
    found = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().startswith("qemu-system"):
                found.append(int(comm.parent.name))
        except OSError:
            pass  # it has ended
    return found
