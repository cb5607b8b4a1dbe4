"""Scripts: shellcheck, Python that compiles and uses what it imports, executable bits where there is a shebang."""

import ast
import json
import os
import subprocess
from typing import Iterator

from tree import Offence, Tree


def check(tree: Tree) -> Iterator[Offence]:
    yield from _shellcheck(tree)
    for path in tree.python():
        yield from _python(tree, path)
    yield from _executable(tree)


def _shellcheck(tree: Tree) -> Iterator[Offence]:
    scripts = tree.shell()
    if not scripts:
        return
    done = subprocess.run(["shellcheck", "--format=json", "--external-sources", "--source-path=SCRIPTDIR", *scripts],
                          cwd=tree.root, text=True, capture_output=True)
    if done.returncode > 1:
        yield Offence(scripts[0], 1, "scripts", f"shellcheck failed: {done.stderr.strip()}")
        return
    for found in json.loads(done.stdout or "[]"):
        yield Offence(found["file"], found["line"], "scripts", f"SC{found['code']}: {found['message']}")


def _python(tree: Tree, path: str) -> Iterator[Offence]:
    try:
        module = ast.parse(tree.text(path), filename=path)
    except SyntaxError as error:
        yield Offence(path, error.lineno or 1, "scripts", f"Python doesn't compile: {error.msg}")
        return
    if path.endswith("__init__.py"):
        return
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    for node in ast.walk(module):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = (alias.asname or alias.name).split(".")[0]
                if name not in used and getattr(node, "module", "") != "__future__":
                    yield Offence(path, node.lineno, "scripts", f"unused import '{name}': remove it")


def _executable(tree: Tree) -> Iterator[Offence]:
    for path in tree.files:
        has_shebang = tree.text(path).startswith("#!")
        is_executable = os.access(tree.root / path, os.X_OK) and bool((tree.root / path).stat().st_mode & 0o100)
        if has_shebang and not is_executable:
            yield Offence(path, 1, "scripts", "has a shebang and isn't executable: chmod +x, or drop the shebang")
        if is_executable and not has_shebang:
            yield Offence(path, 1, "scripts", "is executable and has no shebang: chmod -x, or add one")
