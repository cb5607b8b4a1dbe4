"""What systemd lets the daemon and its timer's prune do, by the units that are shipped."""

from pathlib import Path

from harness import ROOT, tool

UNIT = ROOT / "packaging/systemd/basecached.service"
PRUNE_UNIT = ROOT / "packaging/systemd/basecache-prune.service"
WITH_LVM = ROOT / "packaging/systemd/lvm.conf"  # in addition, where disks are on LVM


def _settings(key: str, *additions: Path, unit: Path = UNIT) -> list[list[str]]:
    """The words of each line that sets it, in their order."""
    text = "\n".join(path.read_text() for path in (unit, *additions))
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return [words.split() for name, words in lines if name == key]


def capabilities(*additions: Path) -> list[str]:
    """As setpriv(1) spells them."""
    return [name.removeprefix("CAP_").lower() for names in _settings("CapabilityBoundingSet", *additions) for name in names]


def modules(*additions: Path) -> list[str]:
    """That systemd loads before."""
    units = [unit for names in _settings("Wants", *additions) for unit in names if unit.startswith("modprobe@")]
    return [unit.removeprefix("modprobe@").removesuffix(".service") for unit in units]


def with_capabilities(names: list[str]) -> list[str]:
    """What a command is put behind to have no others than these."""
    return ["setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all", *(f"+{name}" for name in names)])]


def _groups() -> dict[str, list[str]]:
    """The groups of system calls that systemd knows, by name; of system calls and other groups."""
    found: dict[str, list[str]] = {}
    for line in tool("systemd-analyze", "syscall-filter").splitlines():
        word = line.strip()
        if line.startswith("@"):
            members = found.setdefault(word, [])
        elif word and not word.startswith("#"):
            members.append(word)
    return found


def system_calls(unit: Path = UNIT) -> set[str]:
    """Those that the lines of the filter leave, in their order: the first one allows, "~" takes away."""
    groups = _groups()

    def calls_of(word: str) -> set[str]:
        return set().union(*map(calls_of, groups[word])) if word.startswith("@") else {word}

    allowed: set[str] = set()
    for words in _settings("SystemCallFilter", unit=unit):
        takes_away = words[0].startswith("~")
        named = set().union(*(calls_of(word.removeprefix("~")) for word in words))
        allowed = allowed - named if takes_away else allowed | named
    return allowed
