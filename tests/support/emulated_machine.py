"""What every guest under QEMU's software emulation begins with: Debian's cloud kernel, and a first root that loads its
modules. Never KVM: it hangs where the machine is a guest itself."""

import re
import shutil
import subprocess
from pathlib import Path

from requirements import Missing, require

# The machine that all of them are. What follows are its devices.
ARGUMENTS = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
             "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-device", "virtio-rng-pci"]
KERNEL_ARGUMENTS = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable random.trust_cpu=on"

# The beginning of a first program: the system's own places and the modules, in the order that insmod needs.
FIRST_STEPS = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
"""


def newest_kernel(group: str) -> Path:
    """Of those that Debian's linux-image-cloud-amd64 brings, one a version. Raises Missing, also for QEMU."""
    kernels = sorted(Path("/boot").glob("vmlinuz-*-cloud-amd64"),
                     key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)])
    if not kernels:
        raise Missing(f"there is no cloud kernel for a guest (/boot/vmlinuz-*-cloud-amd64): tools/install-packages.sh {group}")
    require(group, "QEMU", ARGUMENTS[0])
    require(group, "what makes the guest", "busybox", "cpio", "modprobe")
    if b"/ld-linux" in Path(shutil.which("busybox")).read_bytes():
        raise Missing(f"busybox isn't a static program (busybox-static): tools/install-packages.sh {group}")
    return kernels[-1]


def make_first_root(scratch: Path, kernel: Path, modules: tuple[str, ...], next_steps: str) -> Path:
    """An initial file system whose first program does FIRST_STEPS, then these, and has an empty /root for the next root."""
    tree = scratch / "first"
    for place in ("bin", "proc", "sys", "dev", "root", "modules"):
        (tree / place).mkdir(parents=True)
    shutil.copy2(shutil.which("busybox"), tree / "bin/busybox")
    order = modules_of(kernel, modules)
    for module in order:
        shutil.copy2(module, tree / "modules")
    (tree / "modules/order").write_text("".join(f"{module.name}\n" for module in order))
    init = tree / "init"
    init.write_text(FIRST_STEPS + next_steps)
    init.chmod(0o755)
    archive = scratch / "first.cpio"
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with open(archive, "wb") as output:
        subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], cwd=tree, input=names.encode(), stdout=output, check=True)
    return archive


def modules_of(kernel: Path, modules: tuple[str, ...]) -> list[Path]:
    """The files, each behind those it needs."""
    version = kernel.name.removeprefix("vmlinuz-")
    files: dict[Path, None] = {}
    for module in modules:
        done = subprocess.run(["modprobe", "--set-version", version, "--show-depends", module], text=True,
                              capture_output=True, check=True)
        for line in done.stdout.splitlines():
            if line.startswith("insmod "):  # else it is built in
                files[Path(line.split()[1])] = None
    return list(files)


class ended:
    """The process, killed where it still runs at the end."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    def __enter__(self) -> subprocess.Popen:
        return self._process

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
