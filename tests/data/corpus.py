"""A folder of image files, each with what the inspector has to say of it. A file's name is its property."""

import functools
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


class Case(NamedTuple):
    name: str
    format: str  # what it is; "" where that doesn't matter
    size: int  # of its virtual disk, when it is accepted
    check: str  # "" when it is accepted, else one of the checks that refuse it

    @property
    def accepted(self) -> bool:
        return not self.check


class Corpus:
    """Collects the cases while it writes their files."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.cases: list[Case] = []

    def accept(self, name: str, image_format: str, size: int, content: bytes | None = None) -> None:
        """`content` None: the file is there already."""
        self._add(Case(name, image_format, size, ""), content)

    def refuse(self, name: str, check: str, content: bytes | None = None, image_format: str = "") -> None:
        self._add(Case(name, image_format, 0, check), content)

    def path(self, name: str) -> Path:
        return self.folder / name

    def qemu_img(self, *words) -> None:
        run("qemu-img", *words)

    def write_expectations(self) -> None:
        lines = [json.dumps(case._asdict()) for case in self.cases]
        self.path("expected.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")

    def _add(self, case: Case, content: bytes | None) -> None:
        if any(case.name == known.name for known in self.cases):
            raise ValueError(f"two cases are called {case.name}")
        if content is not None:
            write_sparse(self.path(case.name), content)
        self.cases.append(case)


def run(*words) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


def write_sparse(path: Path, content: bytes) -> None:
    """Writes only the blocks that hold something: most images here are mostly zeros."""
    block, zeros = 64 * KIB, bytes(64 * KIB)
    with open(path, "wb") as file:
        for at in range(0, len(content), block):
            part = content[at:at + block]
            if part != zeros[:len(part)]:
                file.seek(at)
                file.write(part)
        file.truncate(len(content))


def big(value: int, width: int) -> bytes:
    return value.to_bytes(width, "big")


def little(value: int, width: int) -> bytes:
    return value.to_bytes(width, "little")


def patched(content: bytes, *patches: tuple[int, bytes]) -> bytes:
    """Bytes put over others, from an offset each; behind the end they make it longer."""
    changed = bytearray(content)
    for at, new in patches:
        changed.extend(bytes(max(0, at + len(new) - len(changed))))
        changed[at:at + len(new)] = new
    return bytes(changed)


@functools.cache
def _noise(seed: int) -> bytes:
    state, out = seed, bytearray()
    while len(out) < 16 * KIB:
        state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
        out += (state | 0x80808080).to_bytes(4, "big")
    return bytes(out)


def noise(length: int, seed: int = 1) -> bytes:
    """The same each time, and no magic of any format: every byte has its top bit set."""
    return (_noise(seed) * (length // (16 * KIB) + 1))[:length]


def disk(length: int) -> bytes:
    """A disk with content at its two ends, and mostly a hole."""
    end = min(length // 2, KIB)
    return noise(end) + bytes(length - 2 * end) + noise(end)
