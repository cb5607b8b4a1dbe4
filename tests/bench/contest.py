"""Contenders that do the same work in turns, so that a busy machine slows all of them; and what a run costs."""

import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Sequence

from figures import Sample

Contender = Callable[[], list[Sample]]  # one turn of it: a sample of each time that it did the work


def take_turns(contenders: dict[str, Contender], rounds: int, between: Callable[[], None]) -> dict[str, list[Sample]]:
    """`between` undoes what one turn made, before each turn and at the end."""
    runs: dict[str, list[Sample]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            between()
            runs[name] += contender()
    between()
    return runs


def commands(*argument_vectors: Sequence[object]) -> list[Sample]:
    """One after the other, as one sample. The peak is never less than what this process has: a new process begins as a part of it."""
    began = time.monotonic()
    ended = [_run([str(word) for word in words]) for words in argument_vectors]
    seconds = time.monotonic() - began
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in ended)
    return [Sample(seconds, cpu, max(usage.ru_maxrss for usage in ended) / 1024)]


def at_once(*contenders: Contender) -> list[Sample]:
    """All at the same time, as one sample: what the machine has for them together."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(contenders)) as crowd:
        taken = [sample for samples in crowd.map(lambda contender: contender(), contenders) for sample in samples]
    return [Sample(time.monotonic() - began, sum(sample.cpu_seconds for sample in taken),
                   sum(sample.peak_mib for sample in taken))]


def _run(words: list[str]):
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:  # the run is broken off
        process.kill()
        process.wait()
        raise
    finally:
        process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {said.decode(errors='replace')}")
    return usage


class ProcessCost:
    """CPU seconds and peak memory of a process that runs on, of its ended children too."""

    def __init__(self, pid: int):
        self._folder = Path(f"/proc/{pid}")
        self._clear_peak()
        self._cpu_before = self._cpu()

    def samples(self, each: Sequence[float]) -> list[Sample]:
        """Of work that was done so often, and took those seconds, since this was made: the cost is shared out evenly."""
        cpu, peak = (self._cpu() - self._cpu_before) / len(each), self.peak_mib()
        return [Sample(seconds, cpu, peak) for seconds in each]

    def peak_mib(self) -> float:
        return int(re.search(r"VmHWM:\s+(\d+) kB", (self._folder / "status").read_text())[1]) / 1024

    def _clear_peak(self) -> None:
        (self._folder / "clear_refs").write_text("5")  # Documentation/filesystems/proc.rst

    def _cpu(self) -> float:
        """proc(5): utime, stime, cutime and cstime are the fields 14 to 17, in clock ticks."""
        fields = (self._folder / "stat").read_text().rpartition(") ")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
