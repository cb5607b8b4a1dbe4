"""Everything that our client changes and reads at a real Glance, most of which no command asks for yet."""

import functools
import os
import subprocess
import threading
import unittest
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import images
from cloud_story import CloudStory
from process import environment

PROGRAM = os.environ.get("BASECACHE_REAL_GLANCE_TEST", "build/tests/peers/real_glance_test")


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


class Editor(CloudStory):
    def remote_image(self) -> str:
        """At a server that tells Glance its size."""
        file = images.raw()
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=file.parent))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        for end in (server.server_close, thread.join, server.shutdown):
            self.addCleanup(end)
        return f"http://127.0.0.1:{server.server_address[1]}/{file.name}"

    def test_glance_does_what_it_is_asked_for(self):
        known = environment(OS_CLIENT_CONFIG_FILE=self.cloud.clouds_yaml, REMOTE_IMAGE=self.remote_image())
        done = subprocess.run([PROGRAM], env=known, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
