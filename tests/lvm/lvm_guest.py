"""A small guest with device-mapper: Debian's cloud kernel under QEMU's software emulation (never KVM: it hangs where
the machine is a guest itself), this machine's root as its own, read-only below a layer in its memory."""

import re
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

from requirements import Missing, require, require_file

NO_RESULT = 125
MEMORY = "2048M"  # its files are there too; taken when they are written
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
GUEST_INIT = Path(__file__).resolve().with_name("guest_init.sh")
# For its root and its ways out; whatever else it needs is loaded from there.
MODULES = ("virtio_pci", "virtio_console", "virtiofs", "overlay")
DISK = "/dev/vda"

# The first program of the guest, until it has its root.
FIRST_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
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
    kernel = newest_kernel()
    require("QEMU", "qemu-system-x86_64")
    require("what makes the guest", "busybox", "cpio", "modprobe")
    require_file("virtiofsd", VIRTIOFSD)
    with ExitStack() as given_back:
        scratch = Path(tempfile.mkdtemp(prefix="basecache-guest."))
        given_back.callback(shutil.rmtree, scratch)
        first_root = make_first_root(scratch, kernel, command)
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


def newest_kernel() -> Path:
    kernels = sorted(Path("/boot").glob("vmlinuz-*-cloud-amd64"),
                     key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)])
    if not kernels:
        raise Missing("this machine has no device-mapper and no cloud kernel for a guest (/boot/vmlinuz-*-cloud-amd64): "
                      "tools/install-packages.sh lvm")
    return kernels[-1]


def make_first_root(scratch: Path, kernel: Path, command: list[str]) -> Path:
    """An initial file system with what mounts the root."""
    tree = scratch / "first"
    for place in ("bin", "proc", "sys", "dev", "host", "layer", "root", "modules"):
        (tree / place).mkdir(parents=True)
    shutil.copy2(static_busybox(), tree / "bin/busybox")
    order = [Path(module) for module in modules_of(kernel)]
    for module in order:
        shutil.copy2(module, tree / "modules")
    (tree / "modules/order").write_text("".join(f"{module.name}\n" for module in order))
    init = tree / "init"
    init.write_text(FIRST_INIT.replace("{command}", shlex.join(["/bin/bash", str(GUEST_INIT), *command])))
    init.chmod(0o755)
    archive = scratch / "first.cpio"
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with open(archive, "wb") as output:
        subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], cwd=tree, input=names.encode(), stdout=output, check=True)
    return archive


def static_busybox() -> str:
    path = shutil.which("busybox")
    if b"/ld-linux" in Path(path).read_bytes():
        raise Missing(f"{path} isn't a static program (busybox-static): tools/install-packages.sh lvm")
    return path


def modules_of(kernel: Path) -> list[str]:
    """The files, each behind those it needs."""
    version = kernel.name.removeprefix("vmlinuz-")
    files: dict[str, None] = {}
    for module in MODULES:
        done = subprocess.run(["modprobe", "--set-version", version, "--show-depends", module], text=True,
                              capture_output=True, check=True)
        for line in done.stdout.splitlines():
            if line.startswith("insmod "):  # else it is built in
                files[line.split()[1]] = None
    return list(files)


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


class ended:
    """The process, killed where it still runs at the end."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    def __enter__(self) -> subprocess.Popen:
        return self._process

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()


def qemu_arguments(scratch: Path, kernel: Path, first_root: Path) -> list[str]:
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", MEMORY,
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on", "-numa", "node,memdev=memory",
            "-kernel", str(kernel), "-initrd", str(first_root),
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable random.trust_cpu=on",
            "-serial", f"file:{scratch / 'console.log'}",
            "-chardev", f"socket,id=root,path={scratch / 'root.socket'}",
            "-device", "vhost-user-fs-pci,chardev=root,tag=host,queue-size=1024",
            # Zeros, by whatever way they are written, take no space here.
            "-drive", f"file={scratch / 'disk'},format=raw,if=virtio,cache=unsafe,discard=unmap,detect-zeroes=unmap",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
            *port("output", "/dev/stdout"), *port("result", str(scratch / "result"))]


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
