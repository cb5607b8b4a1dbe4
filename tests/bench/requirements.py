"""What the agent must reach, as ratios of what one run has measured."""

from typing import Iterator

import cold
import growth
import hook
import memory
import prune
import warm
from bench_images import FULL, SMALL
from figures import percentile, spread
from places import NAMES
from report import OURS, Comparison, Findings, Verdict

OTHER_DISKS = ("disk.local", "disk.swap", "disk.config")
SAME = 1.1  # as fast as, as much as
INDEPENDENT = 1.2  # from 1 to 8 GiB
MEMORY_MIB = 128


def judge(findings: Findings) -> list[Verdict]:
    """A verdict for each requirement on each file system that something was measured on."""
    measured = {found.file_system for found in (*findings.comparisons, *findings.growths)}
    return [verdict for name in NAMES if name in measured for verdict in _Judge(findings, name).verdicts()]


class _Judge:
    """Of one file system."""

    def __init__(self, findings: Findings, file_system: str):
        self._findings = findings
        self._name = file_system

    def verdicts(self) -> Iterator[Verdict]:
        for image_format in ("qcow2", "zlib", "zstd"):
            yield from self._cold(image_format)
        yield self._decode()
        yield from self._warm()
        yield self._at_least("prune, 1000 instances: times as fast as Nova", 500,
                             self._ratio(prune.case_name(1000), prune.NOVA, OURS))
        if self._name in memory.PLACES:
            yield from self._memory()
        if self._name in hook.PLACES:
            yield self._at_most(f"{hook.CASE}: / sh -c :", 2, self._ratio(hook.CASE, OURS, hook.SHELL))
            yield self._at_most(f"{hook.CASE}: seconds", 0.005, self._middle(hook.CASE, OURS))

    def _cold(self, image_format: str) -> Iterator[Verdict]:
        case = cold.case_name(image_format)
        bounds = [self._middle(case, bound) for bound in (cold.CURL, cold.DECODE)]
        bound = None if None in bounds else max(bounds)
        yield self._at_most(f"{case}: / the slower of curl and our decode", 1.15, _quotient(self._middle(case, OURS), bound))
        if image_format != "zstd":
            yield self._at_most(f"{case}: / curl, then qemu-img convert", 0.6, self._ratio(case, OURS, cold.CURL_CONVERT))
            yield self._at_most(f"{case}: / Nova, both from Glance", 0.25 if image_format == "qcow2" else 0.4,
                                self._ratio(cold.glance_case_name(image_format), OURS, cold.NOVA))

    def _decode(self) -> Verdict:
        case = cold.case_name("zlib")
        converts = [self._middle(case, convert) for convert in (cold.CONVERT, cold.CONVERT_MANY)]
        best = None if None in converts else min(converts)
        return self._at_least("decode of zlib, 2 threads: times as fast as qemu-img convert's best flags", 1.8,
                              _quotient(best, self._middle(case, cold.DECODE)))

    def _warm(self) -> Iterator[Verdict]:
        one, many = warm.case_name("qcow2", 1), self._comparison(warm.case_name("qcow2", 100))
        yield self._at_least("warm create, qcow2: times as fast as Nova", 50, self._ratio(one, warm.NOVA, OURS))
        slow = many and percentile([sample.seconds for sample in many.runs[OURS]], 0.99)
        yield self._at_most("warm create, qcow2: p99 of 100 at once / median of 1", 5, _quotient(slow, self._middle(one, OURS)))
        if self._name == "xfs":
            yield self._at_least("warm create, raw: times as fast as Nova", 50,
                                 self._ratio(warm.case_name("raw", 1), warm.NOVA, OURS))
            yield self._at_most("warm create, raw: of the largest image / of the smallest", INDEPENDENT, self._growth_factor())
        else:
            yield self._at_most("warm create, raw: root disk / cp --sparse=auto", 1.1,
                                self._ratio(warm.root_case_name(), OURS, warm.COPY))
            yield self._at_most("warm create, raw: the other disks / the same on qcow2", SAME, self._other_disks())

    def _memory(self) -> Iterator[Verdict]:
        peaks = [self._peak(memory.case_name(size)) for size in (SMALL, FULL)]
        yield self._at_most("peak MiB of the daemon, 8 cold creates at once", MEMORY_MIB, peaks[1])
        yield self._at_most("peak memory of the daemon: 1.5 GiB image / 0.25 GiB image", SAME, _quotient(peaks[1], peaks[0]))

    def _peak(self, case: str) -> float | None:
        comparison = self._comparison(case)
        return comparison and max(sample.peak_mib for sample in comparison.runs[OURS])

    def _growth_factor(self) -> float | None:
        for found in self._findings.growths:
            if (found.file_system, found.case) == (self._name, growth.warm_case_name(self._name)):
                return spread(found.points[max(found.points)]).median / spread(found.points[min(found.points)]).median
        return None

    def _other_disks(self) -> float | None:
        sums = []
        for images_type in ("raw", "qcow2"):
            comparison = self._comparison(warm.case_name(images_type, 1))
            sums.append(comparison and sum(comparison.steps[disk] for disk in OTHER_DISKS))
        return _quotient(*sums)

    def _ratio(self, case: str, over: str, under: str) -> float | None:
        return _quotient(self._middle(case, over), self._middle(case, under))

    def _middle(self, case: str, contender: str) -> float | None:
        comparison = self._comparison(case)
        return comparison and comparison.middle(contender)

    def _comparison(self, case: str) -> Comparison | None:
        return next((found for found in self._findings.comparisons
                     if (found.file_system, found.case) == (self._name, case)), None)

    def _at_most(self, what: str, limit: float, value: float | None) -> Verdict:
        return Verdict(f"{self._name}: {what}", limit, value)

    def _at_least(self, what: str, limit: float, value: float | None) -> Verdict:
        return Verdict(f"{self._name}: {what}", limit, value, at_least=True)


def _quotient(over: float | None, under: float | None) -> float | None:
    return None if over is None or under is None else over / under
