"""A story with a libvirtd of its own and domains that can start."""

import subprocess
from pathlib import Path

import own_libvirt
import private_machine
import tiny_guest
from harness import eventually
from image_story import ImageStory
from own_libvirt import OwnLibvirt
from requirements import Missing

# Writes down what libvirt calls a hook with; runs `<operation>.sh` of its folder, where that is there.
LOGGER = """#!/bin/sh
cd {folder} || exit 0
name=$(date +%s%N).$2.$3
cat > "$name.xml"
echo "$*" > "$name.words"
if [ -f "$2.sh" ]; then . "./$2.sh"; fi
"""


class LibvirtStory(ImageStory):
    def setUp(self) -> None:
        if not private_machine.is_inside():
            self.skipTest("it has to be started as a program, which makes a private machine")
        try:
            tiny_guest.kernel()
        except Missing as missing:
            self.skipTest(str(missing))
        super().setUp()
        self.scratch.chmod(0o755)  # QEMU's user goes through it
        self.libvirt = OwnLibvirt(self.scratch)
        self.addCleanup(self.libvirt.close)

    def directory(self, uuid: str) -> Path:
        return self.instances_path / uuid

    def define(self, xml: str) -> None:
        self.libvirt.done("define", self.written(xml))

    def written(self, xml: str) -> Path:
        path = self.scratch / "domain.xml"
        path.write_text(xml)
        return path

    def log_hooks(self) -> Path:
        """A hook that writes down its calls, as the first; the folder that it writes in."""
        folder = self.scratch / "hook-calls"
        folder.mkdir()
        program = self.scratch / "hook-logger"
        program.write_text(LOGGER.format(folder=folder))
        program.chmod(0o755)
        self.libvirt.install_hook(program, "00-logger")
        return folder

    @staticmethod
    def calls(folder: Path) -> list[str]:
        """Which were made so far, in order: "prepare/begin"."""
        return ["/".join(path.name.split(".")[1:3]) for path in sorted(folder.glob("*.words"))]

    def make_by_hand(self, uuid: str) -> Path:
        """The disk of a domain that nobody makes."""
        folder = self.directory(uuid)
        folder.mkdir()
        subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", tiny_guest.root_image(), folder / "disk"], check=True)
        return folder

    def assert_guest_started(self, uuid: str, starts: int = 1) -> tiny_guest.Report:
        """It came to the marker on its root disk, which has seen that many starts."""
        console = self.directory(uuid) / "console.log"
        wanted = lambda: next((one for one in tiny_guest.reports(console) if one.starts == starts), None)
        try:
            report = eventually(wanted, f"the guest's report of start {starts}")
        except AssertionError as never:
            raise AssertionError(f"{never}; its console: {console.read_text(errors='replace')[-2000:] if console.exists() else None}")
        self.assertEqual(report.marker, tiny_guest.MARKER)
        return report

    def assert_says(self, answer: own_libvirt.Said, *words: str) -> None:
        self.assertNotEqual(answer.code, 0, answer)
        for word in words:
            self.assertIn(word, answer.err)

    def state(self, name: str) -> str:
        return self.libvirt.done("domstate", name)
