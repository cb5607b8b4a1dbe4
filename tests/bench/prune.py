"""A pass over the instances of a node: which base files are in use; as a prune, as a dry one and as a list of the cache."""

import json
import os
import random
import shutil
import uuid
from pathlib import Path

from agent_peer import Agent
from cold import NOVA
from contest import Contender, take_turns
from harness import GIB, cache_key, tool
from places import NAMES, Place
from report import OURS, Comparison, Growth
from setting import Setting

PLACES = NAMES
COUNTS = (100, 1000, 10_000)
QUICK_COUNTS = (50, 1000)
NOVA_MOST, QUICK_NOVA_MOST = 1000, 50
IMAGES = 10
DISKS = ("disk", "disk.local", "disk.swap")
BLOCK = 4096
PRUNE = "prune"
COMMANDS = {"prune --dry-run --json": ("cache", "prune", "--dry-run", "--json"), "cache list --json": ("cache", "list", "--json")}


def case_name(count: int, work: str = PRUNE) -> str:
    return f"{work}, {count} instances"


def room(_setting: Setting) -> int:
    return 2 * GIB


def measure(place: Place, setting: Setting) -> None:
    points: dict[str, dict[float, list[float]]] = {PRUNE: {}, **{work: {} for work in COMMANDS}}
    for count in QUICK_COUNTS if setting.quick else COUNTS:
        wanted = [work for work in points if setting.wants(place.name, case_name(count, work))]
        if wanted:
            for work, comparison in _measure_count(place, setting, count, wanted).items():
                setting.found(comparison)
                points[work][count] = [sample.seconds for sample in comparison.runs[OURS]]
    for work, found in points.items():
        if len(found) > 1:
            setting.findings.growths.append(Growth(work, place.name, "instance", found))


def _measure_count(place: Place, setting: Setting, count: int, wanted: list[str]) -> dict[str, Comparison]:
    found = {}
    with Agent(place.path) as agent:
        known = make_instances(agent.instances, count)
        for work in wanted:
            contenders = _contenders(agent, setting, work, known)
            found[work] = Comparison(case_name(count, work), place.name, take_turns(contenders, setting.rounds, lambda: None))
        shutil.rmtree(agent.instances)
    return found


def _contenders(agent: Agent, setting: Setting, work: str, known: list[tuple[str, str]]) -> dict[str, Contender]:
    """Of a command, its own start and all that it prints count too; CPU and memory are the daemon's."""
    if work != PRUNE:
        return {OURS: lambda: agent.timed_command(*COMMANDS[work])}
    contenders = {OURS: agent.timed_prune}
    if setting.nova and len(known) <= (QUICK_NOVA_MOST if setting.quick else NOVA_MOST):  # it takes more than a minute for that many
        contenders[NOVA] = lambda: setting.nova.prune(agent.instances, known)
    return contenders


def make_instances(instances: Path, count: int) -> list[tuple[str, str]]:
    """Directories of instances with three overlays each, as Nova and we make them; their UUIDs and their images'."""
    base = instances / "_base"
    base.mkdir(exist_ok=True)
    numbers = random.Random(20260101)
    images = [_uuid(numbers) for _ in range(IMAGES)]
    names = [*(cache_key(image) for image in images), "ephemeral_1_40d1d2c", "swap_512"]
    overlays = {name: _overlay_blocks(base / name) for name in names}
    known = []
    for number in range(count):
        instance, image = _uuid(numbers), images[number % IMAGES]
        _make_instance(instances / instance, [overlays[name] for name in (cache_key(image), *names[IMAGES:])])
        known.append((instance, image))
    return known


def _make_instance(folder: Path, overlays: list[dict[int, bytes]]) -> None:
    folder.mkdir()
    for name, blocks in zip(DISKS, overlays):
        with open(folder / name, "wb", buffering=0) as file:
            for place, content in blocks.items():
                os.pwrite(file.fileno(), content, place)
    (folder / "disk.info").write_text(json.dumps({str(folder / name): "qcow2" for name in DISKS}))


def _overlay_blocks(base: Path) -> dict[int, bytes]:
    """Of an overlay of a new base file: all its blocks that aren't zeros, by their places, and the last one."""
    with open(base, "wb") as file:
        file.truncate(GIB)
    overlay = base.with_name("overlay")
    tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, overlay)
    content = overlay.read_bytes()
    overlay.unlink()
    places = range(0, len(content), BLOCK)
    return {place: content[place:place + BLOCK] for place in places
            if any(content[place:place + BLOCK]) or place == places[-1]}


def _uuid(numbers: random.Random) -> str:
    return str(uuid.UUID(int=numbers.getrandbits(128), version=4))
