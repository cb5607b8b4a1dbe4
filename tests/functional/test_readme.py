"""The README's tour: every command that it shows is run, in its order, by one shell that stops at the first failure."""

import re
import subprocess
import unittest

from harness import CLI, DAEMON, PATIENCE, ROOT, Story

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """What stands behind "$ " in the console blocks, with the lines that a backslash continues."""
    found, continued = [], False
    for block in CONSOLE.findall(text):
        for line in block.splitlines():
            if continued:
                found[-1] += "\n" + line
            elif line.startswith("$ "):
                found.append(line[2:])
            continued = line.endswith("\\") and (continued or line.startswith("$ "))
    return found


class Readme(Story):
    def test_every_command_of_the_tour_succeeds(self):
        tour = commands((ROOT / "README.md").read_text())
        self.assertGreater(len(tour), 20)
        programs = [line for line in tour if line.startswith("export PATH=")]
        self.assertEqual(len(programs), 1, "the tour says where the programs are")
        tour[tour.index(programs[0])] = f"export PATH={DAEMON.parent}:{CLI.parent}:/usr/sbin:/sbin:$PATH"
        # The tour's fixed folder would be shared by two runs at the same time.
        script = "\n".join(tour).replace("/tmp/basecache-tour", str(self.scratch / "tour"))
        end = 'trap \'[ -z "${agent:-}" ] || kill "$agent" 2>/dev/null || true\' EXIT\n'
        done = subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", end + script], text=True, capture_output=True,
                              env=self.environment(), timeout=PATIENCE * 2)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        for word in ("golden image", '"event":"result"', "the URL has no host", "are kept free\nwould remove 0 of 3 files", "disk.config.rescue"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
