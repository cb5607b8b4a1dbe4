"""The source tree as the rules see it."""

import json
import os
import subprocess
from pathlib import Path, PurePosixPath
from typing import Iterator, NamedTuple

SKIPPED_DIRECTORIES = {".git", ".cache", "__pycache__", "subprojects"}
CPP_SUFFIXES = {".hpp", ".cpp"}
PRODUCT_FOLDERS = ("agent", "backends", "tools")


class Offence(NamedTuple):
    path: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.advice}"


class Symbol(NamedTuple):
    """A definition or declaration that universal-ctags found."""

    path: str
    name: str
    kind: str
    line: int
    end: int
    scope_kind: str
    pattern: str

    @property
    def length(self) -> int:
        return self.end - self.line + 1


class Tree:
    """All text files below a root, read once. Build directories and hidden folders but `.ci` are left out."""

    def __init__(self, root: Path):
        self.root = Path(root)
        self._texts: dict[str, str] = {}
        self._symbols: list[Symbol] | None = None
        self.files = sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            relative = PurePosixPath(os.path.relpath(folder, self.root))
            at_top = str(relative) == "."
            folders[:] = [f for f in folders
                          if f not in SKIPPED_DIRECTORIES and not (at_top and f.startswith("build"))]
            for name in names:
                path = str(relative / name)
                if not os.path.islink(self.root / path) and self._is_text(path):
                    yield path

    def _is_text(self, path: str) -> bool:
        with open(self.root / path, "rb") as file:
            return b"\0" not in file.read(4096)

    def text(self, path: str) -> str:
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path: str) -> list[str]:
        return self.text(path).splitlines()

    def cpp(self) -> list[str]:
        return [path for path in self.files if PurePosixPath(path).suffix in CPP_SUFFIXES]

    def product_cpp(self) -> list[str]:
        return [path for path in self.cpp() if path.startswith(tuple(f + "/" for f in PRODUCT_FOLDERS))]

    def python(self) -> list[str]:
        return [path for path in self.files if path.endswith(".py") or self._shebang(path, "python")]

    def shell(self) -> list[str]:
        return [path for path in self.files
                if path.endswith((".sh", ".bash")) or self._shebang(path, "sh") or self._shebang(path, "bash")]

    def _shebang(self, path: str, interpreter: str) -> bool:
        first = self.text(path).split("\n", 1)[0]
        if not first.startswith("#!"):
            return False
        words = first[2:].replace("/usr/bin/env", "").split()
        return bool(words) and PurePosixPath(words[0]).name.rstrip("0123456789.") == interpreter

    def symbols(self) -> list[Symbol]:
        if self._symbols is None:
            self._symbols = list(self._read_symbols())
        return self._symbols

    def _read_symbols(self) -> Iterator[Symbol]:
        command = ["ctags", "-o", "-", "--output-format=json", "--languages=C++", "--map-C++=+.hpp",
                   "--fields=+neKs", "--kinds-C++=fpcsgntu", "--sort=no", "-L", "-"]
        done = subprocess.run(command, input="\n".join(self.cpp()), cwd=self.root, text=True,
                              capture_output=True, check=True)
        for line in done.stdout.splitlines():
            tag = json.loads(line)
            yield Symbol(tag["path"], tag["name"], tag["kind"], tag["line"], tag.get("end", tag["line"]),
                         tag.get("scopeKind", ""), tag.get("pattern", ""))
