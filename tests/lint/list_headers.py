#!/usr/bin/env python3
"""Prints the headers of the tree, one a line: list_headers.py ROOT. Meson makes a compile test of each."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tree import Tree  # noqa: E402

if __name__ == "__main__":
    print("\n".join(path for path in Tree(Path(sys.argv[1])).cpp() if path.endswith(".hpp")))
