"""The cron file, run by the real cron daemon, which sees no other."""

import os
import shutil
import subprocess
import unittest

import images
from harness import CLI, DAY, ROOT, eventually
from image_story import ImageStory

CRON_FILE = ROOT / "packaging/cron/basecache"
MINUTE = 75.0  # seconds until a job of every minute has run

# Debian's cron with empty tables but for ours, in a mount namespace of its own.
ALONE = """
mount --bind "$1" /etc/cron.d
mount --bind "$2" /etc/crontab
mount --bind "$3" /var/spool/cron
mount -t tmpfs tmpfs /run
exec cron -f -L 15
"""


def lacks() -> str | None:
    if os.geteuid() != 0:
        return "takes root"
    if shutil.which("cron") is None:
        return "cron isn't installed: tools/install-packages.sh test"
    probe = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/run"]
    return None if subprocess.run(probe, capture_output=True).returncode == 0 else "no mount namespace can be made here"


@unittest.skipIf(lacks(), lacks())
class Cron(ImageStory):
    def table(self) -> str:
        """The shipped file, for every minute, without its delay, and of this story's programs."""
        text = CRON_FILE.read_text()
        command = f"{CLI} --config {self.config()} --socket {self.scratch}/agent.sock cache prune --quiet >>{self.scratch}/said 2>&1"
        for shipped, ours in (("\n17 * * * * root ", "\n* * * * * root "), ("/usr/bin/basecache", str(CLI)),
                              (r"RANDOM \% 240", r"RANDOM \% 1"), ("basecache cache prune --quiet\n", command + "\n")):
            self.assertEqual(text.count(shipped), 1, shipped)
            text = text.replace(shipped, ours)
        return text

    def test_it_prunes_and_says_nothing(self):
        daemon, client = self.daemon(self.config(image_cache={"manager_interval": -1}))
        url = self.serve(images.qcow2())
        self.assertEqual(client.request("POST", "/v1/cache/images", {"image_ref": url}).status, 200)
        self.grow_old(self.base_file(url), 2 * DAY)
        tables, spool, none = (self.scratch / name for name in ("cron.d", "spool", "crontab"))
        tables.mkdir()
        (spool / "crontabs").mkdir(parents=True)
        none.touch()
        (tables / "basecache").write_text(self.table())
        (tables / "basecache").chmod(0o644)
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", ALONE, "sh", tables, none, spool]
        cron = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            eventually(lambda: not self.base_file(url).exists(), "cron's prune", MINUTE)
            eventually(lambda: "event=operation_done operation=prune" in daemon.text(), "its answer")
        finally:
            cron.terminate()
            cron.wait()
        self.assertEqual((self.scratch / "said").read_text(), "")


if __name__ == "__main__":
    unittest.main()
