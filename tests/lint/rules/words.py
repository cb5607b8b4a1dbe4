"""Text that doesn't belong in the tree: unfinished work, this or that workplace, sleeping tests, shells."""

import re
from typing import Iterator

from tree import Offence, Tree

# Spelt in two parts so that this file passes its own rule.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
WORKPLACE = re.compile(r"(?<![\w.*])/" + r"work/|/tmp/" + "brief")
SLEEP = re.compile(r"\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\(")
SHELL_SLEEP = re.compile(r"^\s*sleep\s|[;&|]\s*sleep\s")
SHELL_CALL = re.compile(r"\b(std::system|popen)\s*\(|(?<![\w.>:])system\s*\(")


def check(tree: Tree) -> Iterator[Offence]:
    shell = set(tree.shell())
    for path in tree.files:
        if path.startswith("tests/data/"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for advice in _advice(path, line, path in shell):
                yield Offence(path, number, "words", advice)


def _advice(path: str, line: str, is_shell: bool) -> Iterator[str]:
    if match := UNFINISHED.search(line):
        yield f"'{match[0]}': finish it, or open an issue and say here what holds today"
    if WORKPLACE.search(line):
        yield "names a folder of one workplace: use a relative path or an argument"
    if path.startswith("tests/"):
        if not path.startswith("tests/lint/") and SLEEP.search(line):
            yield "tests don't sleep: wait for the event itself"
        if is_shell and SHELL_SLEEP.search(line):
            yield "tests don't sleep: wait for the event itself"
    if path.endswith((".cpp", ".hpp")) and SHELL_CALL.search(line.split("//", 1)[0]):
        yield "no shell: run an argument vector with agent/base/subprocess.hpp"
