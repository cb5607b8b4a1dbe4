"""Seconds against the amount of data in an image: a first instance, a next one."""

from pathlib import Path

from agent_peer import Agent
from bench_images import ImageSize
from cold import empty
from harness import GIB
from places import Place
from report import Growth
from setting import Setting
from web_server import WebServer

PLACES = ("ext4", "xfs")  # memory is too small for the large ones
SIZES = (1, 2, 4, 8)  # GiB of data
QUICK_SIZES = (0.125, 0.25)
MOST_ROUNDS = 3  # cold ones; the sizes are rounds too
WARM_TURNS = 10
IMAGE_FORMAT = "zstd"  # small enough to be made and kept beside its disk
COLD = "a first instance, zstd"


def sizes(setting: Setting) -> tuple[float, ...]:
    return QUICK_SIZES if setting.quick else SIZES


def images_type(place: Place) -> str:
    """Raw disks where they cost nothing."""
    return "raw" if place.can_share_blocks else "qcow2"


def warm_case_name(place_name: str) -> str:
    return f"a next instance, {'raw' if place_name == 'xfs' else 'qcow2'}"


def room(setting: Setting) -> int:
    """What is fetched, half as large as the disk, and the disk; the images themselves aren't on this file system."""
    return int(1.75 * sizes(setting)[-1] * GIB)


def measure(place: Place, setting: Setting) -> None:
    cases = COLD, warm_case_name(place.name)
    if not any(setting.wants(place.name, f"growth, {case}") for case in cases):
        return
    cold_seconds, warm_seconds = {}, {}
    with Agent(place.path, images_type(place)) as agent:
        for data in sizes(setting):
            size = ImageSize(int(data * GIB), int(data * GIB))
            image = setting.images.get(size, IMAGE_FORMAT)
            setting.images.remove(size, "raw")
            cold_seconds[data], warm_seconds[data] = _measure_size(agent, setting, image)
            setting.images.remove(size, IMAGE_FORMAT)
    for case, points in zip(cases, (cold_seconds, warm_seconds)):
        setting.findings.growths.append(Growth(case, place.name, "GiB", points))


def _measure_size(agent: Agent, setting: Setting, image: Path) -> tuple[list[float], list[float]]:
    with WebServer(image.parent) as server:
        url = f"{server.url}/{image.name}"
        request = {"image_ref": url, "flavor": {"root_gb": int(sizes(setting)[-1]) + 1}}
        cold = []
        for _ in range(min(setting.rounds, MOST_ROUNDS)):
            empty(agent, url)
            cold += agent.timed_create(request)
        warm = [sample.seconds for sample in agent.timed_creates_in_turn(request, WARM_TURNS)]
        empty(agent, url)
        return [sample.seconds for sample in cold], warm
