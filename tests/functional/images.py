"""Small but real images: an ext4 root file system of generated files, in several formats, made once a process."""

import atexit
import functools
import gzip
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

MIB = 1 << 20
SIZE = 64 * MIB  # virtual size of the root file system


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="basecache-images."))
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return folder


def _run(*command) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def _tree(folder: Path) -> None:
    """A root file system of some twelve MiB: text, noise, holes, links, deep folders. The same every time."""
    noise = random.Random(20260101)
    for name in ("bin", "etc/init.d", "usr/share/doc", "var/log", "boot", "home/user"):
        (folder / name).mkdir(parents=True)
    for number in range(150):
        (folder / f"usr/share/doc/page-{number}.txt").write_text(f"page {number}\n" * noise.randrange(1, 2000))
    for number in range(40):
        (folder / f"bin/tool-{number}").write_bytes(noise.randbytes(noise.randrange(10_000, 300_000)))
    (folder / "boot/vmlinuz").write_bytes(noise.randbytes(3 * MIB))
    with open(folder / "var/log/sparse", "wb") as sparse:
        sparse.seek(5 * MIB)
        sparse.write(b"end")
    (folder / "etc/hostname").write_text("image\n")
    (folder / "etc/mtab").symlink_to("/proc/mounts")


@functools.cache
def raw() -> Path:
    path, tree = _folder() / "root.raw", _folder() / "tree"
    tree.mkdir()
    _tree(tree)
    with open(path, "wb") as file:
        file.truncate(SIZE)
    _run("mkfs.ext4", "-q", "-F", "-d", tree, "-L", "root", "-U", "6a6f7567-1111-4222-8333-444455556666",
         "-E", "root_owner=0:0,hash_seed=6a6f7567-1111-4222-8333-444455556666", path)
    return path


@functools.cache
def converted(disk_format: str, *options: str) -> Path:
    path = _folder() / f"root.{'-'.join((disk_format, *options)).replace('=', '_').replace(',', '_')}"
    _run("qemu-img", "convert", "-f", "raw", "-O", disk_format, *options, raw(), path)
    return path


def qcow2() -> Path:
    return converted("qcow2")


def qcow2_zlib() -> Path:
    return converted("qcow2", "-c")


def vmdk() -> Path:
    return converted("vmdk", "-o", "subformat=monolithicSparse")


@functools.cache
def with_backing_file() -> Path:
    path = _folder() / "overlay.qcow2"
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-b", raw(), "-F", "raw", path)
    return path


@functools.cache
def with_data_file() -> Path:
    path = _folder() / "external.qcow2"
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={_folder() / 'external.data'}", path, str(SIZE))
    return path


@functools.cache
def other_raw() -> Path:
    """A second image of other content: 8 MiB, half of it noise."""
    path = _folder() / "other.raw"
    path.write_bytes(random.Random(7).randbytes(4 * MIB) + bytes(4 * MIB))
    return path


def bzimage() -> bytes:
    """What Linux' x86 boot protocol begins with (an EFI stub in front, a boot flag behind 510 bytes), and noise."""
    kernel = bytearray(random.Random(8).randbytes(300_001))
    kernel[:2] = b"MZ"
    kernel[510:518] = b"\x55\xaa\xeb\x6aHdrS"
    return bytes(kernel)


def ramdisk() -> bytes:
    """A cpio archive with one file in it, as an uncompressed initramfs or the microcode in front of one is."""
    def entry(name: bytes, content: bytes) -> bytes:
        fields = (1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
        return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return entry(b"init", random.Random(9).randbytes(70_001)) + entry(b"TRAILER!!!", b"")


@functools.cache
def compressed_ramdisk() -> bytes:
    return gzip.compress(ramdisk(), mtime=0)
