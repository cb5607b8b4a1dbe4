"""The libvirtd of an ordinary user calls the same hook, as that user."""

import os
import shutil
import signal
from pathlib import Path

import private_machine
import tiny_guest
from domain_story import SOCKET, DomainStory
from harness import eventually, new_uuid
from private_machine import USER_ID

HOME = Path("/run") / private_machine.USER


class Session(DomainStory):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(end_processes)
        # What QEMU can do, as the system's libvirtd has found out; its own would ask again.
        shutil.copytree("/var/cache/libvirt", HOME / ".cache/libvirt", dirs_exist_ok=True)
        for path in (HOME, *HOME.rglob("*")):
            os.chown(path, USER_ID, USER_ID)

    def virsh(self, *words: object):
        return self.libvirt.virsh(*words, uri="qemu:///session", user=USER_ID, group=USER_ID, extra_groups=[],
                                  variables={"HOME": str(HOME), "XDG_RUNTIME_DIR": str(HOME)})

    def own_domain(self, metadata: str | None) -> Path:
        """Whose files are the user's; its uuid is a new one."""
        uuid = new_uuid()
        folder = HOME / uuid
        folder.mkdir()
        shutil.copy(tiny_guest.root_image(), folder / "disk")
        for path in (folder, folder / "disk"):
            os.chown(path, USER_ID, USER_ID)
        boot = (folder / "vmlinuz", tiny_guest.ramdisk())
        shutil.copy(tiny_guest.kernel(), boot[0])
        boot[0].chmod(0o644)
        self.console = folder / "console.log"
        path = HOME / "domain.xml"
        path.write_text(tiny_guest.domain("mine", uuid, folder, metadata, boot=boot))
        path.chmod(0o644)
        return path

    def test_a_domain_of_the_users_own_starts(self):
        code, _, err = self.virsh("create", self.own_domain(""))
        self.assertEqual(code, 0, err)
        eventually(lambda: tiny_guest.reports(self.console), "the guest's report")

    def test_a_domain_that_asks_for_disks_of_ours_is_refused_with_the_peer_rules_reason(self):
        SOCKET.chmod(0o666)  # the way to it is open
        path = HOME / "domain.xml"
        path.write_text(self.domain())
        path.chmod(0o644)
        self.assert_says(self.virsh("create", path), "Hook script execution failed", str(USER_ID))
        self.assertFalse(self.directory(self.uuid).exists())
        self.assertFalse(self.lease(self.uuid).exists())

    def test_where_the_socket_isnt_the_users_to_open_that_is_the_reason(self):
        path = HOME / "domain.xml"
        path.write_text(self.domain())
        path.chmod(0o644)
        self.assert_says(self.virsh("create", path), "Hook script execution failed", "ermission denied")


def end_processes() -> None:
    """All of the user's, who has none outside of the private machine."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == USER_ID:
                os.kill(int(process.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended


if __name__ == "__main__":
    private_machine.run_stories()
