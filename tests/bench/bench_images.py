"""The images that are measured, made once and kept: files of this machine's /usr with noise and holes among them."""

import os
import random
import shutil
from pathlib import Path
from typing import Iterator, NamedTuple

from harness import GIB, MIB, tool

FORMATS = ("raw", "qcow2", "zlib", "zstd")  # the last two: qcow2, compressed
OPTIONS = {"qcow2": (), "zlib": ("-c",), "zstd": ("-c", "-o", "compression_type=zstd")}
EXTENT = 16 * MIB  # data come in runs of this length
LARGEST_FILE = 8 * MIB  # of those that are read
NOISE_EVERY, NOISE = 16, 64 << 10  # of so many blocks of that size one can't be compressed


class ImageSize(NamedTuple):
    data: int  # bytes that are really there
    virtual: int

    @property
    def name(self) -> str:
        return f"{self.data // MIB}-of-{self.virtual // MIB}-mib"


FULL = ImageSize(1536 * MIB, 4 * GIB)
QUICK = ImageSize(96 * MIB, 256 * MIB)
SMALL = ImageSize(256 * MIB, 512 * MIB)


class BenchImages:
    """Images by size and format. One of a size and format is the same in every run on a machine."""

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, size: ImageSize, image_format: str) -> Path:
        """Made when it isn't there yet."""
        path = self._folder / f"{size.name}.{image_format}"
        if not path.exists():
            part = path.with_name(path.name + ".part")
            if image_format == "raw":
                _write_raw(part, size)
            else:
                tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *OPTIONS[image_format],
                     self.get(size, "raw"), part)
            part.rename(path)
        _read_once(path)
        return path

    def remove(self, size: ImageSize, *formats: str) -> None:
        for image_format in formats:
            (self._folder / f"{size.name}.{image_format}").unlink(missing_ok=True)


def put(image: Path, folder: Path) -> Path:
    """A copy with the same holes, on that folder's file system."""
    copy = folder / image.name
    tool("cp", "--sparse=always", image, copy)
    tool("sync", copy)
    return copy


def _write_raw(path: Path, size: ImageSize) -> None:
    extents = max(1, size.data // EXTENT)
    distance = size.virtual // extents
    content = _content()
    with open(path, "wb", buffering=0) as file:
        file.truncate(size.virtual)
        for number in range(extents):
            file.seek(number * distance)
            for _ in range(min(EXTENT, size.data) // MIB):
                file.write(next(content))


def _content() -> Iterator[bytes]:
    """MiB after MiB, never the same one twice before all files were used."""
    noise = random.Random(20260101)
    rest = bytearray()
    while True:
        for path in _files():
            rest += path.read_bytes()
            while len(rest) >= MIB:
                block = rest[:MIB]
                for start in range(0, MIB, NOISE_EVERY * NOISE):
                    block[start:start + NOISE] = noise.randbytes(NOISE)
                yield bytes(block)
                del rest[:MIB]


def _files() -> Iterator[Path]:
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST_FILE:
                yield path


def _read_once(path: Path) -> None:
    """Whoever comes first doesn't pay for the disk."""
    with open(path, "rb") as file, open(os.devnull, "wb") as nowhere:
        shutil.copyfileobj(file, nowhere, MIB)
