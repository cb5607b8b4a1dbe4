"""The guest's image: a small Debian with systemd and cloud-init on a GPT disk with one partition, as a qcow2.

It is made of the machine's own package sources, which takes a minute or two, and is kept in BASECACHE_GUEST_DIRECTORY
until this recipe changes. It holds no kernel and no modules: those are the machine's (guest_machine.py).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import package_sources
from requirements import Missing, require

DIRECTORY = Path(os.environ.get("BASECACHE_GUEST_DIRECTORY", Path(__file__).resolve().parents[2] / "build/tests/guest"))
MIB = 1 << 20
PARTITION_AT = 1 * MIB
PARTITION_SIZE = 1024 * MIB
DISK_SIZE = PARTITION_AT + PARTITION_SIZE + 1 * MIB  # the last is the second partition table's

# cloud-init gives ifupdown its routes as commands of net-tools.
PACKAGES = ("cloud-guest-utils", "cloud-init", "dbus", "e2fsprogs", "fdisk", "ifupdown", "iproute2", "net-tools",
            "systemd-sysv", "udev", "util-linux")
UNWANTED = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")

# What costs time at its start and matters neither to cloud-init nor to the story. A login on the serial port would write
# between the report's lines.
MASKED = ("apt-daily-upgrade.timer", "apt-daily.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
          "fstrim.timer", "getty@tty1.service", "serial-getty@ttyS0.service", "systemd-timesyncd.service")
FILES = {
    "etc/hostname": "not-told-yet\n",
    "etc/machine-id": "",
    "etc/fstab": "/dev/vda1 / ext4 defaults 0 0\n",
    # Making host keys and a locale takes half a minute, emulated.
    "etc/cloud/cloud.cfg.d/99_cheap.cfg": "locale: false\nssh_genkeytypes: []\n",
}


def prepared() -> Path:
    """The image, made now where it isn't there yet; one process makes it. Raises Missing."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with open(DIRECTORY / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        image = DIRECTORY / f"debian-{recipe()}.qcow2"
        if not image.exists():
            make(image)
        return image


def recipe() -> str:
    """A digest of all that decides what is in it, but for the packages' versions."""
    texts = [Path(module).read_text() for module in (__file__, package_sources.__file__)]
    lines = [source.line for source in package_sources.of_this_machine()]
    return hashlib.sha256("\n".join([*texts, *lines]).encode()).hexdigest()[:12]


def make(image: Path) -> None:
    if os.getuid() != 0:
        raise Missing("a guest's packages are only installed by root")
    require("guest", "what makes a guest's image", "mmdebstrap", "mke2fs", "sfdisk", "qemu-img")
    for killed in DIRECTORY.glob("making.*"):
        shutil.rmtree(killed)
    with tempfile.TemporaryDirectory(dir=DIRECTORY, prefix="making.") as scratch:
        for old in DIRECTORY.glob("debian-*.qcow2"):
            old.unlink()
        root = Path(scratch) / "root"
        install_packages(root, reached_sources(Path(scratch)))
        make_cheap(root)
        staged = Path(scratch) / "image.qcow2"
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", make_disk(Path(scratch) / "disk.raw", root), staged)
        shutil.rmtree(root)
        staged.rename(image)


def reached_sources(scratch: Path) -> list[package_sources.Source]:
    """The machine's own, as its apt reaches them."""
    sources = package_sources.of_this_machine()
    if not sources:
        raise Missing(f"this machine has no package sources of Debian's {package_sources.codename()} for a guest")
    for source in sources:
        options = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]
        asked = subprocess.run(["/usr/lib/apt/apt-helper", *options, "download-file", source.release, str(scratch / "release")],
                               text=True, capture_output=True)
        if asked.returncode != 0:
            raise Missing(f"no Debian mirror answers for a guest's packages: {source.release}")
    return sources


def install_packages(root: Path, sources: list[package_sources.Source]) -> None:
    listed = root.parent / "sources.list"
    listed.write_text("".join(f"{source.line}\n" for source in sources))
    exclude = [f"--dpkgopt=path-exclude=/{folder}/*" for folder in UNWANTED if folder.startswith("usr/")]
    run("mmdebstrap", "--quiet", "--mode=root", "--format=directory", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        "--aptopt=Apt::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\"", "--dpkgopt=force-unsafe-io", *exclude,
        package_sources.codename(), root, listed, environment={"TMPDIR": str(root.parent)})


def make_cheap(root: Path) -> None:
    for folder in UNWANTED:
        shutil.rmtree(root / folder, ignore_errors=True)
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for path, text in FILES.items():
        (root / path).write_text(text)


def make_disk(disk: Path, root: Path) -> Path:
    """One partition of ext4 with what is in the folder."""
    with open(disk, "wb") as file:
        file.truncate(DISK_SIZE)
    run("sfdisk", "--quiet", disk, input=f"label: gpt\nstart={PARTITION_AT // 512}, size={PARTITION_SIZE // 512}, type=linux\n")
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "guest", "-E", f"offset={PARTITION_AT}", "-d", root, disk, f"{PARTITION_SIZE // 1024}k")
    return disk


def run(*command: object, input: str | None = None, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, input=input,
                          env=os.environ | (environment or {}))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
