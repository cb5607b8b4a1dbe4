"""Who may include whom: the rooms in dependency order, and one owner for each outside library."""

import re
from pathlib import PurePosixPath
from typing import Iterator

from tree import Offence, Tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SUBDIR = re.compile(r"^subdir\('([^']+)'\)", re.MULTILINE)
COMPOSITION = "agent/composition"

# Prefix of an include -> the only folders (or files) that may have it. Tests may talk to servers of their own.
OWNERS = {
    "curl/": ("backends/http/",),
    "libvirt/": ("backends/libvirt/",),
    "boost/beast": ("agent/api/", "tools/basecache/", "tests/"),
    "boost/asio": ("agent/api/", "tools/basecache/", "tests/"),
    "libisofs/": ("backends/drive/",),
    "pugixml.hpp": ("agent/domain/", "agent/model/", "tests/"),
    "spdlog/": ("agent/base/",),
    "CLI/": ("agent/main.cpp", "tools/"),
    "doctest/": ("tests/",),
}
# A lock of Boost's own belongs to the process: two threads would both hold it. base/file_lock is the one lock.
FORBIDDEN = {"boost/interprocess/sync/file_lock.hpp": "use agent/base/file_lock.hpp: Boost's belongs to the process, "
                                                      "so that two threads both hold it"}


def check(tree: Tree) -> Iterator[Offence]:
    rooms = SUBDIR.findall(tree.text("meson.build")) if "meson.build" in tree.files else []
    for path in tree.cpp():
        for number, line in enumerate(tree.lines(path), 1):
            if match := INCLUDE.match(line):
                for advice in _advice(path, match[1], match[2], rooms):
                    yield Offence(path, number, "includes", advice)


def _advice(path: str, opening: str, target: str, rooms: list[str]) -> Iterator[str]:
    if opening == '"':
        yield from _between_rooms(path, target, rooms)
    for prefix, owners in OWNERS.items():
        if target.startswith(prefix) and not path.startswith(owners):
            yield f"<{target}> belongs to {' and '.join(owners)} alone: go through that room"
    if path.endswith(".hpp") and target.startswith("nlohmann/") and target != "nlohmann/json_fwd.hpp":
        yield "headers include <nlohmann/json_fwd.hpp> only: every includer would compile all of JSON"
    if target in FORBIDDEN:
        yield FORBIDDEN[target]


def _between_rooms(path: str, target: str, rooms: list[str]) -> Iterator[str]:
    if "/" not in target or target.startswith("."):
        yield f'"{target}": include from the project\'s root ("agent/base/error.hpp")'
        return
    if path.startswith("agent/") and target.startswith("backends/") and not path.startswith(COMPOSITION):
        yield f"only {COMPOSITION}* sees agent and backends together: depend on an interface of the agent"
        return
    own, other = _room(path, rooms), _room(target, rooms)
    if target.startswith("tests/") and not path.startswith("tests/"):
        yield "tests are not part of the product"
    elif own in rooms and other in rooms and rooms.index(other) > rooms.index(own):
        yield f"room '{other}' stands below '{own}' in meson.build: depend the other way round"


def _room(path: str, rooms: list[str]) -> str:
    folder = PurePosixPath(path).parent
    while str(folder) not in rooms and folder.parent != folder:
        folder = folder.parent
    return str(folder)
