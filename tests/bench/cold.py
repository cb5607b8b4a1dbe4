"""The first instance of an image: fetched, verified and decoded, beside the commands that do the same and beside Nova."""

import functools
from contextlib import ExitStack
from pathlib import Path

from agent_peer import Agent
from bench_images import FORMATS, put
from contest import Contender, at_once, commands, take_turns
from harness import DAEMON, tool
from keystone_peer import DOMAIN
from nova_compute import NovaCompute
from places import NAMES, Place
from report import OURS, Comparison
from setting import Setting
from web_server import WebServer

PLACES = NAMES
OURS_FROM_FILE = "ours from file://"
CURL = "curl + fsync"
CONVERT = "convert"
CONVERT_MANY = "convert -W -m 16"
CURL_CONVERT = "curl, convert"
DECODE = "our decode + fsync"
PARTS = "curl, digest, decode at once"
NOVA = "Nova"
THREADS = 2


def case_name(image_format: str) -> str:
    return f"cold create, {image_format}"


def glance_case_name(image_format: str) -> str:
    return f"cold create from Glance, {image_format}"


def room(setting: Setting) -> int:
    """Bytes on a place's file system: the image, its download and both disks, with some to spare."""
    return 5 * setting.size.data


def measure(place: Place, setting: Setting) -> None:
    for image_format in FORMATS:
        by_url, by_glance = case_name(image_format), glance_case_name(image_format)
        if setting.wants(place.name, by_url):
            setting.found(_from_servers(place, setting, image_format, by_url))
        if setting.wants(place.name, by_glance) and setting.cloud and setting.nova:
            setting.found(_from_glance(place, setting, image_format, by_glance))


def _from_servers(place: Place, setting: Setting, image_format: str, case: str) -> Comparison:
    image = put(setting.images.get(setting.size, image_format), place.path)
    outputs = Outputs(place.path)
    with WebServer(place.path) as server, Agent(place.path) as agent:
        url, file_url = f"{server.url}/{image.name}", f"file://{image}"

        def between() -> None:
            outputs.remove()
            empty(agent, url, file_url)

        requests = {ref: {"image_ref": ref, "flavor": {"root_gb": setting.root_gb}} for ref in (url, file_url)}
        contenders = {OURS: lambda: agent.timed_create(requests[url]),
                      OURS_FROM_FILE: lambda: agent.timed_create(requests[file_url]),
                      **command_contenders(image, image_format, url, outputs)}
        runs = take_turns(contenders, setting.rounds, between)
        return Comparison(case, place.name, runs, agent.taken_steps(url))


def command_contenders(image: Path, image_format: str, url: str, outputs: "Outputs") -> dict[str, Contender]:
    fetched, raw = outputs.fetched, outputs.raw
    qemu_format = "raw" if image_format == "raw" else "qcow2"
    curl = ("curl", "--silent", "--show-error", "--fail", "--output", fetched, url)
    convert = ("qemu-img", "convert", "-t", "none", "-f", qemu_format, "-O", "raw")  # Nova's flags
    contenders = {CURL: lambda: commands(curl, ("sync", fetched)),
                  CONVERT: lambda: commands((*convert, image, raw)),
                  CURL_CONVERT: lambda: commands(curl, (*convert, fetched, raw))}
    if qemu_format == "qcow2":
        contenders[CONVERT_MANY] = lambda: commands((*convert, "-W", "-m", "16", image, raw))
        contenders[DECODE] = lambda: commands(decoder_alone(image, outputs), ("sync", raw))
        # Separate programs, none of which waits for another: less than this only more cores give.
        contenders[PARTS] = lambda: at_once(contenders[CURL], contenders[DECODE],
                                            lambda: commands(("openssl", "dgst", "-sha256", image)))
    return contenders


def decoder_alone(image: Path, outputs: "Outputs") -> tuple[object, ...]:
    """The child that the agent decodes with, told that all of the image has arrived."""
    return ("bash", "-c", 'exec "$0" decode-image "$1" 3<"$2" 4<>"$3" 5<"$4"',
            DAEMON, THREADS, image, outputs.raw, outputs.whole)


class Outputs:
    """What the commands write, and what they are told."""

    def __init__(self, folder: Path):
        self.fetched, self.raw = folder / "fetched", folder / "raw"
        self.whole = folder / "whole"  # backends/decode/decode_program.hpp: the number that stands for the whole image
        self.whole.write_bytes(b"\xff" * 8)

    def remove(self) -> None:
        for path in (self.fetched, self.raw):
            path.unlink(missing_ok=True)


def empty(agent: Agent, *image_refs: str) -> None:
    """Neither instances nor base files, and nothing left to be written."""
    agent.remove_instances()
    for image_ref in image_refs:
        agent.forget(image_ref)
    tool("sync", "--file-system", agent.instances)


def glance_access(setting: Setting) -> dict[str, dict]:
    """Sections of the agent's configuration."""
    account = setting.cloud.users["nova"]
    return {"keystone_authtoken": {
        "auth_url": setting.cloud.auth_url, "auth_type": "password", "username": account.name,
        "password": account.password, "project_name": account.project, "user_domain_name": DOMAIN,
        "project_domain_name": DOMAIN}}


@functools.cache
def _uploaded(setting_cloud, image: Path) -> str:
    with open(image, "rb") as file:
        return setting_cloud.glance.create(image.name, file, "raw" if image.suffix == ".raw" else "qcow2")["id"]


def glance_image(setting: Setting, image_format: str) -> str:
    """The id; uploaded once."""
    return _uploaded(setting.cloud, setting.images.get(setting.size, image_format))


def _from_glance(place: Place, setting: Setting, image_format: str, case: str) -> Comparison:
    image = glance_image(setting, image_format)
    request = {"image_ref": image, "flavor": {"root_gb": setting.root_gb}}
    theirs = place.path / "nova"
    theirs.mkdir(exist_ok=True)
    with ExitStack() as stack:
        agent = stack.enter_context(Agent(place.path, sections=glance_access(setting)))

        def between() -> None:
            NovaCompute.remove_instances(theirs)
            NovaCompute.forget(theirs, image)
            empty(agent, image)

        runs = take_turns({OURS: lambda: agent.timed_create(request),
                           NOVA: lambda: setting.nova.create(theirs, image, "qcow2", request)}, setting.rounds, between)
        return Comparison(case, place.name, runs, agent.taken_steps(image))
