"""Where this machine gets Debian's own packages from, out of its apt sources."""

import shlex
from pathlib import Path
from typing import NamedTuple

APT = Path("/etc/apt")


class Source(NamedTuple):
    uri: str
    suite: str
    signed_by: str

    @property
    def line(self) -> str:
        """Of a sources.list."""
        options = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {options}{self.uri} {self.suite} main"

    @property
    def release(self) -> str:
        """A file that is there where the mirror answers."""
        return f"{self.uri.rstrip('/')}/dists/{self.suite}/InRelease"


def codename() -> str:
    """The machine's own: "bookworm"."""
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return ""


def of_this_machine() -> list[Source]:
    found: list[Source] = []
    for path in sorted([*APT.glob("sources.list"), *APT.glob("sources.list.d/*")]):
        if path.suffix in (".list", ".sources"):
            found += sources_of(path.read_text(), path.suffix == ".sources", codename())
    return list(dict.fromkeys(found))


def sources_of(text: str, stanzas: bool, release: str) -> list[Source]:
    """The binary packages of main of that release, its updates too, as sources.list(5) has them: stanzas or lines. Whoever
    else has packages names no suite so."""
    entries = of_stanzas(text) if stanzas else of_lines(text)
    return [Source(uri, suite, signed_by) for uri, suite, components, signed_by in entries
            if (suite == release or suite.startswith(f"{release}-")) and "main" in components]


def of_lines(text: str) -> list[tuple[str, str, list[str], str]]:
    entries = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0] != "deb":
            continue
        options: list[str] = []
        if words[1].startswith("["):
            end = next(index for index, word in enumerate(words) if word.endswith("]"))
            options = shlex.split(" ".join(words[1:end + 1]).strip("[]"))
            words[1:end + 1] = []
        signed_by = next((option.partition("=")[2] for option in options if option.startswith("signed-by=")), "")
        entries.append((words[1], words[2], words[3:], signed_by))
    return entries


def of_stanzas(text: str) -> list[tuple[str, str, list[str], str]]:
    entries = []
    for stanza in "\n".join(line for line in text.splitlines() if not line.startswith("#")).split("\n\n"):
        fields = {name.strip().lower(): value.strip() for name, _, value in
                  (line.partition(":") for line in stanza.splitlines() if not line[0].isspace())}
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
            signed_by = fields.get("signed-by", "")
            entries += [(uri, suite, fields.get("components", "").split(), signed_by if signed_by.startswith("/") else "")
                        for uri in fields.get("uris", "").split() for suite in fields.get("suites", "").split()]
    return entries
