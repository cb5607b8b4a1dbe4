"""Signed images: taken when the signature verifies with a certificate that is trusted, else refused before anybody can
use them."""

import base64
import unittest
from pathlib import Path

import scripted_registry_faults as faults
from harness import MIB, new_uuid, tool
from registry_story import RegistryStory

RSA = ("RSA-PSS", "SHA-256", ["rsa:2048"], ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:max"])
ECC = ("ECC_SECP384R1", "SHA-384", ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], [])


class Signer:
    """A key and its certificate, in a directory of the caller's; self-signed, or signed by another one."""

    def __init__(self, directory: Path, kind: tuple = RSA, by: "Signer | None" = None, usage: str = "digitalSignature"):
        self.id = new_uuid()
        self.key_type, self.hash_method, key, self._options = kind
        self.certificate, self.key = directory / f"{self.id}.pem", directory / f"{self.id}.key"
        issuer = ["-CA", by.certificate, "-CAkey", by.key] if by else []
        tool("openssl", "req", "-x509", "-newkey", *key, *issuer, "-nodes", "-days", "2", "-keyout", self.key,
             "-out", self.certificate, "-subj", f"/CN=signer {self.id}", "-addext", f"keyUsage=critical,{usage}")

    def sign(self, content: bytes) -> dict[str, str]:
        """The properties of an image of that content."""
        signed, signature = self.key.with_suffix(".signed"), self.key.with_suffix(".signature")
        signed.write_bytes(content)
        digest = "-" + self.hash_method.replace("-", "").lower()
        tool("openssl", "dgst", digest, "-sign", self.key, *self._options, "-out", signature, signed)
        return {"img_signature": base64.b64encode(signature.read_bytes()).decode(),
                "img_signature_hash_method": self.hash_method, "img_signature_key_type": self.key_type,
                "img_signature_certificate_uuid": self.id}


class Signatures(RegistryStory):
    def setUp(self) -> None:
        super().setUp()
        self.certificates = self.scratch / "certificates"
        self.elsewhere = self.scratch / "elsewhere"
        self.certificates.mkdir()
        self.elsewhere.mkdir()
        self.signer = Signer(self.certificates)

    def start_verifying(self, retries: int = 1, **glance) -> None:
        self.start({"verify_glance_signatures": "true", "num_retries": retries, **glance},
                   {"certificate_directory": self.certificates})

    def sign(self, signer: Signer | None = None, **changes: str) -> None:
        self.image.record.update({**(signer or self.signer).sign(self.content), **changes})

    def assert_refused(self, code: str, *words: str) -> None:
        """The image as it is now isn't taken; signed well it is."""
        self.start_verifying()
        self.assert_problem(self.create(), 422, code, *words)
        self.assert_nothing_visible()
        self.sign()
        self.assert_fetched()

    def test_a_good_signature_is_taken(self):
        for kind in (RSA, ECC):
            with self.subTest(kind[0]):
                self.image = self.registry.add_image(self.content, disk_format="raw")
                self.sign(Signer(self.certificates, kind))
                self.start_verifying()
                self.assert_fetched()
                self.running.stop()

    def test_a_signature_holds_over_a_transfer_that_broke_off(self):
        self.sign()
        self.start_verifying()
        self.script(faults.cut(MIB))
        self.assert_fetched()
        self.assertEqual(len(self.fetches()), 2)

    def test_a_tampered_image_is_refused_although_its_hash_is_right(self):
        self.sign()
        signed, tampered = self.content, self.content[:-1] + bytes([self.content[-1] ^ 1])
        self.image.put(tampered)
        self.start_verifying(retries=3)
        self.assert_problem(self.create(), 422, "checksum_mismatch", "img_signature", self.signer.id)
        self.assert_nothing_visible()
        self.assertEqual(len(self.fetches()), 1)
        self.image.put(signed)
        self.assert_fetched()

    def test_an_unsigned_image_is_refused(self):
        self.assert_refused("image_unacceptable", "signature")
        self.assertEqual(len(self.fetches()), 1)  # the signed one's

    def test_half_a_signature_is_refused(self):
        self.sign()
        del self.image.record["img_signature_hash_method"]
        self.assert_refused("image_unacceptable", "img_signature_hash_method")

    def test_a_certificate_that_is_not_there_is_named(self):
        stranger = Signer(self.elsewhere)
        self.sign(stranger)
        self.assert_refused("image_unacceptable", stranger.id, str(self.certificates))

    def test_a_signature_of_somebody_else_is_refused(self):
        self.sign(Signer(self.elsewhere), img_signature_certificate_uuid=self.signer.id)
        self.assert_refused("checksum_mismatch", self.signer.id)

    def test_a_signer_must_be_certified_where_that_is_demanded(self):
        authority = Signer(self.certificates, usage="keyCertSign")
        certified = Signer(self.certificates, by=authority)
        self.sign()
        self.start_verifying(enable_certificate_validation="true", default_trusted_certificate_ids=authority.id)
        self.assert_problem(self.create(), 422, "image_unacceptable", self.signer.id)
        self.assert_nothing_visible()
        self.sign(certified)
        self.assert_fetched()

    def test_without_verification_nobody_looks(self):
        self.start()
        self.sign(img_signature="AAAA")
        self.assert_fetched()


if __name__ == "__main__":
    unittest.main(verbosity=2)
