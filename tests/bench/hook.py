"""What libvirt's hook costs a domain that isn't ours, beside programs that do nothing."""

import os
import subprocess
import time
from pathlib import Path

from figures import Sample
from harness import MIB, ROOT
from places import Place
from report import OURS, Comparison
from setting import Setting

PLACES = ("ext4",)  # nothing is written anywhere
CASE = "the hook, a domain that isn't ours"
TRUE, SHELL = "/bin/true", "sh -c :"
TURNS = 100
HOOK = Path(os.environ.get("BASECACHE_QEMU_HOOK", ROOT / "build/tools/basecache-qemu-hook/basecache-qemu-hook"))
# As long as one of Nova's.
DOMAIN = b"<domain type='kvm'><name>web01</name><metadata/><devices>" + b"<disk type='file'/>" * 400 + b"</devices></domain>"


def room(_: Setting) -> int:
    return 64 * MIB


def measure(place: Place, setting: Setting) -> None:
    if not setting.wants(place.name, CASE):
        return
    contenders = {OURS: [HOOK, "web01", "prepare", "begin", "-"], TRUE: ["/bin/true"], SHELL: ["/bin/sh", "-c", ":"]}
    runs: dict[str, list[Sample]] = {name: [] for name in contenders}
    for _ in range(TURNS):
        for name, command in contenders.items():
            runs[name].append(Sample(_seconds(command)))
    setting.findings.comparisons.append(Comparison(CASE, place.name, runs))


def _seconds(command: list) -> float:
    began = time.perf_counter()
    subprocess.run(command, input=DOMAIN, env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
