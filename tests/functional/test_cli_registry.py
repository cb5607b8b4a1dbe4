"""The command line before a registry that it asks itself: whom it takes for its cloud, and what it tells of images."""

import unittest

from harness import CliResult
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


class Listing(ImageCommands):
    def test_a_record_that_cannot_be_read_is_named_beside_the_others(self):
        self.registry.add_image(None, id=DAMAGED, size="much")
        listed = self.glance("list")
        self.assertEqual(listed.code, 0, listed.err)
        self.assertIn(self.image.id, listed.out)
        self.assertRegex(listed.out, f"damaged: {DAMAGED}: .*size")


if __name__ == "__main__":
    unittest.main(verbosity=2)
