"""What runs guests ends those that hang, and doesn't take a failure for a report."""

import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import emulated_machine
import guest_machine
from guest_machine import Drive
from requirements import Missing

MAC = "fa:16:3e:00:00:01"


class Machine(unittest.TestCase):
    def run_guest(self, drives: int) -> str:
        """With empty disks."""
        try:
            kernel = emulated_machine.newest_kernel("guest")
        except Missing as missing:
            self.skipTest(str(missing))
        self.scratch = Path(tempfile.mkdtemp(prefix="basecache-guest."))
        self.addCleanup(shutil.rmtree, self.scratch)
        disk = self.scratch / "disk"
        disk.write_bytes(bytes(1 << 20))
        ramdisk = guest_machine.make_ramdisk(self.scratch, kernel)
        return guest_machine.run(self.scratch, str(kernel), str(ramdisk), [Drive(str(disk), "raw")] * drives, MAC)

    def processes(self) -> list[str]:
        return [str(path.parent) for path in Path("/proc").glob("[0-9]*/cmdline") if str(self.scratch) in text_of(path)]

    def test_a_guest_that_goes_on_for_too_long_is_ended(self):
        with mock.patch.object(guest_machine, "SECONDS", 0.5):
            with self.assertRaisesRegex(AssertionError, r"didn't end within 0\.5 s\n== console\.log\n"):
                self.run_guest(1)
        self.assertEqual(self.processes(), [])

    def test_a_guest_that_does_not_start_is_told_with_what_it_said(self):
        said = self.run_guest(1)
        self.assertEqual(self.processes(), [])
        with self.assertRaisesRegex(AssertionError, r"without a report\n(.*\n)*.*there is no root file system"):
            guest_machine.report_of(said)

    def test_a_qemu_that_refuses_its_arguments_is_told(self):
        with self.assertRaisesRegex(AssertionError, r"QEMU ended with 1\n(.*\n)*.*Failed to get \"write\" lock"):
            self.run_guest(2)

    def test_a_line_that_the_kernel_wrote_into_is_no_report(self):
        broken, whole = guest_machine.REPORT + '{"host[ 1.0] hello', guest_machine.REPORT + '{"hostname": "web-1"}'
        self.assertEqual(guest_machine.report_of(f"systemd\r\n{broken}\r\n\r\n{whole}\r\nreboot"), {"hostname": "web-1"})


def text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # it has ended


if __name__ == "__main__":
    unittest.main(verbosity=2)
