"""The inspector's verdicts on a corpus of real and hostile images, beside those of QEMU and of OpenStack's inspector."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from harness import ROOT, Story

sys.path.insert(0, str(ROOT / "tests/data"))

from corpus import Case  # noqa: E402
from make_images import make_images  # noqa: E402

VERDICTS = Path(os.environ.get("BASECACHE_INSPECT_VERDICTS", ROOT / "build/tests/unit/inspect/inspect_verdicts"))
MEMORY_LIMIT = 2 << 20
BLOCK_SIZES = [1 << 20, 64 << 10, 512, 17, 1]

# Where distributions keep OpenStack's inspector, the strictest first: from 2024.2 on it is a part of oslo.utils.
PACKAGES = Path("/usr/lib/python3/dist-packages")
OPENSTACK_INSPECTORS = [PACKAGES / "oslo_utils/imageutils/format_inspector.py",
                        PACKAGES / "nova/image/format_inspector.py",
                        PACKAGES / "glance/common/format_inspector.py"]
SYSTEM_PYTHON = "/usr/bin/python3"  # sees the distribution's packages, whatever Python runs this

# What OpenStack refuses and we take, by the beginning of the name.
EXTENDED_L2 = ("OpenStack knows four qcow2 features; extended L2 entries are the fifth, QEMU reads them since 5.2, and "
               "they name no other file")
HYBRID_DISC = ("a disc with a partition table, to be booted from a stick, is two formats to newer inspectors (oslo.utils); "
               "Nova takes the pair, and QEMU reads both as raw")
NO_PARTITION_TABLE = ("to newer inspectors a FAT has two tables and the medium 0xf8, and any other one is a partition "
                      "table without partitions")
EXCEPTIONS = {
    "qcow2-extended-l2-made-by-hand": EXTENDED_L2,
    "real-qcow2-extended-l2": EXTENDED_L2,
    "real-qcow2-zlib-extended-l2": EXTENDED_L2,
    "iso-hybrid": HYBRID_DISC,
    "real-iso-with-protective-table": HYBRID_DISC,
    "real-iso-with-appended-partition": HYBRID_DISC,
    "real-fat-with-one-table": NO_PARTITION_TABLE,
    "real-fat-of-a-floppy": NO_PARTITION_TABLE,
}

# What qemu-img reads for itself: its libraries, and how many processors there are.
OF_THE_SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/local/lib/", "/etc/ld.so.", "/etc/ssl/", "/sys/", "/proc/",
                 "/dev/null", "/dev/urandom", "/usr/share/")


class Judged(NamedTuple):
    case: Case
    path: Path
    reports: list[dict]  # one for each block size

    @property
    def qemu_format(self) -> str:
        return "raw" if self.case.format == "iso" else self.case.format

    @property
    def qemu_size(self) -> int:
        """QEMU counts a raw file in sectors, and rounds up; the other formats' sizes are what their headers say."""
        return -(-self.case.size // 512) * 512 if self.qemu_format == "raw" else self.case.size


@functools.cache
def corpus() -> list[Judged]:
    """Made once a process, and shown to the inspector by one process: some hundred files."""
    folder = Path(tempfile.mkdtemp(prefix="basecache-corpus."))
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    cases = make_images(folder).cases
    done = subprocess.run([VERDICTS], input="".join(f"{folder / case.name}\n" for case in cases), text=True,
                          capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{VERDICTS}: {done.returncode}: {done.stderr}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [Judged(case, Path(answer["file"]), answer["reports"]) for case, answer in zip(cases, answers, strict=True)]


def accepted() -> list[Judged]:
    return [one for one in corpus() if one.case.accepted]


def in_parallel(ask, images: list[Judged]) -> list:
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        return list(pool.map(ask, images))


def opened_files(trace: str) -> set[str]:
    """The second argument of openat, the first of open; attempts that failed too."""
    return {line.split('"')[1] for line in trace.splitlines() if "open" in line and line.count('"') >= 2}


class Corpus(Story):
    maxDiff = None

    def assert_none(self, offences: list) -> None:
        found = [offence for offence in offences if offence]
        self.assertEqual(found, [], "\n" + "\n".join(map(str, found)))

    def test_has_enough_hostile_images_of_every_kind(self):
        refused = [one.case for one in corpus() if not one.case.accepted]
        self.assertGreaterEqual(len(refused), 120)
        self.assertEqual({case.check for case in refused},
                         {"unsupported_format", "several_formats", "truncated", "header", "features", "backing_file",
                          "data_file", "encryption", "snapshots", "virtual_size", "descriptor", "tables",
                          "partition_table"})
        self.assertEqual({one.case.format for one in accepted()},
                         {"qcow2", "vmdk", "vpc", "vhdx", "vdi", "raw", "iso"})

    def test_every_image_is_judged_as_expected(self):
        self.assert_none([self._offence(one) for one in corpus()])

    def _offence(self, one: Judged) -> str:
        case, report = one.case, one.reports[0]
        checks = [finding["check"] for finding in report["findings"]]
        if case.accepted:
            said = (report["safe"], report["format"], report["virtual_size"])
            return "" if said == (True, case.format, case.size) else f"{case}: {report}"
        is_right = not report["safe"] and case.check in checks and case.format in ("", report["format"])
        return "" if is_right else f"{case}: {report}"

    def test_the_block_size_changes_nothing(self):
        def without_size(report: dict) -> dict:
            return {name: value for name, value in report.items() if name not in ("block", "memory")}

        self.assert_none([one.case.name for one in corpus()
                          if any(without_size(report) != without_size(one.reports[0]) for report in one.reports)])
        for count, block in enumerate(BLOCK_SIZES, 1):
            shown = sum(len(one.reports) >= count and one.reports[count - 1]["block"] == block for one in corpus())
            self.assertGreater(shown, 0.75 * len(corpus()), f"images that were shown in blocks of {block}")

    def test_no_image_takes_more_memory_than_an_inspection_may_have(self):
        most = max((report["memory"], one.case.name) for one in corpus() for report in one.reports)
        self.assertGreater(most[0], MEMORY_LIMIT // 8, "hardly any memory: is it counted?")
        self.assertLess(most[0], MEMORY_LIMIT, most)


class Command(Story):
    def test_agrees_on_a_sample(self):
        for one in corpus()[::25]:
            with self.subTest(one.case.name):
                self.assert_told(one, self.cli("inspect", one.path, "--json"))

    def assert_told(self, one: Judged, result) -> None:
        self.assertEqual(result.code, 0 if one.case.accepted else 3, result.err)
        report = one.reports[0]
        self.assertEqual((result.json["format"], result.json["safe"]), (report["format"], report["safe"]))
        self.assertEqual([finding["check"] for finding in result.json["findings"]],
                         [finding["check"] for finding in report["findings"]])

    def test_holds_an_image_against_what_it_is_said_to_be(self):
        images = {one.case.name: one.path for one in corpus()}
        for name, claimed, check in [
                ("real-qcow2-zlib", "qcow2", ""), ("real-qcow2-zlib", "raw", "declared_format"),
                ("vmdk-made-by-hand", "raw", "declared_format"), ("vhd-fixed-made-by-hand", "vhd", ""),
                ("vhd-fixed-made-by-hand", "raw", "declared_format"), ("iso-hybrid-made-by-hand", "iso", ""),
                ("iso-hybrid-made-by-hand", "raw", "declared_format"), ("raw-partition-table", "ami", ""),
                ("raw-partition-table", "qcow2", "declared_format"), ("qcow2-backing-file", "raw", "backing_file")]:
            with self.subTest(f"{name} claimed {claimed}"):
                result = self.cli("inspect", images[name], "--json", "--claimed", claimed)
                self.assertEqual(result.code, 3 if check else 0, result.err)
                checks = [finding["check"] for finding in result.json["findings"]]
                self.assertTrue(check in checks if check else not checks, checks)

    def test_takes_disks_as_large_as_the_configuration_says(self):
        image = next(one.path for one in corpus() if one.case.name == "real-qcow2-empty-of-7340032-bytes")
        for largest, code in [("7MiB", 0), ("6MiB", 3)]:
            config = self.config(f"{largest}.conf", basecache={"max_virtual_size": largest})
            result = self.cli("inspect", image, "--json", config=config)
            self.assertEqual(result.code, code, result.err)
            self.assertEqual([finding["check"] for finding in result.json["findings"]], ["virtual_size"] if code else [])


class Qemu(Story):
    """Whatever we accept, QEMU has to see as the same."""

    def setUp(self) -> None:
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("strace isn't installed (tools/install-packages.sh test)")

    def test_sees_the_same_and_opens_no_other_file(self):
        offences = in_parallel(self._offence, accepted())
        self.assertEqual([offence for offence in offences if offence], [])

    def test_is_seen_to_open_another_file_where_an_image_names_one(self):
        image = next(one for one in corpus() if one.case.name == "real-qcow2-data-file")
        _, others = self._asked(image, "map")
        self.assertEqual(others, {str(image.path.with_name("real-external-data"))})

    # "info" opens less than programs do that read the disk; "map" opens as much as "convert", and reads tables only.
    def _offence(self, one: Judged) -> str:
        (info, by_info), (mapped, by_map) = self._asked(one, "info"), self._asked(one, "map")
        if info.returncode or mapped.returncode:
            return f"{one.case}: {info.stderr} {mapped.stderr}"
        seen = json.loads(info.stdout)
        if (seen["format"], seen["virtual-size"]) != (one.qemu_format, one.qemu_size):
            return f"{one.case}: QEMU sees {seen}"
        return f"{one.case}: QEMU opened {by_info | by_map}" if by_info or by_map else ""

    def _asked(self, one: Judged, question: str) -> tuple[subprocess.CompletedProcess, set[str]]:
        """qemu-img's answer, and the files that it opened beside the image and its own."""
        trace = self.scratch / f"{one.case.name}.{question}"
        done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", trace, "qemu-img",
                               question, "-f", one.qemu_format, "--output=json", one.path], text=True,
                              capture_output=True)
        opened = opened_files(trace.read_text())
        self.assertIn(str(one.path), opened)
        return done, {path for path in opened - {str(one.path)} if not path.startswith(OF_THE_SYSTEM)}

    # The product never asks so; but others that get the file may.
    def test_does_not_take_it_for_anything_else_when_nobody_says_what_it_is(self):
        def offence(one: Judged) -> str:
            done = subprocess.run(["qemu-img", "info", "--output=json", one.path], text=True, capture_output=True)
            if done.returncode:
                return f"{one.case}: {done.stderr}"
            seen = json.loads(done.stdout)["format"]
            return "" if seen in ("raw", one.qemu_format) else f"{one.case}: QEMU takes it for {seen}"

        self.assertEqual([found for found in in_parallel(offence, accepted()) if found], [])


class OpenStack(Story):
    def verdicts(self) -> list[str]:
        inspector = next((path for path in OPENSTACK_INSPECTORS if path.exists()), None)
        if inspector is None:
            self.skipTest("OpenStack's inspector isn't installed (tools/install-packages.sh peers)")
        names = "".join(f"{one.path}\n" for one in corpus())
        done = subprocess.run([SYSTEM_PYTHON, ROOT / "tests/data/openstack_verdicts.py", inspector], input=names,
                              text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_refuses_nothing_that_we_take(self):
        verdicts = self.verdicts()
        refused = [(one, said) for one, said in zip(corpus(), verdicts, strict=True) if said.startswith("refused")]
        self.assertGreater(len(refused), 20, "OpenStack's inspector refuses hardly anything: is it asked rightly?")
        offences = [f"{one.case}: {said}" for one, said in refused
                    if one.case.accepted and not one.case.name.startswith(tuple(EXCEPTIONS))]
        self.assertEqual(offences, [])
        names = [one.case.name for one in accepted()]
        self.assertEqual([name for name in EXCEPTIONS if not any(known.startswith(name) for known in names)], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
