"""Registries behind TLS: who isn't who they should be gets nothing from us, not a token and not a password."""

import unittest

import scripted_registry_faults as faults
from registry_story import RegistryStory
from scripted_registry import ScriptedRegistry
from scripted_registry_tls import Authority


class Tls(RegistryStory):
    """Keystone speaks plainly, unless said otherwise; the image service has a certificate of an own authority."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.scratch)

    def secured(self, name: str = "IP:127.0.0.1", authority: Authority | None = None) -> ScriptedRegistry:
        """The same registry, with a certificate for that name."""
        registry = self.started_registry((authority or self.authority).server_context(name))
        registry.images, registry.tokens, registry.password = (self.registry.images, self.registry.tokens,
                                                               self.registry.password)
        return registry

    def start_with(self, registry: ScriptedRegistry, cafile: Authority | None) -> None:
        self.start({"api_servers": registry.address, **({"cafile": cafile.certificate} if cafile else {})})

    def assert_not_trusted(self, registry: ScriptedRegistry, cafile: Authority | None) -> None:
        self.start_with(registry, cafile)
        self.assert_problem(self.create(), 502, "source_unavailable", registry.address, "certificate")
        self.assert_nothing_visible()
        self.assertEqual(registry.requests, [])
        self.restart(glance={"api_servers": self.secured().address, "cafile": self.authority.certificate})
        self.assert_fetched()

    def test_the_right_authority_and_name_are_trusted(self):
        registry = self.secured()
        self.start_with(registry, self.authority)
        self.assert_fetched()
        self.assertEqual(len(self.fetches(registry)), 1)
        self.assertEqual(self.fetches(), [])

    def test_an_authority_that_nobody_knows_is_not(self):
        self.assert_not_trusted(self.secured(), None)

    def test_another_authority_is_not(self):
        self.assert_not_trusted(self.secured(authority=Authority(self.scratch, "stranger")), self.authority)

    def test_a_name_of_another_server_is_not(self):
        self.assert_not_trusted(self.secured("DNS:elsewhere.example"), self.authority)

    def test_a_server_that_speaks_no_tls_is_not(self):
        self.start({"api_servers": self.registry.address.replace("http:", "https:"),
                    "cafile": self.authority.certificate})
        self.assert_problem(self.create(), 502, "source_unavailable", "https://")
        self.assert_nothing_visible()

    def test_a_redirect_out_of_tls_is_refused(self):
        registry = self.secured()
        registry.misbehave("GET", self.image.file_path, faults.redirect(self.registry.url(self.image.file_path)))
        self.start_with(registry, self.authority)
        self.assert_problem(self.create(), 403, "forbidden", "from https to")
        self.assert_nothing_visible()
        self.assertEqual(self.fetches(), [])
        self.assert_fetched()

    def test_keystone_has_a_cafile_of_its_own(self):
        registry = self.secured()
        self.start({"cafile": self.authority.certificate},
                   identity={"auth_url": registry.auth_url, "cafile": self.authority.certificate})
        self.assert_fetched()
        self.assertEqual(self.registry.requests, [])

    def test_a_keystone_that_is_not_trusted_is_told_no_password(self):
        registry = self.secured()
        self.start({"cafile": self.authority.certificate}, identity={"auth_url": registry.auth_url})
        self.assert_problem(self.create(), 502, "source_unavailable", "Keystone", "certificate")
        self.assert_nothing_visible()
        self.assertEqual(registry.requests, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
