#!/usr/bin/env python3
"""How fast the agent is, beside the commands that do the same, measured in one run: bench.py [--rounds N] [--json FILE]
IMAGE.qcow2...

Ours and theirs take turns, so that a busy machine slows both; what is compared is the ratio of the medians. Both read
from the same server and write to the same file system. The agent also verifies, syncs to disk and publishes.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "functional"))

from harness import CLI, DAEMON, Daemon, cache_key, new_uuid, tool  # noqa: E402
from socket_client import Client  # noqa: E402

FLAVOR = {"root_gb": 4, "ephemeral_gb": 1, "swap": 256}
CONCURRENT = 100
MEMORY_LIMIT_MIB = 64


class Bench:
    def __init__(self, scratch: Path, rounds: int):
        self.scratch = scratch
        self.rounds = rounds
        self.rows: list[dict] = []

    def seconds(self, work: Callable[[], None]) -> float:
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def compare(self, what: str, ours: Callable[[], None], theirs: dict[str, Callable[[], None]],
                between: Callable[[], None], rounds: int) -> None:
        """Takes turns; `between` undoes what one turn made."""
        times: dict[str, list[float]] = {"ours": [], **{name: [] for name in theirs}}
        for _ in range(rounds):
            for name, work in (("ours", ours), *theirs.items()):
                between()
                times[name].append(self.seconds(work))
        between()
        own = median(times["ours"])
        for name in theirs:
            other = median(times[name])
            self.rows.append({"what": what, "against": name, "ours_seconds": own, "theirs_seconds": other,
                              "ratio": own / other, "rounds": rounds})

    def start_server(self, folder: Path) -> str:
        process = subprocess.Popen([sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.server = process
        port = re.search(r"port (\d+)", process.stdout.readline())[1]
        return f"http://127.0.0.1:{port}"

    def start_agent(self) -> None:
        self.instances = self.scratch / "instances"
        self.instances.mkdir()
        (self.scratch / "registry").mkdir()
        self.config = self.scratch / "basecache.conf"
        self.config.write_text(f"[DEFAULT]\ninstances_path = {self.instances}\n"
                               f"[basecache]\nregistry_directory = {self.scratch / 'registry'}\n"
                               f"socket = {self.scratch / 'agent.sock'}\n")
        self.agent = Daemon([DAEMON, "--config", self.config], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.client = Client(self.scratch / "agent.sock")

    def create(self, request: dict) -> str:
        uuid = new_uuid()
        answer = self.client.create(uuid, request)
        if answer.status != 200:
            raise SystemExit(f"bench.py: the creation failed: {answer.body}")
        return uuid

    def remove_instances(self) -> None:
        for folder in self.instances.glob("*-*-*-*-*"):
            self.client.delete(folder.name)

    # The three questions.

    def cold(self, image: Path, url: str) -> None:
        """A first instance against curl to a file and qemu-img convert of the same image."""
        fetched, raw = self.scratch / "fetched", self.scratch / "raw"

        def shell(sync: bool) -> None:
            tool("curl", "-sSf", "-o", fetched, url)
            tool("qemu-img", "convert", "-f", "qcow2", "-O", "raw", fetched, raw)
            if sync:
                tool("sync", raw)

        def between() -> None:
            self.remove_instances()
            self.client.request("DELETE", f"/v1/cache/{cache_key(url)}")
            for path in (fetched, raw):
                path.unlink(missing_ok=True)
            tool("sync", "-f", self.scratch)

        self.compare(f"cold create, {image.name}", lambda: self.create({"image_ref": url, "flavor": {"root_gb": 4}}),
                     {"curl + convert": lambda: shell(False), "curl + convert + sync": lambda: shell(True)},
                     between, self.rounds)

    def warm(self, url: str) -> None:
        """All four disks of a next instance against the commands that make the same."""
        request = {"image_ref": url, "flavor": FLAVOR, "os_type": "linux", "config_drive": True}
        uuid = self.create(request)
        drive, root = self.scratch / "drive", self.instances / uuid
        tool("xorriso", "-osirrox", "on", "-indev", root / "disk.config", "-extract", "/", drive)
        bases = {disk["name"]: disk for disk in self.client.get(f"/v1/instances/{uuid}").body["disks"]}
        spec = self.scratch / "spec.json"
        target = self.scratch / "shell"

        def shell() -> None:
            target.mkdir()
            for name, size in (("disk", "4G"), ("disk.local", "1G"), ("disk.swap", "256M")):
                tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.backing(bases[name]["path"]),
                     target / name, size)
            tool("xorriso", "-as", "mkisofs", "-quiet", "-o", target / "disk.config", "-J", "-r", "-V", "config-2", drive)

        def command_line() -> None:
            spec.write_text(json.dumps({**request, "uuid": new_uuid()}))
            tool(CLI, "--socket", self.client.path, "create", "--spec", spec)

        def between() -> None:
            for folder in self.instances.glob("*-*-*-*-*"):
                if folder != root:
                    self.client.delete(folder.name)
            shutil.rmtree(target, ignore_errors=True)

        shell_way = {"qemu-img create x3 + xorriso": shell}
        self.compare("warm create, four disks (socket)", lambda: self.create(request), shell_way, between, self.rounds * 5)
        self.compare("warm create, four disks (CLI)", command_line, shell_way, between, self.rounds * 5)
        self.remove_instances()

    @staticmethod
    def backing(disk: str) -> str:
        return json.loads(tool("qemu-img", "info", "--output=json", "-f", "qcow2", disk))["full-backing-filename"]

    def crowd(self, url: str) -> dict:
        """100 warm creations at once: how long, and how much memory the daemon ever had."""
        request = {"image_ref": url, "flavor": FLAVOR, "os_type": "linux", "config_drive": True}
        self.create(request)
        together = threading.Barrier(CONCURRENT)

        def one(_: int) -> float:
            together.wait()
            return self.seconds(lambda: self.create(request))

        with ThreadPoolExecutor(CONCURRENT) as callers:
            began = time.monotonic()
            each = list(callers.map(one, range(CONCURRENT)))
            total = time.monotonic() - began
        status = Path(f"/proc/{self.agent.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
        self.remove_instances()
        return {"creations": CONCURRENT, "seconds": total, "median_seconds": median(each), "slowest_seconds": max(each),
                "peak_rss_mib": peak, "peak_rss_limit_mib": MEMORY_LIMIT_MIB, "within_limit": peak < MEMORY_LIMIT_MIB}

    def close(self) -> None:
        self.agent.close()
        self.server.terminate()
        self.server.wait()
        self.server.stdout.close()


def print_table(rows: list[dict], crowd: dict) -> None:
    print(f"{'what':<36}{'ours s':>9}  {'against':<30}{'s':>9}{'ratio':>8}")
    for row in rows:
        print(f"{row['what']:<36}{row['ours_seconds']:>9.3f}  {row['against']:<30}{row['theirs_seconds']:>9.3f}"
              f"{row['ratio']:>8.2f}")
    print(f"{crowd['creations']} warm creates at once: {crowd['seconds']:.2f} s "
          f"(median {crowd['median_seconds']:.2f} s, slowest {crowd['slowest_seconds']:.2f} s)")
    verdict = "within" if crowd["within_limit"] else "OVER"
    print(f"peak memory of the daemon: {crowd['peak_rss_mib']:.1f} MiB ({verdict} the limit of {crowd['peak_rss_limit_mib']} MiB)")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("images", type=Path, nargs="+")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="basecache-bench.") as folder:
        bench = Bench(Path(folder), arguments.rounds)
        server = bench.start_server(arguments.images[0].parent)
        bench.start_agent()
        try:
            for image in arguments.images:
                bench.cold(image, f"{server}/{image.name}")
            warm = f"{server}/{arguments.images[0].name}"
            bench.warm(warm)
            crowd = bench.crowd(warm)
        finally:
            bench.close()
    print_table(bench.rows, crowd)
    if arguments.json:
        arguments.json.write_text(json.dumps({"comparisons": bench.rows, "crowd": crowd}, indent=2) + "\n")
    return 0 if crowd["within_limit"] else 1


if __name__ == "__main__":
    sys.exit(main())
