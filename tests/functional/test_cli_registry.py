"""The command line before a registry that it asks itself: whom it takes for its cloud, and what it tells of images."""

import json
import signal
import subprocess
import unittest

import scripted_registry_faults as faults
from harness import CLI, CliResult
from registry_story import RegistryStory
from scripted_registry import REGION

DAMAGED = "11111111-2222-3333-4444-555555555555"


class ImageCommands(RegistryStory):
    def cloud(self, **changes: str) -> dict[str, str]:
        """The registry as OpenStack's variables name it; changes without the OS_."""
        named = {**self.identity(), "region_name": REGION, **changes}
        return {f"OS_{name.upper()}": value for name, value in named.items()}

    def glance(self, *arguments, **variables: str) -> CliResult:
        """An image command, with changes of the cloud's variables."""
        return self.cli("image", *arguments, "--registry", "glance", variables=self.cloud(**variables))


class Cancelling(ImageCommands):
    def assert_cancelled(self, path: str, *arguments, keeps: bool) -> None:
        """The answer to GET of that path doesn't come, and Ctrl-C ends the program, which says what is kept."""
        for output in ([], ["--json"]):
            gate = self.registry.gate()
            self.registry.misbehave("GET", path, faults.gated(gate, 1))
            command = [str(word) for word in (CLI, "--config", self.config(), *output, *arguments)]
            with self.subTest(output), subprocess.Popen(
                    command, env=self.environment(**self.cloud()), text=True, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                gate.wait_reached()
                process.send_signal(signal.SIGINT)
                told = process.communicate()[1]
                self.assertEqual(process.returncode, 130, told)
                self.assertIn("cancelled", told)
                self.assertEqual("what had arrived of an image is kept" in told, keeps, told)
                if output:
                    self.assertEqual(json.loads(told)["code"], "cancelled")

    def test_a_transfer_says_what_is_kept(self):
        self.assert_cancelled(self.image.file_path, "--standalone", "cache", "precache", self.image.id, keeps=True)

    def test_a_list_keeps_nothing(self):
        self.assert_cancelled("/v2/images", "image", "list", "--registry", "glance", keeps=False)


class Listing(ImageCommands):
    def test_a_record_that_cannot_be_read_is_named_beside_the_others(self):
        self.registry.add_image(None, id=DAMAGED, size="much")
        listed = self.glance("list")
        self.assertEqual(listed.code, 0, listed.err)
        self.assertIn(self.image.id, listed.out)
        self.assertRegex(listed.out, f"damaged: {DAMAGED}: .*size")


if __name__ == "__main__":
    unittest.main(verbosity=2)
