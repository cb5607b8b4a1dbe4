"""The command line before a registry that it asks itself: whom it takes for its cloud, and what it tells of images."""

import json
import signal
import subprocess
import unittest
from pathlib import Path

import images
import scripted_registry_faults as faults
from harness import CLI, CliResult, new_uuid
from registry_story import RegistryStory
from scripted_registry import REGION, ScriptedRegistry
from scripted_registry_tls import Authority

DAMAGED = "11111111-2222-3333-4444-555555555555"


class ImageCommands(RegistryStory):
    def cloud(self, **changes: object) -> dict[str, str]:
        """The registry as OpenStack's variables name it; changes without the OS_."""
        named = {**self.identity(), "region_name": REGION, **changes}
        return {f"OS_{name.upper()}": str(value) for name, value in named.items()}

    def glance(self, *arguments, config: Path | None = None, **variables: object) -> CliResult:
        """An image command, with changes of the cloud's variables."""
        return self.cli("image", *arguments, "--registry", "glance", config=config, variables=self.cloud(**variables))


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


class WhichCloud(ImageCommands):
    def another_registry(self, **how) -> ScriptedRegistry:
        """With the same images, which takes the same tokens."""
        registry = self.started_registry(**how)
        registry.images, registry.tokens = self.registry.images, self.registry.tokens
        return registry

    def test_a_cloud_that_cannot_be_read_is_no_matter_where_none_is_asked(self):
        nowhere = {"OS_CLOUD": "nowhere"}
        url = self.server.serve("/image", images.raw())
        for command in (("image", "list", "--registry", "directory"), ("--standalone", "cache", "list"),
                        ("--standalone", "status"), ("--standalone", "cache", "prune", "--dry-run"),
                        ("--standalone", "cache", "precache", url),
                        ("--standalone", "create", "--instance", new_uuid(), "--image", url)):
            for registry in ("auto", "glance"):
                with self.subTest(command, registry=registry):
                    config = self.config(basecache={"registry": registry})
                    done = self.cli(*command, config=config, variables=nowhere)
                    self.assertEqual(done.code, 0, done.err)
        for command in (("image", "list"), ("--standalone", "cache", "precache", self.image.id),
                        ("--standalone", "cache", "precache", url, self.image.id)):
            with self.subTest(command):
                done = self.cli(*command, variables=nowhere)
                self.assertEqual(done.code, 2, done.err)
                self.assertIn("OS_CLOUD", done.err)

    def test_a_url_and_an_image_of_the_cloud_are_precached_together(self):
        url = self.server.serve("/image", images.raw())
        done = self.cli("--standalone", "cache", "precache", url, self.image.id, url, variables=self.cloud())
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(self.base_file(self.image.id).exists())

    def test_its_tokens_are_not_for_the_configured_old_registry(self):
        configured = self.another_registry()
        config = self.config(glance={"api_version": 1, "registry_servers": configured.address})
        shown = self.glance("show", self.image.id, config=config)
        self.assertEqual(shown.code, 0, shown.err)
        self.assertEqual(configured.requests, [])
        self.cli("--standalone", "cache", "precache", self.image.id, config=config, variables=self.cloud())
        self.assertEqual([request.headers["x-auth-token"] for request in configured.requests
                          if "x-auth-token" in request.headers], [])

    def test_whom_it_trusts_is_not_what_is_configured(self):
        authority = Authority(self.scratch)
        secured = self.another_registry(tls=authority.server_context())
        config = self.config(glance={"cafile": authority.certificate})
        listed = self.glance("list", config=config, image_endpoint_override=secured.address)
        self.assertEqual(listed.code, 6, listed.err)
        self.assertIn("certificate", listed.err)
        listed = self.glance("list", image_endpoint_override=secured.address, cacert=authority.certificate)
        self.assertEqual(listed.code, 0, listed.err)


    def test_a_token_with_a_line_end_is_not_sent(self):
        token = "canary\r\nX-Evil: 1"
        daemon, client = self.daemon()
        self.addCleanup(daemon.stop)
        for command in (("image", "list", "--registry", "glance"), ("--standalone", "cache", "precache", self.image.id),
                        ("--socket", client.path, "cache", "list")):
            with self.subTest(command):
                done = self.cli(*command, variables=self.cloud(token=token, auth_type="token"))
                self.assertEqual(done.code, 2, done.err)
                self.assertRegex(done.err, "token.* has a line end")
                self.assertIn("hint:", done.err)
                self.assertNotIn("canary", done.err)
        self.assertEqual(self.registry.requests, [])

    def test_an_address_without_a_scheme_is_explained(self):
        done = self.glance("list", auth_url="keystone:5000")
        self.assertEqual(done.code, 2, done.err)
        self.assertRegex(done.err, "(?s)'keystone:5000'.*hint: .*http://")


class Naming(ImageCommands):
    def test_an_image_is_named_by_its_uuid(self):
        for registry in ("directory", "glance"):
            for command in (("show",), ("delete",), ("import", images.raw(), "--id")):
                for name in (".", "..", "a/b", "*", f"{self.image.id}/file", self.image.id[:-1], *[""] * (len(command) == 1)):
                    with self.subTest(command, registry=registry, name=name):
                        done = self.cli("image", *command, name, "--registry", registry, variables=self.cloud())
                        self.assertEqual((done.code, "hint:" in done.err), (2, True), done.err)
                        self.assertIn("UUID", done.err)
        self.assertEqual(self.registry.requests, [])
        self.assertEqual(self.glance("delete", self.image.id).code, 0)


class Listing(ImageCommands):
    def test_a_record_that_cannot_be_read_is_named_beside_the_others(self):
        self.registry.add_image(None, id=DAMAGED, size="much")
        listed = self.glance("list")
        self.assertEqual(listed.code, 0, listed.err)
        self.assertIn(self.image.id, listed.out)
        self.assertRegex(listed.out, f"damaged: {DAMAGED}: .*size")


if __name__ == "__main__":
    unittest.main(verbosity=2)
