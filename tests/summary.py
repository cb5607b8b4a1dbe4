#!/usr/bin/env python3
"""One summary of several Meson test runs: summary.py [--failed STEP]... LABEL=TESTLOG.json...

Counts test cases, not executables: doctest and unittest say in their output how many they ran. A run that ended badly
without naming a failed case (crash, timeout, missing log) counts as one failure. The last line is
'N passed, N failed, N skipped'; exit 1 unless nothing failed and something passed.
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass, field

DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed(?: \|\s*(\d+) skipped)?")
DOCTEST_CASE = re.compile(r"^TEST CASE:\s+(.*)$", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", re.MULTILINE)
UNITTEST_CASE = re.compile(r"^(?:FAIL|ERROR): (.*?)(?: \(.*)?$", re.MULTILINE)
UNITTEST_SKIP = re.compile(r"^(\S+) .*\.\.\. skipped (.*)$", re.MULTILINE)
BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.seconds += other.seconds
        self.failures += other.failures
        self.skips += other.skips


def count_doctest(name: str, output: str) -> Count | None:
    if not (match := DOCTEST.search(output)):
        return None
    _, passed, failed, skipped = (int(number or 0) for number in match.groups())
    cases = sorted(set(DOCTEST_CASE.findall(output))) if failed else []
    return Count(passed, failed, skipped, failures=[f"{name}: {case.strip()}" for case in cases])


def count_unittest(name: str, output: str) -> Count | None:
    if not (match := UNITTEST.search(output)):
        return None
    parts = dict(re.findall(r"(failures|errors|skipped)=(\d+)", match[2] or ""))
    failed, skipped = int(parts.get("failures", 0)) + int(parts.get("errors", 0)), int(parts.get("skipped", 0))
    return Count(max(int(match[1]) - failed - skipped, 0), failed, skipped,
                 failures=[f"{name}: {case}" for case in UNITTEST_CASE.findall(output)],
                 skips=[f"{name}: {case}: {reason}" for case, reason in UNITTEST_SKIP.findall(output)])


def count_run(run: dict) -> Count:
    name = run["name"].rsplit(" / ", 1)[-1]
    output = run.get("stdout", "") + "\n" + run.get("stderr", "")
    count = count_doctest(name, output) or count_unittest(name, output)
    if count is None:
        count = Count(passed=int(run["result"] == "OK"), skipped=int(run["result"] == "SKIP"))
        if count.skipped:
            count.skips.append(f"{name}: {output.strip() or 'no reason given'}")
    if run["result"] in BAD and count.failed == 0:
        count.failed += 1
        count.failures.append(f"{name}: {run['result'].lower()}, exit code {run.get('returncode')}")
    count.seconds = run.get("duration", 0.0)
    return count


def count_log(label: str, path: str) -> Count:
    total = Count()
    try:
        with open(path, encoding="utf-8") as log:
            for line in log:
                total.add(count_run(json.loads(line)))
    except OSError as error:
        total.add(Count(failed=1, failures=[f"{label}: no test log: {error.strerror} (did its build fail?)"]))
    return total


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed", action="append", default=[], help="a step that failed before its tests ran")
    parser.add_argument("logs", nargs="*", metavar="LABEL=TESTLOG.json")
    arguments = parser.parse_args()

    total = Count(failed=len(arguments.failed), failures=list(arguments.failed))
    print(f"\n{'suite':<24}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for label, path in (log.rsplit("=", 1) for log in arguments.logs):
        count = count_log(label, path)
        print(f"{label:<24}{count.passed:>8}{count.failed:>8}{count.skipped:>9}{count.seconds:>9.1f}")
        count.failures = [f"{label}: {failure}" for failure in count.failures]
        total.add(count)
    for heading, entries in (("failed", total.failures), ("skipped", total.skips)):
        for entry in entries:
            print(f"{heading}: {entry}")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
