"""The decoder beside qemu-img: whatever the inspector takes, both make the same disk of it, or neither makes one."""

import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from harness import CLI, DAEMON, MIB, ROOT, Story
from random_qcow2 import RandomQcow2

sys.path.insert(0, str(ROOT / "tests/data"))

from make_images import make_images  # noqa: E402

WHOLE = struct.pack("=Q", (1 << 64) - 1)  # what the parent says when all has arrived
DAMAGED = 2  # the decoder's exit code for it (backends/decode/decode_program.hpp)
LARGEST = 256 * MIB
RANDOM_IMAGES = 200
CHANGED = ["real-qcow2-refcount-bits-16", "real-qcow2-zlib", "real-qcow2-zlib-512", "real-qcow2-zstd", "real-qcow2-extended-l2"]


def decode(image: Path, disk: Path, threads: int = 2) -> subprocess.CompletedProcess:
    """As the daemon starts it, with the image, the disk and a pipe as 3, 4 and 5."""
    with ExitStack() as opened:
        def high(fd: int) -> int:
            """Out of the way of those numbers."""
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD, 100)
            os.close(fd)
            opened.callback(os.close, moved)
            return moved

        arrivals, teller = map(high, os.pipe())
        source, target = high(os.open(image, os.O_RDONLY)), high(os.open(disk, os.O_RDWR | os.O_CREAT | os.O_TRUNC))
        os.write(teller, WHOLE)
        command = f'exec "$0" decode-image {threads} 3<&{source} 4>&{target} 5<&{arrivals}'
        return subprocess.run(["bash", "-c", command, DAEMON], pass_fds=(source, target, arrivals), capture_output=True,
                              text=True)


def convert(image: Path, disk: Path) -> bool:
    return subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, disk],
                          capture_output=True).returncode == 0


def are_same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and \
        subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "raw", one, other]).returncode == 0


class DecodeCorpus(Story):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp(prefix="basecache-decode."))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.cases = make_images(cls.folder).cases

    def in_parallel(self, ask, things: list) -> list[str]:
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
            return [answer for answer in pool.map(ask, things) if answer]

    def disagreement(self, image: Path) -> str:
        """"" when both make the same of it."""
        ours, theirs = (self.scratch / f"{image.name}.{who}" for who in ("ours", "qemus"))
        try:
            done, converted = decode(image, ours), convert(image, theirs)
            if done.returncode not in (0, DAMAGED):
                return f"{image.name}: exit code {done.returncode}: {done.stderr}"
            if (done.returncode == 0) != converted:
                return f"{image.name}: we {done.returncode} ({done.stderr}), qemu-img {converted}"
            return "" if not converted or are_same(ours, theirs) else f"{image.name}: another disk"
        finally:
            ours.unlink(missing_ok=True)
            theirs.unlink(missing_ok=True)

    def test_all_that_is_taken_is_decoded_as_qemu_img_does(self):
        taken = [self.folder / case.name for case in self.cases
                 if case.accepted and case.format == "qcow2" and case.size <= LARGEST]
        self.assertGreater(len(taken), 40)
        self.assertEqual(self.in_parallel(self.disagreement, taken), [])

    def test_nothing_that_is_refused_ends_it_otherwise_than_by_saying_so(self):
        def ends_badly(image: Path) -> str:
            disk = self.scratch / f"{image.name}.disk"
            done = decode(image, disk)
            disk.unlink()
            return "" if done.returncode in (0, DAMAGED) else f"{image.name}: {done.returncode}: {done.stderr}"

        refused = [self.folder / case.name for case in self.cases if not case.accepted and case.format == "qcow2"
                   and case.check != "virtual_size"]
        self.assertGreater(len(refused), 80)
        self.assertEqual(self.in_parallel(ends_badly, refused), [])

    def test_changed_images_that_the_inspector_still_takes_are_decoded_alike(self):
        dice = random.Random(11)
        changed = []
        for name in CHANGED:
            content = (self.folder / name).read_bytes()
            for number in range(60):
                bytes_ = bytearray(content)
                for _ in range(dice.randint(1, 3)):
                    bytes_[dice.randrange(len(bytes_))] ^= 1 << dice.randrange(8)
                changed.append(self.scratch / f"{name}-{number}")
                changed[-1].write_bytes(bytes_)

        def judge(image: Path) -> tuple[bool, str]:
            is_taken = subprocess.run([CLI, "inspect", image, "--claimed", "qcow2"], capture_output=True).returncode == 0
            return is_taken, self.disagreement(image) if is_taken else ""

        answers = self.in_parallel(judge, changed)
        self.assertGreater(sum(is_taken for is_taken, _ in answers), 50)
        self.assertEqual([words for _, words in answers if words], [])

    def test_images_laid_out_as_no_program_would_are_decoded_alike(self):
        """Against qemu-img, and against the disk that they were made of. The inspector takes all but those that share
        clusters: of these, too, the decoder must not think something else than qemu-img does."""
        def judge(seed: int) -> str:
            made = RandomQcow2(seed)
            image, disk = (self.scratch / f"{made.name()}{end}" for end in ("", ".raw"))
            image.write_bytes(made.image)
            try:
                done = decode(image, disk, threads=1 + seed % 3)
                if done.returncode != 0 or disk.read_bytes() != made.disk:
                    return f"{made.name()}: another disk, exit code {done.returncode}: {done.stderr}"
                if not convert(image, disk) or disk.read_bytes() != made.disk:
                    return f"{made.name()}: qemu-img makes another disk"
                is_taken = subprocess.run([CLI, "inspect", image, "--claimed", "qcow2"],
                                          capture_output=True).returncode == 0
                return "" if is_taken or made.shares else f"{made.name()}: refused"
            finally:
                image.unlink()
                disk.unlink(missing_ok=True)

        self.assertEqual(self.in_parallel(judge, list(range(RANDOM_IMAGES))), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
