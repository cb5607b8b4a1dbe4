"""What a peer started ends with it: after a success, after a failure, and when its test is killed."""

import os
import select
import shutil
import socket
import subprocess
import sys
import unittest
from pathlib import Path

from process import PATIENCE, Peer, Port, require

# Ends its child when it is told to, as daemons with workers do.
SLEEP_IN_CHILD = "trap 'kill $!' TERM; sleep infinity & echo $! > starting; mv starting child; wait"

KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from test_process import Sleeper
sleeper = Sleeper().start()
print(sleeper.process.pid, sleeper.scratch, flush=True)
sys.stdin.read()
"""


class Sleeper(Peer):
    def __init__(self, fails: bool = False):
        super().__init__()
        self._fails = fails

    def _start(self) -> None:
        self.process = self.daemon("sleeper", ["sh", "-c", SLEEP_IN_CHILD])
        self.process.wait_until((self.scratch / "child").exists)
        if self._fails:
            raise AssertionError("on purpose")


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Ending(unittest.TestCase):
    def test_a_peer_that_is_closed_leaves_no_process_and_no_file(self):
        with Sleeper() as sleeper:
            pids = [sleeper.process.pid, int((sleeper.scratch / "child").read_text())]
            self.assertTrue(all(map(runs, pids)))
            processes = [self.watched(pid) for pid in pids]
        for process in processes:
            self.assert_ends(process)  # killed it is; the kernel may take a moment
        self.assertFalse(sleeper.scratch.exists())

    def watched(self, pid: int) -> int:
        process = os.pidfd_open(pid)
        self.addCleanup(os.close, process)
        return process

    def assert_ends(self, process: int) -> None:
        ended, _, _ = select.select([process], [], [], PATIENCE)
        self.assertTrue(ended)

    def test_a_peer_that_fails_to_start_leaves_no_process_and_no_file(self):
        sleeper = Sleeper(fails=True)
        with self.assertRaisesRegex(AssertionError, "on purpose"):
            sleeper.start()
        self.assertFalse(runs(sleeper.process.pid))
        self.assertFalse(sleeper.scratch.exists())

    def test_a_killed_test_takes_its_daemons_along(self):
        test = subprocess.Popen([sys.executable, "-c", KILLED, Path(__file__).parent], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with test:
            pid, scratch = test.stdout.readline().split()
            self.addCleanup(shutil.rmtree, scratch)
            daemon = self.watched(int(pid))
            test.kill()
        self.assert_ends(daemon)

    def test_a_daemon_that_ends_early_is_a_failure_with_its_output(self):
        class Broken(Peer):
            def _start(self) -> None:
                self.daemon("broken", ["sh", "-c", "echo no such option; exit 3"]).wait_until(lambda: False)

        with self.assertRaisesRegex(AssertionError, "(?s)broken ended with 3.*no such option"):
            Broken().start()

    def test_a_port_is_kept_from_others_until_its_daemon_listens(self):
        port = Port()
        self.addCleanup(port.close)
        with socket.socket() as stranger:
            with self.assertRaises(OSError):
                stranger.bind(("127.0.0.1", port.number))
        with socket.create_server(("127.0.0.1", port.number)):  # sets SO_REUSEADDR
            socket.create_connection(("127.0.0.1", port.number)).close()

    def test_a_missing_program_is_a_skip_that_says_how_to_get_it(self):
        with self.assertRaisesRegex(unittest.SkipTest, "no-such-program.*install-packages"):
            require("Nothing", "no-such-program")


if __name__ == "__main__":
    unittest.main(verbosity=2)
