"""C++ as .clang-format has it. The version is fixed: others lay the same code out differently."""

import re
import shutil
import subprocess
from typing import Iterator

from tree import Offence, Tree

CLANG_FORMAT = "clang-format-14"
WARNING = re.compile(r"^(?P<path>[^:]+):(?P<line>\d+):\d+: error: ")


def check(tree: Tree) -> Iterator[Offence]:
    files = tree.cpp()
    if not files:
        return
    if shutil.which(CLANG_FORMAT) is None:
        yield Offence(".clang-format", 1, "format", f"{CLANG_FORMAT} is missing: run tools/install-packages.sh test")
        return
    done = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *files], cwd=tree.root, text=True, capture_output=True)
    seen = set()
    for line in done.stderr.splitlines():
        if (match := WARNING.match(line)) and match["path"] not in seen:
            seen.add(match["path"])
            yield Offence(match["path"], int(match["line"]), "format", f"run {CLANG_FORMAT} -i {match['path']}")
    if done.returncode != 0 and not seen:
        yield Offence(".clang-format", 1, "format", f"{CLANG_FORMAT} failed: {done.stderr.strip()[:500]}")
