"""What is made of measured numbers: medians with ranges, ratios, percentiles, fitted slopes. Nothing here measures."""

import math
from statistics import median
from typing import NamedTuple, Sequence


class Sample(NamedTuple):
    """One run of one contender."""

    seconds: float
    cpu_seconds: float | None = None  # user and system, children included
    peak_mib: float | None = None  # of resident memory


class Spread(NamedTuple):
    median: float
    least: float
    most: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values), len(values))


def known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that at least that share of them don't exceed (nearest rank)."""
    rank = math.ceil(share * len(values))
    return sorted(values)[max(rank, 1) - 1]


class Line(NamedTuple):
    """y = start + slope * x by least squares. least, most: the slopes between neighbouring medians of y."""

    start: float
    slope: float
    least: float
    most: float

    def at(self, x: float) -> float:
        return self.start + self.slope * x


def fit(points: dict[float, Sequence[float]]) -> Line:
    """points: all that was measured at each x; at least two different x."""
    pairs = [(x, y) for x, values in points.items() for y in values]
    middle_x = sum(x for x, _ in pairs) / len(pairs)
    middle_y = sum(y for _, y in pairs) / len(pairs)
    slope = (sum((x - middle_x) * (y - middle_y) for x, y in pairs) / sum((x - middle_x) ** 2 for x, _ in pairs))
    ordered = [(x, median(points[x])) for x in sorted(points)]
    steps = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in zip(ordered, ordered[1:])]
    return Line(middle_y - slope * middle_x, slope, min(steps), max(steps))
