"""What every case is given: how thoroughly to measure, the images, what there is to measure against, where to report."""

import sys
from pathlib import Path
from typing import NamedTuple

from bench_images import BenchImages, ImageSize
from nova_compute import NovaCompute
from openstack_peer import OpenStack
from report import Comparison, Findings


class Setting(NamedTuple):
    scratch: Path
    rounds: int
    quick: bool
    only: list[str]  # parts of the names of the wanted cases; "" is a part of every name
    size: ImageSize
    images: BenchImages
    findings: Findings
    cloud: OpenStack | None  # a real Keystone and Glance, where they are installed
    nova: NovaCompute | None

    def wants(self, file_system: str, case: str) -> bool:
        return any(part in f"{file_system}: {case}" for part in self.only)

    def found(self, comparison: Comparison) -> None:
        self.findings.comparisons.append(comparison)
        print(comparison, file=sys.stderr, flush=True)  # a run takes hours

    @property
    def root_gb(self) -> int:
        """A root disk somewhat larger than the image."""
        return (self.size.virtual >> 30) + 1
