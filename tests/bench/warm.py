"""A next instance of an image that is in the cache: all four disks, one at a time and many at once."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent_peer import Agent
from bench_images import put
from cold import NOVA, glance_access, glance_image
from contest import Contender, commands, take_turns
from figures import Sample
from harness import GIB, MIB, cache_key, new_uuid, tool
from nova_compute import NovaCompute
from places import NAMES, Place
from report import OURS, Comparison
from setting import Setting

PLACES = NAMES
SHELL = "commands"
COPY = "cp --sparse=auto"
EPHEMERAL_GB, SWAP_MB = 1, 64
CROWDS = (1, 10, 100)
NOVA_AT_ONCE = 10  # nova-compute's max_concurrent_builds
TURNS = 50  # creations one after the other that are a turn of ours, where nothing is copied; the kernel counts CPU in 10 ms
IMAGE_FORMAT = "qcow2"


def case_name(images_type: str, count: int) -> str:
    return f"warm create, {images_type}, {count} at once"


def root_case_name() -> str:
    return "warm create, raw, root disk alone"


def room(setting: Setting) -> int:
    """The image, our base file and Nova's, raw disks of all contenders, overlays."""
    return 6 * setting.size.data + GIB


def copies(place: Place, images_type: str) -> bool:
    return images_type == "raw" and not place.can_share_blocks


def crowds(place: Place, images_type: str) -> tuple[int, ...]:
    """Raw disks of a hundred instances fit where they share their blocks."""
    return (1,) if copies(place, images_type) else CROWDS


def measure(place: Place, setting: Setting) -> None:
    for images_type in ("qcow2", "raw"):
        cases = [(count, case_name(images_type, count)) for count in crowds(place, images_type)]
        wanted = [(count, case) for count, case in cases if setting.wants(place.name, case)]
        with_root = images_type == "raw" and setting.wants(place.name, root_case_name())
        if wanted or with_root:
            folder = place.path / images_type
            folder.mkdir()
            _measure_type(Place(place.name, folder), setting, images_type, wanted, with_root)
            shutil.rmtree(folder)


def _measure_type(place: Place, setting: Setting, images_type: str, cases: list[tuple[int, str]], with_root: bool) -> None:
    has_glance = setting.cloud is not None
    with Agent(place.path, images_type, glance_access(setting) if has_glance else None) as agent:
        image_ref = (glance_image(setting, IMAGE_FORMAT) if has_glance
                     else f"file://{put(setting.images.get(setting.size, IMAGE_FORMAT), place.path)}")
        request = {"image_ref": image_ref, "os_type": "linux", "config_drive": True,
                   "flavor": {"root_gb": setting.root_gb, "ephemeral_gb": EPHEMERAL_GB, "swap": SWAP_MB}}
        shell = ShellWay(place.path / "shell", agent, agent.create(request), setting.root_gb)
        theirs = _warm_nova(place, setting, images_type, request)
        agent.remove_instances()
        agent.taken_steps(image_ref)

        def between() -> None:
            if not copies(place, images_type):
                return  # small ones stay: ext4 makes files slowly soon after many were removed (recently_deleted, fs/ext4/ialloc.c)
            agent.remove_instances()
            shell.remove_instances()
            if theirs:
                NovaCompute.remove_instances(theirs)
            tool("sync", "--file-system", place.path)

        for count, case in cases:
            contenders = {OURS: _ours(place, agent, request, count), SHELL: lambda: shell.create(count)}
            if theirs and count <= NOVA_AT_ONCE:
                contenders[NOVA] = lambda: setting.nova.create(theirs, image_ref, images_type, request, count)
            runs = take_turns(contenders, setting.rounds, between)
            setting.found(Comparison(case, place.name, runs, agent.taken_steps(image_ref)))
        if with_root:
            setting.found(_root_alone(place, setting, agent, image_ref))


def _ours(place: Place, agent: Agent, request: dict, count: int) -> Contender:
    if count > 1:
        return lambda: agent.timed_creates(request, count)
    return lambda: agent.timed_creates_in_turn(request, 1 if copies(place, agent.images_type) else TURNS)


def _warm_nova(place: Place, setting: Setting, images_type: str, request: dict) -> Path | None:
    """Where Nova has its instances and the base files of that request."""
    if not setting.nova or not setting.cloud:
        return None
    theirs = place.path / "nova"
    theirs.mkdir()
    setting.nova.create(theirs, request["image_ref"], images_type, request)
    return theirs


def _root_alone(place: Place, setting: Setting, agent: Agent, image_ref: str) -> Comparison:
    """A raw disk is a copy of its base file: what cp makes of it is the limit."""
    request = {"image_ref": image_ref, "flavor": {"root_gb": setting.root_gb}}
    base, copy = agent.instances / "_base" / cache_key(image_ref), place.path / "copy"

    def between() -> None:
        agent.remove_instances()
        copy.unlink(missing_ok=True)
        tool("sync", "--file-system", place.path)

    contenders = {OURS: lambda: agent.timed_create(request),
                  COPY: lambda: commands(("cp", "--sparse=auto", base, copy))}
    runs = take_turns(contenders, setting.rounds, between)
    return Comparison(root_case_name(), place.name, runs, agent.taken_steps(image_ref))


class ShellWay:
    """The same disks by commands, from the agent's own base files."""

    def __init__(self, folder: Path, agent: Agent, created: dict, root_gb: int):
        """created: the answer to the creation of an instance like those to be made."""
        self._folder = folder
        folder.mkdir()
        self._base = agent.instances / "_base"
        disks = {disk["name"]: disk for disk in created["disks"]}
        sizes = {"disk": root_gb * GIB, "disk.local": EPHEMERAL_GB * GIB, "disk.swap": SWAP_MB * MIB}
        self._disks = [(name, self._base / disks[name]["base"], size) for name, size in sizes.items()]
        self._make = self._overlay if disks["disk"]["format"] == "qcow2" else self._copy
        self._drive = folder / "drive"
        tool("xorriso", "-osirrox", "on", "-indev", disks["disk.config"]["path"], "-extract", "/", self._drive)

    def create(self, count: int) -> list[Sample]:
        folders = [self._folder / f"instance-{new_uuid()}" for _ in range(count)]
        with ThreadPoolExecutor(count) as crowd:
            return list(crowd.map(self._create_one, folders))

    def _create_one(self, folder: Path) -> Sample:
        folder.mkdir()
        return commands(*(words for disk in self._disks for words in self._make(folder, *disk)),
                        ("genisoimage", "-quiet", "-o", folder / "disk.config", "-ldots", "-allow-lowercase",
                         "-allow-multidot", "-l", "-J", "-r", "-V", "config-2", self._drive))[0]

    @staticmethod
    def _overlay(folder: Path, name: str, base: Path, size: int) -> list[tuple]:
        return [("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, folder / name, size)]

    @staticmethod
    def _copy(folder: Path, name: str, base: Path, size: int) -> list[tuple]:
        return [("cp", "--sparse=auto", base, folder / name), ("truncate", "--size", size, folder / name)]

    def remove_instances(self) -> None:
        for folder in self._folder.glob("instance-*"):
            shutil.rmtree(folder)
