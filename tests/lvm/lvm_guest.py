"""A small guest with device-mapper under QEMU's software emulation, whose root is this machine's own, read-only below a
layer in its memory."""

import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import emulated_machine
from emulated_machine import ended
from requirements import require_file

IN_GUEST = "BASECACHE_LVM_GUEST"  # in the environment of what runs in the guest
NO_RESULT = 125
MEMORY = "2048M"  # its files are there too; taken when they are written
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
GUEST_INIT = Path(__file__).resolve().with_name("guest_init.sh")
# For its root and its ways out; whatever else it needs is loaded from there.
MODULES = ("virtio_pci", "virtio_console", "virtiofs", "overlay")
DISK = "/dev/vda"

# The first program of the guest, until it has its root.
NEXT_STEPS = """mkdir /host /layer
mount -t virtiofs -o ro host /host
mount -t tmpfs -o size=80% tmpfs /layer
mkdir /layer/files /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/files,workdir=/layer/work overlay /root
for place in proc sys dev; do mount --move /$place /root/$place; done
exec switch_root /root {command}
"""


def run(command: list[str], disk_size: int, seconds: float) -> int:
    """The command's exit code, its output on ours. The guest has an empty disk of that size. Raises
    subprocess.TimeoutExpired."""
    kernel = emulated_machine.newest_kernel("lvm")
    require_file("lvm", "virtiofsd", VIRTIOFSD)
    with ExitStack() as given_back:
        scratch = Path(tempfile.mkdtemp(prefix="basecache-guest."))
        given_back.callback(shutil.rmtree, scratch)
        next_steps = NEXT_STEPS.replace("{command}", shlex.join(["/bin/bash", str(GUEST_INIT), *command]))
        first_root = emulated_machine.make_first_root(scratch, kernel, MODULES, next_steps)
        given_back.enter_context(share_root(scratch))
        with open(scratch / "disk", "wb") as disk:
            disk.truncate(disk_size)
        arguments = qemu_arguments(scratch, kernel, first_root)
        with open(scratch / "qemu.log", "wb") as log:
            qemu = given_back.enter_context(ended(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                                   stderr=log)))
        copying = threading.Thread(target=copy_output, args=[qemu], daemon=True)
        copying.start()
        try:
            qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            show_end(scratch)
            raise
        copying.join()
        return result(scratch)


def copy_output(qemu: subprocess.Popen) -> None:
    while some := qemu.stdout.read1():
        sys.stdout.buffer.write(some)
        sys.stdout.buffer.flush()


def share_root(scratch: Path) -> ExitStack:
    """virtiofsd on a socket that listens before anybody asks. It keeps a descriptor for each file the guest has seen."""
    given_back = ExitStack()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with socket.socket(socket.AF_UNIX) as listener, open(scratch / "virtiofsd.log", "wb") as log:
        listener.bind(str(scratch / "root.socket"))
        listener.listen()
        options = ["source=/", "sandbox=chroot", "cache=always", "no_readdirplus", "no_writeback"]
        arguments = [VIRTIOFSD, f"--fd={listener.fileno()}", "--rlimit-nofile=0", "-f"]
        for option in options:
            arguments += ["-o", option]
        given_back.enter_context(ended(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                        pass_fds=[listener.fileno()])))
    return given_back


def qemu_arguments(scratch: Path, kernel: Path, first_root: Path) -> list[str]:
    return [*emulated_machine.ARGUMENTS, "-m", MEMORY,
            "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on", "-numa", "node,memdev=memory",
            "-kernel", str(kernel), "-initrd", str(first_root), "-append", emulated_machine.KERNEL_ARGUMENTS,
            "-serial", f"file:{scratch / 'console.log'}",
            "-chardev", f"socket,id=root,path={scratch / 'root.socket'}",
            "-device", "vhost-user-fs-pci,chardev=root,tag=host,queue-size=1024",
            # Zeros, by whatever way they are written, take no space here.
            "-drive", f"file={scratch / 'disk'},format=raw,if=virtio,cache=unsafe,discard=unmap,detect-zeroes=unmap",
            "-device", "virtio-serial-pci", *port("output", "/dev/stdout"), *port("result", str(scratch / "result"))]


def port(name: str, path: str) -> list[str]:
    return ["-chardev", f"file,id={name},path={path},append=on", "-device", f"virtserialport,chardev={name},name={name}"]


def result(scratch: Path) -> int:
    written = scratch / "result"
    text = written.read_text().strip() if written.exists() else ""
    if text.isdigit():
        return int(text)
    show_end(scratch)
    print("lvm_guest: the guest ended without a result", file=sys.stderr)
    return NO_RESULT


def show_end(scratch: Path) -> None:
    """What may tell why."""
    for name in ("console.log", "qemu.log", "virtiofsd.log"):
        path = scratch / name
        text = path.read_text(errors="replace")[-4000:].strip() if path.exists() else ""
        print(f"== {name}\n{text}", file=sys.stderr)
