"""What a run has found, and how it is told: a table, a line for each requirement, JSON."""

from typing import Iterable, NamedTuple

from figures import Line, Sample, Spread, fit, known, spread

OURS = "ours"


class Comparison(NamedTuple):
    """The runs of several contenders that did the same work in turns, ours among them or not."""

    case: str
    file_system: str
    runs: dict[str, list[Sample]]
    steps: dict[str, float] = {}  # median seconds of the steps of our own work, as the agent told them

    def seconds(self, contender: str) -> Spread:
        return spread([sample.seconds for sample in self.runs[contender]])

    def __str__(self) -> str:
        medians = ", ".join(f"{contender} {seconds_text(self.seconds(contender).median)}" for contender in self.runs)
        return f"{self.file_system}: {self.case}: {medians}"

    def middle(self, contender: str) -> float | None:
        return self.seconds(contender).median if contender in self.runs else None


class Growth(NamedTuple):
    """Seconds against something that grows."""

    case: str
    file_system: str
    unit: str
    points: dict[float, list[float]]

    @property
    def line(self) -> Line:
        return fit(self.points)


class Verdict(NamedTuple):
    """A requirement, and what this run says of it; no value: it wasn't measured."""

    requirement: str
    limit: float
    value: float | None
    at_least: bool = False  # else: at most

    @property
    def word(self) -> str:
        if self.value is None:
            return "not measured"
        reached = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "reached" if reached else "NOT reached"

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        value = "-" if self.value is None else f"{self.value:.3g}"
        return f"{self.word:<13}{value:>8} ({sign} {self.limit:g})  {self.requirement}"


class Findings:
    """Collected while the cases run."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self.growths: list[Growth] = []
        self.verdicts: list[Verdict] = []
        self.notes: list[str] = []
        self.failures: list[str] = []  # cases that did not work

    def as_json(self) -> dict:
        return {"comparisons": [_comparison_json(comparison) for comparison in self.comparisons],
                "growth": [_growth_json(growth) for growth in self.growths],
                "requirements": [{**verdict._asdict(), "verdict": verdict.word} for verdict in self.verdicts],
                "notes": self.notes, "failures": self.failures}


def told(findings: Findings) -> str:
    parts = [_comparison_table(findings.comparisons), _growth_table(findings.growths),
             "\n".join(str(verdict) for verdict in findings.verdicts),
             "\n".join(f"note: {note}" for note in findings.notes),
             "\n".join(f"FAILED: {failure}" for failure in findings.failures)]
    return "\n\n".join(part for part in parts if part)


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """The first row is the heading; columns as wide as they need, the first two to the left, the others to the right."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def seconds_text(value: float) -> str:
    """Three digits that count; milliseconds below a second."""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def _comparison_table(comparisons: list[Comparison]) -> str:
    if not comparisons:
        return ""
    rows = [("case", "contender", "median", "least", "most", "runs", "ours/it", "CPU", "peak MiB")]
    for comparison in comparisons:
        title = f"{comparison.file_system}: {comparison.case}"
        own = comparison.middle(OURS)
        for contender, samples in comparison.runs.items():
            rows.append((title, contender, *_figures(samples, own)))
            title = ""
    return table(rows)


def _figures(samples: list[Sample], own: float | None) -> tuple[str, ...]:
    seconds = spread([sample.seconds for sample in samples])
    cpu = known([sample.cpu_seconds for sample in samples])
    peak = known([sample.peak_mib for sample in samples])
    return (seconds_text(seconds.median), seconds_text(seconds.least), seconds_text(seconds.most), str(seconds.count),
            f"{own / seconds.median:.3g}" if own else "-",
            seconds_text(spread(cpu).median) if cpu else "-", f"{max(peak):.0f}" if peak else "-")


def _growth_table(growths: list[Growth]) -> str:
    if not growths:
        return ""
    rows = [("growth", "measured", "slope", "least", "most", "at none")]
    for growth in growths:
        line = growth.line
        measured = ", ".join(f"{x:g}: {seconds_text(spread(values).median)}" for x, values in growth.points.items())
        rows.append((f"{growth.file_system}: {growth.case}", measured,
                     *(f"{slope * 1000:.3g} ms/{growth.unit}" for slope in (line.slope, line.least, line.most)),
                     seconds_text(line.start)))
    return table(rows)


def _comparison_json(comparison: Comparison) -> dict:
    own = comparison.middle(OURS)
    contenders = {}
    for name, samples in comparison.runs.items():
        seconds = comparison.seconds(name)
        contenders[name] = {"median_seconds": seconds.median, "least_seconds": seconds.least,
                            "most_seconds": seconds.most, "ours_divided_by_it": own / seconds.median if own else None,
                            "runs": [sample._asdict() for sample in samples]}
    return {"case": comparison.case, "file_system": comparison.file_system, "contenders": contenders,
            "our_steps_median_seconds": comparison.steps}


def _growth_json(growth: Growth) -> dict:
    return {"case": growth.case, "file_system": growth.file_system, "unit": growth.unit,
            "seconds": {str(x): values for x, values in growth.points.items()}, "line": growth.line._asdict()}
