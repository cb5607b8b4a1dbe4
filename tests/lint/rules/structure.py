"""The shape of the tree: one class a header, tests that mirror sources, sorted lists, headers compiled alone."""

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import Iterator

from tree import Offence, Symbol, Tree

# Two classes that are one idea and are read together; each says why.
PAIRS = {
    "agent/fetch/fetched_image.hpp": "each is constructible only from the one before",
    "agent/fetch/image_source.hpp": "a source and the sink it writes to",
    "agent/fetch/image_inspector.hpp": "an inspector and one inspection of its",
}
FILE_LIST = re.compile(r"\bfiles\(([^)]*)\)", re.DOTALL)
QUOTED = re.compile(r"'([^']*)'")


def check(tree: Tree) -> Iterator[Offence]:
    yield from _one_class_a_header(tree)
    yield from _tests_mirror_sources(tree)
    yield from _sorted_lists(tree)
    yield from _pragma_once(tree)


def _one_class_a_header(tree: Tree) -> Iterator[Offence]:
    classes: dict[str, list[Symbol]] = defaultdict(list)
    product = set(tree.product_cpp())
    for symbol in tree.symbols():
        if symbol.kind == "class" and symbol.path.endswith(".hpp") and symbol.path in product and symbol.scope_kind in ("", "namespace"):
            classes[symbol.path].append(symbol)
    for path, found in classes.items():
        if len(found) > 1 and path not in PAIRS:
            yield Offence(path, found[1].line, "structure", f"second class '{found[1].name}' (values may be structs): "
                                                            "one class a header")


def _tests_mirror_sources(tree: Tree) -> Iterator[Offence]:
    rooms = {PurePosixPath(path).parent.name for path in tree.product_cpp()}
    for path in tree.cpp():
        parts = PurePosixPath(path).parts
        if parts[:2] == ("tests", "unit") and (len(parts) < 4 or parts[2] not in rooms):
            yield Offence(path, 1, "structure", "unit tests stand in tests/unit/<room>/ of the room they test")


def _sorted_lists(tree: Tree) -> Iterator[Offence]:
    for path in tree.files:
        if PurePosixPath(path).name != "meson.build":
            continue
        text = tree.text(path)
        for match in FILE_LIST.finditer(text):
            names = QUOTED.findall(match[1])
            if "+" not in match[1] and names != sorted(names):
                line = text.count("\n", 0, match.start()) + 1
                yield Offence(path, line, "structure", "files() isn't sorted: sort it, so that merges don't collide")


def _pragma_once(tree: Tree) -> Iterator[Offence]:
    for path in tree.cpp():
        if path.endswith(".hpp") and not tree.text(path).startswith("#pragma once\n"):
            yield Offence(path, 1, "structure", "a header starts with #pragma once")
