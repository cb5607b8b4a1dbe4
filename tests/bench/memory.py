"""How much memory the daemon ever has while it makes several first instances at once, for a small image and a large one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent_peer import Agent
from bench_images import FULL, QUICK, SMALL, ImageSize, put
from contest import ProcessCost
from figures import Sample
from places import Place
from report import OURS, Comparison
from setting import Setting
from web_server import WebServer

PLACES = ("ext4",)  # what is below it makes no difference to it
AT_ONCE = 8
IMAGE_FORMAT = "zlib"
WITH_CHILDREN = "with its children"
LOOK_EVERY = 0.02  # seconds


def case_name(size: ImageSize) -> str:
    return f"{AT_ONCE} first instances at once, {size.data >> 20} MiB of data"


def sizes(setting: Setting) -> tuple[ImageSize, ...]:
    return (QUICK,) if setting.quick else (SMALL, FULL)


def room(setting: Setting) -> int:
    """The image; each build has what it fetches and what it makes of it."""
    return (AT_ONCE + 5) * sizes(setting)[-1].data


def measure(place: Place, setting: Setting) -> None:
    for size in sizes(setting):
        if setting.wants(place.name, case_name(size)):
            setting.found(_measure_size(place, setting, size))


def _measure_size(place: Place, setting: Setting, size: ImageSize) -> Comparison:
    image = put(setting.images.get(size, IMAGE_FORMAT), place.path)
    runs: dict[str, list[Sample]] = {OURS: [], WITH_CHILDREN: []}
    with WebServer(place.path) as server, Agent(place.path) as agent:
        urls = [f"{server.url}/{image.name}?{number}" for number in range(AT_ONCE)]  # the cache knows them as different
        for _ in range(setting.rounds):
            own, all_of_them = _crowd(agent, urls, setting.root_gb)
            runs[OURS].append(own)
            runs[WITH_CHILDREN].append(all_of_them)
            agent.remove_instances()
            for url in urls:
                agent.forget(url)
    image.unlink()
    return Comparison(case_name(size), place.name, runs)


def _crowd(agent: Agent, urls: list[str], root_gb: int) -> tuple[Sample, Sample]:
    cost = ProcessCost(agent.pid)
    watch = ResidentWatch(agent)
    began = time.monotonic()
    with watch, ThreadPoolExecutor(len(urls)) as crowd:
        list(crowd.map(lambda url: agent.create({"image_ref": url, "flavor": {"root_gb": root_gb}}), urls))
    own, = cost.samples([time.monotonic() - began])
    return own, own._replace(peak_mib=watch.peak_mib)


class ResidentWatch:
    """Looks now and then how much memory the daemon and its children have together; pages that they share count twice."""

    def __init__(self, agent: Agent):
        self._agent = agent
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak_mib = 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            pids = [self._agent.pid, *self._agent.children()]
            self.peak_mib = max(self.peak_mib, sum(_resident_mib(pid) for pid in pids))


def _resident_mib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0  # it has ended
    return pages / 256  # of 4 KiB
