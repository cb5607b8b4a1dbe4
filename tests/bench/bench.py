#!/usr/bin/env python3
"""How fast the agent is beside the commands that do the same and beside Nova's own code, measured in one run:

    bench.py [--rounds N] [--only NAME]... [--file-system NAME]... [--quick] [--json FILE] [--scratch DIRECTORY]

All take turns on the same files and the same file system, so that what is compared is a ratio. BASECACHE_DAEMON is the
daemon that is measured (build/agent/basecached). Exit code 0 whatever the figures say, unless something failed to work.
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from unittest import SkipTest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/functional"), str(ROOT / "tests/peers")]

import cold  # noqa: E402
import growth  # noqa: E402
import hook  # noqa: E402
import memory  # noqa: E402
import nova_compute  # noqa: E402
import places  # noqa: E402
import prune  # noqa: E402
import requirements  # noqa: E402
import warm  # noqa: E402
from bench_images import FULL, QUICK, BenchImages  # noqa: E402
from openstack_peer import OpenStack  # noqa: E402
from report import Findings, told  # noqa: E402
from setting import Setting  # noqa: E402

CASES = (cold, warm, memory, prune, growth, hook)
TOKEN_SECONDS = 6 * 3600  # longer than a run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="turns of each contender; 5, or 2 with --quick")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="cases with this in their name, as the table has it; may be repeated")
    parser.add_argument("--file-system", action="append", choices=places.NAMES, help="these alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small images and few rounds: whether it works at all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/bench", metavar="DIRECTORY",
                        help="where images are kept and all is written; on ext4, 25 GiB (build/bench)")
    return parser.parse_args()


def start_peers(stack: ExitStack, findings: Findings) -> tuple[OpenStack | None, nova_compute.NovaCompute | None]:
    """What is installed of a real Glance and of Nova's code."""
    try:
        cloud = stack.enter_context(OpenStack(token_expiration=TOKEN_SECONDS))
    except SkipTest as why:
        findings.notes.append(f"nothing is measured with Glance: {why}")
        cloud = None
    if not nova_compute.is_installed():
        findings.notes.append("nothing is measured against Nova: python3-nova isn't installed")
        return cloud, None
    nova = stack.enter_context(nova_compute.NovaCompute(cloud.openrc() if cloud else None))
    findings.notes.append(f"Nova {nova.version}, of the distribution")
    return cloud, nova


def measure_at(name: str, setting: Setting) -> None:
    """All cases on one file system; one that fails doesn't keep the others from being told."""
    for case in CASES:
        if name not in case.PLACES:
            continue
        try:
            with places.place(name, setting.scratch, case.room(setting)) as place:
                case.measure(place, setting)
        except places.Unsuitable as why:
            setting.findings.notes.append(f"{case.__name__} isn't measured on {name}: {why}")
        except Exception as failure:  # whatever it is, it is told
            traceback.print_exc()
            setting.findings.failures.append(f"{case.__name__} on {name}: {failure}")


def run(arguments: argparse.Namespace, findings: Findings) -> None:
    scratch = arguments.scratch.resolve() / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run has left
    findings.notes.append(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before it began")
    why_not = places.private_mounts()
    wanted = arguments.file_system or places.NAMES
    if why_not:
        findings.notes.append(f"measured on ext4 alone: {why_not}")
        wanted = [name for name in wanted if name == "ext4"]
    with ExitStack() as stack:
        cloud, nova = start_peers(stack, findings)
        setting = Setting(scratch, arguments.rounds or (2 if arguments.quick else 5), arguments.quick, arguments.only or [""],
                          QUICK if arguments.quick else FULL, BenchImages(scratch.with_name("images")), findings, cloud, nova)
        for name in wanted:
            measure_at(name, setting)


def lock_scratch(directory: Path) -> int:
    """A descriptor that keeps other runs out of it as long as it is open."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"bench.py: another run uses {directory}")
    return lock


def main() -> int:
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench.py: terminated"))  # after it has cleaned up
    findings = Findings()
    lock = lock_scratch(arguments.scratch)
    try:
        run(arguments, findings)
    finally:  # what a run has found that is broken off is told, too
        findings.verdicts = requirements.judge(findings)
        print(told(findings))
        if arguments.json:
            arguments.json.write_text(json.dumps(findings.as_json(), indent=2) + "\n")
        os.close(lock)
    return 1 if findings.failures else 0


if __name__ == "__main__":
    sys.exit(main())
