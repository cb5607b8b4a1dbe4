"""The table of image properties is what Nova's own code makes of the same records: tests/data/image_properties.json.

The unit tests of agent/image hold ours against the same file. Skips where python3-nova isn't installed.
"""

import json
import subprocess
import unittest
from pathlib import Path

from harness import ROOT, Story

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("nova_image_meta.py")
TABLE = ROOT / "tests" / "data" / "image_properties.json"
PATIENCE = 300


class ImageProperties(Story):
    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import nova.compute.utils"], capture_output=True).returncode != 0:
            self.skipTest("python3-nova isn't installed: tools/install-packages.sh peers")

    def test_the_table_is_what_nova_says(self):
        done = subprocess.run([PYTHON, PROGRAM], env=self.environment(HOME="/dev/null"), text=True, capture_output=True,
                              cwd=self.scratch, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        by_nova, kept = json.loads(done.stdout), json.loads(TABLE.read_text())
        self.assertGreaterEqual(len(kept["rows"]), 80)
        for name in ("rows", "translations", "block_devices"):
            self.assertEqual(len(by_nova[name]), len(kept[name]))
            for ours, novas in zip(kept[name], by_nova[name], strict=True):
                with self.subTest(ours.get("what") or ours["properties"]):
                    self.assertEqual(ours, novas)


if __name__ == "__main__":
    unittest.main(verbosity=2)
