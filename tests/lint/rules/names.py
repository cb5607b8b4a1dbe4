"""Names that say nothing, in declarations and in file names (DESIGN: words)."""

import re
from pathlib import PurePosixPath
from typing import Iterator

from tree import Offence, Symbol, Tree

EMPTY_WORDS = {"manager", "helper", "helpers", "util", "utils", "info", "data", "processor"}
CONTINUATION = re.compile(r"(^do_|_(x|impl|inner|internal|real|2)$)")
# Nova's and the standard library's own words.
ESTABLISHED = re.compile(r"(user|meta|key|network|vendor|instance)_data|^data$")
NAMED_KINDS = {"function", "prototype", "class", "struct", "enum", "namespace", "typedef", "union"}


def check(tree: Tree) -> Iterator[Offence]:
    for path in tree.files:
        if path.startswith(("tests/data/", "packaging/")):
            continue
        if word := _empty_word(PurePosixPath(path).stem):
            yield Offence(path, 1, "names", f"file name says '{word}': name it by what is in it")
    for symbol in tree.symbols():
        if symbol.kind in NAMED_KINDS:
            yield from _symbol(symbol)


def _symbol(symbol: Symbol) -> Iterator[Offence]:
    name = symbol.name.rsplit("::", 1)[-1]
    if word := _empty_word(name):
        yield Offence(symbol.path, symbol.line, "names", f"'{name}' says '{word}': say what it is or does")
    if CONTINUATION.search(name):
        yield Offence(symbol.path, symbol.line, "names", f"'{name}' continues another function: name the step it does")


def _empty_word(name: str) -> str | None:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    parts = re.split(r"[^a-z0-9]+", ESTABLISHED.sub("", snake))
    return next((part for part in parts if part in EMPTY_WORDS), None)
