"""Budgets: files and functions that can be read at one sitting (DESIGN: style)."""

import ast
from statistics import median
from typing import Iterator

from tree import Offence, Symbol, Tree

HEADER_MAX, HEADER_MEDIAN = 250, 80
IMPLEMENTATION_MAX, IMPLEMENTATION_MEDIAN = 450, 150
FUNCTION_MAX, FUNCTION_MEDIAN = 60, 10
SCRIPT_MAX = 450


def check(tree: Tree) -> Iterator[Offence]:
    yield from _files(tree, ".hpp", "header", HEADER_MAX, HEADER_MEDIAN)
    yield from _files(tree, ".cpp", "implementation", IMPLEMENTATION_MAX, IMPLEMENTATION_MEDIAN)
    yield from _functions(tree)
    yield from _scripts(tree)


def _files(tree: Tree, suffix: str, what: str, maximum: int, middle: int) -> Iterator[Offence]:
    lengths = {path: len(tree.lines(path)) for path in tree.cpp() if path.endswith(suffix)}
    for path, length in lengths.items():
        if length > maximum:
            yield Offence(path, maximum + 1, "sizes", f"{what} of {length} lines, at most {maximum}: split it by what it does")
    product = {path: lengths[path] for path in tree.product_cpp() if path in lengths}
    if product and median(product.values()) > middle:
        longest = max(product, key=product.__getitem__)
        yield Offence(longest, 1, "sizes", f"the median {what} has {median(product.values()):g} lines, at most {middle}: "
                                           "split the longest (this one first)")


def _functions(tree: Tree) -> Iterator[Offence]:
    functions = [symbol for symbol in tree.symbols() if symbol.kind == "function"]
    for function in functions:
        if function.length > FUNCTION_MAX:
            yield Offence(function.path, function.line, "sizes",
                          f"function '{function.name}' has {function.length} lines, at most {FUNCTION_MAX}: "
                          "name its parts and call them")
    product = set(tree.product_cpp())
    lengths = [function.length for function in functions if function.path in product]
    if lengths and median(lengths) > FUNCTION_MEDIAN:
        longest: Symbol = max((f for f in functions if f.path in product), key=lambda f: f.length)
        yield Offence(longest.path, longest.line, "sizes",
                      f"the median function has {median(lengths):g} lines, at most {FUNCTION_MEDIAN}: split the longest")


def _scripts(tree: Tree) -> Iterator[Offence]:
    for path in tree.python() + tree.shell():
        length = len(tree.lines(path))
        if length > SCRIPT_MAX:
            yield Offence(path, SCRIPT_MAX + 1, "sizes", f"script of {length} lines, at most {SCRIPT_MAX}: split it")
    for path in tree.python():
        yield from _python_functions(tree, path)


def _python_functions(tree: Tree, path: str) -> Iterator[Offence]:
    try:
        module = ast.parse(tree.text(path))
    except SyntaxError:
        return  # rule 'scripts' says so
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_MAX:
                yield Offence(path, node.lineno, "sizes",
                              f"function '{node.name}' has {length} lines, at most {FUNCTION_MAX}: split it")
